"""Sums of labels by hour and day, kept up to date: whoever changes a label marks its hour, `refresh` counts marked hours anew."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Float,
    FromClause,
    Interval,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    join,
    literal,
    select,
)

from classifiers.codebook import Category
from db import daily
from db.models import Label, Model, Post, RollupDirty, RollupHourly
from db.selection import UNKNOWN_LANGUAGE

HOURS_A_STATEMENT = 200
MARKS_A_STATEMENT = 500
ADVISORY_LOCK = 0x6772_6F6B  # "grok": the number under which PostgreSQL keeps the lock


def hour_of(moment: datetime) -> datetime:
    """Cut a time down to its hour in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def mark_dirty(connection: Connection, moments: Iterable[datetime]) -> None:
    """Note, in the transaction that changes posts and their labels, that these hours must be counted anew."""
    hours = _hours(moments)
    _mark(connection, hours, labels=True)
    _mark(connection, hours, labels=False)


def mark_labelled(connection: Connection, moments: Iterable[datetime]) -> None:
    """Note likewise that labels of these hours changed; how many posts there are did not."""
    _mark(connection, _hours(moments), labels=True)


def mark_new(connection: Connection, moments: Iterable[datetime]) -> None:
    """Note likewise that posts came to these hours, which have no labels yet."""
    _mark(connection, _hours(moments), labels=False)


def _hours(moments: Iterable[datetime]) -> list[datetime]:
    return sorted({hour_of(moment) for moment in moments})


def _mark(connection: Connection, hours: Sequence[datetime], *, labels: bool) -> None:
    if hours:
        connection.execute(insert(RollupDirty), [{"hour": hour, "labels": labels} for hour in hours])


def refresh(connection: Connection) -> int:
    """Count the marked hours and their days anew; gives the number of hours whose labels were counted.

    Call it last in a transaction. Two transactions that change the same hour count it one after the other, and the second
    sees the work of the first.
    """
    _wait_for_turn(connection)
    marks = connection.execute(select(RollupDirty.id, RollupDirty.hour, RollupDirty.labels)).all()
    hours = sorted({mark.hour for mark in marks if mark.labels})
    models = connection.scalars(select(Model.id)).all()  # named, so that the hours are found by the key
    for start in range(0, len(hours), HOURS_A_STATEMENT):
        batch = hours[start : start + HOURS_A_STATEMENT]
        connection.execute(delete(RollupHourly).where(RollupHourly.model_id.in_(models), RollupHourly.hour.in_(batch)))
        _count_hours(connection, batch)
    daily.count_labels(connection, daily.days_of(hours))
    daily.count_posts(connection, daily.days_of(mark.hour for mark in marks if not mark.labels))
    # By number: what another transaction has marked since then stays marked.
    for start in range(0, len(marks), MARKS_A_STATEMENT):
        ids = [mark.id for mark in marks[start : start + MARKS_A_STATEMENT]]
        connection.execute(delete(RollupDirty).where(RollupDirty.id.in_(ids)))
    return len(hours)


def rebuild(connection: Connection) -> None:
    """Count everything anew."""
    _wait_for_turn(connection)
    connection.execute(delete(RollupDirty))
    connection.execute(delete(RollupHourly))
    daily.clear(connection)
    if connection.dialect.name == "postgresql":
        hour = func.timezone("UTC", func.date_trunc("hour", func.timezone("UTC", Post.created_at)))
    else:
        hour = func.strftime("%Y-%m-%d %H:00:00.000000", Post.created_at)
    _count(connection, hour, join(Post, Label, Label.post_id == Post.id))
    days = daily.days_with_posts(connection)
    daily.count_labels(connection, days)
    daily.count_posts(connection, days)


def _count_hours(connection: Connection, batch: Sequence[datetime]) -> None:
    # Joined to their marks, all hours of a batch are counted in one statement, each by its stretch of the posts' index.
    if connection.dialect.name == "postgresql":
        end = RollupDirty.hour + literal(timedelta(hours=1), Interval())
    else:
        end = func.strftime("%Y-%m-%d %H:%M:%S.000000", RollupDirty.hour, "+1 hour")
    marked = select(RollupDirty.hour, end.label("end")).where(RollupDirty.hour.in_(batch)).distinct().subquery("marked")
    within = and_(Post.created_at >= marked.c.hour, Post.created_at < marked.c.end)
    _count(connection, marked.c.hour, join(marked, Post, within).join(Label, Label.post_id == Post.id))


def _wait_for_turn(connection: Connection) -> None:
    # SQLite has one writer at a time anyway. PostgreSQL would let two transactions count the same hour, each blind to the
    # other's labels. The marks are never waited for, so this lock is the last one taken and can't close a circle.
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(ADVISORY_LOCK)))


def _count(connection: Connection, hour: ColumnElement[Any], origin: FromClause) -> None:
    weight = 1.0 / Post.inclusion_probability
    lang = func.coalesce(Post.lang, UNKNOWN_LANGUAGE).label("lang_of_post")

    def count(condition: Any) -> ColumnElement[int]:  # noqa: ANN401 - any SQL condition
        return cast(func.sum(case((condition, 1), else_=0)), BigInteger)

    sums: dict[str, ColumnElement[Any]] = {
        "n_posts": func.count(),
        "n_relevant": count(Label.relevant),
        "w_posts": func.sum(weight),
        "w_relevant": func.sum(weight * Label.p_relevant),
        "w2_relevant": func.sum(weight * weight * Label.p_relevant),
        "w2_five": func.sum(weight * weight * Label.p_relevant * (1.0 - Label.p_other)),
    }
    for category in Category:
        sums[f"n_{category}"] = count(Label.category == category.value)
        sums[f"v_{category}"] = cast(func.sum(case((Label.category == category.value, weight), else_=0.0)), Float)
        sums[f"w_{category}"] = cast(func.sum(weight * Label.p_relevant * getattr(Label, f"p_{category}")), Float)
    query = (
        select(Label.model_id, hour.label("hour_of_post"), Post.source, lang, *sums.values())
        .select_from(origin)
        .where(Post.deleted_at.is_(None))
        .group_by(Label.model_id, "hour_of_post", Post.source, "lang_of_post")
    )
    connection.execute(insert(RollupHourly).from_select(["model_id", "hour", "source", "lang", *sums], query))
