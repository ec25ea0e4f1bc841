"""Questions to PostgreSQL: a statement that passed the guard, in a read-only transaction that is always rolled back."""

import re
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, LiteralString

from db import public, refusals, schema
from db.engine import parse_url
from db.errors import DatabaseError
from db.models import Base
from db.readonly import Answer, Limits

try:
    import psycopg
    from psycopg import errors, sql

    from db import postgres_guard
except ModuleNotFoundError as error:
    raise DatabaseError(
        "what PostgreSQL needs is not installed", mend="run: .venv/bin/pip install -e '.[postgres]'"
    ) from error

CHUNK: Final = 500
DESCRIBE: Final = Limits(max_rows=1, timeout_seconds=10)
POWERLESS: Final = "pg_read_all_data"
"""A role that every PostgreSQL has: it reads tables and can do nothing else, neither files nor programs nor other sessions."""
TOO_MUCH: Final = (
    errors.OutOfMemory,
    errors.DiskFull,
    errors.ConfigurationLimitExceeded,
    errors.ProgramLimitExceeded,
    errors.StatementTooComplex,
)

Connection = psycopg.Connection[tuple[Any, ...]]


def ask(url: str, statement: str, limits: Limits) -> Answer:
    """Answer a question; see `db.readonly.ask`."""
    deadline = time.monotonic() + limits.timeout_seconds
    with _reading(url, limits) as (connection, folder):
        rewritten = postgres_guard.rewrite(statement, folder)
        try:
            _judge(connection, rewritten, folder)
            return _answer(connection, rewritten, limits, deadline)
        except errors.QueryCanceled as error:
            raise refusals.too_slow(limits) from error
        except TOO_MUCH as error:
            raise refusals.too_much() from error
        except psycopg.OperationalError as error:
            raise _gone(error, limits, deadline) from error
        except psycopg.Error as error:
            reason = error.diag.message_primary or str(error)
            unknown = isinstance(error, errors.UndefinedColumn)
            raise refusals.wrong(reason, readable(url) if unknown else {}) from error


def readable(url: str) -> dict[str, tuple[str, ...]]:
    """Give what can be read; see `db.readonly.readable`."""
    tables = public.tables()
    with _reading(url, DESCRIBE) as (connection, folder):
        rows = connection.execute(
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "WHERE c.relnamespace = %s::regnamespace AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            (sql.Identifier(folder).as_string(connection),),
        ).fetchall()
    stored: dict[str, list[str]] = {}
    for name, column in rows:
        stored.setdefault(name, []).append(column)
    return {
        name: tuple(column for column in stored[name] if column in tables.get(name, stored[name]))
        for name in public.names()
        if name in stored
    }


@contextmanager
def _reading(url: str, limits: Limits) -> Generator[tuple[Connection, str]]:
    """Open a transaction that can only read, and give it with the schema that holds the tables."""
    parsed = parse_url(url)
    try:
        connection = psycopg.connect(
            parsed.set(drivername="postgresql").render_as_string(hide_password=False),
            connect_timeout=10,
            application_name="grokwatch sql",
        )
    except psycopg.OperationalError as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise DatabaseError(
            f"the database {parsed.render_as_string()} can't be opened: {reason}",
            mend="check GROKWATCH_DATABASE_URL and that the server runs",
        ) from error
    try:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = connection.execute(
            "SELECT coalesce(current_schema(), 'public'), rolsuper, current_setting('server_version_num')::int, "
            "to_regclass('alembic_version') IS NOT NULL FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        folder, superuser, version, migrated = row or ("public", False, 0, False)
        stored = connection.execute("SELECT version_num FROM alembic_version").fetchone() if migrated else None
        schema.check_revision(stored[0] if stored else None)
        _restrain(connection, limits, superuser=superuser, version=version)
        yield connection, folder
    finally:
        connection.close()  # an open transaction is rolled back


def _restrain(connection: Connection, limits: Limits, *, superuser: bool, version: int) -> None:
    milliseconds = max(1, int(limits.timeout_seconds * 1000))
    wanted: dict[LiteralString, str] = {
        "statement_timeout": str(milliseconds),
        "lock_timeout": "2000",
        "idle_in_transaction_session_timeout": "60000",
        "search_path": "pg_catalog",
        "TimeZone": "UTC",
        "standard_conforming_strings": "on",
    }
    if version >= 170000:  # noqa: PLR2004 - PostgreSQL 17 brought it
        wanted["transaction_timeout"] = str(milliseconds + 2_000)
    if superuser:
        wanted["temp_file_limit"] = "1GB"
    for name, value in wanted.items():
        connection.execute("SELECT set_config(%s, %s, true)", (name, value))
    if superuser:  # a superuser's transaction, read-only as it is, could still read files and start programs
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(POWERLESS)))


def _judge(connection: Connection, statement: str, folder: str) -> None:
    """Ask PostgreSQL itself which tables the statement would read, should the parser have understood it otherwise."""
    row = connection.execute(("EXPLAIN (VERBOSE, FORMAT JSON) " + statement).encode()).fetchone()
    for node in _nodes(row[0] if row else []):
        name = node.get("Relation Name")
        if name is not None and (node.get("Schema") != folder or name not in Base.metadata.tables):
            raise refusals.table(f"{node.get('Schema')}.{name}")
        if node.get("Node Type") in {"ModifyTable", "LockRows", "Foreign Scan", "Table Function Scan"}:
            raise refusals.statement()


def _nodes(plan: object) -> Iterator[dict[str, Any]]:
    if isinstance(plan, dict):
        yield plan
        for value in plan.values():
            yield from _nodes(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from _nodes(value)


def _answer(connection: Connection, statement: str, limits: Limits, deadline: float) -> Answer:
    rows: list[tuple[object, ...]] = []
    left = limits.max_bytes
    with connection.cursor(
        name="question"
    ) as cursor:  # a cursor on the server takes one statement and holds the rows back
        cursor.execute(statement.encode())
        columns = tuple(column.name for column in cursor.description or ())
        while chunk := cursor.fetchmany(min(CHUNK, limits.max_rows + 1 - len(rows))):
            for row in chunk:
                if len(rows) == limits.max_rows:
                    return Answer(columns=columns, rows=tuple(rows), cut="rows")
                left -= sum(len(value) if isinstance(value, str) else 16 for value in row)
                if left < 0:
                    return Answer(columns=columns, rows=tuple(rows), cut="bytes")
                rows.append(tuple(_value(value) for value in row))
            if time.monotonic() > deadline:
                raise refusals.too_slow(limits)
    return Answer(columns=columns, rows=tuple(rows))


def _value(value: object) -> object:
    match value:
        case None | bool() | int() | float() | str() | dict() | date():
            if isinstance(value, datetime) and value.tzinfo is not None:
                return value.astimezone(UTC)
            return value
        case Decimal():
            exponent = value.as_tuple().exponent
            return int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)
        case list() | tuple():
            return [_value(part) for part in value]
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case _:
            return str(value)


def _gone(error: psycopg.OperationalError, limits: Limits, deadline: float) -> DatabaseError:
    if time.monotonic() > deadline:  # the transaction's time-out ends the connection
        return refusals.too_slow(limits)
    reason = re.sub(r"\s+", " ", str(error)).strip()
    return DatabaseError(f"the connection broke: {reason}", mend="ask again")
