"""ISO weeks: their names, their edges, the last complete one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.week import Week

MOMENTS = st.integers(0, 4_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))


@given(MOMENTS)
def test_a_moment_lies_in_its_week_and_the_name_leads_back(moment):
    week = Week.of(moment)
    assert week.start <= moment < week.end
    assert Week.parse(str(week)) == week
    assert week.before.end == week.start
    assert week.before < week


@given(MOMENTS)
def test_the_last_complete_week_has_ended_and_the_next_has_not(now):
    week = Week.last_complete(now)
    assert week.end <= now < week.end + timedelta(weeks=1)


def test_a_week_begins_on_monday_in_utc():
    week = Week.parse("2025-W47")
    assert week.start == datetime(2025, 11, 17, tzinfo=UTC)
    tokyo = timezone(timedelta(hours=9))
    assert Week.of(datetime(2025, 11, 24, 8, 59, tzinfo=tokyo)) == week
    assert Week.of(datetime(2025, 11, 24, 9, 0, tzinfo=tokyo)) != week


def test_the_iso_year_rules_around_new_year():
    assert str(Week.of(datetime(2027, 1, 2, tzinfo=UTC))) == "2026-W53"
    assert str(Week.of(datetime(2025, 12, 29, tzinfo=UTC))) == "2026-W01"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025",
        "2025-47",
        "2025-W7",
        "2025-W00",
        "2025-W54",
        "2025-W53",
        "0000-W01",
        "9999-W53",
        "\uff12\uff10\uff12\uff15-W47",
    ],
)
def test_what_names_no_week_is_refused(text):
    with pytest.raises(ValueError):
        Week.parse(text)


def test_a_year_with_53_weeks_has_its_last():
    assert Week.parse("2026-w53").end == datetime(2027, 1, 4, tzinfo=UTC)
