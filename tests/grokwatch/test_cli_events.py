"""`grokwatch events`: events go in once and come out in order."""

import json

import pytest
from typer.testing import CliRunner

from grokwatch.cli.events import app
from grokwatch.cli.session import UsageError


def call(*arguments):
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_the_reports_events_are_there_from_the_start(sqlite_engine):
    listed = json.loads(call("list", "--json"))
    assert [(event["name"], event["starts_at"], event["ends_at"], event["expected"]) for event in listed] == [
        ("Grok 4.1 silent rollout", "2025-11-01T00:00:00+00:00", "2025-11-15T00:00:00+00:00", False),
        ("Grok 4.1 release", "2025-11-17T00:00:00+00:00", None, False),
        ("Grok 5 expected", "2026-01-01T00:00:00+00:00", "2026-04-01T00:00:00+00:00", True),
    ]
    assert all(event["name_ja"] for event in listed)
    assert "2025-11-01 to 2025-11-14" in call("list")


def test_an_event_is_added_once(sqlite_engine):
    arguments = ("add", "Outage [EU]", "--on", "2025-11-20", "--until", "2025-11-21", "--ja", "障害", "--expected")
    assert "Added" in call(*arguments)
    assert "already" in call(*arguments)
    (event,) = [event for event in json.loads(call("list", "--json")) if event["name"] == "Outage [EU]"]
    assert event == {
        "starts_at": "2025-11-20T00:00:00+00:00",
        "ends_at": "2025-11-22T00:00:00+00:00",
        "name": "Outage [EU]",
        "name_ja": "障害",
        "expected": True,
    }
    assert "Outage [EU] (expected)" in call("list")


@pytest.mark.parametrize(
    "arguments",
    [
        ("", "--on", "2025-11-20"),
        ("x" * 201, "--on", "2025-11-20"),
        ("x", "--on", "20th"),
        ("x", "--on", "2025-11-20", "--until", "2025-11-19"),
    ],
)
def test_bad_events_are_refused(sqlite_engine, arguments):
    with pytest.raises(UsageError):
        call("add", *arguments)
    assert len(json.loads(call("list", "--json"))) == 3
