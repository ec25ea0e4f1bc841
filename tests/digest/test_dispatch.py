"""A letter goes out once: reserved, sent, marked, on both databases and over a real mail server."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from db import digests
from db.digests import Standing
from db.models import Digest, Run
from digest.compose import Letter
from digest.deliver import DeliveryError, parse_address
from digest.dispatch import dispatch

SENDER = parse_address("grokwatch@example.org")
ANNA, BEN = parse_address("anna@example.org"), parse_address("ben@example.org")
NOW = datetime(2025, 11, 25, 6, 30, tzinfo=UTC)
LETTER = Letter(
    name="weekly-en", period="2025-W47", lang="en", subject="Grok", html="<p>x</p>", text="x\n", pictures=[]
)


def out(engine, server, *recipients, again=False):
    people = recipients or (ANNA, BEN)
    return dispatch(engine, LETTER, server, sender=SENDER, recipients=people, clock=lambda: NOW, again=again)


def refusal(engine, server, **options):
    with pytest.raises(DeliveryError) as caught:
        out(engine, server, **options)
    return caught.value


def stored(engine):
    with engine.connect() as connection:
        return digests.find(connection, "weekly-en", "2025-W47")


def run_rows(engine):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(Run.kind, Run.status, Run.error).order_by(Run.id))]


def test_a_letter_is_sent_marked_and_leaves_a_run(engine, inbox):
    sent = out(engine, inbox.server())
    assert (sent.recipients, sent.sent_at) == (2, NOW)
    assert inbox.messages[0]["Message-ID"] == sent.message_id
    assert stored(engine).standing is Standing.SENT
    assert stored(engine).delivered == ("anna@example.org", "ben@example.org")
    assert run_rows(engine) == [("digest", "ok", None)]


def test_a_second_sending_says_when_the_first_was(engine, inbox):
    out(engine, inbox.server())
    error = refusal(engine, inbox.server())
    assert "2025-W47 (en) was already sent on 2025-11-25 06:30 UTC to 2 recipients" in str(error)
    assert "--force" in error.mend
    assert len(inbox.messages) == 1
    assert len(run_rows(engine)) == 1


def test_again_means_everyone_once_more_in_a_message_of_its_own(engine, inbox):
    out(engine, inbox.server())
    out(engine, inbox.server(), again=True)
    first, second = inbox.messages
    assert first["Message-ID"] != second["Message-ID"]
    assert inbox.envelopes[1].rcpt_tos == ["anna@example.org", "ben@example.org"]


def test_after_a_refused_recipient_only_that_one_is_written_to(engine, inbox):
    inbox.refused["anna@example.org"] = "450 greylisted"
    refusal(engine, inbox.server())
    assert stored(engine).standing is Standing.FAILED
    with engine.connect() as connection:
        assert connection.execute(select(Digest.sent_at, Digest.recipients)).one() == (None, 1)
    inbox.refused.clear()
    assert out(engine, inbox.server()).recipients == 1
    assert [envelope.rcpt_tos for envelope in inbox.envelopes] == [["ben@example.org"], ["anna@example.org"]]
    assert inbox.messages[0]["Message-ID"] == inbox.messages[1]["Message-ID"]
    assert stored(engine).standing is Standing.SENT
    assert [status for _, status, _ in run_rows(engine)] == ["failed", "ok"]


def test_where_the_refused_address_was_removed_the_rest_have_it(engine, inbox):
    inbox.refused["anna@example.org"] = "550 no such user"
    refusal(engine, inbox.server())
    assert out(engine, inbox.server(), BEN).recipients == 0
    assert len(inbox.envelopes) == 1
    assert stored(engine).standing is Standing.SENT


def test_a_server_that_is_away_leaves_nothing_in_the_way_of_the_next_try(engine, inbox):
    error = refusal(engine, inbox.server(port=1))
    assert run_rows(engine) == [("digest", "failed", str(error))]
    assert out(engine, inbox.server()).recipients == 2


def test_an_uncertain_end_is_not_repeated_by_itself(engine, inbox, scripted_server):
    assert refusal(engine, scripted_server(END=None)).uncertain
    assert stored(engine).standing is Standing.SENDING
    error = refusal(engine, inbox.server())
    assert "began on 2025-11-25 06:30 UTC and its end is unknown" in str(error)
    assert not inbox.messages
    assert out(engine, inbox.server(), again=True).recipients == 2


def test_a_killed_sending_is_told_and_not_repeated(engine, inbox):
    class Killed(BaseException):
        pass

    clocks = iter([NOW])

    def clock():
        try:
            return next(clocks)
        except StopIteration:
            raise Killed from None

    with pytest.raises(Killed):  # the mail is taken; the process dies before it can note that
        dispatch(engine, LETTER, inbox.server(), sender=SENDER, recipients=[ANNA], clock=clock)
    assert len(inbox.messages) == 1
    assert "its end is unknown" in str(refusal(engine, inbox.server()))
    assert len(inbox.messages) == 1
    assert run_rows(engine)[0][1] == "running"
    out(engine, inbox.server(), again=True)
    assert [status for _, status, _ in run_rows(engine)] == ["interrupted", "ok"]
