"""`grokwatch up`: schema, sample or stored posts, scheduler and dashboard, until Ctrl-C or SIGTERM."""

import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from grokwatch.cli.run import refuse_unusable, tell_platforms, tell_turn
from grokwatch.cli.session import UsageError, load_classifier, load_settings, log_to_stderr, now

app = typer.Typer(add_completion=False)
STARTUP_SECONDS = 60
STOP_SECONDS = 5


@app.command(
    help="Start everything: migrate, seed, collect and label on a schedule, serve the dashboard. Ctrl-C stops it.\n\n"
    "Example: grokwatch up --port 8600"
)
def up(
    host: Annotated[str | None, typer.Option(help="Address to serve on (default: 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to serve on (default: 8501).", min=1, max=65535)] = None,
) -> None:
    """Start everything and wait for the signal to stop."""
    from db.engine import open_engine
    from grokwatch.start import engage, prepare

    log_to_stderr()
    settings = load_settings()
    refuse_unusable(settings)
    host, port = host or settings.host, port or settings.port
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    _refuse_taken_port(host, port)
    engine = open_engine(settings.database_url)
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    try:
        console.print("· database: bringing the schema up")
        seeded = prepare(engine, clock=now)
        if seeded:
            console.print(f"· sample data: {seeded} posts written for this project, until real posts arrive")
        engagement = engage(settings, engine, clock=now, load_classifier=lambda: load_classifier(settings))
        engagement.schedule.start()
        tell_turn(console, engagement)
        tell_platforms(console, settings)
        dashboard = _start_dashboard(host, port)
        try:
            if _wait_until_served(host, port, dashboard, stop):
                console.print(f"[green]Grokwatch runs at[/green] http://{_shown(host)}:{port} — Ctrl-C stops it.")
            while not stop.wait(0.5) and dashboard.poll() is None:
                pass
            if dashboard.poll() is not None and not stop.is_set():
                console.print("[red]Error:[/red] The dashboard ended by itself. Its last words stand above.")
                raise typer.Exit(1)
        finally:
            console.print("Stopping …")
            engagement.schedule.ask_to_stop()
            _end(dashboard)
            engagement.end()
    finally:
        engine.dispose()


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _refuse_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"the address {host}:{port} can't be used ({error.strerror})",
                mend="stop what runs there, or choose another: grokwatch up --port 8502, or GROKWATCH_PORT in .env",
            ) from error


def _start_dashboard(host: str, port: int) -> subprocess.Popen[bytes]:
    import dashboard

    script = Path(dashboard.__file__).with_name("app.py")
    flags = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.showEmailPrompt": "false",
        "browser.gatherUsageStats": "false",
        "logger.level": "warning",
        "client.toolbarMode": "minimal",
    }
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [part for name, value in flags.items() for part in (f"--{name}", value)]
    # A session of its own: Ctrl-C on the terminal reaches this process alone, which then ends the dashboard in order.
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - our own words, no shell


def _wait_until_served(host: str, port: int, dashboard: subprocess.Popen[bytes], stop: threading.Event) -> bool:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline and not stop.is_set() and dashboard.poll() is None:
        try:
            with socket.create_connection((host, port), timeout=1):
                return True
        except OSError:
            time.sleep(0.1)
    return False


def _end(dashboard: subprocess.Popen[bytes]) -> None:
    if dashboard.poll() is None:
        dashboard.terminate()
        try:
            dashboard.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            dashboard.kill()
            dashboard.wait()
