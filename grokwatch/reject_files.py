"""Lines that an import could not read leave their reject file when the post that they belong to is removed.

Such a line can seldom be parsed, so it belongs to a removed post when the post's identifier stands in it, or what a person named.
A word that happens to be an identifier may cost a line that could have stayed; the file is only there to be looked at.
"""

import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import orjson
from sqlalchemy import Engine

from db import retention
from grokwatch.exported_files import Cleaned, cleaned_by

LINES: Final = 200
"""Lines held in memory at a time."""

_WORD: Final = re.compile(r"[^\W_](?:[\w-]{3,62})[^\W_]")
_IDENTIFIER: Final = re.compile(r"""["']?\bid["']?\s*[:=]\s*["']?([^"',}\s]{1,64})""")
REDDIT: Final = ("t1_", "t3_")


def clean(engine: Engine, *, named: Collection[str] = ()) -> list[Cleaned]:
    """Take the lines of removed posts out of every reject file.

    Parameters
    ----------
    named
        Identifiers and names of authors; lines with any of these words go too, whether or not such a post was ever stored.
    """
    return [cleaned_by(path, LINES, _staying(engine, named)) for path in _files(engine)]


def look(engine: Engine, named: Collection[str]) -> list[Cleaned]:
    """Tell how many lines `clean` would take out, and leave the files as they are."""
    return [cleaned_by(path, LINES, _staying(engine, named), keep=True) for path in _files(engine)]


def _files(engine: Engine) -> list[str]:
    with engine.connect().execution_options(read_only=True) as connection:
        return [path for path in retention.reject_files(connection) if Path(path).is_file()]


def _staying(engine: Engine, named: Collection[str]) -> Callable[[list[bytes]], list[bytes]]:
    words = {word.casefold() for word in named}

    def staying(lines: list[bytes]) -> list[bytes]:
        mentions = [_mentioned(line) for line in lines]
        with engine.connect().execution_options(read_only=True) as connection:
            gone = retention.buried_ids(connection, set[str]().union(*mentions))
        return [
            line
            for line, found in zip(lines, mentions, strict=True)
            if not found & gone and not words & {word.casefold() for word in found}
        ]

    return staying


def _mentioned(line: bytes) -> set[str]:
    """Give all words of a rejected line that can be identifiers or names, Reddit's with and without their prefix."""
    try:
        told = str(orjson.loads(line)["raw"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        told = line.decode(errors="replace")
    found = set(_WORD.findall(told)) | set(_IDENTIFIER.findall(told))
    bare = {word[3:] for word in found if word[:3] in REDDIT}
    return found | bare | {prefix + word for word in found - bare for prefix in REDDIT}
