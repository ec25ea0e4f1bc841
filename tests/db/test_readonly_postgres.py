"""SQL on PostgreSQL, as a superuser: what is no question is refused, what is private stays unseen, and nothing changes."""

import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from db import postgres_guard, schema
from db.engine import open_engine
from db.errors import DatabaseError
from db.readonly import Limits, ask, readable

LIMITS = Limits(max_rows=100, timeout_seconds=1)

WRITES = [
    "INSERT INTO posts VALUES (1)",
    "WITH a AS (INSERT INTO runs (kind, started_at, status) VALUES ('x', now(), 'ok') RETURNING *) SELECT * FROM a",
    "WITH a AS (UPDATE posts SET text = 'x' RETURNING *) SELECT * FROM a",
    "WITH a AS (DELETE FROM posts RETURNING *) SELECT * FROM a",
    "WITH a AS (MERGE INTO posts p USING labels l ON true WHEN MATCHED THEN DELETE RETURNING *) SELECT * FROM a",
    "WITH a AS (SELECT 1) DELETE FROM posts",
    "SELECT * INTO copy FROM posts",
    "SELECT * INTO TEMP copy FROM posts",
    "CREATE TABLE copy AS SELECT 1",
    "CREATE TEMP TABLE copy (a int)",
    "SELECT * FROM posts FOR UPDATE",
    "SELECT * FROM posts FOR KEY SHARE SKIP LOCKED",
    "SELECT 1; DROP TABLE posts",
    "SELECT 1; COMMIT; DROP TABLE posts",
    "SELECT 1 /* ; */ ; DELETE FROM posts --",
    "SELECT 'a\\'; DROP TABLE posts; --'",
    "EXPLAIN ANALYZE DELETE FROM posts",
    "DO $$ BEGIN EXECUTE 'DROP TABLE posts'; END $$",
    "COPY posts TO PROGRAM 'touch owned'",
    "COPY (SELECT 1) TO '/tmp/owned'",
    "TRUNCATE posts",
    "SET TRANSACTION READ WRITE",
    "SET ROLE postgres",
    "RESET ROLE",
    "BEGIN; COMMIT",
    "PREPARE x AS SELECT 1",
    "EXECUTE x",
    "DECLARE c CURSOR FOR SELECT 1",
    "LISTEN x",
    "LOCK TABLE posts",
    "CALL nothing()",
    "VACUUM",
    "ALTER ROLE postgres SUPERUSER",
]
LOOKS = [
    "SELECT author_key FROM posts",
    "SELECT p.author_key FROM public.posts AS p",
    'SELECT "author_key" FROM "posts"',
    "SELECT (p).author_key FROM posts p",
    "SELECT (posts.*).author_key FROM posts",
    "SELECT author_key(posts) FROM posts",
    'SELECT "author_key"(p) FROM posts p',
    "SELECT 1 FROM posts WHERE author_key LIKE 'S%'",
    "SELECT 1 FROM posts ORDER BY author_key",
    "SELECT author_key FROM posts NATURAL JOIN runs",
    "SELECT * FROM ONLY posts",
    "TABLE posts",
    "SELECT auditor FROM audits",
    "WITH v_posts AS (SELECT author_key FROM posts) SELECT * FROM v_posts",
    "WITH pg_authid AS (SELECT 1) SELECT * FROM pg_authid",
    "SELECT * FROM (WITH cursors AS (SELECT 1) SELECT * FROM cursors) a, cursors",
    "SELECT * FROM cursors",
    'SELECT * FROM "public"."cursors"',
    "SELECT * FROM spend",
    "SELECT * FROM alembic_version",
    "SELECT count(*) FROM rollups_dirty",
    "SELECT * FROM pg_shadow",
    "SELECT * FROM Pg_Catalog.Pg_Authid",
    "SELECT (SELECT rolpassword FROM pg_authid LIMIT 1)",
    "SELECT 'x' UNION SELECT rolpassword FROM pg_authid",
    "SELECT array(SELECT rolname::text FROM pg_authid)",
    "SELECT exists(SELECT 1 FROM pg_authid)",
    "SELECT * FROM posts p, LATERAL (SELECT * FROM pg_authid) x",
    "SELECT * FROM posts JOIN cursors ON true",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_stat_activity",
    "SELECT * FROM pg_read_file('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT \"pg_read_file\"('/etc/passwd')",
    "SELECT pg_catalog.pg_read_file('/etc/passwd')",
    "SELECT PG_Read_File('/etc/passwd')",
    "SELECT U&\"\\0070g_read_file\"('/etc/passwd')",
    "SELECT U&'\\0061'",
    "SELECT E'\\x61'",
    "SELECT $$a$$",
    "SELECT X'1f'",
    "SELECT $1",
    "SELECT :a",
    "SELECT %s",
    "SELECT pg_ls_dir('/')",
    "SELECT * FROM ROWS FROM (pg_ls_dir('/')) AS x",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/owned')",
    "SELECT pg_sleep(100)",
    "SELECT 1 ORDER BY pg_sleep(100)",
    "SELECT count(*) FILTER (WHERE pg_sleep(9) IS NULL) FROM posts",
    "VALUES (pg_sleep(9))",
    'SELECT /* "*/ pg_sleep(9) --"',
    "SELECT set_config('transaction_read_only', 'off', true)",
    "SELECT set_config('role', 'none', true)",
    "SELECT current_setting('data_directory')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_notify('a', 'b')",
    "SELECT nextval('posts_id_seq')",
    "SELECT txid_current()",
    "SELECT query_to_xml('SELECT * FROM pg_shadow', true, true, '')",
    "SELECT table_to_xml('pg_shadow', true, true, '')",
    "SELECT xmlparse(DOCUMENT '<a/>')",
    "SELECT * FROM json_table('[1]', '$[*]' COLUMNS (x int PATH '$'))",
    "SELECT dblink('x', 'SELECT 1')",
    "SELECT 'pg_shadow'::regclass",
    "SELECT 'x'::\"regclass\"",
    "SELECT 'x'::pg_catalog.regclass",
    "SELECT regclass 'pg_shadow'",
    "SELECT tableoid::regclass FROM labels",
    "SELECT current_user",
    "SELECT session_user",
    "SELECT current_schema()",
    "SELECT version()",
    "SELECT has_table_privilege('posts', 'SELECT')",
    "SELECT pg_catalog.lower('X')",
    "SELECT \"other\".lower('X')",
    "SELECT 1 OPERATOR(pg_catalog.+) 2",
    "SELECT format('%1000000000s', 'x')",
    "WITH pg_read_file (a) AS (SELECT 1) SELECT \"pg_read_file\"('/etc/passwd')",
    "WITH t (pg_read_file) AS (SELECT 1) SELECT pg_read_file('/etc/passwd') FROM t",
    "SELECT * FROM unnest(array[1]) AS pg_read_file (x), pg_read_file('/etc/passwd')",
    "SELECT " + "(" * 200 + "1" + ")" * 200,
    "SELECT " + "array[" * 20 + "1" + "]" * 20,
    "SELECT '" + "x" * 200_000 + "'",
]
HEAVY = [
    "SELECT count(*) FROM generate_series(1, 1000000000000)",
    "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t ORDER BY n",
    "SELECT count(*) FROM posts a, posts b, posts c, posts d, posts e, posts f, posts g, posts h",
    "SELECT string_agg(repeat('x', 1000), '') FROM generate_series(1, 100000000)",
]
WHOLE_ROWS = [
    "SELECT * FROM posts",
    "SELECT p.* FROM posts p",
    "SELECT p FROM posts p",
    "SELECT p::text FROM posts p",
    "SELECT to_jsonb(p) FROM posts p",
    "SELECT row_to_json(posts) FROM posts",
    "SELECT json_agg(p) FROM posts p",
    "SELECT array_agg(p) FROM posts p",
    "SELECT * FROM (posts p JOIN labels l ON l.post_id = p.id)",
    "SELECT * FROM posts p (a, b, c, d, e, f, g)",
    "SELECT a FROM (SELECT * FROM posts) a",
    "WITH a AS (SELECT * FROM posts) SELECT to_jsonb(a) FROM a",
]
SAME = """
SELECT date_trunc('day', created_at) AS day, count(*) FILTER (WHERE score > 2) FROM posts GROUP BY 1 ORDER BY 1
SELECT date_trunc('week', created_at AT TIME ZONE 'UTC')::date, lang FROM posts ORDER BY id
WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT * FROM t
WITH a AS MATERIALIZED (SELECT 1 AS x), b (y) AS (SELECT x FROM a) SELECT * FROM a, b
SELECT * FROM unnest(array[1, 2]) AS t (x)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY score), mode() WITHIN GROUP (ORDER BY lang) FROM posts
SELECT DISTINCT ON (source) source, score FROM posts ORDER BY source, created_at DESC
SELECT aspects ->> 0, aspects @> '["speed"]', aspects ? 'speed', aspects -> 1 FROM labels ORDER BY post_id LIMIT 2
SELECT a.v, count(*) FROM labels l CROSS JOIN LATERAL jsonb_array_elements_text(l.aspects) AS a (v) GROUP BY 1 ORDER BY 1
SELECT extract(dow FROM created_at), to_char(created_at, 'YYYY-MM'), created_at::date FROM posts ORDER BY id
SELECT 'a' ~* 'A', 'ab' SIMILAR TO 'a%', 'a' ILIKE 'A', 'a' !~ 'b', 'a_b' LIKE 'a\\_%', 'a%b' LIKE 'a!%%' ESCAPE '!'
SELECT n FROM generate_series(1, 10, 2) n
SELECT d FROM generate_series('2025-01-01'::timestamptz, '2025-01-03'::timestamptz, interval '12 hours') d
SELECT round(avg(score)::numeric, 2), sum(score), avg(score), stddev(score), count(DISTINCT lang) FROM posts
SELECT string_agg(source_id, ',' ORDER BY id DESC) FROM posts
SELECT lower(text) || 'a', left(text, 3), right(text, 2), length(text), upper(lang), reverse(source) FROM posts ORDER BY id
SELECT sum(score) OVER (PARTITION BY lang ORDER BY id ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) FROM posts ORDER BY id
SELECT lag(score, 1) OVER w, first_value(id) OVER w, ntile(4) OVER w FROM posts WINDOW w AS (ORDER BY id) ORDER BY id
(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1 LIMIT 3
SELECT id FROM posts EXCEPT SELECT post_id FROM labels WHERE post_id > 3 ORDER BY 1
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v (a, b)
VALUES (1, 2), (3, 4)
SELECT (array[1, 2])[1], cardinality(array[1, 2]), array_agg(DISTINCT source ORDER BY source) FROM posts
SELECT split_part('a/b/c', '/', 3), repeat('x', 10), lpad('1', 5, '0'), translate('abc', 'a', 'b'), initcap('ab cd')
SELECT 5 / 2, 5::float / 2, 5 % 2, 2 ^ 3, -5 / 2, 7.0 / 2, 1 / 3.0, mod(7, 3), div(7, 2), 1e3, .5
SELECT greatest(1, 2), least(1, 2), coalesce(NULL, 1), nullif(1, 2), width_bucket(1, 0, 10, 5)
SELECT lang, grouping(lang), count(*) FROM posts GROUP BY ROLLUP (lang) ORDER BY 1, 2
SELECT lang, source, count(*) FROM posts GROUP BY GROUPING SETS ((lang), (source), ()) ORDER BY 1, 2
SELECT substring('abc' FROM 2 FOR 1), position('b' IN 'ab'), trim(BOTH 'x' FROM 'xyx'), strpos('ab', 'b'), substr('abc', 2)
SELECT overlay('abc' PLACING 'x' FROM 1), concat('a', 1, NULL), concat_ws('-', 'a', 'b'), md5('x'), ascii('a'), chr(97)
SELECT CASE WHEN score > 20 THEN 'hi' WHEN score = 1 THEN 'one' ELSE 'lo' END, CASE lang WHEN 'en' THEN 1 END FROM posts ORDER BY id
SELECT score FROM posts WHERE text ILIKE '%grok%' AND lang IN ('en', 'ja') AND created_at >= '2025-11-01' ORDER BY score DESC NULLS LAST FETCH FIRST 2 ROWS ONLY
SELECT count(*)::float / nullif(sum(count(*)) OVER (), 0) FROM posts GROUP BY lang ORDER BY lang
SELECT SCORE, "score" FROM POSTS ORDER BY id LIMIT 1 OFFSET 2
SELECT '=1''s "q" -- no comment; /* none */' AS "a b", 'ü漢字🙂', 'back\\slash', '%s %', ''
SELECT true, false, NULL, 1.5, -1, date '2025-01-01', timestamp '2025-01-01 00:00', timestamptz '2025-01-01 00:00+09'
SELECT 1 IS DISTINCT FROM 2, exists(SELECT 1), 1 = ANY(array[1, 2]), 3 > ALL(array[1, 2]), 1 IN (SELECT 1), NOT true
SELECT 1 <> 2, 1 != 2, ~1, 1 # 2, 1 & 3, 1 | 2, 1 << 2, 8 >> 1, NULL IS NULL, 1 BETWEEN 0 AND 2, 2 NOT IN (1)
SELECT '{"a": {"b": 1}}'::jsonb -> 'a' ->> 'b', '{"a": 1}'::jsonb #>> '{a}', '5'::int, '1'::double precision, 5::text
SELECT jsonb_build_object('a', 1, 'b', array_agg(score ORDER BY id)) FROM posts
SELECT regexp_replace('abc', 'b', 'c', 'g'), (regexp_match('abc', 'b'))[1], regexp_count('aab', 'a'), 'a1' ~ '^\\w\\d$'
SELECT ceil(1.2), floor(1.2), trunc(1.25, 1), abs(-1), sign(-2), power(2, 10), ln(2), log(10), exp(1), sqrt(2), round(2.5)
SELECT extract(epoch FROM created_at)::bigint, extract(isoyear FROM created_at), extract(week FROM created_at) FROM posts ORDER BY id
SELECT created_at AT TIME ZONE 'Asia/Tokyo', created_at + interval '1 day 2 hours', created_at - created_at FROM posts ORDER BY id
SELECT date_part('hour', created_at), make_date(2025, 1, 2), to_date('2025-01-02', 'YYYY-MM-DD'), to_timestamp(0) FROM posts ORDER BY id
SELECT a.id FROM posts a WHERE exists (SELECT 1 FROM labels l WHERE l.post_id = a.id AND l.category = 'bias') ORDER BY a.id
SELECT p.id, l.category FROM posts p LEFT JOIN labels l ON l.post_id = p.id FULL JOIN models m ON m.id = l.model_id ORDER BY p.id
SELECT id FROM posts JOIN labels ON post_id = id JOIN (SELECT id, kind AS how FROM runs) r USING (id) ORDER BY id
SELECT corr(score, id), regr_slope(score, id), bool_or(score > 1), bool_and(score > 1), var_pop(score) FROM posts
SELECT * FROM v_posts ORDER BY id
SELECT * FROM v_daily_shares ORDER BY 1, 2, 3, 4, 5
SELECT * FROM v_baseline ORDER BY share
SELECT count(*) FROM posts HAVING count(*) > 1
SELECT 1 LIMIT ALL
SELECT row_number() OVER (ORDER BY count(*) DESC, lang), lang FROM posts GROUP BY lang
SELECT nth_value(id, 2) OVER (ORDER BY id RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM posts
SELECT max(score) FILTER (WHERE lang = 'en') - min(score) FROM posts
SELECT (1, 2) = (1, 2), (SELECT max(id) FROM posts), ((1))
""".strip().splitlines()


