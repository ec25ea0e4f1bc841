"""`grokwatch shares`: the rows that other programs read, the table that people read, and what is said beside them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from classifiers.codebook import FIVE, Category
from grokwatch.cli.session import UsageError
from grokwatch.cli.shares import app

MONDAY = datetime(2025, 11, 17, tzinfo=UTC)
FIELDS = [
    "period_start", "period_end", "category", "share", "low", "high", "posts", "effective_posts", "denominator", "method",
    "status",
    "simultaneous_low", "simultaneous_high", "corrected", "audited", "extrapolated",
]  # fmt: skip


def call(*arguments):
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None:
        raise result.exception
    return result


@pytest.fixture
def filled(sqlite_archive):
    sqlite_archive.add(40, Category.BIAS, lang="ja")
    sqlite_archive.add(60, Category.LATENCY, lang="en", source="x")
    sqlite_archive.add(20, Category.OTHER, lang="en", source="x")
    sqlite_archive.add(3, Category.LATENCY, at=MONDAY + timedelta(weeks=3))
    return sqlite_archive


def test_json_has_the_contracts_fields_for_both_denominators(filled):
    rows = json.loads(call("--json").stdout)
    assert all(list(row) == FIELDS for row in rows)
    assert len(rows) == 4 * (5 + 6)
    first = rows[: 5 + 6]
    assert [row["denominator"] for row in first] == ["five"] * 5 + ["relevant"] * 6
    assert [row["category"] for row in first[5:]] == [category.value for category in Category]
    assert {row["period_start"] for row in first} == {"2025-11-17T00:00:00+00:00"}
    assert {row["period_end"] for row in first} == {"2025-11-24T00:00:00+00:00"}
    assert sum(row["share"] for row in first[:5]) == pytest.approx(1)
    assert [row["status"] for row in rows[:: 5 + 6]] == ["ok", "no_data", "no_data", "too_few"]
    assert all(row[name] is None for row in rows[11:] for name in ("share", "low", "high"))


def test_one_denominator_alone_on_demand(filled):
    rows = json.loads(call("--json", "--denominator", "five").stdout)
    assert [row["category"] for row in rows[:5]] == [category.value for category in FIVE]
    assert {row["denominator"] for row in rows} == {"five"}


def test_filters_choose_posts(filled):
    def count(*arguments):
        rows = json.loads(call("--json", "--denominator", "relevant", *arguments).stdout)
        return sum(row["posts"] for row in rows)

    assert count("--lang", "ja") == 40
    assert count("--lang", "ja,en") == count("--lang", "ja", "--lang", "en") == 123
    assert count("--source", "X") == 80
    assert count("--to", "2025-11-17") == 120  # the day itself is in
    assert count("--from", "2025-11-18") == 3
    assert count("--by", "month") == 123


def test_table_shows_counts_shares_intervals_the_report_and_what_is_too_few(filled):
    shown = call().stdout
    assert "40% (" in shown  # bias of the five
    assert "33% (" in shown  # bias of all relevant
    assert "35%" in shown
    assert "too few" in shown
    assert "2025-W48 to 2025-W49" in shown
    assert "no sample size" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_table_ends_with_the_whole_span_and_keeps_thin_periods_short(filled):
    shown = call().stdout
    assert "all of it" in shown
    assert "2025-12-14" in shown
    assert len([line for line in shown.splitlines() if "too few" in line]) == 1
    assert "all of it" not in call("--to", "2025-11-23").stdout


def test_posts_that_wait_are_told_with_the_mend(filled):
    filled.add(2, None, labelled=False)
    result = call()
    assert "2 posts wait" in result.stderr
    assert "grokwatch classify" in result.stderr


def test_sample_data_says_so_in_the_table_and_beside_json(sqlite_archive):
    sqlite_archive.add(40, Category.BIAS, kind="sample")
    assert "sample data" in call().stdout
    beside = json.loads(call("--json").stderr)
    assert beside["notice"].startswith("Sample data")


def test_empty_database_says_so(sqlite_engine):
    result = call()
    assert result.stdout == ""
    assert "No posts are stored yet" in result.stderr
    assert "grokwatch import" in result.stderr
    assert json.loads(call("--json").stdout) == []


def test_posts_without_any_label_point_to_classify(sqlite_archive):
    sqlite_archive.add(2, None, labelled=False)
    result = call()
    assert "grokwatch classify" in result.stderr
    assert "No labelled post matches" not in result.stderr


def test_filter_that_matches_nothing_tells_what_there_is(filled):
    said = call("--lang", "ko").stderr
    assert "2025-11-17 to 2025-12-08" in said
    assert "ja" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--from", "yesterday"], "'yesterday' is not a date"),
        (["--from", "2025-11-18", "--to", "2025-11-17"], "is not before"),
        (["--lang", "日本語"], "is not a language tag"),
    ],
)
def test_bad_usage_is_one_sentence(sqlite_engine, arguments, sentence):
    with pytest.raises(UsageError, match=sentence):
        call(*arguments)
