"""The platforms as the settings have them: their streams, the look-up of stored posts, the test of the key."""

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy import Engine

from collectors import reddit, x
from collectors.base import Collector
from collectors.budget import Prices, within_cap
from collectors.compliance import Checker, RedditChecker, XChecker
from collectors.reddit import Reddit, RedditAccess, Thread
from collectors.x import XAccess
from db import rechecks
from db.rechecks import DuePost
from db.threads import threads_since
from grokwatch.pipeline import Clock
from grokwatch.purse import Purse
from grokwatch.settings import Settings

Sleep = Callable[[float], None]

SOURCES: Final = ("reddit", "x")
RECHECKED_AT_ONCE: Final = 50_000
"""Posts of Reddit that one pass asks for: 500 requests, five minutes of what Reddit allows."""

X_RECHECKED_AT_ONCE: Final = 5_000
FREE_FROM: Final = timedelta(hours=22, minutes=30)
FREE_UNTIL: Final = timedelta(hours=23, minutes=40)
"""Towards the end of a day (UTC) posts that X has given on this day are asked for once more: it gives them twice for one price."""

NEAR_MIDNIGHT: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoKey:
    """A platform that can't be asked, and what to do about it."""

    source: str
    message: str
    mend: str


class Platform(Protocol):
    """A platform that can be read."""

    @property
    def source(self) -> str:
        """Its name."""
        ...

    def streams(self) -> Sequence[Collector]:
        """Give what there is to read, in the order in which it should be read."""
        ...

    def checker(self) -> Checker | None:
        """Give what asks for stored posts, None where that can't be done."""
        ...

    def due(self, now: datetime) -> list[DuePost]:
        """Give the stored posts that are to be asked for now."""
        ...

    def paying_for_compliance(self) -> AbstractContextManager[None]:
        """Pay look-ups from the money that is kept for them while the block runs."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class RedditPlatform:
    """Reddit, through its API or, without a key, through its feeds."""

    source = "reddit"

    def __init__(self, settings: Settings, engine: Engine, *, clock: Clock, sleep: Sleep) -> None:
        self._engine = engine
        self._every = timedelta(hours=settings.schedule.reddit_recheck_hours)
        self._clock = clock
        self._sleep = sleep
        self._access = reddit_access(settings)
        self._reddit = (
            Reddit(self._access, clock=clock, sleep=sleep, threads=self._threads) if self._access.has_key else None
        )

    def streams(self) -> Sequence[Collector]:
        """Give listings, search and threads, or the feeds."""
        if self._reddit is not None:
            return self._reddit.streams()
        return reddit.streams(self._access, clock=self._clock, sleep=self._sleep)

    def checker(self) -> Checker | None:
        """Give the look-up; feeds know none."""
        return None if self._reddit is None else RedditChecker(self._reddit)

    def due(self, now: datetime) -> list[DuePost]:
        """Give the posts that have not been asked for within the hours that the settings say."""
        with self._engine.connect().execution_options(read_only=True) as connection:
            return rechecks.due_posts(connection, self.source, now=now, every=self._every, limit=RECHECKED_AT_ONCE)

    def paying_for_compliance(self) -> AbstractContextManager[None]:
        """Do nothing: Reddit takes no money."""
        return nullcontext()

    def close(self) -> None:
        """Close the connections."""
        if self._reddit is not None:
            self._reddit.close()

    def _threads(self, moment: datetime) -> Sequence[Thread]:
        with self._engine.connect().execution_options(read_only=True) as connection:
            return threads_since(connection, moment)


class XPlatform:
    """X, inside the month's money."""

    source = "x"

    def __init__(self, settings: Settings, engine: Engine, *, clock: Clock, sleep: Sleep) -> None:
        self._engine = engine
        self._every = timedelta(hours=settings.schedule.x_recheck_hours)
        access = x_access(settings)
        self._price = access.prices.post
        self.purse = Purse(
            engine,
            source=self.source,
            monthly_budget_usd=within_cap(settings.x.monthly_budget_usd, access.prices, settings.x.monthly_posts),
            kept_share=settings.x.compliance_share,
        )
        self._collector = x.stream(access, ledger=self.purse, clock=clock, sleep=sleep, rng=random.Random())  # noqa: S311 - draws of a sample and jitter, no secrets

    def streams(self) -> Sequence[Collector]:
        """Give the one stream: everything that is bought."""
        return (self._collector,)

    def checker(self) -> Checker:
        """Give the look-up; it remembers what X has given today, which is free."""
        return XChecker(self._collector.client)

    def due(self, now: datetime) -> list[DuePost]:
        """Give as many posts as the money for it reaches for and, late in the day, those that can be had for nothing."""
        with self.purse.for_compliance():
            left = self.purse.left(now)
        affordable = int(left / self._price + 1e-6) if self._price > 0 else X_RECHECKED_AT_ONCE
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        with self._engine.connect().execution_options(read_only=True) as connection:
            fresh: list[DuePost] = []
            if FREE_FROM <= now - midnight < FREE_UNTIL:
                since = midnight + NEAR_MIDNIGHT
                fresh = rechecks.fresh_posts(connection, self.source, since=since, limit=X_RECHECKED_AT_ONCE)
            due = rechecks.due_posts(
                connection, self.source, now=now, every=self._every, limit=min(affordable, X_RECHECKED_AT_ONCE)
            )
        return [*fresh, *due]

    def paying_for_compliance(self) -> AbstractContextManager[None]:
        """Pay look-ups from the part of the budget that is kept for them."""
        return self.purse.for_compliance()

    def close(self) -> None:
        """Close the connections."""
        self._collector.client.close()


