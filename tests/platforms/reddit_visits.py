"""Visits Reddit as the pipeline does, with everything kept in memory: posts, cursors and holes."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from platforms.reddit_server import CLIENT_ID, CLIENT_SECRET, RedditServer
from platforms.serving import SimulatedClock

from collectors.base import CollectorError, Cursor, Hole, RawPost
from collectors.reddit import Reddit, RedditAccess, Thread, streams

TERMS = ("grok", "グロック")


def access_to(server: RedditServer, *communities: str, **changes: Any) -> RedditAccess:
    """Give the access to a test server."""
    settings: dict[str, Any] = {
        "subreddits": communities or ("grok",),
        "terms": TERMS,
        "user_agent": "python:grokwatch-tests:v1",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "reddit_url": server.url,
        "oauth_url": server.url,
        "timeout_seconds": 0.3,
    }
    return RedditAccess(**{**settings, **changes})


class Visits:
    """What a series of visits has stored; cursors are written together with the posts, page by page."""

    def __init__(self, access: RedditAccess, clock: SimulatedClock) -> None:
        self.access = access
        self.clock = clock
        self.posts: dict[str, RawPost] = {}
        self.stored_at: dict[str, Any] = {}
        self.cursors: dict[str, Cursor] = {}
        self.holes: list[Hole] = []
        self.errors: list[CollectorError] = []
        self.pages = 0

    def threads(self, since: Any) -> list[Thread]:
        """Give the stored submissions, as the database does."""
        return [
            Thread(source_id=name, created_at=post.created_at, collected_at=self.stored_at[name])
            for name, post in self.posts.items()
            if name.startswith("t3_") and post.created_at >= since and not post.deleted
        ]

    def once(
        self, *, only: Callable[[str], bool] = lambda _: True, kill_after: int | None = None, seed: int = 1
    ) -> None:
        """Visit every stream once, in a new process; `kill_after` so many pages, the next one is fetched but not stored."""
        chance = random.Random(seed)
        if self.access.has_key:
            reddit = Reddit(self.access, clock=self.clock, sleep=self.clock.sleep, threads=self.threads, chance=chance)
            found, close = reddit.streams(), reddit.close
        else:
            found = streams(self.access, clock=self.clock, sleep=self.clock.sleep, chance=chance)
            close = lambda: None  # noqa: E731
        pages = 0
        try:
            for stream in found:
                if not only(stream.stream):
                    continue
                try:
                    for page in stream.pages(self.cursors.get(stream.stream)):
                        if kill_after is not None and pages == kill_after:
                            return
                        pages += 1
                        self._store(page)
                except CollectorError as error:
                    self.errors.append(error)
        finally:
            close()

    def _store(self, page: Any) -> None:
        self.pages += 1
        for post in page.posts:
            self.posts[post.source_id] = post
            self.stored_at.setdefault(post.source_id, self.clock())
        if page.cursor is not None:
            self.cursors[page.cursor.stream] = page.cursor
        self.holes += page.holes

    def every(self, span: timedelta, times: int, **options: Any) -> None:
        """Visit again and again."""
        for _ in range(times):
            self.once(**options)
            self.clock.move(span)
