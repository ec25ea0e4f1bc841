"""Filters that several commands share: languages and platforms, and notes beside the answer."""

import json
import re
from typing import Annotated

import typer
from rich.console import Console

from grokwatch.cli.session import UsageError

LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
LangOption = Annotated[
    list[str] | None, typer.Option("--lang", help="Only this language (BCP-47: ja, zh, pt-BR, und); repeatable.")
]
SourceOption = Annotated[
    list[str] | None, typer.Option("--source", help="Only this platform (reddit, x, …); repeatable.")
]


def parts(given: list[str] | None) -> list[str]:
    """Read an option that is repeatable and takes several values separated by commas."""
    return [part.strip() for value in given or () for part in value.split(",") if part.strip()]


def languages(given: list[str] | None) -> list[str]:
    """Read language tags, one an option or several separated by commas.

    Raises
    ------
    UsageError
        One is no language tag.
    """
    tags = parts(given)
    for tag in tags:
        if not LANGUAGE_TAG.fullmatch(tag):
            raise UsageError(f"--lang {tag!r} is not a language tag", mend="write it as ja, pt-BR or und (unknown)")
    return tags


def sources_of(given: list[str] | None) -> list[str]:
    """Read the names of platforms, one an option or several separated by commas."""
    return [name.lower() for name in parts(given)]


def notify(message: str, mend: str, as_json: bool) -> None:
    """Tell something beside the answer, on standard error."""
    if as_json:
        typer.echo(json.dumps({"notice": message, "mend": mend}, ensure_ascii=False), err=True)
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[yellow]Note:[/yellow] {message}. {mend[:1].upper()}{mend[1:]}.")
