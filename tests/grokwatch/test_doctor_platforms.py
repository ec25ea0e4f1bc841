"""What the doctor says of live collection."""

import time
from datetime import timedelta

import pytest
from platforms.faults import Fault, FaultPlan
from platforms.reddit_server import CLIENT_ID, CLIENT_SECRET, RedditServer
from platforms.serving import SimulatedClock
from platforms.world import START, World
from platforms.x_server import TOKEN, XServer

from collectors.base import Hole
from db import holes, parking, runs, spend
from db.lease import Lease, held
from db.parking import ParkedStream, Reason
from grokwatch.cli.session import load_settings
from grokwatch.doctor_platforms import check_keys, check_live

NOW = START + timedelta(hours=3)


@pytest.fixture
def clock():
    return SimulatedClock(NOW)


@pytest.fixture
def keys(clock):
    def call():
        return {check.name: check for check in check_keys(load_settings(), clock=clock, sleep=clock.sleep)}

    return call


@pytest.fixture
def live(sqlite_archive):
    def call(now=NOW):
        with sqlite_archive.engine.connect() as connection:
            return {check.name: check for check in check_live(connection, load_settings(), now=now)}

    return call


@pytest.fixture
def to_reddit(monkeypatch, clock):
    with RedditServer(World(), clock) as server:
        for name, value in {
            "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "REDDIT_URL": server.url, "OAUTH_URL": server.url,
            "SUBREDDITS": "grok", "TIMEOUT_SECONDS": "0.2",
        }.items():  # fmt: skip
            monkeypatch.setenv(f"GROKWATCH_REDDIT__{name}", value)
        yield server


@pytest.fixture
def to_x(monkeypatch, clock):
    with XServer(World(), clock) as server:
        monkeypatch.setenv("GROKWATCH_X__BEARER_TOKEN", TOKEN)
        monkeypatch.setenv("GROKWATCH_X__BASE_URL", server.url)
        monkeypatch.setenv("GROKWATCH_X__TIMEOUT_SECONDS", "0.2")
        yield server


def test_without_keys_it_says_where_they_come_from(keys):
    found = keys()
    assert list(found) == ["keys"]
    assert found["keys"].status == "ok"
    for word in ("support.reddithelp.com", "FEEDS", "archives", "console.x.com"):
        assert word in found["keys"].mend


def test_keys_that_work_cost_nothing(keys, to_reddit, to_x, sqlite_archive):
    found = keys()
    assert {name: check.status for name, check in found.items()} == {"reddit": "ok", "x": "ok"}
    assert to_x.billed_usd == 0
    assert len(to_x.requests) == 1
    assert len(to_reddit.requests) == 2  # the token and one item


def test_keys_that_are_refused_fail_with_their_mend(keys, to_reddit, to_x):
    to_reddit.key, to_x.token = None, "another"
    found = keys()
    assert {check.status for check in found.values()} == {"fail"}
    assert "GROKWATCH_REDDIT__CLIENT_ID" in found["reddit"].mend
    assert "GROKWATCH_X__BEARER_TOKEN" in found["x"].mend


def test_a_platform_that_is_away_is_no_failure_and_not_waited_for_long(keys, to_reddit, clock):
    to_reddit.faults = FaultPlan(rates={Fault.SERVER_ERROR: 1.0}, in_a_row=10**9)
    began, was = time.monotonic(), clock()
    found = keys()
    assert found["reddit"].status == "warn"
    assert clock() - was <= timedelta(seconds=8)
    assert time.monotonic() - began < 20


def test_half_a_key_is_named(keys, monkeypatch, to_x):
    monkeypatch.setenv("GROKWATCH_REDDIT__CLIENT_SECRET", "abc")
    assert keys()["reddit"].status == "warn"
    assert "GROKWATCH_REDDIT__CLIENT_ID is not set" in keys()["reddit"].message


@pytest.fixture
def to_feeds(monkeypatch, to_reddit):
    monkeypatch.delenv("GROKWATCH_REDDIT__CLIENT_ID")
    monkeypatch.delenv("GROKWATCH_REDDIT__CLIENT_SECRET")
    monkeypatch.setenv("GROKWATCH_REDDIT__FEEDS", "true")
    return to_reddit


def test_feeds_are_told_apart_from_a_key_and_tried(keys, to_feeds):
    check = keys()["reddit"]
    assert check.status == "ok"
    assert "the feeds of" in check.message
    assert [request.path for request in to_feeds.requests] == ["/r/grok/new.rss"]


def test_feeds_that_are_refused_fail_with_their_mend(keys, to_feeds):
    to_feeds.feeds_open = False
    check = keys()["reddit"]
    assert check.status == "fail"
    assert "does not give its feeds" in check.message
    assert "ask for a key" in check.mend


def test_what_was_never_used_is_left_out(live):
    assert list(live()) == ["scheduler"]
    assert "not running" in live()["scheduler"].message


def test_the_process_that_works_is_named(live, sqlite_archive):
    with held(Lease(sqlite_archive.engine, "schedule", clock=lambda: NOW)):
        assert "since 2026-03-02 03:00 UTC" in live()["scheduler"].message


def test_holes_parked_streams_money_and_forgotten_posts_are_told(live, sqlite_archive, monkeypatch):
    monkeypatch.setenv("GROKWATCH_X__BEARER_TOKEN", "a token")
    monkeypatch.setenv("GROKWATCH_X__MONTHLY_BUDGET_USD", "10")
    sqlite_archive.add(3, None, at=NOW - timedelta(hours=30), source="x")
    sqlite_archive.add(2, None, at=NOW - timedelta(hours=30), source="reddit")
    with sqlite_archive.engine.begin() as connection:
        run = runs.start_run(connection, "collect", source="reddit", now=NOW)
        hole = Hole(stream="comments/grok", starts_at=NOW - timedelta(hours=9), ends_at=NOW, reason="the listing ended")
        holes.store(connection, [hole], source="reddit", run_id=run, now=NOW)
        for stream in ("new/a", "comments/a"):
            parking.park(
                connection,
                ParkedStream(
                    source="reddit", stream=stream, reason=Reason.CLOSED, since=NOW, retry_at=NOW + timedelta(hours=6),
                    error="r/a is private", mend="take it out",
                ),
            )  # fmt: skip
        spend.settle(connection, spend.reserve(connection, 9.0, source="x", monthly_budget_usd=10, now=NOW), 8.5)
        spend.reserve(connection, 1.2, source="x", monthly_budget_usd=10, now=NOW)
    found = live()
    assert found["holes"].status == "warn"
    assert "reddit comments/grok: 2026-03-01 18:00 to 2026-03-02 03:00 UTC, the listing ended" in found["holes"].message
    assert "reddit comments/a and 1 more: r/a is private; asked again from 2026-03-02 09:00" in found["parked"].message
    assert found["budget"].status == "warn"
    assert "9.70 of 10.00 USD" in found["budget"].message
    assert "1.20 of it set aside" in found["budget"].message
    assert "3 posts of X were not looked up for 24 hours" in found["deletions"].message
    later = live(NOW + timedelta(days=30))
    assert later["holes"].status == "ok"
    assert "0.00 of 10.00 USD" in later["budget"].message
