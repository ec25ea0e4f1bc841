"""Hides profanity: the first letter stays, so that a reader knows what was said."""

import re
import tomllib
from functools import cache
from importlib.resources import files


def masked(text: str) -> str:
    """Put `*` for the letters of profane words but the first.

    >>> masked("What a load of Bullshit, クソだ")
    'What a load of B*******, ク*だ'
    """
    return _pattern().sub(lambda found: found[0][0] + "*" * (len(found[0]) - 1), text)


@cache
def _pattern() -> re.Pattern[str]:
    words = tomllib.loads(files(__name__.rpartition(".")[0]).joinpath("profanity.toml").read_text(encoding="utf-8"))
    spaced = "|".join(map(re.escape, sorted(words["spaced"], key=len, reverse=True)))
    unspaced = "|".join(map(re.escape, sorted(words["unspaced"], key=len, reverse=True)))
    endings = "|".join(map(re.escape, words["endings"]))
    return re.compile(rf"\b(?:{spaced})(?:{endings})?\b|(?:{unspaced})", re.IGNORECASE)
