"""`grokwatch quotes`: typical posts of a category, to read what stands behind a share."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from classifiers.codebook import Category
from grokwatch.cli.filters import LangOption, SourceOption, languages, notify, sources_of
from grokwatch.cli.session import database, load_settings, now
from grokwatch.cli.spans import FromOption, ToOption, WeekOption, span_of

if TYPE_CHECKING:
    from insights.quotes import Quote

app = typer.Typer(add_completion=False)


@app.command(
    help="Print posts that are typical of a category and unlike each other, with link, time, language and the probability of "
    "the label. Deleted posts are never among them.\n\n"
    "Example: grokwatch quotes --week 2026-W47 --category bias --lang ja --n 5 --json"
)
def quotes(
    category: Annotated[
        Category | None, typer.Option(help="Only this category (default: a few of each of the report's five).")
    ] = None,
    week: WeekOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    lang: LangOption = None,
    source: SourceOption = None,
    n: Annotated[int, typer.Option("--n", min=1, max=50, help="Posts of a category, at most.")] = 5,
    mask: Annotated[bool, typer.Option("--mask", help="Hide profanity.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """Print quotes."""
    from classifiers.codebook import FIVE
    from insights.quotes import quotes as choose

    span = span_of(week, from_, to, now=now())
    langs, sources = languages(lang), sources_of(source)
    with database(load_settings()) as engine, engine.connect().execution_options(read_only=True) as connection:
        found = [
            quote
            for each in ([category] if category else FIVE)
            for quote in choose(
                connection, start=span.start, end=span.end, category=each, n=n, sources=sources, langs=langs, mask=mask
            )
        ]
    if as_json:
        typer.echo("[" + ",\n ".join(json.dumps(_as_json(quote), ensure_ascii=False) for quote in found) + "]")
    else:
        _print(found)
    if not found:
        notify(
            f"No labelled post of {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d} (exclusive) matches",
            "choose another week, or see: grokwatch shares",
            as_json,
        )
    if any(quote.sample for quote in found):
        notify(
            "Sample data: these posts were written for a first look, not by real people",
            "import real posts and they go: grokwatch import FILE",
            as_json,
        )


def _as_json(quote: "Quote") -> dict[str, Any]:
    return asdict(quote) | {"created_at": quote.created_at.isoformat()}


def _print(found: list["Quote"]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    shown: Category | None = None
    for quote in found:
        if quote.category is not shown:
            shown = quote.category
            console.print(f"[bold]{shown}[/bold]")
        console.print(f"  {escape(quote.text)}{' (sample post)' if quote.sample else ''}")
        console.print(
            f"    {quote.created_at:%Y-%m-%d %H:%M} UTC · {quote.source} · {quote.lang} · p {quote.probability:.2f} · stands for "
            f"{quote.stands_for:.0%} · {quote.url or 'no link'}",
            style="dim",
        )
