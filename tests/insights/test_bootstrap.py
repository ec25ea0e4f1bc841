"""The bootstrap: intervals that hold the truth as often as they say, and never claim to know what can't be known."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from insights.bootstrap import MOST_CLUSTERS, draws, interval

MIXTURE = np.array([0.35, 0.30, 0.20, 0.10, 0.05])
CHECKOUT = Path(__file__).parents[2]


def interval_of(clusters, seed=1, resamples=400):
    sampled = draws(np.asarray(clusters, dtype=float), resamples=resamples, rng=np.random.default_rng(seed))
    return interval(sampled, np.sum(clusters, axis=0) / np.sum(clusters))


def test_intervals_hold_the_truth_in_about_95_of_100_archives_of_clustered_posts():
    rng = np.random.default_rng(4)
    runs, held = 300, 0.0
    for run in range(runs):
        sizes = np.minimum(rng.zipf(2.0, 60), 40)
        clusters = np.array([rng.multinomial(size, rng.dirichlet(MIXTURE * 4)) for size in sizes], dtype=float)
        low, high = interval_of(clusters, seed=run)
        held += np.mean((low <= MIXTURE) & (high >= MIXTURE))
    assert 0.93 <= held / runs <= 0.985  # the bench measures it more finely


@pytest.mark.slow
def test_the_bench_finds_its_goal_met():
    command = [sys.executable, CHECKOUT / "bench" / "coverage.py", "--quick", "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert json.loads(finished.stdout.splitlines()[-1])["met"]


def test_equal_threads_of_one_post_give_the_jeffreys_interval():
    clusters = np.repeat(np.eye(2), [90, 10], axis=0)
    low, high = interval_of(clusters, resamples=20_000)
    assert low[1] == pytest.approx(0.0526, abs=0.004)  # Beta(10.5, 90.5)
    assert high[1] == pytest.approx(0.1701, abs=0.006)


def test_a_category_that_nobody_expressed_is_not_known_to_be_zero():
    low, high = interval_of(np.repeat(np.eye(5)[:1], 40, axis=0))
    assert low[1] == 0
    assert 0.03 < high[1] < 0.12
    assert low[0] < 0.97
    assert high[0] == 1


def test_scale_of_the_weights_does_not_matter():
    clusters = np.random.default_rng(2).random((50, 5))
    for one, other in zip(interval_of(clusters), interval_of(clusters * 1000), strict=True):
        assert one == pytest.approx(other)


def test_order_of_the_threads_does_not_matter():
    clusters = np.random.default_rng(2).random((50, 5))
    assert np.array_equal(interval_of(clusters), interval_of(clusters[::-1]))


def test_merging_many_threads_changes_the_interval_little():
    clusters = np.eye(5)[np.random.default_rng(3).choice(5, size=5 * MOST_CLUSTERS, p=MIXTURE)]
    low, high = interval_of(clusters, resamples=2_000)
    expected = 2 * 1.96 * np.sqrt(MIXTURE * (1 - MIXTURE) / len(clusters))
    assert high - low == pytest.approx(expected, rel=0.1)


@settings(max_examples=100, deadline=None)
@given(arrays(float, st.tuples(st.integers(1, 30), st.just(5)), elements=st.floats(0, 50)))
def test_intervals_contain_the_share_and_stay_within_bounds(clusters):
    if clusters.sum() < 1e-6:
        return
    low, high = interval_of(clusters, resamples=100)
    share = clusters.sum(axis=0) / clusters.sum()
    assert (low >= 0).all()
    assert (high <= 1 + 1e-12).all()
    assert ((low <= share) & (share <= high)).all()
