"""A factory of labelled posts, through the same doors that the pipeline uses."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from classifiers.base import Label, ModelCard
from classifiers.codebook import Category
from collectors.base import Kind, Page, RawPost
from db import labels, runs
from db.ingest import store_page

MONDAY = datetime(2025, 11, 17, tzinfo=UTC)


class Archive:
    """Posts and labels of one database; every `add` stores posts that all look the same."""

    def __init__(self, engine):
        self.engine = engine
        self.numbers = count(1)

    def add(self, n, category, *, at=MONDAY, thread=None, source="reddit", lang="en", p_relevant=1.0,
            probabilities=None, inclusion=1.0, model="model-1", kind="import", labelled=True):  # fmt: skip
        """Store `n` posts; without a `thread` each is a thread of its own; `category` None is not about Grok."""
        numbers = [next(self.numbers) for _ in range(n)]
        posts = tuple(
            RawPost(
                source=source,
                source_id=f"p{number}",
                kind=Kind.COMMENT,
                thread_id=thread or f"t{number}",
                created_at=at + timedelta(microseconds=number),
                text=f"Grok, number {number}",
                author=f"author {number}",
                lang=lang,
                inclusion_probability=inclusion,
            )
            for number in numbers
        )
        with self.engine.begin() as connection:
            run = runs.start_run(connection, kind, source=source, now=at)
            store_page(connection, Page(posts=posts, read=n), source=source, run_id=run, now=at, author_hash=str.upper)
            runs.finish_run(connection, run, now=at)
        if labelled:
            self.label(category, model=model, p_relevant=p_relevant, probabilities=probabilities)

    def label(self, category, *, model="model-1", p_relevant=1.0, probabilities=None):
        """Label all posts that wait for this model."""
        given = probabilities or {category or Category.OTHER: 1.0}
        label = Label(
            relevant=category is not None,
            p_relevant=p_relevant if category is not None else 1.0 - p_relevant,
            category=category,
            probabilities={name: given.get(name, 0.0) for name in Category},
            polarity=None,
            aspects=(),
            mentions=(),
            lang="en",
        )
        with self.engine.begin() as connection:
            card = ModelCard(version=model, sha256="0" * 64, metrics={})
            model_id = labels.register_model(connection, card, now=MONDAY)
            waiting = labels.unlabelled_posts(connection, model_id, after=0, limit=100_000)
            for start in range(0, len(waiting), 500):
                pairs = [(post, label) for post in waiting[start : start + 500]]
                labels.store_labels(connection, model_id, pairs, now=MONDAY)
        return model_id


@pytest.fixture
def archive(engine):
    """Labelled posts on either database."""
    return Archive(engine)


@pytest.fixture
def sqlite_archive(sqlite_engine):
    """Labelled posts on SQLite."""
    return Archive(sqlite_engine)
