"""Change points: levels that last are told apart, chance and incidents are not."""

import numpy as np
import pytest

from insights.changepoints import change_points, penalty


def draw(rng, shares, posts=150):
    totals = rng.poisson(posts, len(shares))
    return rng.binomial(totals, shares).astype(float), totals.astype(float)


def test_a_new_level_is_found_where_it_begins():
    rng = np.random.default_rng(1)
    shares = np.r_[np.full(45, 0.10), np.full(30, 0.18), np.full(45, 0.10)]
    found = [change_points(*draw(rng, shares), 1.0, series=10) for _ in range(20)]
    assert np.mean([len(points) == 2 for points in found]) > 0.9
    starts = np.array([points for points in found if len(points) == 2])
    assert np.abs(np.median(starts, axis=0) - [45, 75]).max() <= 1


def test_quiet_quarters_have_none():
    rng = np.random.default_rng(2)
    false = sum(len(change_points(*draw(rng, np.full(91, 0.2)), 1.0, series=5)) for _ in range(60))
    assert false / 60 * 5 <= 1  # a dashboard of five series, a quarter


def test_days_that_differ_beyond_chance_have_none():
    rng = np.random.default_rng(3)
    false = 0
    for _ in range(40):
        noisy = 1 / (1 + np.exp(-(np.log(0.25) + rng.normal(0, 0.3, 91))))
        false += len(change_points(*draw(rng, noisy, posts=400), 1.0, series=5))
    assert false <= 8


def test_a_single_wild_day_is_an_incident_not_a_level():
    counts, totals = draw(np.random.default_rng(4), np.full(90, 0.1), posts=60)
    counts[50] = totals[50]
    assert change_points(counts, totals, 1.0, series=10) == []


@pytest.mark.parametrize("days", [0, 1, 13])
def test_too_few_days_have_none(days):
    assert change_points(np.ones(days), np.full(days, 10.0), 1.0) == []


def test_days_without_posts_are_passed_over():
    counts, totals = draw(np.random.default_rng(5), np.full(60, 0.1))
    counts[10:30] = totals[10:30] = 0
    assert change_points(counts, totals, 1.0, series=5) == []
    assert change_points(np.zeros(60), np.zeros(60), 1.0) == []


def test_more_series_make_a_change_cost_more():
    assert penalty(91, 1) < penalty(91, 50)
