"""The draw: every post's probability is what is noted for it, and the sample's weights give back the whole."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import mean, stdev

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from collectors.budget import Prices
from collectors.x_outlook import census_interval, draw_stratum, outlook, reach, settle_until, stratum_end
from collectors.x_plan import HOUR, SECOND, draw, expect, fractions, hour_of, month_end
from collectors.x_query import XAccess
from collectors.x_state import State, Taken, read_state
from collectors.x_window import Window

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
VOLUMES = some.dictionaries(some.sampled_from(["en", "ja", "rest"]), some.floats(0, 1e6), min_size=1)


def seconds_of(slices):
    return [
        round((part.start - NOON) / SECOND) + s
        for part in slices
        for s in range(round((part.end - part.start) / SECOND))
    ]


@given(some.floats(0, 1), some.integers(1, 3600), some.integers(1, 9), some.integers())
@example(0.875, 6, 4, 0)
def test_a_slice_lies_in_its_stratum_and_tells_its_probability(fraction, length, pieces, seed):
    end = NOON + length * SECOND
    slices = draw("en", NOON, end, fraction=fraction, chance=random.Random(seed), pieces=pieces)
    seconds = seconds_of(slices)
    assert len(seconds) == len(set(seconds))
    assert all(NOON <= part.start < part.end <= end for part in slices)
    if fraction * length >= 1:
        assert slices[0].probability == len(seconds) / length
        assert abs(len(seconds) - fraction * length) < 1
    elif slices:
        assert len(seconds) == 1
        assert slices[0].probability == pytest.approx(fraction)


@pytest.mark.parametrize(("fraction", "pieces"), [(0.004, 1), (0.05, 1), (0.33, 1), (0.33, 3), (0.9, 6)])
def test_every_second_is_drawn_as_often_as_its_probability_says(fraction, pieces):
    end, n = NOON + 20 * SECOND, 20_000
    weights = Counter()
    chance = random.Random(5)
    for _ in range(n):
        slices = draw("en", NOON, end, fraction=fraction, chance=chance, pieces=pieces)
        for second in seconds_of(slices):
            weights[second] += 1 / slices[0].probability
    tolerance = 4.5 * (1 / fraction / n) ** 0.5
    assert all(weights[second] / n == pytest.approx(1, abs=tolerance) for second in range(20))


def test_the_pieces_of_a_slice_lie_at_even_distances():
    slices = draw("en", NOON, NOON + HOUR, fraction=18 / 3600, chance=random.Random(3), pieces=6)
    starts = sorted(part.start for part in slices)
    assert [b - a for a, b in pairwise(starts)] == [timedelta(minutes=10)] * 5
    assert {part.end - part.start for part in slices} == {3 * SECOND}


def test_all_is_taken_where_all_can_be_paid():
    (whole,) = draw("en", NOON, NOON + HOUR, fraction=1.0, chance=random.Random(1))
    assert (whole.start, whole.end, whole.probability) == (NOON, NOON + HOUR, 1.0)


@given(VOLUMES, some.floats(0, 1e6))
def test_the_fractions_spend_what_there_is_and_no_more(expected, posts):
    parts = fractions(expected, posts)
    assert set(parts) == set(expected)
    assert all(0 <= part <= 1 for part in parts.values())
    bought = sum(parts[name] * volume for name, volume in expected.items())
    assert bought == pytest.approx(min(posts, sum(expected.values())), rel=1e-6, abs=1e-6)


def test_small_languages_get_more_than_their_part():
    parts = fractions({"en": 10_000, "ja": 100}, 500)
    assert parts["ja"] > 2 * parts["en"]


def test_counted_hours_go_before_the_rate():
    counts = {NOON: 60, NOON + HOUR: 0}
    half = NOON + HOUR / 2
    assert expect(counts, 10, start=half, counted_until=NOON + 2 * HOUR, end=NOON + 5 * HOUR) == pytest.approx(30 + 30)


def test_an_hour_that_the_count_left_out_is_expected_at_the_rate():
    assert expect({}, 10, start=NOON, counted_until=NOON + 2 * HOUR, end=NOON + 2 * HOUR) == pytest.approx(20)


@pytest.mark.parametrize(
    ("now", "end"), [("2026-12-31T23:59:59+00:00", "2027-01-01"), ("2026-02-01T05:00:00+09:00", "2026-02-01")]
)
def test_a_month_ends_in_utc(now, end):
    assert month_end(datetime.fromisoformat(now)) == datetime.fromisoformat(end).replace(tzinfo=UTC)


def an_access(**others):
    return XAccess(bearer_token="t", query="grok", **others)


def a_state(access, start=NOON, **others):
    return State(belongs_to=access.counts_are_for, seed=4, next=start, counted_until=start, **others)


def test_the_money_for_the_counts_is_kept_back():
    access = an_access(languages=("en",), census_every=6 * HOUR)
    now = datetime(2026, 3, 30, tzinfo=UTC)
    state = a_state(access, now, rates={"en": 100.0, "rest": 100.0})
    plan = outlook(access, state, left_usd=5.0, now=now)
    assert plan.posts == pytest.approx((5.0 - 8 * 2 * 0.005) / 0.005)
    assert plan.expected == pytest.approx({"en": 4800, "rest": 4800})
    assert not plan.everything


def test_what_can_be_paid_with_ease_is_taken_whole():
    access = an_access(languages=())
    now = datetime(2026, 3, 30, tzinfo=UTC)
    for rate, everything in ((150.0, True), (170.0, False)):
        state = a_state(access, now, rates={"rest": rate})
        plan = outlook(access, state, left_usd=9700 * 0.005, now=now)
        assert plan.everything is everything


@given(some.floats(0.01, 1000), some.integers(0, 30))
def test_the_census_never_takes_a_large_part_of_the_money(left, day):
    access, now = an_access(), datetime(2026, 3, 1 + day, 5, tzinfo=UTC)
    every = census_interval(access, left_usd=left, now=now)
    assert every >= access.census_every
    cost = (month_end(now) - now) / every * 3 * access.prices.counts
    assert cost <= 0.1 * left + 1e-9 or every >= min(timedelta(days=6), month_end(now) - now)


def test_a_stratum_is_an_hour_that_is_over():
    state = a_state(an_access(), NOON + 20 * timedelta(minutes=1))
    assert stratum_end(state, NOON + HOUR) is None
    assert stratum_end(state, NOON + HOUR + timedelta(minutes=1)) == NOON + HOUR


def test_a_stratum_ends_where_a_walk_has_taken_all():
    taken = Taken(oldest_id="5", oldest_at=NOON + 9 * SECOND, end=NOON + HOUR, newest_id=None, newest_at=None)
    state = a_state(an_access(), taken=taken)
    assert stratum_end(state, NOON + HOUR) == NOON + 10 * SECOND


def test_an_hour_that_was_counted_as_empty_is_not_asked_for():
    access = an_access(languages=("en",))
    state = a_state(access, counts={"en": {NOON: 0}, "rest": {NOON: 3}}, rates={"en": 1.0, "rest": 1.0})
    plan = outlook(access, state, left_usd=1000.0, now=NOON)
    assert {part.group for part in draw_stratum(access, state, plan, NOON + HOUR, now=NOON).slices} == {"rest"}


def test_the_note_is_read_as_it_was_written():
    access = an_access()
    state = a_state(access, rates={"en": 2.5}, counts={"en": {NOON: 3}})
    assert read_state(state.write(), belongs_to=access.counts_are_for) == state


def test_a_week_is_as_far_as_x_reaches():
    assert reach(NOON) == NOON - timedelta(days=7) + HOUR
    assert reach(NOON + timedelta(minutes=55)) == NOON - timedelta(days=7) + 2 * HOUR


def test_the_weights_give_back_every_total_however_the_plan_changes():
    """Money is spent by what is found, bursts and all, and every draw depends on it: the estimates must stay unbiased."""
    access = an_access(languages=("en",), prices=Prices(counts=0.0))
    world = random.Random(8)
    end, begin = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 3, 31, 12, tzinfo=UTC)
    posts = []  # (moment, group, category): the categories come and go, and one comes in bursts
    for hour in range(12):
        for _ in range(40 + 60 * (hour % 4)):
            at = world.randrange(3600) if world.random() < 0.6 else 1800 + world.randrange(60)
            group = "en" if world.random() < 0.8 else "rest"
            category = "latency" if 1800 <= at < 1860 or world.random() < hour / 24 else "excitement"
            posts.append((begin + hour * HOUR + at * SECOND, group, category))
    truth = Counter((group, category) for _, group, category in posts)
    runs = [simulated(access, posts, begin, end, seed) for seed in range(400)]
    for key, total in truth.items():
        estimates = [run[key] for run in runs]
        assert mean(estimates) == pytest.approx(total, abs=4 * stdev(estimates) / len(runs) ** 0.5), key
    assert 1.0 < mean(run["cost"] for run in runs) < max(run["cost"] for run in runs) < 3.0


def simulated(access, posts, begin, end, seed):
    """Sample half a day for three dollars, planning anew for every hour; the volume is only known at its rate."""
    state = State(
        belongs_to=access.counts_are_for, seed=seed, next=begin, counted_until=begin, rates={"en": 90.0, "rest": 20.0}
    )
    left, result = 3.0, Counter()
    while state.next < end:
        plan = outlook(access, state, left_usd=left, now=state.next)
        until = hour_of(state.next) + HOUR
        for part in draw_stratum(access, state, plan, until, now=until).slices:
            bought = [post for post in posts if part.start <= post[0] < part.end and post[1] == part.group]
            for _, group, category in bought:
                result[group, category] += 1 / part.probability
            left -= len(bought) * access.prices.post
            result["cost"] += len(bought) * access.prices.post
        state = settle_until(state, until)
    return result


def test_no_more_requests_are_sent_in_a_quarter_of_an_hour_than_x_allows():
    window, now = Window(450), NOON
    sent = []
    for _ in range(2000):
        now += window.wait(now) * SECOND
        window.sent(now)
        sent.append(now)
        now += timedelta(milliseconds=300)
    quarter = timedelta(minutes=15)
    assert all(b - a >= quarter for a, b in zip(sent, sent[450:], strict=False))
    assert sent[-1] - sent[0] < 5 * quarter


def test_what_x_says_of_its_limit_goes_before_our_own_count():
    window = Window(450)
    reset = NOON + timedelta(minutes=4)
    told = {
        "x-rate-limit-limit": "450",
        "x-rate-limit-remaining": "0",
        "x-rate-limit-reset": f"{reset.timestamp():.0f}",
    }
    window.seen(told, NOON)
    assert window.wait(NOON + timedelta(minutes=1)) == pytest.approx(180)
    window.seen({"x-rate-limit-remaining": "449"}, reset)
    assert window.wait(reset) == 0


def test_a_reset_that_makes_no_sense_holds_no_longer_than_a_window():
    window = Window(450)
    window.seen({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "99999999999"}, NOON)
    assert window.wait(NOON) == pytest.approx(900)


def test_a_clock_that_was_set_back_does_not_stop_everything():
    window = Window(1)
    window.sent(NOON + timedelta(days=1))
    assert window.wait(NOON) == 0
