"""`grokwatch quotes`, `themes`, `aspects` and `rivals`: what stands behind a share, as text and as JSON."""

import json
from datetime import timedelta

import pytest
from conftest import MONDAY
from typer.testing import CliRunner

from classifiers.codebook import Aspect, Category, Polarity, Rival
from grokwatch.cli import aspects, quotes, rivals, themes
from grokwatch.cli.session import UsageError


def call(module, *arguments):
    result = CliRunner().invoke(module.app, arguments)
    if result.exception is not None:
        raise result.exception
    return result


@pytest.fixture(name="filled")
def _filled(sqlite_archive):
    for week in (-1, 0):
        sqlite_archive.add(
            40, Category.BIAS, at=MONDAY + timedelta(weeks=week), lang="ja", polarity=Polarity.NEGATIVE,
            aspects=(Aspect.BIAS,), mentions=(Rival.CLAUDE,),
        )  # fmt: skip
    return sqlite_archive


def test_quotes_of_a_week_as_json(filled):
    rows = json.loads(
        call(quotes, "--week", "2025-W47", "--category", "bias", "--lang", "ja", "--n", "5", "--json").stdout
    )
    assert 1 <= len(rows) <= 5
    assert set(rows[0]) == {
        "post_id", "source", "url", "lang", "created_at", "text", "cut", "category", "polarity", "aspects", "probability",
        "stands_for", "sample",
    }  # fmt: skip
    assert all(row["lang"] == "ja" and row["created_at"] >= "2025-11-17" for row in rows)


def test_without_a_category_each_of_the_five_may_speak(filled):
    filled.add(3, Category.LATENCY)
    shown = call(quotes, "--from", "2025-11-17", "--to", "2025-11-23").stdout
    assert shown.index("latency") < shown.index("bias")
    assert "p 1.00" in shown


def test_nothing_found_is_said_beside_an_empty_answer(filled):
    result = call(quotes, "--week", "2024-W01", "--category", "bias", "--json")
    assert json.loads(result.stdout) == []
    assert json.loads(result.stderr)["mend"]


def test_sample_posts_are_told(sqlite_archive):
    sqlite_archive.add(3, Category.BIAS, kind="sample")
    result = call(quotes, "--week", "2025-W47", "--category", "bias")
    assert "(sample post)" in result.stdout
    assert "not by real people" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--week", "2025-W60"), "no week 60"),
        (("--week", "November"), "not a week"),
        (("--week", "2025-W47", "--from", "2025-11-17"), "two ways to say the same"),
        (("--from", "2025-11-17"), "both ends"),
        (("--from", "2025-11-18", "--to", "2025-11-16"), "is not before"),
        (("--lang", "Klingon!"), "not a language tag"),
    ],
)
def test_a_span_that_makes_no_sense_is_a_matter_of_usage(sqlite_engine, arguments, message):
    with pytest.raises(UsageError, match=message):
        call(quotes, *arguments)


def test_themes_say_when_nothing_moved(filled):
    result = call(themes, "--week", "2025-W47", "--category", "bias", "--json")
    assert json.loads(result.stdout) == []
    assert "can be told from chance" in result.stderr


def test_aspects_and_rivals_give_rows_with_intervals(filled):
    rows = json.loads(call(aspects, "--lang", "ja", "--json").stdout)
    row = next(row for row in rows if row["aspect"] == "bias")
    assert (row["share"], row["complaint"], row["posts"], row["status"]) == (1.0, 1.0, 40, "ok")
    assert row["low"] < 1.0 <= row["high"]
    rows = json.loads(call(rivals, "--by", "month", "--json").stdout)
    row = next(row for row in rows if row["rival"] == "claude")
    assert (row["worse"], row["better"], row["preferred"], row["posts"]) == (1.0, 0.0, 0.0, 80)


def test_tables_show_what_was_named_and_what_a_share_is(filled):
    shown = call(rivals).stdout
    assert "claude" in shown
    assert "gemini" not in shown
    assert "95 %" in shown
    assert "safety_and_bias" in call(aspects, "--themes").stdout


def test_themes_of_the_report_as_json(filled):
    rows = json.loads(call(aspects, "--themes", "--json").stdout)
    kinds = {row["kind"]: row["posts"] for row in rows if row["aspect"] in {"creative_freedom", "safety_and_bias"}}
    assert kinds == {"praise": 0, "complaint": 40}
