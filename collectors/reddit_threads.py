"""Comments under submissions that matched: all of them, for what is said there is said about the submission.

A thread is visited when it has just been stored, and again whenever its age has grown by a quarter (from ten minutes on, for a
week): often while it is young, seldom later. Which threads are due follows from their times alone, so the cursor needs no list
of them; it holds the round under way and the last thread that was finished in it.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import floor, log
from typing import Any, Final

from collectors.base import Cursor, Hole, Page, RawPost
from collectors.errors import ChannelClosed, Unavailable
from collectors.reddit_access import Thread
from collectors.reddit_client import RedditClient
from collectors.reddit_posts import Comments, comments_of, post_of, things_of

Threads = Callable[[datetime], Sequence[Thread]]
"""Gives the stored submissions that are not older than a moment."""

LOOK_UP: Final = 100
"""Comments that one request can look up by their ids."""

FOLLOWED: Final = timedelta(days=7)
YOUNGEST: Final = timedelta(minutes=10)
GROWTH: Final = 1.25
REQUESTS_A_THREAD: Final = 12
"""Requests spent on a thread at a visit: about 1,600 comments; what is beyond them is a hole."""

THREADS_A_VISIT: Final = 200
"""Threads read at a visit; the round goes on at the next one."""

GIVEN_UP: Final = 3
"""A thread that Reddit does not give at so many visits in a row is left out of the round, so that the others are read."""

TOO_LARGE: Final = "{} has more comments than are read of one thread"
NOT_GIVEN: Final = "Reddit did not give the comments of {}, though it was asked at several visits"

COMMITTING: Final = timedelta(minutes=2)
"""A submission may be stored this long after the moment that its row tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """Threads that became due after `since`, until `until`.

    Parameters
    ----------
    last
        The thread finished last, by its age and name.
    failed
        The thread that Reddit did not give at the last visit, and at how many visits in a row it did not.
    """

    since: datetime
    until: datetime
    last: tuple[float, str] | None = None
    failed: tuple[str, int] | None = None

    def write(self) -> str:
        told: dict[str, Any] = {
            "since": self.since.timestamp(),
            "until": self.until.timestamp(),
            "last": self.last,
            "failed": self.failed,
        }
        return json.dumps({name: value for name, value in told.items() if value}, separators=(",", ":"))

    @property
    def under_way(self) -> bool:
        return self.last is not None or self.failed is not None

    def after(self, thread: Thread) -> "_Round":
        return replace(self, last=_key(thread), failed=None)

    def closed(self) -> "_Round":
        return _Round(since=self.since, until=self.until)

    def without(self, thread: Thread) -> "_Round":
        """Note that a thread was not given."""
        name = thread.source_id
        return replace(self, failed=(name, 1 + (self.failed[1] if self.failed and self.failed[0] == name else 0)))


class ThreadStream:
    """The threads as a stream of pages, a page a thread.

    Parameters
    ----------
    threads
        Asked at every visit.
    """

    source = "reddit"
    stream = "threads"

    def __init__(self, client: RedditClient, threads: Threads, *, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._threads = threads
        self._clock = clock

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield the comments of the threads that are due, oldest thread first.

        Raises
        ------
        CollectorError
            Reddit does not answer, or refuses the key.
        """
        now = self._clock()
        this = _read(cursor)
        if this is None or not this.under_way:
            this = _Round(since=now - FOLLOWED if this is None else min(this.until, now), until=now)
        due = sorted((t for t in self._threads(this.until - FOLLOWED) if is_due(t, this)), key=_key)
        waiting = [thread for thread in due if this.last is None or _key(thread) > this.last]
        for thread in waiting[:THREADS_A_VISIT]:
            after = this.after(thread)
            noted = after.closed() if thread is waiting[-1] else after
            try:
                page = self._page(thread, noted)
            except Unavailable:
                failed = this.without(thread)
                if failed.failed is not None and failed.failed[1] < GIVEN_UP:
                    yield Page(posts=(), cursor=self._cursor(failed))
                    raise
                page = Page(posts=(), cursor=self._cursor(noted), holes=(self._hole(thread, noted, NOT_GIVEN),))
            yield page
            this = after
        if not waiting:
            yield Page(posts=(), cursor=self._cursor(this.closed()))

    def _cursor(self, noted: _Round) -> Cursor:
        return Cursor(stream=self.stream, value=noted.write())

    def _hole(self, thread: Thread, noted: _Round, reason: str) -> Hole:
        return Hole(
            stream=self.stream,
            starts_at=thread.created_at,
            ends_at=max(noted.until, thread.created_at),
            reason=reason.format(thread.source_id),
        )

    def _page(self, thread: Thread, noted: _Round) -> Page:
        """Read a thread: its view, then what the view only names, then where it goes on elsewhere."""
        cursor = self._cursor(noted)
        path = f"/comments/{thread.source_id.removeprefix('t3_')}"
        params: dict[str, str | int] = {"sort": "new", "limit": 500, "depth": 10, "threaded": "true"}
        try:
            found = comments_of(self._client.get(path, params))
        except ChannelClosed:  # the thread is gone, or its community is
            return Page(posts=(), cursor=cursor)
        posts = {post.source_id: post for post in found.posts}
        read, broken, requests = found.read, found.broken, 1
        missing, branches = list(found.missing), list(found.branches)
        while (missing or branches) and requests < REQUESTS_A_THREAD:
            requests += 1
            if missing:
                more = self._look_up(missing[:LOOK_UP])
                del missing[:LOOK_UP]
            else:
                more = comments_of(self._client.get(f"{path}/_/{branches.pop(0)}", params))
                missing += [name for name in more.missing if name not in posts]
                branches += more.branches
            posts.update((post.source_id, post) for post in more.posts)
            read, broken = read + more.read, broken + more.broken
        holes = (self._hole(thread, noted, TOO_LARGE),) if missing or branches else ()
        return Page(posts=tuple(posts.values()), cursor=cursor, read=read, broken=broken, holes=holes)

    def _look_up(self, names: Sequence[str]) -> Comments:
        things = things_of(self._client.get("/api/info", {"id": ",".join(names)}))
        posts: list[RawPost] = []
        for thing in things:
            try:
                posts.append(post_of(thing))
            except ValueError:
                continue
        return Comments(posts=tuple(posts), missing=(), branches=(), read=len(things), broken=len(things) - len(posts))


def is_due(thread: Thread, between: _Round) -> bool:
    """Tell whether a thread came up for a visit after `since`, until `until`."""
    if thread.created_at < between.until - FOLLOWED:
        return False
    if thread.collected_at > between.since - COMMITTING:
        return True
    return _visits(between.until - thread.created_at) > _visits(between.since - thread.created_at)


def _visits(age: timedelta) -> int:
    """Give how many visits a thread of this age should have had."""
    return 0 if age < YOUNGEST else 1 + floor(log(age / YOUNGEST, GROWTH))


def _key(thread: Thread) -> tuple[float, str]:
    return thread.created_at.timestamp(), thread.source_id


def _read(cursor: Cursor | None) -> _Round | None:
    if cursor is None:
        return None
    try:
        told = json.loads(cursor.value)
        last, failed = told.get("last"), told.get("failed")
        return _Round(
            since=datetime.fromtimestamp(told["since"], UTC),
            until=datetime.fromtimestamp(told["until"], UTC),
            last=(float(last[0]), str(last[1])) if last else None,
            failed=(str(failed[0]), int(failed[1])) if failed else None,
        )
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
