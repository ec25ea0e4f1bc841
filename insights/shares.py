"""Shares of the categories over time: estimates from calibrated probabilities, each with its 95 % interval.

A share is Σ w · p(relevant) · p(category | relevant) over the posts of a period, divided by the same sum over all categories
of the denominator; w is 1 / the probability with which the post was collected. Summing probabilities instead of
counting labels keeps the share unbiased where the classifier is unsure but calibrated. The interval comes from a
bootstrap over threads (`insights.bootstrap`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import numpy as np
from sqlalchemy import Connection

from classifiers.codebook import FIVE, Category
from db.periods import Step, from_day_text, next_start, start_of
from db.selection import Selection
from db.thread_sums import PeriodSums, period_sums
from insights.bootstrap import draws, interval

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
        How the interval was made.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Estimator:
    denominator: Denominator
    resamples: int
    seed: int

    @property
    def categories(self) -> tuple[Category, ...]:
        return FIVE if self.denominator is Denominator.FIVE else tuple(Category)

    @property
    def method(self) -> str:
        return f"bootstrap over threads, {self.resamples} resamples"

    def estimate(self, start: datetime, end: datetime, sums: PeriodSums) -> list[Share]:
        categories = self.categories
        columns = [list(Category).index(category) for category in categories]
        clusters = np.array(sums.threads, dtype=np.float64)[:, columns]
        totals = clusters.sum(axis=0)
        mass = float(totals.sum())
        squares = sums.squares_five if self.denominator is Denominator.FIVE else sums.squares_relevant
        effective = mass * mass / squares if squares > 0 else 0.0
        shares = low = high = None
        # Sums over the same posts in another order differ in the last digits: 30 certain posts are 30.
        if round(effective, 6) >= ENOUGH:
            shares = totals / mass
            rng = np.random.default_rng((self.seed, int(start.timestamp())))
            low, high = interval(draws(clusters, resamples=self.resamples, rng=rng), shares)
        return [
            Share(
                period_start=start,
                period_end=end,
                category=category,
                share=None if shares is None else float(shares[index]),
                low=None if low is None else float(low[index]),
                high=None if high is None else float(high[index]),
                posts=sums.posts[columns[index]],
                effective_posts=effective,
                denominator=self.denominator,
                method=self.method,
                status=Status.TOO_FEW if shares is None else Status.OK,
            )
            for index, category in enumerate(categories)
        ]

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
                method=self.method,
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
    sources, langs
        Only these platforms and languages (see `db.selection.Selection`); none means all.
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
    estimator = _Estimator(denominator=denominator, resamples=resamples, seed=seed)
    selection = Selection(start=start, end=end, sources=sources, langs=langs)
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


def _starts(step: Step, first: datetime, end: datetime) -> Iterator[datetime]:
    start = start_of(step, first)
    while start < end:
        yield start
        start = next_start(step, start)


def total(
    connection: Connection,
    *,
    start: datetime,
    end: datetime,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
    denominator: Denominator = Denominator.FIVE,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Share]:
    """Estimate the shares of one span of time, whatever its length; the rows are there even where there are no posts."""
    estimator = _Estimator(denominator=denominator, resamples=resamples, seed=seed)
    selection = Selection(start=start, end=end, sources=sources, langs=langs)
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    spans = list(period_sums(connection, None, selection))  # one at most
    return estimator.estimate(start, end, spans[0]) if spans else estimator.nothing(start, end)
