"""`classify` is tested with a classifier that finds everything fine; the shipped model has its own tests."""

from datetime import UTC, datetime

import pytest

from classifiers.base import Label, ModelCard
from classifiers.codebook import Category, Polarity
from collectors.sample import SampleCollector
from db import sample
from grokwatch.cli.classify import Labelled, label_waiting, sentence
from grokwatch.pipeline import store


class FindsEverythingFine:
    card = ModelCard(version="fine-1", sha256="0" * 64, metrics={})

    def label(self, documents):
        for document in documents:
            yield Label(
                relevant=True,
                p_relevant=0.9,
                category=Category.SATISFACTION,
                probabilities={category: float(category is Category.SATISFACTION) for category in Category},
                polarity=Polarity.POSITIVE,
                aspects=(),
                mentions=(),
                lang=document.lang or "en",
            )


@pytest.fixture
def posts(sqlite_engine):
    """How many sample posts the database holds."""
    summary = store(
        sqlite_engine,
        SampleCollector(),
        kind=sample.KIND,
        clock=lambda: datetime(2025, 12, 1, tzinfo=UTC),
        author_hash=str,
    )
    return summary.new


def test_a_limit_leaves_the_rest_and_the_next_call_goes_on(sqlite_engine, posts):
    first = label_waiting(sqlite_engine, FindsEverythingFine(), limit=25)
    second = label_waiting(sqlite_engine, FindsEverythingFine())
    third = label_waiting(sqlite_engine, FindsEverythingFine())

    assert (first.labelled, first.remaining) == (25, posts - 25)
    assert (second.labelled, second.remaining) == (posts - 25, 0)
    assert (third.labelled, third.remaining) == (0, 0)
    assert first.model == "fine-1"
    assert first.posts_per_second == pytest.approx(25 / first.seconds, rel=0.05)


def done(**fields):
    return Labelled(
        **{"labelled": 0, "remaining": 0, "seconds": 2.0, "posts_per_second": 0.0, "model": "fine-1"} | fields
    )


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (done(), "Nothing to label: every stored post has a label of fine-1."),
        (done(labelled=1, posts_per_second=0.5), "Labelled 1 post with fine-1 in 2.0 s (0 a second); none left."),
        (
            done(labelled=2400, remaining=1000, posts_per_second=1200.0),
            "Labelled 2,400 posts with fine-1 in 2.0 s (1,200 a second); 1,000 still to label.",
        ),
    ],
)
def test_the_result_is_told_in_one_sentence(result, said):
    assert sentence(result) == said
