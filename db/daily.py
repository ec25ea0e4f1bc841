"""Daily sums: the hours of a day added up, each thread's sums kept, so that a chart of years reads a row a day."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Connection, cast, delete, func, insert, select

from classifiers.codebook import Category
from db.active import labelled_by
from db.models import Label, Model, Post, RollupDaily, RollupHourly, RollupPosts
from db.periods import Step, day_text, from_day_text, start_of
from db.selection import UNKNOWN_LANGUAGE
from db.thread_groups import WIDTH, Keys, Sums, key_of, pack

ALL: Final = ""
"""The name under which platforms or languages are added up."""

COUNTS: Final = ("n_posts", "n_relevant", *(f"n_{category}" for category in Category))
SUMS: Final = ("w2_relevant", "w2_five", "w_posts", *(f"v_{category}" for category in Category))
DAY: Final = timedelta(days=1)

Cell = tuple[str, str]


def days_of(moments: Iterable[datetime]) -> list[datetime]:
    """Give the days that these moments lie in, each once, in order."""
    return sorted({start_of(Step.DAY, moment) for moment in moments})


def count_labels(connection: Connection, days: Sequence[datetime]) -> None:
    """Count the labels of these days anew, for every model; their hours must have been counted before."""
    models = connection.scalars(select(Model.id)).all()
    for day in days:
        connection.execute(delete(RollupDaily).where(RollupDaily.day == day))
        for model in models:
            counts = _counts(connection, model, day)
            packed = dict(_threads(connection, model, day)) if counts else {}
            rows: list[dict[str, Any]] = [
                {
                    "model_id": model,
                    "source": source,
                    "lang": lang,
                    "day": day,
                    **dict(zip((*COUNTS, *SUMS), figures, strict=True)),
                    "n_threads": packed[source, lang][0],
                    "threads": packed[source, lang][1],
                }
                for (source, lang), figures in sorted(counts.items())
                if (source, lang) in packed  # else another transaction has just removed it, and marked the day
            ]
            if rows:
                connection.execute(insert(RollupDaily), rows)


def count_posts(connection: Connection, days: Sequence[datetime]) -> None:
    """Count the stored posts of these days anew."""
    for day in days:
        connection.execute(delete(RollupPosts).where(RollupPosts.day == day))
        lang = func.coalesce(Post.lang, UNKNOWN_LANGUAGE)
        query = (
            select(Post.source, lang.label("lang"), func.count().label("n_posts"))
            .where(Post.created_at >= day, Post.created_at < day + DAY, Post.deleted_at.is_(None))
            .group_by(Post.source, "lang")
        )
        rows = [{"day": day, **row} for row in connection.execute(query).mappings()]
        if rows:
            connection.execute(insert(RollupPosts), rows)


def clear(connection: Connection) -> None:
    """Remove all daily sums, to count them anew."""
    connection.execute(delete(RollupDaily))
    connection.execute(delete(RollupPosts))


def days_with_posts(connection: Connection) -> list[datetime]:
    """Give the days of all posts."""
    day = day_text(Step.DAY, Post.created_at, connection.dialect.name)
    return [from_day_text(found) for found in connection.scalars(select(day.label("day")).distinct().order_by("day"))]


def _counts(connection: Connection, model: int, day: datetime) -> dict[Cell, list[float]]:
    """Give the counts and sums of every cell of a day."""
    counted = [cast(func.sum(getattr(RollupHourly, name)), BigInteger) for name in COUNTS]
    sums = [func.sum(getattr(RollupHourly, name)) for name in SUMS]
    query = (
        select(RollupHourly.source, RollupHourly.lang, *counted, *sums)
        .where(RollupHourly.model_id == model, RollupHourly.hour >= day, RollupHourly.hour < day + DAY)
        .group_by(RollupHourly.source, RollupHourly.lang)
        .order_by(RollupHourly.source, RollupHourly.lang)
    )
    counts: dict[Cell, list[float]] = {}
    for row in connection.execute(query):
        source, lang, *figures = tuple(row)
        for cell in {(source, lang), (source, ALL), (ALL, lang), (ALL, ALL)}:
            known = counts.get(cell)
            counts[cell] = figures if known is None else [a + b for a, b in zip(known, figures, strict=True)]
    return counts


def _threads(connection: Connection, model: int, day: datetime) -> Iterator[tuple[Cell, tuple[int, bytes]]]:
    """Give the threads of every cell of a day: how many there are, and their sums packed."""
    mass = Label.p_relevant / Post.inclusion_probability
    query = (
        select(
            Post.source,
            func.coalesce(Post.lang, UNKNOWN_LANGUAGE),
            Post.thread_id,
            *(mass * getattr(Label, f"p_{category}") for category in Category),
        )
        .join(Label, labelled_by(model))
        .where(Post.created_at >= day, Post.created_at < day + DAY, Post.deleted_at.is_(None))
    )
    result = connection.execute(query)
    cursor: Any = result.cursor
    rows: list[tuple[Any, ...]] = cursor.fetchall()  # as the driver gives them: a busy day has many thousands
    result.close()
    if not rows:
        return
    sources, langs, threads, *columns = zip(*rows, strict=True)
    keys = np.fromiter(map(key_of, sources, threads), np.int64, len(threads))
    order = np.argsort(keys)
    yield from _cells(sources, langs, keys, np.array(columns, np.float64).T, order)


def _cells(
    sources: Sequence[str], langs: Sequence[str], keys: Keys, sums: Sums, order: NDArray[np.intp]
) -> Iterator[tuple[Cell, tuple[int, bytes]]]:
    source_names, source = _numbered(sources)
    lang_names, lang = _numbered(langs)
    source, lang, keys, sums = source[order], lang[order], keys[order], sums[order]
    nothing = np.zeros(len(keys), np.int64)
    width = len(lang_names)
    cells = [(one, other) for one in source_names for other in lang_names]
    yield from _packed(cells, source * width + lang, keys, sums)
    yield from _packed([(name, ALL) for name in source_names], source, keys, sums)
    yield from _packed([(ALL, name) for name in lang_names], lang, keys, sums)
    yield from _packed([(ALL, ALL)], nothing, keys, sums)


def _numbered(names: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    known = sorted(set(names))
    numbers = {name: number for number, name in enumerate(known)}
    return known, np.fromiter((numbers[name] for name in names), np.int64, len(names))


def _packed(
    cells: Sequence[Cell], cell: NDArray[np.int64], keys: Keys, sums: Sums
) -> Iterator[tuple[Cell, tuple[int, bytes]]]:
    order = np.argsort(cell, kind="stable")  # the threads of a cell stay in the order of their keys
    cell, keys = cell[order], keys[order]
    new = np.ones(len(keys), bool)
    new[1:] = (cell[1:] != cell[:-1]) | (keys[1:] != keys[:-1])
    starts = np.flatnonzero(new)
    added = np.add.reduceat(sums[order], starts) if len(starts) else np.zeros((0, WIDTH))
    ends = np.searchsorted(cell[starts], np.arange(len(cells) + 1))
    for number, name in enumerate(cells):
        span = slice(int(ends[number]), int(ends[number + 1]))
        if span.stop > span.start:
            yield name, (span.stop - span.start, pack(keys[starts][span], added[span]))
