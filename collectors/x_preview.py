"""What the next visit to X would ask for and cost, reckoned without asking."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from collectors.base import Cursor
from collectors.x_client import LARGEST_PAGE, SMALLEST_PAGE
from collectors.x_outlook import (
    NEWEST,
    SETTLED,
    counting_is_due,
    draw_stratum,
    expected_in,
    expected_until,
    outlook,
    reach,
    settle_until,
    stratum_end,
)
from collectors.x_plan import Outlook, hour_of
from collectors.x_query import XAccess
from collectors.x_state import State, read_state

Way = Literal["unknown", "everything", "sample", "spent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRequest:
    """A request, or several for the pages of one answer.

    Parameters
    ----------
    kind
        `counts` or `search`.
    requests
        Pages, where there are likely to be several.
    posts
        Posts to be expected; none for counts.
    probability
        With which the posts are drawn.
    """

    kind: Literal["counts", "search"]
    query: str
    start: datetime
    end: datetime
    cost_usd: float
    requests: int = 1
    posts: float = 0.0
    probability: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The next visit.

    Parameters
    ----------
    way
        `everything` is bought, or a `sample`; the money is `spent`; or it is `unknown` as long as nothing was counted.
    requests
        In their order; counts change what follows them.
    left_usd
        What is left of the month's money before the visit.
    fractions
        Part of each group's posts that the money reaches for; empty where it is unknown.
    """

    way: Way
    requests: tuple[PlannedRequest, ...]
    left_usd: float
    fractions: dict[str, float]

    @property
    def cost_usd(self) -> float:
        """What the visit is likely to cost."""
        return sum(request.cost_usd for request in self.requests)


def preview(access: XAccess, cursor: Cursor | None, *, left_usd: float, now: datetime) -> Preview:
    """Plan the next visit from what is known: the cursor, the money and the time. Nothing is asked, nothing is spent."""
    state = read_state(cursor, belongs_to=access.counts_are_for) if cursor is not None else None
    state = state or State(belongs_to=access.counts_are_for, seed=0, next=reach(now))
    if state.next < now and state.next < reach(now):
        state = settle_until(state, reach(now))
    requests: list[PlannedRequest] = []
    if counting_is_due(access, state, left_usd=left_usd, now=now):
        requests = [
            PlannedRequest(
                kind="counts",
                query=access.grouped(group),
                start=reach(now),
                end=hour_of(now - SETTLED),
                cost_usd=access.prices.counts,
            )
            for group in access.groups
        ]
    if left_usd < sum(request.cost_usd for request in requests):
        return Preview(way="spent", requests=(), left_usd=left_usd, fractions={})
    if not state.rates:
        return Preview(way="unknown", requests=tuple(requests), left_usd=left_usd, fractions={})
    plan = outlook(access, state, left_usd=left_usd, now=now)
    way: Way = "everything" if plan.everything and state.taken is None else "sample"
    if plan.posts < SMALLEST_PAGE:
        way = "spent"
    elif way == "everything":
        requests.append(_walk(access, state, now))
    else:
        requests += _slices(access, state, plan, now)
    return Preview(way=way, requests=tuple(requests), left_usd=left_usd, fractions=dict(plan.fractions))


def _walk(access: XAccess, state: State, now: datetime) -> PlannedRequest:
    end = (now - NEWEST).replace(microsecond=0)
    posts = sum(expected_until(access, state, end).values())
    pages = max(1, math.ceil(posts / LARGEST_PAGE))
    return PlannedRequest(
        kind="search",
        query=access.query,
        start=state.next,
        end=end,
        posts=posts,
        requests=pages,
        cost_usd=posts * access.post_usd,
    )


def _slices(access: XAccess, state: State, plan: Outlook, now: datetime) -> list[PlannedRequest]:
    groups = {group.name: group for group in access.groups}
    found: list[PlannedRequest] = []
    while True:
        drawn = state.drawn
        if drawn is None:
            until = stratum_end(state, now)
            if until is None:
                return found
            drawn = draw_stratum(access, state, plan, until, now=now)
        for part in drawn.slices:
            posts = expected_in(state, part)
            found.append(
                PlannedRequest(
                    kind="search",
                    query=access.grouped(groups[part.group]),
                    start=part.start,
                    end=part.end,
                    posts=posts,
                    requests=max(1, math.ceil(posts / LARGEST_PAGE)),
                    probability=part.probability,
                    cost_usd=posts * access.post_usd,
                )
            )
        state = settle_until(state, drawn.until)
        if state.taken is not None and state.next > state.taken.oldest_at:
            return found
