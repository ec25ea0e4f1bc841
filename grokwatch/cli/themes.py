"""`grokwatch themes`: the phrases of a category that became more or less frequent."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import HORIZONTALS
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from classifiers.codebook import Category
from grokwatch.cli.filters import LangOption, SourceOption, languages, notify, sources_of
from grokwatch.cli.session import database, load_settings, now
from grokwatch.cli.spans import FromOption, Span, ToOption, WeekOption, span_of

if TYPE_CHECKING:
    from insights.phrases import Phrase

app = typer.Typer(add_completion=False)


@app.command(
    help="Print the phrases of a category that became more or less frequent than in the stretch of the same length before, "
    "told from chance under false-discovery control.\n\n"
    "Example: grokwatch themes --week 2026-W47 --category latency --lang ja --json"
)
def themes(
    category: Annotated[Category, typer.Option(help="One of the report's five, or other.")],
    week: WeekOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    lang: LangOption = None,
    source: SourceOption = None,
    n: Annotated[int, typer.Option("--n", min=1, max=100, help="Phrases, at most.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """Print phrases that moved."""
    from insights.phrases import moved_phrases

    span = span_of(week, from_, to, now=now())
    langs, sources = languages(lang), sources_of(source)
    with database(load_settings()) as engine, engine.connect().execution_options(read_only=True) as connection:
        found = moved_phrases(
            connection,
            before=(span.before.start, span.before.end),
            after=(span.start, span.end),
            category=category,
            n=n,
            sources=sources,
            langs=langs,
        )
    if as_json:
        typer.echo("[" + ",\n ".join(json.dumps(_as_json(one, span), ensure_ascii=False) for one in found) + "]")
    elif found:
        _print(found, category, span)
    if not found:
        notify(
            f"No phrase of {category} moved in a way that can be told from chance",
            "compare longer spans: --from and --to",
            as_json,
        )


def _as_json(one: "Phrase", span: Span) -> dict[str, Any]:
    return {"period_start": span.start.isoformat(), "period_end": span.end.isoformat()} | asdict(one)


def _print(found: list["Phrase"], category: Category, span: Span) -> None:
    table = Table(
        title=f"{category}: {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d} against the stretch before",
        title_justify="left",
        box=HORIZONTALS,
    )
    table.add_column("Phrase")
    for title in ("Before", "After", "z"):
        table.add_column(title, justify="right")
    for one in found:
        table.add_row(
            escape(one.phrase),
            f"{one.before} ({one.share_before:.0%})",
            f"{one.after} ({one.share_after:.0%})",
            f"{one.z:+.1f}",
        )
    console = Console(highlight=False)
    console.print(table)
    console.print(
        "Threads that hold the phrase, and their part of those that were read. z: log-odds by standard error.",
        style="dim",
    )
