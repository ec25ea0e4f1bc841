"""What `grokwatch doctor` says of live collection: keys, budget, holes, parked streams, deletions that nobody asked about."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from collectors.base import CollectorError
from collectors.budget import month_of
from collectors.errors import Unavailable
from collectors.reddit import Reddit
from collectors.reddit_feeds import check_feeds
from collectors.x_client import XClient
from db import holes, parking, rechecks, spend
from db.lease import holding
from grokwatch.check import Check
from grokwatch.pipeline import Clock
from grokwatch.platforms import NoKey, reddit_access, without_key, x_access
from grokwatch.settings import Settings
from grokwatch.start import LEASE

PATIENCE_SECONDS: Final = 8.0
"""Waits in all before a platform counts as away; the collectors are far more patient."""

RECENT: Final = timedelta(days=7)
TIGHT: Final = 0.95
HONOURED: Final = {"reddit": timedelta(hours=48), "x": timedelta(hours=24)}
"""How old the last look at a stored post may be; see each platform's rules."""

NAMES: Final = {"reddit": "Reddit", "x": "X"}


class FreeLedger:
    """Books for calls that cost nothing."""

    def reserve(self, cost_usd: float, now: datetime) -> int:
        """Set nothing aside."""
        del cost_usd, now
        return 0

    def settle(self, reservation: int, cost_usd: float) -> None:
        """Settle nothing."""

    def left(self, now: datetime) -> float:
        """Let a call through."""
        del now
        return float("inf")


def check_keys(settings: Settings, *, clock: Clock, sleep: Callable[[float], None] = time.sleep) -> Iterator[Check]:
    """Test every key with one call that costs nothing; say where keys come from."""
    missing = {closed.source: closed for closed in without_key(settings)}
    if len(missing) == len(NAMES):
        yield Check(
            name="keys",
            status="ok",
            message="no keys for Reddit or X: posts come from grokwatch import and from the sample data",
            mend="; ".join(f"for {NAMES[closed.source]}, {closed.mend}" for closed in missing.values()),
        )
        return
    for source in NAMES:
        yield _no_key(missing[source]) if source in missing else _key(source, settings, clock, _patient(sleep))


def _no_key(closed: NoKey) -> Check:
    half = "is not set" in closed.message
    return Check(name=closed.source, status="warn" if half else "ok", message=closed.message, mend=closed.mend)


def _key(source: str, settings: Settings, clock: Clock, sleep: Callable[[float], None]) -> Check:
    try:
        message = (_ask_reddit if source == "reddit" else _ask_x)(settings, clock, sleep)
    except Unavailable as error:
        return Check(name=source, status="warn", message=str(error), mend=error.mend)
    except CollectorError as error:
        return Check(name=source, status="fail", message=str(error), mend=error.mend)
    return Check(name=source, status="ok", message=message)


def _ask_reddit(settings: Settings, clock: Clock, sleep: Callable[[float], None]) -> str:
    access = reddit_access(settings)
    if not access.has_key:
        check_feeds(access, clock=clock, sleep=sleep, chance=random.Random())  # noqa: S311 - jitter
        return f"no key, the feeds of {len(access.communities)} communities are read: slower, and with more holes"
    asked = Reddit(access, clock=clock, sleep=sleep)
    try:
        asked.check_key()
    finally:
        asked.close()
    return f"the key works, {len(access.communities)} communities are watched"


def _ask_x(settings: Settings, clock: Clock, sleep: Callable[[float], None]) -> str:
    access = x_access(settings)
    asked = XClient(access, ledger=FreeLedger(), clock=clock, sleep=sleep, chance=random.Random())  # noqa: S311 - jitter
    try:
        asked.look_up(["1"])  # there is no such post, and X bills what it gives
    finally:
        asked.close()
    return "the key works"


def _patient(sleep: Callable[[float], None]) -> Callable[[float], None]:
    """Give a sleep that does not go on for long: whoever called the doctor is waiting."""
    slept = 0.0

    def some(seconds: float) -> None:
        nonlocal slept
        slept += seconds
        if slept > PATIENCE_SECONDS:
            raise Unavailable("it does not answer", mend="look at the network and at the platform's status page")
        sleep(seconds)

    return some


