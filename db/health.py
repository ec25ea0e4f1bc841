"""What can be told of a database's health: for `grokwatch doctor`, reading alone."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from db import labels
from db.models import Model, Post, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """How the latest run of a kind ended."""

    kind: str
    source: str | None
    status: str
    started_at: datetime
    error: str | None


def size_bytes(connection: Connection) -> int:
    """Give the room that the database takes on disk."""
    if connection.dialect.name == "postgresql":
        return connection.scalar(text("SELECT pg_database_size(current_database())")) or 0
    path = connection.engine.url.database or ""
    return sum(file.stat().st_size for file in (Path(path), Path(f"{path}-wal")) if file.is_file())


def faults(connection: Connection) -> list[str]:
    """Give what SQLite's quick check finds wrong with the file; nothing on PostgreSQL, which checks its pages itself."""
    if connection.dialect.name == "postgresql":
        return []
    found = [str(row[0]) for row in connection.execute(text("PRAGMA quick_check(3)"))]
    return [] if found == ["ok"] else found


def count_posts(connection: Connection) -> int:
    """Count the posts that are not deleted."""
    return connection.scalar(select(func.count()).select_from(Post).where(Post.deleted_at.is_(None))) or 0


def newest_post(connection: Connection) -> datetime | None:
    """Give the time at which the newest post was written."""
    return connection.scalar(select(Post.created_at).order_by(Post.created_at.desc()).limit(1))


def active_model(connection: Connection) -> tuple[str, str] | None:
    """Give version and checksum of the model that feeds the charts."""
    row = connection.execute(select(Model.version, Model.sha256).where(Model.active)).first()
    return None if row is None else (row.version, row.sha256)


def stored_checksum(connection: Connection, version: str) -> str | None:
    """Give the checksum under which a model version was entered."""
    return connection.scalar(select(Model.sha256).where(Model.version == version))


def count_backlog(connection: Connection) -> int:
    """Count the posts that the active model has not labelled; all of them where there is no model."""
    model_id = connection.scalar(select(Model.id).where(Model.active))
    return count_posts(connection) if model_id is None else labels.count_unlabelled(connection, model_id)


def last_runs(connection: Connection) -> list[LastRun]:
    """Give the latest run of each kind."""
    latest = select(func.max(Run.id)).group_by(Run.kind, Run.source)
    query = (
        select(Run.kind, Run.source, Run.status, Run.started_at, Run.error).where(Run.id.in_(latest)).order_by(Run.id)
    )
    return [
        LastRun(kind=row.kind, source=row.source, status=row.status, started_at=row.started_at, error=row.error)
        for row in connection.execute(query)
    ]
