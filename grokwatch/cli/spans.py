"""The span that a command is about: a week by name, or days."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from digest.week import LENGTH, Week
from grokwatch.cli.dates import end_moment, first_moment, refuse_backwards
from grokwatch.cli.session import UsageError

WeekOption = Annotated[
    str | None,
    typer.Option("--week", metavar="WEEK", help="ISO week, such as 2026-W47 (default: the last that ended)."),
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="First day, such as 2026-11-16, UTC; in place of --week.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day, which is included.")]


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of time."""

    start: datetime
    end: datetime

    @property
    def before(self) -> "Span":
        """The stretch of the same length right before."""
        return Span(self.start - self.length, self.start)

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


def span_of(week: str | None, from_: str | None, to: str | None, *, now: datetime) -> Span:
    """Read a week, or a first and a last day.

    Raises
    ------
    UsageError
        They can't be read, contradict each other, or leave one end open.
    """
    if from_ or to:
        if week:
            raise UsageError("--week and --from/--to are two ways to say the same", mend="give one of them")
        if not from_ or not to:
            raise UsageError("a span needs both ends", mend="give --from and --to, or --week")
        span = Span(first_moment(from_, "--from"), end_moment(to, "--to"))
        refuse_backwards(span.start, span.end, from_, to)
        return span
    if week is None:
        chosen = Week.last_complete(now)
    else:
        try:
            chosen = Week.parse(week)
        except ValueError as error:
            raise UsageError(f"--week: {error}", mend="write it as 2026-W47") from error
    return Span(chosen.start, chosen.start + LENGTH)
