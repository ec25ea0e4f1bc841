"""What of a question whole days can answer from their sums, and what must be added up from posts.

That is the edges within a day, and days that are marked to be counted anew.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, select

from db.daily import ALL, days_of
from db.models import RollupDaily, RollupDirty, RollupPosts
from db.periods import Step, start_of
from db.selection import Selection

DAY: Final = timedelta(days=1)
MANY: Final = 400
"""Marked days above which sums by day are left alone: an SQL statement can't name them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """A question cut in two.

    Parameters
    ----------
    summed
        Whole days, from the first on and before the last; None where no sums can be used.
    marked
        Days among them whose sums are out of date.
    raw
        What is left, in order: to be added up from posts.
    """

    summed: Selection | None
    marked: Sequence[datetime]
    raw: Sequence[Selection]

    def daily(self, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]] | None:
        """Narrow a query on `rollups_daily` down to the rows that answer the question; None where none do."""
        if self.summed is None:
            return None
        chosen = self.summed
        sources = _among(RollupDaily.source, chosen.sources or (ALL,))
        langs = chosen.has_lang(RollupDaily.lang) if chosen.langs else RollupDaily.lang == ALL
        return query.where(sources, langs, *self._within(RollupDaily.day, chosen))

    def posts(self, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]] | None:
        """Narrow a query on `rollups_posts` down to the rows that answer the question; None where none do."""
        if self.summed is None:
            return None
        chosen = self.summed
        conditions = self._within(RollupPosts.day, chosen)
        if chosen.sources:
            conditions.append(RollupPosts.source.in_(chosen.sources))
        if chosen.langs:
            conditions.append(chosen.has_lang(RollupPosts.lang))
        return query.where(*conditions)

    def _within(self, day: Any, chosen: Selection) -> list[ColumnElement[bool]]:  # noqa: ANN401 - a column of days
        conditions: list[ColumnElement[bool]] = []
        if chosen.start is not None:
            conditions.append(day >= chosen.start)
        if chosen.end is not None:
            conditions.append(day < chosen.end)
        if self.marked:
            conditions.append(day.not_in(self.marked))
        return conditions


def cut(connection: Connection, selection: Selection, *, labels_alone: bool = False) -> Days:
    """Cut a question.

    Parameters
    ----------
    labels_alone
        The question is about labels: days to which posts came without labels are not out of date.
    """
    if not selection.by_cell:
        return Days(summed=None, marked=(), raw=[selection])
    marks = select(RollupDirty.hour).distinct()
    if labels_alone:
        marks = marks.where(RollupDirty.labels)
    marked = days_of(connection.scalars(marks))
    first, last = _ceiling(selection.start), _floor(selection.end)
    if len(marked) > MANY or (first is not None and last is not None and first >= last):
        return Days(summed=None, marked=(), raw=[selection])
    marked = [day for day in marked if (first is None or day >= first) and (last is None or day < last)]
    spans: list[tuple[datetime | None, datetime | None]] = []
    if first is not None and first != selection.start:
        spans.append((selection.start, first))
    spans += _joined(marked)
    if last is not None and last != selection.end:
        spans.append((last, selection.end))
    return Days(
        summed=replace(selection, start=first, end=last),
        marked=marked,
        raw=[replace(selection, start=start, end=end) for start, end in spans],
    )


def _among(column: Any, names: Sequence[str]) -> ColumnElement[bool]:  # noqa: ANN401 - a column of names
    return column == names[0] if len(names) == 1 else column.in_(names)


def _joined(days: Collection[datetime]) -> Iterator[tuple[datetime, datetime]]:
    start = end = None
    for day in days:
        if start is not None and end is not None and day != end:
            yield start, end
            start = None
        start, end = start or day, day + DAY
    if start is not None and end is not None:
        yield start, end


def _floor(moment: datetime | None) -> datetime | None:
    return None if moment is None else start_of(Step.DAY, moment)


def _ceiling(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    day = start_of(Step.DAY, moment)
    return day if day == moment else day + DAY
