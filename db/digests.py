"""Digests: reserved before they are handed to a mail server, marked when it took them, so that none goes out twice unseen."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import Connection, RowMapping, select, update

from db.models import Digest
from db.upsert import insert


class Standing(StrEnum):
    """How far a digest of a period has come.

    `SENDING` that lasts means that its process died, or lost the connection, between handing the mail over and hearing
    the answer: nobody but the recipients can know whether it arrived.
    """

    SENDING = "sending"
    FAILED = "failed"
    SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDigest:
    """A row of `digests`.

    Parameters
    ----------
    began_at
        When the latest attempt began.
    message_id
        Kept from one attempt to the next, so that a mailbox that got both can show them as one.
    delivered
        Addresses for which the mail server took the mail.
    """

    id: int
    digest: str
    period: str
    standing: Standing
    began_at: datetime
    sent_at: datetime | None
    message_id: str
    delivered: tuple[str, ...]

    @classmethod
    def from_row(cls, row: RowMapping) -> Self:
        """Read a row."""
        detail: dict[str, Any] = row["detail"] or {}
        return cls(
            id=row["id"],
            digest=row["digest"],
            period=row["period"],
            standing=Standing.SENT if row["sent_at"] else Standing(detail.get("standing", Standing.SENDING)),
            began_at=datetime.fromisoformat(detail["began_at"]) if "began_at" in detail else row["created_at"],
            sent_at=row["sent_at"],
            message_id=str(detail.get("message_id", "")),
            delivered=tuple(detail.get("delivered", ())),
        )


def _detail(stored: StoredDigest) -> dict[str, Any]:
    return {
        "standing": stored.standing.value,
        "began_at": stored.began_at.isoformat(),
        "message_id": stored.message_id,
        "delivered": list(stored.delivered),
    }


_COLUMNS = (Digest.id, Digest.digest, Digest.period, Digest.created_at, Digest.sent_at, Digest.detail)


def find(connection: Connection, digest: str, period: str) -> StoredDigest | None:
    """Give what is known of the digest of a period, None where nobody ever tried to send it."""
    query = select(*_COLUMNS).where(Digest.digest == digest, Digest.period == period)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else StoredDigest.from_row(row)


def reserve(
    connection: Connection, digest: str, period: str, *, message_id: str, now: datetime, again: bool = False
) -> tuple[StoredDigest, bool]:
    """Claim the sending of a digest; gives the row and whether it is the caller's to send.

    A failed attempt may be taken up again by anyone. What was sent, or may have been, only with `again`, which starts
    anew with every recipient. Two processes that ask at once are put in order by the database: one of them gets it.
    """
    fresh = StoredDigest(
        id=0,
        digest=digest,
        period=period,
        standing=Standing.SENDING,
        began_at=now,
        sent_at=None,
        message_id=message_id,
        delivered=(),
    )
    row = {"digest": digest, "period": period, "created_at": now, "recipients": 0, "detail": _detail(fresh)}
    statement = insert(connection, Digest).values(row)
    number = connection.execute(
        statement.on_conflict_do_nothing(index_elements=["digest", "period"]).returning(Digest.id)
    ).scalar_one_or_none()
    if number is not None:
        return replace(fresh, id=number), True
    query = select(*_COLUMNS).where(Digest.digest == digest, Digest.period == period).with_for_update()
    stored = StoredDigest.from_row(connection.execute(query).mappings().one())
    if stored.standing is not Standing.FAILED and not again:
        return stored, False
    started_anew = stored.standing is Standing.SENT
    claimed = replace(
        stored,
        standing=Standing.SENDING,
        began_at=now,
        sent_at=None,
        message_id=message_id if started_anew or not stored.message_id else stored.message_id,
        delivered=() if started_anew else stored.delivered,
    )
    _store(connection, claimed)
    return claimed, True


def mark_sent(connection: Connection, stored: StoredDigest, delivered: Iterable[str], *, now: datetime) -> None:
    """Note that every recipient's mail was taken."""
    everyone = tuple(dict.fromkeys((*stored.delivered, *delivered)))
    _store(connection, replace(stored, standing=Standing.SENT, sent_at=now, delivered=everyone))


def mark_failed(connection: Connection, stored: StoredDigest, delivered: Iterable[str] = ()) -> None:
    """Note that the attempt ended without reaching everyone, and for whom the mail was taken nevertheless."""
    some = tuple(dict.fromkeys((*stored.delivered, *delivered)))
    _store(connection, replace(stored, standing=Standing.FAILED, sent_at=None, delivered=some))


def _store(connection: Connection, stored: StoredDigest) -> None:
    connection.execute(
        update(Digest)
        .where(Digest.id == stored.id)
        .values(sent_at=stored.sent_at, recipients=len(stored.delivered), detail=_detail(stored))
    )
