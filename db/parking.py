"""Parked streams: what a platform refuses is left alone for a while and shown, so that nobody takes its silence for peace."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, delete, select

from db.models import Parked
from db.upsert import insert

LOOK_UPS: Final = "look-ups"
"""The stream's name under which asking for stored posts is parked."""


class Reason(StrEnum):
    """Why a stream is parked."""

    FORBIDDEN = "forbidden"
    """The key is not accepted."""
    CLOSED = "closed"
    """The channel is private, quarantined, banned or unknown."""
    BUDGET = "budget"
    """The month's own budget is spent."""
    CAPPED = "capped"
    """The platform's cap or billing stands in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedStream:
    """A stream that is left alone until `retry_at`."""

    source: str
    stream: str
    reason: Reason
    since: datetime
    retry_at: datetime
    error: str
    mend: str


def park(connection: Connection, parked: ParkedStream) -> None:
    """Park a stream; one that is parked already keeps the moment since which it is."""
    statement = insert(connection, Parked)
    row = {
        "source": parked.source,
        "stream": parked.stream,
        "reason": parked.reason.value,
        "since": parked.since,
        "retry_at": parked.retry_at,
        "error": parked.error,
        "mend": parked.mend,
    }
    renewed = {name: statement.excluded[name] for name in ("reason", "retry_at", "error", "mend")}
    connection.execute(statement.on_conflict_do_update(index_elements=["source", "stream"], set_=renewed), [row])


def release(connection: Connection, source: str, stream: str) -> None:
    """Take a stream back into use, because it could be read again."""
    connection.execute(delete(Parked).where(Parked.source == source, Parked.stream == stream))


def release_all(connection: Connection, *, but: Collection[Reason] = ()) -> None:
    """Try everything again, as after a change of the settings; `but` what is parked for these reasons."""
    connection.execute(delete(Parked).where(Parked.reason.not_in([reason.value for reason in but])))


def forget_others(connection: Connection, source: str, streams: Collection[str]) -> None:
    """Forget what is parked of a source beside these streams: what the settings do not name any more is nobody's concern."""
    known = connection.scalars(select(Parked.stream).where(Parked.source == source)).all()
    for stream in set(known) - set(streams):
        release(connection, source, stream)


def parked(connection: Connection, source: str | None = None) -> Sequence[ParkedStream]:
    """Give the parked streams, of one source or of all."""
    query = select(
        Parked.source, Parked.stream, Parked.reason, Parked.since, Parked.retry_at, Parked.error, Parked.mend
    ).order_by(Parked.source, Parked.stream)
    if source is not None:
        query = query.where(Parked.source == source)
    return [
        ParkedStream(
            source=row.source,
            stream=row.stream,
            reason=Reason(row.reason),
            since=row.since,
            retry_at=row.retry_at,
            error=row.error,
            mend=row.mend,
        )
        for row in connection.execute(query)
    ]
