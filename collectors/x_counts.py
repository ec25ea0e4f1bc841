"""Counts as X's API v2 gives them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from collectors.fields import count, moment
from collectors.x_outlook import REACH
from collectors.x_plan import HOUR, hour_of

LAST_DAY: Final = 24


def read_hours(body: Mapping[str, Any], end: datetime) -> tuple[dict[datetime, int], int]:
    """Read the full hours of counts, and how many entries make no sense; hours that are cut do neither."""
    found: dict[datetime, int] = {}
    broken = 0
    for entry in body["data"]:
        try:
            start, stop, number = moment(entry["start"]), moment(entry["end"]), count(entry["tweet_count"])
        except (TypeError, KeyError, ValueError):
            broken += 1
            continue
        if number is None or number < 0:
            broken += 1
        elif start == hour_of(start) and stop == start + HOUR and stop <= end:
            found[start] = number
    return found, broken


def read_rate(body: Mapping[str, Any], hours: Mapping[datetime, int]) -> float | None:
    """Give the posts an hour that the plan reckons with: the week's mean, or the last day's where that is higher.

    Money that was kept back can still be spent, money that is gone can't be kept. The time before the first post does not count:
    what people have only begun to write about will not be as rare as the week's mean.
    """
    if hours:
        numbers = [hours[hour] for hour in sorted(hours)]
        first = next((place for place, number in enumerate(numbers) if number), len(numbers))
        heard, last = numbers[first:], numbers[-LAST_DAY:]
        return max(sum(heard) / len(heard), sum(last) / len(last)) if heard else 0.0
    meta = body.get("meta")
    total = count(meta.get("total_tweet_count")) if isinstance(meta, dict) else None
    return None if total is None else total / (REACH / HOUR)
