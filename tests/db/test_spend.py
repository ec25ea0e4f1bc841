"""The month's money: never passed, whoever spends it and however they end."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.base import Cursor, HourCount, Kind, Page, RawPost
from collectors.budget import Prices, within_cap
from collectors.errors import BudgetSpent
from db import runs, spend
from db.engine import open_engine
from db.ingest import store_page
from db.models import Spend, Volume

NOVEMBER = datetime(2026, 11, 24, 9, tzinfo=UTC)

SPENDER = """
import sys
from datetime import datetime, UTC
from collectors.errors import BudgetSpent
from db.engine import open_engine
from db.spend import DatabaseLedger
url, budget, cost, wait = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
ledger = DatabaseLedger(open_engine(url), source="x", monthly_budget_usd=budget)
now = datetime(2026, 11, 24, 9, tzinfo=UTC)
print("ready", flush=True)
sys.stdin.readline()
spent = 0
try:
    while True:
        reservation = ledger.reserve(cost, now)
        spent += 1
        if wait == "hang":
            print("reserved", flush=True)
            sys.stdin.readline()
        if spent % 2:
            ledger.settle(reservation, cost)
except BudgetSpent:
    print(spent, flush=True)
"""


def spender(url, *, budget, cost, wait="go"):
    return subprocess.Popen(
        [sys.executable, "-c", SPENDER, url, str(budget), str(cost), wait],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(spend.__file__).parents[1],
    )


def let_go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def ledger_of(engine, budget=50.0):
    return spend.DatabaseLedger(engine, source="x", monthly_budget_usd=budget)


def november(engine):
    with engine.begin() as connection:
        return spend.month_spend(connection, "x", "2026-11")


def test_a_reservation_counts_as_spent_until_it_is_settled(engine):
    ledger = ledger_of(engine)
    reservation = ledger.reserve(0.5, NOVEMBER)
    assert ledger.left(NOVEMBER) == pytest.approx(49.5)
    ledger.settle(reservation, 0.02)
    assert ledger.left(NOVEMBER) == pytest.approx(49.98)


def test_settling_twice_counts_once(engine):
    ledger = ledger_of(engine)
    reservation = ledger.reserve(0.5, NOVEMBER)
    ledger.settle(reservation, 0.1)
    ledger.settle(reservation, 0.1)
    assert november(engine).spent_usd == pytest.approx(0.1)


def test_the_last_cent_can_be_spent_and_not_one_more(engine):
    ledger = ledger_of(engine, budget=0.3)
    for _ in range(3):
        ledger.reserve(0.1, NOVEMBER)  # 0.1 + 0.1 + 0.1 is more than 0.3 to a machine
    with pytest.raises(BudgetSpent) as refusal:
        ledger.reserve(0.005, NOVEMBER)
    assert "the X budget of 0.30 USD for 2026-11 is spent" in str(refusal.value)
    assert "GROKWATCH_X__MONTHLY_BUDGET_USD" in refusal.value.mend
    assert november(engine).requests == 3


def test_a_refused_reservation_leaves_no_trace(engine):
    ledger = ledger_of(engine, budget=1.0)
    with pytest.raises(BudgetSpent):
        ledger.reserve(1.01, NOVEMBER)
    assert ledger.left(NOVEMBER) == 1.0


def test_a_new_month_has_new_money_and_begins_in_utc(engine):
    ledger = ledger_of(engine, budget=1.0)
    ledger.reserve(1.0, NOVEMBER)
    tokyo = datetime.fromisoformat("2026-12-01T08:59:59+09:00")
    assert ledger.left(tokyo) == 0.0
    assert ledger.left(tokyo + timedelta(seconds=1)) == 1.0


def test_platforms_have_books_of_their_own(engine):
    ledger_of(engine, budget=1.0).reserve(1.0, NOVEMBER)
    other = spend.DatabaseLedger(engine, source="bluesky", monthly_budget_usd=1.0)
    assert other.left(NOVEMBER) == 1.0


def test_a_negative_cost_or_none_at_all_is_a_mistake_of_the_caller(engine):
    for cost in (-0.01, float("nan")):
        with pytest.raises(ValueError):
            ledger_of(engine).reserve(cost, NOVEMBER)


def test_processes_that_spend_at_the_same_time_do_not_pass_the_budget(engine, database_url):
    workers = [spender(database_url, budget=0.6, cost=0.01) for _ in range(2)]
    try:
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            let_go(worker)
        counts = [int(worker.communicate(timeout=60)[0]) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert sum(counts) == 60
    assert november(engine).spent_usd == pytest.approx(0.6)


def test_what_a_killed_process_set_aside_stays_spent_and_can_be_seen(engine, database_url):
    worker = spender(database_url, budget=50.0, cost=0.5, wait="hang")
    try:
        assert worker.stdout.readline() == "ready\n"
        let_go(worker)
        assert worker.stdout.readline() == "reserved\n"
        worker.send_signal(signal.SIGKILL)
    finally:
        worker.kill()
        worker.communicate()
    assert ledger_of(engine).left(NOVEMBER) == pytest.approx(49.5)
    assert november(engine).open_requests == 1
    with engine.begin() as connection:
        (left_open,) = spend.open_reservations(connection, "x", before=NOVEMBER + timedelta(minutes=1))
    assert (left_open.reserved_usd, left_open.created_at) == (0.5, NOVEMBER)


def a_page(reservation):
    post = RawPost(source="x", source_id="1", kind=Kind.POST, thread_id="1", created_at=NOVEMBER, text="Grok")
    hour = NOVEMBER.replace(minute=0)
    return Page(
        posts=(post,),
        cursor=Cursor(stream="posts", value="1"),
        read=1,
        cost_usd=0.005,
        reservation=reservation,
        counts=(HourCount(query="grok", hour=hour, count=7), HourCount(query="grok", hour=hour, count=9)),
    )


def test_a_page_is_stored_with_its_spend_and_its_counts(engine):
    page = a_page(ledger_of(engine).reserve(0.5, NOVEMBER))
    with engine.begin() as connection:
        run = runs.start_run(connection, "collect", source="x", now=NOVEMBER)
        store_page(connection, page, source="x", run_id=run, now=NOVEMBER, author_hash=str.upper)
    with engine.begin() as connection:
        entry = connection.execute(Spend.__table__.select()).one()
        census = connection.execute(Volume.__table__.select()).one()
    assert (entry.settled_usd, entry.run_id, entry.month) == (0.005, run, "2026-11")
    assert (census.count, census.hour) == (9, NOVEMBER.replace(minute=0))


def test_a_page_that_is_not_stored_leaves_its_money_set_aside(sqlite_engine):
    page = a_page(ledger_of(sqlite_engine).reserve(0.5, NOVEMBER))
    with sqlite_engine.connect() as connection, connection.begin() as transaction:
        run = runs.start_run(connection, "collect", source="x", now=NOVEMBER)
        store_page(connection, page, source="x", run_id=run, now=NOVEMBER, author_hash=str.upper)
        transaction.rollback()
    assert november(sqlite_engine).open_usd == 0.5


def test_another_count_of_an_hour_replaces_the_first(sqlite_engine):
    for reservation in (None, None):
        with sqlite_engine.begin() as connection:
            run = runs.start_run(connection, "collect", source="x", now=NOVEMBER)
            store_page(connection, a_page(reservation), source="x", run_id=run, now=NOVEMBER, author_hash=str.upper)
    with sqlite_engine.begin() as connection:
        assert len(connection.execute(Volume.__table__.select()).all()) == 1


def test_the_platforms_cap_of_posts_is_a_budget_too():
    assert within_cap(50.0, Prices(), 2_000_000) == 50.0
    assert within_cap(20_000.0, Prices(), 2_000_000) == pytest.approx(10_000.0)


def test_another_engine_sees_the_same_books(engine, database_url):
    ledger_of(engine).reserve(1.0, NOVEMBER)
    other = open_engine(database_url)
    assert ledger_of(other).left(NOVEMBER) == 49.0
    other.dispose()
