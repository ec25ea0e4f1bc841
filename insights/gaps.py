"""What is missing: spans that platforms no longer give, and streams that they refuse."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from db import holes, parking


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A span, half-open, from which a stream's posts are missing."""

    source: str
    stream: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A stream that its platform refuses until `retry_at`; `reason` is forbidden, closed, budget or capped."""

    source: str
    stream: str
    reason: str
    retry_at: datetime


def newest_gaps(connection: Connection, *, limit: int) -> list[Gap]:
    """Give the gaps found last, newest first."""
    return [
        Gap(source=hole.source, stream=hole.stream, starts_at=hole.starts_at, ends_at=hole.ends_at)
        for hole in holes.newest(connection, limit=limit)
    ]


def count_gaps(connection: Connection, *, start: datetime, end: datetime, sources: Sequence[str]) -> int:
    """Count the gaps that reach into a span, of these sources or of all."""
    return holes.count(connection, start=start, end=end, sources=sources)


def refused(connection: Connection) -> list[Refused]:
    """Give the streams that are refused."""
    return [
        Refused(source=held.source, stream=held.stream, reason=held.reason.value, retry_at=held.retry_at)
        for held in parking.parked(connection)
    ]
