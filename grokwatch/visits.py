"""A visit to a platform: all its streams in one run, each failing alone.

What the platform refuses is parked (`db.parking`) and left alone for a while; what passes is tried again at the next visit,
which goes on from the same cursors.
"""

import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from collectors.base import Collector, CollectorError, Page
from collectors.budget import month_of
from collectors.errors import BudgetSpent, ChannelClosed, Forbidden, Unavailable, UsageCapped
from db import alerts, parking
from db.errors import DatabaseError
from db.ingest import AuthorHash, Stored
from db.parking import LOOK_UPS, ParkedStream, Reason
from grokwatch.pipeline import Clock, OpenRun, Stopped, Storing, Tally, opened_run, store_stream

KIND: Final = "collect"
FORBIDDEN_FOR: Final = timedelta(hours=24)
CLOSED_FOR: Final = timedelta(hours=6)
TIMES_IN_A_ROW: Final = 2
"""After so many streams in a row of which the platform gave nothing, or said the same refusal, the others are not asked."""

REFUSALS: Final = frozenset({Reason.FORBIDDEN, Reason.CAPPED})
SAID: Final = 3
"""Sentences of a run's error; the rest is in its detail."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class StreamReport:
    """What became of one stream: `ok`, `failed`, `parked` (now or before), `skipped` (not asked) or `interrupted`."""

    stream: str
    status: str = "ok"
    tally: Tally = field(default_factory=Tally)
    reason: Reason | None = None
    error: str | None = None
    mend: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitReport:
    """What a visit did; `status` is that of its run, which is None where every stream is parked."""

    run_id: int | None
    source: str
    status: str
    streams: tuple[StreamReport, ...]

    def total(self, name: str) -> Any:  # noqa: ANN401 - a count or dollars
        """Add up a count over the streams."""
        return sum(getattr(report.tally, name) for report in self.streams)

    @property
    def troubles(self) -> tuple[StreamReport, ...]:
        """Streams with something to tell."""
        return tuple(report for report in self.streams if report.error is not None)


def visit(
    engine: Engine,
    source: str,
    streams: Iterable[Collector],
    *,
    clock: Clock,
    author_hash: AuthorHash,
    again: bool = False,
    on_page: Callable[[Page, Stored], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> VisitReport:
    """Read every stream as far as it goes.

    Parameters
    ----------
    again
        Ask parked streams too, before their time.
    stopped
        Asked after every page; the visit ends with it.

    Raises
    ------
    DatabaseError, sqlalchemy.exc.SQLAlchemyError
        Nothing can be stored; what was stored stays.
    """
    how = Storing(kind=KIND, clock=clock, author_hash=author_hash, on_page=on_page, stopped=stopped)
    waiting, parked = _sorted_out(engine, source, streams, again=again, now=clock())
    if not waiting:
        return VisitReport(run_id=None, source=source, status="ok", streams=tuple(parked))
    reports: list[StreamReport] = []
    troubles: list[CollectorError | None] = []
    with opened_run(engine, KIND, source=source, clock=clock) as run:
        for stream in waiting:
            report = StreamReport(stream=stream.stream)
            reports.append(report)
            if _gives_nothing(troubles[-TIMES_IN_A_ROW:]):
                report.status = "skipped"
                continue
            troubles.append(_read(engine, stream, report, run.id, how))
            if troubles[-1] is not None:
                _note_refusal(engine, source, report, troubles[-1], now=clock())
            elif report.status == "ok":
                _release(engine, source, report)
            if report.status == "interrupted" or stopped():
                report.status = "interrupted"
                break
        _conclude(run, reports)
    return VisitReport(run_id=run.id, source=source, status=run.status, streams=(*reports, *parked))


def _sorted_out(
    engine: Engine, source: str, streams: Iterable[Collector], *, again: bool, now: datetime
) -> tuple[list[Collector], list[StreamReport]]:
    """Part the streams that are asked from those that stay parked; what was parked of streams that are no more is let go."""
    streams = tuple(streams)
    with engine.connect().execution_options(read_only=True) as connection:
        held = {held.stream: held for held in parking.parked(connection, source)}
    names = {LOOK_UPS, *(stream.stream for stream in streams)}
    if not held.keys() <= names:
        with engine.begin() as connection:
            parking.forget_others(connection, source, names)
    waiting: list[Collector] = []
    parked: list[StreamReport] = []
    for stream in streams:
        known = None if again else held.get(stream.stream)
        if known is None or known.retry_at <= now:
            waiting.append(stream)
        else:
            report = StreamReport(stream=stream.stream, status="parked", reason=known.reason)
            report.error, report.mend = known.error, known.mend
            parked.append(report)
    return waiting, parked


def _gives_nothing(last: Sequence[CollectorError | None]) -> bool:
    """Tell whether the platform has just shown that it gives nothing: it is away, or refuses the key itself."""
    if len(last) < TIMES_IN_A_ROW:
        return False
    refused = all(isinstance(trouble, Forbidden) for trouble in last) and len({str(trouble) for trouble in last}) == 1
    return refused or all(isinstance(trouble, Unavailable) for trouble in last)


def _read(engine: Engine, stream: Collector, report: StreamReport, run_id: int, how: Storing) -> CollectorError | None:
    try:
        if not store_stream(engine, stream, run_id, report.tally, how):
            report.status = "interrupted"
    except CollectorError as trouble:
        report.status, report.error, report.mend = "failed", str(trouble), trouble.mend
        return trouble
    except Stopped:
        report.status = "interrupted"
    except (DatabaseError, SQLAlchemyError):
        raise
    except Exception as error:  # a stream's own fault must not keep the others from being read
        log.exception("a stream broke", stream=stream.stream)
        report.status, report.error = "failed", _where(error)
        report.mend = "tell the developers, with the lines of the log"
    return None


def _where(error: Exception) -> str:
    """Say what broke and where, without the error's own words: they may hold a key, or what somebody wrote."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"


