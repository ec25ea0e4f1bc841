"""The read-only door for people's SQL: one question, one answer, and nothing that writes or looks behind the views.

What is public stands in `db.public`. SQLite is guarded by its own authorizer (`db.sqlite_reader`), PostgreSQL by a parser that
lets through what it knows and writes the statement anew (`db.postgres_guard`), by a read-only transaction and a role
without powers (`db.readonly_postgres`).
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from db.engine import parse_url
from db.errors import DatabaseError

MAX_BYTES: Final = 64 * 1024**2
_COMMENT = re.compile(r"\s+|--[^\n]*(?:\n|$)|/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"[^\W\d]\w*")
_QUESTIONS: Final = frozenset({"select", "with", "values"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a question may take: rows of the answer, seconds, and bytes of the answer."""

    max_rows: int
    timeout_seconds: float
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The rows of an answer, alike from both databases.

    Times are aware UTC, booleans are booleans, JSON is lists and dicts, numbers are int or float, binary values are
    hexadecimal text. On SQLite this holds for columns; an expression such as `a > b` gives what SQLite gives, 0 or 1.
    `cut` says whether there was more: past the number of `rows`, or past the number of `bytes`. Two columns may bear the same name.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    cut: Literal["rows", "bytes"] | None = None


def ask(url: str, statement: str, limits: Limits) -> Answer:
    """Answer a question in SQL.

    Raises
    ------
    DatabaseError
        The statement is not one question, reads what is not public, is wrong, or takes more than the limits allow; or the
        database can't be used.
    """
    _refuse_other_statements(statement)
    if parse_url(url).get_backend_name() == "sqlite":
        from db import readonly_sqlite  # noqa: PLC0415 - each database's way is loaded when it is gone

        return readonly_sqlite.ask(url, statement, limits)
    from db import readonly_postgres  # noqa: PLC0415

    return readonly_postgres.ask(url, statement, limits)


def readable(url: str) -> dict[str, tuple[str, ...]]:
    """Give the columns of every view and table that a question may read.

    Raises
    ------
    DatabaseError
        The database can't be used.
    """
    if parse_url(url).get_backend_name() == "sqlite":
        from db import readonly_sqlite  # noqa: PLC0415

        return readonly_sqlite.readable(url)
    from db import readonly_postgres  # noqa: PLC0415

    return readonly_postgres.readable(url)


def _refuse_other_statements(statement: str) -> None:
    if "\0" in statement:
        raise DatabaseError("the statement holds a NUL character", mend="remove it")
    position = 0
    while (match := _COMMENT.match(statement, position)) and match.end() > position:
        position = match.end()
    rest = statement[position:].lstrip("( \t\r\n")
    word = _WORD.match(rest)
    first = word.group().upper() if word else rest[:1]
    if not first or first == ";":
        raise DatabaseError("there is no statement", mend="write a question such as: SELECT * FROM v_daily_shares")
    if first.lower() not in _QUESTIONS:
        raise DatabaseError(
            f"{first} does not run here, only one question that reads", mend="start it with SELECT, WITH or VALUES"
        )