def reddit_access(settings: Settings) -> RedditAccess:
    """Give the access to Reddit that the settings describe.

    Raises
    ------
    CollectorError
        A community's name can't be one.
    """
    given = settings.reddit
    return RedditAccess(
        client_id=given.client_id,
        client_secret=given.client_secret.get_secret_value() if given.client_secret else None,
        user_agent=given.user_agent,
        subreddits=given.subreddits,
        terms=settings.terms,
        feeds=given.feeds,
        reddit_url=given.reddit_url,
        oauth_url=given.oauth_url,
        timeout_seconds=given.timeout_seconds,
    )


def x_access(settings: Settings) -> XAccess:
    """Give the access to X that the settings describe; without a token nothing can be asked with it.

    Raises
    ------
    CollectorError
        Query, languages or prices can't be used.
    """
    given = settings.x
    return XAccess(
        bearer_token=given.bearer_token.get_secret_value() if given.bearer_token else "",
        query=given.query,
        base_url=given.base_url,
        languages=given.languages,
        prices=Prices(post=given.price_post_usd, user=given.price_user_usd, counts=given.price_counts_usd),
        expand_users=given.expand_users,
        census_every=timedelta(hours=given.census_hours),
        timeout_seconds=given.timeout_seconds,
    )


def check_access(settings: Settings, sources: Sequence[str] = SOURCES) -> None:
    """Refuse what the settings say of these platforms where it can't be used; platforms without a key are passed over.

    Raises
    ------
    CollectorError
        See `reddit_access` and `x_access`.
    """
    described = {"reddit": reddit_access, "x": x_access}
    for source in accessible(settings):
        if source in sources:
            described[source](settings)


def without_key(settings: Settings) -> list[NoKey]:
    """Name the platforms that the settings give no access to."""
    found: list[NoKey] = []
    given = settings.reddit
    if not (given.client_id and given.client_secret) and not given.feeds:
        half = bool(given.client_id) != bool(given.client_secret)
        missing = "GROKWATCH_REDDIT__CLIENT_SECRET" if given.client_id else "GROKWATCH_REDDIT__CLIENT_ID"
        found.append(
            NoKey(
                source="reddit",
                message=f"Reddit: {missing} is not set" if half else "no key for Reddit",
                mend=f"set {missing}"
                if half
                else "apply for one at https://support.reddithelp.com (Responsible Builder Policy); until then set "
                "GROKWATCH_REDDIT__FEEDS=true or import the monthly archives",
            )
        )
    if settings.x.bearer_token is None:
        found.append(
            NoKey(
                source="x",
                message="no key for X",
                mend="make an app at https://console.x.com and set GROKWATCH_X__BEARER_TOKEN; X bills by the post",
            )
        )
    return found


def platform(source: str, settings: Settings, engine: Engine, *, clock: Clock, sleep: Sleep) -> Platform:
    """Give a platform that the settings give access to."""
    return {"reddit": RedditPlatform, "x": XPlatform}[source](settings, engine, clock=clock, sleep=sleep)


def accessible(settings: Settings) -> list[str]:
    """Name the platforms that the settings give access to."""
    closed = {missing.source for missing in without_key(settings)}
    return [source for source in SOURCES if source not in closed]
