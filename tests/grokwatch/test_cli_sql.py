"""`grokwatch sql`: formats, files, exit codes and what is said beside the answer."""

import io
import json
import sys

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from classifiers.codebook import Category


@pytest.fixture
def filled(sqlite_archive):
    sqlite_archive.add(5, Category.BIAS)
    return sqlite_archive.engine


def test_json(grokwatch, filled):
    called = grokwatch("sql", "SELECT id, created_at, relevant, aspects FROM v_posts LIMIT 1", "--format", "json")
    assert called.code == 0
    row = {"id": 1, "created_at": "2025-11-17T00:00:00.000001+00:00", "relevant": True, "aspects": []}
    assert json.loads(called.out) == [row]
    assert grokwatch("sql", "SELECT id, created_at, relevant, aspects FROM v_posts LIMIT 1", "--json").out == called.out


def test_csv_has_a_head_and_rows(grokwatch, filled):
    called = grokwatch("sql", "SELECT id, '@grok' AS said FROM v_posts LIMIT 2", "--format", "csv")
    assert called.out == "id,said\r\n1,'@grok\r\n2,'@grok\r\n"
    called = grokwatch("sql", "SELECT '@grok' AS said", "--format", "csv", "--exact")
    assert called.out == "said\r\n@grok\r\n"


def test_a_table_by_default(grokwatch, filled):
    called = grokwatch("sql", "SELECT category, count(*) AS posts FROM v_posts GROUP BY category")
    assert called.out.split() == ["category", "posts", "─" * len(called.out.splitlines()[2].strip()), "bias", "5"]
    assert called.err == ""


def test_a_file_is_complete_private_to_nobody_and_never_overwritten(grokwatch, filled, tmp_path):
    file = tmp_path / "answer.parquet"
    assert grokwatch("sql", "SELECT id FROM posts", "--output", file).code == 0
    assert pq.read_table(file).column("id").to_pylist() == [1, 2, 3, 4, 5]
    before = file.read_bytes()
    called = grokwatch("sql", "SELECT 1", "-o", file)
    assert called.code == 2
    assert "--force" in called.err
    assert file.read_bytes() == before
    assert grokwatch("sql", "SELECT 1 AS one", "-o", file, "--force").code == 0
    assert pq.read_table(file).to_pylist() == [{"one": 1}]
    assert grokwatch("sql", "SELECT nothing", "-o", tmp_path / "b.csv").code == 1
    assert {path.name for path in tmp_path.iterdir() if "db" not in path.name} == {"answer.parquet"}


def test_a_question_from_a_file_and_from_standard_input(grokwatch, filled, tmp_path, monkeypatch):
    (tmp_path / "question.sql").write_text("-- how many\nSELECT count(*) AS n\nFROM posts;\n", encoding="utf-8-sig")
    assert json.loads(grokwatch("sql", "--file", tmp_path / "question.sql", "--json").out) == [{"n": 5}]
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 1 AS n"))
    assert json.loads(grokwatch("sql", "-", "--json").out) == [{"n": 1}]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("",),
        ("  ",),
        ("SELECT 1", "--file", "question.sql"),
        ("--file", "absent.sql"),
        ("SELECT 1", "--format", "xml"),
        ("SELECT 1", "--json", "--format", "csv"),
        ("SELECT 1", "--output", "absent/answer.csv"),
        ("SELECT 1", "--max-rows", "0"),
        ("SELECT 1", "--nonsense"),
    ],
)
def test_bad_usage_exits_with_2(grokwatch, filled, tmp_path, arguments):
    (tmp_path / "question.sql").write_text("SELECT 1")
    called = grokwatch("sql", *arguments)
    assert called.code == 2
    assert called.err
    assert called.out == ""


@pytest.mark.parametrize(
    "statement", ["SELECT nothing FROM v_posts", "DROP TABLE posts", "SELECT * FROM cursors", "SELECT"]
)
def test_a_failing_question_exits_with_1_and_one_sentence(grokwatch, filled, statement):
    called = grokwatch("sql", statement)
    assert called.code == 1
    assert called.out == ""
    assert called.err.startswith("Error: ")
    assert len(called.err.splitlines()) == 1
    told = json.loads(grokwatch("sql", statement, "--json").err)
    assert set(told) == {"error", "mend"}


def test_a_cut_answer_says_so(grokwatch, filled, monkeypatch):
    monkeypatch.setenv("GROKWATCH_SQL__MAX_ROWS", "3")
    called = grokwatch("sql", "SELECT id FROM posts", "--json")
    assert len(json.loads(called.out)) == 3
    assert "first 3 rows of more" in called.err
    assert grokwatch("sql", "SELECT id FROM posts", "--json", "--max-rows", "5").err == ""


def test_the_time_out_says_so(grokwatch, filled, monkeypatch):
    monkeypatch.setenv("GROKWATCH_SQL__TIMEOUT_SECONDS", "0.3")
    endless = "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t"
    called = grokwatch("sql", endless)
    assert called.code == 1
    assert "longer than 0.3 seconds" in called.err


def test_tables_lists_what_can_be_read(grokwatch, filled):
    rows = json.loads(grokwatch("sql", "--tables", "--json").out)
    assert rows[0]["name"] == "v_posts"
    assert "author_key" not in str(rows)
    assert "cursors" not in [row["name"] for row in rows]


def test_without_a_database_it_says_what_to_do(grokwatch):
    called = grokwatch("sql", "SELECT 1")
    assert called.code == 1
    assert "Run: grokwatch up" in called.err


def test_asking_leaves_no_trace(grokwatch, filled):
    grokwatch("sql", "SELECT * FROM v_posts")
    with filled.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM runs")).scalar() == 1
