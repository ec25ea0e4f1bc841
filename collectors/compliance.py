"""Asking platforms whether posts that are known still stand, and as they were."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from collectors.base import RawPost
from collectors.reddit import Reddit
from collectors.x_client import XClient
from collectors.x_posts import read_page

LOOK_UP: Final = 100
"""Posts that one request of either platform can ask for."""

_FULLNAME: Final = re.compile(r"t[13]_[a-z0-9]{1,16}")
_SNOWFLAKE: Final = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """One answer: how posts stand now.

    Parameters
    ----------
    asked
        Identifiers that this answer settles.
    posts
        Those that were found; one that was deleted may be found and says so.
    gone
        Those that the platform says are gone or hidden.
    missing
        Those it left out without a word: they may be gone, or the answer may be faulty.
    cost_usd, reservation
        As on a page (`collectors.base.Page`).
    """

    asked: tuple[str, ...]
    posts: tuple[RawPost, ...]
    gone: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    cost_usd: float = 0.0
    reservation: int | None = None


class Checker(Protocol):
    """Asks one platform."""

    @property
    def source(self) -> str:
        """The platform."""
        ...

    def knows(self, source_id: str) -> bool:
        """Tell whether an identifier can be one of the platform's; files of one's own may hold others."""
        ...

    def look_up(self, source_ids: Sequence[str]) -> Iterator[LookedUp]:
        """Yield the answers for these posts, a hundred at a time.

        Raises
        ------
        CollectorError
            The platform does not answer, refuses, or the money does not reach.
        """
        ...


class RedditChecker:
    """Asks Reddit; what it leaves out even when asked again is missing."""

    source = "reddit"

    def __init__(self, reddit: Reddit) -> None:
        self._reddit = reddit

    def knows(self, source_id: str) -> bool:
        """Tell whether this is a fullname of a submission or a comment."""
        return _FULLNAME.fullmatch(source_id) is not None

    def look_up(self, source_ids: Sequence[str]) -> Iterator[LookedUp]:
        """Yield the answers."""
        for asked in _hundreds(source_ids):
            for answer in self._reddit.look_up(asked):
                yield LookedUp(asked=asked, posts=answer.posts, missing=answer.gone)


class XChecker:
    """Asks X. It bills what it gives, unless it has given it on the same day (UTC) before.

    A post that was edited lives on under another identifier; that version is asked for too.
    """

    source = "x"

    def __init__(self, client: XClient) -> None:
        self._client = client

    def knows(self, source_id: str) -> bool:
        """Tell whether this is a number as X gives them; one other among a hundred would spoil the request."""
        return _SNOWFLAKE.fullmatch(source_id) is not None

    def look_up(self, source_ids: Sequence[str]) -> Iterator[LookedUp]:
        """Yield the answers."""
        for asked in _hundreds(source_ids):
            answer = self._client.look_up(asked)
            page = read_page(answer.body)
            found = {*page.ids, *page.missing, *(post.source_id for post in page.posts)}
            yield LookedUp(
                asked=asked,
                posts=page.posts,
                gone=tuple(name for name in page.missing if name in asked),
                missing=tuple(name for name in asked if name not in found),
                cost_usd=answer.cost(self._client.charge(page.ids, page.users, page.items)),
                reservation=answer.reservation,
            )
            newer = _newer_versions(answer.body)
            if newer:
                answer = self._client.look_up(newer)
                page = read_page(answer.body)
                cost = answer.cost(self._client.charge(page.ids, page.users, page.items))
                yield LookedUp(asked=(), posts=page.posts, cost_usd=cost, reservation=answer.reservation)


def _hundreds(source_ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(source_ids), LOOK_UP):
        yield tuple(source_ids[start : start + LOOK_UP])


def _newer_versions(body: Mapping[str, Any]) -> list[str]:
    """Give the newest version of every post that was edited after the version that was given."""
    newer: list[str] = []
    for item in body.get("data") or ():
        versions = item.get("edit_history_tweet_ids") if isinstance(item, dict) else None
        told = [v for v in versions if isinstance(v, str) and v.isdigit()] if isinstance(versions, list) else []
        newest = max(told, key=int, default=None)
        if newest is not None and newest != item.get("id"):
            newer.append(newest)
    return newer
