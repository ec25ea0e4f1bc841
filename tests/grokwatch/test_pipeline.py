"""The order stands in one place: pages and cursors together, labels and rollups together."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from classifiers.base import Label, ModelCard
from classifiers.codebook import Category, Polarity
from collectors.base import CollectorError, Cursor, Kind, Page, RawPost
from collectors.sample import SampleCollector
from db import sample
from db.models import Label as StoredLabel
from db.models import Post, RollupHourly, Run
from grokwatch.pipeline import classify, store


def clock() -> datetime:
    return datetime(2025, 12, 1, tzinfo=UTC)


class CountedPages:
    """Numbered posts in pages of two; breaks before the page that begins with `breaks_at`."""

    source = "x"
    stream = "numbers"

    def __init__(self, posts: int, breaks_at: int | None = None) -> None:
        self.posts = posts
        self.breaks_at = breaks_at

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        for start in range(int(cursor.value) if cursor else 0, self.posts, 2):
            if start == self.breaks_at:
                raise CollectorError("the source broke off", mend="try again")
            numbers = range(start, min(start + 2, self.posts))
            yield Page(
                posts=tuple(self.post(number) for number in numbers),
                cursor=Cursor(stream=self.stream, value=str(numbers.stop)),
                read=len(numbers),
            )

    def post(self, number: int) -> RawPost:
        return RawPost(
            source="x",
            source_id=str(number),
            kind=Kind.POST,
            thread_id=str(number),
            created_at=datetime(2025, 11, 17, tzinfo=UTC) + timedelta(minutes=number),
            text=f"Grok and number {number}",
        )


class PraisesEverything:
    """Says of every text that it is satisfied with Grok; counts what it reads."""

    card = ModelCard(version="praise-1", sha256="0" * 64, metrics={})

    def __init__(self) -> None:
        self.read: list[str] = []

    def label(self, documents):
        for document in documents:
            self.read.append(document.text)
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


def keep(engine, collector, **options):
    return store(engine, collector, kind="import", clock=clock, author_hash=str, **options)


def count(engine, model, *conditions):
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(model).where(*conditions))


def test_a_run_that_broke_is_marked_and_the_next_reads_on(engine):
    with pytest.raises(CollectorError):
        keep(engine, CountedPages(7, breaks_at=4))
    assert count(engine, Post) == 4
    assert count(engine, Run, Run.status == "failed", Run.error == "the source broke off") == 1
    summary = keep(engine, CountedPages(7))
    assert (summary.read, summary.new) == (3, 3)
    assert count(engine, Post) == 7


def test_a_stop_is_honoured_after_the_page_in_hand(engine):
    summary = keep(engine, CountedPages(6), stopped=lambda: True)
    assert summary.status == "interrupted"
    assert count(engine, Post) == 2


def test_a_run_that_was_killed_is_marked_interrupted_by_the_next(engine):
    with engine.begin() as connection:
        connection.execute(
            Run.__table__.insert(), {"kind": "import", "source": "x", "started_at": clock(), "status": "running"}
        )
    keep(engine, CountedPages(2))
    assert count(engine, Run, Run.status == "interrupted") == 1
    assert count(engine, Run, Run.status == "running") == 0


def test_every_post_is_labelled_once_and_counted(engine):
    keep(engine, CountedPages(5))
    model = PraisesEverything()
    first = classify(engine, model, clock=clock)
    second = classify(engine, model, clock=clock)
    assert (first.labelled, first.remaining, second.labelled) == (5, 0, 0)
    assert len(model.read) == 5
    with engine.connect() as connection:
        assert connection.scalar(select(func.sum(RollupHourly.n_satisfaction))) == 5
        assert connection.scalar(select(func.sum(RollupHourly.w_relevant))) == pytest.approx(4.5)


def test_a_limit_leaves_the_rest_for_later(engine):
    keep(engine, CountedPages(5))
    summary = classify(engine, PraisesEverything(), clock=clock, limit=3)
    assert (summary.labelled, summary.remaining) == (3, 2)


def test_the_first_real_post_removes_the_sample_with_its_labels_and_sums(engine):
    store(engine, SampleCollector(), kind=sample.KIND, clock=clock, author_hash=str)
    classify(engine, PraisesEverything(), clock=clock)
    with engine.connect() as connection:
        assert sample.holds_sample(connection)
    keep(engine, CountedPages(2))
    with engine.connect() as connection:
        assert not sample.holds_sample(connection)
    assert count(engine, Post) == 2
    assert count(engine, StoredLabel) == 0
    assert count(engine, RollupHourly) == 0


def test_a_run_without_real_posts_leaves_the_sample(engine):
    store(engine, SampleCollector(), kind=sample.KIND, clock=clock, author_hash=str)
    keep(engine, CountedPages(0))
    with engine.connect() as connection:
        assert sample.holds_sample(connection)
