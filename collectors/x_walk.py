"""Buying everything until a moment, from the newest page to the oldest."""

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from collectors.base import Page
from collectors.x_answers import BadRequest
from collectors.x_client import LARGEST_PAGE, Answer
from collectors.x_outlook import MARGIN, REACH, expected_until, settle_until
from collectors.x_plan import HOUR, SECOND
from collectors.x_posts import SearchPage, read_page
from collectors.x_state import Taken, Walk
from collectors.x_visit import Patience, Visit, version_time

ALLOWANCE: Final = 3.0
ALLOWANCE_AT_LEAST: Final = 500
"""A walk is broken off after so many times the posts that were expected, but not before so many posts."""


def new_walk(visit: Visit, end: datetime, now: datetime) -> Walk:
    """Begin a walk: from the newest post of the walk before, where X still reaches that far back."""
    since_at = visit.state.since_at
    fresh = since_at is not None and since_at > now - REACH + MARGIN
    return Walk(end=end, since_id=visit.state.since_id if fresh else None)


def take(visit: Visit, walk: Walk) -> Iterator[Page]:
    """Buy everything until the end of the walk, from the newest page to the oldest."""
    since = visit.state.since_at if walk.since_id and visit.state.since_at else visit.state.next
    likely = sum(expected_until(visit.access, visit.state, walk.end).values())
    allowance = max(ALLOWANCE_AT_LEAST, ALLOWANCE * likely)
    patience = Patience()
    while True:
        first = walk.bought == 0
        answer = _search_walk(visit, walk, math.ceil(1.3 * likely) + 10 if first else LARGEST_PAGE)
        page = read_page(answer.body)
        patience.heed(page)
        walk = _further(walk, page)
        visit.state = replace(visit.state, walk=walk)
        done = page.next_token is None
        if done:
            _end_walk(visit, walk)
        elif walk.bought > allowance and walk.oldest_id is not None and walk.oldest_at is not None:
            _break_off(visit, walk, walk.oldest_id, walk.oldest_at)
            done = True
        yield visit.bought(answer, page, tuple(post for post in page.posts if version_time(post) >= since))
        if done:
            return


def _search_walk(visit: Visit, walk: Walk, size: int) -> Answer:
    span: dict[str, Any] = {"end_time": walk.end}
    span |= {"since_id": walk.since_id} if walk.since_id else {"start_time": visit.state.next}
    if walk.token is not None:
        try:
            return visit.client.search(visit.access.query, size=size, next_token=walk.token, **span)
        except BadRequest:  # as for a slice; what is older than the oldest so far is still to come
            pass
    if walk.oldest_id is not None:
        del span["end_time"]
        span["until_id"] = walk.oldest_id
    return visit.client.search(visit.access.query, size=size, **span)


def _end_walk(visit: Visit, walk: Walk) -> None:
    state = settle_until(visit.state, walk.end)
    newest = walk.newest_id or state.since_id, walk.newest_at or state.since_at
    visit.state = replace(state, walk=None, since_id=newest[0], since_at=newest[1])


def _break_off(visit: Visit, walk: Walk, oldest_id: str, oldest_at: datetime) -> None:
    """Leave the rest of a walk to the sample, and believe the rate of what it has seen until the next count."""
    taken = Taken(
        oldest_id=oldest_id, oldest_at=oldest_at.replace(microsecond=0), end=walk.end,
        newest_id=walk.newest_id, newest_at=walk.newest_at,
    )  # fmt: skip
    seen = walk.bought / max((walk.end - oldest_at) / HOUR, SECOND / HOUR)
    known = sum(visit.state.rates.values())
    even = seen / len(visit.access.groups)
    rates = {name: rate * seen / known if known > 0 else even for name, rate in visit.state.rates.items()}
    visit.state = replace(visit.state, walk=None, taken=taken, rates=rates, since_id=None, since_at=None)


def _further(walk: Walk, page: SearchPage) -> Walk:
    """Note a page in a walk; the first page that tells of posts says where the next walk will end."""
    times = [version_time(post) for post in page.posts]
    oldest = min([*times, *([walk.oldest_at] if walk.oldest_at else [])], default=None)
    lowest = min([*page.ids, *([walk.oldest_id] if walk.oldest_id else [])], key=int, default=None)
    first = walk.newest_id is None and page.newest_id is not None
    return replace(
        walk,
        token=page.next_token,
        newest_id=page.newest_id if first else walk.newest_id,
        newest_at=max(times, default=walk.end) if first else walk.newest_at,
        oldest_id=lowest,
        oldest_at=oldest,
        bought=walk.bought + page.items,
    )
