"""Which series of a database are watched, and what has changed in them: found day by day, and in hindsight."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from classifiers.codebook import FIVE, Category
from db.periods import Step, from_day_text, start_of
from db.selection import Selection
from db.series import DaySums, ThreadSpread, day_sums, primary, thread_spread, watched_span
from insights.changepoints import change_points
from insights.detection import BASELINE, LEAST_BASELINE, LOOK_RATE, WEEK, WINDOW, discoveries, share_surprise

Floats = NDArray[np.float64]

DAY: Final = timedelta(days=1)
LOOK_BACK: Final = timedelta(days=BASELINE + WINDOW)
ENOUGH_A_WEEK: Final = 500.0
"""Effective posts a week from which on a source, or a language of one, is watched by itself."""

LEAST_A_WEEK: Final = 100.0
"""Effective posts a week below which not even all posts together are watched."""

SAME: Final = 0.95
"""A group that holds more than this part of one that is watched already says nothing new."""

LEAST_DISPERSION: Final = 0.25
TINY: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Posts that are watched together: of a source, of a language (primary subtag); None: of all."""

    source: str | None = None
    lang: str | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The source as questions to the database take it."""
        return () if self.source is None else (self.source,)

    @property
    def langs(self) -> tuple[str, ...]:
        """The language as questions to the database take it."""
        return () if self.lang is None else (self.lang,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A share of all posts about Grok that moves now.

    Parameters
    ----------
    start
        First day of the change, most likely.
    p_value
        Of the evidence in this series alone; it passed the false-discovery control over all.
    """

    category: Category
    group: Group
    rise: bool
    start: datetime
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """A day on which a share of all posts about Grok changed its level, between the levels [before_start, start) and [start, end)."""

    category: Category
    group: Group
    before_start: datetime
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """A group's days: `counts` has a row a category of the five; `totals` and `counts` are effective posts."""

    group: Group
    counts: Floats
    totals: Floats
    dispersion: Floats
    mass: float

    @property
    def a_week(self) -> float:
        return float(self.totals.sum()) / len(self.totals) * WEEK


def detect(connection: Connection, *, now: datetime, rate: float = LOOK_RATE) -> list[Detection]:
    """Look at all watched series as they stand at the end of the last complete day (UTC); the clearest first.

    A change that shows in several groups is told once, where it is clearest. `rate` is the false-discovery rate of the look.
    """
    end = start_of(Step.DAY, now)
    series = _watched(connection, start=end - LOOK_BACK, end=end)
    if not series or len(series[0].totals) < LEAST_BASELINE + WINDOW:
        return []
    surprise = share_surprise(
        np.concatenate([one.counts for one in series]),
        np.concatenate([np.repeat(one.totals[None], len(FIVE), axis=0) for one in series]),
        np.concatenate([one.dispersion for one in series]),
    )
    weights = np.repeat([one.mass for one in series], 2 * len(FIVE))
    passed = discoveries(surprise.p_values.ravel(), weights, rate=rate).reshape(surprise.p_values.shape)
    found: dict[tuple[Category, bool], Detection] = {}
    for row, side in sorted(zip(*np.nonzero(passed), strict=True), key=lambda at: surprise.p_values[at]):
        which, category = divmod(int(row), len(FIVE))
        detection = Detection(
            category=FIVE[category],
            group=series[which].group,
            rise=bool(side == 0),
            start=end - DAY * int(surprise.days[row, side]),
            p_value=float(surprise.p_values[row, side]),
        )
        found.setdefault((detection.category, detection.rise), detection)
    return list(found.values())


def find_change_points(
    connection: Connection,
    *,
    start: datetime,
    end: datetime,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
    categories: Sequence[Category] = FIVE,
) -> list[ChangePoint]:
    """Find the days on which shares changed their level, in order; of the whole days between two moments.

    Parameters
    ----------
    sources, langs
        One of each, or none: then all watched groups are looked at.
    """
    first, last = start_of(Step.DAY, start), start_of(Step.DAY, end)
    chosen = _chosen(sources, langs)
    watched = _watched(connection, start=first, end=last, chosen=chosen)
    found: list[ChangePoint] = []
    for series in watched:
        begin = last - DAY * len(series.totals)
        for category in categories:
            row = FIVE.index(category)
            positions = change_points(
                series.counts[row],
                series.totals,
                float(series.dispersion[row]),
                series=len(watched) * len(FIVE),
            )
            edges = [0, *positions, len(series.totals)]
            found += [
                ChangePoint(
                    category=category,
                    group=series.group,
                    before_start=begin + DAY * edges[index - 1],
                    start=begin + DAY * edges[index],
                    end=begin + DAY * edges[index + 1],
                )
                for index in range(1, len(edges) - 1)
            ]
    return sorted(found, key=lambda point: (point.start, FIVE.index(point.category), str(point.group)))