def check_live(connection: Connection, settings: Settings, *, now: datetime) -> Iterator[Check]:
    """Tell what the database knows of live collection; what was never used is left out."""
    yield _scheduler(connection)
    yield from _parked(connection)
    yield from _holes(connection, now)
    yield from _budget(connection, settings, now)
    yield from _deletions(connection, settings, now)


def _scheduler(connection: Connection) -> Check:
    holder = holding(connection, LEASE)
    if holder is None:
        return Check(name="scheduler", status="ok", message="not running: grokwatch up or grokwatch run starts it")
    return Check(name="scheduler", status="ok", message=f"{holder.process} since {holder.since:%Y-%m-%d %H:%M} UTC")


def _parked(connection: Connection) -> Iterator[Check]:
    told: dict[tuple[str, str, str], list[str]] = {}
    for held in parking.parked(connection):
        again = f"{held.retry_at:%Y-%m-%d %H:%M} UTC"
        told.setdefault((held.error, held.mend, again), []).append(f"{held.source} {held.stream}")
    for (error, mend, again), streams in told.items():
        named = streams[0] if len(streams) == 1 else f"{streams[0]} and {len(streams) - 1} more"
        message = f"{named}: {error}; asked again from {again} on"
        yield Check(name="parked", status="warn", message=message, mend=mend)


def _holes(connection: Connection, now: datetime) -> Iterator[Check]:
    number = holes.count(connection)
    if not number:
        return
    newest = holes.newest(connection, limit=1)[0]
    message = (
        f"{number:,} in all, the latest in {newest.source} {newest.stream}: {newest.starts_at:%Y-%m-%d %H:%M} to "
        f"{newest.ends_at:%Y-%m-%d %H:%M} UTC, {newest.reason}"
    )
    mend = "shares over these spans stand on fewer posts: let grokwatch run without breaks, or import the archive of the month"
    status = "warn" if newest.noted_at > now - RECENT else "ok"
    yield Check(name="holes", status=status, message=message, mend=mend)


def _budget(connection: Connection, settings: Settings, now: datetime) -> Iterator[Check]:
    if settings.x.bearer_token is None:
        return
    budget, month = settings.x.monthly_budget_usd, month_of(now)
    books = spend.month_spend(connection, "x", month)
    message = f"{books.spent_usd:.2f} of {budget:.2f} USD spent on X in {month}"
    if books.open_usd:
        message += f", {books.open_usd:.2f} of it set aside for requests whose end nobody saw"
    spent = books.spent_usd >= TIGHT * budget
    yield Check(
        name="budget",
        status="warn" if spent else "ok",
        message=message,
        mend="raise GROKWATCH_X__MONTHLY_BUDGET_USD, or wait for the next month (UTC)" if spent else None,
    )


def _deletions(connection: Connection, settings: Settings, now: datetime) -> Iterator[Check]:
    missing = {closed.source for closed in without_key(settings)}
    if not settings.reddit.client_id:  # feeds can't be asked for posts
        missing.add("reddit")
    for source, age in HONOURED.items():
        overdue = rechecks.count_overdue(connection, source, now=now, every=age)
        if not overdue:
            continue
        hours = age // timedelta(hours=1)
        posts = "1 post" if overdue == 1 else f"{overdue:,} posts"
        verb = "was" if overdue == 1 else "were"
        mend = (
            f"set a key for {NAMES[source]} and let grokwatch run, or remove old posts with grokwatch purge"
            if source in missing
            else "let grokwatch run"
            if source == "reddit"
            else "raise GROKWATCH_X__COMPLIANCE_SHARE, or remove old posts with grokwatch purge"
        )
        message = f"{posts} of {NAMES[source]} {verb} not looked up for {hours} hours: deletions there are not noticed"
        yield Check(name="deletions", status="warn", message=message, mend=mend)
