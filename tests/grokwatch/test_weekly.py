"""Which week's digest is due when: whatever the time zone, summer time, and nights a machine slept through."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.week import Week
from grokwatch.weekly import LATEST, WEEKDAYS, due_at, due_week

ZONES = ("UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Niue")
W13 = Week.parse("2026-W13")  # Monday 23 to Sunday 29 March 2026; summer time begins on that Sunday


@pytest.mark.parametrize(
    ("zone", "weekday", "hour", "moment"),
    [
        ("UTC", "mon", 8, "2026-03-30T08:00+00:00"),
        ("Europe/Berlin", "mon", 8, "2026-03-30T06:00+00:00"),  # summer time since the day before
        ("Asia/Tokyo", "mon", 8, "2026-04-05T23:00+00:00"),  # on Monday at 8 in Tokyo the week has an hour to go
        ("Asia/Tokyo", "mon", 9, "2026-03-30T00:00+00:00"),
        ("America/New_York", "sun", 22, "2026-03-30T02:00+00:00"),  # two hours after its end in UTC
        ("UTC", "mon", 0, "2026-03-30T00:00+00:00"),
    ],
)
def test_the_digest_is_sent_at_the_first_such_hour_after_the_week(zone, weekday, hour, moment):
    assert due_at(W13, weekday=weekday, hour=hour, timezone=zone) == datetime.fromisoformat(moment)


@pytest.mark.parametrize(("hour", "utc"), [(1, 0), (2, 1), (3, 1)])
def test_an_hour_that_summer_time_leaves_out_is_the_one_after_it(hour, utc):
    week = Week.parse("2026-W12")  # its digest on Sunday 29 March, when 2:00 to 3:00 does not exist in Berlin
    found = due_at(week, weekday="sun", hour=hour, timezone="Europe/Berlin")
    assert found == datetime(2026, 3, 29, utc, tzinfo=UTC)


def test_an_hour_that_comes_twice_is_the_first():
    week = Week.parse("2026-W42")  # its digest on 25 October, when 2:00 to 3:00 comes twice in Berlin
    assert due_at(week, weekday="sun", hour=2, timezone="Europe/Berlin") == datetime(2026, 10, 25, 0, tzinfo=UTC)


@given(
    zone=st.sampled_from(ZONES),
    weekday=st.sampled_from(WEEKDAYS),
    hour=st.integers(0, 23),
    minutes=st.integers(0, 60 * 24 * 400),
)
def test_every_week_comes_up_once_after_it_has_ended(zone, weekday, hour, minutes):
    now = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=minutes)
    how = {"weekday": weekday, "hour": hour, "timezone": zone}
    week = due_week(now, **how)
    last = Week.last_complete(now)
    moments = [due_at(each, **how) for each in (last, last.before)]
    assert all(
        each.end <= moment < each.end + timedelta(days=8)
        for each, moment in zip((last, last.before), moments, strict=True)
    )
    if week is None:
        assert not any(moment <= now < moment + LATEST for moment in moments)
    else:
        assert week.end <= now
        assert timedelta(0) <= now - due_at(week, **how) < LATEST


def test_a_machine_that_was_off_on_the_day_sends_it_later_but_not_as_old_news():
    how = {"weekday": "mon", "hour": 8, "timezone": "UTC"}
    monday = datetime(2026, 3, 30, 8, tzinfo=UTC)
    assert due_week(monday - timedelta(minutes=1), **how) is None
    assert due_week(monday, **how) == W13
    assert due_week(monday + timedelta(days=2, hours=23), **how) == W13
    assert due_week(monday + timedelta(days=3), **how) is None


def test_local_hours_stay_what_they_are_all_year():
    weeks = [Week.of(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(weeks=number)) for number in range(52)]
    zone = ZoneInfo("Europe/Berlin")
    found = {due_at(week, weekday="tue", hour=8, timezone="Europe/Berlin").astimezone(zone).hour for week in weeks}
    assert found == {8}
