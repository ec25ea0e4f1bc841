"""Labelled posts go out: one at a time, without author keys, without deleted posts, as the active model labels them."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, Select, and_, func, select

from db import sample
from db.models import Label, Model, Post, Run

TEXT: Final = ("title", "text", "url")
"""What `without text` leaves out; platforms' rules restrict who may hand on texts, not identifiers."""
COLUMNS: Final = (
    "id", "source", "source_id", "kind", "channel", "thread_id", "lang", "created_at", "edited_at", "title", "text", "url",
    "score", "replies", "inclusion_probability", "sample", "model", "relevant", "p_relevant", "category", "p_excitement",
    "p_latency", "p_bias", "p_satisfaction", "p_abandonment", "p_other", "polarity", "aspects", "mentions", "labelled_at",
)  # fmt: skip
"""The columns of an export, named as in the view `v_posts`."""
BATCH: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which posts are exported: written from `start` on and before `end`, of a language, a source, a category."""

    start: datetime | None = None
    end: datetime | None = None
    lang: str | None = None
    source: str | None = None
    category: str | None = None
    text: bool = True

    def columns(self) -> tuple[str, ...]:
        """Name the columns that are given."""
        return COLUMNS if self.text else tuple(name for name in COLUMNS if name not in TEXT)


@contextmanager
def labelled_posts(engine: Engine, choice: Choice) -> Generator[Generator[Row[Any]]]:
    """Give the chosen posts by number, all as they stood at one moment, holding a thousand in memory."""
    with engine.connect().execution_options(read_only=True, yield_per=BATCH) as connection, connection.begin():
        yield (row for row in connection.execute(_query(choice)))


def count_labelled(connection: Connection, choice: Choice) -> int:
    """Count the posts that `labelled_posts` would give now."""
    return connection.scalar(select(func.count()).select_from(_query(choice).order_by(None).subquery())) or 0


def count_unlabelled(connection: Connection, choice: Choice) -> int:
    """Count the posts of this choice that the active model has not labelled, whatever the category."""
    query = (
        select(func.count())
        .select_from(Post)
        .where(
            *_conditions(choice),
            ~select(Label.post_id).join(Model).where(Model.active, Label.post_id == Post.id).exists(),
        )
    )
    return connection.scalar(query) or 0


def _conditions(choice: Choice) -> list[Any]:
    conditions: list[Any] = [Post.deleted_at.is_(None)]
    if choice.start is not None:
        conditions.append(Post.created_at >= choice.start)
    if choice.end is not None:
        conditions.append(Post.created_at < choice.end)
    if choice.lang is not None:
        conditions.append(func.coalesce(Post.lang, "und") == choice.lang)
    if choice.source is not None:
        conditions.append(Post.source == choice.source)
    return conditions


def _query(choice: Choice) -> Select[*tuple[Any, ...]]:
    named: dict[str, Any] = {
        column.name: column for column in chain(Label.__table__.columns, Post.__table__.columns)
    } | {
        "lang": func.coalesce(Post.lang, "und").label("lang"),
        "sample": (Run.kind == sample.KIND).label("sample"),
        "model": Model.version.label("model"),
    }
    query = (
        select(*(named[name] for name in choice.columns()))
        .select_from(Post)
        .join(Label, Label.post_id == Post.id)
        .join(Model, and_(Model.id == Label.model_id, Model.active))
        .join(Run, Run.id == Post.run_id)
        .where(*_conditions(choice))
        .order_by(Post.id)
    )
    return query if choice.category is None else query.where(Label.category == choice.category)
