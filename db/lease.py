"""Work that one process at a time may do: a lease in the database, kept by heartbeats.

Whoever holds a lease counts its beats up. Another process that wants it does not compare clocks, which may differ or jump: it
watches the beats by its own monotonic clock, and takes the lease when they have stood still for the time to live. A holder on the
same machine whose process has gone is replaced at once. A holder that slept through this finds at its next beat that the lease
is another's; what it may still write until then is harmless, because posts are stored once and a cursor only follows the one
that it was read from.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import DBAPIError

from db.models import Lease as LeaseRow
from db.upsert import insert

BEAT_SECONDS: Final = 10.0
LIVE_SECONDS: Final = 40.0
"""Beats that stand still for so long have ended: with the distance of two looks, less than a minute."""

LOOK_SECONDS: Final = 2.0
HOLDER_PARTS: Final = 5
FREE: Final = ""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Who holds a lease and since when, by its own clock."""

    holder: str
    since: datetime

    @property
    def process(self) -> str:
        """Machine and process, as people say it."""
        machine, _, pid, *_ = self.holder.split(" ")
        return f"process {pid} on {machine}"


class Lease:
    """One process's claim to a piece of work.

    Parameters
    ----------
    name
        The work.
    clock
        For the times that people read.
    monotonic
        For the wait; it must not jump.
    runs
        Tells of a holder whether its process runs, None where that can't be known.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        holder: str | None = None,
        runs: Callable[[str], bool | None] | None = None,
    ) -> None:
        self.name = name
        self.holder = holder or this_process()
        self._engine = engine
        self._clock = clock
        self._monotonic = monotonic
        self._runs = runs or still_runs
        self._seen: tuple[str, int] | None = None
        self._seen_at = 0.0

    def take(self) -> bool:
        """Take the lease where it is free, its holder has gone or its beats stood still; True where it is ours now."""
        with self._engine.begin() as connection:
            query = select(LeaseRow.holder, LeaseRow.beats).where(LeaseRow.name == self.name).with_for_update()
            row = connection.execute(query).one_or_none()
            if row is None:
                return self._enter(connection)
            if row.holder not in {FREE, self.holder} and self._runs(row.holder) is not False:
                seen = (row.holder, row.beats)
                if seen != self._seen:
                    self._seen, self._seen_at = seen, self._monotonic()
                if self._monotonic() - self._seen_at < LIVE_SECONDS:
                    return False
            now = self._clock()
            taken = {"holder": self.holder, "beats": row.beats + 1, "held_since": now, "beat_at": now}
            connection.execute(update(LeaseRow).where(LeaseRow.name == self.name).values(taken))
        return True

    def take_patiently(self, wait: Callable[[float], bool]) -> bool:
        """Take the lease; where its holder may be alive, look until that is known, which takes less than a minute.

        Parameters
        ----------
        wait
            Waits so many seconds; gives True to end the looking.
        """
        first: tuple[str, int] | None = None
        while not self.take():
            seen = self._seen
            if seen is None or self._runs(seen[0]) or first not in {None, seen}:
                return False
            first = seen
            if wait(LOOK_SECONDS):
                return False
        return True

    def _enter(self, connection: Connection) -> bool:
        now = self._clock()
        row = {"name": self.name, "holder": self.holder, "beats": 1, "held_since": now, "beat_at": now}
        statement = insert(connection, LeaseRow).values(row).on_conflict_do_nothing(index_elements=["name"])
        return connection.scalar(statement.returning(LeaseRow.name)) is not None

    def renew(self) -> bool:
        """Give a sign of life; False where the lease is another's."""
        with self._engine.begin() as connection:
            beat = (
                update(LeaseRow)
                .where(LeaseRow.name == self.name, LeaseRow.holder == self.holder)
                .values(beats=LeaseRow.beats + 1, beat_at=self._clock())
            )
            return connection.execute(beat).rowcount == 1

    def give_back(self) -> None:
        """Let another process have it at once; a lease that is not ours stays as it is."""
        with self._engine.begin() as connection:
            mine = update(LeaseRow).where(LeaseRow.name == self.name, LeaseRow.holder == self.holder)
            connection.execute(mine.values(holder=FREE, beats=LeaseRow.beats + 1))

    def holding(self) -> Holding | None:
        """Tell who holds it, None where nobody does."""
        with self._engine.connect().execution_options(read_only=True) as connection:
            return holding(connection, self.name)


def holding(connection: Connection, name: str) -> Holding | None:
    """Tell who holds a lease, None where nobody does."""
    query = select(LeaseRow.holder, LeaseRow.held_since).where(LeaseRow.name == name, LeaseRow.holder != FREE)
    row = connection.execute(query).one_or_none()
    return None if row is None else Holding(holder=row.holder, since=row.held_since)


@contextmanager
def held(
    lease: Lease, *, every_seconds: float = BEAT_SECONDS, wait: Callable[[float], bool] = lambda _: True
) -> Generator[bool]:
    """Hold a lease while the block runs, with beats from a thread of its own; gives False where it is another's.

    `wait` is for `take_patiently`; by default nothing is waited for.
    """
    if not lease.take_patiently(wait):
        yield False
        return
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(every_seconds):
            try:
                lease.renew()
            except DBAPIError as error:  # a database that is busy or away now may be back at the next beat
                log.warning("no heartbeat", lease=lease.name, error=str(error.orig))

    thread = threading.Thread(target=beat, name=f"lease {lease.name}", daemon=True)
    thread.start()
    try:
        yield True
    finally:
        ended.set()
        thread.join()
        lease.give_back()


def this_process() -> str:
    """Name a claim of this process: machine, process namespace, process number, when it began, and a mark of its own."""
    return f"{_machine()} {os.getpid()} {_began(os.getpid())} {uuid.uuid4().hex[:8]}"


def still_runs(holder: str) -> bool | None:
    """Tell whether a holder's process runs; None where it is another machine's, or this one can't tell."""
    parts = holder.split(" ")
    if os.name != "posix" or len(parts) != HOLDER_PARTS or " ".join(parts[:2]) != _machine() or not parts[2].isdigit():
        return None
    try:
        os.kill(int(parts[2]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _began(int(parts[2])) == parts[3]  # a number is given anew when its process has ended


def _began(process: int) -> str:
    """Give the moment a process began, in ticks since the machine started; the same for all where that is not told."""
    stat = Path(f"/proc/{process}/stat")
    try:
        return stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"


def _machine() -> str:
    """Name the machine and its process namespace: containers may share a name, but not their processes' numbers."""
    namespace = Path("/proc/self/ns/pid")
    number = "".join(filter(str.isdigit, str(namespace.readlink()))) if namespace.is_symlink() else "0"
    return f"{socket.gethostname().replace(' ', '-')} {number}"
