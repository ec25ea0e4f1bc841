"""Pacing is a matter of arithmetic: nothing here waits."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.pacing import Backoff, Pacer, retry_after, seconds_to_reset

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@given(
    per_minute=st.integers(1, 600),
    steps=st.lists(st.floats(0, 30), min_size=2, max_size=150),
    restarts=st.sets(st.integers(0, 149)),
)
def test_no_minute_holds_more_requests_than_allowed_even_across_restarts(per_minute, steps, restarts):
    pacer, now, sent = Pacer(per_minute), NOW, []
    for number, step in enumerate(steps):
        now += timedelta(seconds=step)
        if number in restarts and sent and now - sent[-1] >= timedelta(seconds=60 / per_minute):
            pacer = Pacer(per_minute)  # a process takes a moment to start
        now += timedelta(seconds=pacer.wait(now))
        sent.append(now)
    for moment in sent:
        assert sum(moment <= other < moment + timedelta(minutes=1) for other in sent) <= per_minute


def test_first_request_goes_at_once_and_the_next_one_waits():
    pacer = Pacer(100)
    assert pacer.wait(NOW) == 0
    assert pacer.wait(NOW) == pytest.approx(0.6, abs=0.02)
    assert pacer.wait(after(10)) == 0


def test_first_request_can_be_made_to_wait():
    assert Pacer(10, not_before=after(6)).wait(NOW) == 6


def test_what_remains_of_the_window_is_spread_over_the_rest_of_it():
    pacer = Pacer(100)
    pacer.seen({"x-ratelimit-remaining": "10.0", "x-ratelimit-reset": "300"}, NOW)
    pacer.wait(NOW)
    assert pacer.wait(NOW) == pytest.approx(30)


def test_an_empty_window_is_waited_out():
    pacer = Pacer(100)
    pacer.seen({"x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "120"}, NOW)
    assert pacer.delay(NOW) == 120
    assert pacer.wait(NOW) == 120


def test_a_roomy_window_does_not_make_requests_come_faster_than_the_limit():
    pacer = Pacer(100)
    pacer.seen({"x-ratelimit-remaining": "900", "x-ratelimit-reset": "1"}, NOW)
    pacer.wait(NOW)
    assert pacer.wait(NOW) == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize("odd", ["nan", "inf", "-inf", "soon", "", "1e300"])
def test_odd_headers_do_no_harm(odd):
    pacer = Pacer(100)
    pacer.seen({"x-ratelimit-remaining": odd, "x-ratelimit-reset": odd}, NOW)
    pacer.seen({"x-ratelimit-remaining": "0", "x-ratelimit-reset": odd}, NOW)
    assert 0 <= pacer.wait(NOW) <= 86400


def test_a_clock_that_is_set_back_prolongs_no_wait():
    pacer = Pacer(100)
    pacer.wait(NOW)
    pacer.block(60, NOW)
    assert pacer.delay(NOW - timedelta(hours=5)) == pytest.approx(60)


def test_a_clock_that_leaps_ahead_ends_the_wait():
    pacer = Pacer(100)
    pacer.block(60, NOW)
    assert pacer.delay(NOW + timedelta(hours=8)) == 0


def test_waits_double_with_jitter_up_to_the_ceiling():
    backoff, chance = Backoff(first=2, ceiling=20, attempts=9), random.Random(1)
    for attempt in range(1, 9):
        most = min(2 * 2 ** (attempt - 1), 20)
        drawn = [backoff.seconds(attempt, {}, NOW, chance) for _ in range(50)]
        assert all(most / 2 <= seconds <= most for seconds in drawn)
        assert len(set(drawn)) > 40
    assert backoff.seconds(9, {}, NOW, chance) is None


def test_what_the_platform_asks_for_is_waited_in_full():
    backoff, chance = Backoff(first=1), random.Random(1)
    waits = [backoff.seconds(1, {"retry-after": "30"}, NOW, chance) for _ in range(50)]
    assert all(30 <= seconds <= 31 for seconds in waits)


def test_a_refusal_that_says_the_window_is_over_is_not_asked_again_at_once():
    over = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(NOW.timestamp()) - 5)}
    waits = [Backoff(first=1).seconds(attempt, over, NOW, random.Random(1)) for attempt in (1, 3, 5)]
    assert waits[0] <= 1
    assert 2 <= waits[1] <= 4
    assert 8 <= waits[2] <= 16


def test_a_wait_beyond_the_ceiling_is_left_to_the_next_visit():
    assert Backoff(ceiling=900).seconds(1, {"retry-after": "901"}, NOW, random.Random(1)) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "Mon, 02 Mar 2026 12:01:30 GMT"}, 90),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "tomorrow", "x-ratelimit-reset": "40"}, 40),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "40"}, 40),
        ({"x-ratelimit-remaining": "50", "x-ratelimit-reset": "40"}, None),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(NOW.timestamp()) + 70)}, 70),
        ({}, None),
    ],
)
def test_headers_of_a_refusal_are_understood(headers, seconds):
    assert retry_after(headers, NOW) == seconds


def test_a_reset_is_told_as_a_distance_or_as_a_moment():
    assert seconds_to_reset({"x-ratelimit-reset": "15"}, NOW) == 15
    assert seconds_to_reset({"x-rate-limit-reset": str(NOW.timestamp() + 15)}, NOW) == pytest.approx(15)
    assert seconds_to_reset({"x-rate-limit-reset": str(NOW.timestamp() - 15)}, NOW) == 0
