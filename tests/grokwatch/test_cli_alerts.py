"""`grokwatch alerts` and what the doctor says of them."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from db import alerts
from grokwatch.alerting import GIVE_UP

NOW = datetime.now(UTC)


@pytest.fixture
def hook():
    """A web hook that takes everything."""
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    taken.append(f"json://127.0.0.1:{server.server_address[1]}/hidden")
    yield taken
    server.shutdown()
    server.server_close()
    thread.join()


def fire(engine, at=NOW, **options):
    with engine.begin() as connection:
        options = {"condition": "silent x", "lasting": True, "message_ja": "Xが沈黙"} | options
        return alerts.fire(connection, "silent", "X is [silent]", now=at, detail={"source": "x"}, **options)


def test_alerts_are_listed_newest_first(grokwatch, sqlite_engine):
    first, second = fire(sqlite_engine), fire(sqlite_engine)
    rows = json.loads(grokwatch("alerts", "list", "--json").out)
    assert [row["id"] for row in rows] == [second, first]
    assert set(rows[0]) == {
        "id", "rule", "condition", "fired_at", "message", "message_ja", "detail", "ended_at", "acknowledged_at", "delivered_at",
        "attempts", "retry_at",
    }  # fmt: skip
    assert rows == json.loads(grokwatch("alerts", "--json").out)
    assert "X is [silent]" in grokwatch("alerts").out


def test_noted_alerts_leave_the_open_list(grokwatch, sqlite_engine):
    first, second = fire(sqlite_engine), fire(sqlite_engine)
    assert json.loads(grokwatch("alerts", "ack", first, "--json").out) == {"acknowledged": [first]}
    assert [row["id"] for row in json.loads(grokwatch("alerts", "--open", "--json").out)] == [second]
    again = grokwatch("alerts", "ack", first)
    assert (again.code, again.out) == (0, f"Noted: {first}\n")


def test_an_unknown_number_notes_nothing(grokwatch, sqlite_engine):
    number = fire(sqlite_engine)
    called = grokwatch("alerts", "ack", number, 99)
    assert called.code == 1
    assert "there is no alert 99" in called.err
    assert len(json.loads(grokwatch("alerts", "--open", "--json").out)) == 1


def test_no_alerts_are_said(grokwatch, sqlite_engine):
    assert grokwatch("alerts").out == "No alerts.\n"
    assert json.loads(grokwatch("alerts", "list", "--json").out) == []


def test_a_test_reaches_the_address(grokwatch, sqlite_engine, hook, monkeypatch):
    monkeypatch.setenv("GROKWATCH_ALERTS__URLS", hook[0])
    called = grokwatch("alerts", "test", "--json")
    assert called.code == 0
    assert json.loads(called.out) == [{"address": 1, "service": "JSON", "usable": True, "sent": True}]
    assert hook[1]["title"] == "Grokwatch: a test"


def test_an_address_that_takes_nothing_fails_the_test_and_stays_secret(grokwatch, sqlite_engine, hook, monkeypatch):
    monkeypatch.setenv("GROKWATCH_ALERTS__URLS", f"{hook[0]}, nonsense://hidden, json://127.0.0.1:9/hidden")
    called = grokwatch("alerts", "test")
    assert called.code == 1
    assert called.out.splitlines() == [
        "address 1 (JSON): sent",
        "address 2 (no service): can't be read",
        "address 3 (JSON): not taken",
    ]
    assert "hidden" not in called.out + called.err


def test_a_test_without_an_address_is_a_wrong_use(grokwatch):
    called = grokwatch("alerts", "test", "--json")
    assert called.code == 2
    assert json.loads(called.err)["error"] == "GROKWATCH_ALERTS__URLS is not set"


def test_check_looks_and_delivers(grokwatch, sqlite_engine, hook, monkeypatch):
    monkeypatch.setenv("GROKWATCH_ALERTS__URLS", hook[0])
    number = fire(sqlite_engine)
    called = grokwatch("alerts", "check", "--json")
    assert (called.code, json.loads(called.out)) == (
        0, {"fired": [], "ended": [number], "delivered": [number], "failed": []}
    )  # fmt: skip
    assert len(hook) == 2


# --- the doctor


def told(grokwatch, *options):
    checks = json.loads(grokwatch("doctor", *options, "--json").out)["checks"]
    return [(one["status"], one["message"]) for one in checks if one["name"] == "alerts"]


def test_the_doctor_reads_addresses_and_sends_nothing(grokwatch, sqlite_engine, hook, monkeypatch):
    assert told(grokwatch) == [("ok", "no address is set: the dashboard alone shows them")]
    monkeypatch.setenv("GROKWATCH_ALERTS__URLS", f"{hook[0]}, nonsense://hidden")
    assert told(grokwatch) == [
        ("fail", "address 2 of GROKWATCH_ALERTS__URLS can't be read"),
        ("ok", "1 of 2 addresses can be read (JSON); nothing was sent"),
    ]
    assert len(hook) == 1


def test_the_doctor_sends_a_test_when_asked(grokwatch, sqlite_engine, hook, monkeypatch):
    monkeypatch.setenv("GROKWATCH_ALERTS__URLS", hook[0])
    assert told(grokwatch, "--send-test") == [("ok", "address 1 (JSON) took a test message")]
    assert len(hook) == 2


def test_the_doctor_tells_of_alerts_that_did_not_arrive(grokwatch, sqlite_engine):
    for at in (NOW, NOW - GIVE_UP - timedelta(hours=1)):
        number = fire(sqlite_engine, at)
        with sqlite_engine.begin() as connection:
            alerts.note_delivery(connection, number, [], delivered_at=None, retry_at=NOW)
    assert [message for status, message in told(grokwatch) if status == "warn"] == [
        "1 alert could not be delivered for two days",
        "1 alert waits for another attempt at delivery",
    ]
