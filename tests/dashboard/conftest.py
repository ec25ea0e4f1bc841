"""Databases of posts written for these tests, and the dashboard run against them without a browser."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import dashboard
from classifiers.base import Label, ModelCard
from classifiers.codebook import FIVE, Category
from collectors.base import Kind, Page, RawPost
from db import ingest, labels, rollups, runs, schema
from db.engine import open_engine

APP = Path(dashboard.__file__).with_name("app.py")
MONDAY = datetime(2025, 10, 20, tzinfo=UTC)
WEEKS = 8
REPORT = dict(zip(FIVE, (14, 12, 8, 4, 2), strict=True))
"""Posts a week, in the proportions of the report."""

REDDIT = {**REPORT, Category.EXCITEMENT: 4, Category.LATENCY: 22}


def post(number: int, at: datetime, *, source: str, lang: str) -> RawPost:
    return RawPost(
        source=source,
        source_id=f"t{number}",
        kind=Kind.POST,
        thread_id=f"t{number}",
        created_at=at,
        text=f"Grok, remark {number}",
        lang=lang,
    )


def label(category: Category, lang: str) -> Label:
    return Label(
        relevant=True,
        p_relevant=1.0,
        category=category,
        probabilities={one: float(one is category) for one in Category},
        polarity=None,
        aspects=(),
        mentions=(),
        lang=lang,
    )


def store(
    url: str,
    *,
    weeks: int = WEEKS,
    start: datetime = MONDAY,
    kind: str = "import",
    labelled: bool = True,
    per_week=None,
) -> None:
    """Store the same posts every week: those of X in English in the report's proportions, those of Reddit in Japanese."""
    engine = open_engine(url)
    schema.upgrade(engine)
    wanted = [
        (source, lang, category)
        for source, lang, numbers in (("x", "en", per_week or REPORT), ("reddit", "ja", {} if per_week else REDDIT))
        for category, number in numbers.items()
        for _ in range(number)
    ]
    posts: list[RawPost] = []
    categories: list[Category] = []
    for week in range(weeks):
        for position, (source, lang, category) in enumerate(wanted):
            at = start + timedelta(weeks=week, hours=1 + position)
            posts.append(post(len(posts), at, source=source, lang=lang))
            categories.append(category)
    now = start + timedelta(weeks=weeks)
    with engine.begin() as connection:
        run = runs.start_run(connection, kind, source="x", now=now)
        page = Page(posts=tuple(posts), read=len(posts))
        ingest.store_page(connection, page, source="x", run_id=run, now=now, author_hash=str)
        runs.finish_run(connection, run, now=now)
        if labelled:
            model = labels.register_model(connection, ModelCard(version="test", sha256="0" * 64, metrics={}), now=now)
            waiting = labels.unlabelled_posts(connection, model, after=0, limit=100_000)
            pairs = [(one, label(category, "en")) for one, category in zip(waiting, categories, strict=True)]
            labels.store_labels(connection, model, pairs, now=now)
            rollups.refresh(connection)
    engine.dispose()


@pytest.fixture
def fill() -> Callable[..., None]:
    """Give the function that fills a database."""
    return store


@pytest.fixture
def serve(monkeypatch) -> Iterator[Callable[..., AppTest]]:
    """Give the dashboard of a database, drawn once with the parameters of an address."""

    def run(url: str, **params: str) -> AppTest:
        monkeypatch.setenv("GROKWATCH_DATABASE_URL", url)
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in params.items():
            app.query_params[name] = value
        return app.run()

    yield run
    st.cache_data.clear()
    st.cache_resource.clear()  # closes the databases
