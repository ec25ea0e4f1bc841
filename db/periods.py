"""Calendar periods in UTC: days, ISO weeks from Monday, months, in Python and in either dialect's SQL."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, String, func, literal

MONTHS_A_YEAR = 12


class Step(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def start_of(step: Step, moment: datetime) -> datetime:
    """Give the start of the period that a moment lies in."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match step:
        case Step.DAY:
            return day
        case Step.WEEK:
            return day - timedelta(days=day.weekday())
        case Step.MONTH:
            return day.replace(day=1)


def next_start(step: Step, start: datetime) -> datetime:
    """Give the start of the period after the one that starts here."""
    match step:
        case Step.DAY:
            return start + timedelta(days=1)
        case Step.WEEK:
            return start + timedelta(weeks=1)
        case Step.MONTH:
            year, month = divmod(start.year * MONTHS_A_YEAR + start.month, MONTHS_A_YEAR)
            return start.replace(year=year, month=month + 1)


def day_text(step: Step | None, moment: Any, dialect: str) -> ColumnElement[str]:  # noqa: ANN401 - any column of times
    """Give the SQL for the first day of a time's period as `YYYY-MM-DD`; the same text for all times where `step` is None."""
    if step is None:
        return literal("", String)
    if dialect == "postgresql":
        start = func.date_trunc(step.value, func.timezone("UTC", moment))
        return func.to_char(start, "YYYY-MM-DD", type_=String)
    match step:
        case Step.DAY:
            return func.date(moment, type_=String)
        case Step.WEEK:  # back six days and on to the next Monday: a Monday comes back to itself
            return func.date(moment, "-6 days", "weekday 1", type_=String)
        case Step.MONTH:
            return func.date(moment, "start of month", type_=String)


def from_day_text(text: str) -> datetime:
    """Read what `day_text` gave."""
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
