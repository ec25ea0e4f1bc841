"""When the next request may be sent: pure objects that are told the time and the headers, and never sleep themselves.

Requests are spread evenly and not sent in bursts. A process that was killed and started anew therefore keeps to the limit
without knowing what its forerunner has sent.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Final

SLACK: Final = 1.02
"""Requests sent at even distances may arrive a little closer to each other."""

EPOCH_SECONDS: Final = 1e9
"""A reset above this is a moment (X), below it a number of seconds (Reddit)."""

LONGEST_WAIT: Final = timedelta(hours=24)
"""No header of the platforms means more than a day."""

RESETS: Final = ("x-ratelimit-reset", "x-rate-limit-reset")
REMAINING: Final = ("x-ratelimit-remaining", "x-rate-limit-remaining")


class Pacer:
    """Hands out the moments at which requests may be sent; one pacer is shared by all that share a limit.

    Parameters
    ----------
    per_minute
        Requests that the platform allows in a minute.
    not_before
        Earliest moment of the first request.
    """

    def __init__(self, per_minute: float, *, not_before: datetime | None = None) -> None:
        self._distance = timedelta(seconds=60 / per_minute * SLACK)
        self._spread = self._distance
        self._next = not_before
        self._told: datetime | None = None
        self._lock = Lock()

    def wait(self, now: datetime) -> float:
        """Book the next free moment and give the seconds until then."""
        with self._lock:
            at = self._free(now)
            self._next = at + self._spread
        return (at - now).total_seconds()

    def delay(self, now: datetime) -> float:
        """Give the seconds until the next free moment without booking it."""
        with self._lock:
            return (self._free(now) - now).total_seconds()

    def seen(self, headers: Mapping[str, str], now: datetime) -> None:
        """Heed a response: what remains of the platform's window is spread over the time until it ends.

        Others may use the same key, so the platform's count goes before ours.
        """
        remaining, reset = _number(headers, REMAINING), seconds_to_reset(headers, now)
        self._spread = self._distance
        if remaining is None or reset is None:
            return
        if remaining < 1:
            self.block(reset, now)
        else:
            self._spread = max(self._distance, _span(reset / remaining))

    def block(self, seconds: float, now: datetime) -> None:
        """Send nothing for so long."""
        until = now + _span(seconds)
        with self._lock:
            self._next = max(self._free(now), until)

    def _free(self, now: datetime) -> datetime:
        """Give the next free moment; a clock that was set back takes what was booked with it."""
        if self._told is not None and self._next is not None and now < self._told:
            self._next -= self._told - now
        self._told = now
        return now if self._next is None else max(self._next, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait before a request is sent again.

    Parameters
    ----------
    first, ceiling
        Seconds before the first repetition, doubled each time, and the most that is ever waited.
    attempts
        How often a request is sent in all.
    """

    first: float = 1.0
    ceiling: float = 900.0
    attempts: int = 7

    def seconds(self, attempt: int, headers: Mapping[str, str], now: datetime, chance: random.Random) -> float | None:
        """Give the seconds to wait after the attempt of this number (from 1); None: give up.

        What the platform asks for (`Retry-After`, else the reset of its window) is waited in full, with jitter on top,
        so that many clients do not come back in the same instant. One that it says is over, and that it refuses all the
        same, is no answer: then we wait ever longer by ourselves. A wait beyond the ceiling is not worth sitting through: the
        next visit comes back.
        """
        if attempt >= self.attempts:
            return None
        asked = retry_after(headers, now)
        own = min(self.first * 2 ** (attempt - 1), self.ceiling) * chance.uniform(0.5, 1)
        if not asked:
            return own
        return None if asked > self.ceiling else asked + chance.uniform(0, self.first)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Give the seconds that a refusal asks to wait, None where it does not say."""
    told = headers.get("retry-after")
    if told is not None:
        if (seconds := _finite(told)) is not None:
            return max(0.0, seconds)
        try:
            moment = parsedate_to_datetime(told)
        except ValueError:
            pass
        else:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
            return max(0.0, (moment - now).total_seconds())
    remaining = _number(headers, REMAINING)
    return None if remaining is not None and remaining >= 1 else seconds_to_reset(headers, now)


def seconds_to_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """Give the seconds until the platform's window ends, told as a distance (Reddit) or as a moment (X)."""
    told = _number(headers, RESETS)
    if told is None:
        return None
    return max(0.0, told - now.timestamp() if told > EPOCH_SECONDS else told)


def _number(headers: Mapping[str, str], names: tuple[str, ...]) -> float | None:
    return next((n for name in names if name in headers and (n := _finite(headers[name])) is not None), None)


def _finite(told: str) -> float | None:
    try:
        number = float(told)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _span(seconds: float) -> timedelta:
    return timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds()))
