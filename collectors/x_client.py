"""One request to X: money is set aside, limits are kept, the answer is waited for, and the bill is reckoned."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, Final

import requests

from collectors.budget import Ledger
from collectors.errors import Unavailable
from collectors.pacing import Backoff
from collectors.x_answers import is_answer, json_of, never_sent, refuse, told
from collectors.x_api import Api
from collectors.x_posts import FIELDS
from collectors.x_query import XAccess
from collectors.x_window import WINDOW, Window

Clock = Callable[[], datetime]
Sleep = Callable[[float], None]

SMALLEST_PAGE: Final = 10
LARGEST_PAGE: Final = 100
LIMITS: Final = {"counts": 300, "search": 450, "look-up": 300}
"""Requests of an app in fifteen minutes, where X does not say otherwise."""

MIDNIGHT: Final = timedelta(minutes=15)
"""Around midnight X's day and ours may differ: nothing counts as read before on the same day."""

LARGE_SKEW: Final = timedelta(seconds=2)
LIKELY_SKEW: Final = timedelta(days=1)
"""A platform's clock that is further off than this is not believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A good answer and the money set aside for it.

    Parameters
    ----------
    unsure
        An earlier try got lost on the way back and may have been billed as well.
    """

    body: Mapping[str, Any]
    reservation: int
    reserved_usd: float
    unsure: bool

    def cost(self, charged_usd: float) -> float:
        """Give what the request may have cost: where a try got lost, all that was set aside, which no more than covers both.

        Tries that get lost bring the same posts as the one that came through, and X bills a post once a day.
        """
        return max(charged_usd, self.reserved_usd) if self.unsure else charged_usd


