"""Figures, days and periods as a reader of English or Japanese writes them."""

from datetime import UTC, datetime, timedelta

from insights.catalogue import Catalogue

DAY = timedelta(days=1)


def percent(value: float) -> str:
    """Write a share in whole per cent: `35%`."""
    return f"{_rounded(value)}%"


def interval(low: float, high: float, words: Catalogue) -> str:
    """Write an interval of shares: `28–42%`, `28〜42%`."""  # noqa: RUF002 - as it is written
    return words("format.interval", low=_rounded(low), high=_rounded(high))


def points(difference: float, words: Catalogue) -> str:
    """Write a difference of shares in percentage points, with its sign: `+3 pp`, `−4 pp`, `±0 pp`."""  # noqa: RUF002 - as it is written
    return words("format.points", points=_signed(difference))


def points_interval(low: float, high: float, words: Catalogue) -> str:
    """Write an interval of differences in percentage points, without the unit: `−1 to +9`, `−1〜+9`."""  # noqa: RUF002 - as it is written
    return words("format.points_interval", low=_signed(low), high=_signed(high))


def _signed(difference: float) -> str:
    whole = _rounded(difference)
    sign = "±" if whole == 0 else "+" if whole > 0 else "−"  # noqa: RUF001 - the typographic minus is meant
    return f"{sign}{abs(whole)}"


def count(number: float) -> str:
    """Write a number of posts: `1,234`."""
    return f"{round(number):,}"


def day_name(moment: datetime, words: Catalogue) -> str:
    """Write a day in UTC: `17 Nov 2025`, `2025年11月17日`."""
    day = moment.astimezone(UTC)
    return words("format.day", year=day.year, month=_month(day, words), day=day.day)


def moment_name(moment: datetime, words: Catalogue) -> str:
    """Write a minute in UTC: `17 Nov 2025, 08:05 UTC`."""
    return words("format.moment", day=day_name(moment, words), time=f"{moment.astimezone(UTC):%H:%M}")


def period_name(start: datetime, end: datetime, words: Catalogue) -> str:
    """Write a half-open period by its first and last day in UTC: `17 Nov 2025`, `November 2025`, `8–14 Dec 2025`."""  # noqa: RUF002 - as it is written
    first, last = start.astimezone(UTC), max(start, end - timedelta(microseconds=1)).astimezone(UTC)
    if first.date() == last.date():
        return day_name(first, words)
    if first.day == 1 and first.month == last.month and first.year == last.year and (last + DAY).month != last.month:
        return words("format.month", year=first.year, month=words(f"month.long.{first.month}"))
    values = {
        "year": first.year, "month": _month(first, words), "day": first.day,
        "last_year": last.year, "last_month": _month(last, words), "last_day": last.day,
    }  # fmt: skip
    if first.year != last.year:
        return words("format.span.years", **values)
    return words(f"format.span.{'days' if first.month == last.month else 'months'}", **values)


def _month(day: datetime, words: Catalogue) -> str:
    return words(f"month.short.{day.month}")


def _rounded(value: float) -> int:
    return round(value * 100)
