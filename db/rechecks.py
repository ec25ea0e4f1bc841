"""Asking again for posts that are stored: which ones are due, and what was found out about them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, case, func, or_, select, update

from db.models import Digest, Post, Run, Spend
from db.sample import KIND as SAMPLE

ASKED_AGAIN: Final = timedelta(hours=1)
"""After so long a post that an answer left out is asked for once more; left out twice, it is gone."""

QUOTED_SINCE: Final = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class DuePost:
    """A post that its platform is to be asked for."""

    id: int
    source_id: str


def due_posts(connection: Connection, source: str, *, now: datetime, every: timedelta, limit: int) -> list[DuePost]:
    """Give posts that have not been asked for within `every`: quoted ones first, then the newest.

    One that the last answer left out is due again after an hour.
    """
    query = (
        _of_platform(source)
        .where(or_(*_overdue(now - every), Post.missing_at.is_not(None) & (Post.checked_at < now - ASKED_AGAIN)))
        .order_by(
            case((Post.id.in_(quoted_posts(connection, since=now - QUOTED_SINCE)), 0), else_=1),
            Post.created_at.desc(),
            Post.id.desc(),
        )
        .limit(limit)
    )
    return [DuePost(id=row.id, source_id=row.source_id) for row in connection.execute(query)]


def fresh_posts(connection: Connection, source: str, *, since: datetime, limit: int) -> list[DuePost]:
    """Give posts that were stored since a moment and have not been asked for again yet, the oldest first."""
    query = (
        _of_platform(source)
        .where(Post.collected_at >= since, Post.checked_at.is_(None))
        .order_by(Post.collected_at, Post.id)
        .limit(limit)
    )
    return [DuePost(id=row.id, source_id=row.source_id) for row in connection.execute(query)]


def count_overdue(connection: Connection, source: str, *, now: datetime, every: timedelta) -> int:
    """Count the posts that have not been asked for within `every`."""
    overdue = _of_platform(source).where(or_(*_overdue(now - every))).subquery()
    return connection.scalar(select(func.count()).select_from(overdue)) or 0


def _of_platform(source: str) -> Select[int, str]:
    of_sample = select(Run.id).where(Run.kind == SAMPLE)
    return select(Post.id, Post.source_id).where(
        Post.source == source, Post.deleted_at.is_(None), Post.run_id.not_in(of_sample)
    )


def _overdue(since: datetime) -> list[Any]:
    return [Post.checked_at.is_(None) & (Post.collected_at < since), Post.checked_at < since]


def quoted_posts(connection: Connection, *, since: datetime) -> list[int]:
    """Give the numbers of the posts that digests quoted since a moment (`digests.detail`, key `quotes`)."""
    details = connection.scalars(select(Digest.detail).where(Digest.created_at >= since))
    return [int(number) for detail in details for number in (detail or {}).get("quotes", ())]


def mark_checked(
    connection: Connection, asked: Collection[int], *, missing: Collection[int], now: datetime
) -> list[int]:
    """Note what an answer held; gives the posts that were missing before and are again: they are gone."""
    asked_ids, missing_ids = sorted(asked), sorted(missing)
    known = (
        select(Post.id)
        .where(Post.id.in_(missing_ids), Post.missing_at.is_not(None), Post.missing_at <= now - ASKED_AGAIN)
        .order_by(Post.id)
    )
    gone = list(connection.scalars(known)) if missing_ids else []
    connection.execute(update(Post).where(Post.id.in_(asked_ids)).values(checked_at=now))
    there = [number for number in asked_ids if number not in set(missing_ids)]
    connection.execute(update(Post).where(Post.id.in_(there), Post.missing_at.is_not(None)).values(missing_at=None))
    connection.execute(update(Post).where(Post.id.in_(missing_ids), Post.missing_at.is_(None)).values(missing_at=now))
    return gone


def spent_by(connection: Connection, source: str, month: str, *, kind: str) -> float:
    """Give the dollars that runs of a kind have spent in a month."""
    query = (
        select(func.coalesce(func.sum(Spend.settled_usd), 0.0))
        .join(Run, Run.id == Spend.run_id)
        .where(Spend.source == source, Spend.month == month, Run.kind == kind)
    )
    return float(connection.scalar(query) or 0.0)
