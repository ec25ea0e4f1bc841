"""One stored post by its number."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from db.models import Post


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPost:
    """A post as a model reads it: `text` is title and body in one; None where the post was deleted."""

    id: int
    text: str | None
    lang: str | None


def read_post(connection: Connection, post_id: int) -> StoredPost | None:
    """Give the post of this number, None where there is none."""
    query = select(Post.id, Post.title, Post.text, Post.lang, Post.deleted_at).where(Post.id == post_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    text = "\n\n".join(part for part in (row.title, row.text) if part)
    return StoredPost(id=row.id, text=text if row.deleted_at is None else None, lang=row.lang)
