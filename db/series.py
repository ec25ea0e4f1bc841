"""Labels added up by day for detection: a post of a long thread counts less, because it says less that is new."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Subquery, case, cast, exists, func, select

from classifiers.codebook import Aspect, Category
from db.models import Label, Model, Post, RollupHourly
from db.periods import Step, day_text
from db.selection import UNKNOWN_LANGUAGE, Selection

LIKENESS: Final = 0.05
"""Assumed correlation of two posts of a thread. A thread of m posts counts as m / (1 + LIKENESS · (m - 1)) of them, which is best where
the assumption holds and right where it does not (a working correlation: Liang & Zeger 1986)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySums:
    """One day of one source and language.

    Parameters
    ----------
    day
        `YYYY-MM-DD`, UTC.
    posts
        Posts about Grok by their label.
    mass, squares
        Sums of weight · p(relevant) and of weight² · p(relevant); the weight is 1 / inclusion probability, made less in long threads.
    categories
        Sums of weight · p(relevant) · p(category | relevant), in the order of `Category`.
    """

    day: str
    source: str
    lang: str
    posts: int
    mass: float
    squares: float
    categories: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadSpread:
    """What the variance of shares follows from, of one source and language: sums over threads, each added up by weight as in `DaySums`.

    Parameters
    ----------
    squares
        Sum over posts of weight² · p(relevant).
    mass, mass_squares
        Sums over threads of a thread's mass, and of its square.
    categories, category_squares, category_masses
        Sums over threads of a thread's part in each category, of its square, and of its product with the thread's mass.
    """

    source: str
    lang: str
    squares: float
    mass: float
    mass_squares: float
    categories: tuple[float, ...]
    category_squares: tuple[float, ...]
    category_masses: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSums:
    """One part of a span's posts, such as a language: the mass of the denominator, and of one category."""

    parts: tuple[str | None, ...]
    mass: float
    category: float


def day_sums(connection: Connection, selection: Selection) -> list[DaySums]:
    """Add the labels of the active model up by day, source and language, in order of days."""
    weight, sizes = _weight(selection)
    mass = weight * Label.p_relevant
    lang = func.coalesce(Post.lang, UNKNOWN_LANGUAGE).label("lang_of_post")
    day = day_text(Step.DAY, Post.created_at, connection.dialect.name).label("day")
    columns: list[Any] = [
        day,
        Post.source,
        lang,
        cast(func.sum(case((Label.relevant, 1), else_=0)), BigInteger),
        func.sum(mass),
        func.sum(weight * mass),
        *(func.sum(mass * getattr(Label, f"p_{category}")) for category in Category),
    ]
    query = (
        select(*columns)
        .select_from(_labelled(sizes))
        .where(Model.active, *selection.conditions())
        .group_by("day", Post.source, "lang_of_post")
        .order_by("day")
    )
    return [
        DaySums(
            day=str(row[0]),
            source=row[1],
            lang=row[2],
            posts=int(row[3] or 0),
            mass=float(row[4]),
            squares=float(row[5]),
            categories=tuple(float(figure) for figure in row[6:]),
        )
        for row in connection.execute(query)
    ]


def thread_spread(connection: Connection, selection: Selection) -> list[ThreadSpread]:
    """Add up by source and language what the dispersion of shares follows from."""
    weight, sizes = _weight(selection)
    mass = weight * Label.p_relevant
    lang = func.coalesce(Post.lang, UNKNOWN_LANGUAGE).label("lang_of_post")
    names = [category.value for category in Category]
    threads = (
        select(
            Post.source.label("source"),
            lang,
            func.sum(weight * mass).label("squares"),
            func.sum(mass).label("mass"),
            *(func.sum(mass * getattr(Label, f"p_{name}")).label(name) for name in names),
        )
        .select_from(_labelled(sizes))
        .where(Model.active, *selection.conditions())
        .group_by(Post.source, "lang_of_post", Post.thread_id)
        .subquery("threads")
    )
    of = threads.c
    query = select(
        of.source,
        of.lang_of_post,
        func.sum(of.squares),
        func.sum(of.mass),
        func.sum(of.mass * of.mass),
        *(func.sum(of[name]) for name in names),
        *(func.sum(of[name] * of[name]) for name in names),
        *(func.sum(of[name] * of.mass) for name in names),
    ).group_by(of.source, of.lang_of_post)
    width = len(names)
    rows = [(row[0], row[1], [float(figure) for figure in row[2:]]) for row in connection.execute(query)]
    return [
        ThreadSpread(
            source=source,
            lang=tag,
            squares=figures[0],
            mass=figures[1],
            mass_squares=figures[2],
            categories=tuple(figures[3 : 3 + width]),
            category_squares=tuple(figures[3 + width : 3 + 2 * width]),
            category_masses=tuple(figures[3 + 2 * width :]),
        )
        for source, tag, figures in rows
    ]


