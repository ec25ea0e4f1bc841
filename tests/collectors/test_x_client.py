"""Asking X: the bill, the wait, and what must never be sent or told."""

import logging
import random
from datetime import UTC, datetime, timedelta

import pytest
from platforms.serving import SimulatedClock
from platforms.world import Channel, World
from platforms.x_server import TOKEN, XServer, first_id, without_surprises

from collectors.base import Cursor
from collectors.x import XAccess, stream
from collectors.x_client import XClient
from collectors.x_plan import HOUR
from collectors.x_posts import read_page
from collectors.x_state import State, Taken, Walk
from db.spend import DatabaseLedger

START = datetime(2026, 3, 2, tzinfo=UTC)
NOON = START + 12 * HOUR


@pytest.fixture
def server():
    channel = Channel(name="x", submissions_per_hour=3, comments_per_hour=3, grok_share=1.0)
    with XServer(without_surprises(World(start=START, channels=(channel,))), SimulatedClock(NOON)) as running:
        yield running


@pytest.fixture
def client(server, sqlite_engine):
    made = XClient(
        XAccess(bearer_token=TOKEN, query="grok", base_url=server.url),
        ledger=DatabaseLedger(sqlite_engine, source="x", monthly_budget_usd=50.0),
        clock=server.clock,
        sleep=server.clock.sleep,
        chance=random.Random(1),
    )
    yield made
    made.close()


def cost_of(client, answer):
    page = read_page(answer.body)
    return answer.cost(client.charge(page.ids, page.users, page.items)), len(page.ids)


def test_a_post_read_again_on_the_same_day_is_free(client, server):
    spent, posts = cost_of(client, client.search("grok", size=20))
    assert spent == pytest.approx(0.005 * posts)
    assert cost_of(client, client.search("grok", size=20))[0] == 0
    assert server.billed_usd == pytest.approx(spent)


def test_the_next_day_it_costs_again(client, server):
    before, posts = cost_of(client, client.search("grok", size=20, end_time=NOON - HOUR))
    server.clock.move(timedelta(days=1))
    after, _ = cost_of(client, client.search("grok", size=20, end_time=NOON - HOUR))
    assert after == before == pytest.approx(0.005 * posts)


def test_around_midnight_nothing_is_taken_for_free(client, server):
    server.clock.now = START + timedelta(hours=23, minutes=50)
    first, posts = cost_of(client, client.search("grok", size=20))
    again, _ = cost_of(client, client.search("grok", size=20))
    assert first == again == pytest.approx(0.005 * posts)


def test_posts_are_looked_up_by_the_hundred(client, server):
    there = [str(first_id(post)) for post in server.matching(START, NOON, NOON)]
    answer = client.look_up([*there[:60], "1"])
    page = read_page(answer.body)
    assert set(page.ids) == set(there[:60])
    assert page.missing == ("1",)
    assert answer.reserved_usd == pytest.approx(61 * 0.005)
    assert cost_of(client, answer)[0] == pytest.approx(60 * 0.005)


def test_a_page_is_no_larger_than_the_money_reaches_for(client, server, sqlite_engine):
    client.ledger = DatabaseLedger(sqlite_engine, source="x", monthly_budget_usd=0.175)
    client.search("grok", size=100)
    assert server.requests[-1].query["max_results"] == "35"


@pytest.mark.parametrize("address", ["{}", "{}/", "{}/2", "{}/2/"])
def test_the_address_may_be_written_with_or_without_the_version(client, server, sqlite_engine, address):
    access = XAccess(bearer_token=TOKEN, query="grok", base_url=address.format(server.url))
    other = XClient(access, ledger=client.ledger, clock=server.clock, sleep=server.clock.sleep, chance=random.Random(1))
    other.search("grok", size=10)
    other.close()
    assert server.requests[-1].path == "/2/tweets/search/recent"


def test_a_netrc_file_does_not_replace_the_token(client, server, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    client.search("grok", size=10)
    assert server.requests[-1].headers["authorization"] == f"Bearer {TOKEN}"


def test_no_log_tells_the_token(client, caplog):
    with caplog.at_level(logging.DEBUG):
        client.search("grok", size=10)
    assert TOKEN not in caplog.text


def a_cursor(client, **others):
    old = NOON - timedelta(days=20)
    state = State(belongs_to=client.access.counts_are_for, seed=1, next=old, counted_until=old, **others)
    return state.write()


def first_page(client, cursor):
    collector = stream(
        client.access, ledger=client.ledger, clock=lambda: NOON, sleep=lambda _: None, rng=random.Random(1)
    )
    pages = collector.pages(cursor)
    page = next(pages)
    pages.close()
    return page


REACH = NOON - timedelta(days=7) + HOUR


@pytest.mark.parametrize(
    ("read_from", "read_until", "expected"),
    [
        (timedelta(days=10), timedelta(days=8), [("next", 10), (8, "reach")]),
        (timedelta(days=10), timedelta(days=2), [("next", 10)]),
        (timedelta(days=5), timedelta(days=2), [("next", "reach")]),
    ],
)
@pytest.mark.parametrize("kind", ["walk", "taken"])
def test_what_was_read_before_the_gap_is_no_hole(client, kind, read_from, read_until, expected):
    seen = {
        "end": NOON - read_until, "oldest_id": "5", "oldest_at": NOON - read_from, "newest_id": "9",
        "newest_at": NOON - read_until,
    }  # fmt: skip
    cursor = a_cursor(client, **{kind: Walk(**seen) if kind == "walk" else Taken(**seen)})
    page = first_page(client, cursor)
    moments = {"next": NOON - timedelta(days=20), "reach": REACH}
    told = [(hole.starts_at, hole.ends_at) for hole in page.holes]
    assert told == [
        tuple(moments[m] if isinstance(m, str) else NOON - timedelta(days=m) for m in span) for span in expected
    ]


def test_a_cursor_that_can_not_be_read_begins_anew(client, server):
    page = first_page(client, Cursor(stream="posts", value="{}"))
    assert page.counts
    assert page.holes == ()
