"""What the database holds: span, sources and languages of the posts, and a mark that changes when any of it does."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, RowMapping, cast, exists, func, select

from db import days
from db.active import active_model, labelled_by
from db.models import Event, Label, Model, Post, RollupDaily, RollupPosts, Run
from db.selection import UNKNOWN_LANGUAGE, Selection


def post_groups(connection: Connection) -> Sequence[Mapping[str, Any]]:
    """Count the posts of every source and language: `source`, `lang`, `posts`, the most frequent first."""
    cut = days.cut(connection, Selection())
    stored = Counter[tuple[str, str]]()
    summed = cut.posts(
        select(RollupPosts.source, RollupPosts.lang, cast(func.sum(RollupPosts.n_posts), BigInteger)).group_by(
            RollupPosts.source, RollupPosts.lang
        )
    )
    if summed is not None:
        stored.update({(source, lang): number for source, lang, number in connection.execute(summed)})
    for selection in cut.raw:
        lang = func.coalesce(Post.lang, UNKNOWN_LANGUAGE).label("lang")
        query = select(Post.source, lang, func.count()).where(*selection.conditions()).group_by(Post.source, "lang")
        stored.update({(source, tag): number for source, tag, number in connection.execute(query)})
    ordered = sorted(((number, cell) for cell, number in stored.items() if number), key=lambda one: (-one[0], one[1]))
    return [{"source": source, "lang": lang, "posts": number} for number, (source, lang) in ordered]


def count_labelled(connection: Connection) -> int:
    """Count the posts that the active model has labelled."""
    cut = days.cut(connection, Selection(), labels_alone=True)
    summed = cut.daily(select(func.sum(RollupDaily.n_posts)).where(RollupDaily.model_id == active_model()))
    labelled = 0 if summed is None else int(connection.scalar(summed) or 0)
    for selection in cut.raw:
        query = (
            select(func.count())
            .select_from(Post)
            .join(Label, labelled_by(active_model()))
            .where(*selection.conditions())
        )
        labelled += connection.scalar(query) or 0
    return labelled


def labelled_span(connection: Connection) -> tuple[datetime, datetime] | None:
    """Give the times of the first and the last post that the active model has labelled, None where there is none."""
    cut = days.cut(connection, Selection(), labels_alone=True)
    spans = [(selection.start, selection.end) for selection in cut.raw]
    known = cut.daily(
        select(
            func.min(RollupDaily.day, type_=RollupDaily.day.type), func.max(RollupDaily.day, type_=RollupDaily.day.type)
        ).where(RollupDaily.model_id == active_model())
    )
    if known is not None:
        first, last = connection.execute(known).one()
        if first is not None:
            spans += [(first, first + days.DAY), (last, last + days.DAY)]
    found: list[datetime] = []
    for start, end in spans:
        # A lookup for each post, not a join: the first one found is the answer.
        labelled = exists().where(labelled_by(active_model()))
        query = select(Post.created_at).where(*Selection(start=start, end=end).conditions(), labelled).limit(1)
        for order in (Post.created_at.asc(), Post.created_at.desc()):
            found += connection.scalars(query.order_by(order))
    return (min(found), max(found)) if found else None


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
