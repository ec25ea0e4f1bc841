"""Changes as a person reads them in the terminal."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table
from rich.text import Text

from insights.changes import PeriodChange, Verdict
from insights.contributions import Contribution, Dimension
from insights.findings import Explanation, Finding, Kind
from insights.shares import Denominator, Share

WIDTH: Final = 80
DRIVERS: Final = 3
SMALLEST: Final = 0.005
"""Contributions of less than half a point are left out."""

TITLES: Final = {Dimension.ASPECT: "aspects", Dimension.LANGUAGE: "languages", Dimension.CHANNEL: "channels"}
NAMES: Final = {Denominator.FIVE: "of the five", Denominator.RELEVANT: "of all relevant posts"}


def print_changes(
    weekly: Sequence[tuple[PeriodChange, Explanation | None]],
    found: Sequence[Finding],
    denominator: Denominator,
    *,
    sample: bool,
) -> None:
    """Print the weeks, then what moves now, then changes of level in hindsight."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    if weekly:
        _print_weeks(console, weekly, denominator, sample=sample)
    for kind, title in ((Kind.DETECTED, "Moving now"), (Kind.CHANGE_POINT, "Changes of level, in hindsight")):
        of_kind = [finding for finding in found if finding.kind is kind]
        console.print(f"\n[bold]{title}[/bold], {NAMES[Denominator.RELEVANT]}: {'' if of_kind else 'none'}".rstrip())
        for finding in of_kind:
            _print_finding(console, finding)
    console.print(
        "\nIntervals: 95 %. A week's change is clear if it stands out from chance over all\n"
        "categories together (false-discovery rate 5 %). Moving now and changes of level\n"
        "are of all posts and of every platform and language with enough of them; they\n"
        "are chosen because they are large, so the true change is likely a little smaller.\n"
        "An event near a change need not be its cause.",
        style="dim",
        soft_wrap=True,
    )


def _print_weeks(
    console: Console,
    weekly: Sequence[tuple[PeriodChange, Explanation | None]],
    denominator: Denominator,
    *,
    sample: bool,
) -> None:
    title = f"Week over week, shares {NAMES[denominator]}{', of sample data' if sample else ''}"
    table = Table(title=title, title_justify="left", box=HORIZONTALS, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("Week (UTC)", "Category"):
        table.add_column(name, no_wrap=True)
    for name in ("Before", "After", "Change, pp"):
        table.add_column(name, justify="right", no_wrap=True)
    clear: list[tuple[PeriodChange, Explanation]] = []
    for start, group in groupby(weekly, key=lambda pair: pair[0].after.period_start):
        rows = list(group)
        told = [(row, explained) for row, explained in rows if explained is not None]
        clear += told
        if not told:
            unknown = all(row.change.verdict is Verdict.UNKNOWN for row, _ in rows)
            table.add_row(_day(start), f"[dim]{'too few posts' if unknown else 'none is clear'}[/dim]")
        for row, _ in told:
            table.add_row(
                _day(start),
                row.change.category,
                _share(row.before),
                _share(row.after),
                _points(row.change.difference, row.change.low, row.change.high),
            )
    console.print(table)
    for row, explained in clear:
        console.print(f"[bold]{row.change.category}[/bold], week of {_day(row.after.period_start)}")
        _print_explanation(console, explained)


def _print_finding(console: Console, finding: Finding) -> None:
    where = " ".join(part for part in (finding.group.source, finding.group.lang) if part)
    change = finding.change
    unclear = "" if change.verdict in {Verdict.UP, Verdict.DOWN} else " [dim](size not told from zero)[/dim]"
    console.print(
        f"[bold]{finding.category}[/bold]{f' ({where})' if where else ''} since {_day(finding.start)}: "
        f"{_share(finding.before)} to {_share(finding.after)}, {_points(change.difference, change.low, change.high)} pp{unclear}",
        soft_wrap=True,
    )
    _print_explanation(console, finding.explanation)


def _print_explanation(console: Console, explained: Explanation) -> None:
    for event in explained.events:
        console.print(Text(f"  near it: {_day(event.starts_at)} {event.name}"), soft_wrap=True)
    for dimension, parts in explained.contributions.items():
        drivers = [part for part in parts if abs(part.total) >= SMALLEST][:DRIVERS]
        if len(parts) > 1 and drivers:
            console.print(Text(f"  {TITLES[dimension]}: {', '.join(map(_driver, drivers))}"), soft_wrap=True)
    for quote in explained.quotes:
        console.print(Text(f"  “{getattr(quote, 'text', quote)}”"), soft_wrap=True)


def _driver(part: Contribution) -> str:
    return f"{part.part or 'none'} {100 * part.total:+.1f} pp"


def _share(share: Share) -> str:
    if share.share is None or share.low is None or share.high is None:
        return share.status.value.replace("_", " ")
    return f"{share.share:.0%} ({100 * share.low:.0f}–{100 * share.high:.0f})"  # noqa: RUF001 - a dash between figures


def _points(difference: float | None, low: float | None, high: float | None) -> str:
    if difference is None or low is None or high is None:
        return "unknown"
    return f"{100 * difference:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
