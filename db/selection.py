"""Which posts a question is about: a time span, sources, languages, what their labels say; deleted posts never."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, or_

from db.models import Label, Post

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
    aspects, rivals
        Posts whose label has one of these aspects, and mentions one of these rivals; none means all. A query with them must
        join `labels`.
    """

    start: datetime | None = None
    end: datetime | None = None
    sources: Sequence[str] = ()
    langs: Sequence[str] = ()
    aspects: Sequence[str] = ()
    rivals: Sequence[str] = ()

    @property
    def by_cell(self) -> bool:
        """Whether the posts are told by their time, platform and language alone, as the rollups are."""
        return not self.aspects and not self.rivals

    def holds(self, source: str, lang: str | None, created_at: datetime) -> bool:
        """Tell whether a post of this platform, language and time is meant, leaving labels aside."""
        tag = (lang or UNKNOWN_LANGUAGE).lower()
        wanted = [known.lower() for known in self.langs]
        return (
            (self.start is None or created_at >= self.start)
            and (self.end is None or created_at < self.end)
            and (not self.sources or source in self.sources)
            and (not wanted or any(tag == known or tag.startswith(f"{known}-") for known in wanted))
        )

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
        for column, names in ((Label.aspects, self.aspects), (Label.mentions, self.rivals)):
            if names:
                # The list as text: the names are plain words, and both databases write them in double quotes.
                written = cast(column, Text)
                conditions.append(or_(*(written.contains(f'"{name}"', autoescape=True) for name in names)))
        return conditions

    def has_lang(self, column: Any) -> ColumnElement[bool]:  # noqa: ANN401 - any column of tags
        """Give the condition that a column holds one of the languages."""
        lang = func.lower(column)
        tags = [tag.lower() for tag in self.langs]
        return or_(*(or_(lang == tag, lang.startswith(f"{tag}-", autoescape=True)) for tag in tags))