def _chosen(sources: Sequence[str], langs: Sequence[str]) -> list[Group] | None:
    if not sources and not langs:
        return None
    return [Group(source=source, lang=lang) for source in sources or (None,) for lang in langs or (None,)]


def _watched(
    connection: Connection, *, start: datetime, end: datetime, chosen: Sequence[Group] | None = None
) -> list[_Series]:
    """Add up the groups with enough posts, all posts first."""
    span = watched_span(connection)
    if span is None:
        return []
    first = max(start, start_of(Step.DAY, span[0].astimezone(UTC)))
    days = (end - first) // DAY
    if days < 1:
        return []
    selection = Selection(start=first, end=end)
    sums, spread = day_sums(connection, selection), thread_spread(connection, selection)
    if chosen is not None:
        series = [_series(group, sums, spread, first, days) for group in chosen]
        return [one for one in series if one.a_week >= LEAST_A_WEEK]
    watched: list[_Series] = []
    for group in _groups(sums):
        series = _series(group, sums, spread, first, days)
        enough = LEAST_A_WEEK if group == Group() else ENOUGH_A_WEEK
        if series.a_week >= enough and not any(_says_same(series, one) for one in watched):
            watched.append(series)
    return watched


def _groups(sums: Sequence[DaySums]) -> Iterator[Group]:
    pairs = {(row.source, primary(row.lang)) for row in sums}
    yield Group()
    yield from (Group(source=source) for source in sorted({source for source, _ in pairs}))
    yield from (Group(source=source, lang=lang) for source, lang in sorted(pairs))


def _says_same(series: _Series, watched: _Series) -> bool:
    inside = watched.group.source in {None, series.group.source}
    return inside and series.mass > SAME * watched.mass


def _series(
    group: Group, sums: Sequence[DaySums], spread: Sequence[ThreadSpread], first: datetime, days: int
) -> _Series:
    mass, squares, counts = np.zeros(days), np.zeros(days), np.zeros((len(FIVE), days))
    for row in sums:
        if _holds(group, row.source, row.lang):
            day = (from_day_text(row.day) - first) // DAY
            mass[day] += row.mass
            squares[day] += row.squares
            counts[:, day] += row.categories[: len(FIVE)]
    scale = np.divide(mass, squares, out=np.zeros(days), where=squares > 0)
    held = [row for row in spread if _holds(group, row.source, row.lang)]
    return _Series(
        group=group,
        counts=counts * scale,
        totals=mass * scale,
        dispersion=_dispersion(held),
        mass=float(mass.sum()),
    )


def _holds(group: Group, source: str, lang: str) -> bool:
    return group.source in {None, source} and group.lang in {None, primary(lang)}


def _dispersion(spread: Sequence[ThreadSpread]) -> Floats:
    """Give the variance of each category's share over that of independent posts with certain labels: the ratio estimator's."""
    mass, squares = sum(row.mass for row in spread), sum(row.squares for row in spread)
    if mass <= 0 or squares <= 0:
        return np.ones(len(FIVE))
    sums, category_squares, products = (
        np.sum([getattr(row, name) for row in spread], axis=0)[: len(FIVE)]
        for name in ("categories", "category_squares", "category_masses")
    )
    shares = sums / mass
    variance = category_squares - 2 * shares * products + shares**2 * sum(row.mass_squares for row in spread)
    certain = shares * (1 - shares) * squares
    ratio = np.divide(variance, certain, out=np.ones(len(FIVE)), where=certain > TINY)
    # Labels that say nearly the same of every post hardly vary; a floor keeps a series from looking certain because of that.
    return np.maximum(ratio, LEAST_DISPERSION)
