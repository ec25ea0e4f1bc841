"""`grokwatch aspects`: what posts about Grok speak of, and whether they praise or blame it."""

import json
from typing import Annotated

import typer

from db.periods import Step
from grokwatch.cli.dates import span_of_days
from grokwatch.cli.filters import LangOption, SourceOption, languages, notify, sources_of
from grokwatch.cli.session import database, load_settings
from grokwatch.cli.topics import as_json as told
from grokwatch.cli.topics import print_table

app = typer.Typer(add_completion=False)
NAMES = {"name": "aspect", "positive": "praise", "negative": "complaint", "preferred": "preferred"}


@app.command(
    help="Print the part of the posts about Grok that speaks of each aspect, week by week, and how many of these praise or blame it, "
    "with 95 % intervals; --themes sums them up as the report of November 2025 did.\n\n"
    "Example: grokwatch aspects --by month --lang ja --json"
)
def aspects(
    by: Annotated[Step, typer.Option(help="Length of a period; weeks start on Monday, UTC.")] = Step.WEEK,
    lang: LangOption = None,
    source: SourceOption = None,
    from_: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day, UTC.")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day, which is included.")] = None,
    themes: Annotated[
        bool, typer.Option("--themes", help="The report's themes of praise and complaint instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of rows.")] = False,
) -> None:
    """Print aspects."""
    from insights.topics import aspects as estimate
    from insights.topics import report_themes

    start, end = span_of_days(from_, to)
    langs, sources = languages(lang), sources_of(source)
    with database(load_settings()) as engine, engine.connect().execution_options(read_only=True) as connection:
        if themes:
            rows = []
            for kind, found in zip(
                ("praise", "complaint"),
                report_themes(connection, step=by, start=start, end=end, sources=sources, langs=langs),
                strict=True,
            ):
                rows += [(kind, row) for row in found]
        else:
            found = estimate(connection, step=by, start=start, end=end, sources=sources, langs=langs)
            rows = [("aspect", row) for row in found]
    if as_json:
        lines = [told(row, **NAMES) | ({"kind": kind} if themes else {}) for kind, row in rows]
        typer.echo("[" + ",\n ".join(json.dumps(line, ensure_ascii=False) for line in lines) + "]")
    else:
        for kind in dict.fromkeys(kind for kind, _ in rows):
            title = "Aspects" if kind == "aspect" else f"The report's themes of {kind}"
            print_table(
                [row for one, row in rows if one == kind],
                title=title,
                stances=None if themes else ("Praise", "Complaint"),
            )
    if not rows:
        notify("No labelled post matches", "see what there is: grokwatch shares", as_json)
