"""The digest's period: an ISO week in UTC, Monday to Sunday, named `2025-W47`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

LENGTH = timedelta(weeks=1)


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """An ISO week; `year` is the ISO year, which differs from the calendar's around New Year.

    Examples
    --------
    >>> Week.parse("2025-W47").start.isoformat()
    '2025-11-17T00:00:00+00:00'
    """

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2025-W47`.

        Raises
        ------
        ValueError
            The text has another form, or the year has no such week.
        """
        found = re.fullmatch(r"(\d{4})-W(\d{2})", text.strip(), re.ASCII | re.IGNORECASE)
        if found is None:
            raise ValueError(f"{text!r} is not a week")
        week = cls(int(found[1]), int(found[2]))
        try:
            _ = week.end
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{week.year} has no week {week.number}") from error
        return week

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Give the week that a moment lies in."""
        year, number, _ = moment.astimezone(UTC).isocalendar()
        return cls(year, number)

    @classmethod
    def last_complete(cls, now: datetime) -> Self:
        """Give the latest week that has ended."""
        return cls.of(now - LENGTH)

    @property
    def start(self) -> datetime:
        """Monday, 00:00 UTC."""
        return datetime.fromisocalendar(self.year, self.number, 1).replace(tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The Monday after, 00:00 UTC; not part of the week."""
        return self.start + LENGTH

    @property
    def before(self) -> Self:
        """The week before."""
        return self.of(self.start - LENGTH)

    def __str__(self) -> str:
        return f"{self.year:04d}-W{self.number:02d}"
