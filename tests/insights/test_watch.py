"""What is watched in a database, and what is found in it."""

from datetime import timedelta

import pytest
from archives.history import MONDAY, OUTAGE, USUAL, store_days

from classifiers.codebook import Category
from insights.changes import Verdict, period_changes
from insights.contributions import Dimension
from insights.events import Event, add_event
from insights.findings import Kind, findings
from insights.watch import Group, detect, find_change_points

QUIET = [USUAL] * 56
NOW = MONDAY + timedelta(days=63, hours=5)
"""Five hours into the day after nine weeks."""


@pytest.fixture
def outage(sqlite_engine):
    """Eight quiet weeks, and one in which half of the posts complain."""
    store_days(sqlite_engine, [*QUIET, *[OUTAGE] * 7])
    with sqlite_engine.begin() as connection:
        add_event(connection, Event(starts_at=MONDAY + timedelta(days=54), name="A release"))
        add_event(connection, Event(starts_at=MONDAY + timedelta(days=20), name="Long ago"))
    with sqlite_engine.connect() as connection:
        yield connection


def test_a_change_is_detected_with_its_direction_and_start(engine):
    store_days(engine, [*QUIET, *[OUTAGE] * 7])
    with engine.connect() as connection:
        found = {(one.category, one.rise): one for one in detect(connection, now=NOW)}
    rise = found[Category.LATENCY, True]
    assert rise.group == Group()
    assert abs(rise.start - (MONDAY + timedelta(days=56))) <= timedelta(days=1)
    assert (Category.LATENCY, False) not in found
    assert all(not rise for category, rise in found if category is not Category.LATENCY)
    assert Category.ABANDONMENT not in {category for category, _ in found}  # nobody ever expressed it


def test_only_whole_days_count(outage):
    morning = detect(outage, now=NOW)
    evening = detect(outage, now=NOW + timedelta(hours=18))
    assert morning == evening
    before = detect(outage, now=MONDAY + timedelta(days=56, hours=23))
    assert before == []


def test_quiet_weeks_and_short_histories_have_nothing(sqlite_engine):
    with sqlite_engine.connect() as connection:
        assert detect(connection, now=NOW) == []
        assert find_change_points(connection, start=MONDAY, end=NOW) == []
    store_days(sqlite_engine, [*[USUAL] * 30, *[OUTAGE] * 7])
    with sqlite_engine.connect() as connection:
        assert detect(connection, now=MONDAY + timedelta(days=37)) == []


def test_few_posts_are_not_watched(sqlite_engine):
    few = {Category.LATENCY: 4, Category.BIAS: 4}
    store_days(sqlite_engine, [*[few] * 56, *[{Category.LATENCY: 8}] * 7])
    with sqlite_engine.connect() as connection:
        assert detect(connection, now=NOW) == []


def test_change_in_one_source_is_told_where_it_is_clearest(sqlite_engine):
    much = {category: 3 * number for category, number in USUAL.items()}
    store_days(sqlite_engine, [much] * 63, lang="en")
    bad = {category: 3 * number for category, number in OUTAGE.items()}
    store_days(sqlite_engine, [*[much] * 56, *[bad] * 7], source="x", lang="ja")
    with sqlite_engine.connect() as connection:
        found = [one for one in detect(connection, now=NOW) if one.category is Category.LATENCY]
    assert [one.group for one in found] == [Group(source="x")]


def test_a_lasting_change_is_found_in_hindsight(sqlite_engine):
    store_days(sqlite_engine, [*[USUAL] * 30, *[OUTAGE] * 33])
    with sqlite_engine.connect() as connection:
        found = find_change_points(connection, start=MONDAY, end=NOW, categories=[Category.LATENCY])
    assert [(one.before_start, one.start, one.end) for one in found] == [
        (MONDAY, MONDAY + timedelta(days=30), MONDAY + timedelta(days=63))
    ]


def test_a_filter_looks_at_those_posts_alone(sqlite_engine):
    store_days(sqlite_engine, [USUAL] * 63, lang="en")
    store_days(sqlite_engine, [*[USUAL] * 30, *[OUTAGE] * 33], lang="ja")
    ask = {"start": MONDAY, "end": NOW, "categories": [Category.LATENCY]}
    with sqlite_engine.connect() as connection:
        assert find_change_points(connection, **ask, langs=["en"]) == []
        (found,) = find_change_points(connection, **ask, langs=["ja"])
    assert found.group == Group(lang="ja")


def test_a_finding_tells_size_events_contributions_and_quotes(outage):
    def quotes(connection, *, start, end, category, n, sources=(), langs=()):
        return [f"{category} {(end - start).days} {n}"]

    found = findings(outage, now=NOW, since=MONDAY + timedelta(days=50), quotes=quotes)
    finding = next(one for one in found if one.category is Category.LATENCY and one.kind is Kind.DETECTED)
    assert finding.before.share == pytest.approx(0.2, abs=0.01)
    assert finding.after.share == pytest.approx(0.5, abs=0.05)
    assert finding.change.low < finding.change.difference < finding.change.high
    assert finding.change.verdict is Verdict.UP
    assert [event.name for event in finding.explanation.events] == ["A release"]
    for dimension in (Dimension.ASPECT, Dimension.LANGUAGE, Dimension.CHANNEL):
        parts = finding.explanation.contributions[dimension]
        assert sum(one.total for one in parts) == pytest.approx(finding.change.difference)
    assert finding.explanation.quotes == (f"latency {(finding.end - finding.start).days} 3",)
    assert finding.p_value < 1e-6
    points = [one for one in found if one.kind is Kind.CHANGE_POINT and one.category is Category.LATENCY]
    assert [one.start for one in points] == [MONDAY + timedelta(days=56)]


def test_weeks_are_compared_each_with_the_one_before(outage):
    rows = period_changes(outage, start=MONDAY + timedelta(weeks=6), end=MONDAY + timedelta(weeks=9))
    assert len(rows) == 2 * 5
    last = {row.change.category: row for row in rows[5:]}
    assert last[Category.LATENCY].change.verdict is Verdict.UP
    assert last[Category.LATENCY].after.period_start == MONDAY + timedelta(weeks=8)
    assert {row.change.verdict for row in rows[:5]} == {Verdict.UNCLEAR}
