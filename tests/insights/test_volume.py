"""Volume: posts by period and label, gaps included."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from classifiers.codebook import Category
from db.ingest import entomb
from db.models import Post
from db.periods import Step
from insights.volume import volumes

MONDAY = datetime(2025, 11, 17, tzinfo=UTC)


def ask(engine, **question):
    with engine.connect() as connection:
        return volumes(connection, step=Step.DAY, **question)


def test_posts_are_counted_by_what_they_are_labelled_as(archive):
    archive.add(3, Category.BIAS)
    archive.add(2, Category.OTHER)
    archive.add(4, None)
    archive.add(5, None, labelled=False)
    (day,) = ask(archive.engine)
    assert (day.posts, day.relevant, day.waiting) == (14, 5, 5)
    assert {category: n for category, n in day.categories.items() if n} == {Category.BIAS: 3, Category.OTHER: 2}
    assert (day.period_start, day.period_end) == (MONDAY, MONDAY + timedelta(days=1))


def test_days_without_posts_count_zero(archive):
    archive.add(1, Category.BIAS)
    archive.add(1, Category.BIAS, at=MONDAY + timedelta(days=3))
    assert [day.posts for day in ask(archive.engine)] == [1, 0, 0, 1]


def test_posts_wait_where_no_model_has_spoken(archive):
    archive.add(2, None, labelled=False)
    (day,) = ask(archive.engine)
    assert (day.posts, day.waiting, day.relevant) == (2, 2, 0)


def test_filters_and_deletions_apply(archive):
    archive.add(2, Category.BIAS, lang="ja")
    archive.add(3, Category.BIAS, source="x")
    with archive.engine.begin() as connection:
        entomb(connection, [connection.scalar(select(Post.id).limit(1))], now=MONDAY)
    assert [day.posts for day in ask(archive.engine)] == [4]
    assert [day.posts for day in ask(archive.engine, langs=["ja"])] == [1]
    assert [day.posts for day in ask(archive.engine, sources=["x"])] == [3]
    assert ask(archive.engine, start=MONDAY + timedelta(days=1)) == []


def test_nothing_stored_gives_no_rows(engine):
    assert ask(engine) == []
