"""A visit to a platform: one run, each stream failing alone, refusals parked."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from collectors.base import CollectorError, Cursor, Hole, Kind, Page, RawPost
from collectors.errors import BudgetSpent, ChannelClosed, Forbidden, Unavailable, UsageCapped
from db import parking
from db.errors import DatabaseError
from db.models import Alert, Post, Run
from db.models import Hole as StoredHole
from db.parking import LOOK_UPS, Reason
from grokwatch.pipeline import Stopped, store
from grokwatch.visits import next_month, park, visit

NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
MEND = "mend it"


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


class Stream:
    """A stream of one-post pages; `ends` is raised after them."""

    source = "reddit"

    def __init__(self, name, pages=1, ends=None, holes=()):
        self.stream, self.number, self.ends, self.holes = name, pages, ends, holes
        self.asked = 0

    def pages(self, cursor):
        self.asked += 1
        first = int(cursor.value) if cursor else 0
        for number in range(first, first + self.number):
            post = RawPost(
                source="reddit", source_id=f"{self.stream}-{number}", kind=Kind.COMMENT, thread_id="t", created_at=NOW,
                text="Grok",
            )  # fmt: skip
            yield Page(
                posts=(post,), cursor=Cursor(stream=self.stream, value=str(number + 1)), read=1, holes=self.holes
            )
        if self.ends is not None:
            raise self.ends


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def go(engine, clock):
    def visit_all(*streams, **options):
        return visit(engine, "reddit", streams, clock=clock, author_hash=str, **options)

    return visit_all


def rows(engine, *columns):
    with engine.connect() as connection:
        return connection.execute(select(*columns)).all()


def parked(engine):
    with engine.connect() as connection:
        return {held.stream: held for held in parking.parked(connection)}


def states(report):
    return {stream.stream: stream.status for stream in report.streams}


def test_all_streams_share_one_run_and_add_up(engine, go):
    report = go(Stream("a", 2), Stream("b", 3))
    assert rows(engine, Run.kind, Run.source, Run.status, Run.new) == [("collect", "reddit", "ok", 5)]
    assert (report.status, report.total("new")) == ("ok", 5)


def test_a_stream_that_fails_does_not_keep_the_others_from_being_read(engine, go):
    report = go(Stream("a", ends=CollectorError("a broke", mend=MEND)), Stream("b", ends=KeyError("x")), Stream("c"))
    assert states(report) == {"a": "failed", "b": "failed", "c": "ok"}
    assert report.total("new") == 3
    ((status, error, detail),) = rows(engine, Run.status, Run.error, Run.detail)
    assert status == "failed"
    assert re.fullmatch(r"a broke; KeyError in test_visits.py, line \d+", error)  # its own words may hold a secret
    assert set(detail["troubles"]) == {"a", "b"}


def test_a_closed_channel_is_parked_and_the_visit_is_no_failure(engine, go, clock):
    closed = Stream("a", 0, ends=ChannelClosed("r/a is private", mend=MEND, channel="a", reason="private"))
    assert go(closed, Stream("b")).status == "ok"
    assert parked(engine)["a"].reason is Reason.CLOSED
    go(closed, Stream("b"))
    assert closed.asked == 1
    clock.now += timedelta(hours=6)
    opened = Stream("a", 0)
    go(opened, Stream("b"))
    assert opened.asked == 1
    assert parked(engine) == {}


@pytest.mark.parametrize(
    ("refusal", "status", "reason", "again"),
    [
        (Forbidden("no", mend=MEND), "failed", Reason.FORBIDDEN, NOW + timedelta(hours=24)),
        (BudgetSpent("spent", mend=MEND), "ok", Reason.BUDGET, datetime(2026, 4, 1, tzinfo=UTC)),
        (UsageCapped("capped", mend=MEND), "failed", Reason.CAPPED, datetime(2026, 4, 1, tzinfo=UTC)),
    ],
)
def test_refusals_are_parked_and_asked_again_in_their_time(engine, go, clock, refusal, status, reason, again):
    refused = Stream("a", ends=refusal)
    assert go(refused).status == status
    held = parked(engine)["a"]
    assert (held.reason, held.retry_at, held.error, held.mend) == (reason, again, str(refusal), MEND)
    report = go(refused)
    assert (refused.asked, states(report), report.run_id) == (1, {"a": "parked"}, None)
    assert len(rows(engine, Run.id)) == 1
    clock.now = again
    go(refused)
    assert refused.asked == 2


def test_a_person_may_ask_before_the_time(engine, go):
    go(Stream("a", ends=Forbidden("no", mend=MEND)))
    assert states(go(Stream("a"), again=True)) == {"a": "ok"}
    assert parked(engine) == {}


def test_a_usage_cap_raises_one_alert(engine, go):
    capped = Stream("a", ends=UsageCapped("capped", mend=MEND))
    go(capped)
    go(capped, again=True)
    assert rows(engine, Alert.rule, Alert.message) == [("usage_capped", "capped")]


def test_what_the_settings_do_not_name_any_more_is_not_parked_for_ever(engine, go):
    closed = ChannelClosed("r/a is private", mend=MEND, channel="a", reason="private")
    go(Stream("a", 0, ends=closed), Stream("b", 0, ends=closed))
    go(Stream("b"), Stream("c"))
    assert set(parked(engine)) == {"b"}


def test_a_platform_that_gives_posts_again_may_be_asked_for_stored_ones(engine, go):
    park(engine, "reddit", LOOK_UPS, UsageCapped("capped", mend=MEND), now=NOW)
    go(Stream("a", 0))
    assert set(parked(engine)) == {LOOK_UPS}
    go(Stream("a"))
    assert parked(engine) == {}


def test_after_two_streams_without_an_answer_the_others_are_not_asked(go):
    away = [Stream(name, 0, ends=Unavailable("away", mend=MEND)) for name in "abcd"]
    assert states(go(*away)) == {"a": "failed", "b": "failed", "c": "skipped", "d": "skipped"}


def test_a_key_that_is_refused_twice_alike_is_not_shown_again(go):
    same = [Stream(name, 0, ends=Forbidden("no such key", mend=MEND)) for name in "abc"]
    assert states(go(*same)) == {"a": "parked", "b": "parked", "c": "skipped"}
    other = [Stream(f"o{name}", 0, ends=Forbidden(f"r/{name} no", mend=MEND)) for name in "abc"]
    assert set(states(go(*other)).values()) == {"parked"}


@pytest.mark.parametrize("way", ["asked", "raised"])
def test_a_stop_ends_the_visit_after_the_page_in_hand(engine, go, way):
    first, second = Stream("a", 3, ends=Stopped() if way == "raised" else None), Stream("b")
    report = go(first, second, stopped=lambda: way == "asked")
    assert report.status == "interrupted"
    assert len(rows(engine, Post.id)) == (3 if way == "raised" else 1)
    assert second.asked == 0
    assert rows(engine, Run.status) == [("interrupted",)]


def test_holes_are_stored_once(engine, go, clock):
    hole = Hole(stream="a", starts_at=NOW - timedelta(hours=2), ends_at=NOW, reason="the listing ended")
    go(Stream("a", 2, holes=(hole,)))
    assert rows(engine, StoredHole.stream, StoredHole.starts_at, StoredHole.reason) == [
        ("a", NOW - timedelta(hours=2), "the listing ended")
    ]


def test_two_processes_on_one_stream_are_found_out(engine, clock):
    """The second one has read the same cursor; its page must not move it back."""
    first, second = Stream("a", 3), Stream("a", 3)
    intruder = iter(lambda: store(engine, second, kind="collect", clock=clock, author_hash=str), None)
    with pytest.raises(DatabaseError, match="another process reads reddit"):
        store(engine, first, kind="collect", clock=clock, author_hash=str, on_page=lambda *_: next(intruder))
    assert len(rows(engine, Post.id)) == 4


def test_the_next_month_begins_in_utc():
    assert next_month(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)
