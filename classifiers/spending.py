"""What a model that bills has cost in the month, kept in a small file so that a ceiling holds across processes and restarts.

A request's greatest possible cost is entered before it is sent and replaced by the true one after: a process that is killed in between
leaves its entry as it was, for the money may have been spent.
"""

import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from classifiers.base import ClassifierError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Money set aside in a month, in dollars."""

    month: str
    usd: float


class Spending:
    """The money of one model.

    Parameters
    ----------
    file
        Made with the first entry.
    ceiling_usd
        What may be spent in a calendar month (UTC).
    """

    def __init__(self, file: Path, *, ceiling_usd: float, clock: Callable[[], datetime]) -> None:
        self._file = file
        self._ceiling = ceiling_usd
        self._clock = clock

    def reserve(self, usd: float) -> Reservation:
        """
        Set money aside for a request.

        Raises
        ------
        ClassifierError
            What is left under the ceiling does not reach; nothing was set aside.
        """
        month = f"{self._clock().astimezone(UTC):%Y-%m}"
        if usd == 0:
            return Reservation(month=month, usd=0.0)
        with self._books() as books:
            spent = _spent(books, month)
            if spent + usd > self._ceiling:
                raise ClassifierError(
                    f"the ceiling of ${self._ceiling:,g} for {month} is reached: ${spent:,.4f} are spent, and the next "
                    f"request may cost ${usd:,.4f}",
                    mend="raise GROKWATCH_LLM__MAX_COST_USD, or go on next month; the labels so far are kept",
                )
            _enter(books, month, usd)
        return Reservation(month=month, usd=usd)

    def settle(self, reservation: Reservation, usd: float) -> None:
        """Replace what was set aside by the true cost."""
        if usd != reservation.usd:
            with self._books() as books:
                _enter(books, reservation.month, usd - reservation.usd)

    def spent(self) -> float:
        """Give the dollars of the month, those set aside included."""
        if not self._file.is_file():
            return 0.0
        with self._books() as books:
            return _spent(books, f"{self._clock().astimezone(UTC):%Y-%m}")

    @contextmanager
    def _books(self) -> Generator[sqlite3.Connection]:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=30, isolation_level=None)) as books:
                # The lock is taken before anything is read: two processes never see the same money left.
                books.execute("BEGIN IMMEDIATE")
                books.execute("CREATE TABLE IF NOT EXISTS spending (month TEXT PRIMARY KEY, usd REAL NOT NULL)")
                yield books
                books.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise ClassifierError(
                f"the file {self._file}, which counts the model's cost, can't be used: {error}",
                mend="see to it, or move it away if the money may be counted anew",
            ) from error


def _spent(books: sqlite3.Connection, month: str) -> float:
    row = books.execute("SELECT usd FROM spending WHERE month = ?", (month,)).fetchone()
    return float(row[0]) if row else 0.0


def _enter(books: sqlite3.Connection, month: str, usd: float) -> None:
    books.execute(
        "INSERT INTO spending VALUES (?, max(?, 0)) ON CONFLICT (month) DO UPDATE SET usd = max(spending.usd + ?, 0)",
        (month, usd, usd),
    )
