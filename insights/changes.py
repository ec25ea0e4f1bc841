"""What changed from one period to the next, and whether that can be told from chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from sqlalchemy import Connection

from classifiers.codebook import Category
from db.periods import Step
from insights.shares import Denominator, Share, shares

FALSE_DISCOVERY_RATE = 0.05
"""Part of the changes called clear that may be chance, over the categories of one comparison (Benjamini & Hochberg 1995)."""

_Z95 = NormalDist().inv_cdf(0.975)


class Verdict(StrEnum):
    """What may be said about a change; `UNKNOWN` where one of the two periods has too few posts for a share."""

    UP = "up"
    DOWN = "down"
    UNCLEAR = "unclear"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A category's share minus that of the period before, with a 95 % interval, in [-1, 1]; None where it is unknown."""

    category: Category
    difference: float | None
    low: float | None
    high: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodChange:
    """A category's share of a period beside that of the period before."""

    before: Share
    after: Share
    change: Change


def period_changes(
    connection: Connection,
    *,
    step: Step = Step.WEEK,
    start: datetime,
    end: datetime,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
    denominator: Denominator = Denominator.FIVE,
) -> list[PeriodChange]:
    """Compare every period between two moments with the one before it, by period and category.

    Parameters
    ----------
    step
        Length of a period; `start` and `end` are to lie on its bounds, so that like is compared with like.
    sources, langs, denominator
        As in `insights.shares.shares`.
    """
    rows = shares(connection, step=step, start=start, end=end, sources=sources, langs=langs, denominator=denominator)
    periods: dict[datetime, list[Share]] = {}
    for row in rows:
        periods.setdefault(row.period_start, []).append(row)
    return [
        PeriodChange(before=before, after=after, change=change)
        for earlier, later in pairwise(periods.values())
        for before, after, change in zip(earlier, later, changes(earlier, later), strict=True)
    ]


def changes(before: Sequence[Share], after: Sequence[Share]) -> list[Change]:
    """Compare two periods, category by category.

    The interval of a difference is put together from those of the two shares by the method of variance estimates recovery
    (Zou & Donner 2008), which keeps their skewness. Their bootstraps are independent of each other, but for two extrapolated
    periods: these stand on the same audits, err together, and their correlation goes in (Zou 2007). A period with audits of its own
    beside an extrapolated one, which takes in these audits too, counts as independent: the interval is rather too wide. A change is `UP` or
    `DOWN` only if it stays distinct from zero under false-discovery control over all categories; its interval then
    lies on one side of zero.
    """
    earlier = {share.category: share for share in before}
    found = [_compare(earlier[share.category], share) for share in after]
    known = sorted((change for change in found if change.difference is not None), key=_p_value)
    passed = 0
    for rank, change in enumerate(known, start=1):
        if _p_value(change) <= FALSE_DISCOVERY_RATE * rank / len(known):
            passed = rank
    clear = {change.category for change in known[:passed]}
    return [_judge(change, clear=change.category in clear) for change in found]


def _compare(before: Share, after: Share) -> Change:
    if (
        before.share is None or before.low is None or before.high is None
        or after.share is None or after.low is None or after.high is None
    ):  # fmt: skip
        return Change(category=after.category, difference=None, low=None, high=None, verdict=Verdict.UNKNOWN)
    difference = after.share - before.share
    together = _correlation(before, after)
    return Change(
        category=after.category,
        difference=difference,
        low=difference - _reach(after.share - after.low, before.high - before.share, together),
        high=difference + _reach(after.high - after.share, before.share - before.low, together),
        verdict=Verdict.UNCLEAR,
    )


def _correlation(before: Share, after: Share) -> float:
    if before.draws is None or after.draws is None or before.draws.shape != after.draws.shape:
        return 0.0
    if min(before.draws.std(), after.draws.std()) == 0:
        return 0.0
    # Not below zero: the same audits never make two shares err apart, so that would be noise of the draws.
    return max(float(np.corrcoef(before.draws, after.draws)[0, 1]), 0.0)


def _reach(one: float, other: float, together: float) -> float:
    return math.sqrt(max(one * one + other * other - 2.0 * together * one * other, 0.0))


def _p_value(change: Change) -> float:
    """Give the two-sided p-value, from the side of the interval that faces zero."""
    difference, low, high = change.difference or 0.0, change.low or 0.0, change.high or 0.0
    reach = difference - low if difference > 0 else high - difference
    if reach <= 0:
        return 0.0 if difference else 1.0
    return 2 * NormalDist().cdf(-abs(difference) / reach * _Z95)


def _judge(change: Change, *, clear: bool) -> Change:
    if not clear or change.difference is None:
        return change
    return replace(change, verdict=Verdict.UP if change.difference > 0 else Verdict.DOWN)
