"""Correction by audits: it is PPI++ where PPI++ applies, removes the classifier's bias, and its intervals hold the truth."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights.bootstrap import interval
from insights.correction import AuditedPosts, Population, correct

CHECKOUT = Path(__file__).parents[2]
CATEGORIES = 6


def sample(truth, predicted, *, weights=None, outcome=None):
    n = len(truth)
    return AuditedPosts(
        truth=np.asarray(truth, float),
        predicted=np.asarray(predicted, float),
        outcome=np.zeros(n, np.int64) if outcome is None else np.asarray(outcome),
        weights=np.ones(n) if weights is None else np.asarray(weights, float),
        threads=np.arange(n),
    )


def two_columns(values):
    """All posts relevant, in one of two categories."""
    return np.column_stack([values, 1.0 - values, *np.zeros((CATEGORIES - 2, len(values)))])


def corrected(population, audits, **options):
    options = {"columns": range(CATEGORIES), "resamples": 200, "rng": np.random.default_rng(1)} | options
    return correct(population, audits, **options)


@pytest.mark.parametrize(
    ("noise", "tuned", "fixed"),
    [
        (0.2, 0.2946912247331174, {0.3: 0.2762684805729334, 0.8: 0.29227150375004457}),
        (0.6, 0.2646738159079784, {0.3: 0.26571501262882435, 0.8: 0.264128922565754}),
    ],
)
def test_the_plain_mean_is_that_of_ppi_plus_plus(noise, tuned, fixed):
    """The numbers are those of `ppi_py.ppi_mean_pointestimate` (ppi-python 0.2.3) for the same posts."""
    rng = np.random.default_rng(3)
    truth = (rng.random(2_000) < 0.3).astype(float)
    predicted = np.clip(truth + rng.normal(0, noise, 2_000), 0, 1)
    population = Population(threads=two_columns(predicted), outcomes=np.array([2_000.0, *np.zeros(6)]))
    audits = sample(two_columns(truth[:300]), two_columns(predicted[:300]))
    for tuning, expected in fixed.items():
        # Here the audited posts are part of the population: the same estimate has a λ that is larger by 1 + n / N.
        ours = corrected(population, audits, tuning=tuning * (1 + 300 / 1_700))
        assert ours.shares[0] == pytest.approx(expected, abs=1e-9)
    # The package takes the variance of all predictions into λ, we that of the audited ones.
    assert corrected(population, audits).shares[0] == pytest.approx(tuned, abs=0.002)


def test_hard_labels_without_tuning_are_counts_adjusted_by_the_errors_that_people_found():
    """The oracle for quantification: P(truth | label) from the audits, times the labels of all posts."""
    rng = np.random.default_rng(5)
    errors = np.array([[0.8, 0.2, 0.0], [0.1, 0.7, 0.2], [0.0, 0.1, 0.9]])  # of true (row) as label (column)
    truth = rng.choice(3, 4_000, p=[0.5, 0.3, 0.2])
    label = np.array([rng.choice(3, p=errors[one]) for one in truth])
    seen = slice(0, 400)
    hot = np.eye(CATEGORIES)
    population = Population(threads=hot[label], outcomes=np.bincount(label, minlength=7).astype(float), audited=0.1)
    found = corrected(population, sample(hot[truth[seen]], hot[label[seen]], outcome=label[seen]), columns=range(3))
    chance = np.array([[np.mean(truth[seen][label[seen] == k] == c) for k in range(3)] for c in range(3)])
    expected = chance @ np.bincount(label) / len(label)
    assert found.shares == pytest.approx(expected)
    assert np.abs(found.shares - np.bincount(truth) / len(truth)).max() < 0.05


def test_a_perfect_classifier_keeps_its_shares_and_its_interval():
    rng = np.random.default_rng(2)
    posts = np.eye(CATEGORIES)[rng.choice(5, 1_000, p=[0.35, 0.3, 0.2, 0.1, 0.05])]
    outcome = posts.argmax(axis=1)
    population = Population(threads=posts, outcomes=np.bincount(outcome, minlength=7).astype(float))
    found = corrected(population, sample(posts[:150], posts[:150], outcome=outcome[:150]), columns=range(5))
    assert found.shares == pytest.approx(posts.mean(axis=0)[:5])
    low, high = interval(found.sampled, found.shares)
    assert high[0] - low[0] == pytest.approx(2 * 1.96 * np.sqrt(0.35 * 0.65 / 1_000), rel=0.25)


def test_a_classifier_that_knows_nothing_costs_no_more_than_not_having_it():
    rng = np.random.default_rng(4)
    truth = (rng.random(3_000) < 0.5).astype(float)
    guess = rng.random(3_000)
    population = Population(threads=two_columns(guess), outcomes=np.array([3_000.0, *np.zeros(6)]))
    found = corrected(population, sample(two_columns(truth[:200]), two_columns(guess[:200])), columns=(0, 1))
    assert found.tuning < 0.3
    low, high = interval(found.sampled, found.shares)
    assert high[0] - low[0] == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 200), rel=0.25)


def test_weights_undo_an_unequal_choice_of_posts():
    """Posts that the classifier gets wrong are drawn five times as often; with the weights nothing shifts."""
    rng = np.random.default_rng(6)
    truth = (rng.random(40_000) < 0.3).astype(float)
    predicted = np.where(rng.random(40_000) < 0.3 * truth, 0.0, truth)
    wrong = truth != predicted
    chance = np.where(wrong, 0.10, 0.02)
    drawn = rng.random(40_000) < chance
    population = Population(threads=two_columns(predicted), outcomes=np.array([40_000.0, *np.zeros(6)]))
    audits = sample(two_columns(truth[drawn]), two_columns(predicted[drawn]), weights=1 / chance[drawn])
    assert corrected(population, audits).shares[0] == pytest.approx(truth.mean(), abs=0.02)
    unweighted = sample(two_columns(truth[drawn]), two_columns(predicted[drawn]))
    assert abs(corrected(population, unweighted).shares[0] - truth.mean()) > 0.04


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(50, 120), scale=st.floats(0.01, 1_000))
def test_shares_are_shares_whatever_the_scale_of_the_weights(seed, n, scale):
    rng = np.random.default_rng(seed)
    masses = rng.dirichlet(np.ones(7) * 0.3, 300)
    outcome = masses.argmax(axis=1)
    truth = np.eye(7)[rng.integers(0, 7, n), :CATEGORIES]
    found = []
    for weight in (1.0, scale):
        population = Population(
            threads=masses[:, :CATEGORIES] * weight, outcomes=np.bincount(outcome, minlength=7) * weight
        )
        audits = sample(truth, masses[:n, :CATEGORIES], weights=np.full(n, weight), outcome=outcome[:n])
        found.append(corrected(population, audits, columns=range(5), resamples=50))
    assert found[0].shares.sum() == pytest.approx(1)
    assert (found[0].shares >= 0).all()
    assert ((found[0].sampled >= 0) & (found[0].sampled <= 1)).all()
    assert found[1].shares == pytest.approx(found[0].shares, abs=1e-6)


def test_intervals_hold_the_truth_where_the_classifier_is_biased():
    """A short version of `bench/coverage.py`: 6 points of bias, 150 audits, 250 archives."""
    rng = np.random.default_rng(11)
    mixture, runs, held, uncorrected, errors = np.array([0.4, 0.3, 0.2, 0.1]), 250, 0.0, 0.0, []
    confusion = np.array([[0.7, 0.2, 0.1, 0.0], [0.1, 0.8, 0.1, 0.0], [0.2, 0.1, 0.7, 0.0], [0.2, 0.2, 0.1, 0.5]])
    cumulated = confusion.cumsum(axis=1)
    for _ in range(runs):
        truth = rng.choice(4, 1_000, p=mixture)
        label = (rng.random((1_000, 1)) > cumulated[truth]).sum(axis=1)
        hot = np.eye(CATEGORIES)
        population = Population(
            threads=hot[label], outcomes=np.bincount(label, minlength=7).astype(float), audited=0.15
        )
        audits = sample(hot[truth[:150]], hot[label[:150]], outcome=label[:150])
        found = correct(population, audits, columns=range(4), resamples=300, rng=rng)
        low, high = interval(found.sampled, found.shares)
        held += np.mean((low <= mixture) & (mixture <= high))
        uncorrected += np.mean(np.abs(np.bincount(label, minlength=4) / 1_000 - mixture) < 0.03)
        errors.append(found.shares - mixture)
    assert 0.925 <= held / runs <= 0.985
    assert np.abs(np.mean(errors, axis=0)).max() < 0.007
    assert uncorrected / runs < 0.6


@pytest.mark.slow
def test_the_bench_finds_its_goal_met_with_audits():
    command = [sys.executable, CHECKOUT / "bench" / "coverage_audited.py", "--quick", "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert json.loads(finished.stdout.splitlines()[-1])["met"]
