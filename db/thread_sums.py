"""Labels added up by period and thread, in the database: what estimates and their intervals are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, Connection, case, cast, func, select

from classifiers.codebook import Category
from db.models import Label, Model, Post
from db.periods import Step, day_text
from db.selection import Selection

ROWS_A_FETCH = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSums:
    """The labelled posts of one period.

    Parameters
    ----------
    day
        First day of the calendar period as `YYYY-MM-DD`, empty where no step was asked for.
    threads
        One row a thread and one figure a `Category`: the sum of weight · p(relevant) · p(category | relevant), where the
        weight is 1 / inclusion probability.
    posts
        Posts by the category of their label, in the order of `Category`.
    squares_relevant, squares_five
        The sums of weight² · p(relevant), and of weight² · p(relevant and one of the five), for effective sample sizes.
    """

    day: str
    threads: list[tuple[float, ...]]
    posts: tuple[int, ...]
    squares_relevant: float
    squares_five: float


def period_sums(connection: Connection, step: Step | None, selection: Selection) -> Iterator[PeriodSums]:
    """Yield the periods that have posts labelled by the active model, in order, one at a time."""
    weight = 1.0 / Post.inclusion_probability
    mass = weight * Label.p_relevant
    categories = list(Category)
    columns: list[Any] = [
        day_text(step, Post.created_at, connection.dialect.name).label("day"),
        *(func.sum(mass * getattr(Label, f"p_{category}")) for category in categories),
        *(cast(func.sum(case((Label.category == category.value, 1), else_=0)), BigInteger) for category in categories),
        func.sum(weight * mass),
        func.sum(weight * mass * (1.0 - Label.p_other)),
    ]
    query = (
        select(*columns)
        .select_from(Post)
        .join(Label, Label.post_id == Post.id)
        .join(Model, Model.id == Label.model_id)
        .where(Model.active, *selection.conditions())
        .group_by(*([] if step is None else ["day"]), Post.source, Post.thread_id)
        .order_by("day")
    )
    rows = connection.execute(query, execution_options={"yield_per": ROWS_A_FETCH})
    width = len(categories)
    for period, group in groupby(rows, key=itemgetter(0)):
        _, *figures = zip(*group, strict=True)  # a column each: an archive may have a million threads
        yield PeriodSums(
            day=str(period),
            threads=list(zip(*figures[:width], strict=True)),
            posts=tuple(sum(column) for column in figures[width : 2 * width]),
            squares_relevant=sum(figures[-2]),
            squares_five=sum(figures[-1]),
        )
