"""Posts go in: a page, its run's counts and its cursor in one transaction, so that nothing is lost or doubled."""

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from collectors.base import Cursor as CollectorCursor
from collectors.base import Page, RawPost
from db import audits, holes, spend, volumes
from db.models import Cursor, Label, Post
from db.rollups import mark_dirty, mark_new
from db.runs import add_counts
from db.upsert import insert

AuthorHash = Callable[[str], str]
ADVISORY_LOCK = 0x6375_7273  # "curs": the first of the two numbers under which PostgreSQL keeps a stream's lock
LOOKUP = 500  # keys a SELECT: far below SQLite's limit of variables, and short enough to plan well


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a page changed: posts not seen before, posts edited or deleted since, posts that stay as they were."""

    new: int = 0
    changed: int = 0
    same: int = 0


def read_cursor(connection: Connection, source: str, stream: str) -> CollectorCursor | None:
    """Give the cursor of a stream, or None where it was never read."""
    value = connection.scalar(select(Cursor.value).where(Cursor.source == source, Cursor.stream == stream))
    return None if value is None else CollectorCursor(stream=stream, value=value)


def hold_cursor(connection: Connection, source: str, stream: str) -> CollectorCursor | None:
    """Give the cursor of a stream, and keep others from moving it until the caller's transaction ends."""
    # SQLite has one writer anyway. PostgreSQL could not lock a row that does not exist yet, so the stream's name is locked.
    if connection.dialect.name == "postgresql":
        name = zlib.crc32(f"{source}/{stream}".encode()) - 2**31
        connection.execute(select(func.pg_advisory_xact_lock(ADVISORY_LOCK, name)))
    return read_cursor(connection, source, stream)


def store_page(
    connection: Connection, page: Page, *, source: str, run_id: int, now: datetime, author_hash: AuthorHash
) -> Stored:
    """Store a page inside the caller's transaction.

    A post that is known is updated when the source tells more than before: another text or title makes its labels void,
    a deletion turns it into a tombstone. A tombstone stays one, whatever an older archive says of the post, and a text
    that was edited later stands against an earlier one.
    """
    latest = {(post.source, post.source_id): post for post in page.posts}  # one page may bring a post twice
    known = _known(connection, latest)
    fresh = [post for key, post in latest.items() if key not in known]
    _insert(connection, fresh, run_id=run_id, now=now, author_hash=author_hash)
    changed = sum(_update(connection, known[key], post, now=now) for key, post in latest.items() if key in known)
    stored = Stored(new=len(fresh), changed=changed, same=len(latest) - len(fresh) - changed)
    add_counts(
        connection, run_id, read=page.read, kept=len(page.posts), new=stored.new, changed=changed, broken=page.broken
    )
    holes.store(connection, page.holes, source=source, run_id=run_id, now=now)
    if page.counts:
        volumes.store(connection, page.counts, source=source, now=now)
    if page.reservation is not None:
        spend.settle(connection, page.reservation, page.cost_usd, run_id=run_id)
    if page.cursor is not None:
        _write_cursor(connection, source, page.cursor, now)
    return stored


def _write_cursor(connection: Connection, source: str, cursor: CollectorCursor, now: datetime) -> None:
    statement = insert(connection, Cursor)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source", "stream"],
            set_={"value": statement.excluded.value, "updated_at": statement.excluded.updated_at},
        ),
        [{"source": source, "stream": cursor.stream, "value": cursor.value, "updated_at": now}],
    )


def _known(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Row[Any]]:
    by_source: dict[str, list[str]] = {}
    for source, source_id in keys:
        by_source.setdefault(source, []).append(source_id)
    known: dict[tuple[str, str], Row[Any]] = {}
    for source, ids in by_source.items():
        for start in range(0, len(ids), LOOKUP):
            query = select(
                Post.id, Post.source_id, Post.title, Post.text, Post.created_at, Post.deleted_at, Post.edited_at,
                Post.score, Post.replies,
            ).where(Post.source == source, Post.source_id.in_(ids[start : start + LOOKUP]))  # fmt: skip
            rows: Sequence[Any] = connection.execute(query).all()
            known.update({(source, row.source_id): row for row in rows})
    return known


def _insert(
    connection: Connection, posts: Sequence[RawPost], *, run_id: int, now: datetime, author_hash: AuthorHash
) -> None:
    if not posts:
        return
    rows = [
        {
            "source": post.source,
            "source_id": post.source_id,
            "kind": post.kind.value,
            "channel": post.channel,
            "thread_id": post.thread_id,
            "author_key": author_hash(post.author) if post.author and not post.deleted else None,
            "lang": post.lang,
            "created_at": post.created_at,
            "collected_at": now,
            "edited_at": post.edited_at,
            "title": None if post.deleted else post.title,
            "text": None if post.deleted else post.text,
            "url": None if post.deleted else post.url,
            "score": post.score,
            "replies": post.replies,
            "inclusion_probability": post.inclusion_probability,
            "run_id": run_id,
            "deleted_at": now if post.deleted else None,
        }
        for post in posts
    ]
    # Another process may have stored the same post since it was looked up: its row stands.
    connection.execute(insert(connection, Post).on_conflict_do_nothing(index_elements=["source", "source_id"]), rows)
    mark_new(connection, (post.created_at for post in posts))


def _update(connection: Connection, row: Row[Any], post: RawPost, *, now: datetime) -> bool:
    """Bring a known post up to date; True where its text changed or it was deleted."""
    if row.deleted_at is not None:
        return False
    if post.deleted:
        entomb(connection, [row.id], now=now)
        return True
    text_changed = (row.title, row.text) != (post.title, post.text)
    taken = text_changed and not _is_lesser(row, post)
    news: dict[str, Any] = {}
    if taken:
        # A row without a score came from a source that tells less, such as a feed: its text in another form is no edit.
        is_form = row.score is None and post.score is not None
        news = {"title": post.title, "text": post.text, "edited_at": post.edited_at or (None if is_form else now)}
    for name, value in (("score", post.score), ("replies", post.replies)):
        known = getattr(row, name)
        if value is not None and value != known and (known is None or taken or not text_changed):
            news[name] = value
    if news:
        connection.execute(update(Post).where(Post.id == row.id).values(news))
    if taken:
        connection.execute(delete(Label).where(Label.post_id == row.id))
        audits.void(connection, row.id)
        mark_dirty(connection, [row.created_at])
    return taken


def _is_lesser(row: Row[Any], post: RawPost) -> bool:
    """Tell whether another text of a post is older than the row's, or comes from a source that tells less of it."""
    if row.edited_at is not None:
        return post.edited_at is None or post.edited_at < row.edited_at
    return post.edited_at is None and row.score is not None and post.score is None


def entomb(connection: Connection, post_ids: Sequence[int], *, now: datetime) -> None:
    """Turn posts into tombstones: title, text, link and author go, the labels of model and people too."""
    for start in range(0, len(post_ids), LOOKUP):
        ids = post_ids[start : start + LOOKUP]
        moments = connection.scalars(select(Post.created_at).where(Post.id.in_(ids))).all()
        connection.execute(delete(Label).where(Label.post_id.in_(ids)))
        audits.remove(connection, ids)
        connection.execute(
            update(Post)
            .where(Post.id.in_(ids))
            .values(title=None, text=None, url=None, author_key=None, deleted_at=now)
        )
        mark_dirty(connection, moments)
