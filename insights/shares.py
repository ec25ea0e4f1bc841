"""Shares of the categories over time: estimates from calibrated probabilities, each with its 95 % interval.

A share is Σ w · p(relevant) · p(category | relevant) over the posts of a period, divided by the same sum over all categories
of the denominator; w is 1 / the probability with which the post was collected. Summing probabilities instead of
counting labels keeps the share unbiased where the classifier is unsure but calibrated. The interval comes from a
bootstrap over threads (`insights.bootstrap`).

Where people have audited enough posts, share and interval are corrected by what they say (`insights.correction`): by the audits of
the period where it has enough of its own, else by those of all periods, and then the row is marked as extrapolated.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import numpy as np
from sqlalchemy import Connection

from classifiers.codebook import FIVE, Category
from db.periods import Step, from_day_text, next_start, start_of
from db.selection import Selection
from db.thread_sums import PeriodSums, period_sums
from insights.audit import Audits, audited
from insights.bootstrap import Floats, bands, draws, interval
from insights.correction import Correction, Population, prepare

ENOUGH: Final = 30.0
"""Effective posts below which a share is not shown."""

RESAMPLES: Final = 1000
SEED: Final = 20251117


class Denominator(StrEnum):
    """What a share is a share of: posts in the report's five categories, or all relevant posts."""

    FIVE = "five"
    RELEVANT = "relevant"


