"""When in the past did a share change its level? Change points of the daily share by PELT, with false alarms bounded.

The daily share is made stable in its variance by the arcsine of its root (Anscombe 1948): a day with n effective posts and the dispersion
d then has the variance d / 4n whatever its level. PELT (Killick, Fearnhead & Eckley 2012, in `ruptures`) finds the segments that
cost least, a segment costing the weighted squares around its mean, and every further one a penalty.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from ruptures.base import BaseCost
from ruptures.detection import Pelt
from scipy.stats import chi2

Floats = NDArray[np.float64]

LEAST_DAYS: Final = 7
"""Days that a level must last: what is shorter is an incident, and no change of level."""

FALSE_ALARMS: Final = 0.5
"""Change points a quarter of quiet that may be found by chance, over all watched series together; half of the one
that a dashboard may have."""

QUARTER: Final = 91


class WeightedMean(BaseCost):
    """Cost of a segment: squares around its mean, weighted by what is known of each day."""

    model: Any = "weighted_mean"  # pyright: ignore[reportIncompatibleMethodOverride] - a property there
    min_size = LEAST_DAYS

    def __init__(self, weights: Floats) -> None:
        self._weights = weights

    def fit(self, signal: Floats) -> "WeightedMean":  # pyright: ignore[reportIncompatibleMethodOverride] - no types there
        """Add the days up."""
        values = signal.reshape(-1)
        self.signal = values
        self._mass = np.concatenate([[0.0], np.cumsum(self._weights)])
        self._sums = np.concatenate([[0.0], np.cumsum(self._weights * values)])
        self._squares = np.concatenate([[0.0], np.cumsum(self._weights * values**2)])
        return self

    def error(self, start: int, end: int) -> float:  # pyright: ignore[reportIncompatibleMethodOverride] - no types there
        """Give the cost of the days [start, end)."""
        mass = self._mass[end] - self._mass[start]
        if mass <= 0:
            return 0.0
        total = self._sums[end] - self._sums[start]
        return float(self._squares[end] - self._squares[start] - total * total / mass)


def penalty(days: int, series: int) -> float:
    """Give the cost of a change point in one of so many watched series, each so many days long.

    Every day may be one, so the level of one test is the bound divided by their number (Bonferroni): neighbouring days say
    nearly the same, and the true number of false alarms stays below the bound.
    """
    level = FALSE_ALARMS * days / QUARTER / max(1, series) / max(1, days)
    return float(chi2.isf(level, 1))


def change_points(counts: Floats, totals: Floats, dispersion: float, *, series: int = 1) -> list[int]:
    """Find the days on which a share changed its level.

    Parameters
    ----------
    counts, totals
        Effective posts of the category, and of all categories, by day, oldest first, without gaps; days without posts are zeros.
    dispersion
        As in `insights.detection.share_surprise`.
    series
        How many series are looked at together.

    Returns
    -------
    list of int
        Positions of the first days of new levels, in order; none where there are fewer than two times `LEAST_DAYS` days.
    """
    days = len(totals)
    if days < 2 * LEAST_DAYS or not totals.any():
        return []
    # Anscombe's three eighths keep a day without posts of the category from standing out.
    stable = np.arcsin(np.sqrt((counts + 0.375) / (totals + 0.75)))
    weights = 4.0 * totals / max(dispersion * _day_noise(stable, totals, dispersion), 1e-9)
    search: Any = Pelt(custom_cost=WeightedMean(weights), min_size=LEAST_DAYS, jump=1)
    found = search.fit(stable.reshape(-1, 1)).predict(pen=penalty(days, series))
    return [int(position) for position in found[:-1]]


def _day_noise(stable: Floats, totals: Floats, dispersion: float) -> float:
    """Give the factor by which days differ more than their posts make them, from neighbouring days, which share a level."""
    held = totals > 0
    values, known = stable[held], totals[held]
    if len(values) < 2 * LEAST_DAYS:
        return 1.0
    variance = dispersion / 4.0 * (1.0 / known[1:] + 1.0 / known[:-1])
    return max(1.0, float(np.mean(np.diff(values) ** 2 / variance)))
