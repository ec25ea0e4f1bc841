"""`predict`, `evaluate` and `classify` as a user runs them: a process of its own, with the shipped model."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import classifiers
from collectors.sample import SampleCollector
from db import sample
from grokwatch.pipeline import store

MODEL = Path(classifiers.__file__).parent / "model"
needs_model = pytest.mark.skipif(not (MODEL / "model.onnx").exists(), reason="the shipped weights are not here yet")
POSTS = [
    {"id": 1, "text": "Grok has been down for two hours, every request times out. ChatGPT works fine.", "lang": "en"},
    {"id": 2, "text": "Grok、今日も重すぎて全然返事が来ない"},
    {"id": 3, "text": "Preheat the oven to 180 degrees and butter the tin."},
]


def grokwatch(*arguments, stdin=None):
    return subprocess.run(
        [sys.executable, "-c", "from grokwatch.cli.main import main; main()", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONUTF8": "1"},
        check=False,
    )


@needs_model
def test_lines_go_in_and_labelled_lines_come_out_in_order():
    done = grokwatch("predict", stdin="\n".join(map(json.dumps, POSTS)))

    assert (done.returncode, done.stderr) == (0, "")
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert list(first) == [
        "id", "lang", "relevant", "p_relevant", "category", "probabilities", "polarity", "aspects", "mentions", "model"
    ]  # fmt: skip
    assert [row["id"] for row in (first, second, third)] == [1, 2, 3]
    assert (first["relevant"], first["category"], first["lang"], first["mentions"]) == (
        True,
        "latency",
        "en",
        ["chatgpt"],
    )
    assert (second["relevant"], second["lang"]) == (True, "ja")
    assert (third["relevant"], third["category"], third["polarity"]) == (False, None, None)
    assert first["model"] == json.loads((MODEL / "model.json").read_text())["version"]


@needs_model
def test_a_broken_line_costs_the_exit_code_and_no_other_line():
    done = grokwatch("predict", "-", stdin=json.dumps(POSTS[0]) + "\n{broken\n" + json.dumps(POSTS[1]))

    assert done.returncode == 1
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, None, 2]
    assert "1 of 3 lines could not be read, the first is line 2" in done.stderr
    assert "Traceback" not in done.stderr


@needs_model
def test_a_reader_that_goes_away_is_no_error(tmp_path):
    path = tmp_path / "many.jsonl"
    path.write_text((json.dumps(POSTS[0]) + "\n") * 5_000)
    command = f"'{sys.executable}' -c 'from grokwatch.cli.main import main; main()' predict '{path}' | head -n 1"

    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=120, check=False
    )

    assert json.loads(done.stdout)["id"] == 1
    assert (done.returncode, done.stderr) == (0, "")


@needs_model
def test_a_labelled_file_is_measured(tmp_path):
    path, report = tmp_path / "labelled.jsonl", tmp_path / "out.html"
    truth = [("latency", True), ("latency", True), (None, False)]
    path.write_text(
        "\n".join(json.dumps(p | {"category": c, "relevant": r}) for p, (c, r) in zip(POSTS, truth, strict=True))
    )

    done = grokwatch("evaluate", str(path), "--json", "--no-rivals", "--report", str(report))

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["n"] == 3
    assert figures["per_language"]["en"]["n"] == 1
    assert figures["relevance_f1"] == 1
    assert report.read_text().startswith("<!doctype html>")


@needs_model
def test_stored_posts_are_labelled(sqlite_engine):
    posts = store(
        sqlite_engine,
        SampleCollector(),
        kind=sample.KIND,
        clock=lambda: datetime(2025, 12, 1, tzinfo=UTC),
        author_hash=str,
    ).new

    done = grokwatch("classify", "--limit", "40", "--json")

    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert set(summary) == {"labelled", "remaining", "seconds", "posts_per_second", "model"}
    assert (summary["labelled"], summary["remaining"]) == (40, posts - 40)


@pytest.mark.parametrize("command", ["predict", "evaluate", "classify"])
def test_help_shows_an_example(command):
    done = grokwatch(command, "--help")

    assert done.returncode == 0
    assert f"Example: grokwatch {command}" in done.stdout
