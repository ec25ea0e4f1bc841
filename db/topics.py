"""What posts about Grok talk about, and beside whom they name it: their weight by period, thread, topics and stance."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, func, select

from db.active import active_model, labelled_by
from db.models import Label, Post
from db.periods import Step, day_text
from db.selection import Selection


class Topic(StrEnum):
    """What is asked for: aspects of Grok, or rivals named beside it."""

    ASPECTS = "aspects"
    RIVALS = "rivals"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRow:
    """Posts of one thread that name the same topics with the same stance.

    `weight` is Σ weight · p(relevant) with weight = 1 / inclusion probability, `squares` the same with the weight squared.
    """

    thread: tuple[str, str]
    topics: tuple[str, ...]
    polarity: str | None
    posts: int
    weight: float
    squares: float


def period_topics(
    connection: Connection, topic: Topic, step: Step | None, selection: Selection
) -> Iterator[tuple[str, list[TopicRow]]]:
    """Yield the periods with posts that the active model calls relevant, in order: first day (empty without a step), rows."""
    named = Label.aspects if topic is Topic.ASPECTS else Label.mentions
    weight = 1.0 / Post.inclusion_probability
    columns: list[Any] = [
        day_text(step, Post.created_at, connection.dialect.name).label("day"),
        func.coalesce(Post.source, "").label("platform"),
        func.coalesce(Post.thread_id, "").label("thread"),
        named.label("topics"),
        Label.polarity.label("polarity"),
        func.count(),
        func.sum(weight * Label.p_relevant),
        func.sum(weight * weight * Label.p_relevant),
    ]
    query = (
        select(*columns)
        .select_from(Post)
        .join(Label, labelled_by(active_model()))
        .where(Label.relevant, *selection.conditions())
        .group_by(*([] if step is None else ["day"]), "platform", "thread", "topics", "polarity")
        .order_by("day")
    )
    rows = connection.execute(query, execution_options={"yield_per": 5_000})
    for day, group in groupby(rows, key=lambda row: str(row[0])):
        yield day, [_row(row) for row in group]


def _row(row: Row[*tuple[Any, ...]]) -> TopicRow:
    _, source, thread, topics, polarity, posts, weight, squares = tuple(row)
    return TopicRow(
        thread=(source, thread), topics=tuple(topics), polarity=polarity, posts=posts, weight=weight, squares=squares
    )
