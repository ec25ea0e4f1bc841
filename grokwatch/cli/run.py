"""`grokwatch run`: the scheduler without the dashboard, until Ctrl-C or SIGTERM."""

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from grokwatch.cli.session import UsageError, load_classifier, load_settings, log_to_stderr, now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grokwatch.settings import Settings
    from grokwatch.start import Engagement

app = typer.Typer(add_completion=False)
LOOK_SECONDS = 0.5


@app.command(
    help="Collect, label, re-check and send the digest on a schedule, without the dashboard. Ctrl-C stops it.\n\n"
    "A second process on the same database stands by, and takes over within a minute when the first one ends.\n\n"
    "Example: grokwatch run"
)
def run() -> None:
    """Start the scheduler and wait for the signal to stop."""
    from db.engine import open_engine
    from grokwatch.start import bring_up, engage

    log_to_stderr()
    settings = load_settings()
    refuse_unusable(settings)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    engine = open_engine(settings.database_url)
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    try:
        console.print("· database: bringing the schema up")
        bring_up(engine)
        engagement = engage(settings, engine, clock=now, load_classifier=lambda: load_classifier(settings))
        engagement.schedule.start()
        try:
            tell_turn(console, engagement)
            tell_platforms(console, settings)
            console.print("[green]Grokwatch runs[/green] — Ctrl-C stops it.")
            stood_by = engagement.schedule.stands_by
            while not stop.wait(LOOK_SECONDS):
                if engagement.schedule.stands_by != stood_by:
                    stood_by = not stood_by
                    tell_turn(console, engagement)
        finally:
            console.print("Stopping …")
            engagement.end()
    finally:
        engine.dispose()


def tell_turn(console: Console, engagement: "Engagement") -> None:
    """Say whether this process does the work or stands by."""
    holding = engagement.lease.holding() if engagement.schedule.stands_by else None
    if engagement.schedule.stands_by:
        whom = holding.process if holding else "another process"
        console.print(f"· scheduler: stands by, {whom} does the work", markup=False)
    else:
        console.print("· scheduler: started")


def tell_platforms(console: Console, settings: "Settings") -> None:
    """Say which platforms are left alone, and why."""
    from grokwatch.platforms import without_key

    for missing in without_key(settings):
        console.print(f"· {missing.message}: nothing is collected there. To mend it, {missing.mend}", markup=False)


def refuse_unusable(settings: "Settings", sources: "Sequence[str] | None" = None) -> None:
    """Refuse platforms' settings that can't be used before any work begins; of all platforms, or of these.

    Raises
    ------
    UsageError
        A query is too long, a community's name can't be one, and the like.
    """
    from collectors.base import CollectorError
    from grokwatch.platforms import SOURCES, check_access

    try:
        check_access(settings, SOURCES if sources is None else sources)
    except CollectorError as error:
        raise UsageError(str(error), mend=error.mend) from error
