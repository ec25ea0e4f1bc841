"""`grokwatch export`: the labelled posts as the view has them, noted among the runs, never half written."""

import csv
import json
import os
import signal
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select, text

from classifiers.codebook import Aspect, Category
from db.export import COLUMNS, Choice, labelled_posts
from db.ingest import entomb
from db.models import Run
from grokwatch.cli import destination
from grokwatch.cli import export as command

MONDAY = datetime(2025, 11, 17, tzinfo=UTC)


def fill(archive):
    archive.add(3, Category.BIAS, lang="ja", aspects=(Aspect.SPEED,))
    archive.add(2, Category.LATENCY, source="x", at=MONDAY + timedelta(days=1))
    archive.add(1, None, at=MONDAY + timedelta(days=2))
    archive.add(1, Category.BIAS)
    archive.add(1, Category.BIAS, labelled=False)
    with archive.engine.begin() as connection:
        entomb(connection, [7], now=MONDAY)
    return archive.engine


@pytest.fixture
def filled(sqlite_archive):
    return fill(sqlite_archive)


def test_both_databases_give_what_the_view_has(archive):
    engine = fill(archive)
    with labelled_posts(engine, Choice()) as posts:
        given = [dict(zip(COLUMNS, row, strict=True)) for row in posts]
    with engine.connect() as connection:
        seen = connection.execute(text("SELECT * FROM v_posts WHERE relevant IS NOT NULL ORDER BY id")).mappings().all()
    assert [row["id"] for row in given] == [1, 2, 3, 4, 5, 6]
    assert [row["id"] for row in seen] == [row["id"] for row in given]
    for row, other in zip(given, seen, strict=True):
        assert set(row) <= set(other)
        for name in ("source_id", "lang", "text", "p_bias", "category", "model", "score"):
            assert row[name] == other[name]
    assert given[0]["created_at"].tzinfo is not None
    assert given[0]["aspects"] == ["speed"]
    assert given[0]["sample"] is False


def test_the_three_formats_hold_the_same_posts(grokwatch, filled, tmp_path):
    for form in ("csv", "jsonl", "parquet"):
        called = grokwatch("export", "--output", tmp_path / f"posts.{form}")
        assert called.code == 0
        assert "6 labelled posts" in called.err
        assert "1 not labelled yet" in called.err
    lines = [json.loads(line) for line in (tmp_path / "posts.jsonl").read_text().splitlines()]
    table = pq.read_table(tmp_path / "posts.parquet").to_pylist()
    with (tmp_path / "posts.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for other in (lines, table, rows):
        assert [list(row) for row in other] == [list(COLUMNS)] * 6
        assert [row["text"] for row in other] == [f"Grok, number {number}" for number in range(1, 7)]
        assert "AUTHOR" not in str(other).upper()
    assert lines[0]["created_at"] == table[0]["created_at"].isoformat() == rows[0]["created_at"]
    assert lines[0]["aspects"] == table[0]["aspects"] == ["speed"]
    assert lines[5]["relevant"] is False


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (["--lang", "ja"], [1, 2, 3]),
        (["--source", "x"], [4, 5]),
        (["--category", "latency"], [4, 5]),
        (["--from", "2025-11-18"], [4, 5, 6]),
        (["--to", "2025-11-17"], [1, 2, 3]),
        (["--from", "2025-11-18", "--to", "2025-11-18"], [4, 5]),
        (["--lang", "ko"], []),
    ],
)
def test_options_choose_posts(grokwatch, filled, options, numbers):
    called = grokwatch("export", "--output", "-", "--format", "jsonl", *options)
    assert [json.loads(line)["id"] for line in called.out.splitlines()] == numbers


def test_without_text_there_are_identifiers_and_labels_alone(grokwatch, filled):
    first = json.loads(grokwatch("export", "-o", "-", "--format", "jsonl", "--no-text").out.splitlines()[0])
    assert {"title", "text", "url"}.isdisjoint(first)
    assert (first["source"], first["source_id"], first["category"]) == ("reddit", "p1", "bias")


def test_every_export_is_noted_with_its_path_and_choice(grokwatch, filled, tmp_path):
    called = grokwatch("export", "-o", "posts.csv", "--lang", "ja", "--json")
    told = json.loads(called.err)
    with filled.connect() as connection:
        run = connection.execute(select(Run).where(Run.kind == "export")).one()
    assert (run.status, run.kept, run.id) == ("ok", 3, told["run"])
    assert run.detail["path"] == told["path"] == str(tmp_path / "posts.csv")
    assert (run.detail["lang"], run.detail["format"], run.detail["text"]) == ("ja", "csv", True)


def test_a_file_that_exists_stays(grokwatch, filled, tmp_path):
    (tmp_path / "posts.csv").write_text("mine")
    assert grokwatch("export", "-o", "posts.csv").code == 2
    assert (tmp_path / "posts.csv").read_text() == "mine"
    assert grokwatch("export", "-o", "posts.csv", "--force").code == 0
    assert (tmp_path / "posts.csv").read_text().startswith("id,")


def test_a_failure_leaves_the_old_file_and_a_failed_run(grokwatch, filled, tmp_path, monkeypatch):
    (tmp_path / "posts.csv").write_text("mine")

    def fail(*_arguments, **_options):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(command, "_write", fail)
    with pytest.raises(RuntimeError):
        grokwatch("export", "-o", "posts.csv", "--force")
    assert (tmp_path / "posts.csv").read_text() == "mine"
    with filled.connect() as connection:
        run = connection.execute(select(Run).where(Run.kind == "export")).one()
    assert (run.status, run.error) == ("failed", "the disk is full")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_leaves_no_half_file_and_an_interrupted_run(grokwatch, filled, tmp_path, monkeypatch, stop):
    def stopped(posts, *_arguments, **_options):
        with destination.byte_stream(tmp_path / "posts.csv") as stream:
            stream.write(b"half")
            os.kill(os.getpid(), stop)
            next(posts)

    monkeypatch.setattr(command, "_write", stopped)
    assert grokwatch("export", "-o", "posts.csv").code in {130, 143}
    assert [path.name for path in tmp_path.iterdir() if "posts" in path.name] == []
    with filled.connect() as connection:
        assert connection.execute(select(Run.status).where(Run.kind == "export")).scalar() == "interrupted"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-o", "posts.xlsx"),
        ("-o", "absent/posts.csv"),
        ("-o", "posts.csv", "--from", "yesterday"),
        ("-o", "posts.csv", "--to", "9999-12-31"),
        ("-o", "posts.csv", "--from", "2025-12-01", "--to", "2025-11-01"),
        ("-o", "posts.csv", "--category", "joy"),
    ],
)
def test_bad_usage_exits_with_2_and_writes_nothing(grokwatch, filled, tmp_path, arguments):
    before = {path.name for path in tmp_path.iterdir()}
    called = grokwatch("export", *arguments)
    assert called.code == 2
    assert called.err
    assert {path.name for path in tmp_path.iterdir()} == before
