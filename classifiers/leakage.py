"""Whether a model was trained on what it is measured with: equal and nearly equal texts in two sets of posts.

A text is cut into words (signs, where a script writes no spaces) and these into runs of three. Two texts are one where
their runs overlap by at least half (Jaccard); texts too short to have a few runs only where their words are equal. Equal
texts of fewer than six words ("@grok is this true?") are stock phrases that many people write, and prove nothing.

A sentence that was taken over into another text is found by its longest runs: eight words (sixteen signs) in a row.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from classifiers.text import normalise

NEAR: Final = 0.5
"""Jaccard overlap from which two texts count as one; unrelated posts on one subject stay below 0.1."""
CORPUS: Final = Path(__file__).parent / "training" / "corpus"

BORROWED: Final = 16
"""A run counts as taken over from this weight on, a word counting two and a sign of a script without spaces one. Of 14,041 posts that were
written without looking, three shared such a run with 5,000 real ones, all three a stock phrase of English with an apostrophe, which is now one word."""

_STOCK_PHRASE_WORDS: Final = 5
_RUN: Final = 3
_FEW_RUNS: Final = 4
_SIGN: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_APOSTROPHE: Final = re.compile(r"(?<=\w)['\u2018\u2019\u02bc](?=\w)")
_TOKEN: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    "|[^\\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingText:
    """A text that a model was trained on, and where it stands."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """The `number`-th measured text (from zero) repeats a training text; `overlap` is 1 for equal words."""

    number: int
    source: TrainingText
    overlap: float


def read_corpus(folder: Path = CORPUS) -> Iterator[TrainingText]:
    """Give the texts of a folder's JSON-lines files; nothing where there is no such folder.

    Lines without a text are passed over: checking the corpus is the training's business.
    """
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if (text := _text_of(line)) is not None:
                    yield TrainingText(file=path.name, line=number, text=text)


def _text_of(line: bytes) -> str | None:
    try:
        fields: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    text = fields.get("text") if isinstance(fields, dict) else None
    return text if isinstance(text, str) else None


def find(measured: Sequence[str], training: Iterable[TrainingText]) -> list[Leak]:
    """Find the measured texts that stand in the training texts, each with its closest one, in the order measured.

    The training texts stream through an index of the measured ones, so memory follows the smaller set.
    """
    words = [_words(text) for text in measured]
    runs = [_runs(text) for text in words]
    equal: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for number, text in enumerate(words):
        if len(text) > _STOCK_PHRASE_WORDS:
            equal[text].append(number)
        if len(runs[number]) >= _FEW_RUNS:
            for run in runs[number]:
                holders[run].append(number)
    closest: dict[int, Leak] = {}
    for source in training:
        theirs = _words(source.text)
        found = _overlaps(_runs(theirs), runs, holders)
        found.update(dict.fromkeys(equal.get(theirs, ()), 1.0))
        for number, overlap in found.items():
            if number not in closest or overlap > closest[number].overlap:
                closest[number] = Leak(number=number, source=source, overlap=overlap)
    return [closest[number] for number in sorted(closest)]


def borrowed(texts: Sequence[str], others: Iterable[str]) -> dict[int, str]:
    """Find the texts that took over a run of words from one of the others.

    Parameters
    ----------
    texts
        Texts that should be nobody else's.
    others
        They stream through; memory follows `texts`.

    Returns
    -------
    dict
        Position in `texts` -> the first run that it shares, its words folded and joined by spaces.
    """
    words = [_words(_APOSTROPHE.sub("", text)) for text in texts]
    wanted = {hash(run) for text in words for run in _long_runs(text)}
    shared: set[int] = set()
    for other in others:
        shared.update(wanted.intersection(map(hash, _long_runs(_words(_APOSTROPHE.sub("", other))))))
    found: dict[int, str] = {}
    for number, text in enumerate(words) if shared else ():
        run = next((run for run in _long_runs(text) if hash(run) in shared), None)
        if run is not None:
            found[number] = " ".join(run)
    return found


def is_stock_phrase(text: str) -> bool:
    """Tell whether a text is so short that many people write the very same."""
    return len(_words(text)) <= _STOCK_PHRASE_WORDS


def _long_runs(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Give from each word on the shortest run that weighs `BORROWED`."""
    weights = [1 if _SIGN.match(word) else 2 for word in words]
    end = weight = 0
    for start in range(len(words)):
        while weight < BORROWED and end < len(words):
            weight += weights[end]
            end += 1
        if weight < BORROWED:
            return
        yield tuple(words[start:end])
        weight -= weights[start]


def _overlaps(
    theirs: frozenset[int], runs: Sequence[frozenset[int]], holders: Mapping[int, Sequence[int]]
) -> dict[int, float]:
    if len(theirs) < _FEW_RUNS:
        return {}
    shared = Counter(number for run in theirs for number in holders.get(run, ()))
    overlaps = {number: count / (len(theirs) + len(runs[number]) - count) for number, count in shared.items()}
    return {number: overlap for number, overlap in overlaps.items() if overlap >= NEAR}


def _words(text: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFKC", normalise(text)).casefold()
    return tuple(_TOKEN.findall(folded.replace("[link]", " ").replace("@user", " ")))


def _runs(words: tuple[str, ...]) -> frozenset[int]:
    return frozenset(hash(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1))
