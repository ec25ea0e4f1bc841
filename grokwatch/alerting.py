"""Looks at what should be told, stores what is news, and delivers it until it has arrived.

An alert is stored before it is sent and marked after: a process that is killed in between sends it again, under the same number.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection, Engine

from db import alerts
from db.alerts import StoredAlert
from db.rollups import hour_of
from grokwatch import platforms, visits
from grokwatch.messenger import Address, addresses, send
from grokwatch.pipeline import Clock
from grokwatch.settings import Settings
from grokwatch.share_rules import ShareRule, parse
from insights.alerts import FIGURES, Bound, Condition, Rule, change_condition, news, share_conditions, volume_conditions
from insights.catalogue import LANGUAGES, Catalogue, load
from insights.detection import LOOK_RATE
from insights.findings import detected
from insights.sample import is_sample
from insights.shares import Denominator
from insights.watch import Detection, detect
from insights.wording import moment_name
from insights.work_alerts import (
    budget_conditions,
    hole_conditions,
    job_conditions,
    live_sources,
    silent_conditions,
)

KIND: Final = "alerts"
"""The kind of run."""

GIVE_UP: Final = timedelta(hours=48)
"""How long delivery of an alert is tried."""

FIRST_RETRY: Final = timedelta(minutes=5)
LAST_RETRY: Final = timedelta(hours=6)
LIVE: Final = timedelta(hours=24)
GOING_ON: Final = 5.0
"""By how much more lenient detection is with a change that has been told: it ends when it is gone, not when it wavers."""

BUDGET_COOLDOWN: Final = timedelta(days=31)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look brought: numbers of alerts."""

    fired: tuple[int, ...]
    ended: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How deliveries went: alerts that every address has now, and those that one has not."""

    delivered: tuple[int, ...]
    failed: tuple[int, ...]


class Alerting:
    """The alerts of one process.

    Parameters
    ----------
    halt
        Set when the work is to end: no further message is sent.
    """

    def __init__(self, settings: Settings, engine: Engine, *, clock: Clock, halt: threading.Event) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock
        self._halt = halt
        self._words = {language: load(language, "dashboard") for language in LANGUAGES}
        self._bounds = [bound(text) for text in settings.alerts.shares]
        self._seen: tuple[datetime, list[Detection], list[Detection]] | None = None

    def run(self) -> None:
        """Look, then deliver."""
        looked = self.look()
        if looked.fired:
            log.info("alerts fired", alerts=list(looked.fired))
        sent = self.deliver()
        if sent.failed:
            log.warning("alerts could not be delivered, they are tried again", alerts=list(sent.failed))

    def look(self) -> Look:
        """Store what is news, and the end of what has ended."""
        now = self._clock()
        with self._engine.connect().execution_options(read_only=True) as connection:
            going_on = {alert.condition for alert in alerts.running(connection)}
            sample = is_sample(connection)
            conditions = self._of_work(connection, now)
            if not sample:
                conditions += self._of_figures(connection, now, going_on)
        with self._engine.begin() as connection:
            found = news(
                conditions,
                alerts.running(connection),
                now=now,
                cooldown=self._cooldown,
                silenced=FIGURES if sample else (),
            )
            alerts.end(connection, found.ended, now=now)
            fired = tuple(self._store(connection, condition, now) for condition in found.fired)
        return Look(fired=fired, ended=found.ended)

    def deliver(self) -> Delivery:
        """Send what waits to every address that has not got it; what fails is tried again later, for two days."""
        given = addresses(self._settings.alerts.urls)
        if not given:
            return Delivery(delivered=(), failed=())
        now = self._clock()
        with self._engine.connect().execution_options(read_only=True) as connection:
            waiting = alerts.waiting(connection, now=now, since=now - GIVE_UP)
        delivered: list[int] = []
        failed: list[int] = []
        for alert in waiting:
            if self._halt.is_set():
                break
            (delivered if self._deliver(alert, given) else failed).append(alert.id)
        return Delivery(delivered=tuple(delivered), failed=tuple(failed))

    def _deliver(self, alert: StoredAlert, given: Sequence[Address]) -> bool:
        title, body = self.wording(alert)
        arrived = list(alert.delivered_to)
        for address in given:
            if address.mark not in arrived and send(address, title=title, body=body):
                arrived.append(address.mark)
        everywhere = all(address.mark in arrived for address in given)
        now = self._clock()
        with self._engine.begin() as connection:
            alerts.note_delivery(
                connection,
                alert.id,
                arrived,
                delivered_at=now if everywhere else None,
                retry_at=None if everywhere else now + retry_after(alert.attempts),
            )
        return everywhere

    def wording(self, alert: StoredAlert) -> tuple[str, str]:
        """Give title and text of an alert's message."""
        language = self._settings.alerts_language
        words = self._words[language]
        lines = [
            alert.messages.get(language, alert.messages["en"]),
            words("alert.delivery.id", id=alert.id, moment=moment_name(alert.fired_at, words)),
        ]
        if self._settings.digest.dashboard_url:
            lines.append(words("alert.delivery.dashboard", url=self._settings.digest.dashboard_url))
        return words("alert.delivery.title", rule=_rule_name(alert.rule, words)), "\n\n".join(lines)

    def _store(self, connection: Connection, condition: Condition, now: datetime) -> int:
        return alerts.fire(
            connection,
            condition.rule.value,
            condition.tell(self._words["en"]),
            message_ja=condition.tell(self._words["ja"]),
            now=now,
            detail=dict(condition.detail),
            condition=condition.key,
            lasting=condition.lasting,
        )

    def _cooldown(self, rule: Rule) -> timedelta:
        if rule is Rule.BUDGET:
            return BUDGET_COOLDOWN
        given = self._settings.alerts
        return timedelta(hours=given.figures_cooldown_hours if rule in FIGURES else given.cooldown_hours)

    def _of_work(self, connection: Connection, now: datetime) -> list[Condition]:
        given = self._settings.alerts
        found: list[Condition] = []
        if given.silent_hours:
            found += silent_conditions(
                connection,
                platforms.accessible(self._settings),
                kind=visits.KIND,
                now=now,
                after=timedelta(hours=given.silent_hours),
            )
        if given.budget and self._settings.x.bearer_token is not None:
            found += budget_conditions(connection, "x", budget_usd=self._settings.x.monthly_budget_usd, now=now)
        if given.holes:
            found += hole_conditions(connection, now=now, cooldown=self._cooldown(Rule.HOLE))
        if given.failures:
            found += job_conditions(connection)
        return found

    def _of_figures(self, connection: Connection, now: datetime, going_on: set[str]) -> list[Condition]:
        given = self._settings.alerts
        found = share_conditions(connection, self._bounds, now=now, running=going_on)
        if given.changes:
            found += self._changes(connection, now, going_on)
        if given.volume_factor:
            live = live_sources(connection, kind=visits.KIND, now=now, within=LIVE)
            found += volume_conditions(
                connection, live, now=now, factor=max(1.0, given.volume_factor), running=going_on
            )
        return found

    def _changes(self, connection: Connection, now: datetime, going_on: set[str]) -> list[Condition]:
        """Find what changes; the series are looked at once an hour, because a day more makes the difference."""
        hour = hour_of(now)
        if self._seen is None or self._seen[0] != hour:
            clear = detect(connection, now=now)
            known = any(key.startswith(Rule.CHANGE.value) for key in going_on)
            faint = detect(connection, now=now, rate=LOOK_RATE * GOING_ON) if known else []
            self._seen = hour, clear, faint
        _, clear, faint = self._seen
        told = {
            condition.key: condition
            for detection in (*faint, *clear)
            if (condition := change_condition(detected(connection, detection, now=now), running=going_on)) is not None
            and (detection in clear or condition.key in going_on)
        }
        return list(told.values())


def bound(text: str) -> Bound:
    """Read a rule of the settings as a bound."""
    rule: ShareRule = parse(text)
    side = ">" if rule.above else "<"
    where = f"{f' in {rule.lang}' if rule.lang else ''}{f' on {rule.source}' if rule.source else ''}"
    return Bound(
        key=f"share {rule.category} {side} {rule.bound:.4g} of {rule.of}{where}",
        category=rule.category,
        above=rule.above,
        bound=rule.bound,
        denominator=Denominator(rule.of),
        source=rule.source,
        lang=rule.lang,
    )


def retry_after(attempts: int) -> timedelta:
    """Give the wait after so many failed attempts before this one: it doubles, up to six hours."""
    return min(FIRST_RETRY * 2 ** min(attempts, 10), LAST_RETRY)


def send_test(settings: Settings) -> list[tuple[Address, bool]]:
    """Send a message to every address that says that it is a test, and tell which took it."""
    words = load(settings.alerts_language)
    title, body = words("alert.test.title"), words("alert.test.body")
    return [(address, send(address, title=title, body=body)) for address in addresses(settings.alerts.urls)]


def _rule_name(rule: str, words: Catalogue) -> str:
    try:
        return words(f"alert.rule.{rule}")
    except KeyError:
        return rule
