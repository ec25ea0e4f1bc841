"""What the database holds: span, sources and languages of the posts, and a mark that changes when any of it does."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, RowMapping, and_, case, cast, func, select

from db.models import Event, Label, Model, Post, Run
from db.selection import UNKNOWN_LANGUAGE


def post_groups(connection: Connection) -> Sequence[RowMapping]:
    """Count the posts of every source and language: `source`, `lang`, `posts`, `waiting`, `first`, `last`.

    `first` and `last` are the times of posts that the active model has labelled, None where there are none.
    """
    active = select(Model.id).where(Model.active).scalar_subquery()
    labelled_at: Any = case((Label.post_id.is_not(None), Post.created_at))
    query = (
        select(
            Post.source,
            func.coalesce(Post.lang, UNKNOWN_LANGUAGE).label("lang"),
            func.count().label("posts"),
            cast(func.sum(case((Label.post_id.is_(None), 1), else_=0)), BigInteger).label("waiting"),
            func.min(labelled_at, type_=Post.created_at.type).label("first"),
            func.max(labelled_at, type_=Post.created_at.type).label("last"),
        )
        .outerjoin(Label, and_(Label.post_id == Post.id, Label.model_id == active))
        .where(Post.deleted_at.is_(None))
        .group_by(Post.source, "lang")
        .order_by(func.count().desc(), Post.source, "lang")
    )
    return connection.execute(query).mappings().all()


def data_mark(connection: Connection) -> str:
    """Give a text that changes whenever posts, labels, events or the active model may have changed.

    It is read from the small tables alone: everything that changes posts or labels leaves a run.
    """
    runs = connection.execute(
        select(
            func.max(Run.id),
            func.count(Run.finished_at),
            func.max(Run.finished_at, type_=Run.started_at.type),
            func.sum(Run.kept + Run.changed),
        )
    ).one()
    events = connection.scalar(select(func.count()).select_from(Event))
    model = connection.scalar(select(Model.version).where(Model.active))
    return "|".join(str(part) for part in (*runs, events, model))


def latest_runs(connection: Connection, *, limit: int) -> Sequence[RowMapping]:
    """Give the newest runs, newest first: `kind`, `source`, `started_at`, `finished_at`, `status`, the counts and `error`."""
    query = (
        select(
            Run.id, Run.kind, Run.source, Run.started_at, Run.finished_at, Run.status,
            Run.read, Run.kept, Run.new, Run.changed, Run.broken, Run.error,
        )
        .order_by(Run.id.desc())
        .limit(limit)
    )  # fmt: skip
    return connection.execute(query).mappings().all()
