"""`grokwatch collect` as a person calls it, against servers that play the platforms."""

import json
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from platforms.reddit_server import CLIENT_ID, CLIENT_SECRET, RedditServer
from platforms.serving import SimulatedClock
from platforms.world import Channel, World
from platforms.x_server import TOKEN, USAGE_CAPPED, XServer
from sqlalchemy import func, select

from db.lease import Lease, held
from db.models import Alert, Parked, Post, Run, Spend, Volume

NOW = datetime.now(UTC).replace(microsecond=0)
START = NOW.replace(minute=0, second=0) - timedelta(hours=6)
WORLD = World(
    start=START,
    rhythm=0.0,  # the same at every hour of the day that the tests run at
    channels=(
        Channel(name="grok", submissions_per_hour=0.4, comments_per_hour=3, grok_share=1.0),
        Channel(name="hidden", state="private"),
    ),
)
X_WORLD = World(
    start=START,
    rhythm=0.0,  # the same at every hour of the day that the tests run at
    channels=(Channel(name="x", submissions_per_hour=4, comments_per_hour=4, grok_share=1.0),),
    late=0, edited=0, gone=0,
)  # fmt: skip


@pytest.fixture
def reddit(monkeypatch):
    with RedditServer(WORLD, SimulatedClock(NOW)) as server:
        for name, value in {
            "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "SUBREDDITS": "grok,hidden", "REDDIT_URL": server.url,
            "OAUTH_URL": server.url,
        }.items():  # fmt: skip
            monkeypatch.setenv(f"GROKWATCH_REDDIT__{name}", value)
        yield server


@pytest.fixture
def x(monkeypatch):
    with XServer(X_WORLD, SimulatedClock(NOW)) as server:
        monkeypatch.setenv("GROKWATCH_X__BEARER_TOKEN", TOKEN)
        monkeypatch.setenv("GROKWATCH_X__BASE_URL", server.url)
        yield server


def count(engine, model, *conditions):
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(model).where(*conditions))


def test_a_visit_to_reddit_tells_what_it_brought(sqlite_engine, grokwatch, reddit):
    called = grokwatch("collect", "reddit", "--once", "--json")
    told = json.loads(called.out)
    (visited,) = told["platforms"]
    assert (called.code, told["status"], visited["source"], visited["status"]) == (0, "ok", "reddit", "ok")
    assert visited["new"] == count(sqlite_engine, Post) > 5
    streams = {stream["stream"]: stream for stream in visited["streams"]}
    assert streams["new/grok"]["status"] == "ok"
    assert streams["new/hidden"]["status"] == "parked"
    assert "r/hidden is private" in streams["new/hidden"]["error"]
    again = grokwatch("collect", "reddit", "--once")
    assert again.code == 0
    assert "Reddit: " in again.out
    assert "0 posts new" in again.out
    assert again.out.count("r/hidden is private") == 1


def test_a_visit_to_x_spends_what_it_says(sqlite_engine, grokwatch, x):
    told = json.loads(grokwatch("collect", "x", "--once", "--json").out)
    (visited,) = told["platforms"]
    assert visited["cost_usd"] == pytest.approx(x.billed_usd)
    assert visited["new"] == count(sqlite_engine, Post) > 10
    assert count(sqlite_engine, Volume) > 0


def test_a_dry_run_asks_nobody_and_spends_nothing(sqlite_engine, grokwatch, reddit, x):
    called = grokwatch("collect", "--once", "--dry-run", "--json")
    told = json.loads(called.out)
    assert (called.code, told["dry_run"]) == (0, True)
    plan = {each["source"]: each for each in told["platforms"]}
    assert plan["reddit"]["requests"] >= 5
    assert plan["reddit"]["requests_at_most"] > plan["reddit"]["requests"]
    assert plan["x"]["way"] == "unknown"
    assert [step["kind"] for step in plan["x"]["plan"]] == ["counts"] * 3
    assert plan["x"]["cost_usd"] == pytest.approx(0.015)
    assert plan["x"]["left_usd"] == pytest.approx(45.0)
    assert (reddit.requests, x.requests) == ([], [])
    assert count(sqlite_engine, Run) + count(sqlite_engine, Spend) + count(sqlite_engine, Post) == 0
    words = grokwatch("collect", "--dry-run").out
    assert "Nothing was asked and nothing spent." in words
    assert "Reddit: 6 streams" in words
    assert "the first visit counts, then decides what to buy" in words


