"""`grokwatch events add|list`: what happened to Grok, drawn as marks in the charts."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from grokwatch.cli.dates import end_moment, first_moment
from grokwatch.cli.session import UsageError, database, load_settings

if TYPE_CHECKING:
    from insights.events import Event

app = typer.Typer(add_completion=False, help="Add or list the events that the charts mark.")
JSON_OPTION = typer.Option("--json", help="JSON.")
LONGEST_NAME = 200


@app.command(
    help="Add an event; a second one of the same name and day changes nothing.\n\n"
    'Example: grokwatch events add "Grok 4.2 release" --on 2026-02-17 --ja "Grok 4.2 リリース"'
)
def add(
    name: Annotated[str, typer.Argument(help="What happened, in English.", show_default=False)],
    on: Annotated[str, typer.Option("--on", metavar="DATE", help="Its day or, of a span, the first day, UTC.")],
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="Last day of a span, which is included.")
    ] = None,
    ja: Annotated[str | None, typer.Option("--ja", metavar="NAME", help="The name in Japanese.")] = None,
    expected: Annotated[bool, typer.Option("--expected", help="It is announced and has not happened yet.")] = False,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Store an event."""
    from insights.events import Event, add_event

    for given in (name, ja):
        if given is not None and not 0 < len(given.strip()) <= LONGEST_NAME:
            raise UsageError(
                f"a name has 1 to {LONGEST_NAME} characters, not {len(given.strip())}", mend="give another name"
            )
    starts_at, ends_at = first_moment(on, "--on"), end_moment(until, "--until") if until else None
    if ends_at is not None and ends_at <= starts_at:
        raise UsageError(f"--until {until} is before --on {on}", mend="give the later date to --until")
    event = Event(
        starts_at=starts_at,
        ends_at=ends_at,
        name=name.strip(),
        name_ja=ja.strip() if ja else None,
        expected=expected,
    )
    with database(load_settings()) as engine, engine.begin() as connection:
        added = add_event(connection, event)
    if as_json:
        typer.echo(json.dumps({"added": added} | _as_json(event), ensure_ascii=False))
    elif added:
        typer.echo(f"Added: {_when(event)} {event.name}")
    else:
        typer.echo(f"There is an event of this name on {event.starts_at:%Y-%m-%d} already; it stays as it is.")


@app.command("list", help="List the events, oldest first.\n\nExample: grokwatch events list --json")
def list_(as_json: Annotated[bool, JSON_OPTION] = False) -> None:
    """Print the events."""
    from rich.box import HORIZONTALS
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from insights.events import events

    with database(load_settings()) as engine, engine.connect().execution_options(read_only=True) as connection:
        found = events(connection)
    if as_json:
        typer.echo(json.dumps([_as_json(event) for event in found], ensure_ascii=False, indent=1))
        return
    if not found:
        typer.echo('No events yet. Add one: grokwatch events add "Grok 4.2 release" --on 2026-02-17')
        return
    table = Table(box=HORIZONTALS)
    for title in ("When (UTC)", "What", "In Japanese"):
        table.add_column(title, no_wrap=title == "When (UTC)")
    for event in found:
        table.add_row(_when(event), Text(_name(event)), Text(event.name_ja or ""))
    Console(highlight=False).print(table)


def _as_json(event: "Event") -> dict[str, object]:
    row: dict[str, object] = asdict(event)
    return row | {
        "starts_at": event.starts_at.isoformat(),
        "ends_at": event.ends_at.isoformat() if event.ends_at else None,
    }


def _name(event: "Event") -> str:
    return event.name if not event.expected or "expected" in event.name else f"{event.name} (expected)"


def _when(event: "Event") -> str:
    if event.ends_at is None:
        return f"{event.starts_at:%Y-%m-%d}"
    return f"{event.starts_at:%Y-%m-%d} to {event.ends_at - timedelta(microseconds=1):%Y-%m-%d}"
