"""Holes: spans that a platform no longer gives. They are kept, because a gap nobody knows of makes a share wrong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from collectors.base import Hole as FoundHole
from db.models import Hole
from db.upsert import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHole:
    """A span of which a stream's posts are missing; half-open."""

    source: str
    stream: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    noted_at: datetime


def store(connection: Connection, holes: Iterable[FoundHole], *, source: str, run_id: int, now: datetime) -> None:
    """Note holes inside the caller's transaction; one that is known already changes nothing."""
    rows = [
        {
            "source": source,
            "stream": hole.stream,
            "starts_at": hole.starts_at,
            "ends_at": hole.ends_at,
            "reason": hole.reason,
            "run_id": run_id,
            "noted_at": now,
        }
        for hole in holes
    ]
    if rows:
        statement = insert(connection, Hole)
        connection.execute(
            statement.on_conflict_do_nothing(index_elements=["source", "stream", "starts_at", "ends_at"]), rows
        )


def noted_after(connection: Connection, moment: datetime) -> Sequence[StoredHole]:
    """Give the holes found after a moment, in the order in which they were found."""
    query = (
        select(Hole.source, Hole.stream, Hole.starts_at, Hole.ends_at, Hole.reason, Hole.noted_at)
        .where(Hole.noted_at > moment)
        .order_by(Hole.id)
    )
    return [StoredHole(**row) for row in connection.execute(query).mappings()]


def newest(connection: Connection, *, limit: int) -> Sequence[StoredHole]:
    """Give the holes found last, newest first."""
    query = (
        select(Hole.source, Hole.stream, Hole.starts_at, Hole.ends_at, Hole.reason, Hole.noted_at)
        .order_by(Hole.id.desc())
        .limit(limit)
    )
    return [
        StoredHole(
            source=row.source,
            stream=row.stream,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            reason=row.reason,
            noted_at=row.noted_at,
        )
        for row in connection.execute(query)
    ]


def count(
    connection: Connection,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    sources: Sequence[str] = (),
) -> int:
    """Count the holes that reach into a span, of these sources or of all."""
    query = select(func.count()).select_from(Hole)
    if start is not None:
        query = query.where(Hole.ends_at > start)
    if end is not None:
        query = query.where(Hole.starts_at < end)
    if sources:
        query = query.where(Hole.source.in_(sources))
    return connection.scalar(query) or 0
