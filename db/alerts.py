"""Alerts: what a person should hear of, whether it still goes on, and whether it was heard."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, or_, select, update

from db.models import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlert:
    """An alert; `condition` is what it is about, `ended_at` None while that goes on.

    Parameters
    ----------
    messages
        By language: English always, Japanese where there is one.
    delivered_at
        When every address had it; None: not yet, or there is no address.
    attempts, retry_at
        Failed attempts so far, and when the next is due.
    delivered_to
        Marks of the addresses that have it.
    """

    id: int
    rule: str
    condition: str
    fired_at: datetime
    messages: Mapping[str, str]
    detail: Mapping[str, Any]
    ended_at: datetime | None
    acknowledged_at: datetime | None
    delivered_at: datetime | None
    attempts: int
    retry_at: datetime | None
    delivered_to: tuple[str, ...]


def fire(
    connection: Connection,
    rule: str,
    message: str,
    *,
    now: datetime,
    detail: dict[str, Any] | None = None,
    condition: str = "",
    message_ja: str | None = None,
    lasting: bool = False,
) -> int:
    """Note an alert and give its number; it is delivered and acknowledged later.

    Parameters
    ----------
    lasting
        It runs until `end`; others have ended as they fire.
    """
    row = {
        "rule": rule,
        "fired_at": now,
        "message": message,
        "message_ja": message_ja,
        "detail": detail,
        "condition": condition or rule,
        "ended_at": None if lasting else now,
    }
    return connection.execute(insert(Alert).values(row).returning(Alert.id)).scalar_one()


def running(connection: Connection) -> list[StoredAlert]:
    """Give the alerts whose condition goes on, the oldest first."""
    return _read(connection, select(Alert).where(Alert.ended_at.is_(None)).order_by(Alert.id))


def last_fired(connection: Connection, condition: str) -> datetime | None:
    """Tell when a condition last fired."""
    return connection.scalar(
        select(Alert.fired_at).where(Alert.condition == condition).order_by(Alert.id.desc()).limit(1)
    )


def end(connection: Connection, ids: Collection[int], *, now: datetime) -> None:
    """Note that the conditions of these alerts have ended."""
    if ids:
        connection.execute(update(Alert).where(Alert.id.in_(ids), Alert.ended_at.is_(None)).values(ended_at=now))


def waiting(connection: Connection, *, now: datetime, since: datetime) -> list[StoredAlert]:
    """Give the alerts of since a moment that are to be delivered now, the oldest first; not those that somebody took note of."""
    query = (
        select(Alert)
        .where(
            Alert.delivered_at.is_(None),
            Alert.acknowledged_at.is_(None),
            Alert.fired_at >= since,
            or_(Alert.retry_at.is_(None), Alert.retry_at <= now),
        )
        .order_by(Alert.id)
    )
    return _read(connection, query)


def note_delivery(
    connection: Connection,
    alert_id: int,
    delivered_to: Sequence[str],
    *,
    delivered_at: datetime | None,
    retry_at: datetime | None,
) -> None:
    """Note how an attempt went: `delivered_at` where all addresses have it, else `retry_at`."""
    values: dict[str, Any] = {
        "delivered_to": list(delivered_to),
        "delivered_at": delivered_at,
        "retry_at": retry_at,
    }
    if delivered_at is None:
        values["attempts"] = Alert.attempts + 1
    connection.execute(update(Alert).where(Alert.id == alert_id).values(values))


def acknowledge(connection: Connection, ids: Collection[int], *, now: datetime) -> list[int]:
    """Note that somebody took note; gives the numbers that exist. The first to do so is kept."""
    known = connection.scalars(select(Alert.id).where(Alert.id.in_(ids)).order_by(Alert.id)).all()
    still = and_(Alert.id.in_(known), Alert.acknowledged_at.is_(None))
    connection.execute(update(Alert).where(still).values(acknowledged_at=now))
    return list(known)


def newest(connection: Connection, *, limit: int, unacknowledged: bool = False) -> list[StoredAlert]:
    """Give the alerts that fired last, newest first; `unacknowledged`: only those that nobody took note of."""
    query = select(Alert).order_by(Alert.id.desc()).limit(limit)
    return _read(connection, query.where(Alert.acknowledged_at.is_(None)) if unacknowledged else query)


def count_undelivered(connection: Connection, *, since: datetime, before: datetime) -> tuple[int, int]:
    """Count failed deliveries: alerts of since `before`, which are tried again, and older ones since `since`, given up."""
    failed = [
        Alert.delivered_at.is_(None),
        Alert.acknowledged_at.is_(None),
        Alert.attempts > 0,
        Alert.fired_at >= since,
    ]
    retried = connection.scalar(select(func.count()).where(*failed, Alert.fired_at >= before)) or 0
    given_up = connection.scalar(select(func.count()).where(*failed, Alert.fired_at < before)) or 0
    return retried, given_up


def _read(connection: Connection, query: Select[Any]) -> list[StoredAlert]:
    columns = query.with_only_columns(*Alert.__table__.columns)
    return [
        StoredAlert(
            id=row.id,
            rule=row.rule,
            condition=row.condition,
            fired_at=row.fired_at,
            messages={"en": row.message, **({"ja": row.message_ja} if row.message_ja else {})},
            detail=row.detail or {},
            ended_at=row.ended_at,
            acknowledged_at=row.acknowledged_at,
            delivered_at=row.delivered_at,
            attempts=row.attempts,
            retry_at=row.retry_at,
            delivered_to=tuple(row.delivered_to or ()),
        )
        for row in connection.execute(columns)
    ]
