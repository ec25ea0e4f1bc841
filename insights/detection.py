"""Has a share or a volume moved in the last days? Sequential detection on daily and hourly series, with false alarms bounded.

A share is watched by a cumulative sum of log-likelihood ratios over its daily counts (Page 1954; window-limited as in Lai 1998):
how much better do the last 1 to `WINDOW` days fit a share that has moved by `REFERENCE_SHIFT` than the one of the days before?
The likelihood is quasi-binomial: the ratios are divided by the dispersion, estimated from threads and from days (McCullagh & Nelder
1989), and shrunk for the uncertainty of the baseline. In the steady state such a sum has an exponential tail with Siegmund's correction
for discrete steps (Siegmund 1985, ch. 10), which gives its p-value (after Grigg & Spiegelhalter 2008). A volume is compared with the
same hours of the days before by the tail of a negative binomial.

Every series of a dashboard is looked at together: a weighted Benjamini-Hochberg procedure (Genovese, Roeder & Wasserman 2006) with the
posts behind a series as its weight. `bench/detection.py` measures what is found and how often the alarm is false.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom, poisson

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

BASELINE: Final = 91
"""Days before the window that a share is compared with: a quarter."""

LEAST_BASELINE: Final = 28
"""Days before the window without which nothing is said."""

WINDOW: Final = 14
"""Days back in which a change that is found by watching may have begun."""

REFERENCE_SHIFT: Final = 0.04
"""The shift the sum is tuned for; a little under the five points that are to be found within a week, so that those are."""

PREFERRED: Final = (5, 8)
"""Windows, in days, that go before others: a change is to be found within a week, and weak evidence takes nearly all of it."""

HANDICAP: Final = 2.0
"""What other windows must bring more, in log-likelihood: little to a large change, which is found in a day or two all the same."""

LOOK_RATE: Final = 0.045
"""False-discovery rate of one daily look; over a quarter this comes to less than one false alarm (`bench/detection.py`)."""

WEEK: Final = 7
PRIOR_DAYS: Final = 91.0
"""How many days' weight the threads' dispersion has against that of the days, whose estimate is noisy."""

OVERSHOOT: Final = 0.583
"""By how much a sum of normal steps overshoots a bound on average, in steps' deviations (Siegmund 1985)."""

_EDGE: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Surprise:
    """What a look at series says, a row a series; the first column is of a rise, the second of a fall.

    Parameters
    ----------
    p_values
        Probability of so much evidence, or more, where nothing has changed.
    days
        How many days ago the change began most likely, counting the last day as 1.
    """

    p_values: Floats
    days: Ints


def share_surprise(counts: Floats, totals: Floats, dispersion: Floats) -> Surprise:
    """Look at the last `WINDOW` days of shares.

    Parameters
    ----------
    counts, totals
        Effective posts of the category, and of all categories, a row a series and a column a day without gaps, oldest first: at
        least `LEAST_BASELINE` + `WINDOW` columns.
    dispersion
        Variance of a series' counts over that of independent posts with certain labels (see `db.series.ThreadSpread`).
    """
    baseline = slice(max(0, counts.shape[1] - WINDOW - BASELINE), counts.shape[1] - WINDOW)
    before, before_totals = counts[:, baseline], totals[:, baseline]
    posts = before_totals.sum(axis=1)
    share = (before.sum(axis=1) + 0.5) / (posts + 1.0)
    cycle = _weekday_cycle(before, before_totals, share, dispersion)
    spread = _dispersion(before, before_totals, _expected(share, cycle, before.shape[1], ends=0), dispersion)
    expected = _expected(share, cycle, WINDOW, ends=WINDOW)
    recent, recent_totals = counts[:, -WINDOW:], totals[:, -WINDOW:]
    seen = recent_totals[:, ::-1].cumsum(axis=1)
    certainty = posts[:, None] / np.maximum(posts[:, None] + seen, 1e-12)
    lengths = np.arange(1, WINDOW + 1)
    handicap = np.where((lengths >= PREFERRED[0]) & (lengths <= PREFERRED[1]), 0.0, HANDICAP)
    p_values, days = np.ones((len(counts), 2)), np.ones((len(counts), 2), dtype=np.int64)
    for side, moved in enumerate((np.minimum(expected + REFERENCE_SHIFT, 1 - _EDGE), _fallen(expected))):
        present, absent = np.log(moved / expected), np.log((1 - moved) / (1 - expected))
        ratios = (recent * present + (recent_totals - recent) * absent) / spread[:, None]
        evidence = ratios[:, ::-1].cumsum(axis=1) * certainty - handicap
        days[:, side] = evidence.argmax(axis=1) + 1
        most = evidence.max(axis=1)
        divergence = -(recent_totals * (expected * present + (1 - expected) * absent)).mean(axis=1) / spread
        tail = np.exp(-(most + OVERSHOOT * np.sqrt(2 * divergence)))
        p_values[:, side] = np.minimum(tail, 1.0)
    return Surprise(p_values=p_values, days=days)


