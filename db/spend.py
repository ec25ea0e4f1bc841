"""The books of money at a platform that bills.

A request's greatest possible cost is entered before the request is sent, in a transaction of its own, and replaced by its true
cost in the transaction that stores what it brought. A process that is killed in between leaves its entry as it was: the money
may have been spent, so it counts as spent, and it stays visible among what is open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, Engine, func, insert, select, text, update

from collectors.budget import month_of
from collectors.errors import BudgetSpent
from db.models import Spend

TINY: Final = 1e-9
"""Dollars below which a difference comes from adding up fractions."""

LOCK: Final = 0x47524F4B
"""Number of PostgreSQL's advisory lock for the books."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthSpend:
    """A month at a platform, in dollars: settled, and set aside for requests that are under way or whose process was killed."""

    source: str
    month: str
    settled_usd: float
    open_usd: float
    requests: int
    open_requests: int

    @property
    def spent_usd(self) -> float:
        """What counts against the budget."""
        return self.settled_usd + self.open_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenReservation:
    """Money set aside for a request that has not been settled."""

    id: int
    created_at: datetime
    reserved_usd: float


class DatabaseLedger:
    """The month's money of one platform; any number of processes may keep the same books.

    Parameters
    ----------
    engine
        Every entry is a transaction of its own: never call a method within another one on SQLite, which has one writer.
    source
        The platform.
    monthly_budget_usd
        What may be spent in a calendar month (UTC).
    """

    def __init__(self, engine: Engine, *, source: str, monthly_budget_usd: float) -> None:
        self._engine = engine
        self._source = source
        self._budget = monthly_budget_usd

    def reserve(self, cost_usd: float, now: datetime) -> int:
        """Set money aside and give the reservation's number.

        Raises
        ------
        BudgetSpent
            What is left of the month's budget does not reach; nothing was set aside.
        """
        if not cost_usd >= 0:
            raise ValueError(f"a cost of {cost_usd} dollars")
        with self._engine.begin() as connection:
            return reserve(connection, cost_usd, source=self._source, monthly_budget_usd=self._budget, now=now)

    def settle(self, reservation: int, cost_usd: float) -> None:
        """Put what was spent in place of what was set aside."""
        with self._engine.begin() as connection:
            settle(connection, reservation, cost_usd)

    def left(self, now: datetime) -> float:
        """Give the dollars that are neither spent nor set aside in the month of this moment; never less than nothing."""
        with self._engine.connect().execution_options(read_only=True) as connection:
            return max(0.0, self._budget - month_spend(connection, self._source, month_of(now)).spent_usd)


def reserve(connection: Connection, cost_usd: float, *, source: str, monthly_budget_usd: float, now: datetime) -> int:
    """Set money aside inside the caller's transaction, which must end soon: others wait for it.

    Raises
    ------
    BudgetSpent
        What is left of the month's budget does not reach.
    """
    # On SQLite every transaction of ours begins IMMEDIATE: nobody else can write between the sum and the entry.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    month = month_of(now)
    spent = month_spend(connection, source, month).spent_usd
    if spent + cost_usd > monthly_budget_usd + TINY:
        raise BudgetSpent(
            f"the {source.capitalize()} budget of {monthly_budget_usd:.2f} USD for {month} is spent: {spent:.2f} USD are gone, "
            f"the next request could cost {cost_usd:.2f} USD",
            mend=f"raise GROKWATCH_{source.upper()}__MONTHLY_BUDGET_USD, or wait for the next month (UTC)",
        )
    row = {"source": source, "month": month, "reserved_usd": cost_usd, "created_at": now.astimezone(UTC)}
    return connection.execute(insert(Spend).values(row).returning(Spend.id)).scalar_one()


def settle(connection: Connection, reservation: int, cost_usd: float, *, run_id: int | None = None) -> None:
    """Put what was spent in place of what was set aside, inside the caller's transaction; doing it twice changes nothing.

    More than was set aside can't have been spent: a request is reserved at its greatest possible cost.
    """
    values: dict[str, object] = {"settled_usd": cost_usd}
    if run_id is not None:
        values["run_id"] = run_id
    connection.execute(update(Spend).where(Spend.id == reservation).values(values))


def month_spend(connection: Connection, source: str, month: str) -> MonthSpend:
    """Add up a month (`YYYY-MM`, UTC)."""
    query = select(
        func.coalesce(func.sum(Spend.settled_usd), 0.0),
        func.coalesce(func.sum(Spend.reserved_usd).filter(Spend.settled_usd.is_(None)), 0.0),
        func.count(Spend.id),
        func.count(Spend.id).filter(Spend.settled_usd.is_(None)),
    ).where(Spend.source == source, Spend.month == month)
    settled, held, requests, open_requests = connection.execute(query).one()
    return MonthSpend(
        source=source,
        month=month,
        settled_usd=float(settled or 0),
        open_usd=float(held or 0),
        requests=requests,
        open_requests=open_requests,
    )


def open_reservations(connection: Connection, source: str, *, before: datetime) -> Sequence[OpenReservation]:
    """Give what was set aside before a moment and never settled: the traces of killed processes and of lost answers."""
    query = (
        select(Spend.id, Spend.created_at, Spend.reserved_usd)
        .where(Spend.source == source, Spend.settled_usd.is_(None), Spend.created_at < before)
        .order_by(Spend.id)
    )
    return [
        OpenReservation(id=row.id, created_at=row.created_at, reserved_usd=row.reserved_usd)
        for row in connection.execute(query)
    ]
