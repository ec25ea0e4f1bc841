"""Labels go in: unlabelled posts out, in the order of their numbers; labels back, their hours marked and counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, select, update

from classifiers.base import Label as GivenLabel
from classifiers.base import ModelCard
from classifiers.codebook import Category
from db.models import Base, Label, Model, Post
from db.rollups import mark_labelled, mark_new
from db.upsert import insert as insert_or


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlabelledPost:
    """A stored post that the model has not seen: `text` is title and body in one.

    `edited_at` tells, when the label comes back, whether it still belongs to the stored text.
    """

    id: int
    text: str
    lang: str | None
    created_at: datetime
    edited_at: datetime | None


def register_model(connection: Connection, card: ModelCard, *, now: datetime) -> int:
    """Give the number of the model, entering it when it is new; the first model becomes the active one."""
    known = connection.execute(select(Model.id).where(Model.version == card.version)).scalar_one_or_none()
    if known is not None:
        return known
    first = connection.scalar(select(func.count()).select_from(Model)) == 0
    row = {
        "version": card.version,
        "sha256": card.sha256,
        "metrics": dict(card.metrics),
        "created_at": now,
        "active": first,
    }
    return connection.execute(insert(Model).values(row).returning(Model.id)).scalar_one()


def activate_model(connection: Connection, model_id: int) -> None:
    """Switch the charts to this model, in one step."""
    connection.execute(update(Model).values(active=Model.id == model_id))


def _unlabelled(model_id: int) -> tuple[Any, Any]:
    joined = and_(Label.post_id == Post.id, Label.model_id == model_id)
    return joined, and_(Label.post_id.is_(None), Post.deleted_at.is_(None))


def count_unlabelled(connection: Connection, model_id: int) -> int:
    """Count the posts that this model has not labelled."""
    joined, condition = _unlabelled(model_id)
    return connection.scalar(select(func.count()).select_from(Post).outerjoin(Label, joined).where(condition)) or 0


def unlabelled_posts(connection: Connection, model_id: int, *, after: int, limit: int) -> list[UnlabelledPost]:
    """Give up to `limit` posts with numbers above `after` that this model has not labelled."""
    joined, condition = _unlabelled(model_id)
    query = (
        select(Post.id, Post.title, Post.text, Post.lang, Post.created_at, Post.edited_at)
        .outerjoin(Label, joined)
        .where(condition, Post.id > after)
        .order_by(Post.id)
        .limit(limit)
    )
    return [
        UnlabelledPost(
            id=row.id,
            text="\n\n".join(part for part in (row.title, row.text) if part),
            lang=row.lang,
            created_at=row.created_at,
            edited_at=row.edited_at,
        )
        for row in connection.execute(query)
    ]


def store_labels(
    connection: Connection,
    model_id: int,
    labelled: Sequence[tuple[UnlabelledPost, GivenLabel]],
    *,
    now: datetime,
) -> int:
    """Store the labels of posts that are still what the model read; gives how many were stored.

    A post edited or deleted while the model was at work is left out: it is labelled anew in the next pass, or never.
    Where the source told no language, the detected one is kept with the post.
    """
    if not labelled:
        return 0
    ids = [post.id for post, _ in labelled]
    current = {
        row.id: row
        for row in connection.execute(
            select(Post.id, Post.edited_at, Post.lang).where(Post.id.in_(ids), Post.deleted_at.is_(None))
        )
    }
    valid = [
        (post, label) for post, label in labelled if post.id in current and current[post.id].edited_at == post.edited_at
    ]
    if not valid:
        return 0
    statement = insert_or(connection, Label)
    rows = [_row(post, label, model_id, now) for post, label in valid]
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in {"post_id", "model_id"}}
    connection.execute(statement.on_conflict_do_update(index_elements=["post_id", "model_id"], set_=replaced), rows)
    detected = [{"post": post.id, "detected": label.lang} for post, label in valid if current[post.id].lang is None]
    if detected:
        posts = Base.metadata.tables[Post.__tablename__]  # the bare table: an UPDATE with a list binds by name
        connection.execute(
            update(posts).where(posts.c.id == bindparam("post")).values(lang=bindparam("detected")),
            detected,
        )
        mark_new(connection, (post.created_at for post, _ in valid))  # to another language
    mark_labelled(connection, (post.created_at for post, _ in valid))
    return len(valid)


def _row(post: UnlabelledPost, label: GivenLabel, model_id: int, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {
        "post_id": post.id,
        "model_id": model_id,
        "relevant": label.relevant,
        "p_relevant": label.p_relevant,
        "category": label.category.value if label.category else None,
        "polarity": label.polarity.value if label.polarity else None,
        "aspects": [aspect.value for aspect in label.aspects],
        "mentions": [rival.value for rival in label.mentions],
        "labelled_at": now,
    }
    row.update({f"p_{category}": label.probabilities[category] for category in Category})
    return row
