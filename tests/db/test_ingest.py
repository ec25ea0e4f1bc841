"""Posts go in once, whatever happens, and changes upstream are followed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from classifiers.base import Label, ModelCard
from classifiers.codebook import Category, Polarity
from collectors.base import Cursor, Kind, Page, RawPost
from db import ingest, labels, models, rollups, runs

HOUR = timedelta(hours=1)


def post(number, now, **changes):
    given = RawPost(
        source="x",
        source_id=str(number),
        kind=Kind.POST,
        thread_id=str(number),
        created_at=now - timedelta(hours=number),
        text=f"Grok answered me {number} times",
        author="someone",
        score=1,
    )
    return replace(given, **changes)


def put(engine, now, *posts, cursor=None):
    with engine.begin() as connection:
        run_id = runs.start_run(connection, "import", source="x", now=now)
        return ingest.store_page(
            connection,
            Page(posts=posts, cursor=cursor, read=len(posts)),
            source="x",
            run_id=run_id,
            now=now,
            author_hash=lambda name: f"key-of-{len(name)}",
        )


def rows(engine, column):
    with engine.connect() as connection:
        return list(connection.scalars(select(column).order_by(models.Post.source_id)))


def label_all(engine, now):
    given = Label(
        relevant=True,
        p_relevant=0.9,
        category=Category.SATISFACTION,
        probabilities=dict.fromkeys(Category, 1 / 6),
        polarity=Polarity.POSITIVE,
        aspects=(),
        mentions=(),
        lang="en",
    )
    with engine.begin() as connection:
        model_id = labels.register_model(connection, ModelCard(version="rule", sha256="0" * 64, metrics={}), now=now)
        waiting = labels.unlabelled_posts(connection, model_id, after=0, limit=100)
        labels.store_labels(connection, model_id, [(waiting_post, given) for waiting_post in waiting], now=now)
        rollups.refresh(connection)
    return len(waiting)


def test_a_page_stored_twice_leaves_one_row_a_post(engine, now):
    first = put(engine, now, post(1, now), post(2, now))
    second = put(engine, now, post(1, now), post(2, now))
    assert (first.new, second.new, second.same) == (2, 0, 2)
    assert rows(engine, models.Post.source_id) == ["1", "2"]


def test_the_later_of_two_versions_in_one_page_holds(engine, now):
    stored = put(engine, now, post(1, now), post(1, now, text="Grok, once more"))
    assert stored.new == 1
    assert rows(engine, models.Post.text) == ["Grok, once more"]


def test_an_author_is_stored_as_a_key_alone(engine, now):
    put(engine, now, post(1, now, author="a_real_name"))
    assert rows(engine, models.Post.author_key) == ["key-of-11"]


def test_an_edited_post_has_the_new_text_and_is_labelled_again(engine, now):
    put(engine, now, post(1, now))
    assert label_all(engine, now) == 1
    stored = put(engine, now, post(1, now, text="Grok was down all day", edited_at=now))
    assert stored.changed == 1
    assert rows(engine, models.Post.text) == ["Grok was down all day"]
    assert label_all(engine, now) == 1


def test_an_older_archive_does_not_undo_an_edit(engine, now):
    put(engine, now, post(1, now, text="edited Grok text", edited_at=now))
    stored = put(engine, now, post(1, now, text="first Grok text"))
    assert stored.changed == 0
    assert rows(engine, models.Post.text) == ["edited Grok text"]


def test_a_deleted_post_becomes_a_tombstone_without_text_and_stays_one(engine, now):
    put(engine, now, post(1, now, title="On Grok", url="https://example.org/1"))
    label_all(engine, now)
    put(engine, now, post(1, now, deleted=True))
    put(engine, now, post(1, now))
    with engine.connect() as connection:
        row = connection.execute(select(models.Post)).one()
        left = connection.scalar(select(func.count()).select_from(models.Label))
    assert (row.title, row.text, row.url, row.author_key) == (None, None, None, None)
    assert row.deleted_at == now
    assert left == 0


def test_a_post_first_seen_deleted_brings_no_text(engine, now):
    put(engine, now, post(1, now, deleted=True))
    assert rows(engine, models.Post.text) == [None]


def test_a_score_that_rises_is_kept_without_a_new_label(engine, now):
    put(engine, now, post(1, now))
    label_all(engine, now)
    stored = put(engine, now, post(1, now, score=40))
    assert stored.changed == 0
    assert rows(engine, models.Post.score) == [40]
    assert label_all(engine, now) == 0


def test_a_feeds_text_gives_way_to_the_apis_and_is_no_edit(engine, now):
    put(engine, now, post(1, now, text="Grok & I", score=None))
    label_all(engine, now)
    stored = put(engine, now + HOUR, post(1, now, text="*Grok* & I", score=7))
    assert stored.changed == 1
    assert label_all(engine, now) == 1
    put(engine, now + 2 * HOUR, post(1, now, text="*Grok* & I", score=9))
    assert rows(engine, models.Post.edited_at) == [None]
    assert rows(engine, models.Post.score) == [9]


def test_an_apis_text_stands_against_a_feeds(engine, now):
    put(engine, now, post(1, now, text="*Grok* & I", score=7))
    assert label_all(engine, now) == 1
    assert put(engine, now + HOUR, post(1, now, text="Grok & I", score=None)).changed == 0
    assert rows(engine, models.Post.text) == ["*Grok* & I"]
    put(engine, now + HOUR, post(1, now, text="Grok & we", edited_at=now + HOUR))
    assert rows(engine, models.Post.text) == ["Grok & we"]


def test_scores_go_on_after_an_edit_that_the_platform_does_not_date(engine, now):
    put(engine, now, post(1, now, score=1))
    put(engine, now + HOUR, post(1, now, text="Grok, edited", score=2))
    put(engine, now + 2 * HOUR, post(1, now, text="Grok, edited", score=3))
    assert rows(engine, models.Post.score) == [3]
    assert rows(engine, models.Post.edited_at) == [now + HOUR]
    put(engine, now + 2 * HOUR, post(1, now, score=9))  # an archive from before the edit
    assert rows(engine, models.Post.score) == [3]


def test_posts_run_counts_and_cursor_are_one_transaction(engine, now):
    def interrupted():
        with engine.begin() as connection:
            run_id = runs.start_run(connection, "import", source="x", now=now)
            page = Page(posts=(post(1, now),), cursor=Cursor(stream="file", value="7"), read=1)
            ingest.store_page(connection, page, source="x", run_id=run_id, now=now, author_hash=str)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(models.Post)) == 0
        assert ingest.read_cursor(connection, "x", "file") is None


def test_a_cursor_moves_on(engine, now):
    put(engine, now, cursor=Cursor(stream="file", value="1"))
    put(engine, now, cursor=Cursor(stream="file", value="2"))
    with engine.connect() as connection:
        assert ingest.read_cursor(connection, "x", "file") == Cursor(stream="file", value="2")


def test_a_label_of_a_text_that_was_edited_meanwhile_is_not_stored(engine, now):
    put(engine, now, post(1, now))
    with engine.begin() as connection:
        model_id = labels.register_model(connection, ModelCard(version="rule", sha256="0" * 64, metrics={}), now=now)
        waiting = labels.unlabelled_posts(connection, model_id, after=0, limit=10)
    put(engine, now, post(1, now, text="edited Grok text", edited_at=now))
    given = Label(
        relevant=False,
        p_relevant=0.1,
        category=None,
        probabilities=dict.fromkeys(Category, 1 / 6),
        polarity=None,
        aspects=(),
        mentions=(),
        lang="en",
    )
    with engine.begin() as connection:
        assert labels.store_labels(connection, model_id, [(waiting[0], given)], now=now) == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pages=st.lists(st.lists(st.integers(0, 12), max_size=8), max_size=6))
def test_any_pages_in_any_order_leave_the_set_of_their_posts(sqlite_engine, now, pages):
    with sqlite_engine.begin() as connection:
        connection.execute(models.Post.__table__.delete())
    for page in pages:
        put(sqlite_engine, now, *(post(number, now) for number in page))
    assert set(rows(sqlite_engine, models.Post.source_id)) == {str(number) for page in pages for number in page}
