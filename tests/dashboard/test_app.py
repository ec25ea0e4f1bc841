"""The dashboard as a reader meets it, drawn by Streamlit's own test harness against real databases."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import select, text

from classifiers.codebook import Category
from collectors.base import Hole
from db import holes, parking, rollups, runs
from db.engine import open_engine
from db.models import Post
from db.parking import ParkedStream, Reason

GAP = datetime(2025, 11, 10, tzinfo=UTC)
PAGES = ("screens/overview.py", "screens/data.py", "screens/about.py")
FIVE_CHARTS = 8  # stacked, beside the report, one for each of the five, volume


def told(app) -> str:
    """Give all words on the page outside charts."""
    kinds = (app.title, app.header, app.markdown, app.caption, app.info, app.warning, app.error)
    html = [element.proto.body for element in app.get("html")]
    return "\n".join([element.value for kind in kinds for element in kind] + html)


def charts(app) -> list[dict]:
    return [json.loads(element.proto.spec) for element in app.get("vega_lite_chart")]


def heading(chart: dict) -> str:
    return " ".join([chart["title"]["text"], *chart["title"]["subtitle"]])


def drawn(app) -> list[dict]:
    """Give the rows of the stacked chart."""
    stacked = app.get("vega_lite_chart")[0].proto
    return [row for rows in stacked.datasets for row in pa.ipc.open_stream(rows.data.data).read_all().to_pylist()]


@pytest.mark.parametrize(
    ("language", "title", "banner"),
    [("en", "What people say about Grok", "Sample data"), ("ja", "Grokについて人々が語っていること", "サンプルデータ")],
)
def test_every_page_says_in_the_readers_language_that_the_posts_are_samples(
    fill, serve, sqlite_url, language, title, banner
):
    fill(sqlite_url, kind="sample")
    app = serve(sqlite_url, lang=language)
    assert not app.exception
    assert app.title[0].value == title
    for page in PAGES:
        app.switch_page(page).run()
        assert not app.exception
        assert [banner in notice.value for notice in app.warning] == [True], (page, app.error)
    app.switch_page(PAGES[0]).run()
    assert len(charts(app)) == FIVE_CHARTS
    assert all(banner in heading(chart) for chart in charts(app))


def test_real_posts_bear_no_sample_notice(fill, serve, sqlite_url):
    fill(sqlite_url)
    app = serve(sqlite_url)
    assert not app.warning
    assert not any("Sample" in heading(chart) for chart in charts(app))


def test_the_overview_is_the_same_on_either_database(fill, serve, database_url):
    fill(database_url)
    app = serve(database_url, source="x")
    assert not app.exception
    assert not app.error
    newest = [row for row in drawn(app) if row["period"].startswith("8\u201314 Dec")]
    assert [row["value"] for row in newest] == ["35%", "30%", "20%", "10%", "5%"]


def test_the_last_complete_week_is_told_with_interval_change_and_number_of_posts(fill, serve, sqlite_url):
    fill(sqlite_url)
    app = serve(sqlite_url, source="x")
    page = told(app)
    assert "8\u201314 Dec 2025" in page
    assert "40 posts about Grok" in page
    assert "35%" in page
    assert page.count("95% interval ") >= 5
    assert page.count("No clear change: ±0 pp") == 5


def test_a_choice_changes_the_figures_and_the_address(fill, serve, sqlite_url):
    fill(sqlite_url)
    app = serve(sqlite_url)
    before = drawn(app)
    app.multiselect(key="source.en").set_value(["reddit"]).run()
    assert app.query_params["source"] == "reddit"
    assert [row["value"] for row in drawn(app)[:2]] == ["10%", "55%"]
    assert drawn(app) != before
    app.radio(key="step.en").set_value("month").run()
    assert {row["period"] for row in drawn(app)} == {"October 2025", "November 2025", "December 2025"}
    app.radio(key="of.en").set_value("relevant").run()
    assert {row["name"] for row in drawn(app)} >= {"Other"}
    app.multiselect(key="posts_in.en").set_value(["ja"]).run()
    app.selectbox(key="period.en").set_value("4w").run()
    told_in_address = dict(app.query_params)
    assert told_in_address == {"source": "reddit", "step": "month", "of": "relevant", "posts_in": "ja", "period": "4w"}


def test_an_address_brings_the_view_back(fill, serve, sqlite_url):
    fill(sqlite_url)
    app = serve(sqlite_url, source="reddit", posts_in="ja", step="day", of="relevant", period="13w", lang="ja")
    assert app.multiselect(key="source.ja").value == ["reddit"]
    assert app.multiselect(key="posts_in.ja").value == ["ja"]
    assert app.radio(key="step.ja").value == "day"
    assert app.radio(key="of.ja").value == "relevant"
    assert app.selectbox(key="period.ja").value == "13w"


def test_days_in_the_address_bound_the_charts_to_whole_weeks(fill, serve, sqlite_url):
    fill(sqlite_url)
    app = serve(sqlite_url, **{"period": "custom", "from": "2025-11-05", "to": "2025-11-11"})
    assert {row["period"] for row in drawn(app)} == {"3\u20139 Nov 2025", "10\u201316 Nov 2025"}


def test_a_broken_address_shows_all_posts(fill, serve, sqlite_url):
    fill(sqlite_url)
    app = serve(
        sqlite_url,
        lang="xx",
        period="custom",
        step="decade",
        of="?",
        source="myspace",
        posts_in="'; DROP",
        **{"from": "1"},
    )
    assert not app.exception
    assert len({row["period"] for row in drawn(app)}) == 8
    assert not app.query_params


def test_switching_the_language_keeps_the_choice(fill, serve, sqlite_url):
    fill(sqlite_url)
    app = serve(sqlite_url, source="reddit", step="month")
    app.radio(key="language").set_value("ja").run()
    assert app.title[0].value == "Grokについて人々が語っていること"
    assert app.multiselect(key="source.ja").value == ["reddit"]
    assert {row["period"] for row in drawn(app)} == {"2025年10月", "2025年11月", "2025年12月"}
    assert dict(app.query_params) == {
        "lang": "ja",
        "source": "reddit",
        "step": "month",
    }


def test_the_language_of_the_settings_is_the_default(fill, serve, sqlite_url, monkeypatch):
    fill(sqlite_url)
    monkeypatch.setenv("GROKWATCH_LANGUAGE", "ja")
    app = serve(sqlite_url)
    assert app.title[0].value == "Grokについて人々が語っていること"
    assert not app.query_params


def test_other_pages_keep_the_choice(fill, serve, sqlite_url):
    fill(sqlite_url)
    app = serve(sqlite_url, source="reddit")
    app.switch_page("screens/about.py").run()
    app.switch_page("screens/overview.py").run()
    assert app.multiselect(key="source.en").value == ["reddit"]


def test_weeks_with_too_few_posts_are_never_a_percentage(fill, serve, sqlite_url):
    fill(sqlite_url, weeks=3, per_week={Category.LATENCY: 29})
    app = serve(sqlite_url)
    assert not app.exception
    assert "No complete week has enough posts for a share" in app.info[0].value
    assert not drawn(app)
    assert "Too few posts" in json.dumps(charts(app)[0])
    table = app.table[0].value
    assert set(table.iloc[:, 1:].to_numpy().ravel()) == {"Too few posts"}


def test_a_week_that_has_not_ended_is_marked_and_not_taken_for_the_latest(fill, serve, sqlite_url):
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    fill(sqlite_url, weeks=2, start=monday - timedelta(weeks=1))
    app = serve(sqlite_url)
    assert {row["incomplete"] for row in drawn(app) if row["start"] == round(monday.timestamp() * 1000)} == {True}
    assert "so far" in json.dumps(charts(app)[0])
    assert "The pale last period has not ended" in told(app)
    assert f"{(monday - timedelta(weeks=1)).day}" in told(app)


def test_an_empty_database_says_how_to_bring_posts_in(serve, sqlite_engine, sqlite_url):
    app = serve(sqlite_url)
    assert "grokwatch import" in app.info[0].value
    assert not charts(app)
    for page in PAGES[1:]:
        app.switch_page(page).run()
        assert not app.exception


def test_posts_without_labels_say_what_they_wait_for(fill, serve, sqlite_url):
    fill(sqlite_url, labelled=False)
    app = serve(sqlite_url)
    assert "grokwatch classify" in app.info[0].value
    assert "640" in app.info[0].value
    assert not charts(app)


def test_posts_that_wait_for_a_label_are_told_beside_the_shares(fill, serve, sqlite_url):
    fill(sqlite_url)
    engine = open_engine(sqlite_url)
    with engine.begin() as connection:
        moments = connection.scalars(select(Post.created_at).where(Post.id <= 3)).all()
        connection.execute(text("DELETE FROM labels WHERE post_id <= 3"))
        rollups.mark_dirty(connection, moments)
    engine.dispose()
    assert "3 posts still wait for a label" in told(serve(sqlite_url))


def test_a_choice_without_posts_names_it_and_leads_back(fill, serve, sqlite_url):
    fill(sqlite_url)
    app = serve(sqlite_url, source="x", posts_in="ja")
    assert "X, Japanese" in app.info[0].value
    assert not charts(app)
    app.button(key="reset_empty").click().run()
    assert len(charts(app)) == FIVE_CHARTS
    assert not app.query_params


def test_a_missing_database_is_told_and_not_made(serve, tmp_path):
    file = tmp_path / "nowhere" / "grokwatch.db"
    app = serve(f"sqlite:///{file}")
    assert not app.exception
    assert "there is no database" in app.error[0].value
    assert "grokwatch up" in app.error[0].value
    assert not file.parent.exists()


def test_a_schema_of_another_version_is_told_in_the_readers_language(fill, serve, sqlite_url):
    fill(sqlite_url)
    engine = open_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    app = serve(sqlite_url, lang="ja")
    assert not app.exception
    assert "データベースを利用できません" in app.error[0].value
    assert "9999" in app.error[0].value


def test_a_server_that_is_not_there_is_told(serve):
    app = serve("postgresql://nobody@127.0.0.1:1/nothing")
    assert not app.exception
    assert "can't be opened" in app.error[0].value


def test_a_setting_that_cannot_be_used_is_told(serve, sqlite_url, monkeypatch):
    monkeypatch.setenv("GROKWATCH_PORT", "zero")
    app = serve(sqlite_url)
    assert not app.exception
    assert "setting" in app.error[0].value


def test_the_dashboard_never_writes(fill, serve, sqlite_url, tmp_path):
    fill(sqlite_url, kind="sample")
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    app = serve(sqlite_url)
    for page in PAGES:
        app.switch_page(page).run()
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before


def test_a_writer_at_work_does_not_stop_the_page(fill, serve, sqlite_url):
    fill(sqlite_url)
    engine = open_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE posts SET score = 1"))
        app = serve(sqlite_url)
        assert len(charts(app)) == FIVE_CHARTS
    engine.dispose()


def test_new_posts_appear_without_a_restart(fill, serve, sqlite_url):
    fill(sqlite_url, weeks=2)
    app = serve(sqlite_url)
    assert len({row["period"] for row in drawn(app)}) == 2
    engine = open_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM labels"))
        connection.execute(text("INSERT INTO runs (kind, started_at, status) VALUES ('classify', '2026-01-01', 'ok')"))
    engine.dispose()
    app.run()
    assert "grokwatch classify" in app.info[0].value


def test_the_data_page_tells_what_ran_and_what_failed(fill, serve, sqlite_url):
    fill(sqlite_url)
    engine = open_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO runs (kind, source, started_at, status, error)"
                " VALUES ('collect', 'reddit', '2026-01-01 10:00:00.000000', 'failed', 'the key was refused')"
            )
        )
    engine.dispose()
    app = serve(sqlite_url)
    app.switch_page("screens/data.py").run()
    table = app.table[0].value
    assert list(table.index) == ["1 Jan 2026, 10:00 UTC", "15 Dec 2025, 00:00 UTC"]
    assert list(table["Result"]) == ["Failed", "Done"]
    assert "the key was refused" in app.warning[0].value
    assert "640 posts are stored" in told(app)


@pytest.mark.parametrize(
    ("lang", "missing", "closed"),
    [("en", "Missing spans", "lets nobody in"), ("ja", "欠けている期間", "公開されていません")],
)
def test_gaps_and_refused_streams_are_told(fill, serve, sqlite_url, lang, missing, closed):
    fill(sqlite_url)
    engine = open_engine(sqlite_url)
    noted = GAP
    with engine.begin() as connection:
        run = runs.start_run(connection, "collect", source="reddit", now=noted)
        gap = Hole(
            stream="comments/grok", starts_at=noted, ends_at=noted + timedelta(hours=9), reason="the listing ended"
        )
        holes.store(connection, [gap], source="reddit", run_id=run, now=noted)
        runs.finish_run(connection, run, now=noted)
        for stream in ("new/a", "comments/a"):
            parking.park(
                connection,
                ParkedStream(
                    source="reddit", stream=stream, reason=Reason.CLOSED, since=noted, retry_at=noted, error="no", mend="x"
                ),
            )  # fmt: skip
    engine.dispose()
    app = serve(sqlite_url, lang=lang)
    assert any(
        "1" in caption.value and ("missing" in caption.value or "取得できない" in caption.value)
        for caption in app.caption
    )
    app.switch_page("screens/data.py").run()
    assert not app.exception
    assert missing in [header.value for header in app.header]
    (warning,) = [one.value for one in app.warning if closed in one.value]
    assert "comments/a" in warning
    assert "new/a" in warning
