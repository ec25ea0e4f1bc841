"""Real processes that are killed while they read X: nothing is lost or doubled, and the money holds."""

import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from platforms.serving import SimulatedClock
from platforms.world import Channel, World
from platforms.x_server import TOKEN, XServer, first_id, without_surprises
from sqlalchemy import select

import collectors
from db import spend
from db.models import Post

START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=2, hours=9)
KILLS = 8

READER = """
import random, sys
from datetime import datetime
from collectors.x import XAccess, stream
from db.engine import open_engine
from db.spend import DatabaseLedger
from grokwatch.pipeline import store
database, address, token, moment, budget = sys.argv[1:]
engine = open_engine(database)
now = datetime.fromisoformat(moment)
ledger = DatabaseLedger(engine, source="x", monthly_budget_usd=float(budget))
access = XAccess(bearer_token=token, query="grok", base_url=address)
reader = stream(access, ledger=ledger, clock=lambda: now, sleep=lambda _: None, rng=random.Random(7))
print("ready", flush=True)
store(engine, reader, kind="collect", clock=lambda: now, author_hash=str.upper,
      on_page=lambda *_: print("page", flush=True))
print("done", flush=True)
"""


def reader(database_url, server, budget):
    return subprocess.Popen(
        [sys.executable, "-c", READER, database_url, server.url, TOKEN, server.clock().isoformat(), str(budget)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(collectors.__file__).parents[1],
    )


def killed(process, *, after_pages, chance):
    """Kill a reader some pages after its start, at any moment of the next; True where it was done before."""
    with process:
        try:
            for line in process.stdout:
                if line == "done\n":
                    return True
                after_pages -= 1
                if after_pages < 0:
                    time.sleep(chance.random() * 0.03)
                    break
        finally:
            process.kill()
    return False


@pytest.mark.slow
@pytest.mark.parametrize(("per_hour", "budget"), [(40, 300.0), (60, 30.0)], ids=["everything", "sample"])
def test_kills_lose_nothing_double_nothing_and_do_not_pass_the_budget(engine, database_url, per_hour, budget):
    chance = random.Random(3)
    channel = Channel(name="x", submissions_per_hour=per_hour / 2, comments_per_hour=per_hour / 2, grok_share=1.0)
    world = without_surprises(World(seed=3, start=START, channels=(channel,)))
    with XServer(world, SimulatedClock(NOW), limit=100_000) as server:
        done = False
        for _ in range(KILLS):
            done = killed(reader(database_url, server, budget), after_pages=chance.randrange(3), chance=chance) or done
        assert not done, "the kills came too late to tell anything"
        assert killed(reader(database_url, server, budget), after_pages=10_000, chance=chance)
        there = {str(first_id(p)) for p in server.matching(START, NOW - timedelta(seconds=30), NOW)}
        asked = [request for request in server.requests if request.path.endswith("search/recent")]
        with engine.begin() as connection:
            rows = connection.execute(select(Post.source_id, Post.inclusion_probability)).all()
            books = spend.month_spend(connection, "x", "2026-03")
        assert server.billed_usd <= books.spent_usd + 1e-9
        assert books.spent_usd <= budget + 1e-9
        assert books.open_requests <= KILLS
        if budget > 100:
            assert {row.source_id for row in rows} == there
        else:
            assert {row.source_id for row in rows} == bought(server, asked)
            assert {row.inclusion_probability for row in rows} != {1.0}
    assert len(rows) == len({row.source_id for row in rows})


def bought(server, asked):
    """Ids of what the slices that were asked for hold."""
    found = set()
    for request in asked:
        begin, end = (datetime.fromisoformat(request.query[name]) for name in ("start_time", "end_time"))
        found |= {str(first_id(post)) for post in server.matching(begin, end, NOW, request.query["query"])}
    return found
