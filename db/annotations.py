"""What is shown beside the shares: the report's own shares, and events in the life of Grok."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, or_, select

from db.models import BaselineShare, Event
from db.upsert import insert


def baseline_shares(connection: Connection) -> Sequence[RowMapping]:
    """Give the report's rows: `category`, `name_ja`, `share`, `reported`."""
    query = select(BaselineShare.category, BaselineShare.name_ja, BaselineShare.share, BaselineShare.reported)
    return connection.execute(query).mappings().all()


def stored_events(connection: Connection, *, start: datetime | None, end: datetime | None) -> Sequence[RowMapping]:
    """Give the events that touch the span [start, end), in order: `starts_at`, `ends_at`, `name`, `name_ja`, `expected`."""
    query = select(Event.starts_at, Event.ends_at, Event.name, Event.name_ja, Event.expected)
    if start is not None:
        query = query.where(or_(Event.starts_at >= start, Event.ends_at > start))
    if end is not None:
        query = query.where(Event.starts_at < end)
    return connection.execute(query.order_by(Event.starts_at, func.lower(Event.name))).mappings().all()


def store_event(connection: Connection, event: dict[str, Any]) -> bool:
    """Store an event; False where one of this name and start is there already, which then stays as it is."""
    statement = insert(connection, Event).on_conflict_do_nothing(index_elements=["starts_at", "name"])
    return connection.execute(statement.returning(Event.id), event).first() is not None
