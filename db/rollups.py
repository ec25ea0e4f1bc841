"""Hourly sums of labels, kept up to date: whoever changes a label marks its hour, `refresh` counts marked hours anew."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, case, cast, delete, func, literal, select
from sqlalchemy import insert as plain_insert
from sqlalchemy.types import BigInteger, Float

from classifiers.codebook import Category
from db.models import Label, Post, RollupDirty, RollupHourly, UtcDateTime
from db.upsert import insert

UNKNOWN_LANGUAGE = "und"
HOURS_A_STATEMENT = 200


def hour_of(moment: datetime) -> datetime:
    """Cut a time down to its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def mark_dirty(connection: Connection, moments: Iterable[datetime]) -> None:
    """Note, in the transaction that changes labels, that the hours of these posts must be counted anew."""
    hours = sorted({hour_of(moment) for moment in moments})
    if hours:
        connection.execute(insert(connection, RollupDirty).on_conflict_do_nothing(), [{"hour": hour} for hour in hours])


def refresh(connection: Connection) -> int:
    """Count the marked hours anew; gives their number."""
    hours = connection.scalars(select(RollupDirty.hour).order_by(RollupDirty.hour)).all()
    for start in range(0, len(hours), HOURS_A_STATEMENT):
        batch = hours[start : start + HOURS_A_STATEMENT]
        connection.execute(delete(RollupHourly).where(RollupHourly.hour.in_(batch)))
        for hour in batch:
            _count_hour(connection, hour)
        connection.execute(delete(RollupDirty).where(RollupDirty.hour.in_(batch)))
    return len(hours)


def rebuild(connection: Connection) -> int:
    """Count everything anew; gives the number of hours."""
    connection.execute(delete(RollupHourly))
    moments = connection.scalars(
        select(Post.created_at).where(Post.id.in_(select(Label.post_id))).order_by(Post.created_at)
    )
    mark_dirty(connection, moments)
    return refresh(connection)


def _count_hour(connection: Connection, hour: datetime) -> None:
    weight = 1.0 / Post.inclusion_probability
    lang = func.coalesce(Post.lang, UNKNOWN_LANGUAGE)

    def count(condition: object) -> object:
        return cast(func.sum(case((condition, 1), else_=0)), BigInteger)

    sums: dict[str, object] = {
        "n_posts": func.count(),
        "n_relevant": count(Label.relevant),
        "w_posts": func.sum(weight),
        "w_relevant": func.sum(weight * Label.p_relevant),
    }
    for category in Category:
        sums[f"n_{category}"] = count(Label.category == category.value)
        sums[f"w_{category}"] = cast(func.sum(weight * Label.p_relevant * getattr(Label, f"p_{category}")), Float)
    groups = (Label.model_id, Post.source, lang)
    query = (
        select(
            Label.model_id,
            literal(hour, UtcDateTime()),
            Post.source,
            lang,
            *sums.values(),
        )
        .join(Post, Post.id == Label.post_id)
        .where(Post.created_at >= hour, Post.created_at < hour + timedelta(hours=1), Post.deleted_at.is_(None))
        .group_by(*groups)
    )
    columns = ["model_id", "hour", "source", "lang", *sums]
    connection.execute(plain_insert(RollupHourly).from_select(columns, query))
