"""Aspects and rivals over time: how many posts about Grok speak of them, and how they speak of Grok when they do.

A share is a part of all posts about Grok, by weight and probability, so a post may count for several aspects or rivals. Its
interval comes from the same bootstrap over threads as the shares of the categories (`insights.bootstrap`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from classifiers.codebook import Aspect, Polarity, Rival
from db.periods import Step, from_day_text, next_start
from db.selection import Selection
from db.topics import Topic, TopicRow, period_topics
from insights.bootstrap import draws, interval
from insights.shares import ENOUGH, RESAMPLES, SEED, Status

NAMES: Final[Mapping[Topic, tuple[str, ...]]] = {
    Topic.ASPECTS: tuple(aspect.value for aspect in Aspect),
    Topic.RIVALS: tuple(rival.value for rival in Rival),
}

PRAISE: Final[Mapping[str, tuple[Aspect, ...]]] = {
    "natural_writing": (Aspect.WRITING,),
    "emotional_replies": (Aspect.EMOTION,),
    "speed_and_quality": (Aspect.SPEED, Aspect.ACCURACY),
    "creative_freedom": (Aspect.MEDIA, Aspect.BIAS),
}
"""The report's themes of praise, and the aspects that they are found by where a post is positive."""

COMPLAINTS: Final[Mapping[str, tuple[Aspect, ...]]] = {
    "coding": (Aspect.CODING,),
    "latency_and_bugs": (Aspect.SPEED, Aspect.RELIABILITY),
    "price_and_access": (Aspect.PRICE,),
    "safety_and_bias": (Aspect.SAFETY, Aspect.BIAS),
}
"""The report's themes of complaint, and the aspects that they are found by where a post is negative."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a whole with its 95 % interval, in [0, 1]; all None below 30 effective posts."""

    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicShare:
    """An aspect or a rival in one period.

    Parameters
    ----------
    period_start, period_end
        Half-open, UTC.
    name
        The aspect, the rival or the report's theme.
    posts
        Posts that name it.
    named
        Their part of all posts about Grok.
    positive, negative
        Parts of these posts that praise Grok and that blame it; the rest is neutral or mixed.
    preferred
        Of the posts that do one or the other, the part that praises: of a rival, Grok is better; None with fewer than 30.
    effective_posts
        Effective number of all posts about Grok, (Σ w)² / Σ w² (after Kish 1965).
    """

    period_start: datetime
    period_end: datetime
    name: str
    posts: int
    named: Part
    positive: Part
    negative: Part
    preferred: Part
    effective_posts: float
    status: Status


def aspects(
    connection: Connection,
    *,
    step: Step | None = Step.WEEK,
    start: datetime | None = None,
    end: datetime | None = None,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
) -> list[TopicShare]:
    """Give every aspect in every period that has posts about Grok; `step` None is the whole span, which must then have two ends."""
    selection = Selection(start=start, end=end, sources=sources, langs=langs)
    return _shares(connection, Topic.ASPECTS, step, selection, {name: (name,) for name in NAMES[Topic.ASPECTS]})


def rivals(
    connection: Connection,
    *,
    step: Step | None = Step.WEEK,
    start: datetime | None = None,
    end: datetime | None = None,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
) -> list[TopicShare]:
    """Give every rival likewise; `positive` there means that Grok is praised beside it, `negative` that Grok is blamed."""
    selection = Selection(start=start, end=end, sources=sources, langs=langs)
    return _shares(connection, Topic.RIVALS, step, selection, {name: (name,) for name in NAMES[Topic.RIVALS]})


def report_themes(
    connection: Connection,
    *,
    step: Step | None = Step.WEEK,
    start: datetime | None = None,
    end: datetime | None = None,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
) -> tuple[list[TopicShare], list[TopicShare]]:
    """Give the report's themes of praise, counted in positive posts alone, and those of complaint, in negative ones."""
    selection = Selection(start=start, end=end, sources=sources, langs=langs)
    praise, complaints = (
        _shares(
            connection, Topic.ASPECTS, step, selection,
            {name: tuple(aspect.value for aspect in found) for name, found in themes.items()}, stance,
        )
        for themes, stance in ((PRAISE, Polarity.POSITIVE), (COMPLAINTS, Polarity.NEGATIVE))
    )  # fmt: skip
    return praise, complaints


def _shares(
    connection: Connection,
    topic: Topic,
    step: Step | None,
    selection: Selection,
    themes: Mapping[str, tuple[str, ...]],
    stance: Polarity | None = None,
) -> list[TopicShare]:
    found: list[TopicShare] = []
    for day, rows in period_topics(connection, topic, step, selection):
        start, end = _span(day, step, selection)
        found += _period(start, end, rows, themes, stance)
    return found


def _span(day: str, step: Step | None, selection: Selection) -> tuple[datetime, datetime]:
    if step is None:
        if selection.start is None or selection.end is None:
            raise ValueError("a whole span must have two ends")
        return selection.start.astimezone(UTC), selection.end.astimezone(UTC)
    first = from_day_text(day)
    after = next_start(step, first)
    return (
        first if selection.start is None else max(first, selection.start.astimezone(UTC)),
        after if selection.end is None else min(after, selection.end.astimezone(UTC)),
    )


def _period(
    start: datetime,
    end: datetime,
    rows: Sequence[TopicRow],
    themes: Mapping[str, tuple[str, ...]],
    stance: Polarity | None,
) -> Iterator[TopicShare]:
    numbers: dict[tuple[str, str], int] = {}
    thread = np.array([numbers.setdefault(row.thread, len(numbers)) for row in rows])
    weight = np.array([row.weight for row in rows])
    squares = np.array([row.squares for row in rows])
    posts = np.array([row.posts for row in rows])
    praised = np.array([row.polarity == Polarity.POSITIVE for row in rows])
    blamed = np.array([row.polarity == Polarity.NEGATIVE for row in rows])
    within = np.ones(len(rows), bool) if stance is None else np.array([row.polarity == stance for row in rows])
    rng = np.random.default_rng((SEED, int(start.timestamp())))

    def part(inside: NDArray[np.bool_], whole: NDArray[np.bool_]) -> Part:
        if _effective(weight[whole], squares[whole]) < ENOUGH:
            return Part(share=None, low=None, high=None)
        clusters = np.stack(
            [
                np.bincount(thread, weights=weight * chosen, minlength=len(numbers)).astype(np.float64)
                for chosen in (inside & whole, whole & ~inside)
            ],
            axis=1,
        )
        share = clusters.sum(axis=0) / clusters.sum()
        low, high = interval(draws(clusters, resamples=RESAMPLES, rng=rng), share)
        return Part(share=float(share[0]), low=float(low[0]), high=float(high[0]))

    everything = np.ones(len(rows), bool)
    effective = _effective(weight, squares)
    for name, members in themes.items():
        named = within & np.array([any(member in row.topics for member in members) for row in rows])
        yield TopicShare(
            period_start=start,
            period_end=end,
            name=name,
            posts=int(posts[named].sum()),
            named=part(named, everything),
            positive=part(praised, named),
            negative=part(blamed, named),
            preferred=part(praised, named & (praised | blamed)),
            effective_posts=effective,
            status=Status.OK if effective >= ENOUGH else Status.TOO_FEW,
        )


def _effective(weight: Floats, squares: Floats) -> float:
    total = float(squares.sum())
    return round(float(weight.sum()) ** 2 / total, 6) if total > 0 else 0.0
