"""`grokwatch up` for real: a page is served, the sample is labelled, a signal ends every process it started."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(tmp_path, port):
    environment = os.environ | {"GROKWATCH_DATABASE_URL": f"sqlite:///{tmp_path}/up.db", "COLUMNS": "200"}
    with (tmp_path / "told.txt").open("w") as told:
        return subprocess.Popen(
            [sys.executable, "-m", "grokwatch", "up", "--port", str(port)], env=environment, cwd=tmp_path, stderr=told
        )


def told_so_far(tmp_path):
    return (tmp_path / "told.txt").read_text("utf-8")


def eventually(condition):
    deadline = time.monotonic() + START_SECONDS
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.3)
    return holds


def served(port):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            time.sleep(0.2)
    return False


def labelled(tmp_path):
    with sqlite3.connect(f"file:{tmp_path}/up.db?mode=ro", uri=True) as connection:
        (count,) = connection.execute("SELECT count(*) FROM labels").fetchone()
    connection.close()
    return count


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_serves_a_page_labels_the_sample_and_ends_cleanly(tmp_path, number):
    port = free_port()
    process = start(tmp_path, port)
    try:
        assert served(port)
        assert eventually(lambda: labelled(tmp_path) == 610)
        # Labels can be there sooner than the address is told.
        assert eventually(lambda: f"http://127.0.0.1:{port}" in told_so_far(tmp_path))
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(number)
        process.wait(timeout=20)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    told = told_so_far(tmp_path)
    assert process.returncode == 0
    assert f"http://127.0.0.1:{port}" in told
    assert "610 posts written for this project" in told
    assert "Traceback" not in told
    psutil.wait_procs(children, timeout=5)
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_up_says_in_one_sentence_that_the_port_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(tmp_path, port)
        process.wait(timeout=START_SECONDS)
    told = told_so_far(tmp_path)
    assert process.returncode == 2
    assert f"127.0.0.1:{port} can't be used" in told
    assert "--port" in told
    assert "Traceback" not in told
