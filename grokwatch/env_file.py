"""The file `.env`: every setting with its meaning and its default, written from the settings themselves."""

import os
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dotenv import dotenv_values
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from grokwatch.settings import NESTED, PREFIX, Settings, fields, section_of

WIDTH: Final = 110
HEAD: Final = """\
Settings of Grokwatch. Every line that begins with "# GROKWATCH_" shows a default; to change it, take the "# " away.
The same names work as environment variables, which go before this file.

No key is needed for a start: `grokwatch up` shows sample posts, `grokwatch import FILE` reads Reddit dumps (RS_/RC_) and
your own JSONL or CSV.
Reddit: since November 2025 new API keys are given on application alone, under the Responsible Builder Policy; apply at
https://support.reddithelp.com. Until then set GROKWATCH_REDDIT__FEEDS=true (public feeds, slower and with gaps), or import
the monthly archives. Once a key is there, the feeds are left alone and the same posts are filled in.
X: keys come from https://developer.x.com; X bills by the post.
"""
_PLAIN_VALUE = re.compile(r"[^\s'\"\\#$`]*")


def render(values: Mapping[str, str] | None = None) -> str:
    """Write the file; the settings in `values` are set, all others are shown with their defaults as comments."""
    given = values or {}
    lines = _comment(HEAD)
    lines += _block("General", Settings, PREFIX, given)
    for name, field in Settings.model_fields.items():
        section = section_of(field)
        if section is not None:
            lines += _block(field.description or name, section, PREFIX + name.upper() + NESTED, given)
    return "\n".join(lines) + "\n"


def read(path: Path) -> dict[str, str]:
    """Give the settings that a file sets, by their names; what is no setting is left out."""
    known = {name for name, _ in fields()}
    stored = {name.upper(): value for name, value in dotenv_values(path, interpolate=False, encoding="utf-8").items()}
    return {name: value for name, value in stored.items() if name in known and value}


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _comment(text: str) -> list[str]:
    return [f"# {line}".rstrip() for line in text.splitlines()]


def _block(title: str, settings: type[BaseModel], prefix: str, given: Mapping[str, str]) -> list[str]:
    lines = ["", f"# --- {title} ---"]
    for name, field in settings.model_fields.items():
        if section_of(field) is not None:
            continue
        variable = prefix + name.upper()
        lines += ["", *(f"# {line}" for line in textwrap.wrap(field.description or "", WIDTH))]
        if variable in given:
            lines.append(f"{variable}={_quoted(given[variable])}")
        else:
            lines.append(f"# {variable}={_default(field)}")
    return lines


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default()
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(str(part) for part in value)
        case _:
            return str(value)


def _quoted(value: str) -> str:
    if _PLAIN_VALUE.fullmatch(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
