"""Stored submissions of Reddit whose comments are wanted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from collectors.base import Kind
from collectors.reddit_access import Thread
from db.models import Post

MOST: Final = 5_000
"""Threads followed at a time; beyond them the oldest are left."""


def threads_since(connection: Connection, moment: datetime) -> Sequence[Thread]:
    """Give the submissions that were written since a moment and are still there, the oldest first."""
    newest = (
        select(Post.source_id, Post.created_at, Post.collected_at)
        .where(
            Post.source == "reddit",
            Post.kind == Kind.SUBMISSION.value,
            Post.created_at >= moment,
            Post.deleted_at.is_(None),
        )
        .order_by(Post.created_at.desc(), Post.id.desc())
        .limit(MOST)
    )
    found = [
        Thread(source_id=row.source_id, created_at=row.created_at, collected_at=row.collected_at)
        for row in connection.execute(newest)
    ]
    return found[::-1]
