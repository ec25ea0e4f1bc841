"""The views for people: one folder a migration that defines them, one file a dialect, with the same columns."""

import re
from importlib.resources import files

from sqlalchemy import Connection, text


def create(connection: Connection, revision: str) -> None:
    """Create the views as a migration defines them."""
    for statement in _statements(connection, revision):
        connection.execute(text(statement))


def drop(connection: Connection, revision: str) -> None:
    """Drop these views. A migration that alters their tables drops them first: SQLite rebuilds a table by renaming it."""
    for statement in reversed(_statements(connection, revision)):
        name = re.match(r"CREATE VIEW (\w+)", statement)
        if name is not None:
            connection.execute(text(f"DROP VIEW {name[1]}"))


def _statements(connection: Connection, revision: str) -> list[str]:
    file = files(__name__) / revision / f"{connection.dialect.name}.sql"
    sql = re.sub(r"^--.*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [statement.strip() for statement in sql.split(";") if statement.strip()]
