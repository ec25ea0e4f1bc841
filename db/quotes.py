"""Posts behind a number: which there are, and what they say; deleted posts never."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, false, func, select

from classifiers.codebook import Category
from db import sample
from db.active import active_model, labelled_by
from db.models import Label, Post, Run
from db.selection import UNKNOWN_LANGUAGE, Selection

LOOKUP: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A post that may be shown: its number, its thread, its weight (1 / inclusion probability) and p(relevant and category)."""

    id: int
    thread: tuple[str, str]
    weight: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedPost:
    """A post with its words, and what the active model says of it."""

    id: int
    source: str
    thread_id: str
    lang: str
    created_at: datetime
    title: str | None
    text: str | None
    url: str | None
    category: Category | None
    polarity: str | None
    aspects: Sequence[str]
    probabilities: Sequence[float]
    sample: bool


def candidates(connection: Connection, selection: Selection, category: Category | None) -> list[Candidate]:
    """Give the posts with this label, those about Grok where `category` is None, by number."""
    probability: Any = Label.p_relevant
    conditions: list[Any] = [Label.relevant]
    if category is not None:
        probability = Label.p_relevant * getattr(Label, f"p_{category}")
        conditions = [Label.category == category.value]
    query = (
        select(Post.id, Post.source, Post.thread_id, Post.inclusion_probability, probability)
        .select_from(Post)
        .join(Label, labelled_by(active_model()))
        .where(*selection.conditions(), *conditions)
        .order_by(Post.id)
    )
    rows: Sequence[Row[*tuple[Any, ...]]] = connection.execute(query).all()
    return [Candidate(id=row[0], thread=(row[1], row[2]), weight=1.0 / row[3], probability=row[4]) for row in rows]


def posts(connection: Connection, ids: Sequence[int]) -> list[QuotedPost]:
    """Give posts with their words, by number; those that were deleted meanwhile are left out."""
    found: list[QuotedPost] = []
    for start in range(0, len(ids), LOOKUP):
        query = (
            select(
                Post.id, Post.source, Post.thread_id, func.coalesce(Post.lang, UNKNOWN_LANGUAGE).label("lang"),
                Post.created_at, Post.title, Post.text, Post.url, Label.category, Label.polarity, Label.aspects,
                *(getattr(Label, f"p_{category}") for category in Category), func.coalesce(Run.kind == sample.KIND, false()),
            )
            .select_from(Post)
            .join(Label, labelled_by(active_model()))
            .join(Run, Run.id == Post.run_id)
            .where(Post.id.in_(ids[start : start + LOOKUP]), Post.deleted_at.is_(None))
        )  # fmt: skip
        rows: Sequence[Row[*tuple[Any, ...]]] = connection.execute(query).all()
        for row in rows:
            *known, is_sample = tuple(row)
            found.append(
                QuotedPost(
                    **dict(
                        zip(
                            ("id", "source", "thread_id", "lang", "created_at", "title", "text", "url"),
                            known[:8],
                            strict=True,
                        )
                    ),
                    category=None if known[8] is None else Category(known[8]),
                    polarity=known[9],
                    aspects=tuple(known[10]),
                    probabilities=tuple(known[11:]),
                    sample=bool(is_sample),
                )
            )
    return sorted(found, key=lambda post: post.id)
