# ruff: noqa: RUF001 - punctuation and letters of every script are what this file knows
"""Posts cut into words: at spaces where there are any, by a small segmenter (BudouX) in Japanese, Chinese and Thai."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

from classifiers.text import normalise

JAPANESE: Final = "japanese"
SIMPLIFIED: Final = "simplified_chinese"
TRADITIONAL: Final = "traditional_chinese"
THAI: Final = "thai"

_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\u3005\u3006"
_KANA: Final = "\u3041-\u309f\u30a1-\u30ff\u31f0-\u31ff"
_THAI: Final = "\u0e00-\u0e7f"
_HIRAGANA: Final = re.compile("[\u3041-\u309f]+")
_MARKS: Final = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0981-\u09cd"
_WORD: Final = re.compile(
    rf"[{_THAI}]+|[{_HAN}{_KANA}]+|(?:(?![{_HAN}{_KANA}{_THAI}])[\w{_MARKS}])+(?:['’\-.](?:(?![{_HAN}{_KANA}{_THAI}])\w)+)*"
)
_SENTENCE: Final = re.compile(
    r"[.!?…。！？｡,;:、，；：·•()\[\]{}「」『』【】（）《》〈〉\"“”«»|/\\\n\r\t—–]+(?=\s|$|\W)|[。！？、，；：「」『』【】（）《》\n\r\t()\[\]\"“”«»|]+"
)
_NOISE: Final = re.compile(r"\[link\]|@\w+|#(?=\w)|https?://\S+|^> .*$", re.MULTILINE)

_ENDINGS: Final = re.compile(
    "(?:けれども|なければ|ですけど|でした|ました|ません|ですか|ですね|ですよ|ください|ている|ていた|てる|てた|という|ような|ように"
    "|だった|だけど|けど|から|まで|より|など|って|には|では|とは|にも|でも|です|ます|のが|のは|のに|ので|だけ|しか|ほど|だよ|だね|だな"
    "|よね|かな|は|が|を|に|で|と|も|の|へ|や|か|ね|よ|な|だ|わ|ぞ|さ)$"
)
"""Particles and endings that BudouX leaves on a Japanese phrase."""

_JOSA: Final = re.compile(
    r"(?<=[가-힣]{2})(?:으로는|에서는|이라고|에서|으로|에게|한테|까지|부터|보다|처럼|이랑|라고|이나|은|는|이|가|을|를|에|의|도|로|와|과|만|랑)$"
)
"""Particles on a Korean word."""


class Word(NamedTuple):
    """A word in small letters: as it stands, and without the particles or endings that are on it."""

    surface: str
    core: str


def sentences(text: str, lang: str | None) -> Iterator[list[Word]]:
    """Yield the words of each stretch between punctuation marks; links and handles are left out.

    Parameters
    ----------
    lang
        BCP-47 tag; it only tells traditional from simplified characters, the script tells the rest.
    """
    clean = _NOISE.sub("\n", normalise(text)).casefold()
    for sentence in _SENTENCE.split(clean):
        words = [word for run in _WORD.findall(sentence) for word in _words(run, clean, lang)]
        if words:
            yield words


def phrase(words: Sequence[Word]) -> str:
    """Write words one after the other as their script does, the last one without what is on it.

    There are no spaces between Japanese, Chinese or Thai words.
    """
    parts = [*(word.surface for word in words[:-1]), words[-1].core]
    text = parts[0]
    for before, part in pairwise(parts):
        text += part if is_unspaced(before[-1]) and is_unspaced(part[0]) else f" {part}"
    return text


def _words(run: str, text: str, lang: str | None) -> Iterator[Word]:
    if re.match(f"[{_THAI}]", run):
        yield from (Word(part, part) for part in _segmenter(THAI).parse(run))
    elif not is_unspaced(run[0]):
        word = unicodedata.normalize("NFC", run).strip("'’-._")
        if word:
            yield Word(word, _JOSA.sub("", word))
    elif re.search(f"[{_KANA}]", text) and not (lang or "").lower().startswith("zh"):
        yield from (Word(part, _bare(part)) for part in _segmenter(JAPANESE).parse(run))
    else:
        parts = _segmenter(TRADITIONAL if _is_traditional(lang) else SIMPLIFIED).parse(run)
        yield from (Word(part, part) for part in parts)


def _bare(part: str) -> str:
    if _HIRAGANA.fullmatch(part):
        return part
    for _ in range(3):
        shorter = _ENDINGS.sub("", part)
        if not shorter or shorter == part:
            return part
        part = shorter
    return part


def _is_traditional(lang: str | None) -> bool:
    parts = {part.lower() for part in (lang or "").split("-")}
    return bool(parts & {"hant", "tw", "hk", "mo"})


def is_unspaced(letter: str) -> bool:
    """Tell whether a letter is of a script that puts no spaces between words."""
    return re.match(f"[{_HAN}{_KANA}{_THAI}]", letter) is not None


@cache
def _segmenter(name: str) -> Any:  # noqa: ANN401 - budoux has no types
    import budoux  # noqa: PLC0415 - a tenth of a second, which only these scripts need

    return getattr(budoux, f"load_default_{name}_parser")()
