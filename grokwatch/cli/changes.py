"""`grokwatch changes`: what changed from week to week, what moves now, and when levels changed in hindsight."""

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from classifiers.codebook import Category
from db.periods import Step, next_start, start_of
from grokwatch.cli.dates import first_moment
from grokwatch.cli.filters import LangOption, SourceOption, languages, notify, sources_of
from grokwatch.cli.session import UsageError, database, load_settings, now
from insights.shares import Denominator

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from insights.changes import PeriodChange
    from insights.findings import Explanation, Finding

app = typer.Typer(add_completion=False)
WEEKS: Final = 13
WEEK: Final = timedelta(weeks=1)


@app.command(
    help="Print what changed in the shares: every week beside the one before, what moves now, and the days on which "
    "levels changed in hindsight; each with its size, 95 % interval, events near it, and who drives it.\n\n"
    "Example: grokwatch changes --weeks 8 --category latency --lang ja --json"
)
def changes(
    weeks: Annotated[int | None, typer.Option(min=1, help="How many weeks back (default: 13).")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="First day instead, such as 2025-11-17, UTC.")
    ] = None,
    category: Annotated[list[Category] | None, typer.Option(help="Only this category; repeatable.")] = None,
    lang: LangOption = None,
    source: SourceOption = None,
    denominator: Annotated[
        Denominator, typer.Option(help="Of the weekly shares; the other changes are of all relevant posts.")
    ] = Denominator.FIVE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of rows.")] = False,
) -> None:
    """Print changes."""
    from db.series import watched_span
    from grokwatch.cli.changes_table import print_changes
    from insights.findings import findings
    from insights.quotes import quotes
    from insights.sample import is_sample

    if weeks is not None and since is not None:
        raise UsageError("--weeks and --since say the same in two ways", mend="give one of them")
    first = first_moment(since, "--since") if since else None
    langs, sources = languages(lang), sources_of(source)
    present = now()
    if first is not None and first >= present:
        raise UsageError(f"--since {since} lies ahead", mend="give a day that has been")
    weekly: list[tuple[PeriodChange, Explanation | None]] = []
    found: list[Finding] = []
    with database(load_settings()) as engine, engine.connect().execution_options(read_only=True) as connection:
        span, sample = watched_span(connection), is_sample(connection)
        if span is not None:
            end = min(start_of(Step.WEEK, present), next_start(Step.WEEK, start_of(Step.WEEK, span[1])))
            start = end - WEEK * (weeks or WEEKS) if first is None else start_of(Step.WEEK, first)
            chosen = [one for one in Category if not category or one in category]
            for row in _weekly(connection, start=start, end=end, sources=sources, langs=langs, denominator=denominator):
                if row.change.category in chosen:
                    explained = _explain(connection, row, sources=sources, langs=langs, denominator=denominator)
                    weekly.append((row, explained))
            found = findings(
                connection,
                now=min(present, span[1] + timedelta(days=1)),
                since=start if first is None else first,
                sources=sources,
                langs=langs,
                categories=[one for one in chosen if one is not Category.OTHER],
                quotes=quotes,
            )
    if as_json:
        rows = [_week_json(row, explained, sources, langs) for row, explained in weekly]
        rows += [_finding_json(finding) for finding in found]
        typer.echo("[" + ",\n ".join(json.dumps(row, ensure_ascii=False) for row in rows) + "]")
    elif weekly or found:
        print_changes(weekly, found, denominator, sample=sample)
    if not weekly and not found:
        notify("There are no two weeks with labelled posts to compare", "choose other posts, or import more", as_json)
    if sample:
        message = "Sample data: these posts were written for a first look, not by real people"
        notify(message, "import real posts and they go: grokwatch import FILE", as_json)


def _weekly(
    connection: "Connection",
    *,
    start: datetime,
    end: datetime,
    sources: list[str],
    langs: list[str],
    denominator: Denominator,
) -> "list[PeriodChange]":
    from insights.changes import period_changes

    return period_changes(
        connection, start=start - WEEK, end=end, sources=sources, langs=langs, denominator=denominator
    )


def _explain(
    connection: "Connection",
    row: "PeriodChange",
    *,
    sources: list[str],
    langs: list[str],
    denominator: Denominator,
) -> "Explanation | None":
    """Explain a change that is clear; chance needs no explanation."""
    from db.selection import Selection
    from insights.changes import Verdict
    from insights.findings import explain
    from insights.quotes import quotes

    if row.change.verdict not in {Verdict.UP, Verdict.DOWN}:
        return None
    before, after = (
        Selection(start=share.period_start, end=share.period_end, sources=sources, langs=langs)
        for share in (row.before, row.after)
    )
    return explain(
        connection,
        before=before,
        after=after,
        category=row.change.category,
        denominator=denominator,
        quotes=quotes,
    )


def _week_json(
    row: "PeriodChange", explained: "Explanation | None", sources: list[str], langs: list[str]
) -> dict[str, Any]:
    return _row("week", row, sources=sources, langs=langs, p_value=None, explained=explained)


def _finding_json(finding: "Finding") -> dict[str, Any]:
    return _row(
        finding.kind.value,
        finding,
        sources=list(finding.group.sources),
        langs=list(finding.group.langs),
        p_value=finding.p_value,
        explained=finding.explanation,
    )


def _row(
    kind: str,
    row: "PeriodChange | Finding",
    *,
    sources: list[str],
    langs: list[str],
    p_value: float | None,
    explained: "Explanation | None",
) -> dict[str, Any]:
    before, after, change = row.before, row.after, row.change
    return {
        "kind": kind,
        "category": change.category.value,
        "source": ",".join(sources) or None,
        "lang": ",".join(langs) or None,
        "denominator": after.denominator.value,
        "period_start": after.period_start.isoformat(),
        "period_end": after.period_end.isoformat(),
        "before_start": before.period_start.isoformat(),
        "before_end": before.period_end.isoformat(),
        "before": before.share,
        "before_low": before.low,
        "before_high": before.high,
        "after": after.share,
        "after_low": after.low,
        "after_high": after.high,
        "difference": change.difference,
        "low": change.low,
        "high": change.high,
        "verdict": change.verdict.value,
        "p_value": p_value,
        **_explained_json(explained),
    }


def _explained_json(explained: "Explanation | None") -> dict[str, Any]:
    from dataclasses import asdict, is_dataclass

    if explained is None:
        return {"events": [], "contributions": {}, "quotes": []}
    return {
        "events": [
            {
                "name": event.name,
                "name_ja": event.name_ja,
                "starts_at": event.starts_at.isoformat(),
                "ends_at": event.ends_at.isoformat() if event.ends_at else None,
            }
            for event in explained.events
        ],
        "contributions": {
            dimension.value: [{"contribution": part.total} | asdict(part) for part in parts]
            for dimension, parts in explained.contributions.items()
        },
        "quotes": [
            json.loads(json.dumps(asdict(quote), default=str))
            if is_dataclass(quote) and not isinstance(quote, type)
            else quote
            for quote in explained.quotes
        ],
    }
