"""The page of alerts: what nobody took note of comes first, and a button takes note."""

from datetime import UTC, datetime

import pytest
from archives.history import USUAL, store_days

from db import alerts, schema
from db.engine import open_engine

PAGE = "screens/alerts.py"
NOW = datetime(2025, 10, 6, 5, tzinfo=UTC)


@pytest.fixture
def stored(sqlite_url):
    """A database with one alert."""
    engine = open_engine(sqlite_url)
    schema.upgrade(engine)
    store_days(engine, [USUAL] * 3)
    with engine.begin() as connection:
        number = alerts.fire(
            connection, "silent", "X has *not* been read", message_ja="Xは取得できていません", now=NOW, lasting=True
        )
    yield engine, number
    engine.dispose()


def words(app):
    return "\n".join(one.value for kind in (app.markdown, app.text, app.caption, app.info, app.header) for one in kind)


@pytest.mark.parametrize(
    ("language", "message", "rule", "label"),
    [
        ("en", "X has *not* been read", "A platform is silent", "Take note"),
        ("ja", "Xは取得できていません", "収集が止まっている", "確認済みにする"),
    ],
)
def test_an_alert_is_told_in_the_readers_language_and_noted_by_its_button(
    serve, sqlite_url, stored, language, message, rule, label
):
    engine, number = stored
    app = serve(sqlite_url, lang=language).switch_page(PAGE).run()
    assert not app.exception
    assert message in words(app)
    assert rule in words(app)
    (button,) = [one for one in app.button if one.label == label]
    button.click().run()
    assert not app.exception
    with engine.connect() as connection:
        (alert,) = alerts.newest(connection, limit=9)
    assert (alert.id, alert.acknowledged_at is not None) == (number, True)
    assert label not in [one.label for one in app.button]


def test_no_alerts_are_said(serve, sqlite_url, fill):
    fill(sqlite_url, weeks=1)
    app = serve(sqlite_url).switch_page(PAGE).run()
    assert "nothing that nobody took note of" in words(app)
