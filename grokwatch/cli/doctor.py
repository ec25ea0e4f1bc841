"""`grokwatch doctor`: is all in place, and if not, what to do."""

import json
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from grokwatch.cli.session import UsageError, load_settings, now

app = typer.Typer(add_completion=False)
COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}

HELP = """Check settings, database, model, disk, clock and mail, and say what to do. Exit code 1 if a check fails.

Example: grokwatch doctor --json"""


@app.command(help=HELP)
def doctor(
    send_test: Annotated[
        bool, typer.Option("--send-test", help="Send a test alert to every address too, and tell which took it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Check everything."""
    from grokwatch.doctor import Check, check_python, examine

    checks: list[Check] = []
    console = Console(highlight=False, soft_wrap=True)

    def tell(check: Check) -> None:
        checks.append(check)
        if as_json:
            return
        line = Text.assemble(
            (f"{check.status:<4}", COLOURS[check.status]), f"  {check.name}: {check.message.rstrip('.')}"
        )
        if check.mend:
            line.append(f". {check.mend[:1].upper()}{check.mend[1:].rstrip('.')}.")
        console.print(line)

    try:
        for check in examine(load_settings(), now=now(), send_test=send_test):
            tell(check)
    except UsageError as error:
        tell(check_python())
        tell(Check(name="settings", status="fail", message=str(error), mend=error.mend))
    good = all(check.status != "fail" for check in checks)
    if as_json:
        typer.echo(json.dumps({"ok": good, "checks": [asdict(check) for check in checks]}, ensure_ascii=False))
    if not good:
        raise typer.Exit(1)
