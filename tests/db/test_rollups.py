"""Rollups: kept up to date step by step they equal a count from scratch, whatever happens to posts and labels."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update

from classifiers.codebook import Category
from db import ingest, rollups, thread_groups
from db.counts import period_counts
from db.holdings import count_labelled, labelled_span, post_groups
from db.models import Label, Model, Post, RollupDaily, RollupDirty, RollupHourly, RollupPosts, Run
from db.periods import Step
from db.selection import Selection
from db.thread_sums import period_sums

HOUR = datetime(2025, 11, 17, 8, tzinfo=UTC)


def stored(engine):
    """Give the rollups as numbers that two ways of adding up may agree on."""
    with engine.connect() as connection:
        hourly = connection.execute(select(RollupHourly)).mappings().all()
        daily = [
            dict(row) | {"threads": unpacked(row["n_threads"], row["threads"])}
            for row in connection.execute(select(RollupDaily)).mappings()
        ]
        posts = connection.execute(select(RollupPosts)).mappings().all()
    return [sorted(tuple(map(rounded, row.values())) for row in rows) for rows in (hourly, daily, posts)]


def unpacked(number, packed):
    threads = thread_groups.unpack(number, packed)
    keys = threads.keys.tolist() if threads.keys is not None else range(len(threads.sums))
    return tuple(zip(keys, (tuple(map(rounded, row)) for row in threads.sums.tolist()), strict=True))


def rounded(value):
    return round(value, 6) if isinstance(value, float) else value


def answers(connection, selection):
    """Give what charts ask for."""
    sums = [
        (one.day, sorted(tuple(map(rounded, row)) for row in one.threads.tolist()), one.posts,
         rounded(one.squares_relevant), rounded(one.squares_five))
        for step in (Step.DAY, Step.WEEK, None) for one in period_sums(connection, step, selection)
    ]  # fmt: skip
    counts = period_counts(connection, Step.DAY, selection)
    return sums, counts, post_groups(connection), count_labelled(connection), labelled_span(connection)


def same_from_sums_and_from_posts(engine, selection):
    """Ask twice: the second time every day is marked, so that posts and labels themselves are added up."""
    with engine.connect() as connection:
        summed = answers(connection, selection)
        rollups.mark_dirty(connection, connection.scalars(select(Post.created_at)).all())
        assert summed == answers(connection, selection)
        connection.rollback()
    return summed


def counted_from_scratch(engine):
    with engine.begin() as connection:
        rollups.rebuild(connection)
    return stored(engine)


def post_ids(connection):
    return list(connection.scalars(select(Post.id).where(Post.deleted_at.is_(None)).order_by(Post.id)))


def apply(archive, operation, number, category, p_relevant):
    """Do one of the things that happen to posts; `number` chooses where."""
    if operation == "add":
        archive.add(
            1 + number % 3,
            category,
            at=HOUR + timedelta(minutes=17 * number),
            source=("reddit", "x")[number % 2],
            lang=("en", "ja", None)[number % 3],
            p_relevant=p_relevant,
            inclusion=(1.0, 0.25)[number % 2],
            probabilities={Category.BIAS: 0.75, Category.OTHER: 0.25},
        )
        return
    if operation == "relabel":
        archive.label(category, model=f"model-{number % 3}", p_relevant=p_relevant)
        return
    with archive.engine.begin() as connection:
        ids = post_ids(connection)
        if not ids:
            return
        chosen = ids[number % len(ids)]
        if operation == "delete":
            ingest.entomb(connection, [chosen], now=HOUR)
        else:  # an edit voids the labels until the next pass
            moment = connection.scalar(select(Post.created_at).where(Post.id == chosen))
            connection.execute(update(Post).where(Post.id == chosen).values(text="edited", edited_at=HOUR))
            connection.execute(delete(Label).where(Label.post_id == chosen))
            rollups.mark_dirty(connection, [moment])
        rollups.refresh(connection)


steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "relabel", "delete", "edit"]),
        st.integers(0, 11),
        st.sampled_from([*Category, None]),
        st.sampled_from([0.6, 0.95]),
    ),
    max_size=10,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_step_by_step_equals_from_scratch(sqlite_archive, history):
    with sqlite_archive.engine.begin() as connection:
        for table in (Label, Post, Run, RollupDaily, RollupPosts, RollupHourly, RollupDirty, Model):
            connection.execute(delete(table))
    for operation in history:
        apply(sqlite_archive, *operation)
    kept = stored(sqlite_archive.engine)
    same_from_sums_and_from_posts(sqlite_archive.engine, Selection())
    assert kept == counted_from_scratch(sqlite_archive.engine)


def test_a_long_history_equals_from_scratch_on_both_databases(archive):
    for number, operation in enumerate(["add"] * 8 + ["relabel", "delete", "edit", "add", "relabel", "delete"]):
        apply(archive, operation, number, list(Category)[number % 6], 0.9)
    kept = stored(archive.engine)
    assert [len(table) for table in kept] > [4, 4, 4]
    assert kept == counted_from_scratch(archive.engine)


def test_sums_are_weighted_probabilities_and_counts_are_labels(archive):
    archive.add(
        2, Category.BIAS, at=HOUR, p_relevant=0.8, inclusion=0.5,
        probabilities={Category.BIAS: 0.75, Category.OTHER: 0.25},
    )  # fmt: skip
    archive.add(1, None, at=HOUR, p_relevant=0.9)
    with archive.engine.connect() as connection:
        row = connection.execute(select(RollupHourly)).mappings().one()
    assert (row["hour"], row["source"], row["lang"]) == (HOUR, "reddit", "en")
    assert (row["n_posts"], row["n_relevant"], row["n_bias"], row["n_other"]) == (3, 2, 2, 0)
    assert row["w_posts"] == pytest.approx(5)
    assert row["w_relevant"] == pytest.approx(2 * 2 * 0.8 + 0.1)
    assert row["w_bias"] == pytest.approx(2 * 2 * 0.8 * 0.75)
    assert row["w2_relevant"] == pytest.approx(2 * 4 * 0.8 + 0.1)
    assert row["w2_five"] == pytest.approx(2 * 4 * 0.8 * 0.75)


@pytest.mark.parametrize("minute", [0, 59])
def test_hours_are_utc_hours_whatever_zone_a_time_comes_in(archive, minute):
    archive.add(1, Category.BIAS, at=datetime.fromisoformat(f"2025-11-17T13:{minute:02}:59.9+05:30"))
    with archive.engine.connect() as connection:
        assert connection.scalar(select(RollupHourly.hour)) == HOUR - timedelta(minutes=60 if minute < 30 else 0)
    with archive.engine.begin() as connection:
        rollups.mark_dirty(connection, [datetime.fromisoformat("2025-11-17T13:10:00+05:30")])
        assert connection.scalar(select(RollupDirty.hour)) == HOUR - timedelta(hours=1)


def test_refresh_counts_marked_hours_alone_and_clears_the_marks(archive):
    archive.add(1, Category.BIAS, at=HOUR)
    archive.add(1, Category.BIAS, at=HOUR + timedelta(hours=1))
    with archive.engine.begin() as connection:
        connection.execute(update(RollupHourly).values(n_posts=99))
        rollups.mark_dirty(connection, [HOUR, HOUR + timedelta(minutes=59)])
        assert rollups.refresh(connection) == 1
        assert rollups.refresh(connection) == 0
        assert connection.scalars(select(RollupHourly.n_posts).order_by(RollupHourly.hour)).all() == [1, 99]
        assert connection.scalar(select(func.count()).select_from(RollupDirty)) == 0


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # SQLite has one writer at a time
def test_two_writers_of_one_hour_lose_nothing(archive):
    engine = archive.engine
    archive.add(10, Category.BIAS, at=HOUR)
    with engine.connect() as connection:
        ids = post_ids(connection)
    both_changed = threading.Barrier(2)

    def remove(post_id):
        with engine.begin() as connection:
            ingest.entomb(connection, [post_id], now=HOUR)
            both_changed.wait(10)  # neither sees what the other has not yet committed
            rollups.refresh(connection)

    writers = [threading.Thread(target=remove, args=(post_id,)) for post_id in ids[:2]]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(20)
    with engine.connect() as connection:
        assert connection.scalar(select(RollupHourly.n_posts)) == 8
    assert stored(engine) == counted_from_scratch(engine)


SPANS = {
    "everything": Selection(),
    "whole days": Selection(start=HOUR.replace(hour=0), end=HOUR.replace(hour=0) + timedelta(days=2)),
    "days cut at both ends": Selection(start=HOUR, end=HOUR + timedelta(days=2)),
    "within a day": Selection(start=HOUR, end=HOUR + timedelta(hours=1)),
    "one platform": Selection(sources=("x",)),
    "a language and its varieties": Selection(langs=("ZH",)),
    "two languages of one platform": Selection(sources=("reddit",), langs=("ja", "und")),
    "nothing": Selection(sources=("nowhere",)),
}


@pytest.mark.parametrize("span", SPANS)
def test_sums_by_day_answer_as_the_posts_would(archive, span):
    for number in range(40):
        archive.add(
            2, (*Category, None)[number % 7], at=HOUR + timedelta(hours=3 * number), thread=f"t{number % 9}",
            source=("reddit", "x")[number % 2], lang=("en", "ja", None, "zh-Hans", "zh-Hant")[number % 5],
            inclusion=(1.0, 0.25)[number % 2], probabilities={Category.BIAS: 0.75, Category.OTHER: 0.25},
        )  # fmt: skip
    archive.add(3, Category.BIAS, at=HOUR + timedelta(hours=5), labelled=False)
    summed, counts, groups, labelled, _ = same_from_sums_and_from_posts(archive.engine, SPANS[span])
    assert sum(group["posts"] for group in groups) - labelled == 3
    assert bool(summed) == bool(counts) == (span != "nothing")


def test_posts_without_labels_count_before_anyone_counted_them(archive):
    archive.add(2, Category.BIAS, at=HOUR)
    archive.add(3, Category.BIAS, at=HOUR, labelled=False, source="x")
    with archive.engine.connect() as connection:
        day = period_counts(connection, Step.DAY, Selection())[0]
        assert (day["posts"], day["waiting"], day["relevant"], day["bias"]) == (5, 3, 2, 2)
        assert [(group["source"], group["posts"]) for group in post_groups(connection)] == [("x", 3), ("reddit", 2)]
        assert count_labelled(connection) == 2


def test_many_threads_of_a_day_are_put_into_groups_and_add_up(sqlite_archive):
    sqlite_archive.add(300, Category.BIAS, at=HOUR)
    sqlite_archive.add(20, Category.LATENCY, at=HOUR + timedelta(days=1))
    with sqlite_archive.engine.connect() as connection:
        (week,) = period_sums(connection, Step.WEEK, Selection())
        days = list(period_sums(connection, Step.DAY, Selection()))
    assert (week.merged, len(week.threads), week.threads.sum(axis=0).tolist()) == (True, 256, [0, 20, 300, 0, 0, 0])
    assert [(day.merged, len(day.threads)) for day in days] == [(True, 256), (False, 20)]
    assert week.posts == (0, 20, 300, 0, 0, 0)


def test_a_thread_is_one_whatever_days_and_languages_it_runs_over(archive):
    for day in range(3):
        archive.add(2, Category.BIAS, at=HOUR + timedelta(days=day), thread="long", lang=("en", "ja")[day % 2])
    archive.add(
        1, Category.BIAS, at=HOUR, thread="long", source="x"
    )  # another thread: platforms name them as they like
    with archive.engine.connect() as connection:
        (week,) = period_sums(connection, Step.WEEK, Selection())
    assert sorted(week.threads.sum(axis=1)) == [1, 6]
