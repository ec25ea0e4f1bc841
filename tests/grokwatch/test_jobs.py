"""The jobs of the scheduler: which there are, and the digest that sends itself once."""

import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd.controller import Controller
from platforms.serving import SimulatedClock

from classifiers.codebook import FIVE
from db.models import Run
from digest.deliver import DeliveryError
from grokwatch.cli.session import load_settings
from grokwatch.jobs import Jobs

WEEK = datetime(2025, 11, 17, tzinfo=UTC)
DUE = WEEK + timedelta(weeks=1, hours=8)


class Inbox:
    """Takes mail, or refuses it with what `answer` says."""

    answer = "250 OK"

    def __init__(self):
        self.envelopes = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.envelopes.append(envelope)
        return self.answer


@pytest.fixture
def inbox(monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Inbox(), hostname="127.0.0.1", port=port)
    controller.start()
    for name, value in {
        "SMTP__HOST": "127.0.0.1", "SMTP__PORT": str(port), "SMTP__TLS": "none", "DIGEST__SENDER": "grokwatch@example.org",
        "DIGEST__RECIPIENTS": "anna@example.org",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"GROKWATCH_{name}", value)
    yield controller.handler
    controller.stop()


@pytest.fixture
def clock():
    return SimulatedClock(DUE - timedelta(minutes=5))


@pytest.fixture
def jobs(sqlite_archive, clock):
    def make():
        return Jobs(
            load_settings(), sqlite_archive.engine, clock=clock, author_hash=str, load_classifier=lambda: None,
            halt=threading.Event(),
        )  # fmt: skip

    return make


def fill(archive, **options):
    for category in FIVE:
        archive.add(9, category, at=WEEK + timedelta(hours=9), **options)


def test_the_digest_goes_out_when_it_is_due_and_once(sqlite_archive, jobs, clock, inbox):
    fill(sqlite_archive)
    jobs().send_digest()
    assert inbox.envelopes == []
    clock.move(timedelta(minutes=10))
    for _ in range(2):
        job = jobs()
        job.send_digest()
        job.send_digest()
    assert len(inbox.envelopes) == 1


def test_a_digest_that_was_not_taken_is_tried_again_an_hour_later(sqlite_archive, jobs, clock, inbox):
    fill(sqlite_archive)
    clock.move(timedelta(minutes=10))
    inbox.answer = "451 try again later"
    job = jobs()
    with pytest.raises(DeliveryError):
        job.send_digest()
    inbox.answer = "250 OK"
    job.send_digest()
    assert inbox.envelopes == []
    clock.move(timedelta(hours=1))
    job.send_digest()
    assert len(inbox.envelopes) == 1
    with sqlite_archive.engine.connect() as connection:
        states = [row.status for row in connection.execute(Run.__table__.select().where(Run.kind == "digest"))]
    assert states == ["failed", "ok"]


@pytest.mark.parametrize("kind", ["sample", None])
def test_samples_and_empty_weeks_are_not_sent(sqlite_archive, jobs, clock, inbox, kind):
    if kind:
        fill(sqlite_archive, kind=kind)
    clock.move(timedelta(minutes=10))
    jobs().send_digest()
    assert inbox.envelopes == []


def test_without_keys_and_mail_there_is_labelling_and_upkeep(jobs):
    assert [job.name for job in jobs().all()] == ["classify", "compliance", "rollups", "alerts"]


def test_keys_and_a_mail_server_bring_their_jobs(jobs, inbox, monkeypatch):
    monkeypatch.setenv("GROKWATCH_X__BEARER_TOKEN", "a token")
    monkeypatch.setenv("GROKWATCH_REDDIT__FEEDS", "true")
    monkeypatch.setenv("GROKWATCH_SCHEDULE__X_MINUTES", "90")
    monkeypatch.setenv("GROKWATCH_SCHEDULE__ALERTS_MINUTES", "20")
    found = {job.name: job.every for job in jobs().all()}
    assert list(found) == ["collect reddit", "collect x", "classify", "compliance", "rollups", "digest", "alerts"]
    assert found["collect x"] == timedelta(minutes=90)
    assert found["alerts"] == timedelta(minutes=20)


def test_upkeep_counts_marked_hours(sqlite_archive, jobs):
    sqlite_archive.add(1, None)
    with sqlite_archive.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM rollups_hourly")
        connection.exec_driver_sql("INSERT INTO rollups_dirty (hour) VALUES ('2025-11-17 00:00:00.000000')")
    jobs().keep_up()
    with sqlite_archive.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT n_posts FROM rollups_hourly").scalars().all() == [1]


def test_work_that_recovers_leaves_a_run_that_says_so(sqlite_archive, jobs, clock):
    with sqlite_archive.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO rollups_dirty (hour) VALUES ('no time')")
    job = jobs()
    with pytest.raises(ValueError, match="no time"):
        job.keep_up()
    with sqlite_archive.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM rollups_dirty")
    for _ in range(3):
        clock.move(timedelta(minutes=5))
        job.keep_up()
    with sqlite_archive.engine.connect() as connection:
        states = [row.status for row in connection.execute(Run.__table__.select().where(Run.kind == "rollups"))]
    assert states == ["failed", "ok"]