class XClient:
    """Asks X, one request at a time.

    Parameters
    ----------
    ledger
        The month's money.
    clock, sleep, chance
        Time, waiting, and the jitter of waits.
    session
        What sends the requests; None: a new one.
    """

    def __init__(
        self,
        access: XAccess,
        *,
        ledger: Ledger,
        clock: Clock,
        sleep: Sleep,
        chance: random.Random,
        session: requests.Session | None = None,
    ) -> None:
        self.access = access
        self.ledger = ledger
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._session = session or requests.Session()
        self._api: Any = Api(access, self._session)  # tweepy's annotations promise other return types
        self._windows = {name: Window(limit) for name, limit in LIMITS.items()}
        self._backoff = Backoff(ceiling=WINDOW.total_seconds() + 60, attempts=7)
        self.skew = timedelta(0)
        """How far X's clock is ahead of this machine's, where that is much."""
        self._day: str | None = None
        self._read_today: set[str] = set()

    def now(self) -> datetime:
        """Give the time by X's clock, as far as its answers have told it."""
        return self._clock() + self.skew

    def counts(self, query: str, *, start: datetime, end: datetime) -> Answer:
        """Ask how many posts there were in every hour."""
        return self._ask(
            "counts",
            lambda: self._api.get_recent_tweets_count(query, granularity="hour", start_time=start, end_time=end),
            cost_usd=self.access.prices.counts,
            once_a_day=False,
        )

    def search(self, query: str, *, size: int, **parameters: datetime | str | None) -> Answer:
        """Ask for a page of posts, of `size` posts or as many as the money reaches for.

        Parameters
        ----------
        **parameters
            `start_time`, `end_time`, `since_id`, `until_id`, `next_token`, as X has them.
        """
        size = max(SMALLEST_PAGE, min(size, LARGEST_PAGE))
        price = self.access.post_usd
        if price > 0:
            affordable = int(self.ledger.left(self._clock()) / price + 1e-6)
            size = max(SMALLEST_PAGE, min(size, affordable))
        expansions = ["author_id"] if self.access.expand_users else None
        return self._ask(
            "search",
            lambda: self._api.search_recent_tweets(
                query, max_results=size, tweet_fields=list(FIELDS), expansions=expansions, **parameters
            ),
            cost_usd=size * price,
        )

    def look_up(self, ids: Sequence[str]) -> Answer:
        """Ask for posts by their ids, a hundred at most."""
        return self._ask(
            "look-up",
            lambda: self._api.get_tweets(list(ids), tweet_fields=list(FIELDS)),
            cost_usd=len(ids) * self.access.prices.post,
        )

    def charge(self, ids: Sequence[str], users: Sequence[str], items: int) -> float:
        """Give what X takes for a page: every post and profile once on a day (UTC); items without an id count in full."""
        prices = self.access.prices
        fresh_posts = self._first_today(ids)
        fresh_users = self._first_today(f"user {user}" for user in users)
        return (fresh_posts + max(0, items - len(ids))) * prices.post + fresh_users * prices.user

    def close(self) -> None:
        """Close the connections; asking again opens new ones."""
        self._session.close()

    def _first_today(self, names: Any) -> int:  # noqa: ANN401 - any iterable of names
        now = self.now().astimezone(UTC)
        day = now.date().isoformat()
        if day != self._day:
            self._day = day
            self._read_today.clear()
        fresh = set(names) - self._read_today
        if (now - MIDNIGHT).date() == (now + MIDNIGHT).date():
            self._read_today |= fresh
        return len(fresh)

    def _ask(
        self, kind: str, send: Callable[[], requests.Response], *, cost_usd: float, once_a_day: bool = True
    ) -> Answer:
        """Send a request until there is a good answer; without `once_a_day` every try is billed that reaches X.

        Raises
        ------
        BudgetSpent
            The money does not reach.
        Forbidden, UsageCapped, BadRequest
            X refuses, and would go on refusing.
        Unavailable
            No good answer after every try.
        """
        money = _Money(self.ledger, cost_usd)
        failure, response = "", None
        try:
            for attempt in count(1):
                if (wait := self._windows[kind].wait(self.now())) > 0:
                    self._sleep(wait)
                money.set_aside(self._clock())
                self._windows[kind].sent(self.now())
                headers: Mapping[str, str] = {}
                money.at_risk, response = True, None
                try:
                    response = send()
                except requests.RequestException as error:
                    money.at_risk = not never_sent(error)
                    money.lost |= money.at_risk
                    failure = told(error)
                else:
                    headers = self._heed(response, kind)
                    body = json_of(response)
                    came = response.status_code // 100 == 2  # noqa: PLR2004 - every 2xx
                    if came and body is not None and is_answer(kind, body):
                        return Answer(
                            body=body, reservation=money.reservation, reserved_usd=cost_usd, unsure=money.lost
                        )
                    # What was cut short or garbled was billed; a refusal, or an answer without posts, was not.
                    money.at_risk = came and (body is None or "data" in body)
                    money.lost |= money.at_risk
                    refuse(response, body)
                    failure = "an answer that can't be read" if came else f"status {response.status_code}"
                if money.lost and not once_a_day:
                    money.let_go()
                pause = self._backoff.seconds(attempt, headers, self.now(), self._chance)
                if pause is None:
                    break
                money.at_risk = False
                self._sleep(pause)
        except BaseException:
            money.give_back()
            raise
        money.give_back()
        raise Unavailable(
            f"X could not be asked for {'posts' if kind != 'counts' else 'counts'}: {failure}",
            mend="nothing is lost: the next visit goes on from here; look at https://docs.x.com/status if it lasts",
            status=response.status_code if response is not None else None,
            url=response.url.partition("?")[0] if response is not None else None,
        )

    def _heed(self, response: requests.Response, kind: str) -> Mapping[str, str]:
        headers = response.headers
        try:
            skew = parsedate_to_datetime(headers["date"]) - self._clock()
        except (KeyError, ValueError, TypeError):
            skew = self.skew
        if abs(skew) < LIKELY_SKEW:
            self.skew = skew if abs(skew) >= LARGE_SKEW else timedelta(0)
        self._windows[kind].seen(headers, self.now())
        return headers


class _Money:
    """The money set aside for a request, through all its tries."""

    def __init__(self, ledger: Ledger, cost_usd: float) -> None:
        self.reservation = -1
        self.at_risk = False
        """The request is on its way, or its answer got lost."""
        self.lost = False
        """An earlier try may have been billed."""
        self._ledger = ledger
        self._cost = cost_usd
        self._day: str | None = None

    def set_aside(self, now: datetime) -> None:
        """Set the money aside; on a new day anew, for a post that is read again costs again."""
        day = now.astimezone(UTC).date().isoformat()
        if day != self._day:
            self.give_back()
            self.reservation = self._ledger.reserve(self._cost, now)
            self._day, self.lost = day, False

    def let_go(self) -> None:
        """Count it as spent; the next try needs money of its own."""
        self._day, self.lost, self.at_risk = None, False, False

    def give_back(self) -> None:
        """Settle at nothing what can't have been spent; what may have been spent stays as it is."""
        if self._day is not None and not self.lost and not self.at_risk:
            self._ledger.settle(self.reservation, 0.0)
        self._day = None
