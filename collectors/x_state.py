"""The note that the X collector keeps in its cursor: what has been read, counted and drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Final

from pydantic import TypeAdapter, ValidationError

from collectors.base import Cursor
from collectors.x_plan import Slice

STREAM: Final = "posts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Everything that was posted until `end`, read from the newest to the oldest page.

    Parameters
    ----------
    since_id
        Where the walk ends: the newest post of the walk before; None: at `State.next`.
    newest_id, newest_at
        Of the first page: where the next walk ends.
    oldest_id, oldest_at
        How far this one has come.
    bought
        Posts so far.
    """

    end: datetime
    since_id: str | None = None
    token: str | None = None
    newest_id: str | None = None
    newest_at: datetime | None = None
    oldest_id: str | None = None
    oldest_at: datetime | None = None
    bought: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The strata that end at `until` have been drawn; these slices of them are still to be read."""

    until: datetime
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a walk took before it was broken off, because there was far more than could be foreseen.

    All from the post `oldest_id` on until `end`; what lies before is sampled.
    """

    oldest_id: str
    oldest_at: datetime
    end: datetime
    newest_id: str | None
    newest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How far X has been read.

    Parameters
    ----------
    belongs_to
        Query and groups that all but `next` was noted for.
    seed
        From it all draws follow, so that a stratum is never drawn twice in different ways.
    next
        All before is settled: read, sampled or a hole.
    since_id, since_at
        Newest post of the last walk, where that walk ended at `next`.
    counted_until
        End of the last hour that was counted.
    counting_until, counted
        A census under way: its end, and the groups that have been counted.
    rates
        Posts an hour by group.
    counts
        Hours from `next` on that have been counted: group, hour, posts.
    """

    belongs_to: str
    seed: int
    next: datetime
    since_id: str | None = None
    since_at: datetime | None = None
    counted_until: datetime | None = None
    counting_until: datetime | None = None
    counted: tuple[str, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict[str, float])
    counts: Mapping[str, Mapping[datetime, int]] = field(default_factory=dict[str, Mapping[datetime, int]])
    walk: Walk | None = None
    drawn: Drawn | None = None
    taken: Taken | None = None

    def write(self) -> Cursor:
        """Give the cursor that holds this."""
        return Cursor(stream=STREAM, value=_adapter().dump_json(self, exclude_defaults=True).decode())


def read_state(cursor: Cursor, *, belongs_to: str) -> State | None:
    """Read the note of a cursor; None where it can't be read.

    Where query or groups have changed, what has been read stays read and all else begins anew.
    """
    try:
        state = _adapter().validate_json(cursor.value)
    except ValidationError:
        return None
    if state.belongs_to != belongs_to:
        return State(belongs_to=belongs_to, seed=state.seed, next=state.next)
    return state


@cache
def _adapter() -> TypeAdapter[State]:
    return TypeAdapter(State)
