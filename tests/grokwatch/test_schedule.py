"""The scheduler labels what comes in, and a failure of one pass does not end the next."""

import threading
from datetime import UTC, datetime

from sqlalchemy import func, select

from classifiers.base import ClassifierError, Label, ModelCard
from classifiers.codebook import Category
from collectors.sample import SampleCollector
from db import sample
from db.models import Label as StoredLabel
from grokwatch.pipeline import store
from grokwatch.schedule import Schedule


def clock() -> datetime:
    return datetime.now(UTC)


class Irrelevant:
    """Finds that nothing is about Grok."""

    card = ModelCard(version="none-1", sha256="0" * 64, metrics={})

    def label(self, documents):
        for _ in documents:
            yield Label(
                relevant=False,
                p_relevant=0.0,
                category=None,
                probabilities=dict.fromkeys(Category, 1 / 6),
                polarity=None,
                aspects=(),
                mentions=(),
                lang="en",
            )


def wait_until(condition, seconds=20):
    done = threading.Event()
    for _ in range(seconds * 20):
        if condition():
            return True
        done.wait(0.05)
    return False


def labels(engine):
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(StoredLabel))


def test_waiting_posts_are_labelled_at_once(sqlite_engine):
    store(sqlite_engine, SampleCollector(), kind=sample.KIND, clock=clock, author_hash=str)
    schedule = Schedule(sqlite_engine, Irrelevant, clock=clock, classify_every_seconds=3600)
    schedule.start()
    try:
        assert wait_until(lambda: labels(sqlite_engine) == 610)
    finally:
        schedule.stop()


def test_a_pass_that_fails_does_not_end_the_schedule(sqlite_engine):
    calls = []

    def load():
        calls.append(1)
        if len(calls) == 1:
            raise ClassifierError("the model file is damaged", mend="install Grokwatch again")
        return Irrelevant()

    store(sqlite_engine, SampleCollector(), kind=sample.KIND, clock=clock, author_hash=str)
    schedule = Schedule(sqlite_engine, load, clock=clock, classify_every_seconds=1)
    schedule.start()
    try:
        assert wait_until(lambda: labels(sqlite_engine) == 610)
    finally:
        schedule.stop()
    assert len(calls) == 2


def test_stopping_ends_the_jobs(sqlite_engine):
    schedule = Schedule(sqlite_engine, Irrelevant, clock=clock, classify_every_seconds=3600)
    schedule.start()
    assert schedule.next_run("classify") is not None
    schedule.stop()
    assert schedule.next_run("classify") is None
