"""Posts counted by period, in the database."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, case, cast, func, select

from classifiers.codebook import Category
from db import days
from db.active import active_model, labelled_by
from db.models import Label, Post, RollupDaily, RollupPosts
from db.periods import Step, day_text
from db.selection import Selection


def period_counts(connection: Connection, step: Step, selection: Selection) -> Sequence[Mapping[str, Any]]:
    """Count the posts of each period by what the active model says of them.

    Gives the rows `day` (first day of the period, `YYYY-MM-DD`), `posts`, `waiting` (without a label), `relevant`, and one
    count a category under its name, in order.
    """
    periods: dict[str, Counter[str]] = {}
    for day, counts in _parts(connection, step, days.cut(connection, selection)):
        periods.setdefault(day, Counter()).update(counts)
    names = ("posts", "waiting", "relevant", *(category.value for category in Category))
    return [
        {"day": day, **{name: periods[day][name] for name in names}} for day in sorted(periods) if periods[day]["posts"]
    ]


def _parts(connection: Connection, step: Step, cut: days.Days) -> Iterator[tuple[str, dict[str, int]]]:
    dialect = connection.dialect.name
    posts = cut.posts(
        select(day_text(step, RollupPosts.day, dialect).label("period"), _total(RollupPosts.n_posts)).group_by("period")
    )
    labels = cut.daily(
        select(
            day_text(step, RollupDaily.day, dialect).label("period"),
            _total(RollupDaily.n_posts).label("labelled"),
            _total(RollupDaily.n_relevant).label("relevant"),
            *(_total(getattr(RollupDaily, f"n_{category}")).label(category.value) for category in Category),
        )
        .where(RollupDaily.model_id == active_model())
        .group_by("period")
    )
    if posts is not None and labels is not None:
        for period, number in connection.execute(posts):
            yield period, {"posts": number, "waiting": number}
        for row in connection.execute(labels).mappings():
            counts = dict(row)
            yield counts.pop("period"), counts | {"waiting": -counts.pop("labelled")}
    for selection in cut.raw:
        for row in connection.execute(_raw(step, selection, dialect)).mappings():
            counts = dict(row)
            yield counts.pop("day"), counts


def _raw(step: Step, selection: Selection, dialect: str) -> Any:  # noqa: ANN401 - a SELECT of many columns
    def count(condition: Any) -> ColumnElement[int]:  # noqa: ANN401 - any SQL condition
        return cast(func.coalesce(func.sum(case((condition, 1), else_=0)), 0), BigInteger)

    columns: list[Any] = [
        day_text(step, Post.created_at, dialect).label("day"),
        func.count().label("posts"),
        count(Label.post_id.is_(None)).label("waiting"),
        count(Label.relevant).label("relevant"),
        *(count(Label.category == category.value).label(category.value) for category in Category),
    ]
    return (
        select(*columns)
        .select_from(Post)
        .outerjoin(Label, labelled_by(active_model()))
        .where(*selection.conditions())
        .group_by("day")
    )


def _total(column: Any) -> ColumnElement[int]:  # noqa: ANN401 - any column of numbers
    return cast(func.sum(column), BigInteger)
