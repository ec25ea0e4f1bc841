"""INSERT … ON CONFLICT in the dialect at hand."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite


def insert(connection: Connection, model: type[Any]) -> sqlite.Insert:
    """Give an INSERT that knows `on_conflict_do_update` and `on_conflict_do_nothing`.

    Both dialects build it with the same interface, so the SQLite type stands for either.
    """
    build: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return build(model)