class Status(StrEnum):
    """Whether a share can be shown: yes, too few posts, no posts at all."""

    OK = "ok"
    TOO_FEW = "too_few"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One category's share of one period.

    Parameters
    ----------
    period_start, period_end
        Half-open, UTC; the first and the last period are cut to the span that was asked for.
    share, low, high
        Estimate and 95 % interval in [0, 1]; None unless `status` is `ok`, so that nobody quotes what can't be known.
    posts
        Posts whose label is this category.
    effective_posts
        Effective number of posts behind the denominator, (Σ w·d)² / Σ w²·d, where d is the probability that a post belongs
        to the denominator (after Kish 1965). With certain labels and nothing left out it is their plain count.
    method
        How the interval was made, and by how many audits the share was corrected.
    simultaneous_low, simultaneous_high
        Wider limits, which hold for all categories of the period at once in 95 of 100 periods.
    corrected, audited, extrapolated
        Whether audits correct the share, by how many posts, and whether the period had too few of its own, so that those of all
        periods stand in for it.
    draws
        Where it is extrapolated, the draws that its interval comes from: those of other extrapolated periods stand on the same draws of the
        same audits, row by row, so that `insights.changes` can tell how far the two err together. None elsewhere.
    """

    period_start: datetime
    period_end: datetime
    category: Category
    share: float | None
    low: float | None
    high: float | None
    posts: int
    effective_posts: float
    denominator: Denominator
    method: str
    status: Status
    simultaneous_low: float | None = None
    simultaneous_high: float | None = None
    corrected: bool = False
    audited: int = 0
    extrapolated: bool = False
    draws: Floats | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Estimate:
    """Shares with the draws that their intervals come from."""

    shares: Floats
    sampled: Floats
    audited: int = 0
    extrapolated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Estimator:
    denominator: Denominator
    resamples: int
    seed: int
    audits: Audits | None = None
    pooled: Correction | None = None
    """By the audits of all periods, where there are enough."""

    @property
    def categories(self) -> tuple[Category, ...]:
        return FIVE if self.denominator is Denominator.FIVE else tuple(Category)

    @property
    def columns(self) -> list[int]:
        """Places of the categories in `Category`."""
        return [list(Category).index(category) for category in self.categories]

    def method(self, found: _Estimate | None = None) -> str:
        by_threads = f"bootstrap over threads, {self.resamples} resamples"
        if found is None or not found.audited:
            return by_threads
        whose = " of all periods" if found.extrapolated else ""
        return f"prediction-powered, {found.audited} audits{whose}, {by_threads}"

    def estimate(self, start: datetime, end: datetime, sums: PeriodSums) -> list[Share]:
        categories = self.categories
        columns = self.columns
        mass = float(sums.threads[:, columns].sum())
        squares = sums.squares_five if self.denominator is Denominator.FIVE else sums.squares_relevant
        effective = mass * mass / squares if squares > 0 else 0.0
        # Sums over the same posts in another order differ in the last digits: 30 certain posts are 30.
        found = self._estimate(start, end, sums, columns) if round(effective, 6) >= ENOUGH else None
        limits: list[tuple[float | None, ...]] = [(None,) * 5] * len(columns)
        if found is not None:
            low, high = interval(found.sampled, found.shares)
            wide = bands(found.sampled, found.shares, low, high)
            limits = [tuple(map(float, row)) for row in zip(found.shares, low, high, *wide, strict=True)]
        return [
            Share(
                period_start=start,
                period_end=end,
                category=category,
                share=limits[index][0],
                low=limits[index][1],
                high=limits[index][2],
                posts=sums.posts[columns[index]],
                effective_posts=effective,
                denominator=self.denominator,
                method=self.method(found),
                status=Status.TOO_FEW if found is None else Status.OK,
                simultaneous_low=limits[index][3],
                simultaneous_high=limits[index][4],
                corrected=found is not None and found.audited > 0,
                audited=0 if found is None else found.audited,
                extrapolated=found is not None and found.extrapolated,
                draws=found.sampled[:, index] if found is not None and found.extrapolated else None,
            )
            for index, category in enumerate(categories)
        ]

    def _estimate(self, start: datetime, end: datetime, sums: PeriodSums, columns: list[int]) -> _Estimate:
        rng = np.random.default_rng((self.seed, int(start.timestamp())))
        if self.audits is None or self.pooled is None:
            clusters = sums.threads[:, columns]
            sampled = draws(clusters, resamples=self.resamples, rng=rng, merged=sums.merged)
            return _Estimate(shares=clusters.sum(axis=0) / clusters.sum(), sampled=sampled)
        own, correction, outcomes = self.audits.between(start, end), self.pooled, np.array(sums.outcomes)
        of_its_own, part = own.posts.suffice(columns), 0.0
        if of_its_own:
            correction = prepare(own.posts, columns=columns, resamples=self.resamples, rng=rng)
            part = min(float(own.collected.sum() / outcomes.sum()), 1.0)
        population = Population(threads=sums.threads, merged=sums.merged, outcomes=outcomes, audited=part)
        found = correction.apply(population, rng=rng)
        return _Estimate(
            shares=found.shares,
            sampled=found.sampled,
            audited=len(own.posts) if of_its_own else len(self.audits.posts),
            extrapolated=not of_its_own,
        )

    def nothing(self, start: datetime, end: datetime) -> list[Share]:
        return [
            Share(
                period_start=start,
                period_end=end,
                category=category,
                share=None,
                low=None,
                high=None,
                posts=0,
                effective_posts=0.0,
                denominator=self.denominator,
                method=self.method(),
                status=Status.NO_DATA,
            )
            for category in self.categories
        ]


def shares(  # noqa: PLR0913 - every one is a choice of its own, all by keyword
    connection: Connection,
    *,
    step: Step,
    start: datetime | None = None,
    end: datetime | None = None,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
    aspects: Sequence[str] = (),
    rivals: Sequence[str] = (),
    denominator: Denominator = Denominator.FIVE,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Share]:
    """Estimate the shares of every period between the first and the last labelled post.

    Parameters
    ----------
    step
        Length of a period.
    start, end
        Only posts written from `start` on and before `end`; the periods at the edges are cut to them.
    sources, langs, aspects, rivals
        Only posts of these platforms and languages, with these aspects, beside these rivals (see `db.selection.Selection`); none
        means all.
    denominator
        `FIVE` gives five rows a period, which add up to one; `RELEVANT` six, with `other`.
    resamples, seed
        Of the bootstrap. The same posts give the same interval.

    Returns
    -------
    list of Share
        By period, then in the order of the report. A period without labelled posts between others is there with the status
        `no_data`; no labelled posts at all give an empty list.
    """
    selection = Selection(start=start, end=end, sources=sources, langs=langs, aspects=aspects, rivals=rivals)
    estimator = _estimator(connection, selection, denominator, resamples, seed)
    rows: list[Share] = []
    expected: datetime | None = None
    for sums in period_sums(connection, step, selection):
        first = from_day_text(sums.day)
        for gap in _starts(step, expected or first, first):
            rows += estimator.nothing(gap, next_start(step, gap))
        expected = next_start(step, first)
        rows += estimator.estimate(
            first if start is None else max(first, start.astimezone(UTC)),
            expected if end is None else min(expected, end.astimezone(UTC)),
            sums,
        )
    return rows


def _estimator(
    connection: Connection, selection: Selection, denominator: Denominator, resamples: int, seed: int
) -> _Estimator:
    # Audits of any time: where a period has too few of its own, the others tell how the classifier errs.
    audits = audited(connection, replace(selection, start=None, end=None))
    estimator = _Estimator(denominator=denominator, resamples=resamples, seed=seed, audits=audits)
    if audits is None or not audits.posts.suffice(estimator.columns):
        return estimator
    rng = np.random.default_rng(seed)
    pooled = prepare(audits.posts, columns=estimator.columns, resamples=resamples, rng=rng)
    return replace(estimator, pooled=pooled)


def _starts(step: Step, first: datetime, end: datetime) -> Iterator[datetime]:
    start = start_of(step, first)
    while start < end:
        yield start
        start = next_start(step, start)


def total(  # noqa: PLR0913 - as above
    connection: Connection,
    *,
    start: datetime,
    end: datetime,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
    aspects: Sequence[str] = (),
    rivals: Sequence[str] = (),
    denominator: Denominator = Denominator.FIVE,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Share]:
    """Estimate the shares of one span of time, whatever its length, as `shares` does of periods; the rows are there even where there are no posts."""
    selection = Selection(start=start, end=end, sources=sources, langs=langs, aspects=aspects, rivals=rivals)
    estimator = _estimator(connection, selection, denominator, resamples, seed)
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    spans = list(period_sums(connection, None, selection))  # one at most
    return estimator.estimate(start, end, spans[0]) if spans else estimator.nothing(start, end)
