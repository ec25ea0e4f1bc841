"""SQL on SQLite: what is no question is refused, what is private stays unseen, and nothing changes."""

import hashlib
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from db import schema
from db.engine import open_engine
from db.errors import DatabaseError
from db.readonly import Limits, ask, readable

LIMITS = Limits(max_rows=100, timeout_seconds=1)


def doubled(levels: int) -> str:
    """A short statement whose parse tree doubles with every level."""
    steps = "".join(f", c{n} AS (SELECT 1 FROM c{n - 1} a, c{n - 1} b)" for n in range(1, levels + 1))
    return f"WITH c0 AS (SELECT 1){steps} SELECT * FROM c{levels}"


WRITES = [
    "INSERT INTO posts (id) VALUES (99)",
    "insert or replace into main.posts select * from main.posts",
    "UPDATE posts SET text = 'x'",
    "DELETE FROM posts",
    "/* SELECT */ DELETE FROM posts",
    "-- SELECT\nDELETE FROM posts",
    "WITH a AS (SELECT 1) DELETE FROM posts",
    "WITH a AS (SELECT 1) DELETE FROM main.posts",
    "WITH a AS (SELECT 1) INSERT INTO events SELECT * FROM events",
    "WITH a AS (SELECT 1) UPDATE main.runs SET status = 'x'",
    "WITH a AS (SELECT 1) REPLACE INTO baseline SELECT * FROM baseline",
    "SELECT 1; DELETE FROM posts",
    "SELECT 1;;DROP TABLE posts",
    "CREATE TABLE x (a)",
    "CREATE TEMP TABLE x AS SELECT * FROM posts",
    "CREATE VIEW v AS SELECT 1",
    "CREATE TRIGGER t AFTER INSERT ON posts BEGIN SELECT 1; END",
    "DROP VIEW v_posts",
    "ALTER TABLE posts ADD COLUMN x",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
    "VACUUM INTO 'copy.db'",
    "BEGIN IMMEDIATE",
    "COMMIT",
    "SAVEPOINT a",
    "ATTACH DATABASE 'other.db' AS other",
    "ATTACH ':memory:' AS other",
    "DETACH main",
    "PRAGMA query_only = OFF",
    "PRAGMA writable_schema = ON",
    "PRAGMA journal_mode = DELETE",
    "EXPLAIN DELETE FROM posts",
    "EXPLAIN QUERY PLAN SELECT 1",
]
LOOKS = [
    "SELECT author_key FROM posts",
    "SELECT posts.author_key FROM posts",
    'SELECT "author_key" FROM main.posts',
    "SELECT [author_key] FROM main.posts",
    "SELECT AUTHOR_KEY FROM main.POSTS AS p",
    "SELECT * FROM main.posts",
    "SELECT (SELECT author_key FROM main.posts LIMIT 1)",
    "SELECT 1 FROM main.posts WHERE author_key LIKE 'S%'",
    "SELECT 1 FROM main.posts ORDER BY author_key",
    "SELECT count(DISTINCT author_key) FROM main.posts",
    "WITH v_posts AS (SELECT author_key FROM main.posts) SELECT * FROM v_posts",
    "SELECT * FROM (SELECT author_key FROM main.posts) AS v_posts",
    "SELECT auditor FROM audits",
    "SELECT * FROM main.audits",
    "SELECT * FROM cursors",
    "SELECT count(*) FROM cursors",
    "SELECT 1 FROM main.cursors",
    "SELECT * FROM spend",
    "SELECT * FROM rollups_dirty",
    "SELECT * FROM alembic_version",
    "SELECT EXISTS (SELECT 1 FROM alembic_version)",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM sqlite_schema",
    "SELECT count(*) FROM sqlite_temp_master",
    "SELECT sql FROM temp.sqlite_schema",
    "SELECT * FROM pragma_table_info('posts')",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM pragma_journal_mode('delete')",
    "SELECT count(*) FROM dbstat",
    "SELECT * FROM sqlite_dbpage",
    "SELECT * FROM sqlite_stmt",
    "SELECT * FROM generate_series(1, 3)",
    "SELECT load_extension('x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT writefile('x', 'y')",
    "SELECT edit('x')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT sqlite_compileoption_get(1)",
    "SELECT randomblob(1000000000)",
    "SELECT zeroblob(1000000000)",
    "SELECT last_insert_rowid()",
    "SELECT total_changes()",
]
HEAVY = [
    "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    "WITH RECURSIVE t (n, s) AS (SELECT 1, 'x' UNION ALL SELECT n + 1, s || s FROM t) SELECT max(length(s)) FROM t",
    "SELECT count(*) FROM posts a, posts b, posts c, posts d, posts e, posts f, posts g, posts h",
    # Several calls, each a second or more that nothing can interrupt: one alone may be done in time on a quick machine.
    "SELECT " + " + ".join(f"length(printf('%.*c', 2147483000, '{letter}'))" for letter in "abcdefgh"),
    "SELECT length(replace(printf('%.*c', 900000, 'a'), 'a', printf('%.*c', 900000, 'b')))",
    "SELECT instr(printf('%.*c', 999000, 'a'), printf('%.*c', 499000, 'a') || 'b')",
    "SELECT group_concat(a.text || b.text || c.text || d.text) FROM posts a, posts b, posts c, posts d",
    doubled(30),
]


@pytest.fixture(scope="module")
def template(tmp_path_factory, fill):
    file = tmp_path_factory.mktemp("template") / "grokwatch.db"
    engine = open_engine(f"sqlite:///{file}")
    schema.upgrade(engine)
    fill(engine)
    engine.dispose()
    return file