def test_a_refused_key_is_told_in_a_sentence_and_parked(sqlite_engine, grokwatch, x):
    x.token = "another"
    called = grokwatch("collect", "x", "--once")
    assert called.code == 1
    assert "X does not accept the bearer token" in called.out
    assert "Set GROKWATCH_X__BEARER_TOKEN" in called.out
    assert "Traceback" not in called.out + called.err
    assert count(sqlite_engine, Parked, Parked.reason == "forbidden") == 1
    assert count(sqlite_engine, Run, Run.status == "failed") == 1
    x.token = TOKEN
    assert grokwatch("collect", "x", "--once").code == 0
    assert count(sqlite_engine, Parked) == 0


def test_a_usage_cap_stops_the_stream_with_an_alert(sqlite_engine, grokwatch, x):
    x.refusal = USAGE_CAPPED
    assert grokwatch("collect", "x", "--once").code == 1
    assert count(sqlite_engine, Alert, Alert.rule == "usage_capped") == 1
    assert len(x.requests) == 1


def test_another_process_at_the_platform_is_named(sqlite_engine, grokwatch, x):
    with held(Lease(sqlite_engine, "platform x", clock=lambda: NOW)) as mine:
        assert mine
        called = grokwatch("collect", "x", "--once", "--json")
    assert called.code == 1
    assert "is reading x" in json.loads(called.err)["error"]
    assert x.requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("x", "--once"), "GROKWATCH_X__BEARER_TOKEN"),
        (("reddit", "--dry-run"), "GROKWATCH_REDDIT__FEEDS"),
        (("--once",), "no key for Reddit and no key for X"),
        (("mastodon",), "'mastodon' is not one of"),
        (("--json",), "--once"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(sqlite_engine, grokwatch, arguments, said):
    called = grokwatch("collect", *arguments)
    assert called.code == 2
    assert said in called.err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("X__QUERY", "g" * 505, "shorten GROKWATCH_X__QUERY by"),
        ("X__LANGUAGES", "en,en", "a language is named twice"),
        ("X__BEARER_TOKEN", "トークン", "the bearer token for X holds characters"),
        ("X__BEARER_TOKEN", "to\nken", "the bearer token for X holds characters"),
        ("REDDIT__SUBREDDITS", "gr ok", "'gr ok' is not the name of a subreddit"),
        ("REDDIT__CLIENT_SECRET", "秘密", "GROKWATCH_REDDIT__CLIENT_SECRET holds characters"),
        ("REDDIT__USER_AGENT", "グロック調査班", "GROKWATCH_REDDIT__USER_AGENT holds characters"),
    ],
)
@pytest.mark.parametrize("command", [("collect", "--once"), ("collect", "--dry-run"), ("run",), ("up",)])
def test_a_setting_that_can_not_be_used_is_wrong_usage(
    sqlite_engine, grokwatch, reddit, x, monkeypatch, name, value, said, command
):
    monkeypatch.setenv(f"GROKWATCH_{name}", value)
    called = grokwatch(*command)
    assert called.code == 2
    assert said.lower() in called.err.lower()
    assert (reddit.requests, x.requests) == ([], [])


def test_only_the_first_of_many_visits_asks_what_is_parked(sqlite_engine, grokwatch, x, monkeypatch):
    class Halt(threading.Event):
        """Lets two visits pass at once, then ends the work."""

        waits = 0

        def wait(self, timeout=None):
            self.waits += 1
            return self.waits > 2

    monkeypatch.setattr("grokwatch.cli.collect.threading", SimpleNamespace(Event=Halt, Timer=threading.Timer))
    x.refusal = USAGE_CAPPED
    assert grokwatch("collect", "x").code == 0
    assert len(x.requests) == 1


def test_a_blocked_client_is_told_once_and_not_asked_on(sqlite_engine, grokwatch, reddit):
    reddit.blocked = True
    called = grokwatch("collect", "reddit", "--once")
    assert called.code == 1
    assert called.out.count("Reddit refuses the requests of this app (403)") == 1
    assert len([request for request in reddit.requests if request.path != "/api/v1/access_token"]) == 2


def test_half_a_key_is_named(sqlite_engine, grokwatch, monkeypatch):
    monkeypatch.setenv("GROKWATCH_REDDIT__CLIENT_ID", "abc")
    called = grokwatch("collect", "reddit", "--once")
    assert called.code == 2
    assert "GROKWATCH_REDDIT__CLIENT_SECRET is not set" in called.err
