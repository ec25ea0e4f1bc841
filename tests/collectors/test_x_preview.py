"""What a visit would cost, told before anything is asked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from collectors.x_plan import HOUR
from collectors.x_preview import preview
from collectors.x_query import XAccess
from collectors.x_state import State

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
ACCESS = XAccess(bearer_token="t", query="grok", languages=("en",))


def a_cursor(rate, *, hours=3, **others):
    state = State(
        belongs_to=ACCESS.counts_are_for,
        seed=4,
        next=NOW.replace(minute=0) - hours * HOUR,
        counted_until=NOW.replace(minute=0) - HOUR,
        rates={"en": rate, "rest": rate / 2},
    )
    return replace(state, **others).write()


def test_before_the_first_count_only_the_counts_are_known():
    found = preview(ACCESS, None, left_usd=50.0, now=NOW)
    assert (found.way, found.fractions) == ("unknown", {})
    assert [request.kind for request in found.requests] == ["counts", "counts"]
    assert found.cost_usd == pytest.approx(0.01)
    assert found.requests[0].start > NOW - timedelta(days=7)


def test_a_walk_is_one_search_over_all_groups():
    found = preview(ACCESS, a_cursor(4.0), left_usd=50.0, now=NOW)
    (request,) = found.requests
    assert (found.way, request.query, request.probability) == ("everything", "grok", 1.0)
    assert request.posts == pytest.approx(6.0 * 3.5, rel=0.02)
    assert found.cost_usd == pytest.approx(0.005 * request.posts)


def test_a_sample_tells_every_slice_with_its_probability():
    found = preview(ACCESS, a_cursor(3000.0), left_usd=50.0, now=NOW)
    assert found.way == "sample"
    assert 36 <= len(found.requests) <= 42  # three hours, two groups, six pieces; some in two
    assert all(0 < request.probability < 0.05 for request in found.requests)
    assert found.fractions["rest"] > found.fractions["en"]
    assert 0 < found.cost_usd < 1


def test_the_census_comes_first_when_it_is_due():
    found = preview(ACCESS, a_cursor(4.0, counted_until=NOW - 20 * HOUR), left_usd=50.0, now=NOW)
    assert [request.kind for request in found.requests] == ["counts", "counts", "search"]


def test_with_the_money_gone_there_is_nothing_to_ask():
    found = preview(ACCESS, a_cursor(3000.0), left_usd=0.02, now=NOW)
    assert (found.way, found.cost_usd) == ("spent", 0.0)


def test_money_that_does_not_reach_for_the_first_count_is_spent():
    found = preview(ACCESS, None, left_usd=0.009, now=NOW)
    assert (found.way, found.requests, found.cost_usd) == ("spent", (), 0.0)
