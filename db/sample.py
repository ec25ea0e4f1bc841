"""Sample posts in the database: there from the first start until the first real post arrives."""

from typing import Final

from sqlalchemy import Connection, Select, delete, exists, select

from db.models import Cursor, Label, Post, Run
from db.rollups import mark_dirty

KIND: Final = "sample"
"""The kind of run that stores sample posts."""


def _sample_runs() -> Select[int]:
    return select(Run.id).where(Run.kind == KIND)


def holds_sample(connection: Connection) -> bool:
    """Tell whether the database shows sample posts."""
    return bool(connection.scalar(select(exists().where(Post.run_id.in_(_sample_runs())))))


def is_empty(connection: Connection) -> bool:
    """Tell whether no post was ever stored."""
    return not connection.scalar(select(exists().where(Post.id.is_not(None))))


def remove(connection: Connection) -> int:
    """Remove the sample posts with their labels and rollups; gives how many there were."""
    posts = connection.execute(select(Post.id, Post.created_at).where(Post.run_id.in_(_sample_runs()))).all()
    if posts:
        mark_dirty(connection, (post.created_at for post in posts))
        of_sample = select(Post.id).where(Post.run_id.in_(_sample_runs()))
        connection.execute(delete(Label).where(Label.post_id.in_(of_sample)))
        connection.execute(delete(Post).where(Post.run_id.in_(_sample_runs())))
        connection.execute(delete(Cursor).where(Cursor.source == KIND))
    return len(posts)
