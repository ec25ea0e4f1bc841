"""Events in the life of Grok, drawn as marks in the charts: what happened, or is expected, when."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from db.annotations import store_event, stored_events


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to Grok, at a moment or over a span [starts_at, ends_at).

    `expected` marks what is announced and has not happened yet.
    """

    starts_at: datetime
    ends_at: datetime | None = None
    name: str
    name_ja: str | None = None
    expected: bool = False

    def __post_init__(self) -> None:
        if self.starts_at.tzinfo is None or (self.ends_at is not None and self.ends_at.tzinfo is None):
            raise ValueError(f"event {self.name!r}: a time without a zone")
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError(f"event {self.name!r}: it ends before it starts")

    def title(self, language: str) -> str:
        """Give the name in a language of the readers; the English one where there is no other."""
        return self.name_ja if language == "ja" and self.name_ja else self.name


def events(connection: Connection, *, start: datetime | None = None, end: datetime | None = None) -> list[Event]:
    """Give the events that touch the span [start, end), in order; without a span all of them."""
    return [Event(**row) for row in stored_events(connection, start=start, end=end)]


def add_event(connection: Connection, event: Event) -> bool:
    """Store an event; False where one of this name and start is there already, which then stays as it is."""
    return store_event(connection, asdict(event) | {"starts_at": event.starts_at.astimezone(UTC)})
