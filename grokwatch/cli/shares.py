"""`grokwatch shares`: the shares over time with their intervals, the report's beside them."""

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifiers.codebook import Aspect, Rival
from db.periods import Step
from grokwatch.cli.dates import span_of_days
from grokwatch.cli.filters import LangOption, SourceOption, languages, notify, sources_of
from grokwatch.cli.session import database, load_settings
from insights.shares import Denominator

if TYPE_CHECKING:
    from insights.holdings import Holdings
    from insights.shares import Share

app = typer.Typer(add_completion=False)


@app.command(
    help="Print the share of each category over time, of the report's five and of all posts about Grok, with 95 % "
    "intervals and the report's own shares beside them.\n\n"
    "Example: grokwatch shares --by week --lang ja --from 2025-11-01 --json"
)
def shares(
    by: Annotated[Step, typer.Option(help="Length of a period; weeks start on Monday, UTC.")] = Step.WEEK,
    lang: LangOption = None,
    source: SourceOption = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day, such as 2025-11-17, UTC.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day, which is included.")] = None,
    aspect: Annotated[
        list[Aspect] | None, typer.Option(help="Only posts about this (coding, price, …); repeatable.")
    ] = None,
    rival: Annotated[
        list[Rival] | None, typer.Option(help="Only posts that name this rival (claude, …); repeatable.")
    ] = None,
    denominator: Annotated[
        Denominator | None, typer.Option(help="Only shares of the five, or only of all relevant posts (default: both).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of rows.")] = False,
) -> None:
    """Print shares."""
    from grokwatch.cli.shares_table import print_table
    from insights.baseline import by_category
    from insights.holdings import holdings
    from insights.sample import is_sample
    from insights.shares import shares as estimate
    from insights.shares import total

    start, end = span_of_days(from_, to)
    langs, sources = languages(lang), sources_of(source)
    aspects, rivals = [one.value for one in aspect or ()], [one.value for one in rival or ()]
    rows: list[Share] = []
    whole: list[Share] = []
    chosen = list(Denominator) if denominator is None else [denominator]
    with database(load_settings()) as engine, engine.connect().execution_options(read_only=True) as connection:
        for each in chosen:
            rows += estimate(
                connection, step=by, start=start, end=end, sources=sources, langs=langs, aspects=aspects, rivals=rivals,
                denominator=each,
            )  # fmt: skip
        rows.sort(key=lambda row: row.period_start)  # both denominators of a period together, each in its order
        if rows and rows[0].period_start != rows[-1].period_start and not as_json:
            first, last = rows[0].period_start, rows[-1].period_end
            for each in chosen:
                whole += total(
                    connection, start=first, end=last, sources=sources, langs=langs, aspects=aspects, rivals=rivals,
                    denominator=each,
                )  # fmt: skip
        held, sample, baseline = holdings(connection), is_sample(connection), by_category(connection)
    if as_json:
        # Row by row: a person can read it, and a machine does not care.
        typer.echo("[" + ",\n ".join(json.dumps(_as_json(row), ensure_ascii=False) for row in rows) + "]")
    elif rows:
        print_table(rows, whole, by, baseline, sample=sample)
    for message, mend in _notices(held, sample=sample, empty=not rows, by_label=bool(aspects or rivals)):
        notify(message, mend, as_json)


def _as_json(row: "Share") -> dict[str, Any]:
    told = asdict(replace(row, draws=None)) | {
        "period_start": row.period_start.isoformat(),
        "period_end": row.period_end.isoformat(),
    }
    del told["draws"]
    return told


def _notices(held: "Holdings", *, sample: bool, empty: bool, by_label: bool) -> list[tuple[str, str]]:
    notices: list[tuple[str, str]] = []
    if not held.posts:
        notices.append(("No posts are stored yet, so there are no shares", "import some: grokwatch import FILE"))
    elif empty and held.waiting < held.posts and by_label:
        notices.append(("No labelled post with this aspect or rival matches", "leave out --aspect or --rival"))
    elif empty and held.waiting < held.posts:
        span = f"{held.first:%Y-%m-%d} to {held.last:%Y-%m-%d}" if held.first and held.last else "no span"
        names = ", ".join(held.sources)
        tags = ", ".join(list(held.langs)[:12])
        notices.append(
            (f"No labelled post matches; there are posts of {span}, from {names}, in {tags}", "choose among these")
        )
    if held.waiting:
        posts = "1 post waits" if held.waiting == 1 else f"{held.waiting:,} posts wait"
        notices.append((f"{posts} for a label and counts in no share yet", "run: grokwatch classify"))
    if sample:
        notices.append(
            (
                "Sample data: these posts were written for a first look, not by real people",
                "import real posts and they go: grokwatch import FILE",
            )
        )
    return notices
