"""Posts that must go: chosen by a person, or found to be deleted where they came from; and the traces they leave in the file."""

import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, bindparam, exists, func, select, text, update

from db import rollups
from db.engine import BUSY_TIMEOUT_MS
from db.errors import DatabaseError
from db.ingest import entomb
from db.models import Base, Label, Post, Run

BATCH: Final = 500
"""Posts that are removed between two commits."""

READERS_MS: Final = 3_000
"""How long readers are waited for before the log is left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which posts are meant; what is given must all be true.

    Parameters
    ----------
    post
        Platform and its identifier of one post.
    author_key
        The keyed hash of a name.
    before
        Posts written before this moment.
    source
        Posts of one platform.
    """

    post: tuple[str, str] | None = None
    author_key: str | None = None
    before: datetime | None = None
    source: str | None = None

    def conditions(self) -> list[Any]:
        """Give the conditions on `posts`; tombstones are never meant."""
        conditions: list[Any] = [Post.deleted_at.is_(None)]
        if self.post is not None:
            conditions += [Post.source == self.post[0], Post.source_id == self.post[1]]
        if self.author_key is not None:
            conditions.append(Post.author_key == self.author_key)
        if self.before is not None:
            conditions.append(Post.created_at < self.before)
        if self.source is not None:
            conditions.append(Post.source == self.source)
        return conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What a choice comes to: posts by platform, their labels, and the span in which they were written."""

    sources: dict[str, int]
    labels: int
    first: datetime | None
    last: datetime | None

    @property
    def posts(self) -> int:
        """All of them."""
        return sum(self.sources.values())


def holdings(connection: Connection, choice: Choice) -> Holdings:
    """Count what a choice comes to."""
    moment = Post.created_at.type
    query = (
        select(
            Post.source,
            func.count().label("posts"),
            func.min(Post.created_at, type_=moment).label("first"),
            func.max(Post.created_at, type_=moment).label("last"),
        )
        .where(*choice.conditions())
        .group_by(Post.source)
        .order_by(Post.source)
    )
    rows = connection.execute(query).all()
    labels = select(func.count()).select_from(Label).join(Post, Post.id == Label.post_id).where(*choice.conditions())
    return Holdings(
        sources={row.source: row.posts for row in rows},
        labels=connection.scalar(labels) or 0,
        first=min((row.first for row in rows), default=None),
        last=max((row.last for row in rows), default=None),
    )


def tombstone_of(connection: Connection, source: str, source_id: str) -> datetime | None:
    """Tell when a post was removed, None where it was not or is not known."""
    return connection.scalar(select(Post.deleted_at).where(Post.source == source, Post.source_id == source_id))


def purge(engine: Engine, choice: Choice, *, now: datetime, on_batch: Callable[[int], None] | None = None) -> int:
    """Turn the chosen posts into tombstones and count their hours anew; gives how many there were.

    The tombstone (platform, identifier, times) stays, so that the next visit or import does not store the post again.
    Done batch by batch: what a kill interrupts, the same call finishes.
    """
    done = 0
    while True:
        with engine.begin() as connection:
            query = select(Post.id).where(*choice.conditions()).order_by(Post.id).limit(BATCH)
            ids = connection.scalars(query).all()
            if not ids:
                return done
            entomb(connection, ids, now=now)
            rollups.refresh(connection)
        done += len(ids)
        if on_batch is not None:
            on_batch(done)


def any_buried_since(connection: Connection, moment: datetime) -> bool:
    """Tell whether a post was removed since a moment."""
    return bool(connection.scalar(select(exists().where(Post.deleted_at >= moment))))


def buried(connection: Connection, names: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Give those of these posts (platform, identifier) that are removed."""
    by_source: dict[str, list[str]] = {}
    for source, source_id in names:
        by_source.setdefault(source, []).append(source_id)
    found: set[tuple[str, str]] = set()
    for source, ids in by_source.items():
        for start in range(0, len(ids), BATCH):
            query = select(Post.source_id).where(
                Post.source == source, Post.source_id.in_(ids[start : start + BATCH]), Post.deleted_at.is_not(None)
            )
            found |= {(source, source_id) for source_id in connection.scalars(query)}
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A file that posts were written into."""

    path: str
    form: str


def exports(connection: Connection) -> list[Export]:
    """Give the files that labelled posts were exported into, as far as runs tell; each once, with its latest format."""
    details = connection.scalars(select(Run.detail).where(Run.kind == "export").order_by(Run.id))
    files = {str(told["path"]): str(told["format"]) for told in details if told and "path" in told and "format" in told}
    return [Export(path=path, form=form) for path, form in files.items() if path != "-"]


def reject_files(connection: Connection) -> list[str]:
    """Give the files that imports kept unreadable lines in, each once; they need not exist."""
    details = connection.scalars(select(Run.detail).where(Run.kind == "import").order_by(Run.id))
    return list(dict.fromkeys(str(told["rejects"]) for told in details if told and "rejects" in told))


def buried_ids(connection: Connection, ids: Collection[str]) -> set[str]:
    """Give those of these identifiers under which a post of any platform is removed."""
    asked, found = sorted(ids), set[str]()
    for start in range(0, len(asked), BATCH):
        query = select(Post.source_id).where(
            Post.source_id.in_(asked[start : start + BATCH]), Post.deleted_at.is_not(None)
        )
        found |= set(connection.scalars(query))
    return found


def rename_authors(engine: Engine, renamed: Callable[[str], str]) -> int:
    """Give every stored author another key, all in one transaction; gives how many posts that concerned."""
    posts = Base.metadata.tables[Post.__tablename__]  # the bare table: an UPDATE with a list binds by name
    statement = update(posts).where(posts.c.id == bindparam("post")).values(author_key=bindparam("key"))
    done, after = 0, 0
    with engine.begin() as connection:
        while True:
            query = (
                select(Post.id, Post.author_key)
                .where(Post.author_key.is_not(None), Post.id > after)
                .order_by(Post.id)
                .limit(BATCH)
            )
            rows = connection.execute(query).all()
            if not rows:
                return done
            connection.execute(statement, [{"post": row.id, "key": renamed(row.author_key or "")} for row in rows])
            done, after = done + len(rows), rows[-1].id


def sweep(engine: Engine) -> None:
    """Clear the log that still holds what was removed; quick, and without touching the rest of the database.

    SQLite overwrites what is deleted (`secure_delete`), but pages that were put together anew may keep a copy in their
    unused part: only `rewrite` leaves none.
    """
    if engine.dialect.name == "postgresql":
        _vacuum(engine, "VACUUM posts")
    else:
        _checkpoint(engine)


def rewrite(engine: Engine) -> bool:
    """Write the database anew, so that no byte of what was removed is left in its files; False where readers held the log.

    PostgreSQL's own write-ahead log and any backup keep what they hold until they are recycled.

    Raises
    ------
    DatabaseError
        There is no room for a second copy, or another process kept the database locked.
    """
    if engine.dialect.name == "postgresql":
        _vacuum(engine, "VACUUM FULL posts")
        return True
    # The copy may be larger than the memory, where temporary tables lie otherwise.
    return _checkpoint(engine, "PRAGMA temp_store = FILE", "VACUUM")


def _vacuum(engine: Engine, statement: str) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))


def _checkpoint(engine: Engine, *statements: str) -> bool:
    """Run statements outside any transaction on SQLite, then empty the log; False where readers needed it."""
    pooled = engine.raw_connection()  # SQLAlchemy's own connection would open a transaction
    try:
        cursor = pooled.cursor()
        try:
            for statement in statements:
                cursor.execute(statement)
            cursor.execute(f"PRAGMA busy_timeout = {READERS_MS}")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            told = cursor.fetchone()
            return told is not None and told[0] == 0
        except sqlite3.OperationalError as error:
            raise DatabaseError(
                f"the database file can't be written anew: {error}",
                mend="make room for a second copy of it, stop what else uses it, and run the same command again",
            ) from error
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            cursor.execute("PRAGMA temp_store = MEMORY")
            cursor.close()
    finally:
        pooled.close()