@pytest.fixture(scope="module")
def filled(postgres_server, fill):
    """One database for all questions of this module: that none changes it is what is tested."""
    with psycopg.connect(postgres_server.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute("CREATE DATABASE questions")
    engine = open_engine(postgres_server)
    url = engine.url.set(drivername="postgresql", database="questions").render_as_string(hide_password=False)
    engine.dispose()
    engine = open_engine(url)
    schema.upgrade(engine)
    fill(engine)
    engine.dispose()
    yield url
    with psycopg.connect(postgres_server.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute("DROP DATABASE questions WITH (FORCE)")


def stored(url: str) -> list[tuple]:
    """What a statement could have changed: rows, tables, roles' powers."""
    with psycopg.connect(url) as connection:
        return [
            *connection.execute("SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM posts p"),
            *connection.execute("SELECT count(*), max(id), min(status) FROM runs"),
            *connection.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"),
            *connection.execute("SELECT last_value, is_called FROM posts_id_seq"),
        ]


@pytest.mark.parametrize("statement", WRITES + LOOKS, ids=lambda statement: statement[:60])
def test_a_statement_that_is_no_public_question_is_refused(filled, statement, tmp_path):
    before = stored(filled)
    with pytest.raises(DatabaseError) as refused:
        ask(filled, statement, LIMITS)
    assert "SECRET" not in str(refused.value).upper()
    assert stored(filled) == before
    assert not list(tmp_path.iterdir())
    assert not Path("/tmp/owned").exists()


@pytest.mark.parametrize("statement", HEAVY)
def test_a_question_that_never_ends_is_ended(filled, statement):
    begun = time.monotonic()
    with pytest.raises(DatabaseError, match=r"took longer than 1 seconds|more memory than"):
        ask(filled, statement, LIMITS)
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize("statement", WHOLE_ROWS)
def test_a_whole_row_leaves_the_private_column_out(filled, statement):
    answer = ask(filled, statement, LIMITS)
    assert answer.rows
    assert "Grok" in str(answer.rows)
    assert "author" not in str(answer).lower()


@pytest.mark.parametrize("statement", SAME)
def test_the_rewritten_question_has_the_answer_of_the_written_one(filled, statement):
    with psycopg.connect(filled) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        written = connection.execute(statement.encode()).fetchall()
        rewritten = connection.execute(postgres_guard.rewrite(statement, "public").encode()).fetchall()
    assert rewritten == written
    assert len(ask(filled, statement, Limits(max_rows=1000, timeout_seconds=10)).rows) == len(written)


def test_filling_functions_are_capped(filled):
    question = "SELECT length(repeat('x', 1000000000)), length(lpad('x', 1000000000)), repeat('x', 3)"
    assert ask(filled, question, LIMITS).rows == ((1000, 1000, "xxx"),)


def test_behind_the_guard_the_transaction_has_no_powers(filled, monkeypatch):
    """Should a statement slip through the guard, PostgreSQL itself refuses to write, to read files, to start programs."""
    monkeypatch.setattr(postgres_guard, "rewrite", lambda statement, _schema: statement)
    before = stored(filled)
    for statement, said in {
        "SELECT pg_read_file('/etc/passwd')": "permission denied",
        "WITH a AS (DELETE FROM public.posts RETURNING *) SELECT * FROM a": "permission denied",
        "SELECT nextval('public.posts_id_seq')": "permission denied|read-only",
        "SELECT rolpassword FROM pg_authid": "no table or view",
        "SELECT pg_ls_dir('/')": "permission denied",
        "SELECT lo_export(1, '/tmp/owned')": "permission denied|read-only",
    }.items():
        with pytest.raises(DatabaseError, match=said):
            ask(filled, statement, LIMITS)
    assert stored(filled) == before


def test_functions_in_the_schema_of_the_tables_are_out_of_reach(filled):
    with psycopg.connect(filled, autocommit=True) as owner:
        owner.execute(
            "CREATE FUNCTION public.lower(int) RETURNS text LANGUAGE sql AS $$ SELECT author_key FROM posts LIMIT 1 $$"
        )
        try:
            with pytest.raises(DatabaseError, match="does not exist"):
                ask(filled, "SELECT lower(1)", LIMITS)
        finally:
            owner.execute("DROP FUNCTION public.lower(int)")


def test_tables_in_another_schema_are_found(postgres_url, fill):
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute('CREATE SCHEMA "Watch"')
        owner.execute(f'ALTER DATABASE {owner.info.dbname} SET search_path = "Watch"')
    engine = open_engine(postgres_url)
    schema.upgrade(engine)
    fill(engine)
    engine.dispose()
    assert ask(postgres_url, "SELECT count(*) FROM posts, v_baseline", LIMITS).rows == ((150,),)
    assert "author_key" not in readable(postgres_url)["posts"]
    with pytest.raises(DatabaseError, match="no table or view"):
        ask(postgres_url, "SELECT * FROM public.posts", LIMITS)


def test_a_role_without_powers_asks_too(filled):
    with psycopg.connect(filled, autocommit=True) as owner:
        owner.execute("CREATE ROLE plain LOGIN")
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain")
        try:
            url = filled.replace("://postgres", "://plain", 1)
            assert ask(url, "SELECT count(*) FROM v_posts", LIMITS).rows == ((30,),)
        finally:
            owner.execute("DROP OWNED BY plain")
            owner.execute("DROP ROLE plain")


def test_another_schema_is_refused(postgres_url):
    with pytest.raises(DatabaseError, match="is empty"):
        ask(postgres_url, "SELECT 1", LIMITS)
    engine = open_engine(postgres_url)
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(DatabaseError, match="newer than this version"):
        ask(postgres_url, "SELECT 1", LIMITS)


def test_a_server_that_does_not_answer_is_told_without_the_password():
    with pytest.raises(DatabaseError, match="can't be opened") as refused:
        ask("postgresql://someone:hush@127.0.0.1:1/x", "SELECT 1", LIMITS)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("statement", "said", "mend"),
    [
        ("SELECT categry FROM v_posts", "no column 'categry'", "category"),
        ("SELECT * FROM v_post", "no table or view 'v_post'", "v_posts"),
        ("SELECT foo(1)", "function foo", "leave it out"),
        ("SELECT lower(1)", "does not exist", "correct it"),
        ("SELECT 1 FROM", "can't be read at line 1", "correct it"),
        ("SELECT 1 / 0", "division by zero", "correct it"),
        ("", "there is no statement", "SELECT"),
        ("/* nothing */ ;", "there is no statement", "SELECT"),
    ],
)
def test_a_mistake_is_told_with_its_mend(filled, statement, said, mend):
    with pytest.raises(DatabaseError, match=said) as refused:
        ask(filled, statement, LIMITS)
    assert mend in refused.value.mend
