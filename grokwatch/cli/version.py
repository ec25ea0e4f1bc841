"""`grokwatch version`: which version of Grokwatch, of its schema and of its model this is."""

import json
from importlib.metadata import version
from typing import Annotated

import typer

from db import schema

app = typer.Typer(add_completion=False)


@app.command(help="Print the versions of Grokwatch and of its database schema.\n\nExample: grokwatch version --json")
def show(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Print the versions."""
    versions = {"grokwatch": version("grokwatch"), "schema": schema.newest_revision()}
    if as_json:
        typer.echo(json.dumps(versions))
    else:
        typer.echo("\n".join(f"{name} {value}" for name, value in versions.items()))
