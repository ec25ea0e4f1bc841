"""The seam between sources and the pipeline: what a post is, and how pages of posts arrive."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class CollectorError(Exception):
    """A source can't be read; `mend` says what the user can do about it."""

    def __init__(self, message: str, *, mend: str) -> None:
        super().__init__(message)
        self.mend = mend


class Kind(StrEnum):
    """How a post stands in its thread: Reddit has submissions and comments, X posts and replies."""

    SUBMISSION = "submission"
    COMMENT = "comment"
    POST = "post"
    REPLY = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPost:
    """A post as its source gave it.

    Parameters
    ----------
    source, source_id
        Platform (`reddit`, `x`, …) and the platform's own identifier; together they name the post for ever.
    thread_id
        Identifier of the submission or conversation; posts of one thread are not independent of each other.
    author
        The name, held in memory only: what is stored is a keyed hash of it.
    text
        The body; empty for a submission that is only a title.
    inclusion_probability
        Probability with which the post was drawn, in (0, 1]; one where everything was taken.
    deleted
        The source says that the post is gone: the stored row becomes a tombstone without text.
    """

    source: str
    source_id: str
    kind: Kind
    thread_id: str
    created_at: datetime
    text: str
    title: str | None = None
    channel: str | None = None
    author: str | None = field(default=None, repr=False)
    lang: str | None = None
    edited_at: datetime | None = None
    url: str | None = None
    score: int | None = None
    replies: int | None = None
    inclusion_probability: float = 1.0
    deleted: bool = False

    def __post_init__(self) -> None:
        for moment in (self.created_at, self.edited_at):
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"{self.source} post {self.source_id}: a time without a zone")
        if not 0 < self.inclusion_probability <= 1:
            raise ValueError(f"{self.source} post {self.source_id}: inclusion probability {self.inclusion_probability}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a stream has been read: `stream` names it, `value` is the collector's own note."""

    stream: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HourCount:
    """How many posts matched a query in the hour that begins at `hour`, whether or not they were collected."""

    query: str
    hour: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """A span of time that a platform no longer gives: what was posted then is missing, and is said to be.

    Parameters
    ----------
    stream
        Which of the source's streams has the hole.
    starts_at, ends_at
        Half-open.
    reason
        A short sentence without a final full stop.
    """

    stream: str
    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Posts that belong into one transaction with the cursor that follows them.

    `read` counts what the source gave (lines, items) and `broken` what could not be understood, both for this page alone.
    Where the platform bills, `cost_usd` is what the page cost and `reservation` names the money that was set aside for it
    (see `collectors.budget`); the two are settled with the page. `counts` is a census, kept beside the posts.
    """

    posts: tuple[RawPost, ...]
    cursor: Cursor | None = None
    read: int = 0
    broken: int = 0
    cost_usd: float = 0.0
    reservation: int | None = None
    counts: tuple[HourCount, ...] = ()
    holes: tuple[Hole, ...] = ()


class Collector(Protocol):
    """A source of pages; `source` and `stream` name the cursor that the pipeline keeps for it."""

    @property
    def source(self) -> str:
        """Platform or kind of file."""
        ...

    @property
    def stream(self) -> str:
        """Which of the source's streams this is."""
        ...

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield the pages that follow the cursor (None: from the start), in order."""
        ...
