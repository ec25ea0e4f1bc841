"""A digest is reserved before it goes out: once, whatever ends in between."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from db import digests
from db.digests import Standing
from db.models import Digest

NOW = datetime(2025, 11, 25, 6, 30, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def reserve(engine, *, message_id="<1@example.org>", now=NOW, period="2025-W47", digest="weekly-en", **options):
    with engine.begin() as connection:
        return digests.reserve(connection, digest, period, message_id=message_id, now=now, **options)


def find(engine):
    with engine.begin() as connection:
        return digests.find(connection, "weekly-en", "2025-W47")


def test_nothing_is_known_of_a_digest_nobody_sent(engine):
    assert find(engine) is None


def test_a_digest_is_reserved_once(engine):
    first, mine = reserve(engine)
    second, not_mine = reserve(engine, now=LATER, message_id="<2@example.org>")
    assert (mine, not_mine) == (True, False)
    assert second == first
    assert second.standing is Standing.SENDING
    assert second.began_at == NOW


def test_another_week_or_language_is_another_digest(engine):
    assert reserve(engine)[1]
    assert reserve(engine, period="2025-W48")[1]
    assert reserve(engine, digest="weekly-ja")[1]


def test_what_was_sent_stays_sent_unless_it_is_asked_for_again(engine):
    stored, _ = reserve(engine)
    with engine.begin() as connection:
        digests.mark_sent(connection, stored, ["anna@example.org", "ben@example.org"], now=LATER)
    again, mine = reserve(engine, now=LATER)
    assert not mine
    assert (again.standing, again.sent_at, len(again.delivered)) == (Standing.SENT, LATER, 2)
    anew, mine = reserve(engine, now=LATER, message_id="<2@example.org>", again=True)
    assert mine
    assert (anew.delivered, anew.message_id) == ((), "<2@example.org>")
    assert find(engine) == anew


def test_a_failed_attempt_is_taken_up_where_it_ended(engine):
    stored, _ = reserve(engine)
    with engine.begin() as connection:
        digests.mark_failed(connection, stored, ["anna@example.org"])
    again, mine = reserve(engine, now=LATER, message_id="<2@example.org>")
    assert mine
    assert again.delivered == ("anna@example.org",)
    assert again.message_id == "<1@example.org>"
    assert again.began_at == LATER


def test_an_attempt_without_an_end_is_repeated_only_on_demand(engine):
    reserve(engine)
    assert not reserve(engine)[1]
    assert reserve(engine, again=True)[1]


def test_the_row_counts_the_recipients(engine):
    stored, _ = reserve(engine)
    with engine.begin() as connection:
        digests.mark_sent(connection, stored, ["anna@example.org"], now=LATER)
        row = connection.execute(select(Digest.digest, Digest.period, Digest.recipients, Digest.sent_at)).one()
    assert tuple(row) == ("weekly-en", "2025-W47", 1, LATER)


def test_of_two_at_once_one_gets_it(engine):
    with ThreadPoolExecutor(4) as pool:
        assert sum(mine for _, mine in pool.map(lambda _: reserve(engine), range(8))) == 1
