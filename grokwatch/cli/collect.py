"""`grokwatch collect`: visit Reddit and X now, once or again and again, or say what a visit would ask and cost."""

import json
import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from grokwatch.cli.run import refuse_unusable
from grokwatch.cli.session import UsageError, complain, database, load_classifier, load_settings, log_to_stderr, now

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from db.ingest import Stored
    from grokwatch.jobs import Jobs
    from grokwatch.settings import Settings
    from grokwatch.visits import VisitReport

app = typer.Typer(add_completion=False)
STOP_SECONDS = 4.0


class Source(StrEnum):
    """Platforms that can be visited."""

    REDDIT = "reddit"
    X = "x"


HELP = (
    "Collect new posts from Reddit and X, inside their limits and your budget.\n\n"
    "Without --once it goes on visiting them at the distances of the settings until Ctrl-C. --dry-run asks nobody and spends "
    "nothing: it shows what the next visit would ask for and what that would cost.\n\n"
    "Safe to stop at any moment: what is stored stays, and the next visit goes on from there.\n\n"
    "Example: grokwatch collect reddit --once\n\n"
    "Example: grokwatch collect x --once --dry-run"
)


@app.command(help=HELP)
def collect(
    source: Annotated[
        Source | None, typer.Argument(help="reddit or x (default: both, as far as there are keys).", show_default=False)
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="One visit, then end.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show plan, requests and cost of the next visit; ask and spend nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object: what was done, or the plan.")] = False,
) -> None:
    """Visit the platforms."""
    log_to_stderr(quiet=True)  # what went wrong is told in sentences
    settings = load_settings()
    if as_json and not once and not dry_run:
        raise UsageError("--json tells what one visit did", mend="add --once")
    sources = _sources(settings, source)
    with database(settings) as engine:
        if dry_run:
            _plan(engine, settings, sources, as_json=as_json)
        else:
            _visit(engine, settings, sources, once=once, as_json=as_json)


def _sources(settings: "Settings", chosen: Source | None) -> list[str]:
    """Give the platforms to visit; one that was asked for and can't be visited is an error."""
    from grokwatch.platforms import SOURCES, without_key

    missing = {closed.source: closed for closed in without_key(settings)}
    if chosen is not None and chosen.value in missing:
        closed = missing[chosen.value]
        raise UsageError(closed.message, mend=closed.mend)
    found = [source for source in SOURCES if source not in missing and chosen in {None, source}]
    if not found:
        told = " and ".join(closed.message for closed in missing.values())
        raise UsageError(told, mend="; ".join(closed.mend for closed in missing.values()))
    refuse_unusable(settings, found)
    return found


def _plan(engine: "Engine", settings: "Settings", sources: list[str], *, as_json: bool) -> None:
    from grokwatch.cli.collect_report import plan_as_object, plan_sentences
    from grokwatch.plans import plan

    plans = [plan(source, settings, engine, now=now()) for source in sources]
    if as_json:
        told = {"dry_run": True, "platforms": [plan_as_object(each) for each in plans]}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for each in plans:
        typer.echo("\n".join(plan_sentences(each)))
    typer.echo("Nothing was asked and nothing spent.")


def _visit(engine: "Engine", settings: "Settings", sources: list[str], *, once: bool, as_json: bool) -> None:
    from grokwatch.cli.collect_report import as_object
    from grokwatch.jobs import Jobs
    from grokwatch.privacy import author_hash

    halt = threading.Event()
    jobs = Jobs(
        settings,
        engine,
        clock=now,
        author_hash=author_hash(settings),
        load_classifier=lambda: load_classifier(settings),
        halt=halt,
    )
    try:
        with _signals(halt) as stopped_by:
            if once:
                reports = [report for source in sources if (report := _visit_one(jobs, source, as_json=as_json))]
            else:
                _again_and_again(jobs, settings, sources, halt)
                reports = []
    finally:
        jobs.close()
    if as_json:
        typer.echo(json.dumps(as_object(reports), ensure_ascii=False))
    if stopped_by:
        raise typer.Exit(128 + stopped_by[0])
    if once and (len(reports) < len(sources) or any(report.status == "failed" for report in reports)):
        raise typer.Exit(1)


def _visit_one(jobs: "Jobs", source: str, *, as_json: bool, again: bool = True) -> "VisitReport | None":
    """Visit a platform and tell how it went; `again` asks parked streams before their time, because a person wants it."""
    from collectors.base import CollectorError, Hole, Page
    from grokwatch.cli.collect_report import sentences
    from grokwatch.pipeline import Stopped

    console = Console(stderr=True, highlight=False)
    began = now()
    holes: list[Hole] = []
    new = 0

    def on_page(page: Page, stored: "Stored") -> None:
        nonlocal new
        holes.extend(page.holes)
        new += stored.new
        status.update(f"{source}: {new:,} new posts")

    with console.status(f"{source}: asking") as status:
        try:
            report = jobs.collect(source, again=again, on_page=on_page)
            if report is not None and report.total("changed"):
                jobs.tidy_after(began)
        except Stopped:
            return None
        except CollectorError as error:
            complain(str(error), error.mend, as_json=as_json)
            return None
    if report is None:
        complain(*jobs.busy(source), as_json=as_json)
    elif not as_json:
        typer.echo("\n".join(sentences(report, holes)))
    return report


def _again_and_again(jobs: "Jobs", settings: "Settings", sources: list[str], halt: threading.Event) -> None:
    from datetime import timedelta

    minutes = {"reddit": settings.schedule.reddit_minutes, "x": settings.schedule.x_minutes}
    due = dict.fromkeys(sources, now())
    unasked = set(sources)
    while not halt.is_set():
        source = min(due, key=lambda name: due[name])
        wait = min((due[source] - now()).total_seconds(), minutes[source] * 60)  # the clock may have been set back
        if halt.wait(max(0.0, wait)):
            return
        due[source] = now() + timedelta(minutes=minutes[source])
        _visit_one(jobs, source, as_json=False, again=source in unasked)  # only the first visit is the person's own
        unasked.discard(source)


@contextmanager
def _signals(halt: threading.Event) -> Generator[list[int]]:
    """Note the first SIGINT or SIGTERM and end after the page in hand, or after four seconds without it: nothing is lost."""
    noted: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if noted:
            os._exit(128 + number)
        noted.append(number)
        halt.set()
        last = threading.Timer(STOP_SECONDS, os._exit, (128 + number,))
        last.daemon = True
        last.start()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