def _fallen(expected: Floats) -> Floats:
    """Give the shares after a fall; a small share can't fall by the whole shift, it halves."""
    return np.maximum(expected - REFERENCE_SHIFT, expected / 2)


def _weekday_cycle(counts: Floats, totals: Floats, share: Floats, dispersion: Floats) -> Floats:
    """Estimate how the share deviates by the day of the week, shrunk towards nothing (James & Stein 1961).

    Column 0 is the weekday that comes `WEEK` days before the end of the baseline.
    """
    weeks = counts.shape[1] // WEEK
    by_weekday = counts[:, -WEEK * weeks :].reshape(-1, weeks, WEEK).sum(axis=1)
    posts = totals[:, -WEEK * weeks :].reshape(-1, weeks, WEEK).sum(axis=1)
    expected = posts * share[:, None]
    deviation = np.divide(by_weekday - expected, posts, out=np.zeros_like(posts), where=posts > 0)
    variance = dispersion * share * (1 - share)
    unlikeness = (posts * deviation**2).sum(axis=1) / np.maximum(variance, 1e-12)
    kept = np.maximum(0.0, 1.0 - (WEEK - 1) / np.maximum(unlikeness, 1e-12))
    return deviation * kept[:, None]


def _expected(share: Floats, cycle: Floats, days: int, *, ends: int) -> Floats:
    """Give the expected share of days that end so many days after the baseline."""
    weekdays = (np.arange(days) + ends - days) % WEEK
    return np.clip(share[:, None] + cycle[:, weekdays], _EDGE, 1 - _EDGE)


def _dispersion(counts: Floats, totals: Floats, expected: Floats, threads: Floats) -> Floats:
    """Put the dispersion between days (Pearson's) to that within threads; it may only add to it."""
    variance = np.maximum(totals, 1e-12) * expected * (1 - expected)
    pearson = np.where(totals > 0, (counts - totals * expected) ** 2 / variance, 0.0).sum(axis=1)
    free = np.maximum((totals > 0).sum(axis=1) - 1, 0)
    return np.maximum(threads, (threads * PRIOR_DAYS + pearson) / (PRIOR_DAYS + free))


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSurprise:
    """A volume beside what was to be expected; `p_value` is two-sided."""

    volume: float
    expected: float
    p_value: float


def volume_surprise(volumes: Floats) -> VolumeSurprise:
    """Compare the last of equal stretches of time, one a day, with those of the days before.

    Parameters
    ----------
    volumes
        Posts of the same hours of each day, oldest first: at least `LEAST_BASELINE` + 1. The last is compared.
    """
    last = float(volumes[-1])
    before = volumes[:-1][-BASELINE:]
    weekday = (np.arange(len(before)) - len(before)) % WEEK  # 0: that of the last
    if np.median(before) > 0:  # a day without a single post among full ones is a gap, not a volume
        before, weekday = before[before > 0], weekday[before > 0]
    mean = float(before.mean())
    usual = np.full(WEEK, mean)
    number = np.bincount(weekday, minlength=WEEK)
    np.divide(np.bincount(weekday, before, WEEK), number, out=usual, where=number > 0)
    unlikeness = float((number * (usual - mean) ** 2).sum()) / max(float(before.var()), mean, 1e-12)
    usual = mean + (usual - mean) * max(0.0, 1.0 - (WEEK - 1) / max(unlikeness, 1e-12))
    expected = max(float(usual[0]), 0.5)
    squares = float(((before - usual[weekday]) ** 2).sum()) / max(len(before) - WEEK, 1)
    extra = max(0.0, (squares - mean) / mean**2) if mean > 0 else 0.0
    law = nbinom(1 / extra, 1 / (1 + extra * expected)) if extra > 0 else poisson(expected)
    whole = round(last)
    tail = min(float(law.cdf(whole)), float(law.sf(whole - 1)))
    return VolumeSurprise(volume=last, expected=expected, p_value=min(1.0, 2 * tail))


def discoveries(p_values: Floats, weights: Floats, *, rate: float = LOOK_RATE) -> Flags:
    """Choose the series that stand out from chance, under control of the false-discovery rate over all of them.

    Parameters
    ----------
    p_values, weights
        Along the last axis; the weights say where a change is most likely to be seen, their scale does not matter.
    """
    tests = p_values.shape[-1]
    if tests == 0:
        return np.zeros(p_values.shape, dtype=np.bool_)
    weighed = p_values * np.mean(weights, axis=-1, keepdims=True) / weights
    ranked = np.sort(weighed, axis=-1)
    passes = ranked <= rate * np.arange(1, tests + 1) / tests
    bound = np.where(passes, ranked, -1.0).max(axis=-1, keepdims=True)
    return weighed <= bound
