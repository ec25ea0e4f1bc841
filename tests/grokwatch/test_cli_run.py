"""`grokwatch run` for real: one process works, another stands by and takes over, and a signal ends each within seconds."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from platforms.faults import Fault, FaultPlan
from platforms.serving import SimulatedClock
from platforms.world import Channel, World
from platforms.x_server import TOKEN, XServer

from db import lease

NOW = datetime.now(UTC).replace(microsecond=0)
WORLD = World(start=NOW - timedelta(hours=3), channels=(Channel(name="x", grok_share=1.0),))


@pytest.fixture
def hanging():
    """X, which takes requests and does not answer them."""
    with XServer(WORLD, SimulatedClock(NOW), FaultPlan(rates={Fault.TIMEOUT: 1.0}, in_a_row=10**9)) as server:
        server.hold_seconds = 120
        yield server


@contextmanager
def running(tmp_path, server):
    environment = os.environ | {
        "GROKWATCH_DATABASE_URL": f"sqlite:///{tmp_path}/run.db", "GROKWATCH_X__BEARER_TOKEN": TOKEN, "COLUMNS": "200",
        "GROKWATCH_X__BASE_URL": server.url, "GROKWATCH_X__TIMEOUT_SECONDS": "100", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "grokwatch", "run"], env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(process, words):
    for line in process.stderr:
        if words in line:
            return line
    raise AssertionError(f"it ended without saying {words!r}")


def asked(server):
    deadline = time.monotonic() + 60
    while not server.requests and time.monotonic() < deadline:
        time.sleep(0.05)
    return len(server.requests)


def test_a_second_process_stands_by_takes_over_and_ends_on_a_signal_though_its_platform_hangs(tmp_path, hanging):
    with running(tmp_path, hanging) as first:
        wait_for(first, "scheduler: started")
        assert asked(hanging)
        with running(tmp_path, hanging) as second:
            assert f"process {first.pid} on " in wait_for(second, "stands by")
            first.kill()
            first.wait()
            hanging.requests.clear()
            began = time.monotonic()
            wait_for(second, "scheduler: started")
            assert time.monotonic() - began < 60
            assert asked(hanging)
            began = time.monotonic()
            second.send_signal(signal.SIGTERM)
            second.wait(20)
            assert time.monotonic() - began < 5 + 3  # a loaded machine's process takes its time to end
            assert second.returncode == 0
            assert "Traceback" not in second.stderr.read()


def test_the_platforms_without_a_key_are_named(tmp_path, hanging):
    with running(tmp_path, hanging) as process:
        line = wait_for(process, "no key for Reddit")
        assert "support.reddithelp.com" in line
        process.send_signal(signal.SIGINT)
        process.wait(20)
    assert process.returncode == 0


def test_takeover_takes_less_than_a_minute():
    assert lease.LIVE_SECONDS + lease.BEAT_SECONDS < 60
