"""Changes told in full: since when, by how much, beside which events, driven by whom, in which words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from classifiers.codebook import FIVE, Category
from db.periods import Step, start_of
from db.selection import Selection
from insights.changes import Change, changes
from insights.contributions import Contribution, Dimension, contributions
from insights.events import Event, events
from insights.shares import Denominator, Share, total
from insights.watch import ChangePoint, Detection, Group, detect, find_change_points

NEAR: Final = timedelta(days=3)
"""How far an event may lie from the start of a change and still be told with it; that it is the cause, nobody knows."""

BEFORE: Final = timedelta(days=28)
"""Days before a change that it is measured against."""

LONGEST: Final = timedelta(days=56)
"""Days of a level, at most, by which a change point is measured."""

DIMENSIONS: Final = (Dimension.ASPECT, Dimension.LANGUAGE, Dimension.CHANNEL)


class Kind(StrEnum):
    """How a change was found: by watching, day by day, or in hindsight."""

    DETECTED = "detected"
    CHANGE_POINT = "change_point"


class Quotes(Protocol):
    """Gives the most typical posts of a category in a span."""

    def __call__(
        self,
        connection: Connection,
        *,
        start: datetime,
        end: datetime,
        category: Category,
        n: int,
        sources: Sequence[str] = (),
        langs: Sequence[str] = (),
    ) -> Sequence[Any]:
        """Give up to `n` of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What stands beside a change.

    Parameters
    ----------
    events
        What happened within three days of its start.
    contributions
        By dimension; each adds up to the difference of the label probabilities' shares.
    quotes
        Typical posts after the change, where a way to choose them was given.
    """

    events: tuple[Event, ...]
    contributions: Mapping[Dimension, tuple[Contribution, ...]]
    quotes: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A change of a category's share of all posts about Grok.

    Parameters
    ----------
    group
        The posts in which it was found.
    before_start, start, end
        It is measured from [before_start, start) to [start, end).
    before, after
        The shares of the two spans.
    change
        Their difference with a 95 % interval. It was chosen because it is large, so the true change is likely a little smaller.
    p_value
        Of a change that was detected; None of a change point, which a penalty chooses.
    explanation
        What stands beside it.
    """

    kind: Kind
    category: Category
    group: Group
    before_start: datetime
    start: datetime
    end: datetime
    before: Share
    after: Share
    change: Change
    p_value: float | None
    explanation: Explanation


def findings(
    connection: Connection,
    *,
    now: datetime,
    since: datetime,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
    categories: Sequence[Category] = FIVE,
    quotes: Quotes | None = None,
    quotes_each: int = 3,
) -> list[Finding]:
    """Find what changes now and what changed since a moment, each told in full; in order of their starts.

    Parameters
    ----------
    sources, langs
        Only changes of these; none means all posts and every group of them that has enough.
    quotes, quotes_each
        How typical posts are chosen, and how many of them.
    """
    end = start_of(Step.DAY, now)
    found = [
        detected(connection, detection, now=now, quotes=quotes, quotes_each=quotes_each)
        for detection in detect(connection, now=now)
        if detection.category in categories
        and detection.start >= since
        and (not sources or detection.group.source in sources)
        and (not langs or detection.group.lang in langs)
    ]
    # Levels are told apart by what came before: the search begins earlier than what is told.
    points = find_change_points(
        connection, start=since - LONGEST, end=end, sources=sources, langs=langs, categories=categories
    )
    found += [
        _tell(connection, point, Kind.CHANGE_POINT, None, quotes, quotes_each)
        for point in points
        if point.start >= since
    ]
    return sorted(found, key=lambda finding: (finding.start, finding.kind, FIVE.index(finding.category)))


def detected(
    connection: Connection, detection: Detection, *, now: datetime, quotes: Quotes | None = None, quotes_each: int = 3
) -> Finding:
    """Tell what was detected in full."""
    point = ChangePoint(
        category=detection.category,
        group=detection.group,
        before_start=detection.start - BEFORE,
        start=detection.start,
        end=start_of(Step.DAY, now),
    )
    return _tell(connection, point, Kind.DETECTED, detection.p_value, quotes, quotes_each)


def _tell(
    connection: Connection,
    point: ChangePoint,
    kind: Kind,
    p_value: float | None,
    quotes: Quotes | None,
    quotes_each: int,
) -> Finding:
    start, end = point.start, min(point.end, point.start + LONGEST)
    before_start = max(point.before_start, start - LONGEST)
    group, category = point.group, point.category
    before, after = (
        {
            share.category: share
            for share in total(
                connection,
                start=first,
                end=last,
                sources=group.sources,
                langs=group.langs,
                denominator=Denominator.RELEVANT,
            )
        }
        for first, last in ((before_start, start), (start, end))
    )
    (change,) = changes([before[category]], [after[category]])
    return Finding(
        kind=kind,
        category=category,
        group=group,
        before_start=before_start,
        start=start,
        end=end,
        before=before[category],
        after=after[category],
        change=change,
        p_value=p_value,
        explanation=explain(
            connection,
            before=Selection(start=before_start, end=start, sources=group.sources, langs=group.langs),
            after=Selection(start=start, end=end, sources=group.sources, langs=group.langs),
            category=category,
            quotes=quotes,
            quotes_each=quotes_each,
        ),
    )


def explain(
    connection: Connection,
    *,
    before: Selection,
    after: Selection,
    category: Category,
    denominator: Denominator = Denominator.RELEVANT,
    quotes: Quotes | None = None,
    quotes_each: int = 3,
) -> Explanation:
    """Gather what stands beside a change of a category's share between two spans, the later of which begins with it.

    Raises
    ------
    ValueError
        The later span has no start or no end.
    """
    if after.start is None or after.end is None:
        raise ValueError("a change needs a start and an end")
    typical: Sequence[Any] = ()
    if quotes is not None:
        typical = quotes(
            connection,
            start=after.start,
            end=after.end,
            category=category,
            n=quotes_each,
            sources=after.sources,
            langs=after.langs,
        )
    return Explanation(
        events=tuple(events(connection, start=after.start - NEAR, end=after.start + NEAR + timedelta(days=1))),
        contributions={
            dimension: tuple(
                contributions(
                    connection,
                    before=before,
                    after=after,
                    category=category,
                    dimension=dimension,
                    denominator=denominator,
                )
            )
            for dimension in DIMENSIONS
        },
        quotes=tuple(typical),
    )
