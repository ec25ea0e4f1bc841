"""Dates as people write them on the command line, read in UTC."""

from datetime import UTC, datetime, timedelta

from grokwatch.cli.session import UsageError


def first_moment(text: str, option: str) -> datetime:
    """Read a date or time; a date means its first moment.

    Raises
    ------
    UsageError
        It is neither.
    """
    return _read(text, option)[0]


def end_moment(text: str, option: str) -> datetime:
    """Read a date or time as the end of a half-open span; a date means that the whole day is in it.

    Raises
    ------
    UsageError
        It is neither.
    """
    moment, whole_day = _read(text, option)
    return moment + timedelta(days=1) if whole_day else moment


def _read(text: str, option: str) -> tuple[datetime, bool]:
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is not a date", mend="write it as 2025-11-17") from error
    whole_day = len(text) <= len("2025-11-17")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC), whole_day
