"""The scheduler: jobs at their distances, each failing alone, none overlapping itself, in one process at a time.

APScheduler 3.11 with an in-memory job store (https://apscheduler.readthedocs.io/en/3.x/userguide.html). Runs that were missed
are made up for by one, however late: a machine that slept does at once what it should have done. All distances are kept in UTC,
so that summer time changes nothing; a clock that is set back does not make the jobs wait until it has caught up.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from sqlalchemy.exc import SQLAlchemyError

from db.errors import DatabaseError
from db.lease import BEAT_SECONDS, LIVE_SECONDS, Lease
from grokwatch.jobs import Job
from grokwatch.pipeline import Clock, Stopped

LOOK_SECONDS: Final = 5.0
"""How often a process that stands by looks whether it is its turn, and a clock is watched."""

STOP_SECONDS: Final = 4.0
JUMP: Final = timedelta(seconds=30)
log = structlog.get_logger(__name__)


class Every(BaseTrigger):
    """Fires at the distance of a span from a beginning; of moments that were missed it makes up for one, without counting them.

    APScheduler's own interval walks through every missed moment, which after a clock was set forward by years takes minutes.
    """

    def __init__(self, span: timedelta) -> None:
        self.span = span

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:  # pyright: ignore[reportIncompatibleMethodOverride] - the library's stub has no type
        """Give the first moment of the grid that lies ahead."""
        if previous_fire_time is None:
            return now
        missed = max(0, (now - previous_fire_time) // self.span)
        return previous_fire_time + (missed + 1) * self.span


class ClockWatch:
    """Notices when the clock was set: it is compared with one that can't be.

    Parameters
    ----------
    monotonic
        In seconds; it may or may not run while the machine sleeps.
    """

    def __init__(self, clock: Clock, monotonic: Callable[[], float]) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._seen = clock(), monotonic()

    def jump(self) -> timedelta:
        """Give by how much the clock has been set since the last look; what is less than a jump counts as none."""
        now = self._clock(), self._monotonic()
        found = (now[0] - self._seen[0]) - timedelta(seconds=now[1] - self._seen[1])
        self._seen = now
        return found if abs(found) >= JUMP else timedelta(0)


class Schedule:
    """Runs jobs while this process holds the lease, and stands by while another does.

    Parameters
    ----------
    halt
        Handed to the jobs as well: set, they end after the page in hand.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        lease: Lease,
        halt: threading.Event,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        on_turn: Callable[[], None] = lambda: None,
    ) -> None:
        self._jobs = jobs
        self._lease = lease
        self._halt = halt
        self._clock = clock
        self._monotonic = monotonic
        self._on_turn = on_turn
        self._watch = ClockWatch(clock, monotonic)
        self._scheduler: BackgroundScheduler | None = None
        self._beat_at = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)
        self._at_work = 0
        self._change = threading.Condition()

    def start(self) -> None:
        """Start the jobs, or stand by; the first look is made here."""
        self.look()
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Begin to stop: the jobs in hand end after their page while the caller does something else."""
        self._ended.set()
        self._halt.set()

    def stop(self, *, seconds: float = STOP_SECONDS) -> bool:
        """Let the jobs in hand end, for so long; False where one has not ended: it may be killed, nothing is lost."""
        self.ask_to_stop()
        self._thread.join()
        ended = self._let_go(seconds)
        try:
            self._lease.give_back()
        except (SQLAlchemyError, DatabaseError) as error:
            log.warning("the lease could not be given back", error=str(error))
        return ended

    @property
    def stands_by(self) -> bool:
        """Whether another process does the work."""
        return self._scheduler is None

    def next_run(self, job: str) -> datetime | None:
        """Tell when a job runs next."""
        found = self._scheduler.get_job(job) if self._scheduler else None
        return None if found is None else found.next_run_time

    def look(self) -> None:
        """Take or keep the lease, and mind the clock; called every few seconds."""
        try:
            if self._scheduler is None:
                if self._lease.take():
                    self._take_over()
            elif self._monotonic() - self._beat_at >= BEAT_SECONDS:
                if not self._lease.renew():
                    log.warning("another process has taken over")
                    self._stand_by()
                self._beat_at = self._monotonic()
        except (SQLAlchemyError, DatabaseError) as error:
            log.warning("the database does not answer", error=str(error))
            if self._scheduler is not None and self._monotonic() - self._beat_at >= LIVE_SECONDS:
                self._stand_by()  # another process may have taken over by now
        self._mind_the_clock()

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self.look()

    def _take_over(self) -> None:
        self._beat_at = self._monotonic()
        self._halt.clear()
        self._on_turn()
        scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(max(1, len(self._jobs)))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},  # however late
        )
        for job in self._jobs:
            first = self._clock() + job.after
            scheduler.add_job(self._do, Every(job.every), args=(job,), id=job.name, next_run_time=first)
        scheduler.start()
        self._scheduler = scheduler

    def _stand_by(self) -> None:
        self._halt.set()
        self._let_go(seconds=None)

    def _let_go(self, seconds: float | None) -> bool:
        """End the scheduler and wait for the jobs in hand; None: for as long as they take."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
        with self._change:
            return self._change.wait_for(lambda: not self._at_work, timeout=seconds)

    def _mind_the_clock(self) -> None:
        jump = self._watch.jump()
        if not jump or self._scheduler is None:
            return
        log.warning("the clock was set", seconds=round(jump.total_seconds()))
        if jump < timedelta(0):
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=max(self._clock(), job.next_run_time + jump))
        self._scheduler.wakeup()

    def _do(self, job: Job) -> None:
        with self._change:
            self._at_work += 1
        try:
            if not self._halt.is_set():
                job.run()
        except Stopped:
            pass
        except Exception as error:  # noqa: BLE001 - one job's failure must not end the others; its run says why
            log.error("a job failed", job=job.name, error=str(error), mend=getattr(error, "mend", None))  # noqa: TRY400 - a sentence for people, not a trace
        finally:
            with self._change:
                self._at_work -= 1
                self._change.notify_all()