def _note_refusal(engine: Engine, source: str, report: StreamReport, trouble: CollectorError, *, now: datetime) -> None:
    reason = park(engine, source, report.stream, trouble, now=now)
    if reason is not None:
        report.status, report.reason = "parked", reason


def park(engine: Engine, source: str, stream: str, trouble: CollectorError, *, now: datetime) -> Reason | None:
    """Park a stream for what its platform refuses and say why, a usage cap with an alert; None for what passes by itself."""
    match trouble:
        case Forbidden():
            reason, retry_at = Reason.FORBIDDEN, now + FORBIDDEN_FOR
        case ChannelClosed():
            reason, retry_at = Reason.CLOSED, now + CLOSED_FOR
        case BudgetSpent():
            reason, retry_at = Reason.BUDGET, next_month(now)
        case UsageCapped():
            reason, retry_at = Reason.CAPPED, next_month(now)
        case _:
            return None
    held = ParkedStream(
        source=source, stream=stream, reason=reason, since=now, retry_at=retry_at, error=str(trouble), mend=trouble.mend
    )
    with engine.begin() as connection:
        capped = {known.stream for known in parking.parked(connection, source) if known.reason is Reason.CAPPED}
        parking.park(connection, held)
        if reason is Reason.CAPPED and not capped:
            detail = {"source": source, "stream": stream, "mend": trouble.mend}
            alerts.fire(connection, "usage_capped", str(trouble), now=now, detail=detail)
    return reason


def _release(engine: Engine, source: str, report: StreamReport) -> None:
    """Take a stream back into use that could be read, even where it held nothing new; where it did, look-ups are possible too."""
    with engine.connect().execution_options(read_only=True) as connection:
        known = {held.stream for held in parking.parked(connection, source)}
    free = known & {report.stream, *((LOOK_UPS,) if report.tally.read else ())}
    for stream in free:
        with engine.begin() as connection:
            parking.release(connection, source, stream)


def next_month(now: datetime) -> datetime:
    """Give the first moment of the next month in UTC, in which budgets and caps begin anew."""
    first = datetime.fromisoformat(f"{month_of(now)}-01T00:00:00+00:00")
    return (first + timedelta(days=32)).replace(day=1)


def _conclude(run: OpenRun, reports: list[StreamReport]) -> None:
    """Say in the run's row how the visit went. Closed channels and a spent budget are states, not failures."""
    bad = [report for report in reports if report.status == "failed" or report.reason in REFUSALS]
    run.status = "failed" if bad else "ok"
    if any(report.status == "interrupted" for report in reports):
        run.status = "interrupted"
    sentences = list(dict.fromkeys(report.error for report in bad if report.error))
    more = f"; and {len(sentences) - SAID} more" if len(sentences) > SAID else ""
    run.error = "; ".join(sentences[:SAID]) + more or None
    run.detail = {
        "streams": len(reports),
        "troubles": {report.stream: report.error for report in reports if report.error},
        "holes": sum(report.tally.holes for report in reports),
        "cost_usd": round(sum(report.tally.cost_usd for report in reports), 6),
    }
