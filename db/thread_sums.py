"""Labelled posts added up by period and thread: what estimates and their intervals are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Connection, case, cast, func, select

from classifiers.codebook import Category
from db import days
from db.active import active_model, labelled_by
from db.models import Label, Post, RollupDaily
from db.periods import Step, day_text
from db.selection import Selection
from db.thread_groups import ThreadSums, add_up, key_of, unpack

ROWS_A_FETCH = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSums:
    """The labelled posts of one period.

    Parameters
    ----------
    day
        First day of the calendar period as `YYYY-MM-DD`, empty where no step was asked for.
    threads
        One row a thread and one column a `Category`: the sum of weight · p(relevant) · p(category | relevant), where the
        weight is 1 / inclusion probability.
    merged
        The rows are groups of threads instead, put together at random (`db.thread_groups`).
    posts
        Posts by the category of their label, in the order of `Category`.
    squares_relevant, squares_five
        The sums of weight² · p(relevant), and of weight² · p(relevant and one of the five), for effective sample sizes.
    outcomes
        The sums of weight by the label itself, in the order of `Category`, then of posts that are not relevant.
    """

    day: str
    threads: NDArray[np.float64]
    merged: bool
    posts: tuple[int, ...]
    squares_relevant: float
    squares_five: float
    outcomes: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A part of a period."""

    day: str
    threads: ThreadSums
    posts: NDArray[np.int64]
    squares: NDArray[np.float64]
    weights: NDArray[np.float64]
    """All posts, then those of each category."""


def period_sums(connection: Connection, step: Step | None, selection: Selection) -> Iterator[PeriodSums]:
    """Yield the periods that have posts labelled by the active model, in order, one at a time."""
    cut = days.cut(connection, selection, labels_alone=True)
    parts = merge(_from_days(connection, step, cut), _from_posts(connection, step, cut), key=attrgetter("day"))
    for day, group in groupby(parts, key=attrgetter("day")):
        found = list(group)
        threads = add_up([part.threads for part in found])
        squares = np.sum([part.squares for part in found], axis=0)
        everything, *weights = (float(weight) for weight in np.sum([part.weights for part in found], axis=0))
        yield PeriodSums(
            day=str(day),
            threads=threads.sums,
            merged=threads.keys is None,
            posts=tuple(int(number) for number in np.sum([part.posts for part in found], axis=0)),
            squares_relevant=float(squares[0]),
            squares_five=float(squares[1]),
            outcomes=(*weights, max(everything - sum(weights), 0.0)),
        )


def _from_days(connection: Connection, step: Step | None, cut: days.Days) -> Iterator[_Part]:
    day = day_text(step, RollupDaily.day, connection.dialect.name)
    query = cut.daily(
        select(
            day.label("period"),
            *(getattr(RollupDaily, f"n_{category}") for category in Category),
            RollupDaily.w2_relevant,
            RollupDaily.w2_five,
            RollupDaily.w_posts,
            *(getattr(RollupDaily, f"v_{category}") for category in Category),
            RollupDaily.n_threads,
            RollupDaily.threads,
        ).where(RollupDaily.model_id == active_model())
    )
    if query is None:
        return
    width = len(Category)
    for period, *figures, number, packed in sorted(connection.execute(query).all(), key=itemgetter(0)):
        yield _Part(
            day=period,
            threads=unpack(number, packed),
            posts=np.array(figures[:width], np.int64),
            squares=np.array(figures[width : width + 2], np.float64),
            weights=np.array(figures[width + 2 :], np.float64),
        )


def _from_posts(connection: Connection, step: Step | None, cut: days.Days) -> Iterator[_Part]:
    weight = 1.0 / Post.inclusion_probability
    mass = weight * Label.p_relevant
    categories = list(Category)
    columns: list[Any] = [
        day_text(step, Post.created_at, connection.dialect.name).label("day"),
        # Not the bare columns: SQLite would walk its whole index of threads, to find them in order.
        func.coalesce(Post.source, "").label("platform"),
        func.coalesce(Post.thread_id, "").label("thread"),
        *(func.sum(mass * getattr(Label, f"p_{category}")) for category in categories),
        *(cast(func.sum(case((Label.category == category.value, 1), else_=0)), BigInteger) for category in categories),
        func.sum(weight * mass),
        func.sum(weight * mass * (1.0 - Label.p_other)),
        func.sum(weight),
        *(func.sum(case((Label.category == category.value, weight), else_=0.0)) for category in categories),
    ]
    width = len(categories)
    for selection in cut.raw:
        query = (
            select(*columns)
            .select_from(Post)
            .join(Label, labelled_by(active_model()))
            .where(*selection.conditions())
            .group_by(*([] if step is None else ["day"]), "platform", "thread")
            .order_by("day")
        )
        rows = connection.execute(query, execution_options={"yield_per": ROWS_A_FETCH})
        for period, group in groupby(rows, key=lambda row: str(row[0])):
            _, sources, threads, *figures = zip(
                *group, strict=True
            )  # a column each: an archive may have a million threads
            sums, counts = np.array(figures[:width], np.float64), np.array(figures[width : 2 * width], np.int64)
            squares, weights = figures[2 * width : 2 * width + 2], figures[2 * width + 2 :]
            keys = np.fromiter(map(key_of, sources, threads), np.int64, len(threads))
            yield _Part(
                day=period,
                threads=ThreadSums(keys=keys, sums=sums.T),
                posts=counts.sum(axis=1),
                squares=np.array(squares, np.float64).sum(axis=1),
                weights=np.array(weights, np.float64).sum(axis=1),
            )
