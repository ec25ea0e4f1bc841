"""Reads the values that fields of dumps and files come with: times in many spellings, counts, texts."""

import re
from datetime import UTC, datetime
from typing import Final

NO_TIME: Final = "no time"
X_TIME: Final = "%a %b %d %H:%M:%S %z %Y"
EARLIEST: Final = 1e8
"""March 1973: a smaller number is no time of a post."""

LARGEST_COUNT: Final = 2**31 - 1
BASIC_DATE: Final = len("20251117")
_NUMBER: Final = re.compile(r"-?\d+(\.\d*)?([eE]\+?\d+)?")
_UNITS: Final = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""Epochs above the first number are counted in so many parts of a second: nano-, micro-, milliseconds."""


def moment(value: object) -> datetime:
    """Read a time: ISO 8601, seconds or milliseconds since 1970 as a number or text, or X's own spelling.

    A time without a zone is taken as UTC; see `is_naive`.

    Raises
    ------
    ValueError
        There is none, or it can't be read.
    """
    if isinstance(value, bool) or value is None or value == "":
        raise ValueError(NO_TIME)
    if isinstance(value, int | float):
        return _epoch(value)
    text = str(value).strip()
    if _NUMBER.fullmatch(text) and len(text) != BASIC_DATE:
        return _epoch(float(text))
    try:
        read = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        try:
            read = datetime.strptime(text, X_TIME)  # noqa: DTZ007 - the spelling holds the zone
        except ValueError:
            raise ValueError(f"a time that can't be read: {text[:40]!r}, write it as in 2025-11-17T08:00:00Z") from None
    try:
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"a time out of range: {text[:40]!r}") from None


def is_naive(value: object) -> bool:
    """Tell whether a time that can be read names no zone."""
    if not isinstance(value, str) or value.endswith(" UTC"):
        return False
    try:
        return datetime.fromisoformat(value.strip()).tzinfo is None
    except ValueError:
        return False


def _epoch(number: float) -> datetime:
    for above, parts in _UNITS:
        if number > above:
            number /= parts
            break
    try:
        read = datetime.fromtimestamp(number, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"a time out of range: {number:.15g}") from None
    if number < EARLIEST:
        raise ValueError(f"a time out of range: {number:.15g}")
    return read


def count(value: object) -> int | None:
    """Read a whole number that the database can hold, None where there is none."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = int(float(value)) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) <= LARGEST_COUNT else None


def text_of(value: object) -> str:
    """Give a value as text that every database can hold: no NUL, no half of a character."""
    if value is None or isinstance(value, bool | dict | list):
        return ""
    text = value if isinstance(value, str) else str(value)
    if text.isascii():
        return text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, as where a platform cut an emoji in two
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "")


def readable(text: str) -> str:
    """Put back the three characters that Reddit and X deliver as HTML entities."""
    if "&" not in text:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
