"""Intervals for shares: a Bayesian bootstrap over threads that stays honest for few threads and rare categories."""

from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_CLUSTERS: Final = 500
"""More threads than these are merged at random: the interval stays right, the work stays bounded."""


def draws(clusters: Floats, *, resamples: int, rng: np.random.Generator, merged: bool = False) -> Floats:
    """Draw the shares of the columns anew, thread by thread.

    Posts of one thread resemble each other, so whole threads are drawn: every resample gives each thread a random weight
    from the exponential distribution (Rubin 1981), which is smoother than drawing threads with replacement. Every share
    is then mixed with half a typical thread that is all of this category and half a typical one that is nothing of it, each
    with a random weight from the gamma distribution. Where every post is a thread of its own this is the Jeffreys
    interval (Brown, Cai & DasGupta 2001). Without it a category that nobody, or everybody, happened to express would get
    an interval without width, and a handful of threads a much too narrow one; with it a single thread gets a very wide one.
    The typical thread is the size-weighted mean, so that one huge thread counts as what it is. `bench/coverage.py` holds
    the coverage of the 95 % intervals.

    Parameters
    ----------
    clusters
        One row a thread, one column a category; not negative, with a sum above zero.
    resamples
        How many times to draw.
    merged
        The rows are groups of threads instead, put together at random.

    Returns
    -------
    Floats
        One row a resample, one column a category.
    """
    sums = thread_sums(clusters, resamples=resamples, rng=rng)
    typical = typical_thread(clusters, merged=merged)
    inside = rng.gamma(0.5, typical, size=sums.shape)
    outside = rng.gamma(0.5, typical, size=sums.shape)
    return (sums + inside) / (sums.sum(axis=1, keepdims=True) + inside + outside)


def thread_sums(clusters: Floats, *, resamples: int, rng: np.random.Generator) -> Floats:
    """Give the sums of the columns, each thread with a random weight from the exponential distribution."""
    merged = _merge(clusters[clusters.sum(axis=1) > 0], rng)
    weights = rng.standard_exponential((resamples, len(merged)), dtype=np.float32)
    return weights.astype(np.float64) @ merged


def typical_thread(clusters: Floats, *, merged: bool) -> float:
    """Give the size-weighted mean of the threads' sizes.

    Of groups of threads that were `merged` at random it is estimated: K groups add (S² - Σ s²) / K of products of
    different threads to the squares of the threads' own sizes s, S their sum.
    """
    sizes = clusters.sum(axis=1)
    total, squares = float(sizes.sum()), float((sizes**2).sum())
    if merged and len(sizes) > 1:
        groups = len(sizes)
        squares = max((squares - total**2 / groups) * groups / (groups - 1), 0.0)
    return squares / total


def _merge(clusters: Floats, rng: np.random.Generator) -> Floats:
    # Threads are exchangeable: the order by size makes the draw depend on the data alone, not on the order of the rows.
    ordered = clusters[np.lexsort(clusters.T)]
    if len(ordered) <= MOST_CLUSTERS:
        return ordered
    groups = rng.permutation(len(ordered)) % MOST_CLUSTERS
    merged = np.zeros((MOST_CLUSTERS, ordered.shape[1]))
    np.add.at(merged, groups, ordered)
    return merged


def interval(sampled: Floats, shares: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Give the percentile interval of each column; it always contains the share itself."""
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(sampled, [tail, 1.0 - tail], axis=0)
    return np.minimum(low, shares), np.maximum(high, shares)


def bands(sampled: Floats, shares: Floats, low: Floats, high: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Widen the intervals of the columns until they hold all at once in 95 of 100 cases.

    By how much follows from the draws themselves: the largest deviation among the columns, in standard deviations, against that of
    one alone (max-|t|; Montiel Olea & Plagborg-Møller 2019). Columns that depend on each other, as shares do, need less
    than the Bonferroni correction takes.
    """
    spread = sampled.std(axis=0)
    moving = spread > 0
    if not moving.any():
        return low, high
    deviations = np.abs(sampled[:, moving] - sampled[:, moving].mean(axis=0)) / spread[moving]
    largest = float(np.quantile(deviations.max(axis=1), level))
    factor = max(largest / NormalDist().inv_cdf((1.0 + level) / 2.0), 1.0)
    return np.clip(shares - factor * (shares - low), 0.0, 1.0), np.clip(shares + factor * (high - shares), 0.0, 1.0)
