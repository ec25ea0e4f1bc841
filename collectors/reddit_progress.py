"""How far a newest-first listing has been read: the note that becomes a stream's cursor.

A listing is read from its newest item back to where the last complete reading began. The note must not say "read up to the
newest" before that walk has arrived, and a walk that is cut off must not start over. So it holds

- `done`: everything that was posted until then has been read (or is a recorded hole);
- `parts`: stretches above `done` that have been read since; the last one belongs to the walk under way;
- `anchors`: the items after which that walk goes on, the best one first; none where no walk is under way.

A page is stored in one transaction with the note that follows it. After a kill the walk goes on from its anchor, so one page
at most is read again. Only when the walk has arrived, `done` moves up to the newest item it has seen, and `parts` are empty
again. A walk whose anchors have left the listing is given up: what it has read stays noted as a part, a new walk begins at the
top, and what remains between `done`, the parts and the end of the listing is a hole.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

VERSION: Final = 1
SECOND: Final = timedelta(seconds=1)

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The note; see the module.

    Parameters
    ----------
    count
        Items that the walk under way has seen.
    full
        The walk under way goes to the end of the listing, in search of late, edited and removed items.
    full_at, full_span
        When such a walk last began, and how many seconds of posts the listing held then.
    tag
        What the server wants to hear in order to answer "unchanged"; feeds only.
    """

    done: datetime | None = None
    parts: tuple[Span, ...] = ()
    anchors: tuple[str, ...] = ()
    count: int = 0
    full: bool = False
    full_at: datetime | None = None
    full_span: float = 0.0
    tag: tuple[str, str] = ("", "")

    @classmethod
    def read(cls, value: str | None) -> "Progress":
        """Read a note; one of another version, or none, means that nothing has been read."""
        try:
            told = json.loads(value or "{}")
            if told.get("v") != VERSION:
                return cls()
            return cls(
                done=_moment(told.get("done")),
                parts=tuple((_certain(low), _certain(high)) for low, high in told.get("parts", ())),
                anchors=tuple(str(name) for name in told.get("anchors", ())),
                count=int(told.get("count", 0)),
                full=bool(told.get("full")),
                full_at=_moment(told.get("full_at")),
                full_span=float(told.get("full_span", 0)),
                tag=(str(told.get("etag", "")), str(told.get("modified", ""))),
            )
        except (ValueError, TypeError, AttributeError):
            return cls()

    def write(self) -> str:
        """Write the note down, without what is empty."""
        told: dict[str, Any] = {
            "v": VERSION,
            "done": _number(self.done),
            "parts": [(low.timestamp(), high.timestamp()) for low, high in self.parts],
            "anchors": self.anchors,
            "count": self.count,
            "full": self.full,
            "full_at": _number(self.full_at),
            "full_span": self.full_span,
            "etag": self.tag[0],
            "modified": self.tag[1],
        }
        return json.dumps({name: value for name, value in told.items() if value}, separators=(",", ":"))

    @property
    def under_way(self) -> bool:
        """Whether a walk was cut off."""
        return bool(self.anchors)

    def begun(self, now: datetime, *, full: bool) -> "Progress":
        """Begin a walk at the top."""
        return replace(self, anchors=(), count=0, full=full, full_at=now if full else self.full_at)

    def seen(self, low: datetime, high: datetime, anchors: tuple[str, ...], count: int) -> "Progress":
        """Note a page of the walk: the stretch from its oldest to its newest item has been read."""
        if self.count:
            before, top = self.parts[-1]
            parts = (*self.parts[:-1], (min(low, before), max(high, top)))
        else:
            parts = (*self.parts, (low, high))
        return replace(self, parts=parts, anchors=anchors, count=self.count + count)

    def given_up(self) -> "Progress":
        """Leave a walk whose anchors are lost; what it has read stays a part of its own."""
        return replace(self, anchors=(), count=0, full=False, tag=("", ""))

    def arrived(self) -> "Progress":
        """Close the walk: everything up to the newest item seen has been read, or is a hole."""
        tops = [high for _, high in self.parts]
        span = self.full_span
        if self.full and self.parts:
            low, high = self.parts[-1]
            span = (high - low).total_seconds()
        done = max([*tops, self.done]) if self.done else max(tops, default=None)
        return replace(self, done=done, parts=(), anchors=(), count=0, full=False, full_span=span)

    def gaps(self) -> Iterator[Span]:
        """Yield the stretches that no part covers, half-open, from `done` (or the oldest part) up to the newest part.

        Of the second in which a part begins, and times are whole seconds, not every item need have been read.
        """
        reached = self.done
        for low, high in sorted(self.parts):
            if reached is not None and low > reached:
                yield reached, low + SECOND
            reached = high if reached is None else max(reached, high)


def _moment(told: object) -> datetime | None:
    return None if told is None else _certain(told)


def _certain(told: object) -> datetime:
    return datetime.fromtimestamp(float(str(told)), UTC)


def _number(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
