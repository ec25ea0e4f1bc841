"""X as a source: counted by the hour, bought whole where the money reaches, else as a random sample of known probability.

A visit first finishes what an earlier one began, then counts the groups of languages when that is due, then looks at the money
that is left for the month. If all that is still to be expected can be bought with ease, it *walks*: everything since the newest post of
the walk before, from the newest page to the oldest. If not, it *samples*: hour after hour, each group's slice of time is drawn
(`collectors.x_plan`), and the posts in it are bought. Either way the cursor that goes with every page says what
remains to be read, so a kill costs the page in hand and nothing else.
"""

import random
from collections.abc import Iterator
from dataclasses import replace

import requests

from collectors.base import Cursor, Hole, Page
from collectors.budget import Ledger
from collectors.errors import BudgetSpent
from collectors.x_answers import BadRequest
from collectors.x_census import count
from collectors.x_client import SMALLEST_PAGE, Clock, Sleep, XClient
from collectors.x_outlook import (
    MARGIN,
    NEWEST,
    REACH,
    SETTLED,
    counting_is_due,
    draw_stratum,
    outlook,
    reach,
    settle_until,
    stratum_end,
)
from collectors.x_plan import SECOND
from collectors.x_query import XAccess
from collectors.x_slices import read_slices
from collectors.x_state import STREAM, State, Taken, read_state
from collectors.x_visit import Visit
from collectors.x_walk import new_walk, take

__all__ = ["XAccess", "XCollector", "stream"]


def stream(
    access: XAccess,
    *,
    ledger: Ledger,
    clock: Clock,
    sleep: Sleep,
    rng: random.Random,
    session: requests.Session | None = None,
) -> "XCollector":
    """Make the collector of X's posts.

    Parameters
    ----------
    ledger
        The month's money.
    clock, sleep
        Time and waiting; limits can mean a wait of a quarter of an hour.
    rng
        Where the seed of the draws and the jitter of waits come from.
    session
        What sends the requests; None: a new one.
    """
    return XCollector(
        XClient(access, ledger=ledger, clock=clock, sleep=sleep, chance=rng, session=session), seed=rng.getrandbits(32)
    )


class XCollector:
    """X's posts as a collector.

    Parameters
    ----------
    client
        Asks X.
    seed
        Of the draws, for a stream that begins; one that goes on keeps its own.
    """

    source = "x"
    stream = STREAM

    def __init__(self, client: XClient, *, seed: int) -> None:
        self.client = client
        self._seed = seed

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield the pages of a visit.

        Raises
        ------
        BudgetSpent
            The month's money is gone.
        Forbidden, UsageCapped
            X refuses and would go on refusing.
        Unavailable
            X gave no good answer; the next visit goes on from the last page.
        """
        access = self.client.access
        now = self.client.now()
        state = read_state(cursor, belongs_to=access.counts_are_for) if cursor is not None else None
        if state is None:
            state = State(belongs_to=access.counts_are_for, seed=self._seed, next=reach(now))
        try:
            yield from _Steps(self.client, state).pages()
        finally:
            self.client.close()


class _Steps(Visit):
    """The steps of a visit, in their order."""

    def pages(self) -> Iterator[Page]:
        planned_with = self.client.skew
        try:
            yield from self._steps()
        except BadRequest:
            # X refuses ends that lie in its future. Its answer tells its time: with that, the plan may be right.
            if abs(self.client.skew - planned_with) < SECOND:
                raise
            self._forget_what_is_not_over()
            yield from self._steps()

    def _steps(self) -> Iterator[Page]:
        yield from self._pass_over()
        if self.state.walk is not None:
            yield from take(self, self.state.walk)
        now = self.client.now()
        left = self.client.ledger.left(now)
        if counting_is_due(self.access, self.state, left_usd=left, now=now):
            yield from count(self)
        yield from self._go_on()
        if self.unsaved:
            yield self.page()

    def _forget_what_is_not_over(self) -> None:
        """Give up what was planned with a clock that runs ahead of X's; nothing of it has been read."""
        now = self.client.now()
        state = self.state
        if state.drawn is not None and state.drawn.until > now - SETTLED:
            state = replace(state, drawn=None)
        if state.counting_until is not None and state.counting_until > now - SETTLED:
            state = replace(state, counting_until=None, counted=())
        self.state = state

    def _go_on(self) -> Iterator[Page]:
        while True:
            if self.state.drawn is not None:
                yield from read_slices(self, self.state.drawn)
            now = self.client.now()
            if self.state.taken is not None and self.state.next > self.state.taken.oldest_at:
                self._leap(self.state.taken)
            plan = outlook(self.access, self.state, left_usd=self.client.ledger.left(now), now=now)
            if plan.everything and self.state.taken is None:
                end = (now - NEWEST).replace(microsecond=0)
                if end > self.state.next:
                    yield from take(self, new_walk(self, end, now))
                if self.state.taken is None:
                    return
                continue
            until = stratum_end(self.state, now)
            if until is None:
                return
            if plan.posts < SMALLEST_PAGE:
                raise BudgetSpent(
                    "what is left of this month's X budget buys no page of posts any more",
                    mend="raise GROKWATCH_X__MONTHLY_BUDGET_USD, or wait for the next month (UTC)",
                )
            self.state = replace(self.state, drawn=draw_stratum(self.access, self.state, plan, until, now=now))
            if self.state.drawn and self.state.drawn.slices:
                yield self.page()  # the draw is noted before anybody looks at what it holds

    def _leap(self, taken: Taken) -> None:
        """Go on behind what a broken-off walk had taken already."""
        state = settle_until(self.state, taken.end)
        self.state = replace(state, taken=None, since_id=taken.newest_id, since_at=taken.newest_at)
        self.unsaved = True

    def _pass_over(self) -> Iterator[Page]:
        """Note as a hole what has left X's reach since the last visit."""
        state, now = self.state, self.client.now()
        if state.next >= now - REACH + MARGIN:
            return
        first = reach(now)
        had = state.walk or state.taken
        begin, end = (had.oldest_at or had.end, had.end) if had is not None else (first, first)
        gaps = [(state.next, min(begin, first)), (max(end, state.next), first)]
        if had is not None and begin <= first:
            state = replace(state, walk=None, taken=None)
            if end >= first:
                first, state = end, replace(state, since_id=had.newest_id, since_at=had.newest_at)
            else:
                state = replace(state, since_id=None, since_at=None)
        else:
            walk = None if state.walk is None else replace(state.walk, since_id=None, token=None)
            state = replace(state, walk=walk, since_id=None, since_at=None)
        self.state = settle_until(state, first)
        holes = tuple(
            Hole(stream=STREAM, starts_at=a, ends_at=b, reason="older than the seven days that X's search goes back")
            for a, b in gaps
            if a < b
        )
        yield self.page(holes=holes)
