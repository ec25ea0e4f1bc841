"""The census: how many posts matched a query in an hour."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from collectors.base import HourCount
from db.models import Volume
from db.upsert import insert


def store(connection: Connection, counts: Iterable[HourCount], *, source: str, now: datetime) -> None:
    """Enter the hours of a census; an hour that was counted before is counted anew."""
    rows = {
        (count.query, count.hour): {
            "source": source,
            "query": count.query,
            "hour": count.hour,
            "count": count.count,
            "collected_at": now,
        }
        for count in counts
    }
    if not rows:
        return
    statement = insert(connection, Volume)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source", "query", "hour"],
            set_={"count": statement.excluded.count, "collected_at": statement.excluded.collected_at},
        ),
        list(rows.values()),
    )
