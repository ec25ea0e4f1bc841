"""Reddit as streams: through the API with a key, through the public feeds without one.

With a key: new submissions and new comments of every watched community, the submissions of all Reddit that search finds (it
knows no comments), and all comments under submissions that matched. All of them share one pace and one connection. With a key
the feeds are left alone, so that a post has one text; what feeds brought before keeps its `source_id`, and the API fills in.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from collectors.base import Collector, CollectorError, RawPost
from collectors.errors import ChannelClosed
from collectors.pacing import Pacer
from collectors.reddit_access import RedditAccess, Thread
from collectors.reddit_client import APPROVAL, RedditClient
from collectors.reddit_feeds import FEED_PAGES, feed_places, feed_streams
from collectors.reddit_listings import ApiListing, places
from collectors.reddit_posts import name_of, post_of, things_of
from collectors.reddit_threads import LOOK_UP, REQUESTS_A_THREAD, THREADS_A_VISIT, Threads, ThreadStream
from collectors.reddit_walk import ASKED_AGAIN, Walk
from collectors.terms import TermMatcher

__all__ = ["LookedUp", "PlannedStream", "Reddit", "RedditAccess", "Thread", "plan", "streams"]

SOURCE: Final = "reddit"
LISTING_PAGES: Final = 10
"""A listing ends at about 1,000 items, a hundred a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStream:
    """What a visit of a stream asks: `requests` where little is new, `at_most` where all that Reddit holds is read."""

    stream: str
    requests: int
    at_most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """Posts as they stand now: those that were found, and the names of those that are gone altogether.

    One that was deleted or removed is usually found, and says so.
    """

    posts: tuple[RawPost, ...]
    gone: tuple[str, ...]


class Reddit:
    """Reddit with a key: its streams, the test of the key, and the look-up of posts that are known.

    Parameters
    ----------
    access
        See there; it must have a key.
    threads
        Gives the stored submissions whose comments are wanted, those not older than the moment it is handed.
    clock, sleep, chance
        Injected; `sleep` may raise in order to stop between two requests.

    Raises
    ------
    CollectorError
        There is no key.
    """

    def __init__(
        self,
        access: RedditAccess,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        threads: Threads = lambda _: (),
        chance: random.Random | None = None,
    ) -> None:
        if not access.has_key:
            raise CollectorError(
                "there is no key for Reddit",
                mend="set GROKWATCH_REDDIT__CLIENT_ID and GROKWATCH_REDDIT__CLIENT_SECRET; keys are given on application at "
                f"{APPROVAL}; until then set GROKWATCH_REDDIT__FEEDS=true or import the monthly archives",
            )
        self._access = access
        self._clock = clock
        self._threads = threads
        self.client = RedditClient(
            access,
            pacer=Pacer(access.per_minute),
            clock=clock,
            sleep=sleep,
            chance=chance or random.Random(),  # noqa: S311 - jitter
        )

    def streams(self) -> list[Collector]:
        """Give the streams, in the order in which they should be read."""
        terms = TermMatcher(self._access.terms, self._access.watched)
        walks: list[Collector] = [
            Walk(
                source=SOURCE,
                stream=place.stream,
                listing=ApiListing(client=self.client, place=place, terms=terms),
                clock=self._clock,
            )
            for place in places(self._access)
        ]
        return [*walks, ThreadStream(self.client, self._threads, clock=self._clock)]

    def look_up(self, source_ids: Sequence[str]) -> Iterator[LookedUp]:
        """Yield how posts of these names stand now, a hundred at a time.

        A name that is missing from the answer is asked for once more before it counts as gone.

        Raises
        ------
        CollectorError
            Reddit does not answer, or refuses the key.
        """
        names = iter(source_ids)
        while asked := tuple(islice(names, LOOK_UP)):
            posts, there = self._info(asked)
            missing = tuple(name for name in asked if name not in there)
            for _ in range(ASKED_AGAIN if missing else 0):
                more, there = self._info(missing)
                posts += more
                missing = tuple(name for name in missing if name not in there)
                if there or not missing:
                    break
            yield LookedUp(posts=tuple(posts), gone=missing)

    def _info(self, names: Sequence[str]) -> tuple[list[RawPost], set[str]]:
        """Give the posts of these names, and the names of all that is there, readable or not."""
        posts: list[RawPost] = []
        things = things_of(self.client.get("/api/info", {"id": ",".join(names)}))
        for thing in things:
            with suppress(ValueError):
                posts.append(post_of(thing))
        return posts, {name_of(thing) for thing in things}

    def check_key(self) -> None:
        """Make the cheapest call that shows whether the key works.

        Raises
        ------
        CollectorError
            It doesn't, or Reddit can't be reached.
        """
        with suppress(ChannelClosed):  # the answer came to an accepted key
            self.client.get(f"/r/{self._access.communities[0]}/new", {"limit": 1})

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


def streams(
    access: RedditAccess,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    threads: Threads = lambda _: (),
    chance: random.Random | None = None,
) -> list[Collector]:
    """Give the streams that this access allows: of the API, or of the feeds where they are switched on, or none."""
    if access.has_key:
        return Reddit(access, clock=clock, sleep=sleep, threads=threads, chance=chance).streams()
    return feed_streams(access, clock=clock, sleep=sleep, chance=chance or random.Random()) if access.feeds else []  # noqa: S311 - jitter


def plan(access: RedditAccess, *, threads: int = 0) -> tuple[PlannedStream, ...]:
    """Say what a visit asks without asking it; Reddit's API costs nothing but requests.

    Parameters
    ----------
    threads
        How many threads are due.
    """
    if not access.has_key:
        return tuple(
            PlannedStream(stream=place.stream, requests=1, at_most=FEED_PAGES)
            for place in (feed_places(access) if access.feeds else ())
        )
    return (
        *(PlannedStream(stream=place.stream, requests=1, at_most=LISTING_PAGES) for place in places(access)),
        # Submissions that the visit itself brings are followed at once.
        PlannedStream(stream=ThreadStream.stream, requests=threads, at_most=THREADS_A_VISIT * REQUESTS_A_THREAD),
    )
