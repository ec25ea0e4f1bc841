"""The weekly digest by itself: which week is due, and its way to the recipients."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Engine

from db import digests
from digest.compose import compose, name_of
from digest.dispatch import Dispatched, dispatch
from digest.findings import WeekStatus, find
from digest.week import Week
from grokwatch.pipeline import Clock
from grokwatch.post_office import PostOffice

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LATEST: Final = timedelta(days=3)
"""A machine that was off on the day sends the digest later, but not when it is old news."""

log = structlog.get_logger(__name__)


def due_at(week: Week, *, weekday: str, hour: int, timezone: str) -> datetime:
    """Give the moment from which a week's digest is sent: the first such day and hour after the week has ended.

    An hour that a change of the clocks leaves out is the one after it; one that comes twice is the first.
    """
    zone = ZoneInfo(timezone)
    day = week.end.astimezone(zone).date()
    while True:
        if WEEKDAYS[day.weekday()] == weekday:
            moment = datetime(day.year, day.month, day.day, hour, tzinfo=zone)
            if moment >= week.end:
                return moment.astimezone(week.end.tzinfo)
        day += timedelta(days=1)


def due_week(now: datetime, *, weekday: str, hour: int, timezone: str) -> Week | None:
    """Give the week whose digest is to be sent now, if it has not been; None where it is too early or too late."""
    last = Week.last_complete(now)
    for week in (last, last.before):  # where weeks are sent on a Sunday, the one before last may be the one that is due
        since = due_at(week, weekday=weekday, hour=hour, timezone=timezone)
        if since <= now < since + LATEST:
            return week
    return None


def send(
    engine: Engine, week: Week, language: str, office: PostOffice, *, dashboard_url: str | None, clock: Clock
) -> Dispatched | None:
    """Send a week's digest, unless that was tried before or there is nothing to tell: no posts of the week, or samples alone.

    Raises
    ------
    DeliveryError
        The mail server did not take it; it is tried again where that can't send it twice.
    """
    with engine.connect().execution_options(read_only=True) as connection:
        known = digests.find(connection, name_of(language), str(week))
        if known is not None and known.standing is not digests.Standing.FAILED:
            return None
        findings = find(connection, week, now=clock())
    if findings.sample or findings.status in {WeekStatus.NO_POSTS, WeekStatus.UNLABELLED}:
        log.info("no digest", week=str(week), reason="sample data" if findings.sample else findings.status.value)
        return None
    letter = compose(findings, language, dashboard_url=dashboard_url)
    return dispatch(engine, letter, office.server, sender=office.sender, recipients=office.recipients, clock=clock)
