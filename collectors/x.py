"""X as a source: counted by the hour, bought whole where the money reaches, else as a random sample of known probability.

A visit first finishes what an earlier one began, then counts the groups of languages when that is due, then looks at the money
that is left for the month. If all that is still to be expected can be bought with ease, it *walks*: everything since the newest post of
the walk before, from the newest page to the oldest. If not, it *samples*: hour after hour, each group's slice of time is drawn
(`collectors.x_plan`), and the posts in it are bought. Either way the cursor that goes with every page says what
remains to be read, so a kill costs the page in hand and nothing else.
"""

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import requests

from collectors.base import Cursor, Hole, HourCount, Page, RawPost
from collectors.budget import Ledger
from collectors.errors import BudgetSpent, Unavailable
from collectors.x_answers import BadRequest
from collectors.x_client import LARGEST_PAGE, SMALLEST_PAGE, Answer, Clock, Sleep, XClient
from collectors.x_counts import read_hours, read_rate
from collectors.x_outlook import (
    MARGIN,
    NEWEST,
    REACH,
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
from collectors.x_plan import HOUR, SECOND, Slice, hour_of
from collectors.x_posts import SearchPage, read_page
from collectors.x_query import Group, XAccess
from collectors.x_state import STREAM, Drawn, State, Taken, Walk, read_state

ALLOWANCE: Final = 3.0
ALLOWANCE_AT_LEAST: Final = 500
"""A walk is broken off after so many times the posts that were expected, but not before so many posts."""

PATIENCE: Final = 50
"""Pages in a row that bring nothing new."""


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
            yield from _Visit(self.client, state).pages()
        finally:
            self.client.close()


class _Visit:
    """One visit: `state` is what the next page's cursor will say."""

    def __init__(self, client: XClient, state: State) -> None:
        self.client = client
        self.access = client.access
        self.state = state
        self._unsaved = False

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
            yield from self._walk(self.state.walk)
        now = self.client.now()
        left = self.client.ledger.left(now)
        if counting_is_due(self.access, self.state, left_usd=left, now=now):
            yield from self._count()
        yield from self._go_on()
        if self._unsaved:
            yield self._page()

    def _forget_what_is_not_over(self) -> None:
        """Give up what was planned with a clock that runs ahead of X's; nothing of it has been read."""
        now = self.client.now()
        state = self.state
        if state.drawn is not None and state.drawn.until > now - SETTLED:
            state = replace(state, drawn=None)
        if state.counting_until is not None and state.counting_until > now - SETTLED:
            state = replace(state, counting_until=None, counted=())
        self.state = state

    def _page(self, posts: tuple[RawPost, ...] = (), **others: Any) -> Page:  # noqa: ANN401 - fields of Page
        self._unsaved = False
        return Page(posts=posts, cursor=self.state.write(), **others)

    def _bought(self, answer: Answer, page: SearchPage, posts: tuple[RawPost, ...]) -> Page:
        cost = answer.cost(self.client.charge(page.ids, page.users, page.items))
        return self._page(posts, read=page.items, broken=page.broken, cost_usd=cost, reservation=answer.reservation)

    def _go_on(self) -> Iterator[Page]:
        while True:
            if self.state.drawn is not None:
                yield from self._read(self.state.drawn)
            now = self.client.now()
            if self.state.taken is not None and self.state.next > self.state.taken.oldest_at:
                self._leap(self.state.taken)
            plan = outlook(self.access, self.state, left_usd=self.client.ledger.left(now), now=now)
            if plan.everything and self.state.taken is None:
                end = (now - NEWEST).replace(microsecond=0)
                if end > self.state.next:
                    yield from self._walk(self._new_walk(end, now))
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
                yield self._page()  # the draw is noted before anybody looks at what it holds

    def _leap(self, taken: Taken) -> None:
        """Go on behind what a broken-off walk had taken already."""
        state = settle_until(self.state, taken.end)
        self.state = replace(state, taken=None, since_id=taken.newest_id, since_at=taken.newest_at)
        self._unsaved = True

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
        yield self._page(holes=holes)

    def _count(self) -> Iterator[Page]:
        """Count the groups by hours; new hours go into the census, all of them into the rates."""
        now = self.client.now()
        end = self.state.counting_until
        if end is None or hour_of(now - SETTLED) - end >= self.access.census_every:
            end = hour_of(now - SETTLED)
            self.state = replace(self.state, counting_until=end, counted=())
        for group in self.access.groups:
            if group.name in self.state.counted:
                continue
            query = self.access.grouped(group)
            answer = self.client.counts(query, start=reach(self.client.now()), end=end)
            hours, broken = read_hours(answer.body, end)
            self._note_counts(group, hours, read_rate(answer.body, hours))
            new = {hour: n for hour, n in hours.items() if hour >= (self.state.counted_until or hour)}
            if set(self.state.counted) >= {each.name for each in self.access.groups}:
                self.state = replace(self.state, counted_until=end, counting_until=None, counted=())
            yield self._page(
                broken=broken,
                counts=tuple(HourCount(query=query, hour=hour, count=n) for hour, n in new.items()),
                cost_usd=answer.cost(self.access.prices.counts),
                reservation=answer.reservation,
            )

    def _note_counts(self, group: Group, hours: Mapping[datetime, int], rate: float | None) -> None:
        known = self.state.rates.get(group.name)
        if rate is None and known is None:
            raise Unavailable("X's counts hold no hours", mend="the next visit asks again")
        pending = {hour: n for hour, n in hours.items() if hour >= hour_of(self.state.next)}
        self.state = replace(
            self.state,
            counted=(*self.state.counted, group.name),
            rates={**self.state.rates, group.name: known if rate is None else rate},
            counts={**self.state.counts, group.name: pending},
        )

    def _read(self, drawn: Drawn) -> Iterator[Page]:
        """Buy the posts of the slices that were drawn."""
        groups = {group.name: group for group in self.access.groups}
        self._unsaved = True
        progress = _Progress()
        while drawn.slices:
            part = drawn.slices[0]
            likely = expected_in(self.state, part)
            answer, part = self._search_slice(groups[part.group], part, math.ceil(likely + 3 * math.sqrt(likely)) + 5)
            page = read_page(answer.body)
            progress.heed(page)
            posts = tuple(
                replace(post, inclusion_probability=part.probability)
                for post in page.posts
                if part.start <= _version_time(post) < part.end and not self._was_taken(post)
            )
            rest = drawn.slices[1:]
            going_on = () if page.next_token is None else (replace(part, token=page.next_token),)
            drawn = replace(drawn, slices=(*going_on, *rest))
            self._advance(drawn)
            yield self._bought(answer, page, posts)
        self._advance(drawn)

    def _advance(self, drawn: Drawn) -> None:
        if drawn.slices:
            self.state = replace(self.state, drawn=drawn)
        elif self.state.drawn is not None:
            self.state = settle_until(self.state, drawn.until)

    def _search_slice(self, group: Group, part: Slice, size: int) -> tuple[Answer, Slice]:
        query = self.access.grouped(group)
        span: dict[str, Any] = {"start_time": part.start, "end_time": part.end}
        if part.token is None:
            return self.client.search(query, size=size, **span), part
        try:
            return self.client.search(query, size=LARGEST_PAGE, next_token=part.token, **span), part
        except BadRequest:  # the mark of the page is X's own and does not hold for ever: the slice is read anew
            return self.client.search(query, size=LARGEST_PAGE, **span), replace(part, token=None)

    def _was_taken(self, post: RawPost) -> bool:
        taken = self.state.taken
        return taken is not None and int(post.source_id) >= int(taken.oldest_id)

    def _new_walk(self, end: datetime, now: datetime) -> Walk:
        since_at = self.state.since_at
        fresh = since_at is not None and since_at > now - REACH + MARGIN
        return Walk(end=end, since_id=self.state.since_id if fresh else None)

    def _walk(self, walk: Walk) -> Iterator[Page]:
        """Buy everything until the end of the walk, from the newest page to the oldest."""
        since = self.state.since_at if walk.since_id and self.state.since_at else self.state.next
        likely = sum(expected_until(self.access, self.state, walk.end).values())
        allowance = max(ALLOWANCE_AT_LEAST, ALLOWANCE * likely)
        progress = _Progress()
        while True:
            first = walk.bought == 0
            answer = self._search_walk(walk, math.ceil(1.3 * likely) + 10 if first else LARGEST_PAGE)
            page = read_page(answer.body)
            progress.heed(page)
            walk = _further(walk, page)
            self.state = replace(self.state, walk=walk)
            done = page.next_token is None
            if done:
                self._end_walk(walk)
            elif walk.bought > allowance and walk.oldest_id is not None and walk.oldest_at is not None:
                self._break_off(walk, walk.oldest_id, walk.oldest_at)
                done = True
            yield self._bought(answer, page, tuple(post for post in page.posts if _version_time(post) >= since))
            if done:
                return

    def _search_walk(self, walk: Walk, size: int) -> Answer:
        span: dict[str, Any] = {"end_time": walk.end}
        span |= {"since_id": walk.since_id} if walk.since_id else {"start_time": self.state.next}
        if walk.token is not None:
            try:
                return self.client.search(self.access.query, size=size, next_token=walk.token, **span)
            except BadRequest:  # as for a slice; what is older than the oldest so far is still to come
                pass
        if walk.oldest_id is not None:
            del span["end_time"]
            span["until_id"] = walk.oldest_id
        return self.client.search(self.access.query, size=size, **span)

    def _end_walk(self, walk: Walk) -> None:
        state = settle_until(self.state, walk.end)
        newest = walk.newest_id or state.since_id, walk.newest_at or state.since_at
        self.state = replace(state, walk=None, since_id=newest[0], since_at=newest[1])

    def _break_off(self, walk: Walk, oldest_id: str, oldest_at: datetime) -> None:
        """Leave the rest of a walk to the sample, and believe the rate of what it has seen until the next count."""
        taken = Taken(
            oldest_id=oldest_id, oldest_at=oldest_at.replace(microsecond=0), end=walk.end,
            newest_id=walk.newest_id, newest_at=walk.newest_at,
        )  # fmt: skip
        seen = walk.bought / max((walk.end - oldest_at) / HOUR, SECOND / HOUR)
        known = sum(self.state.rates.values())
        even = seen / len(self.access.groups)
        rates = {name: rate * seen / known if known > 0 else even for name, rate in self.state.rates.items()}
        self.state = replace(self.state, walk=None, taken=taken, rates=rates, since_id=None, since_at=None)


class _Progress:
    """Counts the pages in a row that bring nothing new, lest a platform that goes in circles is asked for ever."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._idle = 0

    def heed(self, page: SearchPage) -> None:
        fresh = set(page.ids) - self._seen
        self._seen |= fresh
        self._idle = 0 if fresh or page.next_token is None else self._idle + 1
        if self._idle > PATIENCE:
            raise Unavailable(
                f"X has given {PATIENCE} pages in a row without a new post", mend="the next visit goes on from here"
            )


def _further(walk: Walk, page: SearchPage) -> Walk:
    """Note a page in a walk; the first page that tells of posts says where the next walk will end."""
    times = [_version_time(post) for post in page.posts]
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


def _version_time(post: RawPost) -> datetime:
    """Give the time that X files a post under: an edited one under its last version's."""
    return post.edited_at or post.created_at
