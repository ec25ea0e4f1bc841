"""Walks a newest-first listing back to what is known, page by page, so that nothing is lost and every gap is told."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

import structlog

from collectors.base import Cursor, Hole, Page, RawPost
from collectors.errors import Unavailable
from collectors.reddit_progress import Progress

ASKED_AGAIN: Final = 3
"""How often a page that is empty, or the one before once more, is asked for again before it is believed."""

ANCHORS: Final = 4
"""Items of a page that a walk can go on from; the last one may have been removed by the next request."""

FULL_EVERY: Final = timedelta(hours=6)
"""How often at least a listing is read to its end, for items that appeared late or were edited or removed."""

FULL_AT_MOST: Final = timedelta(minutes=15)
"""A busy listing is read to its end before half of it has been replaced, but not more often than this."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A page of a listing.

    Parameters
    ----------
    posts
        Those of its items that are kept.
    moments
        When its items were posted; those of broken items are missing.
    names
        Names of all items, in order.
    after
        The item that the next page follows; None: the listing ends here.
    tag
        See `Progress.tag`.
    """

    posts: tuple[RawPost, ...] = ()
    moments: tuple[datetime, ...] = ()
    names: tuple[str, ...] = ()
    after: str | None = None
    broken: int = 0
    tag: tuple[str, str] = ("", "")


def sliced(
    things: Sequence[T], *, read: Callable[[T], RawPost], name: Callable[[T], str], wanted: Callable[[RawPost], bool]
) -> Slice:
    """Read the things of a page; `read` raises `ValueError` for one that is broken."""
    posts: list[RawPost] = []
    moments: list[datetime] = []
    for thing in things:
        try:
            post = read(thing)
        except ValueError:
            continue
        moments.append(post.created_at)
        if wanted(post):
            posts.append(post)
    return Slice(
        posts=tuple(posts),
        moments=tuple(moments),
        names=tuple(name(thing) for thing in things),
        broken=len(things) - len(moments),
    )


class Listing(Protocol):
    """What is walked.

    `overlap` is how far below the known the walk goes on, for items that appear late. A listing that is shown whole, in one
    page of fewer items than `short`, has simply no more of them. After `most_pages` a walk stops as if the listing had ended.
    `reads_full` tells whether it is read to its end from time to time.
    """

    @property
    def overlap(self) -> timedelta: ...  # noqa: D102 - see the class

    @property
    def short(self) -> int: ...  # noqa: D102

    @property
    def most_pages(self) -> int: ...  # noqa: D102

    @property
    def reads_full(self) -> bool: ...  # noqa: D102

    def page(self, after: str | None, tag: tuple[str, str]) -> Slice | None:
        """Give the page after an item, from the top for None; None: nothing has changed since the tag was given."""
        ...


class Walk:
    """A listing as a stream of pages.

    Parameters
    ----------
    source, stream
        Names of the stream.
    listing
        What is walked.
    clock
        Only caps the times of posts and spaces the full readings: positions are times that the platform gave.
    """

    def __init__(self, *, source: str, stream: str, listing: Listing, clock: Callable[[], datetime]) -> None:
        self.source = source
        self.stream = stream
        self._listing = listing
        self._clock = clock

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield what is new since the cursor, newest first, each page with the note that follows it.

        Raises
        ------
        ChannelClosed
            The community can't be read; the cursor stays, so that it is read on from there when it opens.
        CollectorError
            Reddit does not answer, or refuses the key.
        """
        progress = Progress.read(cursor.value if cursor else None)
        walks = 2 if progress.under_way else 1  # the rest of a walk that was cut off, and what was posted since
        for _ in range(walks):
            for page, noted in self._walk(progress):
                yield page
                progress = noted

    def _walk(self, progress: Progress) -> Iterator[tuple[Page, Progress]]:
        if not progress.under_way:
            progress = progress.begun(self._clock(), full=self._is_time_for_all(progress))
        asked = 0
        while True:
            found = self._ask(progress)
            asked += 1
            if found is None or not found.names:
                if not progress.count:
                    return  # nothing there, or nothing new
                if asked == 1:
                    log.info("reddit_walk_restarted", stream=self.stream)
                    progress = progress.given_up().begun(self._clock(), full=progress.full)
                    asked = 0
                    continue
                yield self._arrived(progress, Slice())
                return
            progress = self._noted(progress, found)
            has_reached = self._has_reached(progress) and not progress.full
            if found.after is None or asked >= self._listing.most_pages or has_reached:
                yield self._arrived(progress, found)
                return
            yield self._page(found.posts, progress, found), progress

    def _is_time_for_all(self, progress: Progress) -> bool:
        if progress.done is None or not self._listing.reads_full:
            return self._listing.reads_full
        if progress.full_at is None:
            return True
        half = timedelta(seconds=progress.full_span / 2)
        return abs(self._clock() - progress.full_at) >= min(FULL_EVERY, max(FULL_AT_MOST, half))

    def _ask(self, progress: Progress) -> Slice | None:
        """Ask for the next page; one that is empty or repeated is asked for again, then from other anchors."""
        if not progress.anchors:
            found = self._listing.page(None, progress.tag)
            for _ in range(ASKED_AGAIN):
                if found is None or found.names:
                    break
                found = self._listing.page(None, progress.tag)
            return found
        repeated = False
        for number, anchor in enumerate(progress.anchors):
            for _ in range(1 if number else 1 + ASKED_AGAIN):
                found = self._listing.page(anchor, ("", ""))
                if found is None or not found.names:
                    continue
                repeated = found.after == anchor or anchor in found.names
                if not repeated:
                    return found
        if repeated:
            raise Unavailable(
                f"Reddit gives the same page of {self.stream} again and again",
                mend="wait; the next visit goes on where this one stopped",
            )
        return Slice()

    def _noted(self, progress: Progress, found: Slice) -> Progress:
        anchors = () if found.after is None else (found.after, *(n for n in reversed(found.names) if n != found.after))
        if not found.moments:  # all of them broken
            low = high = progress.parts[-1][0] if progress.count else self._clock()
        else:
            high = min(max(found.moments), self._clock())
            low = min(high, min(found.moments) if found.after is None else _bottom(found.moments))
        noted = progress.seen(low, high, anchors[:ANCHORS], len(found.names))
        return replace(noted, tag=found.tag if not progress.count else progress.tag)

    def _has_reached(self, progress: Progress) -> bool:
        low = progress.parts[-1][0]
        return progress.done is not None and low <= progress.done - self._listing.overlap

    def _arrived(self, progress: Progress, found: Slice) -> tuple[Page, Progress]:
        """Close the walk; where it ended above what is known, what lies between is a hole.

        The hole begins earlier by the overlap: what appeared late from then can't be had any more either.
        """
        holes: tuple[Hole, ...] = ()
        is_all_there_is = progress.count == len(found.names) < self._listing.short
        if not is_all_there_is:
            reason = f"the listing ended after {progress.count:,} items, before those of the last visit"
            holes = tuple(
                Hole(stream=self.stream, starts_at=begin - self._listing.overlap, ends_at=end, reason=reason)
                for begin, end in progress.gaps()
            )
        for hole in holes:
            log.warning("reddit_hole", stream=hole.stream, starts_at=hole.starts_at, ends_at=hole.ends_at)
        arrived = progress.arrived()
        return self._page(found.posts, arrived, found, holes), arrived

    def _page(
        self, posts: tuple[RawPost, ...], progress: Progress, found: Slice | None = None, holes: tuple[Hole, ...] = ()
    ) -> Page:
        return Page(
            posts=posts,
            cursor=Cursor(stream=self.stream, value=progress.write()),
            read=len(found.names) if found else 0,
            broken=found.broken if found else 0,
            holes=holes,
        )


def _bottom(moments: tuple[datetime, ...]) -> datetime:
    """Give the time that a twentieth of a page's items lie below: one old item among new ones is not the end."""
    return sorted(moments)[max(0, len(moments) // 20 - 1)]
