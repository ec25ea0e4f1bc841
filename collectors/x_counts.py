"""Counts as X's API v2 gives them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from collectors.fields import count, moment
from collectors.x_outlook import REACH
from collectors.x_plan import HOUR, hour_of


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
    """Give the posts an hour."""
    if hours:
        return sum(hours.values()) / len(hours)
    meta = body.get("meta")
    total = count(meta.get("total_tweet_count")) if isinstance(meta, dict) else None
    return None if total is None else total / (REACH / HOUR)
