"""The money for X, parted between collecting and asking whether stored posts still stand."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Engine

from collectors.budget import month_of
from collectors.errors import BudgetSpent
from db.rechecks import spent_by
from db.spend import TINY, DatabaseLedger
from grokwatch.compliance import KIND as COMPLIANCE


class Purse:
    """A ledger that keeps a part of the month's budget for compliance and lets compliance spend no more than it.

    The sum of both never passes the budget: that is held by the books themselves, across processes. How the two share it is
    held by this process, which does one of them at a time.

    Parameters
    ----------
    kept_share
        Part of the budget for compliance, in [0, 1].
    """

    def __init__(self, engine: Engine, *, source: str, monthly_budget_usd: float, kept_share: float) -> None:
        self._engine = engine
        self._source = source
        self._budget = monthly_budget_usd
        self._kept = monthly_budget_usd * kept_share
        self._books = DatabaseLedger(engine, source=source, monthly_budget_usd=monthly_budget_usd)
        self._for_compliance = False

    @contextmanager
    def for_compliance(self) -> Generator[None]:
        """Spend the kept part while the block runs."""
        self._for_compliance = True
        try:
            yield
        finally:
            self._for_compliance = False

    def left(self, now: datetime) -> float:
        """Give the dollars that may still be spent in this month, on what is being done."""
        with self._engine.connect().execution_options(read_only=True) as connection:
            spent = spent_by(connection, self._source, month_of(now), kind=COMPLIANCE)
        kept, left = max(0.0, self._kept - spent), self._books.left(now)
        return min(left, kept) if self._for_compliance else max(0.0, left - kept)

    def reserve(self, cost_usd: float, now: datetime) -> int:
        """Set money aside and give the reservation's number.

        Raises
        ------
        BudgetSpent
            What is left of this part of the month's budget does not reach; nothing was set aside.
        """
        left = self.left(now)
        if cost_usd > left + TINY:
            part = "part for look-ups" if self._for_compliance else "part for collecting"
            name = self._source.upper()
            raise BudgetSpent(
                f"the {name} budget of {self._budget:.2f} USD for {month_of(now)} is spent: {left:.2f} USD are left "
                f"of the {part}, the next request could cost {cost_usd:.2f} USD",
                mend=f"raise GROKWATCH_{name}__MONTHLY_BUDGET_USD, or wait for the next month (UTC)",
            )
        return self._books.reserve(cost_usd, now)

    def settle(self, reservation: int, cost_usd: float) -> None:
        """Put what was spent in place of what was set aside."""
        self._books.settle(reservation, cost_usd)
