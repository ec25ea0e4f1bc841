"""The scheduler: one background process's jobs, each failing alone, none overlapping itself.

APScheduler 3.11 with an in-memory job store (https://apscheduler.readthedocs.io/en/3.x/userguide.html): missed runs are
coalesced, a job never runs twice at a time, and a run that is late by less than the grace is still made.
"""

import threading
from collections.abc import Callable
from datetime import datetime

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from classifiers.base import Classifier
from grokwatch.pipeline import Clock, classify

MISFIRE_GRACE_SECONDS = 3600
log = structlog.get_logger(__name__)


class Schedule:
    """Runs the jobs until it is stopped; `stop` waits for the batch in hand."""

    def __init__(
        self, engine: Engine, load_classifier: Callable[[], Classifier], *, clock: Clock, classify_every_seconds: int
    ) -> None:
        self._engine = engine
        self._load_classifier = load_classifier
        self._clock = clock
        self._stopping = threading.Event()
        self._classifier: Classifier | None = None
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": MISFIRE_GRACE_SECONDS},
        )
        self._scheduler.add_job(
            self._classify, "interval", seconds=classify_every_seconds, id="classify", next_run_time=clock()
        )

    def start(self) -> None:
        """Start the jobs; the first labelling pass begins at once."""
        self._scheduler.start()

    def stop(self) -> None:
        """Let the job in hand end after its batch, then stop."""
        self._stopping.set()
        self._scheduler.shutdown(wait=True)

    def next_run(self, job: str) -> datetime | None:
        """Tell when a job runs next."""
        found = self._scheduler.get_job(job)
        return None if found is None else found.next_run_time

    def _classify(self) -> None:
        try:
            if self._classifier is None:
                self._classifier = self._load_classifier()
            summary = classify(self._engine, self._classifier, clock=self._clock, stopped=self._stopping.is_set)
        except Exception as error:  # noqa: BLE001 - one job's failure must not end the others; the run's row keeps it
            log.error("labelling failed", error=str(error))  # noqa: TRY400 - a sentence for people, not a trace
        else:
            if summary.labelled:
                log.info("labelled", posts=summary.labelled, remaining=summary.remaining, model=summary.model)
