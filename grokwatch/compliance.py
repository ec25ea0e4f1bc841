"""What was deleted where it came from is deleted here, everywhere: posts are asked for again, traces are removed.

The platforms' rules want a deletion to be honoured within 24 hours (X) and 48 hours (Reddit) of its becoming known. It is honoured
in the transaction that stores the answer: text, title, link, author and labels go, the hour is counted anew. `tidy` then takes the post
out of exported files and out of the database file's leftovers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine, select

from collectors.base import Page
from collectors.compliance import LOOK_UP, Checker, LookedUp
from collectors.errors import BudgetSpent, Forbidden, UsageCapped
from db import ingest, parking, rechecks, retention, rollups, runs
from db.ingest import AuthorHash
from db.models import Post
from db.parking import LOOK_UPS, Reason
from db.rechecks import DuePost
from grokwatch import exported_files, reject_files
from grokwatch.exported_files import Cleaned
from grokwatch.pipeline import Clock, opened_run
from grokwatch.visits import park

KIND: Final = "compliance"
log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class RecheckReport:
    """What a pass did: posts asked for, changed or buried since, missing for the first time; and why it ended early."""

    source: str
    asked: int = 0
    changed: int = 0
    buried: int = 0
    missing: int = 0
    cost_usd: float = 0.0
    ended: str | None = None


def recheck(
    engine: Engine,
    checker: Checker,
    due: Sequence[DuePost],
    *,
    clock: Clock,
    author_hash: AuthorHash,
    stopped: Callable[[], bool] = lambda: False,
) -> RecheckReport:
    """Ask for posts and take over what is said of them, each answer in one transaction. None due: no run.

    Where the money for it is spent, the pass ends there: that is no failure. What the platform refuses is parked, and nothing is
    asked for until that is over; an account that is capped or without credit is left alone whoever found that out.

    Raises
    ------
    CollectorError
        The platform does not answer or refuses; what was answered before is stored.
    """
    report = RecheckReport(source=checker.source)
    if not due:
        return report
    refused = _refused(engine, checker.source, now=clock())
    if refused is not None:
        report.ended = refused
        return report
    how = _How(clock=clock, author_hash=author_hash)
    with opened_run(engine, KIND, source=checker.source, clock=clock) as run:
        for start in range(0, len(due), LOOK_UP):
            try:
                _ask(engine, checker, due[start : start + LOOK_UP], run.id, how, report)
            except BudgetSpent as spent:
                report.ended = str(spent)
                break
            except (Forbidden, UsageCapped) as refusal:
                park(engine, checker.source, LOOK_UPS, refusal, now=clock())
                raise
            if stopped():
                run.status = "interrupted"
                break
        run.status = "interrupted" if run.status == "interrupted" else "ok"
        run.detail = _detail(report)
    if run.status == "interrupted":
        report.ended = "stopped"
    return report


def _refused(engine: Engine, source: str, *, now: datetime) -> str | None:
    """Give the refusal that keeps posts from being asked for; one that is over is let go."""
    with engine.connect().execution_options(read_only=True) as connection:
        held = [
            each
            for each in parking.parked(connection, source)
            if each.stream == LOOK_UPS or each.reason is Reason.CAPPED
        ]
    standing = [each for each in held if each.retry_at > now]
    if not standing and any(each.stream == LOOK_UPS for each in held):
        with engine.begin() as connection:
            parking.release(connection, source, LOOK_UPS)
    return standing[0].error if standing else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _How:
    clock: Clock
    author_hash: AuthorHash


def _detail(report: RecheckReport) -> dict[str, Any]:
    return {
        "asked": report.asked,
        "buried": report.buried,
        "missing": report.missing,
        "cost_usd": round(report.cost_usd, 6),
        "ended": report.ended,
    }


def _ask(
    engine: Engine, checker: Checker, batch: Sequence[DuePost], run_id: int, how: _How, report: RecheckReport
) -> None:
    numbers = {post.source_id: post.id for post in batch if checker.knows(post.source_id)}
    strangers = [post.id for post in batch if post.source_id not in numbers]
    if strangers:
        with engine.begin() as connection:  # nothing to ask for: they count as asked, so that others get their turn
            rechecks.mark_checked(connection, strangers, missing=(), now=how.clock())
    for answer in checker.look_up(tuple(numbers)) if numbers else ():
        with engine.begin() as connection:
            _take_over(connection, checker.source, answer, numbers, run_id, how, report)
            rollups.refresh(connection)


def _take_over(
    connection: Connection,
    source: str,
    answer: LookedUp,
    numbers: dict[str, int],
    run_id: int,
    how: _How,
    report: RecheckReport,
) -> None:
    now = how.clock()
    page = Page(
        posts=tuple(post for post in answer.posts if post.source_id in numbers),
        read=len(answer.asked),
        cost_usd=answer.cost_usd,
        reservation=answer.reservation,
    )
    stored = ingest.store_page(connection, page, source=source, run_id=run_id, now=now, author_hash=how.author_hash)
    missing = [numbers[name] for name in answer.missing if name in numbers]
    gone = [numbers[name] for name in answer.gone if name in numbers]
    gone += rechecks.mark_checked(connection, [numbers[name] for name in answer.asked], missing=missing, now=now)
    standing = select(Post.id).where(Post.id.in_(gone), Post.deleted_at.is_(None))
    buried = connection.scalars(standing).all() if gone else []
    ingest.entomb(connection, buried, now=now)
    runs.add_counts(connection, run_id, changed=len(buried))
    report.asked += len(answer.asked)
    report.changed += stored.changed
    report.buried += len(buried) + sum(post.deleted for post in page.posts)
    report.missing += len(missing)
    report.cost_usd += answer.cost_usd


def tidy(engine: Engine, *, since: datetime, rewritten: bool) -> list[Cleaned]:
    """Remove the traces of posts that were removed since a moment: rows of exported files, leftovers in the database file.

    Parameters
    ----------
    rewritten
        Write the database anew, which leaves nothing and takes a while; without it the log alone is cleared.
    """
    with engine.connect().execution_options(read_only=True) as connection:
        if not retention.any_buried_since(connection, since):
            return []
    cleaned = [*exported_files.clean(engine), *reject_files.clean(engine)]
    for file in cleaned:
        if file.rows:
            log.info("rows of deleted posts taken out", file=file.path, rows=file.rows)
    if rewritten:
        retention.rewrite(engine)
    else:
        retention.sweep(engine)
    return cleaned
