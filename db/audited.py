"""What estimates read of audits: the posts that may be drawn, the draws, and what people and the model say of each post."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select

from classifiers.codebook import Category
from db.models import Audit, Draw, Label, Model, Post
from db.periods import Step, day_text
from db.selection import UNKNOWN_LANGUAGE, Selection

ROWS_A_FETCH: Final = 5_000


def frame(connection: Connection, selection: Selection) -> Iterator[Row[*tuple[Any, ...]]]:
    """Yield the posts that may be drawn, by number: id, category (None where not relevant), week, lang, weight, certainty.

    `certainty` is the sum of the squares of the probabilities of the seven outcomes.
    """
    certainty: ColumnElement[float] = (1.0 - Label.p_relevant) * (1.0 - Label.p_relevant)
    for category in Category:
        certainty += Label.p_relevant * Label.p_relevant * _p(category) * _p(category)
    query = (
        select(
            Post.id,
            Label.category,
            day_text(Step.WEEK, Post.created_at, connection.dialect.name).label("week"),
            func.coalesce(Post.lang, UNKNOWN_LANGUAGE).label("lang"),
            (1.0 / Post.inclusion_probability).label("weight"),
            certainty.label("certainty"),
        )
        .join(Label, Label.post_id == Post.id)
        .join(Model, and_(Model.id == Label.model_id, Model.active))
        .where(*selection.conditions())
        .order_by(Post.id)
    )
    yield from connection.execute(query, execution_options={"yield_per": ROWS_A_FETCH})


def _p(category: Category) -> Any:  # noqa: ANN401 - a column of Label
    return getattr(Label, f"p_{category}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A draw and the posts that it was drawn from."""

    name: str
    drawn_at: datetime
    posts: int
    labelled: int
    selection: Selection

    def holds(self, source: str, lang: str | None, created_at: datetime, collected_at: datetime) -> bool:
        """Tell whether a post could have been drawn."""
        return collected_at <= self.drawn_at and self.selection.holds(source, lang, created_at)


def frames(connection: Connection) -> list[Frame]:
    """Give the draws from which somebody has labelled a post.

    One that is known by its posts alone, because it was written by another program, could have had any post.
    """
    labelled = func.count(Audit.post_id.distinct()).filter(Audit.labelled_at.is_not(None))
    drawn = (
        select(
            Audit.draw,
            func.count(Audit.post_id.distinct()).label("posts"),
            labelled.label("labelled"),
            func.max(Audit.drawn_at, type_=Audit.drawn_at.type).label("last"),
        )
        .group_by(Audit.draw)
        .having(labelled > 0)
        .subquery()
    )
    query = (
        select(drawn, Draw.drawn_at, Draw.starts_at, Draw.ends_at, Draw.sources, Draw.langs)
        .outerjoin(Draw, Draw.name == drawn.c.draw)
        .order_by(drawn.c.draw)
    )
    return [
        Frame(
            name=row.draw,
            drawn_at=row.drawn_at or row.last,
            posts=row.posts,
            labelled=row.labelled,
            selection=Selection(start=row.starts_at, end=row.ends_at, sources=row.sources or (), langs=row.langs or ()),
        )
        for row in connection.execute(query)
    ]


def count_labelled(connection: Connection) -> int:
    """Count the posts that people labelled."""
    query = select(func.count(Audit.post_id.distinct())).where(Audit.labelled_at.is_not(None))
    return connection.scalar(query) or 0


def labelled_posts(connection: Connection, selection: Selection) -> Sequence[Row[*tuple[Any, ...]]]:
    """Give a row for each draw, post and auditor: what was said, what the active model says, what the post was drawn with."""
    query = (
        select(
            Audit.draw,
            Audit.post_id,
            Audit.auditor,
            Audit.inclusion_probability.label("chance"),
            Audit.relevant,
            Audit.category,
            Audit.polarity,
            Audit.aspects,
            Post.source,
            Post.thread_id,
            Post.lang,
            Post.created_at,
            Post.collected_at,
            Post.inclusion_probability,
            Label.relevant.label("model_relevant"),
            Label.category.label("model_category"),
            Label.p_relevant,
            *(_p(category) for category in Category),
        )
        .join(Post, Post.id == Audit.post_id)
        .join(Label, Label.post_id == Post.id)
        .join(Model, and_(Model.id == Label.model_id, Model.active))
        .where(Audit.labelled_at.is_not(None), *selection.conditions())
        .order_by(Audit.post_id, Audit.draw, Audit.auditor)
    )
    return connection.execute(query).all()
