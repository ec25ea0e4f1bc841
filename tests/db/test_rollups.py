"""Rollups: kept up to date step by step they equal a count from scratch, whatever happens to posts and labels."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update

from classifiers.codebook import Category
from db import ingest, rollups
from db.models import Label, Model, Post, RollupDirty, RollupHourly, Run

HOUR = datetime(2025, 11, 17, 8, tzinfo=UTC)


def stored(engine):
    """Give the rollups as numbers that two ways of adding up may agree on."""
    with engine.connect() as connection:
        rows = connection.execute(select(RollupHourly)).mappings().all()
    return sorted(
        tuple(round(value, 6) if isinstance(value, float) else value for value in row.values()) for row in rows
    )


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
        for table in (Label, Post, Run, Model, RollupHourly, RollupDirty):
            connection.execute(delete(table))
    for operation in history:
        apply(sqlite_archive, *operation)
    kept = stored(sqlite_archive.engine)
    assert kept == counted_from_scratch(sqlite_archive.engine)


def test_a_long_history_equals_from_scratch_on_both_databases(archive):
    for number, operation in enumerate(["add"] * 8 + ["relabel", "delete", "edit", "add", "relabel", "delete"]):
        apply(archive, operation, number, list(Category)[number % 6], 0.9)
    kept = stored(archive.engine)
    assert len(kept) > 4
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