@pytest.fixture
def filled(template, tmp_path):
    shutil.copy(template, tmp_path / "grokwatch.db")
    return f"sqlite:///{tmp_path}/grokwatch.db"


@pytest.fixture
def writer(filled):
    engine = open_engine(filled)
    yield engine
    engine.dispose()


def stored(url: str) -> str:
    file = Path(url.removeprefix("sqlite:///"))
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("statement", WRITES + LOOKS)
def test_a_statement_that_is_no_public_question_is_refused(filled, statement, tmp_path):
    before, files = stored(filled), set(tmp_path.iterdir())
    with pytest.raises(DatabaseError) as refused:
        ask(filled, statement, LIMITS)
    assert "SECRET" not in str(refused.value).upper()
    assert stored(filled) == before
    assert {file for file in tmp_path.iterdir() if not file.name.endswith(("-wal", "-shm"))} <= files


@pytest.mark.parametrize("statement", HEAVY)
def test_a_question_that_never_ends_is_ended(filled, statement):
    begun = time.monotonic()
    with pytest.raises(DatabaseError, match=r"took longer than 1 seconds|more memory than"):
        ask(filled, statement, LIMITS)
    assert time.monotonic() - begun < 20


def test_every_table_and_column_that_is_not_public_is_out_of_reach(filled):
    connection = sqlite3.connect(filled.removeprefix("sqlite:///"))
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")]
    columns = {name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")] for name in names}
    connection.close()
    public = readable(filled)
    assert "author_key" not in public["posts"]
    assert "auditor" not in public["audits"]
    assert {"v_posts", "posts", "labels"} <= public.keys() <= columns.keys()
    for name, held in public.items():
        assert ask(filled, f"SELECT {', '.join(held)} FROM main.{name} LIMIT 1", LIMITS).columns == held
    hidden = [(name, column) for name, held in columns.items() for column in held if column not in public.get(name, ())]
    assert {("posts", "author_key"), ("audits", "auditor"), ("cursors", "value")} <= set(hidden)
    for name, column in hidden:
        with pytest.raises(DatabaseError):
            ask(filled, f'SELECT "{column}" FROM main."{name}" LIMIT 1', LIMITS)


def test_star_leaves_the_private_column_out(filled):
    answer = ask(filled, "SELECT * FROM posts LIMIT 1", LIMITS)
    assert "author_key" not in answer.columns
    assert not any("SECRET" in str(value) for value in answer.rows[0])


def test_a_name_that_is_no_table_may_be_a_step(filled):
    assert ask(filled, "WITH cheap AS (SELECT 1) SELECT count(*) FROM cheap", LIMITS).rows == ((1,),)


def test_json_functions_open_lists(filled):
    question = "SELECT value, count(*) FROM labels, json_each(labels.aspects) GROUP BY value ORDER BY value"
    assert ask(filled, question, LIMITS).rows == (("coding", 30), ("speed", 30))


def test_long_texts_pass(filled, writer):
    with writer.begin() as connection:
        connection.execute(text("UPDATE posts SET text = :text WHERE id = 1"), {"text": "あ" * 100_000})
    assert ask(filled, "SELECT length(text) FROM posts WHERE id = 1", LIMITS).rows == ((100_000,),)


def test_an_answer_of_too_many_bytes_is_cut(filled):
    answer = ask(
        filled, "SELECT printf('%.*c', 1000, 'x') FROM posts", Limits(max_rows=100, timeout_seconds=5, max_bytes=5_000)
    )
    assert (len(answer.rows), answer.cut) == (4, "bytes")


def test_a_writer_at_work_is_no_hindrance(filled, writer):
    with writer.begin() as connection:
        connection.execute(text("UPDATE posts SET score = 77"))
        assert ask(filled, "SELECT count(*) FROM posts WHERE score = 77", LIMITS).rows == ((0,),)
    assert ask(filled, "SELECT count(*) FROM posts WHERE score = 77", LIMITS).rows == ((30,),)


def test_a_copy_without_its_wal_is_read(filled, tmp_path):
    folder = tmp_path / "frozen"
    folder.mkdir()
    shutil.copy(filled.removeprefix("sqlite:///"), folder / "copy.db")
    folder.chmod(0o500)
    try:
        assert ask(f"sqlite:///{folder}/copy.db", "SELECT count(*) FROM posts", LIMITS).rows == ((30,),)
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize(
    ("content", "said"), [(None, "there is no database"), (b"", "is empty"), (b"x" * 999, "not a database")]
)
def test_a_database_that_is_none_is_told(tmp_path, content, said):
    file = tmp_path / "other.db"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DatabaseError, match=said):
        ask(f"sqlite:///{file}", "SELECT 1", LIMITS)
    assert file.exists() == (content is not None)


def test_another_schema_is_refused(filled, writer):
    with writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match="newer than this version"):
        ask(filled, "SELECT 1", LIMITS)


@pytest.mark.parametrize(
    ("statement", "said", "mend"),
    [
        ("SELECT categry FROM v_posts", "no column 'categry'", "category"),
        ("SELECT * FROM v_post", "no table or view 'v_post'", "v_posts"),
        ("SELECT * FROM nothing_like_it", "no table or view", "v_daily_shares"),
        ("SELECT foo(1)", "function foo", "leave it out"),
        ("SELECT 1 FROM", "statement is wrong", "correct it"),
        ("", "there is no statement", "SELECT"),
        ("; ;", "there is no statement", "SELECT"),
        ("SELEC 1", "SELEC does not run here", "SELECT"),
    ],
)
def test_a_mistake_is_told_with_its_mend(filled, statement, said, mend):
    with pytest.raises(DatabaseError, match=said) as refused:
        ask(filled, statement, LIMITS)
    assert mend in refused.value.mend
