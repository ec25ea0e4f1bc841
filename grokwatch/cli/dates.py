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


def span_of_days(from_: str | None, to: str | None) -> tuple[datetime | None, datetime | None]:
    """Read --from and --to as a half-open span; an end that is not given is open.

    Raises
    ------
    UsageError
        One is no date, or they are the wrong way round.
    """
    start = first_moment(from_, "--from") if from_ else None
    end = end_moment(to, "--to") if to else None
    if start and end:
        refuse_backwards(start, end, from_, to)
    return start, end


def refuse_backwards(start: datetime, end: datetime, from_: str | None, to: str | None) -> None:
    """Refuse a span that ends before it begins, in the words in which it was given."""
    if start >= end:
        raise UsageError(f"--from {from_} is not before --to {to}", mend="give the earlier date to --from")


def _read(text: str, option: str) -> tuple[datetime, bool]:
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is not a date", mend="write it as 2025-11-17") from error
    whole_day = len(text) <= len("2025-11-17")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC), whole_day
