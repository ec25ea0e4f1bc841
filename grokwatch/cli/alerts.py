"""`grokwatch alerts list|ack|check|test`: what fired, that somebody took note, and whether messages arrive."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from grokwatch.cli.session import UsageError, database, load_settings, now

if TYPE_CHECKING:
    from db.alerts import StoredAlert

app = typer.Typer(
    add_completion=False,
    help="List the alerts (as without a word), take note of them, look for new ones, or send a test.\n\n"
    "Example: grokwatch alerts --open --json",
)
JSON_OPTION = typer.Option("--json", help="JSON.")
OPEN_OPTION = typer.Option("--open", help="Only those that nobody took note of.")
LIMIT_OPTION = typer.Option("--limit", min=1, help="How many, newest first.")
LIMIT: Final = 50


@app.callback(invoke_without_command=True)
def alerts(
    context: typer.Context,
    open_: Annotated[bool, OPEN_OPTION] = False,
    limit: Annotated[int, LIMIT_OPTION] = LIMIT,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """List the alerts where no other word follows."""
    if context.invoked_subcommand is None:
        _list(open_=open_, limit=limit, as_json=as_json)


@app.command("list", help="List the alerts, newest first.\n\nExample: grokwatch alerts list --open --json")
def list_(
    open_: Annotated[bool, OPEN_OPTION] = False,
    limit: Annotated[int, LIMIT_OPTION] = LIMIT,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Print the alerts."""
    _list(open_=open_, limit=limit, as_json=as_json)


@app.command(
    help="Take note of alerts: they are not sent any more, nor told again while they go on.\n\n"
    "Example: grokwatch alerts ack 12 13"
)
def ack(
    ids: Annotated[list[int], typer.Argument(metavar="ID…", help="Numbers of alerts, as listed.", show_default=False)],
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Acknowledge alerts; all of them, or, if one is unknown, none."""
    from db import alerts as stored
    from db.errors import DatabaseError

    with database(load_settings()) as engine, engine.begin() as connection:
        known = stored.acknowledge(connection, ids, now=now())
        unknown = [str(number) for number in ids if number not in known]
        if unknown:
            raise DatabaseError(f"there is no alert {', '.join(unknown)}", mend="see: grokwatch alerts list")
    if as_json:
        typer.echo(json.dumps({"acknowledged": known}))
    else:
        typer.echo(f"Noted: {', '.join(map(str, known))}")


@app.command(
    help="Look once at what should be told, as the scheduler does, and deliver it.\n\nExample: grokwatch alerts check --json"
)
def check(as_json: Annotated[bool, JSON_OPTION] = False) -> None:
    """Look and deliver."""
    import threading

    from grokwatch.alerting import Alerting

    settings = load_settings()
    with database(settings) as engine:
        alerting = Alerting(settings, engine, clock=now, halt=threading.Event())
        looked, sent = alerting.look(), alerting.deliver()
    told = {
        "fired": list(looked.fired),
        "ended": list(looked.ended),
        "delivered": list(sent.delivered),
        "failed": list(sent.failed),
    }
    if as_json:
        typer.echo(json.dumps(told))
    else:
        typer.echo("; ".join(f"{name}: {', '.join(map(str, ids)) or 'none'}" for name, ids in told.items()))
    if sent.failed:
        raise typer.Exit(1)


@app.command("test", help="Send a test message to every address of the settings.\n\nExample: grokwatch alerts test")
def send_test_message(as_json: Annotated[bool, JSON_OPTION] = False) -> None:
    """Send a test; exit code 1 where an address did not take it."""
    settings = load_settings()
    if not settings.alerts.urls:
        raise UsageError(
            "GROKWATCH_ALERTS__URLS is not set", mend="set an address of Apprise there, such as mailto://… or slack://…"
        )
    from grokwatch.alerting import send_test

    results = [
        {"address": address.place, "service": address.service or None, "usable": address.usable, "sent": sent}
        for address, sent in send_test(settings)
    ]
    if as_json:
        typer.echo(json.dumps(results))
    else:
        for result in results:
            state = "sent" if result["sent"] else "not taken" if result["usable"] else "can't be read"
            typer.echo(f"address {result['address']} ({result['service'] or 'no service'}): {state}")
    if not all(result["sent"] for result in results):
        raise typer.Exit(1)


def _list(*, open_: bool, limit: int, as_json: bool) -> None:
    from rich.box import HORIZONTALS
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from db import alerts as stored

    settings = load_settings()
    with database(settings) as engine, engine.connect().execution_options(read_only=True) as connection:
        found = stored.newest(connection, limit=limit, unacknowledged=open_)
    if as_json:
        typer.echo("[" + ",\n ".join(json.dumps(_as_json(alert), ensure_ascii=False) for alert in found) + "]")
        return
    if not found:
        typer.echo("No alerts." if not open_ else "No alerts that nobody took note of.")
        return
    table = Table(box=HORIZONTALS)
    table.add_column("No.", justify="right")
    table.add_column("Fired (UTC)", no_wrap=True)
    table.add_column("What")
    table.add_column("State")
    language = settings.alerts_language
    for alert in found:
        told = alert.messages.get(language, alert.messages["en"])
        table.add_row(
            str(alert.id), f"{alert.fired_at:%Y-%m-%d %H:%M}", Text(told), _state(alert, bool(settings.alerts.urls))
        )
    Console(highlight=False).print(table)


def _state(alert: "StoredAlert", addressed: bool) -> str:
    going_on = "ended" if alert.ended_at else "goes on"
    if alert.acknowledged_at:
        return f"{going_on}, noted"
    if alert.delivered_at:
        return f"{going_on}, delivered"
    if alert.attempts:
        return f"{going_on}, {alert.attempts} failed attempt{'s' if alert.attempts > 1 else ''}"
    return f"{going_on}, not yet delivered" if addressed else going_on


def _as_json(alert: "StoredAlert") -> dict[str, Any]:
    def moment(name: str) -> str | None:
        value = getattr(alert, name)
        return value.isoformat() if value else None

    return {
        "id": alert.id,
        "rule": alert.rule,
        "condition": alert.condition,
        "fired_at": moment("fired_at"),
        "message": alert.messages["en"],
        "message_ja": alert.messages.get("ja"),
        "detail": dict(alert.detail),
        "ended_at": moment("ended_at"),
        "acknowledged_at": moment("acknowledged_at"),
        "delivered_at": moment("delivered_at"),
        "attempts": alert.attempts,
        "retry_at": moment("retry_at"),
    }
