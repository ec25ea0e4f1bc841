"""One question has one answer, whichever database is asked."""

from datetime import UTC, date, datetime

import pytest

from db.errors import DatabaseError
from db.readonly import Limits, ask, readable

LIMITS = Limits(max_rows=100, timeout_seconds=10)
QUESTIONS = [
    "SELECT * FROM posts ORDER BY id",
    "SELECT * FROM v_posts ORDER BY id",
    "SELECT * FROM v_daily_shares ORDER BY period_start, source, lang, category",
    "SELECT * FROM v_weekly_shares ORDER BY period_start, source, lang, category",
    "SELECT * FROM v_aspects ORDER BY post_id, aspect",
    "SELECT * FROM v_rivals",
    "SELECT * FROM v_volumes",
    "SELECT * FROM v_runs",
    "SELECT * FROM v_baseline ORDER BY share, category",
    "SELECT * FROM labels ORDER BY post_id",
    "SELECT * FROM models",
    "SELECT * FROM runs",
    "SELECT * FROM events ORDER BY id",
    "SELECT * FROM rollups_hourly ORDER BY hour, source, lang",
    "SELECT * FROM baseline ORDER BY category",
    "SELECT * FROM audits",
    "SELECT max(created_at) a, min(day) b, count(*) c, sum(score) d, avg(score) e, max(text) f FROM v_posts",
    "SELECT lang, count(*) AS n FROM v_posts WHERE relevant GROUP BY lang ORDER BY lang",
    "WITH a AS (SELECT created_at AS moment, relevant, aspects FROM v_posts) SELECT * FROM a ORDER BY moment",
    "SELECT text FROM posts WHERE text LIKE '%速い%' ORDER BY id LIMIT 2",
    "VALUES (1, 'a', NULL), (2, '2025-11-17', NULL)",
]


@pytest.fixture(scope="module")
def both(tmp_path_factory, postgres_server, fill):
    """The same posts in both databases."""
    import psycopg

    from db import schema
    from db.engine import open_engine

    admin_url = postgres_server.replace("+psycopg", "")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE alike")
    server = open_engine(postgres_server)
    urls = [
        f"sqlite:///{tmp_path_factory.mktemp('alike')}/grokwatch.db",
        server.url.set(drivername="postgresql", database="alike").render_as_string(hide_password=False),
    ]
    server.dispose()
    for url in urls:
        engine = open_engine(url)
        schema.upgrade(engine)
        fill(engine)
        engine.dispose()
    yield urls
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("DROP DATABASE alike WITH (FORCE)")


def exact(rows):
    return [
        [(type(value), pytest.approx(value) if isinstance(value, float) else value) for value in row] for row in rows
    ]


@pytest.mark.parametrize("question", QUESTIONS)
def test_both_databases_answer_alike(both, question):
    sqlite, postgres = (ask(url, question, LIMITS) for url in both)
    assert sqlite.columns == postgres.columns
    if "VALUES" not in question:
        assert exact(sqlite.rows) == exact(postgres.rows)


def test_values_have_their_meaning(both):
    question = (
        "SELECT created_at, day, relevant, sample, aspects, p_bias, score, title FROM v_posts ORDER BY id LIMIT 1"
    )
    for url in both:
        row = ask(url, question, LIMITS).rows[0]
        moment = datetime(2025, 11, 17, 9, tzinfo=UTC)
        assert row == (moment, date(2025, 11, 17), True, False, ["speed", "coding"], 0.5, 1, None)


def test_both_can_read_the_same(both):
    sqlite, postgres = (readable(url) for url in both)
    assert {name: set(columns) for name, columns in sqlite.items()} == {
        name: set(columns) for name, columns in postgres.items()
    }
    assert next(iter(sqlite)) == "v_posts"


@pytest.mark.parametrize(("rows", "cut"), [(29, "rows"), (30, None), (31, None)])
def test_more_rows_than_allowed_are_cut_and_said_so(both, rows, cut):
    for url in both:
        answer = ask(url, "SELECT id FROM posts", Limits(max_rows=rows, timeout_seconds=10))
        assert (len(answer.rows), answer.cut) == (min(rows, 30), cut)


def test_an_answer_of_too_many_bytes_is_cut(both):
    for url in both:
        limits = Limits(max_rows=1000, timeout_seconds=10, max_bytes=500)
        answer = ask(url, "SELECT text FROM posts", limits)
        assert answer.cut == "bytes"
        assert 0 < len(answer.rows) < 30


def test_a_statement_with_a_nul_character_is_refused(both):
    for url in both:
        with pytest.raises(DatabaseError, match="NUL"):
            ask(url, "SELECT 1 \0; DELETE FROM posts", LIMITS)
