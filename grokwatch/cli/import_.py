"""`grokwatch import`: Reddit dumps and files of one's own into the database."""

import json
import re
import signal
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grokwatch.cli.session import UsageError, complain, database, load_settings, now

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from collectors.archive import Archive
    from collectors.archive_file import ArchiveFile
    from collectors.own_files import OwnFormat
    from grokwatch.cli.import_report import FileReport
    from grokwatch.settings import Settings

app = typer.Typer(add_completion=False)

HELP = (
    "Import posts that name Grok from Reddit dumps and files of your own.\n\n"
    "Reads monthly Reddit dumps (RS_…, RC_…), JSON lines, and CSV or TSV with a header; plain, .zst, .gz, .bz2 or .xz, told by "
    "their content. Kept are posts whose title or text names Grok in any script, and all posts in r/grok.\n\n"
    "Columns of your own files: text and created_at; and, where you have them, id, title, author, lang, source, kind, channel, "
    "thread_id, url, score (or likes), replies, edited_at, deleted, inclusion_probability.\n\n"
    "Safe to stop at any moment: the same command goes on where it stopped and doubles nothing.\n\n"
    "Example: grokwatch import RC_2025-11.zst posts.csv --map text=Body,created_at=Date"
)


@app.command("import", help=HELP)
def import_files(
    files: Annotated[list[str], typer.Argument(help="Files to read; - is standard input.", metavar="FILE")],
    source: Annotated[
        str | None,
        typer.Option(help="Platform of posts in your own files that name none (default: x).", metavar="NAME"),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="Which columns hold what: text=Body,created_at=Date,id=ID", metavar="FIELD=COLUMN,…"
        ),
    ] = None,
    keep_all: Annotated[
        bool, typer.Option("--all", help="Keep every post: the file holds nothing but posts about Grok.")
    ] = False,
    subreddits: Annotated[
        list[str] | None,
        typer.Option("--subreddit", help="Keep all posts of this subreddit; may be given again (default: grok)."),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Where broken lines are written (default: in rejects/ of the data folder).", dir_okay=False),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Read from the start what was imported before.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object at the end: what was done.")] = False,
) -> None:
    """Look at all files first, then read them one after the other."""
    from collectors.terms import WATCHED_CHANNELS
    from grokwatch.cli.import_report import as_object, sentences

    settings = load_settings()
    own = _own_format(columns or [], source)
    found = _look_into(files, own)
    if rejects is not None and any(file.path and file.path.resolve() == rejects.resolve() for file in found):
        raise UsageError(f"{rejects} is a file to import", mend="name another file after --rejects")
    job = _Job(settings, own, keep_all, tuple(subreddits or WATCHED_CHANNELS), again, as_json)
    reports: list[FileReport] = []
    with database(settings, create=True) as engine, _signals() as stop:
        for file, reject_file in zip(found, _reject_files(found, settings, rejects), strict=True):
            report = _import_one(engine, file, reject_file, job, stop)
            reports.append(report)
            if not as_json:
                typer.echo("\n".join(sentences(report, settings.terms, source)))
            if stop.signal:
                break
    damaged = any(report.status == "damaged" for report in reports)
    if as_json:
        status = "interrupted" if stop.signal else "failed" if damaged else "ok"
        typer.echo(json.dumps(as_object(reports, status=status, source=source), ensure_ascii=False))
    elif stop.signal:
        typer.echo("Stopped. What was read is stored; run the same command again to go on.", err=True)
    if stop.signal:
        raise typer.Exit(128 + stop.signal)
    if damaged:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Job:
    settings: "Settings"
    own: "OwnFormat"
    keep_all: bool
    subreddits: tuple[str, ...]
    again: bool
    as_json: bool


@dataclass(slots=True)
class _Stop:
    """The signal that asked to stop, if any; `at_once` where no page is in hand that could be finished."""

    signal: int = 0
    at_once: bool = False


