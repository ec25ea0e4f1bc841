"""`grokwatch rivals`: which rivals are named beside Grok, and which of the two comes off better."""

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
NAMES = {"name": "rival", "positive": "better", "negative": "worse", "preferred": "preferred"}


@app.command(
    help="Print the part of the posts about Grok that names each rival, week by week, and how many of these find Grok better or worse, "
    "with 95 % intervals. What a post thinks is taken from its stance towards Grok.\n\n"
    "Example: grokwatch rivals --by month --from 2026-09-01 --json"
)
def rivals(
    by: Annotated[Step, typer.Option(help="Length of a period; weeks start on Monday, UTC.")] = Step.WEEK,
    lang: LangOption = None,
    source: SourceOption = None,
    from_: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day, UTC.")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day, which is included.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of rows.")] = False,
) -> None:
    """Print rivals."""
    from insights.topics import rivals as estimate

    start, end = span_of_days(from_, to)
    langs, sources = languages(lang), sources_of(source)
    with database(load_settings()) as engine, engine.connect().execution_options(read_only=True) as connection:
        rows = estimate(connection, step=by, start=start, end=end, sources=sources, langs=langs)
    if as_json:
        typer.echo("[" + ",\n ".join(json.dumps(told(row, **NAMES), ensure_ascii=False) for row in rows) + "]")
    elif rows:
        print_table(rows, title="Rivals named beside Grok", stances=("Grok better", "Grok worse"))
    if not rows:
        notify("No labelled post matches", "see what there is: grokwatch shares", as_json)
