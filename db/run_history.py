"""How the work has gone: when platforms were last read, and what keeps failing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, case, func, select

from db.models import Run

IN_A_ROW: Final = 2
"""Failures after which a job counts as failing: a single one is tried again by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """Visits to a platform: when the first one began, and when the last successful one ended, None where there was none."""

    source: str
    first_at: datetime
    succeeded_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """Work whose latest runs all failed; `failed_at` and `error` are of the last one."""

    kind: str
    source: str | None
    failed_at: datetime
    error: str | None


def visits(connection: Connection, *, kind: str) -> list[Visits]:
    """Tell of every platform that was ever visited how the visits went."""
    succeeded: Any = case((Run.status == "ok", Run.finished_at))
    columns: list[Any] = [
        Run.source,
        func.min(Run.started_at, type_=Run.started_at.type).label("first_at"),
        func.max(succeeded, type_=Run.started_at.type).label("succeeded_at"),
    ]
    query = select(*columns).where(Run.kind == kind, Run.source.is_not(None)).group_by(Run.source)
    return [Visits(**row) for row in connection.execute(query.order_by(Run.source)).mappings()]


def failing(connection: Connection) -> list[Failing]:
    """Give the work that failed twice in a row; runs that are under way or were interrupted do not count."""
    place = func.row_number().over(partition_by=(Run.kind, Run.source), order_by=Run.id.desc()).label("place")
    ranked = select(Run.id, Run.kind, Run.source, Run.status, Run.finished_at, Run.error, place)
    latest = ranked.where(Run.status.in_(("ok", "failed"))).subquery("latest")
    query = select(latest).where(latest.c.place <= IN_A_ROW).order_by(latest.c.id.desc())
    by_work: dict[tuple[str, str | None], list[Any]] = {}
    for row in connection.execute(query):
        by_work.setdefault((row.kind, row.source), []).append(row)
    return [
        Failing(kind=kind, source=source, failed_at=rows[0].finished_at, error=rows[0].error)
        for (kind, source), rows in by_work.items()
        if len(rows) == IN_A_ROW and all(row.status == "failed" for row in rows)
    ]
