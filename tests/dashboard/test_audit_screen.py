"""The page for labelling: it asks for a name once, shows one post blind, keeps each answer, takes the last one back."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text

from classifiers.codebook import Category
from db.engine import open_engine
from db.models import Audit
from insights.audit import draw_audit
from insights.catalogue import load

PAGE = "screens/audit.py"
NAME = "yuki"
NOW = datetime(2025, 12, 20, tzinfo=UTC)


@pytest.fixture
def drawn(fill, sqlite_url):
    """A database with eight drawn posts."""
    fill(sqlite_url, weeks=1)
    engine = open_engine(sqlite_url)
    draw_audit(engine, n=8, now=NOW, name="first", seed=1)
    yield engine
    engine.dispose()


def opened(serve, url, name=NAME, **params):
    app = serve(url, **params)
    app.switch_page(PAGE).run()
    if name:
        app.text_input[0].set_value(name)
        app.button[0].click().run()
    return app


def said(engine):
    with engine.connect() as connection:
        query = select(*Audit.__table__.columns).where(Audit.labelled_at.is_not(None)).order_by(Audit.labelled_at)
        return connection.execute(query).all()


def press(app, name):
    app.button(key=f"audit.{name}").click().run()
    assert not app.exception


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_post_is_shown_without_what_the_model_says(drawn, serve, sqlite_url, language):
    app = opened(serve, sqlite_url, lang=language)
    words = load(language, "dashboard")
    assert not app.exception
    assert app.title[0].value == words("audit.title")
    assert "Grok, remark" in app.text[0].value
    # Every category is offered alike: none is chosen or marked.
    types = {app.button(key=f"audit.say.{category}").proto.type for category in Category}
    assert types == {"secondary"}
    assert words("audit.progress", auditor=NAME, done="0", posts="8") in str(app.get("progress")[0].proto.text)


def test_an_answer_is_kept_with_stance_and_topics_and_the_next_post_comes(drawn, serve, sqlite_url):
    app = opened(serve, sqlite_url)
    first = app.text[0].value
    polarity, aspects = app.get("button_group")
    polarity.set_value("negative")
    aspects.set_value(["speed", "price"])
    press(app, "say.latency")
    (row,) = said(drawn)
    assert (row.auditor, row.relevant, row.category, row.draw) == (NAME, True, "latency", "first")
    assert (row.polarity, row.aspects) == ("negative", ["price", "speed"])
    assert app.text[0].value != first
    press(app, "say.irrelevant")
    assert [(row.relevant, row.category) for row in said(drawn)] == [(True, "latency"), (False, None)]


def test_the_last_answers_can_be_taken_back_one_by_one(drawn, serve, sqlite_url):
    app = opened(serve, sqlite_url)
    assert app.button(key="audit.undo").disabled
    shown = []
    for _ in range(2):
        shown.append(app.text[0].value)
        press(app, "say.bias")
    press(app, "undo")
    assert app.text[0].value == shown[1]
    press(app, "undo")
    assert app.text[0].value == shown[0]
    assert not said(drawn)


def test_posts_that_were_put_off_come_last_and_the_end_is_told(drawn, serve, sqlite_url):
    app = opened(serve, sqlite_url)
    first = app.text[0].value
    press(app, "skip")
    for _ in range(7):
        assert app.text[0].value != first
        press(app, "say.bias")
    assert app.text[0].value == first
    press(app, "say.bias")
    assert "Thank you" in app.success[0].value
    assert len(said(drawn)) == 8


def test_another_person_starts_from_the_beginning(drawn, serve, sqlite_url):
    app = opened(serve, sqlite_url)
    press(app, "say.bias")
    press(app, "another")
    app.text_input[0].set_value("ana")
    app.button[0].click().run()
    press(app, "say.other")
    assert sorted((row.auditor, row.category) for row in said(drawn)) == [("ana", "other"), (NAME, "bias")]


def test_a_post_that_went_meanwhile_is_told_and_not_kept(drawn, serve, sqlite_url):
    app = opened(serve, sqlite_url)
    with drawn.begin() as connection:
        connection.execute(text("DELETE FROM audits"))
    press(app, "say.bias")
    assert "deleted meanwhile" in app.warning[0].value


def test_without_a_draw_the_page_says_how_to_make_one(fill, serve, sqlite_url):
    fill(sqlite_url, weeks=1)
    app = opened(serve, sqlite_url, name=None)
    assert "grokwatch audit draw" in app.info[0].value


def test_looking_at_the_page_writes_nothing(drawn, serve, sqlite_url):
    opened(serve, sqlite_url)
    assert not said(drawn)


def test_the_overview_says_that_audits_correct_the_shares(drawn, fill, serve, sqlite_url):
    draw_audit(drawn, n=70, now=NOW, name="many", seed=2)
    with drawn.begin() as connection:
        connection.execute(
            text(
                "UPDATE audits SET auditor = 'yuki', labelled_at = '2025-12-20 00:00:00.000000', relevant = 1,"
                " category = 'bias' WHERE draw = 'many'"
            )
        )
    app = serve(sqlite_url)
    assert any("Corrected by 70 posts of this period" in one.value for one in app.markdown)
