"""`grokwatch changes`: rows that a machine may read, and what a person sees."""

import json
from datetime import timedelta

import pytest
from archives.history import MONDAY, OUTAGE, USUAL, store_days

from grokwatch.cli import changes as command
from insights.events import Event, add_event

NOW = MONDAY + timedelta(days=63, hours=5)
FIELDS = {
    "kind", "category", "source", "lang", "denominator", "period_start", "period_end", "before_start", "before_end", "before",
    "before_low", "before_high", "after", "after_low", "after_high", "difference", "low", "high", "verdict", "p_value", "events",
    "contributions", "quotes",
}  # fmt: skip


@pytest.fixture
def outage(sqlite_engine, monkeypatch):
    monkeypatch.setattr(command, "now", lambda: NOW)
    store_days(sqlite_engine, [USUAL] * 63, lang="en", channel="grok")
    store_days(sqlite_engine, [*[USUAL] * 56, *[OUTAGE] * 7], lang="ja", channel="newsokur", aspects=("speed",))
    with sqlite_engine.begin() as connection:
        add_event(connection, Event(starts_at=MONDAY + timedelta(days=55), name="A [red]release", name_ja="リリース"))


@pytest.mark.usefixtures("outage")
def test_rows_have_every_field_and_every_kind(grokwatch):
    called = grokwatch("changes", "--weeks", "4", "--json")
    assert called.code == 0
    rows = json.loads(called.out)
    assert {row["kind"] for row in rows} == {"week", "detected", "change_point"}
    assert all(set(row) == FIELDS for row in rows)
    weeks = [row for row in rows if row["kind"] == "week"]
    assert len(weeks) == 4 * 5
    (clear,) = [row for row in weeks if row["category"] == "latency" and row["verdict"] == "up"]
    assert clear["period_start"] == (MONDAY + timedelta(weeks=8)).isoformat()
    assert clear["low"] < clear["difference"] < clear["high"]
    assert clear["difference"] == pytest.approx(clear["after"] - clear["before"])
    assert [event["name_ja"] for event in clear["events"]] == ["リリース"]
    for parts in clear["contributions"].values():
        assert sum(part["contribution"] for part in parts) == pytest.approx(clear["difference"])
    assert clear["contributions"]["lang"][0]["part"] == "ja"
    assert clear["quotes"]
    assert {(quote["category"], quote["source"]) for quote in clear["quotes"]} == {("latency", "reddit")}


@pytest.mark.usefixtures("outage")
def test_filters_choose_rows(grokwatch):
    rows = json.loads(
        grokwatch("changes", "--since", "2025-09-15", "--category", "latency", "--lang", "en", "--json").out
    )
    assert {(row["category"], row["lang"]) for row in rows} == {("latency", "en")}
    assert {row["verdict"] for row in rows} == {"unclear"}
    assert rows[0]["period_start"] == "2025-09-15T00:00:00+00:00"


@pytest.mark.usefixtures("outage")
def test_a_person_reads_size_event_and_drivers(grokwatch):
    out = grokwatch("changes", "--weeks", "3").out
    assert "none is clear" in out
    assert "near it: 2025-09-28 A [red]release" in out
    assert "languages: ja +" in out
    assert "channels: newsokur +" in out
    assert "…" not in out
    assert "Moving now, of all relevant posts:" in out
    assert "since 2025-09-29" in out


def test_nothing_stored_is_said(grokwatch, sqlite_engine):
    called = grokwatch("changes", "--json")
    assert (called.code, json.loads(called.out)) == (0, [])
    assert "no two weeks" in json.loads(called.err)["notice"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--weeks", "2", "--since", "2025-09-01"), "say the same"),
        (("--since", "soon"), "is not a date"),
        (("--since", "2099-01-01"), "lies ahead"),
        (("--lang", "japanese!"), "is not a language tag"),
        (("--category", "speed"), "Invalid value for '--category': 'speed' is not one of"),
    ],
)
def test_bad_options_are_refused(grokwatch, sqlite_engine, arguments, reason):
    called = grokwatch("changes", *arguments)
    assert called.code == 2
    assert reason in called.err


def test_sample_posts_are_called_so(grokwatch, sqlite_engine, monkeypatch):
    monkeypatch.setattr(command, "now", lambda: NOW)
    store_days(sqlite_engine, [USUAL] * 63, kind="sample")
    called = grokwatch("changes", "--weeks", "2")
    assert "of sample data" in called.out
    assert "Sample data" in called.err
