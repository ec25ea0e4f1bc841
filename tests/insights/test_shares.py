"""Shares: what a row means, which posts it counts, and when it says nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from classifiers.codebook import FIVE, Category
from db import rollups
from db.ingest import entomb
from db.labels import activate_model
from db.models import Label, Post
from insights.shares import Denominator, Share, Status, Step, shares, total

MONDAY = datetime(2025, 11, 17, tzinfo=UTC)
REPORT = dict(zip(FIVE, (35, 30, 20, 10, 5), strict=True))


def ask(engine, **question):
    question.setdefault("step", Step.WEEK)
    with engine.connect() as connection:
        return shares(connection, **question)


def by_category(rows: list[Share]) -> dict[Category, Share]:
    found = {row.category: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_certain_labels_give_plain_percentages_of_the_five(archive):
    for category, n in REPORT.items():
        archive.add(n, category)
    archive.add(60, Category.OTHER)
    archive.add(40, None)
    rows = ask(archive.engine)
    assert [row.category for row in rows] == list(FIVE)
    for row in rows:
        assert row.share == pytest.approx(REPORT[row.category] / 100)
        assert row.low < row.share < row.high
        assert (row.posts, row.status) == (REPORT[row.category], Status.OK)
        assert row.effective_posts == pytest.approx(100)
        assert (row.period_start, row.period_end) == (MONDAY, MONDAY + timedelta(weeks=1))
        assert row.method == "bootstrap over threads, 1000 resamples"
    assert sum(row.share for row in rows) == pytest.approx(1)


def test_all_relevant_posts_as_denominator_count_other_in(archive):
    for category, n in REPORT.items():
        archive.add(n, category)
    archive.add(60, Category.OTHER)
    archive.add(40, None)
    rows = by_category(ask(archive.engine, denominator=Denominator.RELEVANT))
    assert list(rows) == list(Category)
    assert rows[Category.OTHER].share == pytest.approx(60 / 160)
    assert rows[Category.EXCITEMENT].share == pytest.approx(35 / 160)
    assert rows[Category.BIAS].effective_posts == pytest.approx(160)


def test_share_adds_probabilities_up_not_labels(archive):
    unsure = {Category.LATENCY: 0.6, Category.BIAS: 0.4}
    archive.add(50, Category.LATENCY, probabilities=unsure, p_relevant=0.8)
    rows = by_category(ask(archive.engine))
    assert rows[Category.LATENCY].share == pytest.approx(0.6)
    assert rows[Category.BIAS].share == pytest.approx(0.4)
    assert (rows[Category.LATENCY].posts, rows[Category.BIAS].posts) == (50, 0)
    assert rows[Category.BIAS].effective_posts == pytest.approx(40)


def test_thinly_collected_posts_weigh_more_and_make_fewer_effective_posts(archive):
    archive.add(50, Category.LATENCY, inclusion=0.1, source="x")
    archive.add(500, Category.BIAS)
    rows = by_category(ask(archive.engine))
    assert rows[Category.LATENCY].share == pytest.approx(0.5)
    assert rows[Category.LATENCY].effective_posts == pytest.approx(1000**2 / (50 * 100 + 500))


def test_fewer_than_thirty_effective_posts_give_no_percentage(archive):
    archive.add(29, Category.LATENCY)
    for row in ask(archive.engine):
        assert (row.status, row.share, row.low, row.high) == (Status.TOO_FEW, None, None, None)
        assert row.effective_posts == pytest.approx(29)
    archive.add(1, Category.LATENCY)
    assert {row.status for row in ask(archive.engine)} == {Status.OK}


def test_period_without_posts_between_others_is_there_without_data(archive):
    archive.add(40, Category.LATENCY)
    archive.add(40, Category.LATENCY, at=MONDAY + timedelta(weeks=3))
    rows = ask(archive.engine)
    assert [row.status for row in rows[::5]] == ["ok", "no_data", "no_data", "ok"]
    assert [row.period_start for row in rows[::5]] == [MONDAY + timedelta(weeks=week) for week in range(4)]
    gap = rows[5]
    assert (gap.share, gap.low, gap.high, gap.posts, gap.effective_posts) == (None, None, None, 0, 0.0)
    assert gap.period_end == MONDAY + timedelta(weeks=2)


@pytest.mark.parametrize(
    ("step", "moment", "start", "end"),
    [
        (Step.DAY, "2025-11-16T23:59:59.999", "2025-11-16", "2025-11-17"),
        (Step.WEEK, "2025-11-16T23:59:59.999", "2025-11-10", "2025-11-17"),  # a Sunday
        (Step.WEEK, "2025-11-17T00:00:00", "2025-11-17", "2025-11-24"),  # a Monday
        (Step.WEEK, "2027-01-02T12:00:00", "2026-12-28", "2027-01-04"),  # ISO week 53 of 2026
        (Step.MONTH, "2025-12-31T23:30:00-05:00", "2026-01-01", "2026-02-01"),  # next year in UTC
        (Step.MONTH, "2025-12-31T12:00:00", "2025-12-01", "2026-01-01"),
        (Step.MONTH, "2024-02-29T12:00:00", "2024-02-01", "2024-03-01"),
    ],
)
def test_periods_are_calendar_periods_in_utc(archive, step, moment, start, end):
    at = datetime.fromisoformat(moment)
    archive.add(1, Category.BIAS, at=at if at.tzinfo else at.replace(tzinfo=UTC))
    row = ask(archive.engine, step=step)[0]
    assert row.period_start == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert row.period_end == datetime.fromisoformat(end).replace(tzinfo=UTC)


def test_span_is_half_open_and_cuts_its_edge_periods(archive):
    wednesday = MONDAY + timedelta(days=2)
    archive.add(40, Category.BIAS, at=MONDAY)
    archive.add(40, Category.LATENCY, at=wednesday)
    archive.add(40, Category.EXCITEMENT, at=wednesday + timedelta(days=1))
    rows = ask(archive.engine, start=wednesday, end=wednesday + timedelta(days=1))
    assert {row.category: row.posts for row in rows if row.posts} == {Category.LATENCY: 40}
    assert {(row.period_start, row.period_end) for row in rows} == {(wednesday, wednesday + timedelta(days=1))}


def test_language_tag_takes_in_its_varieties_and_nothing_else(archive):
    for lang in ("zh", "zh-Hans", "zh-Hant-TW", "zha", "ja", None):
        archive.add(1, Category.BIAS, lang=lang, labelled=False)
    with archive.engine.begin() as connection:  # as a source may write it
        connection.execute(update(Post).where(Post.lang == "zh-Hans").values(lang="zh-hans"))
    archive.add(1, Category.BIAS, lang="pt-BR")
    with archive.engine.begin() as connection:  # labelling fills in what was unknown
        connection.execute(update(Post).where(Post.lang == "en").values(lang=None))
        rollups.mark_dirty(connection, connection.scalars(select(Post.created_at)))

    def count(*langs):
        return sum(row.posts for row in ask(archive.engine, langs=langs))

    assert count("zh") == 3
    assert count("zh-Hans") == 1
    assert count("PT") == 1
    assert count("zh", "ja") == 4
    assert count("und") == 1
    assert count("z%") == 0
    assert count() == 7


def test_source_filter(archive):
    archive.add(30, Category.BIAS, source="x")
    archive.add(40, Category.LATENCY, source="reddit")
    rows = by_category(ask(archive.engine, sources=["x"]))
    assert (rows[Category.BIAS].posts, rows[Category.LATENCY].posts) == (30, 0)
    assert ask(archive.engine, sources=["mastodon"]) == []


def test_deleted_posts_are_absent(archive):
    archive.add(40, Category.BIAS)
    archive.add(40, Category.LATENCY)
    with archive.engine.begin() as connection:
        ids = connection.scalars(select(Post.id).order_by(Post.id).limit(40)).all()
        entomb(connection, ids, now=MONDAY)
    rows = by_category(ask(archive.engine))
    assert (rows[Category.BIAS].posts, rows[Category.LATENCY].share) == (0, 1.0)


def test_only_the_active_model_speaks(archive):
    archive.add(40, Category.BIAS)
    newer = archive.label(Category.LATENCY, model="model-2")
    assert by_category(ask(archive.engine))[Category.BIAS].share == 1.0
    with archive.engine.begin() as connection:
        activate_model(connection, newer)
    assert by_category(ask(archive.engine))[Category.LATENCY].share == 1.0


def test_nothing_stored_gives_no_rows(engine):
    assert ask(engine) == []


def test_threads_of_the_same_name_on_two_platforms_are_two_threads(archive):
    for source in ("reddit", "x"):
        for category in (Category.BIAS, Category.LATENCY):
            archive.add(20, category, thread=f"{category}", source=source)
    four = by_category(ask(archive.engine))[Category.BIAS]
    two = by_category(ask(archive.engine, sources=["x"]))[Category.BIAS]
    assert four.share == two.share == 0.5
    assert four.high - four.low < two.high - two.low


def test_posts_of_few_threads_get_a_wider_interval_than_as_many_on_their_own(archive):
    archive.add(50, Category.BIAS)
    archive.add(50, Category.LATENCY)
    for number in range(5):
        archive.add(10, Category.BIAS, source="x", thread=f"b{number}")
        archive.add(10, Category.LATENCY, source="x", thread=f"l{number}")
    apart = by_category(ask(archive.engine, sources=["reddit"]))[Category.BIAS]
    together = by_category(ask(archive.engine, sources=["x"]))[Category.BIAS]
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_one_thread_alone_says_almost_nothing(archive):
    archive.add(400, Category.BIAS, thread="megathread")
    row = by_category(ask(archive.engine))[Category.BIAS]
    assert (row.share, row.high) == (1.0, 1.0)
    assert row.low < 0.5


def test_same_data_same_interval_whatever_the_span_or_the_order(archive):
    archive.add(40, Category.BIAS)
    archive.add(40, Category.LATENCY)
    archive.add(40, Category.LATENCY, at=MONDAY - timedelta(weeks=1))
    everything = ask(archive.engine)
    assert everything == ask(archive.engine)
    assert everything[5:] == ask(archive.engine, start=MONDAY)
    assert ask(archive.engine, seed=7) != everything


def test_total_is_one_period_even_without_posts(archive):
    archive.add(40, Category.BIAS, at=MONDAY)
    archive.add(40, Category.LATENCY, at=MONDAY + timedelta(days=20))
    end = MONDAY + timedelta(days=30)
    with archive.engine.connect() as connection:
        rows = total(connection, start=MONDAY, end=end)
        nothing = total(connection, start=end, end=end + timedelta(days=1), denominator=Denominator.RELEVANT)
    assert by_category(rows)[Category.BIAS].share == 0.5
    assert {(row.period_start, row.period_end) for row in rows} == {(MONDAY, end)}
    assert [row.status for row in nothing] == ["no_data"] * 6


def test_week_and_total_of_that_week_agree(archive):
    archive.add(35, Category.BIAS)
    archive.add(25, Category.LATENCY, thread="one")
    with archive.engine.connect() as connection:
        week = shares(connection, step=Step.WEEK)
        assert week == total(connection, start=MONDAY, end=MONDAY + timedelta(weeks=1))


groups_of_posts = st.lists(
    st.tuples(st.sampled_from(list(Category)), st.integers(0, 4), st.integers(1, 40)), max_size=12
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups_of_posts)
def test_shares_add_up_and_intervals_contain_them(sqlite_archive, groups):
    engine = sqlite_archive.engine
    with engine.begin() as connection:
        connection.execute(delete(Label))
        connection.execute(delete(Post))
    for category, thread, n in groups:
        sqlite_archive.add(n, category, thread=f"t{thread}")
    for denominator, categories in ((Denominator.FIVE, FIVE), (Denominator.RELEVANT, tuple(Category))):
        rows = ask(engine, denominator=denominator, resamples=200)
        assert sum(row.posts for row in rows) == sum(n for category, _, n in groups if category in categories)
        if rows and rows[0].status is Status.OK:
            assert sum(row.share for row in rows) == pytest.approx(1)
            assert all(0 <= row.low <= row.share <= row.high <= 1 for row in rows)
