"""`grokwatch sql "…"`: a question of one's own, read-only by construction."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from db.readonly import Answer, Limits, ask, readable
from grokwatch.cli import destination
from grokwatch.cli.session import UsageError, load_settings

app = typer.Typer(add_completion=False)

HELP = """Answer a question in SQL over the views and the public tables. Nothing can be written.

Example: grokwatch sql "SELECT category, count(*) FROM v_posts GROUP BY category"

Example: grokwatch sql --file question.sql --output answer.parquet

Which views and columns there are: grokwatch sql --tables"""


class Format(StrEnum):
    """How the answer is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


@app.command(help=HELP)
def question(
    statement: Annotated[
        str | None, typer.Argument(help="One SELECT, WITH or VALUES; - reads it from standard input.", metavar="SQL")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", exists=True, dir_okay=False, help="Read the question from a file.")
    ] = None,
    format_: Annotated[
        Format | None, typer.Option("--format", help="table, csv, json or parquet; else by the ending of --output.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write into this file instead of to standard output.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    exact: Annotated[
        bool,
        typer.Option("--exact", help="CSV: leave texts that look like formulas without the apostrophe before them."),
    ] = False,
    max_rows: Annotated[
        int | None, typer.Option("--max-rows", min=1, help="Rows of the answer; else GROKWATCH_SQL__MAX_ROWS.")
    ] = None,
    tables: Annotated[bool, typer.Option("--tables", help="List the views and tables with their columns.")] = False,
) -> None:
    """Ask the database."""
    from grokwatch import formats

    output = None if output == Path("-") else output
    form = _form(format_, output, as_json=as_json)
    destination.refuse_existing(output, force=force)
    destination.refuse_terminal(output, binary=form is Format.PARQUET)
    asked = None if tables else _question(statement, file)
    settings = load_settings()
    if asked is None:
        found = readable(settings.database_url)
        answer = Answer(
            columns=("name", "columns"), rows=tuple((name, ", ".join(columns)) for name, columns in found.items())
        )
    else:
        limits = Limits(max_rows=max_rows or settings.sql.max_rows, timeout_seconds=settings.sql.timeout_seconds)
        answer = ask(settings.database_url, asked, limits)
    if form is Format.PARQUET:
        with destination.byte_stream(output) as stream:
            formats.write_parquet(stream, answer.columns, answer.rows)
    else:
        with destination.text_stream(output) as stream:
            if form is Format.CSV:
                formats.write_csv(stream, answer.columns, answer.rows, exact=exact)
            elif form is Format.JSON:
                formats.write_json(stream, answer.columns, answer.rows)
            else:
                formats.show_table(stream, answer.columns, answer.rows, width=_width(output), cut=not tables)
    _tell(answer, form, output)


def _form(given: Format | None, output: Path | None, *, as_json: bool) -> Format:
    if as_json and given not in {None, Format.JSON}:
        raise UsageError(f"--json and --format {given} contradict each other", mend="leave one out")
    if given is not None or as_json:
        return given or Format.JSON
    endings = {f".{form.value}": form for form in Format if form is not Format.TABLE}
    return endings.get(output.suffix.lower(), Format.TABLE) if output else Format.TABLE


def _question(statement: str | None, file: Path | None) -> str:
    if (statement is None) == (file is None):
        mend = 'write: grokwatch sql "SELECT …", or --file FILE, or - to read standard input'
        raise UsageError("there is no question" if file is None else "there are two questions", mend=mend)
    try:
        if file is not None:
            text = file.read_text(encoding="utf-8-sig")
        else:
            text = sys.stdin.read() if statement == "-" else statement or ""
    except UnicodeDecodeError as error:
        raise UsageError("the question is not UTF-8", mend="save it as UTF-8") from error
    if not text.strip():
        raise UsageError("the question is empty", mend='write: grokwatch sql "SELECT …"')
    return text


def _width(output: Path | None) -> int | None:
    return Console().width if output is None and sys.stdout.isatty() else None


def _tell(answer: Answer, form: Format, output: Path | None) -> None:
    """Say on standard error what the answer itself can't: that it was cut, how long it is, where it lies."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    rows = f"{len(answer.rows):,} row{'' if len(answer.rows) == 1 else 's'}"
    if answer.cut == "rows":
        console.print(f"[yellow]Cut:[/yellow] the first {rows} of more. Use a LIMIT, --max-rows, or grokwatch export.")
    elif answer.cut == "bytes":
        console.print(
            f"[yellow]Cut:[/yellow] the first {rows}, as many as fit. Ask for fewer columns, or use grokwatch export."
        )
    if output is not None:
        console.print(f"{rows} in {output}", markup=False)
    elif form is Format.TABLE and sys.stdout.isatty() and answer.cut is None:
        console.print(rows)
