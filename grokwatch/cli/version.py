"""`grokwatch version`: which version of Grokwatch, of its schema and of its model this is."""

import json
from importlib.metadata import version
from importlib.resources import files
from typing import Annotated

import typer

from db import schema

app = typer.Typer(add_completion=False)


@app.command(
    help="Print the versions of Grokwatch, of its database schema and of its model.\n\n"
    "Example: grokwatch version --json"
)
def show(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Print the versions."""
    versions = {"grokwatch": version("grokwatch"), "schema": schema.newest_revision(), "model": _model_version()}
    if as_json:
        typer.echo(json.dumps(versions))
    else:
        typer.echo("\n".join(f"{name} {value or 'none'}" for name, value in versions.items()))


def _model_version() -> str | None:
    """Read the shipped model's version from its card, without loading the model."""
    card = files("classifiers") / "model" / "model.json"
    try:
        stored: object = json.loads(card.read_text(encoding="utf-8")).get("version")
    except (OSError, ValueError, AttributeError):
        return None
    return stored if isinstance(stored, str) else None