@contextmanager
def _signals() -> Generator[_Stop]:
    """Note the first SIGINT or SIGTERM, so that the page in hand is stored; a second one stops at once."""
    stop = _Stop()

    def note(number: int, _frame: object) -> None:
        again = bool(stop.signal)
        stop.signal = number
        if again or stop.at_once:
            raise KeyboardInterrupt

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _import_one(
    engine: "Engine", file: "ArchiveFile", reject_file: tuple[Path, bool], job: _Job, stop: _Stop
) -> "FileReport":
    """Import a file; one that is not whole is told of and does not keep the others from being read."""
    from collectors.archive import Archive
    from collectors.archive_file import Content
    from collectors.base import CollectorError, Page
    from collectors.rejects import RejectFile
    from collectors.terms import TermMatcher
    from db.ingest import Stored
    from grokwatch.cli.import_progress import meter
    from grokwatch.cli.import_report import FileReport
    from grokwatch.pipeline import store
    from grokwatch.privacy import author_hash

    keys = (job.own.columns.get("deleted", "deleted"),) if file.content is Content.OWN else ()
    with _as_usage():
        terms = TermMatcher(job.settings.terms, job.subreddits, keys=keys)
    archive = Archive(
        file,
        terms=terms,
        own=job.own,
        keep_all=job.keep_all,
        rejects=RejectFile(reject_file[0], append=reject_file[1]),
        again=job.again,
    )
    report = FileReport(file.name, tally=archive.tally, window=file.window)
    stop.at_once = file.path is None  # a pipe may be silent for hours
    began = time.perf_counter()
    with meter(file.name, file.size, plain=not job.as_json) as show:

        def on_page(_page: Page, stored: Stored) -> None:
            report.new += stored.new
            report.changed += stored.changed
            report.same += stored.same
            show(archive.position, archive.tally.lines, archive.tally.kept)

        try:
            done = store(
                engine,
                archive,
                kind="import",
                clock=now,
                author_hash=author_hash(job.settings),
                on_page=on_page,
                stopped=lambda: bool(stop.signal),
                detail={"rejects": str(reject_file[0].absolute())},
            )
        except CollectorError as error:
            report.status, report.damage = "damaged", str(error)
            complain(str(error), error.mend, as_json=job.as_json)
        else:
            report.status = _status(archive, done.status, stop)
    report.seconds = time.perf_counter() - began
    report.resumed_at = archive.resumed_at
    report.reject_file = reject_file[0] if archive.tally.broken else None
    return report


def _status(archive: "Archive", status: str, stop: _Stop) -> str:
    if archive.already_imported:
        return "already imported"
    if status == "ok":
        return "imported"
    stop.signal = stop.signal or signal.SIGINT
    return "interrupted"


@contextmanager
def _as_usage() -> Generator[None]:
    """Turn what a collector finds wrong before the work begins into wrong usage."""
    from collectors.base import CollectorError

    try:
        yield
    except CollectorError as error:
        raise UsageError(str(error), mend=error.mend) from error


def _own_format(columns: list[str], source: str | None) -> "OwnFormat":
    from collectors.own_files import LONGEST_SOURCE, OwnFormat

    mapped: dict[str, str] = {}
    for pair in (pair for text in columns for pair in re.split(r",(?=\s*\w+\s*=)", text)):
        name, equals, column = pair.partition("=")
        if not (equals and name.strip() and column.strip()):
            raise UsageError(
                f"--map {pair!r} is not FIELD=COLUMN", mend="write it as in --map text=Body,created_at=Date"
            )
        mapped[name.strip()] = column.strip()
    if source is not None and not 0 < len(source) <= LONGEST_SOURCE:
        raise UsageError(f"the source must have 1 to {LONGEST_SOURCE} characters", mend="shorten it, as in --source x")
    with _as_usage():
        return OwnFormat(columns=mapped, source=source)


def _look_into(names: list[str], own: "OwnFormat") -> list["ArchiveFile"]:
    """Look into all files before the first is read; all that is wrong is told at once."""
    from collectors.archive_file import look_into
    from collectors.base import CollectorError

    found: list[ArchiveFile] = []
    wrong: list[CollectorError] = []
    for name in dict.fromkeys(names):
        if name == "-" and sys.stdin.isatty():
            raise UsageError(
                "standard input is a terminal", mend="pipe posts in, as in: zstdcat FILE | grokwatch import -"
            )
        try:
            file = look_into(name, own)
        except CollectorError as error:
            wrong.append(error)
            continue
        if file.path is None or file.path.resolve() not in {other.path.resolve() for other in found if other.path}:
            found.append(file)
    if wrong:
        raise UsageError("; ".join(str(error) for error in wrong), mend=wrong[0].mend)
    return found


def _reject_files(files: list["ArchiveFile"], settings: "Settings", chosen: Path | None) -> Iterator[tuple[Path, bool]]:
    """Give each file its reject file, and whether to keep what is in that already."""
    used: set[Path] = set()
    for file in files:
        if chosen is not None:
            yield chosen, True
            continue
        name = file.path.name if file.path else "stdin"
        path = settings.data_dir / "rejects" / f"{name}.rejects.jsonl"
        yield path, path in used
        used.add(path)
