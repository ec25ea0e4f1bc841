"""What there is to show: span, sources and languages of the posts, and the work that brought them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from db.holdings import count_labelled, data_mark, labelled_span, latest_runs, post_groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """The stored posts, deleted ones left out.

    Parameters
    ----------
    posts, waiting
        All of them, and those that the active model has not labelled yet.
    first, last
        Times of the first and last labelled post; None while none is labelled.
    sources, langs
        Posts by platform and by BCP-47 tag, the most frequent first.
    """

    posts: int
    waiting: int
    first: datetime | None
    last: datetime | None
    sources: Mapping[str, int]
    langs: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One piece of work and how it ended; `finished_at` is None while it is under way."""

    id: int
    kind: str
    source: str | None
    started_at: datetime
    finished_at: datetime | None
    status: str
    read: int
    kept: int
    new: int
    changed: int
    broken: int
    error: str | None


def holdings(connection: Connection) -> Holdings:
    """Count what is stored."""
    groups, span = post_groups(connection), labelled_span(connection)
    sources: dict[str, int] = {}
    langs: dict[str, int] = {}
    for group in groups:
        sources[group["source"]] = sources.get(group["source"], 0) + group["posts"]
        langs[group["lang"]] = langs.get(group["lang"], 0) + group["posts"]
    posts = sum(sources.values())
    return Holdings(
        posts=posts,
        waiting=posts - count_labelled(connection),
        first=span[0] if span else None,
        last=span[1] if span else None,
        sources=_by_number(sources),
        langs=_by_number(langs),
    )


def version(connection: Connection) -> str:
    """Give a text that changes when what is shown may have changed; the same text means the same figures."""
    return data_mark(connection)


def runs(connection: Connection, *, limit: int) -> list[RunSummary]:
    """Give the newest runs, newest first."""
    return [RunSummary(**row) for row in latest_runs(connection, limit=limit)]


def _by_number(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
