"""What a week's digest tells: the shares and all that a reader needs to weigh them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from classifiers.codebook import Category
from db.periods import Step
from digest.week import LENGTH, Week
from insights.baseline import by_category
from insights.changes import Change, changes
from insights.events import Event, events
from insights.sample import is_sample
from insights.shares import Share, Status, shares, total
from insights.volume import volumes

TREND_WEEKS = 8
"""Weeks that the chart over time shows, the digest's own included."""

DAY = timedelta(days=1)


class WeekStatus(StrEnum):
    """Whether the week has shares to show, and if not, why."""

    OK = "ok"
    TOO_FEW = "too_few"
    UNLABELLED = "unlabelled"
    NO_POSTS = "no_posts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posts:
    """Stored posts of a week: all, those about Grok, those without a label yet; its days so far, and those without a post."""

    stored: int
    relevant: int
    waiting: int
    days: int
    quiet_days: Sequence[datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """A week as `insights` sees it.

    Parameters
    ----------
    shares, before
        The five shares of the week and of the week before, as `insights.shares.total` gives them.
    changes
        From the week before, in the same order.
    trend
        The shares of the last weeks, for the chart over time.
    sample
        The posts are sample data.
    """

    week: Week
    now: datetime
    shares: Sequence[Share]
    before: Sequence[Share]
    changes: Sequence[Change]
    trend: Sequence[Share]
    baseline: Mapping[Category, float]
    events: Sequence[Event]
    trend_events: Sequence[Event]
    posts: Posts
    posts_before: Posts
    sample: bool

    @property
    def complete(self) -> bool:
        """Tell whether the week has ended."""
        return self.week.end <= self.now

    @property
    def status(self) -> WeekStatus:
        """Tell whether there are shares to show."""
        if not self.posts.stored:
            return WeekStatus.NO_POSTS
        if self.posts.waiting == self.posts.stored:
            return WeekStatus.UNLABELLED
        return WeekStatus.OK if self.shares[0].status is Status.OK else WeekStatus.TOO_FEW


def find(connection: Connection, week: Week, *, now: datetime) -> Findings:
    """Gather a week's findings."""
    start, end = week.start, week.end
    trend_start = end - TREND_WEEKS * LENGTH
    this = total(connection, start=start, end=end)
    before = total(connection, start=week.before.start, end=start)
    return Findings(
        week=week,
        now=now,
        shares=this,
        before=before,
        changes=changes(before, this),
        trend=shares(connection, step=Step.WEEK, start=trend_start, end=end),
        baseline=by_category(connection),
        events=events(connection, start=start, end=end),
        trend_events=events(connection, start=trend_start, end=end),
        posts=_posts(connection, start, end, now),
        posts_before=_posts(connection, week.before.start, start, now),
        sample=is_sample(connection),
    )


def _posts(connection: Connection, start: datetime, end: datetime, now: datetime) -> Posts:
    days = volumes(connection, step=Step.DAY, start=start, end=end)
    busy = {day.period_start.astimezone(UTC).date() for day in days if day.posts}
    passed = [start + number * DAY for number in range((end - start).days) if start + number * DAY < now]
    return Posts(
        stored=sum(day.posts for day in days),
        relevant=sum(day.relevant for day in days),
        waiting=sum(day.waiting for day in days),
        days=len(passed),
        quiet_days=[day for day in passed if day.date() not in busy],
    )
