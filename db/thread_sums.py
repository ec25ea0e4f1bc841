"""Labels added up by period and thread, in the database: what estimates and their intervals are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
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
    for period, group in groupby(rows, key=lambda row: str(row[0])):
        threads: list[tuple[float, ...]] = []
        posts = [0] * width
        relevant = five = 0.0
        for row in group:
            threads.append(tuple(row[1 : 1 + width]))
            posts = [total + count for total, count in zip(posts, row[1 + width : 1 + 2 * width], strict=True)]
            relevant += row[-2]
            five += row[-1]
        yield PeriodSums(day=period, threads=threads, posts=tuple(posts), squares_relevant=relevant, squares_five=five)
