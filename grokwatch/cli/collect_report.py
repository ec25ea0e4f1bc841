"""What `grokwatch collect` tells: the plan of a visit, and what a visit brought."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from collectors.base import Hole
from collectors.x_preview import PlannedRequest
from grokwatch.plans import RedditPlan, XPlan, duration
from grokwatch.visits import StreamReport, VisitReport

COUNTS = ("read", "kept", "new", "changed", "broken", "holes")
SHOWN = 12
WAYS = {
    "unknown": "nothing has been counted yet: the first visit counts, then decides what to buy",
    "everything": "everything will be bought, the money reaches",
    "sample": "a random sample will be bought",
    "spent": "the money of this month is spent",
}
NAMES = {"reddit": "Reddit", "x": "X"}


def plan_as_object(plan: RedditPlan | XPlan) -> dict[str, Any]:
    """Give a plan for machines."""
    parked = [
        {"stream": held.stream, "reason": held.reason.value, "retry_at": held.retry_at.isoformat(), "error": held.error}
        for held in plan.parked
    ]
    if isinstance(plan, RedditPlan):
        return {
            "source": "reddit",
            "streams": [asdict(stream) for stream in plan.streams],
            "requests": plan.requests,
            "requests_at_most": plan.at_most,
            "requests_per_minute": plan.per_minute,
            "cost_usd": 0.0,
            "parked": parked,
        }
    shown = plan.preview
    return {
        "source": "x",
        "way": shown.way,
        "plan": [_request(request) for request in shown.requests],
        "requests": sum(request.requests for request in shown.requests),
        "posts": round(sum(request.posts for request in shown.requests), 1),
        "fractions": shown.fractions,
        "cost_usd": round(shown.cost_usd, 4),
        "left_usd": round(shown.left_usd, 4),
        "budget_usd": plan.budget_usd,
        "parked": parked,
    }


def _request(request: PlannedRequest) -> dict[str, Any]:
    times = {"start": request.start.isoformat(), "end": request.end.isoformat()}
    return asdict(request) | times | {"posts": round(request.posts, 1), "cost_usd": round(request.cost_usd, 4)}


def plan_sentences(plan: RedditPlan | XPlan) -> Iterator[str]:
    """Say a plan."""
    if isinstance(plan, RedditPlan):
        few, many = (duration(number, plan.per_minute) for number in (plan.requests, plan.at_most))
        yield (
            f"Reddit: {len(plan.streams):,} streams, {plan.requests:,} requests where little is new, {plan.at_most:,} at most; "
            f"at {plan.per_minute:g} a minute that takes {_span(few)} to {_span(many)}. It costs nothing."
        )
        for stream in plan.streams[:SHOWN]:
            yield f"  {stream.stream}: {stream.requests:,} to {stream.at_most:,} requests"
        if len(plan.streams) > SHOWN:
            yield f"  … and {len(plan.streams) - SHOWN:,} more; all of them: --json"
    else:
        shown = plan.preview
        yield (
            f"X: {WAYS[shown.way]}; about {shown.cost_usd:.3f} USD, of {shown.left_usd:.2f} USD that are left for collecting "
            f"this month (budget {plan.budget_usd:.2f} USD)."
        )
        for request in shown.requests[:SHOWN]:
            yield f"  {_what(request, plan.query)}: {_moment(request.start)} to {_moment(request.end)}, {request.cost_usd:.3f} USD"
        if len(shown.requests) > SHOWN:
            yield f"  … and {len(shown.requests) - SHOWN:,} more; all of them: --json"
    for held in plan.parked:
        yield f"  parked until {_moment(held.retry_at)}: {held.stream}: {held.error}"


def _what(request: PlannedRequest, query: str) -> str:
    group = request.query.replace(query, "").strip("() ")
    if request.kind == "counts":
        return f"count by the hour, {group}"
    pages = "1 page" if request.requests == 1 else f"{request.requests:,} pages"
    drawn = "" if request.probability >= 1 else f", {group}, drawn with probability {request.probability:.4f}"
    return f"{pages}, about {request.posts:,.0f} posts{drawn}"


def as_object(reports: Sequence[VisitReport]) -> dict[str, Any]:
    """Give what visits did, for machines."""
    states = {report.status for report in reports}
    status = next((state for state in ("interrupted", "failed") if state in states), "ok" if reports else "failed")
    return {"status": status, "platforms": [_visit(report) for report in reports]}


def _visit(report: VisitReport) -> dict[str, Any]:
    return {
        "source": report.source,
        "status": report.status,
        "run": report.run_id,
        **{name: report.total(name) for name in COUNTS},
        "cost_usd": round(report.total("cost_usd"), 6),
        "streams": [_stream(stream) for stream in report.streams],
    }


def _stream(report: StreamReport) -> dict[str, Any]:
    return {
        "stream": report.stream,
        "status": report.status,
        **{name: getattr(report.tally, name) for name in COUNTS},
        "error": report.error,
        "mend": report.mend,
    }


def sentences(report: VisitReport, holes: Sequence[Hole]) -> Iterator[str]:
    """Say what a visit did."""
    cost = f", {report.total('cost_usd'):.3f} USD" if report.source == "x" else ""
    state = {"ok": "", "failed": " (with failures)", "interrupted": " (stopped)"}[report.status]
    yield (
        f"{NAMES[report.source]}{state}: {report.total('read'):,} items read, {_posts(report.total('new'))} new, "
        f"{report.total('changed'):,} edited or deleted since, {report.total('broken'):,} broken{cost}."
    )
    for hole in holes:
        yield f"  Hole in {hole.stream}, {_moment(hole.starts_at)} to {_moment(hole.ends_at)}: {hole.reason}."
    told: dict[str, list[StreamReport]] = {}
    for trouble in report.troubles:
        told.setdefault(trouble.error or "", []).append(trouble)
    for error, streams in told.items():
        names = ", ".join(stream.stream for stream in streams[:3]) + (" …" if len(streams) > 3 else "")  # noqa: PLR2004 - a line's worth
        mend = streams[0].mend or ""
        yield f"  {names}: {error.rstrip('.')}. {mend[:1].upper()}{mend[1:].rstrip('.')}."
    skipped = sum(stream.status == "skipped" for stream in report.streams)
    if skipped:
        yield f"  {skipped:,} more streams were not asked this time."


def _posts(number: int) -> str:
    return "1 post" if number == 1 else f"{number:,} posts"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _span(span: timedelta) -> str:
    minutes = span.total_seconds() / 60
    return f"{span.total_seconds():.0f} s" if minutes < 1.5 else f"{minutes:.0f} min"  # noqa: PLR2004 - minutes
