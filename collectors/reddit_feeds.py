"""Reddit's public Atom feeds, for those who wait for a key: what the listings hold, in less detail and with more gaps.

A feed has no scores and no sign of edits, and its text is what a reader sees. Its `source_id` is that of the API, so once a key
is there the API fills in the rest of the same rows. Unofficial, and slow: a request every six seconds.
"""

import random
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import feedparser
import requests

from collectors.base import Collector, Kind, RawPost
from collectors.errors import ChannelClosed, Forbidden, PlatformError
from collectors.fields import moment, text_of
from collectors.pacing import Pacer
from collectors.reddit_access import RedditAccess
from collectors.reddit_client import APPROVAL, channel_closed
from collectors.reddit_dump import GONE, NO_AUTHOR
from collectors.reddit_html import said_in
from collectors.reddit_http import NOT_MODIFIED, Exchange, json_of
from collectors.reddit_listings import PAGE, Place, places
from collectors.reddit_posts import is_wanted
from collectors.reddit_walk import Slice, Walk, sliced
from collectors.terms import TermMatcher

SECONDS_BETWEEN: Final = 6.0
FEED_PAGES: Final = 4
"""Pages after which a walk through a feed stops; what lies beyond is a hole."""

FEW: Final = 20
"""A page with fewer entries is the last one: a feed does not say whether it goes on."""

_NAME: Final = re.compile(r"t[13]_[a-z0-9]{1,60}")
_LINK: Final = re.compile(r"/r/([^/]+)/comments/([a-z0-9]+)/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed; see `collectors.reddit_walk.Listing`."""

    exchange: Exchange
    base_url: str
    place: Place
    terms: TermMatcher
    short: int = FEW
    most_pages: int = FEED_PAGES
    reads_full: bool = False

    @property
    def overlap(self) -> timedelta:
        """How late an entry may appear."""
        return self.place.overlap

    def page(self, after: str | None, tag: tuple[str, str]) -> Slice | None:
        """Fetch a page, None where the feed has not changed since the tag was given."""
        headers = {
            name: value for name, value in zip(("If-None-Match", "If-Modified-Since"), tag, strict=True) if value
        }
        params = {**self.place.params, "limit": PAGE, **({"after": after} if after else {})}
        response = self.exchange.send(
            "GET", self.base_url + self.place.path, is_whole=_is_whole, params=params, headers=headers
        )
        if response.status_code == NOT_MODIFIED:
            return None
        if response.status_code >= 300:  # noqa: PLR2004 - not a success
            raise _refusal(response)
        return self._slice(response)

    def _slice(self, response: requests.Response) -> Slice:
        told = feedparser.parse(response.content, sanitize_html=False, resolve_relative_uris=False)
        found = sliced(told.entries, read=post_of_entry, name=_name, wanted=lambda post: is_wanted(post, self.terms))
        following = next((name for name in reversed(found.names) if _NAME.fullmatch(name)), None)
        tag = (response.headers.get("etag", ""), response.headers.get("last-modified", ""))
        return replace(found, after=following if len(found.names) >= FEW else None, tag=tag)


def feed_places(access: RedditAccess) -> list[Place]:
    """Give the feeds that are read: those of the same listings."""
    return [replace(place, stream=f"feed/{place.stream}", path=f"{place.path}.rss") for place in places(access)]


def check_feeds(
    access: RedditAccess, *, clock: Callable[[], datetime], sleep: Callable[[float], None], chance: random.Random
) -> None:
    """Fetch one feed, which shows whether Reddit gives them here.

    Raises
    ------
    CollectorError
        It doesn't, or can't be reached.
    """
    first, *_ = feed_places(access)
    exchange = _exchange(access, Pacer(60 / SECONDS_BETWEEN), clock=clock, sleep=sleep, chance=chance)
    feed = Feed(
        exchange=exchange,
        base_url=access.reddit_url.rstrip("/"),
        place=first,
        terms=TermMatcher(access.terms, access.watched),
    )
    try:
        with suppress(ChannelClosed):  # others are open
            feed.page(None, ("", ""))
    finally:
        exchange.close()


def _exchange(
    access: RedditAccess,
    pacer: Pacer,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    chance: random.Random,
) -> Exchange:
    return Exchange(
        user_agent=access.user_agent,
        pacer=pacer,
        timeout_seconds=access.timeout_seconds,
        clock=clock,
        sleep=sleep,
        chance=chance,
    )


def feed_streams(
    access: RedditAccess, *, clock: Callable[[], datetime], sleep: Callable[[float], None], chance: random.Random
) -> list[Collector]:
    """Give the feeds as streams, all at one pace; the first request waits too, for a forerunner may just have sent one."""
    first = clock() + timedelta(seconds=SECONDS_BETWEEN)
    exchange = _exchange(access, Pacer(60 / SECONDS_BETWEEN, not_before=first), clock=clock, sleep=sleep, chance=chance)
    terms = TermMatcher(access.terms, access.watched)
    return [
        Walk(
            source="reddit",
            stream=place.stream,
            listing=Feed(exchange=exchange, base_url=access.reddit_url.rstrip("/"), place=place, terms=terms),
            clock=clock,
        )
        for place in feed_places(access)
    ]


def post_of_entry(entry: Any) -> RawPost:  # noqa: ANN401 - an entry of feedparser
    """Read an entry.

    Raises
    ------
    ValueError
        It is neither a submission nor a comment, or its time or its address can't be read.
    """
    source_id = text_of(entry.get("id"))
    link = text_of(entry.get("link"))
    place = _LINK.search(link)
    if not _NAME.fullmatch(source_id) or place is None:
        raise ValueError("neither a submission nor a comment")
    is_comment = source_id.startswith("t1_")
    author = text_of(entry.get("author")).removeprefix("/u/")
    text = said_in(text_of(entry.content[0].get("value")) if entry.get("content") else text_of(entry.get("summary")))
    deleted = text.strip().lower() in GONE
    return RawPost(
        source="reddit",
        source_id=source_id,
        kind=Kind.COMMENT if is_comment else Kind.SUBMISSION,
        thread_id=f"t3_{place[2]}",
        created_at=moment(entry.get("published") or entry.get("updated")),
        title=None if is_comment else text_of(entry.get("title")) or None,
        text="" if deleted else text,
        channel=place[1][:128],
        author=None if author in NO_AUTHOR else author,
        url=link,
        deleted=deleted,
    )


def _name(entry: Any) -> str:  # noqa: ANN401 - an entry of feedparser
    return text_of(entry.get("id"))


def _is_whole(response: requests.Response) -> bool:
    return response.content.rstrip().endswith(b"</feed>")


def _refusal(response: requests.Response) -> PlatformError:
    status, where = response.status_code, response.url.split("?")[0]
    told = json_of(response)
    reason = told.get("reason") if isinstance(told, dict) else None
    if isinstance(reason, str) and reason:
        return channel_closed(where, reason, status)
    if status == 404 or status < 400:  # noqa: PLR2004 - unknown or banned; a redirect leads to Reddit's search
        return channel_closed(where, "unknown", status)
    return Forbidden(
        f"Reddit does not give its feeds here without a key ({status})",
        mend=f"ask for a key at {APPROVAL}, import the monthly archives until then, and leave out GROKWATCH_REDDIT__FEEDS",
        status=status,
        url=where,
    )
