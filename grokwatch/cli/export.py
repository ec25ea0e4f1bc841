"""`grokwatch export`: labelled posts as a file for other programs."""

from dataclasses import asdict
from datetime import UTC, date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from classifiers.codebook import Category
from grokwatch.cli import destination
from grokwatch.cli.session import UsageError, database, load_settings, now

app = typer.Typer(add_completion=False)
KIND: Final = "export"

HELP = """Write the labelled posts into a file: no author keys, no deleted posts.

Every export is noted among the runs with its path, so that posts deleted later can be found in it. Mind the platforms' rules
before you hand texts on; --no-text gives identifiers and labels alone.

Example: grokwatch export --from 2025-11-01 --to 2025-11-30 --lang ja --output november.parquet

Example: grokwatch export --no-text --format jsonl --output -"""


class Format(StrEnum):
    """How the posts are written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


@app.command(help=HELP)
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file, or - for standard output.")],
    format_: Annotated[
        Format | None, typer.Option("--format", help="csv, jsonl or parquet; else by the file's ending, csv for -.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="DAY", help="First day (UTC) on which the posts were written, YYYY-MM-DD."),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day (UTC), itself included.")] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="Language tag, such as ja; und for unknown.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="reddit, x or another platform.")] = None,
    category: Annotated[Category | None, typer.Option("--category", help="One category alone.")] = None,
    text: Annotated[bool, typer.Option("--text/--no-text", help="With or without title, text and link.")] = True,
    exact: Annotated[
        bool,
        typer.Option("--exact", help="CSV: leave texts that look like formulas without the apostrophe before them."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Tell what was written as one JSON object on stderr.")
    ] = False,
) -> None:
    """Export labelled posts."""
    import orjson

    from db import runs
    from db.export import Choice, count_labelled, count_unlabelled, labelled_posts

    file = None if output == Path("-") else output
    form = _form(format_, file)
    destination.refuse_existing(file, force=force)
    destination.refuse_terminal(file, binary=form is Format.PARQUET)
    choice = Choice(
        start=_day(start, "--from"),
        end=_day(end, "--to", after=True),
        lang=lang,
        source=source,
        category=category,
        text=text,
    )
    if choice.start and choice.end and choice.start >= choice.end:
        raise UsageError("--from is later than --to", mend="swap them")
    detail: dict[str, Any] = {
        "path": str(file.absolute()) if file else "-",
        "format": form.value,
        **{name: _plain(value) for name, value in asdict(choice).items()},
    }
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with destination.tidy_on_sigterm(), database(load_settings()) as engine:
        with engine.begin() as connection:
            total, waiting = count_labelled(connection, choice), count_unlabelled(connection, choice)
            run_id = runs.start_run(connection, KIND, source=source, now=now(), detail=detail)
        status, error, rows = "interrupted", None, 0
        try:
            with labelled_posts(engine, choice) as posts, _progress(console, file) as progress:
                seen = progress.track(posts, total=total, description="exporting")
                rows = _write(seen, form, file, choice.columns(), exact=exact)
            status = "ok"
        except typer.Exit:  # whoever read it has gone
            raise
        except Exception as failure:
            status, error = "failed", str(failure) or type(failure).__name__
            raise
        finally:
            with engine.begin() as connection:
                runs.add_counts(connection, run_id, read=rows, kept=rows)
                runs.finish_run(connection, run_id, now=now(), status=status, error=error)
    if as_json:
        console.print(
            orjson.dumps({"rows": rows, "unlabelled": waiting, "run": run_id, **detail}).decode(), markup=False
        )
        return
    console.print(f"{rows:,} labelled post{'' if rows == 1 else 's'} in {file or 'standard output'}", markup=False)
    if waiting:
        console.print(f"[yellow]Left out:[/yellow] {waiting:,} not labelled yet. Run: grokwatch classify")


def _progress(console: Console, file: Path | None) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=file is None or not console.is_terminal)


def _form(given: Format | None, file: Path | None) -> Format:
    if given is not None or file is None:
        return given or Format.CSV
    by_ending = {f".{form.value}": form for form in Format} | {".ndjson": Format.JSONL}
    form = by_ending.get(file.suffix.lower())
    if form is None:
        raise UsageError(
            f"the ending of {file} tells no format", mend="add --format csv, --format jsonl or --format parquet"
        )
    return form


def _day(text: str | None, option: str, *, after: bool = False) -> datetime | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text} is not a day", mend="write it as 2025-11-17") from error
    if after:  # the last day belongs to the choice: it ends where the next begins
        try:
            day = date.fromordinal(day.toordinal() + 1)
        except ValueError as error:
            raise UsageError(f"{option} {text} is too late a day", mend="choose an earlier one") from error
    return datetime.combine(day, time(), tzinfo=UTC)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _write(posts: Any, form: Format, file: Path | None, columns: tuple[str, ...], *, exact: bool) -> int:  # noqa: ANN401 - rows
    from grokwatch import formats

    if form is Format.PARQUET:
        with destination.byte_stream(file) as stream:
            return formats.write_parquet(stream, columns, posts, schema=_schema(columns))
    with destination.text_stream(file) as stream:
        if form is Format.CSV:
            return formats.write_csv(stream, columns, posts, exact=exact)
        return formats.write_jsonl(stream, columns, posts)


def _schema(columns: tuple[str, ...]) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa

    known = {
        **dict.fromkeys(("id", "score", "replies"), pa.int64()),
        **dict.fromkeys(("created_at", "edited_at", "labelled_at"), pa.timestamp("us", tz="UTC")),
        **dict.fromkeys(("sample", "relevant"), pa.bool_()),
        **dict.fromkeys(("aspects", "mentions"), pa.list_(pa.string())),
        "inclusion_probability": pa.float64(),
    }
    numbers = {name: pa.float64() for name in columns if name.startswith("p_")}
    return pa.schema([(name, (known | numbers).get(name, pa.string())) for name in columns])
