"""Views for people: the same columns on both databases, no private ones, and figures that agree with the shares."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect, select, text

from classifiers.codebook import FIVE, Aspect, Category, Polarity, Rival
from db import labels, runs, schema
from db.engine import open_engine
from db.ingest import entomb
from db.models import Post, Volume
from db.public import VIEWS
from insights.shares import Denominator, Status, Step, shares

SUNDAY = datetime(2025, 11, 16, 23, 30, tzinfo=UTC)
MONDAY = datetime(2025, 11, 17, tzinfo=UTC)


def columns(engine):
    seen = inspect(engine)
    return {name: [column["name"] for column in seen.get_columns(name)] for name in seen.get_view_names()}


def read(engine, query):
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def test_both_databases_have_the_same_views_with_the_same_columns(sqlite_url, postgres_url):
    found = []
    for url in (sqlite_url, postgres_url):
        engine = open_engine(url)
        schema.upgrade(engine)
        found.append(columns(engine))
        engine.dispose()
    on_sqlite, on_postgres = found
    assert on_sqlite == on_postgres
    assert set(on_sqlite) == set(VIEWS)


def test_no_view_shows_who_wrote_a_post_or_how_a_run_was_set_up(engine):
    assert not {"author_key", "auditor", "detail"} & {name for names in columns(engine).values() for name in names}


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_can_be_read_when_there_is_nothing(engine, view):
    assert read(engine, f"SELECT * FROM {view}") == [] or view == "v_baseline"


def test_posts_come_with_the_active_models_label_and_without_deleted_ones(archive):
    archive.add(1, Category.BIAS, at=SUNDAY, lang=None, inclusion=0.25, polarity=Polarity.NEGATIVE)
    archive.label(Category.LATENCY, model="model-2")
    archive.add(2, None, labelled=False, kind="sample")
    with archive.engine.begin() as connection:
        entomb(connection, [connection.scalar(select(Post.id).order_by(Post.id.desc()).limit(1))], now=MONDAY)
    first, waiting = read(archive.engine, "SELECT * FROM v_posts ORDER BY id")
    assert (first["category"], first["model"], first["polarity"]) == ("bias", "model-1", "negative")
    assert (first["lang"], first["weight"], bool(first["sample"])) == ("en", 4.0, False)
    assert [str(first[name]) for name in ("day", "week", "month")] == ["2025-11-16", "2025-11-10", "2025-11-01"]
    assert (waiting["category"], waiting["relevant"], waiting["p_bias"], bool(waiting["sample"])) == (
        None, None, None, True,
    )  # fmt: skip


def test_shares_of_a_day_and_a_week_agree_with_the_interface(archive):
    for number, category in enumerate(Category):
        archive.add(10 + number, category, at=SUNDAY, inclusion=0.5)
        archive.add(4, category, at=MONDAY, probabilities={category: 0.5, Category.BIAS: 0.5}, p_relevant=0.9)
    for view, step in (("v_daily_shares", Step.DAY), ("v_weekly_shares", Step.WEEK)):
        seen = {
            (str(row["period_start"]), row["category"]): row for row in read(archive.engine, f"SELECT * FROM {view}")
        }
        assert len(seen) == 12
        with archive.engine.connect() as connection:
            for denominator in Denominator:
                for share in shares(connection, step=step, denominator=denominator):
                    row = seen[f"{share.period_start:%Y-%m-%d}", share.category]
                    assert str(row["period_end"]) == f"{share.period_end:%Y-%m-%d}"
                    assert row["posts"] == share.posts
                    assert row[f"effective_{denominator}"] == pytest.approx(share.effective_posts)
                    assert row[f"share_{denominator}"] == pytest.approx(share.share)
                    assert (row[f"share_{denominator}"] is None) == (share.status is Status.TOO_FEW)
        assert all(row["share_five"] is None for (_, category), row in seen.items() if category == "other")


def test_sources_and_languages_add_up_to_the_share_of_all(archive):
    for source, lang, n in (("reddit", "en", 30), ("reddit", "ja", 10), ("x", "ja", 20)):
        archive.add(n, Category.BIAS, source=source, lang=lang)
        archive.add(10, Category.LATENCY, source=source, lang=lang)
    (row,) = read(
        archive.engine,
        "SELECT sum(weighted) / sum(weighted_five) AS share FROM v_weekly_shares WHERE category = 'bias'",
    )
    assert row["share"] == pytest.approx(60 / 90)


def test_shares_switch_to_a_new_model_in_one_step(archive):
    archive.add(40, Category.BIAS)
    newer = archive.label(Category.LATENCY, model="model-2")
    query = "SELECT category FROM v_weekly_shares WHERE share_five = 1"
    assert read(archive.engine, query) == [{"category": "bias"}]
    with archive.engine.begin() as connection:
        labels.activate_model(connection, newer)
    assert read(archive.engine, query) == [{"category": "latency"}]


def test_aspects_and_rivals_have_a_row_each_for_relevant_posts(archive):
    archive.add(
        2, Category.LATENCY, aspects=(Aspect.SPEED, Aspect.CODING), mentions=(Rival.CLAUDE,), polarity=Polarity.MIXED
    )
    archive.add(1, Category.OTHER)
    archive.add(1, None, mentions=(Rival.CHATGPT,))
    aspects = read(archive.engine, "SELECT aspect, category, polarity FROM v_aspects ORDER BY aspect, post_id")
    assert [row["aspect"] for row in aspects] == ["coding", "coding", "speed", "speed"]
    assert {(row["category"], row["polarity"]) for row in aspects} == {("latency", "mixed")}
    assert [row["rival"] for row in read(archive.engine, "SELECT rival FROM v_rivals")] == ["claude", "claude"]


def test_volumes_and_runs(engine):
    with engine.begin() as connection:
        connection.execute(
            Volume.__table__.insert(),
            {"source": "x", "query": "grok", "hour": SUNDAY.replace(minute=0), "count": 7, "collected_at": MONDAY},
        )
        run = runs.start_run(connection, "collect", source="x", now=SUNDAY, detail={"account": "secret"})
        runs.finish_run(connection, run, now=SUNDAY + timedelta(seconds=90.5))
    (volume,) = read(engine, "SELECT * FROM v_volumes")
    assert (volume["posts"], str(volume["week"])) == (7, "2025-11-10")
    (row,) = read(engine, "SELECT * FROM v_runs")
    assert (row["seconds"], row["status"]) == (90.5, "ok")


def test_baseline_is_the_report(engine):
    rows = read(engine, "SELECT * FROM v_baseline ORDER BY share DESC")
    assert [(row["category"], row["share"]) for row in rows] == list(
        zip(FIVE, (0.35, 0.3, 0.2, 0.1, 0.05), strict=True)
    )
    assert rows[0]["name_ja"] == "好奇心・興奮"
