"""Which posts a question is about: a time span, sources, languages; deleted posts never."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_

from db.models import Post

UNKNOWN_LANGUAGE = "und"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A choice of posts.

    Parameters
    ----------
    start, end
        Posts written from `start` on and before `end`; None leaves that side open.
    sources
        Platforms; none means all.
    langs
        BCP-47 tags; none means all. A tag takes in its varieties (`zh` matches `zh-Hans`), `und` the posts whose language
        is unknown. Case doesn't matter.
    """

    start: datetime | None = None
    end: datetime | None = None
    sources: Sequence[str] = ()
    langs: Sequence[str] = ()

    def conditions(self) -> list[ColumnElement[bool]]:
        """Give the conditions on `posts`."""
        conditions: list[ColumnElement[bool]] = [Post.deleted_at.is_(None)]
        if self.start is not None:
            conditions.append(Post.created_at >= self.start)
        if self.end is not None:
            conditions.append(Post.created_at < self.end)
        if self.sources:
            conditions.append(Post.source.in_(self.sources))
        if self.langs:
            conditions.append(self.has_lang(func.coalesce(Post.lang, UNKNOWN_LANGUAGE)))
        return conditions

    def has_lang(self, column: Any) -> ColumnElement[bool]:  # noqa: ANN401 - any column of tags
        """Give the condition that a column holds one of the languages."""
        lang = func.lower(column)
        tags = [tag.lower() for tag in self.langs]
        return or_(*(or_(lang == tag, lang.startswith(f"{tag}-", autoescape=True)) for tag in tags))
