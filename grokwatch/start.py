"""A start: schema up, sample posts in where the database is empty, the scheduler with its jobs."""

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Engine

from classifiers.base import Classifier
from collectors.sample import SampleCollector
from db import parking, sample, schema
from db.lease import Lease
from db.parking import Reason
from grokwatch.jobs import Jobs
from grokwatch.pipeline import Clock, store
from grokwatch.privacy import author_hash
from grokwatch.schedule import Schedule
from grokwatch.settings import Settings

LEASE: Final = "schedule"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """The scheduler of this process, and what it works with."""

    schedule: Schedule
    jobs: Jobs
    lease: Lease

    def end(self) -> None:
        """Stop within seconds: after the page in hand or, where a platform lets it wait, without it. Nothing is lost.

        A thread that waits for an answer can't be ended; the process is, because the page that it waits for has
        not been stored and the next start fetches it again.
        """
        if self.schedule.stop():
            self.jobs.close()
            return
        log.info("stopped without waiting for the answer in hand")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def engage(
    settings: Settings, engine: Engine, *, clock: Clock, load_classifier: Callable[[], Classifier]
) -> Engagement:
    """Put the scheduler together; it is not started yet.

    What was parked for the sake of a key or a setting is tried anew with its first turn: both may have been mended.
    """
    halt = threading.Event()
    jobs = Jobs(
        settings,
        engine,
        clock=clock,
        author_hash=author_hash(settings),
        load_classifier=load_classifier,
        halt=halt,
    )
    lease = Lease(engine, LEASE, clock=clock)

    def unpark() -> None:
        with engine.begin() as connection:
            parking.release_all(connection, but=(Reason.CAPPED,))

    schedule = Schedule(jobs.all(), lease=lease, halt=halt, clock=clock, on_turn=unpark)
    return Engagement(schedule=schedule, jobs=jobs, lease=lease)


def prepare(engine: Engine, *, clock: Clock) -> int:
    """Bring the schema up and, where no post was ever stored, put the sample posts in; gives how many went in.

    Raises
    ------
    DatabaseError
        The database can't be reached or its schema is newer than this version knows.
    """
    bring_up(engine)
    with engine.begin() as connection:
        empty = sample.is_empty(connection)
    if not empty:
        return 0
    summary = store(engine, SampleCollector(), kind=sample.KIND, clock=clock, author_hash=lambda name: name)
    return summary.new


def bring_up(engine: Engine) -> None:
    """Bring the schema up to this version.

    Raises
    ------
    DatabaseError
        The database can't be reached or its schema is newer than this version knows.
    """
    stored = schema.stored_revision(engine)
    if stored != schema.newest_revision():
        if stored is not None:
            schema.refuse_unknown(stored)
        schema.upgrade(engine)
