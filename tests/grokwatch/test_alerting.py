"""Alerts from look to delivery: told once, in both languages, delivered until they have arrived."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from archives.history import MONDAY, OUTAGE, USUAL, store_days
from platforms.serving import SimulatedClock
from sqlalchemy import insert, select

from classifiers.codebook import Category
from db import alerts, holes
from db.models import Alert, Hole, Run, Spend
from grokwatch.alerting import GIVE_UP, Alerting, bound
from grokwatch.cli.session import load_settings
from grokwatch.messenger import addresses

NOW = MONDAY + timedelta(days=63, hours=5)


class Hook:
    """A web hook that takes what comes, or refuses it while it is `down`; `on_message` is called before the answer."""

    def __init__(self):
        hook = self
        self.down = False
        self.messages = []
        self.on_message = lambda: None

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not hook.down:
                    hook.messages.append(body)
                    hook.on_message()
                self.send_response(503 if hook.down else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"json://127.0.0.1:{self.server.server_address[1]}/secret-path"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def hook():
    opened = Hook()
    yield opened
    opened.close()


@pytest.fixture
def clock():
    return SimulatedClock(NOW)


@pytest.fixture
def watching(sqlite_engine, clock, monkeypatch):
    """Make the alerts of a process under settings."""

    def make(**settings):
        for name, value in settings.items():
            monkeypatch.setenv(f"GROKWATCH_{name.upper()}", str(value))
        return Alerting(load_settings(), sqlite_engine, clock=clock, halt=threading.Event())

    return make


def stored(engine):
    with engine.connect() as connection:
        return alerts.newest(connection, limit=100)[::-1]


def add_run(engine, kind, status, at, source=None, error=None):
    with engine.begin() as connection:
        row = {"kind": kind, "source": source, "status": status, "started_at": at, "finished_at": at, "error": error}
        return connection.execute(insert(Run).values(row).returning(Run.id)).scalar_one()


def fill_week(engine, numbers=OUTAGE, **options):
    store_days(engine, [numbers] * 7, start=NOW - timedelta(days=7), **options)


# --- shares


def test_a_share_beyond_its_bound_is_told_once_with_its_interval_in_both_languages(sqlite_engine, watching, clock):
    fill_week(sqlite_engine)
    watcher = watching(alerts__shares="latency > 40% of relevant, bias > 40%")
    for _ in range(3):
        watcher.look()
        clock.move(timedelta(hours=1))
    (alert,) = stored(sqlite_engine)
    assert (alert.rule, alert.detail["category"]) == ("share", "latency")
    assert alert.detail["bound"] == 0.4 < alert.detail["low"] < alert.detail["share"] < alert.detail["high"]
    assert "Latency and bugs: 50%" in alert.messages["en"]
    assert "95% interval 4" in alert.messages["en"]
    assert "遅延・バグへの不満" in alert.messages["ja"]
    assert "95%区間" in alert.messages["ja"]


def test_a_share_whose_interval_holds_the_bound_is_not_told(sqlite_engine, watching):
    fill_week(sqlite_engine)
    watching(alerts__shares="latency > 48% of relevant, latency < 52% of relevant").look()
    assert stored(sqlite_engine) == []


def test_too_few_posts_and_sample_posts_are_never_told(sqlite_engine, watching):
    store_days(sqlite_engine, [{Category.LATENCY: 4}] * 7, start=NOW - timedelta(days=7))
    watcher = watching(alerts__shares="latency > 5%")
    watcher.look()
    assert stored(sqlite_engine) == []
    fill_week(sqlite_engine, kind="sample")
    watcher.look()
    assert stored(sqlite_engine) == []


def test_what_goes_on_is_told_again_after_its_cooldown_unless_somebody_took_note(sqlite_engine, watching, clock):
    store_days(sqlite_engine, [OUTAGE] * 30, start=NOW - timedelta(days=7))
    watcher = watching(
        alerts__shares="latency > 40% of relevant", alerts__figures_cooldown_hours=48, alerts__changes=False
    )
    watcher.look()
    clock.move(timedelta(hours=47))
    watcher.look()
    assert len(stored(sqlite_engine)) == 1
    clock.move(timedelta(hours=1))
    watcher.look()
    first, second = stored(sqlite_engine)
    assert first.ended_at == second.fired_at
    with sqlite_engine.begin() as connection:
        assert alerts.acknowledge(connection, [second.id], now=clock()) == [second.id]
    clock.move(timedelta(hours=100))
    watcher.look()
    assert len(stored(sqlite_engine)) == 2


def test_what_ended_may_fire_anew(sqlite_engine, watching, clock):
    store_days(sqlite_engine, [*[OUTAGE] * 7, *[USUAL] * 14, *[OUTAGE] * 7], start=NOW - timedelta(days=7))
    watcher = watching(alerts__shares="latency > 40% of relevant", alerts__changes=False)
    for _ in range(22):
        watcher.look()
        clock.move(timedelta(days=1))
    first, second = stored(sqlite_engine)
    assert first.ended_at is not None
    assert second.ended_at is None
    assert second.fired_at - first.fired_at > timedelta(days=14)


def test_rules_that_say_the_same_have_one_condition():
    assert bound("Latency>40").key == bound("latency > 40.0% of five").key
    assert bound("latency > 40% in ja").key != bound("latency > 40% on ja").key


# --- changes and volumes


def test_a_change_is_told_with_its_size_and_events(sqlite_engine, watching, clock):
    store_days(sqlite_engine, [*[USUAL] * 56, *[OUTAGE] * 9])
    watcher = watching()
    watcher.look()
    clock.move(timedelta(days=1))
    watcher.look()
    found = {alert.condition: alert for alert in stored(sqlite_engine)}
    alert = found["change latency rise"]
    assert [one.condition for one in stored(sqlite_engine)].count("change latency rise") == 1
    assert alert.detail["difference_low"] < alert.detail["difference"] < alert.detail["difference_high"]
    assert "Latency and bugs is rising: +30 pp (95% interval +2" in alert.messages["en"]
    assert alert.messages["en"].count(" pp") == 1
    assert "29 Sep 2025" in alert.messages["en"]
    assert "遅延・バグへの不満が上昇しています" in alert.messages["ja"]


@pytest.mark.parametrize(("last", "told"), [(12, "jump"), (4, None), (0, "drop")])
def test_a_volume_that_jumps_or_drops_is_told_of_platforms_that_are_read(sqlite_engine, watching, last, told):
    store_days(sqlite_engine, [{Category.OTHER: 4 * 24}] * 62)
    if last:
        store_days(sqlite_engine, [{Category.OTHER: last * 24}] * 2, start=MONDAY + timedelta(days=62))
    store_days(sqlite_engine, [{Category.OTHER: 60}] * 62, source="x")  # nobody reads it
    add_run(sqlite_engine, "collect", "ok", NOW - timedelta(hours=1), source="reddit")
    watching(alerts__changes=False).look()
    assert [alert.condition for alert in stored(sqlite_engine)] == ([f"volume reddit {told}"] if told else [])


def test_posts_that_wait_for_a_label_are_no_drop(sqlite_engine, watching):
    store_days(sqlite_engine, [{Category.OTHER: 96}] * 64)
    add_run(sqlite_engine, "collect", "ok", NOW - timedelta(hours=1), source="reddit")
    with sqlite_engine.begin() as connection:
        connection.exec_driver_sql(
            "DELETE FROM labels WHERE post_id IN (SELECT id FROM posts WHERE created_at > '2025-10-05 12:00')"
        )
        connection.exec_driver_sql("DELETE FROM rollups_hourly WHERE hour > '2025-10-05 12:00'")
    watching(alerts__changes=False).look()
    assert stored(sqlite_engine) == []
    with sqlite_engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM posts WHERE id NOT IN (SELECT post_id FROM labels)")
    watching(alerts__changes=False).look()
    assert [alert.condition for alert in stored(sqlite_engine)] == ["volume reddit drop"]


# --- the work itself


@pytest.fixture
def keys(monkeypatch):
    monkeypatch.setenv("GROKWATCH_REDDIT__FEEDS", "true")
    monkeypatch.setenv("GROKWATCH_X__BEARER_TOKEN", "a token")


def test_a_platform_that_is_not_read_is_silent_until_it_is(sqlite_engine, watching, clock, keys):
    add_run(sqlite_engine, "collect", "ok", NOW - timedelta(hours=7), source="reddit")
    add_run(sqlite_engine, "collect", "failed", NOW - timedelta(hours=1), source="reddit")
    watcher = watching(alerts__failures=False)
    watcher.look()
    watcher.look()
    (alert,) = stored(sqlite_engine)
    assert alert.messages["en"] == "Reddit has not been read successfully since 5 Oct 2025, 22:00 UTC."
    add_run(sqlite_engine, "collect", "ok", clock(), source="reddit")
    watcher.look()
    assert stored(sqlite_engine)[0].ended_at is not None


def test_a_platform_without_a_key_or_a_visit_is_not_silent(sqlite_engine, watching, monkeypatch):
    add_run(sqlite_engine, "collect", "ok", NOW - timedelta(days=7), source="reddit")
    monkeypatch.setenv("GROKWATCH_X__BEARER_TOKEN", "a token")
    watching().look()
    assert stored(sqlite_engine) == []


@pytest.mark.parametrize(("spent", "told"), [(39, []), (40, ["80%"]), (49.9, ["100%"])])
def test_the_budget_is_told_at_four_fifths_and_at_its_end(sqlite_engine, watching, keys, spent, told):
    with sqlite_engine.begin() as connection:
        row = {"source": "x", "month": "2025-10", "reserved_usd": spent, "settled_usd": spent, "created_at": NOW}
        connection.execute(insert(Spend).values(row))
    watching().look()
    assert [alert.condition for alert in stored(sqlite_engine)] == [f"budget x 2025-10 {part}" for part in told]


def test_the_spent_budget_follows_the_nearly_spent_one(sqlite_engine, watching, clock, keys):
    watcher = watching()
    for _ in range(2):
        with sqlite_engine.begin() as connection:
            row = {"source": "x", "month": "2025-10", "reserved_usd": 25, "settled_usd": 25, "created_at": NOW}
            connection.execute(insert(Spend).values([row]))
            connection.execute(insert(Spend).values([row | {"reserved_usd": 17, "settled_usd": 17}]))
        for _ in range(4):
            watcher.look()
            clock.move(timedelta(days=2))
    first, second = stored(sqlite_engine)
    assert "84% of the month's budget for X is spent: 42.00 of 50.00 USD" in first.messages["en"]
    assert (first.ended_at, second.ended_at) == (second.fired_at, None)


def test_holes_are_told_together_and_once(sqlite_engine, watching, clock):
    def note(*streams):
        run = add_run(sqlite_engine, "collect", "ok", clock(), source="reddit")
        rows = [
            {"source": "reddit", "stream": stream, "starts_at": clock() - timedelta(hours=9), "noted_at": clock(),
             "ends_at": clock() - timedelta(hours=6), "reason": "gone", "run_id": run}
            for stream in streams
        ]  # fmt: skip
        with sqlite_engine.begin() as connection:
            connection.execute(insert(Hole), rows)

    note("r/a", "r/b", "r/c", "r/d", "r/e")
    watcher = watching()
    watcher.look()
    watcher.look()
    clock.move(timedelta(hours=2))
    note("r/f")
    watcher.look()
    assert len(stored(sqlite_engine)) == 1
    assert "r/a, r/b, r/c and 2 more" in stored(sqlite_engine)[0].messages["en"]
    clock.move(timedelta(hours=23))
    watcher.look()
    assert stored(sqlite_engine)[1].detail["streams"] == ["r/f"]


def test_old_holes_are_no_news(sqlite_engine, watching, clock):
    run = add_run(sqlite_engine, "collect", "ok", NOW, source="reddit")
    with sqlite_engine.begin() as connection:
        old = NOW - timedelta(days=3)
        connection.execute(
            insert(Hole).values(
                source="reddit", stream="r/a", starts_at=old, ends_at=NOW, reason="gone", run_id=run, noted_at=old
            )
        )
        assert holes.count(connection) == 1
    watching().look()
    assert stored(sqlite_engine) == []


def test_a_job_is_told_when_it_fails_twice_in_a_row(sqlite_engine, watching):
    add_run(sqlite_engine, "classify", "failed", NOW - timedelta(minutes=9), error="the disk is full")
    watcher = watching()
    watcher.look()
    assert stored(sqlite_engine) == []
    add_run(sqlite_engine, "classify", "interrupted", NOW - timedelta(minutes=8))
    add_run(sqlite_engine, "classify", "failed", NOW - timedelta(minutes=7), error="the disk is still full")
    watcher.look()
    (alert,) = stored(sqlite_engine)
    assert (
        alert.messages["en"]
        == "Labelling has failed twice in a row, last on 6 Oct 2025, 04:53 UTC: the disk is still full"
    )
    add_run(sqlite_engine, "classify", "ok", NOW)
    watcher.look()
    assert stored(sqlite_engine)[0].ended_at is not None


# --- delivery


def fire(engine, at=NOW):
    with engine.begin() as connection:
        return alerts.fire(
            connection, "silent", "X is silent", message_ja="Xが沈黙", now=at, condition="silent x", lasting=True
        )


def test_an_alert_is_delivered_once_with_its_number(sqlite_engine, watching, hook):
    number = fire(sqlite_engine)
    watcher = watching(alerts__urls=hook.url)
    assert watcher.deliver().delivered == (number,)
    assert watcher.deliver().delivered == ()
    (message,) = hook.messages
    assert message["title"] == "Grokwatch: A platform is silent"
    assert message["message"].splitlines() == ["X is silent", "", f"Alert {number}, 6 Oct 2025, 05:00 UTC"]
    assert stored(sqlite_engine)[0].delivered_at == NOW


def test_the_language_of_the_settings_is_spoken(sqlite_engine, watching, hook):
    fire(sqlite_engine)
    watching(alerts__urls=hook.url, language="ja").deliver()
    assert "Xが沈黙" in hook.messages[0]["message"]


def test_what_was_not_taken_is_tried_again_later_and_alone(sqlite_engine, watching, hook, clock):
    other = Hook()
    try:
        other.down = True
        number = fire(sqlite_engine)
        watcher = watching(alerts__urls=f"{hook.url}, {other.url}")
        assert watcher.deliver().failed == (number,)
        assert watcher.deliver().failed == ()  # not yet due
        clock.move(timedelta(minutes=5))
        assert watcher.deliver().failed == (number,)
        other.down = False
        clock.move(timedelta(minutes=9))
        assert watcher.deliver().delivered == ()
        clock.move(timedelta(minutes=1))
        assert watcher.deliver().delivered == (number,)
        assert (len(hook.messages), len(other.messages)) == (1, 1)
    finally:
        other.close()


def test_delivery_is_given_up_after_two_days(sqlite_engine, watching, hook, clock):
    hook.down = True
    fire(sqlite_engine)
    watcher = watching(alerts__urls=hook.url)
    attempts = 0
    while clock() < NOW + GIVE_UP + timedelta(days=1):
        attempts += len(watcher.deliver().failed)
        clock.move(timedelta(minutes=15))
    assert 10 < attempts < 25
    with sqlite_engine.connect() as connection:
        assert alerts.count_undelivered(connection, since=NOW, before=clock() - GIVE_UP) == (0, 1)


def test_without_an_address_alerts_wait_for_one(sqlite_engine, watching, hook):
    fire(sqlite_engine)
    assert watching().deliver().failed == ()
    assert len(watching(alerts__urls=hook.url).deliver().delivered) == 1


def test_what_somebody_took_note_of_is_not_sent_any_more(sqlite_engine, watching, hook, clock):
    number = fire(sqlite_engine)
    with sqlite_engine.begin() as connection:
        assert alerts.acknowledge(connection, [number, 99], now=clock()) == [number]
    watching(alerts__urls=hook.url).deliver()
    assert hook.messages == []


def test_addresses_are_never_shown(hook):
    from pydantic import SecretStr

    good, bad = addresses([SecretStr(hook.url), SecretStr("nonsense://secret")])
    assert (good.name, good.usable) == ("address 1 (JSON)", True)
    assert (bad.name, bad.usable) == ("address 2", False)
    assert "secret" not in f"{good.name} {good.mark} {bad.name} {bad.mark}"


SENDER = """
import sys, threading
from datetime import datetime, timezone
from db.engine import open_engine
from grokwatch.alerting import Alerting
from grokwatch.cli.session import load_settings
now = datetime.fromisoformat(sys.argv[1])
settings = load_settings()
Alerting(settings, open_engine(settings.database_url), clock=lambda: now, halt=threading.Event()).deliver()
"""


def test_killed_between_sending_and_marking_it_is_sent_again_under_the_same_number(
    sqlite_engine, sqlite_url, hook, watching
):
    number = fire(sqlite_engine)
    environment = os.environ | {"GROKWATCH_ALERTS__URLS": hook.url, "GROKWATCH_DATABASE_URL": sqlite_url}
    process = subprocess.Popen([sys.executable, "-c", SENDER, NOW.isoformat()], env=environment)
    hook.on_message = lambda: os.kill(process.pid, signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL
    hook.on_message = lambda: None
    assert stored(sqlite_engine)[0].delivered_at is None
    watcher = watching(alerts__urls=hook.url)
    assert watcher.deliver().delivered == (number,)
    watcher.deliver()
    assert len(hook.messages) == 2
    assert {message["message"] for message in hook.messages} == {hook.messages[0]["message"]}


def test_alerts_of_either_database_come_back_as_they_were_stored(engine):
    with engine.begin() as connection:
        number = fire_with_detail(connection)
        alerts.note_delivery(connection, number, ["abc"], delivered_at=None, retry_at=NOW + timedelta(hours=1))
        (alert,) = alerts.running(connection)
        assert (alert.id, alert.detail, alert.attempts, alert.delivered_to) == (number, {"share": 0.5}, 1, ("abc",))
        assert alerts.waiting(connection, now=NOW, since=NOW - GIVE_UP) == []
        assert len(alerts.waiting(connection, now=NOW + timedelta(hours=1), since=NOW - GIVE_UP)) == 1
        assert alerts.last_fired(connection, "share latency") == NOW
        alerts.end(connection, [number], now=NOW)
        assert alerts.running(connection) == []
        assert connection.scalar(select(Alert.ended_at)) == datetime(2025, 10, 6, 5, tzinfo=UTC)


def fire_with_detail(connection):
    return alerts.fire(
        connection, "share", "told", now=NOW, detail={"share": 0.5}, condition="share latency", lasting=True
    )
