"""Where the words of a text begin and end: at spaces where there are any, by a small segmenter (BudouX) in Japanese, Chinese and Thai."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

Span = tuple[int, int]

_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\u3005\u3006\uf900-\ufaff"
_KANA: Final = "\u3041-\u309f\u30a1-\u30ff\u31f0-\u31ff"
_THAI: Final = "\u0e00-\u0e7f"
_LAO_TO_KHMER: Final = "\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"
_RUN: Final = re.compile(rf"[{_THAI}]+|[{_HAN}{_KANA}]+|[{_LAO_TO_KHMER}]+|[^\s{_THAI}{_HAN}{_KANA}{_LAO_TO_KHMER}]+")
_WORDLIKE: Final = re.compile(r"\w|[^\W_]|[\u2190-\u2bff\U0001f000-\U0001faff]")
_LETTERS_A_PIECE: Final = 4
"""Least length of a piece in the scripts that have neither spaces nor a segmenter here: Lao, Burmese, Khmer."""


def words(text: str) -> list[Span]:
    """Give the places of a text's words; signs beside a word belong to it, signs alone to the word before."""
    found: list[Span] = []
    for run in _RUN.finditer(text):
        for start, end in _parts(run, text):
            if _WORDLIKE.search(text, start, end) or not found:
                found.append((start, end))
            else:
                found[-1] = (found[-1][0], end)
    return found


def _parts(run: re.Match[str], text: str) -> Iterator[Span]:
    start, end = run.span()
    first = run[0][0]
    if re.match(f"[{_LAO_TO_KHMER}]", first):
        at = start
        for number in range(start + 1, end):
            # A mark stays with its letter.
            if number - at >= _LETTERS_A_PIECE and not unicodedata.category(text[number]).startswith("M"):
                yield at, number
                at = number
        yield at, end
    elif re.match(f"[{_HAN}{_KANA}{_THAI}]", first):
        if re.match(f"[{_THAI}]", first):
            parts = _segmenter("thai").parse(run[0])
        else:
            # The script of the whole text tells: a Japanese sentence has runs without any kana.
            parts = _segmenter("japanese" if re.search(f"[{_KANA}]", text) else "simplified_chinese").parse(run[0])
        at = start
        for part in parts:
            yield at, at + len(part)
            at += len(part)
    else:
        yield start, end


@cache
def _segmenter(name: str) -> Any:  # noqa: ANN401 - budoux has no types
    import budoux  # noqa: PLC0415 - a tenth of a second, which only these scripts need

    return getattr(budoux, f"load_default_{name}_parser")()
