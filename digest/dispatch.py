"""A letter goes out once: reserved, handed to the mail server, marked. Whatever ends in between is told at the next try."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from secrets import token_hex

from sqlalchemy import Engine

from db import digests, runs
from db.digests import Standing, StoredDigest
from digest.compose import Letter
from digest.deliver import DeliveryError, MailServer, build_message, send

RUN = "digest"
"""The kind of run."""

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatched:
    """A letter that the mail server took for everyone; `recipients` were written to now, others had it before."""

    sent_at: datetime
    recipients: int
    message_id: str


def new_message_id(letter: Letter, sender: Address) -> str:
    """Give a message a name of its own, under the sender's domain; short, because a folded Message-ID confuses some programs."""
    return f"<{letter.name}-{letter.period}.{token_hex(8)}@{sender.domain}>"


def dispatch(
    engine: Engine,
    letter: Letter,
    server: MailServer,
    *,
    sender: Address,
    recipients: Sequence[Address],
    clock: Clock,
    again: bool = False,
) -> Dispatched:
    """Send the letter, unless it was sent before.

    After an attempt that reached some recipients, only the others are written to. An attempt whose end nobody saw (the
    process was killed, or the connection broke while the mail was handed over) is not repeated without `again`.

    Raises
    ------
    DeliveryError
        It was sent before, may have been, or the mail server did not take it for everyone.
    """
    began = clock()
    stored, run_id = _reserve(engine, letter, sender, len(recipients), now=began, again=again)
    waiting = [address for address in recipients if address.addr_spec not in stored.delivered]
    error: str | None = "stopped while the mail was handed over"
    try:
        if waiting:
            message = build_message(letter, sender=sender, recipients=waiting, message_id=stored.message_id, now=began)
            send(server, message, sender=sender, recipients=waiting)
        sent_at = clock()
        with engine.begin() as connection:
            digests.mark_sent(connection, stored, [address.addr_spec for address in waiting], now=sent_at)
        error = None
    except DeliveryError as failure:
        error = str(failure)
        if not failure.uncertain:
            with engine.begin() as connection:
                digests.mark_failed(connection, stored, failure.delivered)
        raise
    finally:
        with engine.begin() as connection:
            runs.finish_run(connection, run_id, now=clock(), status="failed" if error else "ok", error=error)
    return Dispatched(sent_at=sent_at, recipients=len(waiting), message_id=stored.message_id)


def _reserve(
    engine: Engine, letter: Letter, sender: Address, recipients: int, *, now: datetime, again: bool
) -> tuple[StoredDigest, int]:
    with engine.begin() as connection:
        message_id = new_message_id(letter, sender)
        stored, mine = digests.reserve(
            connection, letter.name, letter.period, message_id=message_id, now=now, again=again
        )
        if not mine:
            raise _not_again(stored, letter)
        runs.close_lost_runs(connection, RUN, source=None, now=now)
        detail = {"digest": letter.name, "period": letter.period, "recipients": recipients}
        return stored, runs.start_run(connection, RUN, source=None, now=now, detail=detail)


def _not_again(stored: StoredDigest, letter: Letter) -> DeliveryError:
    digest = f"the digest of {letter.period} ({letter.lang})"
    if stored.standing is Standing.SENT and stored.sent_at is not None:
        people = "recipient" if len(stored.delivered) == 1 else "recipients"
        return DeliveryError(
            f"{digest} was already sent on {stored.sent_at:%Y-%m-%d %H:%M} UTC to {len(stored.delivered)} {people}",
            mend="send it to everyone once more with --force",
        )
    return DeliveryError(
        f"the sending of {digest} began on {stored.began_at:%Y-%m-%d %H:%M} UTC and its end is unknown: it may have arrived",
        mend="look into a recipient's mailbox; where it is missing, send it again with --force",
    )
