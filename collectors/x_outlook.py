"""What comes next: how far back X reaches, what the money allows, which stratum is drawn and how much it is likely to hold."""

import math
import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from collectors.x_plan import HOUR, SECOND, Outlook, Slice, draw, expect, fractions, hour_of, month_end
from collectors.x_query import XAccess
from collectors.x_state import Drawn, State

REACH: Final = timedelta(days=7)
"""How far back X's recent search goes."""

MARGIN: Final = timedelta(minutes=10)
"""Nothing is asked for that leaves X's reach so soon."""

SETTLED: Final = timedelta(seconds=60)
"""After so long an hour's posts have reached X's index."""

NEWEST: Final = timedelta(seconds=30)
"""X's own distance from now for searches without an end."""

PIECES: Final = 6
PIECES_BEHIND: Final = 2
LONG_BEHIND: Final = timedelta(hours=24)
"""Into how many pieces an hour's slice is cut: as many requests as X's limit bears, and fewer where there is much to make up for."""

PADDING: Final = timedelta(hours=12)
"""The plan goes on so long after the month's end: what a slice costs is left to chance, and the last hours' must still be paid."""

CENSUS_SHARE: Final = 0.1
"""The counts take no more than this part of the money."""

CENSUS_AT_LEAST_EVERY: Final = timedelta(days=6)
"""X counts seven days back: with this no hour goes uncounted."""


def reach(now: datetime) -> datetime:
    """Give the first full hour that X's search can still be asked for with time to spare."""
    return hour_of(now - REACH + MARGIN) + HOUR


def census_interval(access: XAccess, *, left_usd: float, now: datetime) -> timedelta:
    """Give how often the groups are counted: as often as is set, unless that took a large part of the money that is left."""
    price = len(access.groups) * access.prices.counts
    if price == 0 or left_usd <= 0:
        return access.census_every
    bearable = (month_end(now) - now) * min(price / (CENSUS_SHARE * left_usd), 1.0)
    return min(max(access.census_every, bearable), CENSUS_AT_LEAST_EVERY)


def outlook(access: XAccess, state: State, *, left_usd: float, now: datetime) -> Outlook:
    """Say what the rest of the month allows: the money without that of the counts, against the posts to be expected."""
    every = census_interval(access, left_usd=left_usd, now=now)
    counts = math.ceil((month_end(now) - now) / every) * len(access.groups) * access.prices.counts
    price = access.post_usd
    posts = max(0.0, left_usd - counts) / price if price > 0 else math.inf
    end = max(month_end(now), state.next)
    padded = expected_until(access, state, end + PADDING)
    return Outlook(posts=posts, expected=expected_until(access, state, end), fractions=fractions(padded, posts))


def expected_until(access: XAccess, state: State, end: datetime) -> dict[str, float]:
    """Give the posts to be expected from `State.next` until a moment, by group."""
    return {
        group.name: expect(
            state.counts.get(group.name, {}),
            state.rates.get(group.name, 0.0),
            start=state.next,
            counted_until=state.counted_until or state.next,
            end=end,
        )
        for group in access.groups
    }


def counting_is_due(access: XAccess, state: State, *, left_usd: float, now: datetime) -> bool:
    """Say whether the groups must be counted before anything is planned."""
    if state.counted_until is None or set(state.rates) != {group.name for group in access.groups}:
        return True
    if state.counting_until is not None:
        return True
    return now - SETTLED - state.counted_until >= census_interval(access, left_usd=left_usd, now=now)


def stratum_end(state: State, now: datetime) -> datetime | None:
    """Give the end of the stratum that begins at `State.next`; None: it is not over yet."""
    end = hour_of(state.next) + HOUR
    if state.taken is not None:
        end = min(end, state.taken.oldest_at + SECOND)
    return end if end <= now - SETTLED else None


def draw_stratum(access: XAccess, state: State, plan: Outlook, until: datetime, *, now: datetime) -> Drawn:
    """Draw the slices of the stratum from `State.next` until its end: for each group that was not counted as empty."""
    slices: list[Slice] = []
    behind = now - until > LONG_BEHIND
    expected = expected_until(access, state, until)
    for group in access.groups:
        if state.counts.get(group.name, {}).get(hour_of(state.next)) == 0:
            continue
        # Not a secret: the same stratum must be drawn alike when a kill came between the draw and its note.
        chance = random.Random(f"{state.seed} {state.next.isoformat()} {group.name}")  # noqa: S311
        fraction = plan.fractions[group.name]
        pieces = min(PIECES_BEHIND if behind else PIECES, round(fraction * expected[group.name]))
        slices += draw(group.name, state.next, until, fraction=fraction, chance=chance, pieces=pieces)
    return Drawn(until=until, slices=tuple(slices))


def expected_in(state: State, part: Slice) -> float:
    """Give the posts to be expected in a slice."""
    return expect(
        state.counts.get(part.group, {}),
        state.rates.get(part.group, 0.0),
        start=part.start,
        counted_until=state.counted_until or part.start,
        end=part.end,
    )


def settle_until(state: State, end: datetime) -> State:
    """Note that all before `end` is settled; the counts of past hours are let go."""
    first = hour_of(end)
    counts = {name: {h: n for h, n in hours.items() if h >= first} for name, hours in state.counts.items()}
    return replace(state, next=end, counts=counts, drawn=None)