def hourly_volumes(connection: Connection, *, start: datetime, end: datetime) -> list[tuple[datetime, str, float]]:
    """Give the posts about Grok by hour and source, weighted by 1 / inclusion probability, from the rollups."""
    query = (
        select(RollupHourly.hour, RollupHourly.source, func.sum(RollupHourly.w_relevant))
        .join(Model, Model.id == RollupHourly.model_id)
        .where(Model.active, RollupHourly.hour >= start, RollupHourly.hour < end)
        .group_by(RollupHourly.hour, RollupHourly.source)
        .order_by(RollupHourly.hour)
    )
    return [(row[0], row[1], float(row[2])) for row in connection.execute(query)]


def part_sums(
    connection: Connection, selection: Selection, *, category: Category, part: str, of_five: bool
) -> list[PartSums]:
    """Add a span up by `lang`, `channel`, `source` or `aspects`; a post with several aspects has several parts.

    Parameters
    ----------
    of_five
        Whether the mass is that of posts in the report's five categories, not of all posts about Grok.
    """
    weight = Label.p_relevant / Post.inclusion_probability
    mass = weight * (1.0 - Label.p_other) if of_five else weight
    columns: dict[str, Any] = {
        "lang": func.coalesce(Post.lang, UNKNOWN_LANGUAGE),
        "channel": Post.channel,
        "source": Post.source,
        "aspects": Label.aspects,
    }
    query = (
        select(columns[part].label("part"), func.sum(mass), func.sum(weight * getattr(Label, f"p_{category.value}")))
        .select_from(Post)
        .join(Label, Label.post_id == Post.id)
        .join(Model, Model.id == Label.model_id)
        .where(Model.active, *selection.conditions())
        .group_by("part")
    )
    known = {aspect.value for aspect in Aspect}
    return [
        PartSums(
            parts=tuple(name for name in row[0] if name in known) if part == "aspects" else (row[0],),
            mass=float(row[1]),
            category=float(row[2]),
        )
        for row in connection.execute(query)
    ]


def _weight(selection: Selection) -> tuple[Any, Subquery]:
    """Give a post's weight, and the sizes of the threads in the span that it is made of."""
    size = func.sum(Label.p_relevant)
    sizes = (
        select(
            Post.source.label("source"),
            Post.thread_id.label("thread_id"),
            (1.0 / (1.0 + LIKENESS * case((size > 1.0, size - 1.0), else_=0.0))).label("worth"),
        )
        .join(Label, Label.post_id == Post.id)
        .join(Model, Model.id == Label.model_id)
        .where(Model.active, *selection.conditions())
        .group_by(Post.source, Post.thread_id)
        .subquery("sizes")
    )
    return sizes.c.worth / Post.inclusion_probability, sizes


def _labelled(sizes: Subquery) -> Any:  # noqa: ANN401 - SQLAlchemy's join
    joined = Post.__table__.join(Label.__table__, Label.post_id == Post.id)
    joined = joined.join(Model.__table__, Model.id == Label.model_id)
    return joined.join(sizes, (sizes.c.source == Post.source) & (sizes.c.thread_id == Post.thread_id))


def watched_span(connection: Connection) -> tuple[datetime, datetime] | None:
    """Give the hours of the first and the last post that the active model has labelled; None where there is none."""
    query = (
        select(
            func.min(RollupHourly.hour, type_=RollupHourly.hour.type),
            func.max(RollupHourly.hour, type_=RollupHourly.hour.type),
        )
        .join(Model, Model.id == RollupHourly.model_id)
        .where(Model.active)
    )
    first, last = connection.execute(query).one()
    return (first, last) if first else None


def primary(lang: str) -> str:
    """Give the primary subtag of a language tag: `zh` of `zh-Hans`."""
    return lang.split("-", 1)[0].lower()


def count_waiting(connection: Connection, source: str, *, start: datetime, end: datetime) -> int:
    """Count a source's posts of a span that the active model has not labelled yet."""
    active = select(Model.id).where(Model.active).scalar_subquery()
    labelled = exists().where(Label.post_id == Post.id, Label.model_id == active)
    of_span = Selection(start=start, end=end, sources=(source,)).conditions()
    return connection.scalar(select(func.count()).select_from(Post).where(*of_span, ~labelled)) or 0
