"""Connections: SQLite in a file by default, PostgreSQL by URL, the same behaviour on both."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from db.errors import DatabaseError

BUSY_TIMEOUT_MS = 30_000


def parse_url(url: str) -> URL:
    """Read a database URL and settle the driver: `sqlite`, or `postgresql` by psycopg 3.

    Raises
    ------
    DatabaseError
        The URL can't be read or names another database.
    """
    mend = "set GROKWATCH_DATABASE_URL to sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseError("the database URL can't be read", mend=mend) from error
    backend = parsed.get_backend_name()
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        return parsed
    raise DatabaseError(f"the database {backend!r} is not supported", mend=mend)


def open_engine(url: str) -> Engine:
    """Open the database; the folder of a SQLite file is made when it is missing.

    SQLite runs in WAL mode with foreign keys on, a busy time-out and `secure_delete`, so that purged text leaves the file.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    try:
        return create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except ModuleNotFoundError as error:
        raise DatabaseError(
            "the PostgreSQL driver is not installed", mend="run: .venv/bin/pip install -e '.[postgres]'"
        ) from error


def _open_sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        folder = Path(url.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseError(
                f"the folder {folder} can't be made ({error.strerror})",
                mend="choose another file in GROKWATCH_DATABASE_URL",
            ) from error
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    def prepare(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401 - the pool's private record
        # The driver must not open transactions by itself: BEGIN is ours, below, so that readers see one snapshot.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "foreign_keys = ON",
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "synchronous = NORMAL",
            "secure_delete = ON",
            "temp_store = MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's event gives its Connection
    # IMMEDIATE: a reader that turns into a writer would fail at once instead of waiting for its turn.
    options = connection.get_execution_options()
    connection.exec_driver_sql("BEGIN" if options.get("read_only") else "BEGIN IMMEDIATE")
