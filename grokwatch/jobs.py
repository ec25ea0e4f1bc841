"""What the scheduler does: each job a function without arguments that ends when it is asked to and leaves a run behind."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from classifiers.base import Classifier
from collectors.base import Page
from db import retention, rollups, runs
from db.errors import DatabaseError
from db.ingest import AuthorHash, Stored
from db.lease import Lease, held
from grokwatch import alerting, compliance, platforms, visits, weekly
from grokwatch.alerting import Alerting
from grokwatch.pipeline import Clock, Stopped, classify
from grokwatch.platforms import Platform
from grokwatch.post_office import post_office
from grokwatch.settings import Settings
from grokwatch.visits import VisitReport

REWRITE_EVERY: Final = timedelta(hours=24)
"""How often the database file is written anew, where posts were removed: within the day that X allows."""

RETRY_MAIL: Final = timedelta(hours=1)
PATIENCE_SECONDS: Final = 0.5
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A piece of work and the distance between its beginnings; `after` is how long the first one waits."""

    name: str
    run: Callable[[], None]
    every: timedelta
    after: timedelta = timedelta(0)


class Jobs:
    """The jobs of one process.

    Parameters
    ----------
    halt
        Set when the work is to end: jobs end after the page or batch in hand, and waits at once.
    load_classifier
        Called when the first post waits for a label.
    sleep
        How limits are waited out; by default a wait that ends with `halt`.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        *,
        clock: Clock,
        author_hash: AuthorHash,
        load_classifier: Callable[[], Classifier],
        halt: threading.Event,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock
        self._author_hash = author_hash
        self._load_classifier = load_classifier
        self._halt = halt
        self._sleep = sleep or self._wait
        self._classifier: Classifier | None = None
        self._platforms: dict[str, Platform] = {}
        self._busy = {source: threading.Lock() for source in platforms.SOURCES}
        self._swept_at = self._rewritten_at = clock() - REWRITE_EVERY
        self._mail_failed_at: datetime | None = None
        self._alerting: Alerting | None = None

    def all(self) -> list[Job]:
        """Give the jobs that the settings allow: no visit to a platform without a key, no digest without a mail server."""
        given = self._settings.schedule
        open_to_us = platforms.accessible(self._settings)
        minutes = {"reddit": given.reddit_minutes, "x": given.x_minutes}
        jobs = [
            Job(name=f"collect {source}", run=self._collecting(source), every=timedelta(minutes=minutes[source]))
            for source in open_to_us
        ]
        jobs.append(
            Job(name="classify", run=self.label, every=timedelta(seconds=self._settings.classify_every_seconds))
        )
        minute = timedelta(minutes=1)
        every = timedelta(minutes=given.compliance_minutes)
        jobs.append(Job(name="compliance", run=self.comply, every=every, after=5 * minute))
        jobs.append(Job(name="rollups", run=self.keep_up, every=timedelta(minutes=given.rollups_minutes), after=minute))
        if post_office(self._settings, self._settings.digest.recipients) is not None:
            jobs.append(Job(name="digest", run=self.send_digest, every=10 * minute, after=2 * minute))
        # After a start the first visits come first: until then a platform seems silent for as long as nothing ran.
        jobs.append(Job(name="alerts", run=self.tell, every=timedelta(minutes=given.alerts_minutes), after=10 * minute))
        return jobs

    def close(self) -> None:
        """Close the connections to the platforms."""
        for platform in self._platforms.values():
            platform.close()

    def collect(
        self, source: str, *, again: bool = False, on_page: Callable[[Page, Stored], None] | None = None
    ) -> VisitReport | None:
        """Visit a platform; None where another process is at it. `again` asks parked streams too."""
        with self._noted(visits.KIND, source), self._turn(source) as mine:
            if not mine:
                log.info("another process reads this platform", source=source)
                return None
            report = visits.visit(
                self._engine,
                source,
                self._platform(source).streams(),
                clock=self._clock,
                author_hash=self._author_hash,
                again=again,
                on_page=on_page,
                stopped=self._halt.is_set,
            )
        told = {trouble.error: trouble for trouble in reversed(report.troubles)}
        for trouble in told.values():
            log.warning("trouble", source=source, stream=trouble.stream, error=trouble.error, mend=trouble.mend)
        if report.total("new") or report.total("changed"):
            log.info("collected", source=source, new=report.total("new"), changed=report.total("changed"))
        return report

    def busy(self, source: str) -> tuple[str, str]:
        """Say who is at a platform, and what to do about it."""
        holding = Lease(self._engine, f"platform {source}", clock=self._clock).holding()
        whom = holding.process if holding else "another process"
        return f"{whom} is reading {source}", "wait until it is done: it stores the same posts"

    def label(self) -> None:
        """Label the posts that wait for it."""
        with self._noted("classify", None):
            if self._classifier is None:
                self._classifier = self._load_classifier()
            done = classify(self._engine, self._classifier, clock=self._clock, stopped=self._halt.is_set)
        if done.labelled:
            log.info("labelled", posts=done.labelled, remaining=done.remaining, model=done.model)
        if done.failed:
            log.warning("no usable answer", posts=done.failed, model=done.model)

    def comply(self) -> None:
        """Ask whether stored posts still stand, and remove the traces of those that do not; each platform for itself."""
        troubles: list[Exception] = []
        for source in platforms.accessible(self._settings):
            try:
                self._recheck(source)
            except (Stopped, SQLAlchemyError, DatabaseError):
                raise
            except Exception as trouble:  # noqa: BLE001 - the other platform's posts must not wait for this one
                troubles.append(trouble)
        self._tidy()
        if troubles:
            raise troubles[0]

    def keep_up(self) -> None:
        """Count the hours anew that something left marked."""
        with self._noted("rollups", None), self._engine.begin() as connection:
            hours = rollups.refresh(connection)
        if hours:
            log.info("hours counted anew", hours=hours)

    def send_digest(self) -> None:
        """Send the digest that is due; one that failed is tried again every hour."""
        given, now = self._settings.schedule, self._clock()
        if self._mail_failed_at is not None and abs(now - self._mail_failed_at) < RETRY_MAIL:
            return
        week = weekly.due_week(now, weekday=given.digest_weekday, hour=given.digest_hour, timezone=given.timezone)
        office = post_office(self._settings, self._settings.digest.recipients)
        if week is None or office is None:
            return
        self._mail_failed_at = now
        with self._noted("digest", None):
            sent = weekly.send(
                self._engine,
                week,
                self._settings.digest_language,
                office,
                dashboard_url=self._settings.digest.dashboard_url,
                clock=self._clock,
            )
        self._mail_failed_at = None
        if sent is not None:
            log.info("digest sent", week=str(week), recipients=sent.recipients)

    def tell(self) -> None:
        """Look at what should be told, and deliver it."""
        with self._noted(alerting.KIND, None):
            if self._alerting is None:
                self._alerting = Alerting(self._settings, self._engine, clock=self._clock, halt=self._halt)
            self._alerting.run()

    def _wait(self, seconds: float) -> None:
        """Wait, unless the work is to end."""
        if self._halt.wait(seconds):
            raise Stopped

    def _collecting(self, source: str) -> Callable[[], None]:
        def run() -> None:
            self.collect(source)

        return run

    def _platform(self, source: str) -> Platform:
        if source not in self._platforms:
            self._platforms[source] = platforms.platform(
                source, self._settings, self._engine, clock=self._clock, sleep=self._sleep
            )
        return self._platforms[source]

    def _recheck(self, source: str) -> None:
        with self._noted(compliance.KIND, source), self._turn(source) as mine:
            platform = self._platform(source)
            checker = platform.checker()
            if not mine or checker is None:
                return
            with platform.paying_for_compliance():
                report = compliance.recheck(
                    self._engine,
                    checker,
                    platform.due(self._clock()),
                    clock=self._clock,
                    author_hash=self._author_hash,
                    stopped=self._halt.is_set,
                )
        if report.asked:
            log.info("asked again", source=source, posts=report.asked, changed=report.changed, buried=report.buried)

    def tidy_after(self, began: datetime) -> None:
        """Clear files and log of posts that were removed since a moment, for those who collect without a schedule."""
        compliance.tidy(self._engine, since=began, rewritten=False)

    def _tidy(self) -> None:
        """Clear files and log of what was removed; once a day write the database anew, where something was."""
        now = self._clock()
        with self._engine.connect().execution_options(read_only=True) as connection:
            stale = retention.any_buried_since(connection, self._rewritten_at)
        rewritten = stale and abs(now - self._rewritten_at) >= REWRITE_EVERY
        with self._noted(compliance.KIND, None):
            compliance.tidy(
                self._engine, since=self._rewritten_at if rewritten else self._swept_at, rewritten=rewritten
            )
        self._swept_at = now
        if rewritten:
            self._rewritten_at = now

    @contextmanager
    def _turn(self, source: str) -> Generator[bool]:
        """Wait until this process is done with a platform, then claim it against other processes; False: another has it."""
        lock = self._busy[source]
        while not lock.acquire(timeout=PATIENCE_SECONDS):
            if self._halt.is_set():
                raise Stopped
        try:
            with held(Lease(self._engine, f"platform {source}", clock=self._clock), wait=self._halt.wait) as mine:
                yield mine
        finally:
            lock.release()

    @contextmanager
    def _noted(self, kind: str, source: str | None) -> Generator[None]:
        """See to it that a failure is on record, also one that came before a run began."""
        began = self._clock()
        try:
            yield
        except Stopped:
            raise
        except Exception as failure:
            with self._engine.begin() as connection:
                if not runs.has_failed_since(connection, kind, source=source, moment=began):
                    told = str(failure) or type(failure).__name__
                    runs.note_failure(connection, kind, told, source=source, now=self._clock())
            raise
        with self._engine.connect().execution_options(read_only=True) as connection:
            recovered = runs.failed_last_before(connection, kind, source=source, moment=began)
        if recovered:  # work that leaves a run of its own only when it fails would seem to fail for ever
            with self._engine.begin() as connection:
                run_id = runs.start_run(connection, kind, source=source, now=began)
                runs.finish_run(connection, run_id, now=self._clock())
