"""Thirty labelled posts with an author each, for questions in SQL."""

from datetime import UTC, datetime, timedelta

import pytest

from classifiers.base import Label, ModelCard
from classifiers.codebook import Aspect, Category, Polarity
from collectors.base import Cursor, Kind, Page, RawPost
from db import labels, rollups, runs
from db.ingest import store_page

START = datetime(2025, 11, 17, 8, tzinfo=UTC)


def fill(engine) -> None:
    posts = tuple(
        RawPost(
            source="reddit" if number % 3 else "x",
            source_id=f"p{number}",
            kind=Kind.COMMENT,
            thread_id=f"t{number % 7}",
            created_at=START + timedelta(hours=number),
            text=f'=Grok, "number" {number}\nin two lines 速い',
            author=f"secret author {number}",
            lang=("en", "ja", None)[number % 3],
            score=number,
        )
        for number in range(1, 31)
    )
    label = Label(
        relevant=True,
        p_relevant=0.75,
        category=Category.BIAS,
        probabilities={category: (0.5 if category is Category.BIAS else 0.1) for category in Category},
        polarity=Polarity.NEGATIVE,
        aspects=(Aspect.SPEED, Aspect.CODING),
        mentions=(),
        lang="en",
    )
    with engine.begin() as connection:
        run = runs.start_run(connection, "import", source="reddit", now=START, detail={"stream": "file"})
        page = Page(posts=posts, cursor=Cursor(stream="file", value="secret cursor"), read=30)
        store_page(connection, page, source="reddit", run_id=run, now=START, author_hash=str.upper)
        runs.finish_run(connection, run, now=START)
        model = labels.register_model(
            connection, ModelCard(version="m1", sha256="0" * 64, metrics={"f1": 0.5}), now=START
        )
        waiting = labels.unlabelled_posts(connection, model, after=0, limit=100)
        labels.store_labels(connection, model, [(post, label) for post in waiting], now=START)
        rollups.refresh(connection)


@pytest.fixture(scope="session", name="fill")
def _fill():
    """The function that fills a database whose schema is up."""
    return fill
