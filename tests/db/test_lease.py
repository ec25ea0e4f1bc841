"""One process at a time: it stands by while another lives, and takes over when it has gone."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from db import lease as module
from db.engine import open_engine
from db.lease import BEAT_SECONDS, LIVE_SECONDS, Lease, held, still_runs, this_process

NOW = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)

HOLDER = """
import sys
from datetime import datetime, UTC
from db.engine import open_engine
from db.lease import Lease
lease = Lease(open_engine(sys.argv[1]), "work", clock=lambda: datetime.now(UTC))
print(lease.take(), flush=True)
sys.stdin.readline()
"""


class Watch:
    """A monotonic clock that is moved by hand."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def claim(engine):
    """Make claims of two machines, so that nobody can look whether the other's process runs."""

    def make(holder, watch=None, clock=lambda: NOW):
        return Lease(engine, "work", clock=clock, monotonic=watch or Watch(), holder=f"{holder} 0 1 2 a")

    return make


def test_one_gets_it_and_the_other_stands_by(claim):
    first, second = claim("alpha"), claim("beta")
    assert first.take()
    assert not second.take()
    assert second.holding().process == "process 1 on alpha"
    first.give_back()
    assert second.holding() is None
    assert second.take()
    assert not first.renew()


def test_beats_that_stand_still_for_long_enough_are_taken_over_within_a_minute(claim):
    watch = Watch()
    first, second = claim("alpha"), claim("beta", watch)
    first.take()
    looks = 0
    while not second.take():
        watch.seconds += 5
        looks += 1
    assert LIVE_SECONDS <= looks * 5 < 60
    assert not first.renew()


def test_beats_keep_it_however_the_clocks_jump(claim):
    watch = Watch()
    first, second = claim("alpha"), claim("beta", watch, clock=lambda: NOW + timedelta(days=365))
    first.take()
    for _ in range(20):
        watch.seconds += BEAT_SECONDS
        assert first.renew()
        assert not second.take()


def test_a_holder_that_slept_finds_that_it_is_anothers(claim):
    watch = Watch()
    first, second = claim("alpha"), claim("beta", watch)
    first.take()
    second.take()
    watch.seconds += LIVE_SECONDS
    assert second.take()
    assert not first.renew()
    first.give_back()  # it was not its own to give
    assert second.renew()


def test_a_killed_process_of_this_machine_is_replaced_at_once(database_url, engine):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, database_url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(module.__file__).parents[1],
    )  # fmt: skip
    assert process.stdout.readline() == "True\n"
    mine = Lease(engine, "work", clock=lambda: NOW)
    assert not mine.take()
    process.kill()
    process.communicate()
    assert mine.take()


def test_two_claims_of_one_process_exclude_each_other(sqlite_engine):
    first, second = (Lease(sqlite_engine, "work", clock=lambda: NOW) for _ in range(2))
    with held(first, every_seconds=0.01) as mine, held(second) as other:
        assert (mine, other) == (True, False)
    with held(second) as mine:
        assert mine


def test_of_a_process_elsewhere_nothing_is_known():
    mine = this_process()
    assert still_runs(mine) is True
    assert still_runs(f"another-{mine}") is None
    assert still_runs("nonsense") is None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells when a process began")
def test_a_number_that_was_given_to_another_process_is_found_out():
    machine, namespace, number, began, mark = this_process().split(" ")
    assert still_runs(f"{machine} {namespace} {number} {int(began) - 1} {mark}") is False


def test_a_patient_claim_outlasts_a_holder_elsewhere_that_has_ended(claim):
    watch = Watch()
    first, second = claim("alpha"), claim("beta", watch)
    first.take()

    def wait(seconds):
        watch.seconds += seconds
        return False

    assert second.take_patiently(wait)
    assert LIVE_SECONDS <= watch.seconds - 1000 < 60


def test_a_patient_claim_gives_up_when_it_sees_the_holder_live(claim):
    watch = Watch()
    first, second = claim("alpha"), claim("beta", watch)
    first.take()

    def wait(seconds):
        watch.seconds += seconds
        if watch.seconds - 1000 >= BEAT_SECONDS:
            first.renew()
        return False

    assert not second.take_patiently(wait)
    assert watch.seconds - 1000 < BEAT_SECONDS + 5


def test_beats_go_on_while_the_block_runs(sqlite_url, sqlite_engine):
    lease = Lease(sqlite_engine, "work", clock=lambda: NOW)
    other = open_engine(sqlite_url)
    with held(lease, every_seconds=0.01), other.connect() as connection:
        before = connection.exec_driver_sql("SELECT beats FROM leases").scalar()
        connection.rollback()
        for _ in range(300):
            after = connection.exec_driver_sql("SELECT beats FROM leases").scalar()
            connection.rollback()
            if after > before:
                break
            time.sleep(0.01)
    other.dispose()
    assert after > before
