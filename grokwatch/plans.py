"""What the next visit to a platform would ask for and cost, told without asking."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from collectors import reddit
from collectors.reddit import PlannedStream
from collectors.reddit_access import PER_MINUTE
from collectors.reddit_feeds import SECONDS_BETWEEN
from collectors.reddit_threads import FOLLOWED, THREADS_A_VISIT
from collectors.x_preview import Preview, preview
from collectors.x_state import STREAM
from db import parking
from db.ingest import read_cursor
from db.parking import ParkedStream
from db.threads import threads_since
from grokwatch.platforms import XPlatform, reddit_access, x_access
from grokwatch.settings import Settings

FEED_REQUESTS_A_MINUTE: Final = 60 / SECONDS_BETWEEN


@dataclass(frozen=True, slots=True, kw_only=True)
class RedditPlan:
    """A visit to Reddit: its streams, requests, and how long they take at the pace that Reddit allows."""

    streams: tuple[PlannedStream, ...]
    per_minute: float
    parked: tuple[ParkedStream, ...]

    @property
    def requests(self) -> int:
        """Requests where little is new."""
        return sum(stream.requests for stream in self.streams)

    @property
    def at_most(self) -> int:
        """Requests where everything that Reddit holds is read, as at the first visit."""
        return sum(stream.at_most for stream in self.streams)


@dataclass(frozen=True, slots=True, kw_only=True)
class XPlan:
    """A visit to X."""

    preview: Preview
    query: str
    budget_usd: float
    parked: tuple[ParkedStream, ...]


def plan(source: str, settings: Settings, engine: Engine, *, now: datetime) -> RedditPlan | XPlan:
    """Plan a visit from what the database knows; nothing is written."""
    with engine.connect().execution_options(read_only=True) as connection:
        parked = tuple(parking.parked(connection, source))
        if source == "reddit":
            access = reddit_access(settings)
            threads = min(len(threads_since(connection, now - FOLLOWED)), THREADS_A_VISIT)
            streams = reddit.plan(access, threads=threads)
            pace = PER_MINUTE if access.has_key else FEED_REQUESTS_A_MINUTE
            return RedditPlan(streams=streams, per_minute=pace, parked=parked)
        cursor = read_cursor(connection, source, STREAM)
    platform = XPlatform(settings, engine, clock=lambda: now, sleep=lambda _: None)
    try:
        left = platform.purse.left(now)
    finally:
        platform.close()
    shown = preview(x_access(settings), cursor, left_usd=left, now=now)
    return XPlan(preview=shown, query=settings.x.query, budget_usd=settings.x.monthly_budget_usd, parked=parked)


def duration(requests: int, per_minute: float) -> timedelta:
    """Give how long requests take at a pace."""
    return timedelta(minutes=requests / per_minute)
