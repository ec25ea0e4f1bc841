"""What should be told at once of the work itself: platforms that are silent, money, missed posts, jobs that fail."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from collectors.budget import month_of
from db import alerts, holes
from db.holes import StoredHole
from db.run_history import Failing, failing, visits
from db.spend import month_spend
from insights.alerts import Condition, Rule, Telling, named
from insights.catalogue import Catalogue
from insights.wording import count, moment_name

PARTS: Final = (0.8, 1.0)
"""Parts of a budget that are told."""

SPENT: Final = 0.995
"""Part from which a budget counts as spent: what is left does not reach for another request."""

FIRST_LOOK: Final = timedelta(days=1)
"""How old a hole may be at the first look: what was missed long ago is no news."""

STREAMS: Final = 3
LONGEST_ERROR: Final = 300


def silent_conditions(
    connection: Connection, sources: Sequence[str], *, kind: str, now: datetime, after: timedelta
) -> list[Condition]:
    """Find platforms that are to be read and were not, successfully, for so long; those never visited can't be silent."""
    found: list[Condition] = []
    for visit in visits(connection, kind=kind):
        since = visit.succeeded_at or visit.first_at
        if visit.source in sources and now - since >= after:
            found.append(
                Condition(
                    rule=Rule.SILENT,
                    key=f"silent {visit.source}",
                    tell=_tell_silent(visit.source, since),
                    detail={"source": visit.source, "since": since.isoformat()},
                )
            )
    return found


def live_sources(connection: Connection, *, kind: str, now: datetime, within: timedelta) -> list[str]:
    """Give the platforms that were read successfully within a span: fewer posts of these are fewer posts."""
    return [
        visit.source
        for visit in visits(connection, kind=kind)
        if visit.succeeded_at is not None and now - visit.succeeded_at <= within
    ]


def budget_conditions(connection: Connection, source: str, *, budget_usd: float, now: datetime) -> list[Condition]:
    """Find whether 80 % or all of the month's money is spent; the larger part alone."""
    month = month_of(now)
    spent = month_spend(connection, source, month).spent_usd
    passed = [part for part in PARTS if budget_usd > 0 and spent >= min(part, SPENT) * budget_usd]
    if not passed:
        return []
    part = passed[-1]
    detail = {"source": source, "month": month, "part": part, "spent_usd": round(spent, 4), "budget_usd": budget_usd}

    def tell(words: Catalogue) -> str:
        values = {
            "source": named("source", source, words),
            "spent": f"{spent:.2f}",
            "budget": f"{budget_usd:.2f}",
            "month": month,
        }
        if part >= 1:
            return words("alert.budget.all", **values)
        return words("alert.budget.some", percent=f"{spent / budget_usd:.0%}", **values)

    return [Condition(rule=Rule.BUDGET, key=f"budget {source} {month} {part:.0%}", tell=tell, detail=detail)]


def hole_conditions(connection: Connection, *, now: datetime, cooldown: timedelta) -> list[Condition]:
    """Find the holes that were noted since the last that was told, those of a platform together, one telling a cooldown."""
    by_source: dict[str, list[StoredHole]] = {}
    for hole in holes.noted_after(connection, now - max(cooldown, FIRST_LOOK)):
        by_source.setdefault(hole.source, []).append(hole)
    found: list[Condition] = []
    for source, noted in by_source.items():
        key = f"hole {source}"
        told = alerts.last_fired(connection, key)
        fresh = [hole for hole in noted if told is None or hole.noted_at > told]
        if fresh and (told is None or now - told >= cooldown):
            detail = {
                "source": source,
                "start": min(hole.starts_at for hole in fresh).isoformat(),
                "end": max(hole.ends_at for hole in fresh).isoformat(),
                "streams": sorted({hole.stream for hole in fresh}),
            }
            found.append(
                Condition(rule=Rule.HOLE, key=key, tell=_tell_holes(source, fresh), detail=detail, lasting=False)
            )
    return found


def job_conditions(connection: Connection) -> list[Condition]:
    """Find the work that has failed twice in a row."""
    return [
        Condition(
            rule=Rule.JOB,
            key=f"job {work.kind} {work.source or ''}".rstrip(),
            tell=_tell_job(work),
            detail={"kind": work.kind, "source": work.source, "error": (work.error or "")[:LONGEST_ERROR]},
        )
        for work in failing(connection)
    ]


def _tell_silent(source: str, since: datetime) -> Telling:
    return lambda words: words(
        "alert.silent.told", source=named("source", source, words), since=moment_name(since, words)
    )


def _tell_holes(source: str, noted: Sequence[StoredHole]) -> Telling:
    streams = sorted({hole.stream for hole in noted})

    def tell(words: Catalogue) -> str:
        told = words("alert.separator.list").join(streams[:STREAMS])
        if len(streams) > STREAMS:
            told = words("alert.hole.more", streams=told, more=count(len(streams) - STREAMS))
        return words(
            "alert.hole.told",
            source=named("source", source, words),
            start=moment_name(min(hole.starts_at for hole in noted), words),
            end=moment_name(max(hole.ends_at for hole in noted), words),
            streams=told,
        )

    return tell


def _tell_job(work: Failing) -> Telling:
    def tell(words: Catalogue) -> str:
        named_kind = work.kind if work.kind in {"collect", "classify", "compliance", "digest", "rollups"} else "other"
        job = words(
            f"alert.job.name.{named_kind}",
            kind=work.kind,
            source=named("source", work.source, words) if work.source else "",
        )
        return words(
            "alert.job.told",
            job=job,
            moment=moment_name(work.failed_at, words),
            error=(work.error or "")[:LONGEST_ERROR],
        )

    return tell
