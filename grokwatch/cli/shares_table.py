"""Shares as a table for the terminal."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import groupby

from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table

from classifiers.codebook import Category
from db.periods import Step, next_start, start_of
from insights.shares import Denominator, Share, Status

WIDTH = 80
"""Of a table that goes into a file or a pipe."""

REPORT = "Report"
TITLES = {Denominator.FIVE: "Of the five", Denominator.RELEVANT: "Of all relevant"}


def print_table(
    rows: list[Share], whole: list[Share], step: Step, baseline: Mapping[Category, float], *, sample: bool
) -> None:
    """Print the shares, period by period, and those of the `whole` span.

    A stretch of periods without posts takes one line, and so does a period that has too few for any share.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    denominators = [denominator for denominator in Denominator if any(row.denominator is denominator for row in rows)]
    title = f"Shares by {step}, with 95 % intervals{', of sample data' if sample else ''}"
    table = Table(title=title, title_justify="left", box=HORIZONTALS)
    table.add_column("Period (UTC)", no_wrap=True)
    table.add_column("Category", no_wrap=True)
    table.add_column("Posts", justify="right", min_width=5)
    for title in _columns(denominators):
        table.add_column(title, justify="right", no_wrap=True)
    for periods in _stretches(rows):
        if periods[0][0].status is Status.NO_DATA:
            table.add_row(_stretch_name(periods, step), "[dim]no posts[/dim]")
        elif all(row.status is Status.TOO_FEW for row in periods[0]):
            _add_thin_period(table, periods[0], step, denominators)
        else:
            margin = [_name(periods[0][0], step), *_notes(periods[0], step)]
            _add_period(table, periods[0], margin, denominators, baseline)
    if whole:
        first, end = whole[0].period_start, whole[0].period_end - timedelta(microseconds=1)
        margin = ["all of it", f"[dim]{first:%Y-%m-%d}[/dim]", f"[dim]to {end:%Y-%m-%d}[/dim]"]
        _add_period(table, whole, margin, denominators, baseline)
    console.print(table)
    methods = (
        "; ".join(dict.fromkeys(row.method for row in (*rows, *whole) if row.status is Status.OK)) or rows[0].method
    )
    if any(row.extrapolated for row in rows):
        methods += '.\n"extrapolated": corrected by the audits of all periods, for want of its own'
    console.print(
        f"Interval: {methods}. n: effective posts.\n"
        "Posts are counted by their label, shares add up probabilities. Too few: n < 30.\n"
        "Report: its shares of the five, November 2025. It gave no sample size and\n"
        "no method, so they have no interval: a difference proves nothing by itself.",
        style="dim",
        soft_wrap=True,
    )


def _columns(denominators: list[Denominator]) -> list[str]:
    """Give the headings; the report's shares, which are of the five, stand beside those of the five."""
    return [REPORT if title is None else TITLES[title] for title in _order(denominators)]


def _order(denominators: list[Denominator]) -> list[Denominator | None]:
    rest = [denominator for denominator in denominators if denominator is not Denominator.FIVE]
    return [*(d for d in denominators if d is Denominator.FIVE), None, *rest]


def _stretches(rows: list[Share]) -> Iterator[list[list[Share]]]:
    """Yield periods one by one, those without data that follow each other together."""
    periods = [list(group) for _, group in groupby(rows, key=lambda row: row.period_start)]
    empty: list[list[Share]] = []
    for period in periods:
        if period[0].status is Status.NO_DATA:
            empty.append(period)
            continue
        if empty:
            yield empty
            empty = []
        yield [period]


def _add_period(
    table: Table,
    period: list[Share],
    margin: list[str],
    denominators: list[Denominator],
    baseline: Mapping[Category, float],
) -> None:
    found = {(row.denominator, row.category): row for row in period}
    categories = [category for category in Category if any((d, category) in found for d in denominators)]
    sizes = [_size(period, denominator) for denominator in _order(denominators)]
    table.add_section()
    for index, category in enumerate(categories):
        report = f"{baseline[category]:.0%}" if category in baseline else ""
        cells = [report if d is None else _cell(found.get((d, category))) for d in _order(denominators)]
        posts = next(found[d, category].posts for d in denominators if (d, category) in found)
        table.add_row(margin[index] if index < len(margin) else "", category.value, f"{posts:,}", *cells)
    table.add_row("", "", "", *sizes, end_section=True)


def _add_thin_period(table: Table, period: list[Share], step: Step, denominators: list[Denominator]) -> None:
    widest = denominators[-1]
    posts = sum(row.posts for row in period if row.denominator is widest)
    sizes = [_size(period, denominator) for denominator in _order(denominators)]
    table.add_row(_name(period[0], step), "[yellow]too few[/yellow]", f"{posts:,}", *sizes)


def _size(period: list[Share], denominator: Denominator | None) -> str:
    sizes = [row.effective_posts for row in period if row.denominator is denominator]
    return f"[dim]n {sizes[0]:,.0f}[/dim]" if sizes else ""


def _cell(row: Share | None) -> str:
    if row is None:
        return ""
    if row.share is None or row.low is None or row.high is None:
        return "[yellow]too few[/yellow]"
    return f"{row.share:.0%} ({100 * row.low:.0f}–{100 * row.high:.0f})"  # noqa: RUF001 - an en dash is how a span is written


def _notes(period: list[Share], step: Step) -> list[str]:
    first, end = period[0].period_start, period[0].period_end
    whole = first == start_of(step, first) and end == next_start(step, first)
    notes = []
    if not whole or step is Step.WEEK:
        notes.append(f"[dim]{first:%m-%d} to {end - timedelta(microseconds=1):%m-%d}[/dim]")
    if any(row.corrected for row in period):
        notes.append("[dim]extrapolated[/dim]" if any(row.extrapolated for row in period) else "[dim]audited[/dim]")
    return notes


def _name(row: Share, step: Step) -> str:
    match step:
        case Step.DAY:
            return f"{row.period_start:%Y-%m-%d}"
        case Step.WEEK:
            year, week, _ = row.period_start.isocalendar()
            return f"{year}-W{week:02}"
        case Step.MONTH:
            return f"{row.period_start:%Y-%m}"


def _stretch_name(periods: list[list[Share]], step: Step) -> str:
    first, last = _name(periods[0][0], step), _name(periods[-1][0], step)
    return first if first == last else f"{first} to {last}"
