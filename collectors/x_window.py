"""X's limit of requests in a quarter of an hour: a pure object that is told time and headers."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(minutes=15)


class Window:
    """Keeps to a number of requests in a span of time; told the time and the headers, it says how long to wait."""

    def __init__(self, limit: int, span: timedelta = WINDOW) -> None:
        self._limit = limit
        self._span = span
        self._sent: deque[datetime] = deque()
        self._not_before: datetime | None = None

    def wait(self, now: datetime) -> float:
        """Give the seconds until the next request may be sent."""
        while self._sent and not now - self._span < self._sent[0] <= now:
            self._sent.popleft()  # outside the window; or in the future, because the clock was set back
        moments = [self._sent[0] + self._span] if len(self._sent) >= self._limit else []
        moments += [self._not_before] if self._not_before is not None else []
        return max([0.0, *((moment - now).total_seconds() for moment in moments)])

    def sent(self, now: datetime) -> None:
        """Count a request."""
        self._sent.append(now)

    def seen(self, headers: Mapping[str, str], now: datetime) -> None:
        """Heed what the platform says of its own count, which holds for all who use the same key.

        `now` is the moment by the platform's clock.
        """
        limit, remaining, reset = (_number(headers, f"x-rate-limit-{name}") for name in ("limit", "remaining", "reset"))
        if limit:
            self._limit = limit
        self._not_before = None
        if remaining is not None and remaining < 1 and reset is not None:
            self._not_before = now + min(timedelta(seconds=max(0.0, reset - now.timestamp())), self._span)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    told = headers.get(name, "")
    return int(told) if told.isascii() and told.isdigit() else None
