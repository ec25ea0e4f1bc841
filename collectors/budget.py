"""Money at a platform that bills: it is set aside before a request is sent and settled with the page that came of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from collectors.base import CollectorError


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What X takes for one of each, in US dollars (2026)."""

    post: float = 0.005
    user: float = 0.010
    counts: float = 0.005

    def __post_init__(self) -> None:
        if min(self.post, self.user, self.counts) < 0:
            raise CollectorError("a price below zero", mend="correct the prices of X in the settings")


class Ledger(Protocol):
    """The books of a month's money, shared by all processes: what is reserved counts as spent until it is settled."""

    def reserve(self, cost_usd: float, now: datetime) -> int:
        """Set money aside and give the reservation's number.

        Raises
        ------
        BudgetSpent
            What is left of the month's budget does not reach; nothing was set aside.
        """
        ...

    def settle(self, reservation: int, cost_usd: float) -> None:
        """Put what was spent in place of what was set aside; for pages that are stored, the database does it with them."""
        ...

    def left(self, now: datetime) -> float:
        """Give the dollars that are neither spent nor set aside in the month of this moment."""
        ...


def month_of(now: datetime) -> str:
    """Give the month, in UTC, whose budget a moment belongs to."""
    return now.astimezone(UTC).strftime("%Y-%m")


def within_cap(budget_usd: float, prices: Prices, monthly_posts: int) -> float:
    """Give the budget that keeps to the platform's cap of posts as well.

    No post is read for less than its price, so this much money can't buy more posts than the cap.
    """
    return min(budget_usd, monthly_posts * prices.post) if prices.post > 0 else budget_usd
