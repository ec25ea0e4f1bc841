"""Alerts: what a person should hear of."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from db.models import Alert


def fire(
    connection: Connection, rule: str, message: str, *, now: datetime, detail: dict[str, Any] | None = None
) -> None:
    """Note an alert; it is delivered and acknowledged later."""
    row = {"rule": rule, "fired_at": now, "message": message, "detail": detail}
    connection.execute(insert(Alert).values(row))
