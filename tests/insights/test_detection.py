"""Detection: what stands out from chance is found, what does not is left alone, in short versions of the benchmark."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.detection import BASELINE, WINDOW, discoveries, share_surprise, volume_surprise

DAYS = BASELINE + WINDOW
CERTAIN = np.ones(400)


def binomial(rng, shares, posts=150):
    """Draw the series of 400 dashboards of one category, a row a dashboard, and their totals."""
    totals = rng.poisson(posts, (400, len(shares)))
    return rng.binomial(totals, shares).astype(float), totals.astype(float)


def test_a_quiet_series_seldom_surprises():
    counts, totals = binomial(np.random.default_rng(1), np.full(DAYS, 0.15))
    p_values = share_surprise(counts, totals, CERTAIN).p_values
    for level in (0.2, 0.05, 0.01):
        assert (p_values < level).mean() <= level * 1.3


@pytest.mark.parametrize(("to", "side"), [(0.20, 0), (0.10, 1)])
def test_five_points_are_seen_after_a_week_and_their_start_is_near(to, side):
    shares = np.full(DAYS, 0.15)
    shares[-7:] = to
    counts, totals = binomial(np.random.default_rng(2), shares)
    found = share_surprise(counts, totals, CERTAIN)
    assert (found.p_values[:, side] < 0.005).mean() > 0.8
    assert (found.p_values[:, 1 - side] < 0.05).mean() < 0.05
    assert abs(np.median(found.days[:, side]) - 7) <= 1


def test_a_cycle_of_the_week_is_no_change():
    cycle = np.where(np.arange(DAYS) % 7 >= 5, 0.30, 0.15)
    counts, totals = binomial(np.random.default_rng(3), cycle)
    assert (share_surprise(counts, totals, CERTAIN).p_values < 0.005).mean() < 0.01


def test_posts_that_resemble_each_other_need_more_evidence():
    shares = np.full(DAYS, 0.15)
    shares[-7:] = 0.20
    counts, totals = binomial(np.random.default_rng(4), shares)
    certain = share_surprise(counts, totals, CERTAIN).p_values[:, 0]
    alike = share_surprise(counts, totals, CERTAIN * 3).p_values[:, 0]
    assert np.median(alike) > 10 * np.median(certain)


def test_days_without_posts_say_nothing():
    counts, totals = binomial(np.random.default_rng(5), np.full(DAYS, 0.15))
    totals[:, 40:50] = counts[:, 40:50] = 0
    totals[:, -3:] = counts[:, -3:] = 0
    p_values = share_surprise(counts, totals, CERTAIN).p_values
    assert np.isfinite(p_values).all()
    assert (p_values < 0.01).mean() < 0.015


def test_no_posts_at_all_surprise_nobody():
    nothing = np.zeros((2, DAYS))
    assert (share_surprise(nothing, nothing, np.ones(2)).p_values > 0.1).all()


def test_a_small_share_can_fall_too():
    shares = np.full(DAYS, 0.04)
    shares[-10:] = 0.005
    counts, totals = binomial(np.random.default_rng(6), shares, posts=600)
    assert (share_surprise(counts, totals, CERTAIN).p_values[:, 1] < 0.005).mean() > 0.9


@given(
    p_values=st.lists(st.floats(1e-9, 1), min_size=1, max_size=40),
    rate=st.sampled_from([0.01, 0.05, 0.2]),
)
def test_equal_weights_are_plain_benjamini_hochberg(p_values, rate):
    given_p = np.array(p_values)
    ranked = np.sort(given_p)
    passed = [rank for rank, p in enumerate(ranked, start=1) if p <= rate * rank / len(ranked)]
    bound = ranked[passed[-1] - 1] if passed else -1
    assert (discoveries(given_p, np.full(len(given_p), 3.0), rate=rate) == (given_p <= bound)).all()


def test_weight_lets_the_larger_series_through_first():
    p_values = np.array([0.03, 0.03, 0.5, 0.5])
    assert discoveries(p_values, np.array([10.0, 1, 1, 1]), rate=0.05).tolist() == [True, False, False, False]
    assert discoveries(np.zeros(0), np.zeros(0)).tolist() == []


def test_volumes_that_vary_beyond_chance_do_not_alarm():
    rng = np.random.default_rng(7)
    false = 0
    for _ in range(400):
        volumes = rng.poisson(80 * rng.gamma(8, 1 / 8, 92)).astype(float)
        false += volume_surprise(volumes).p_value < 0.01
    assert false / 400 < 0.03


@pytest.mark.parametrize(("last", "expected"), [(400, True), (3, True), (110, False)])
def test_a_jump_and_a_drop_are_seen(last, expected):
    volumes = np.append(np.random.default_rng(8).poisson(80 * np.random.default_rng(9).gamma(20, 1 / 20, 91)), last)
    assert (volume_surprise(volumes.astype(float)).p_value < 1e-4) is expected


def test_weekends_are_expected_to_be_quiet():
    volumes = np.where(np.arange(92) % 7 == 0, 20.0, 100.0) + np.arange(92) % 3
    volumes[-1] = 21.0  # day 91, one of the quiet ones
    assert volume_surprise(volumes).p_value > 0.05


def test_gaps_of_the_past_are_no_volumes():
    volumes = np.full(92, 100.0) + np.arange(92) % 5
    volumes[20:40] = 0
    found = volume_surprise(volumes)
    assert found.expected == pytest.approx(102, abs=3)
    assert found.p_value > 0.1
