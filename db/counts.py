"""Posts counted by period, in the database."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, RowMapping, and_, case, cast, func, select

from classifiers.codebook import Category
from db.models import Label, Model, Post
from db.periods import Step, day_text
from db.selection import Selection


def period_counts(connection: Connection, step: Step, selection: Selection) -> Sequence[RowMapping]:
    """Count the posts of each period by what the active model says of them.

    Gives the rows `day` (first day of the period, `YYYY-MM-DD`), `posts`, `waiting` (without a label), `relevant`, and one
    count a category under its name, in order.
    """

    def count(condition: Any) -> ColumnElement[int]:  # noqa: ANN401 - any SQL condition
        return cast(func.coalesce(func.sum(case((condition, 1), else_=0)), 0), BigInteger)

    active = select(Model.id).where(Model.active).scalar_subquery()
    columns: list[Any] = [
        day_text(step, Post.created_at, connection.dialect.name).label("day"),
        func.count().label("posts"),
        count(Label.post_id.is_(None)).label("waiting"),
        count(Label.relevant).label("relevant"),
        *(count(Label.category == category.value).label(category.value) for category in Category),
    ]
    query = (
        select(*columns)
        .select_from(Post)
        .outerjoin(Label, and_(Label.post_id == Post.id, Label.model_id == active))
        .where(*selection.conditions())
        .group_by("day")
        .order_by("day")
    )
    return connection.execute(query).mappings().all()
