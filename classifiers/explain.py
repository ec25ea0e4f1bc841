"""Why a post got its label: the words that carried it, and the training posts that lie nearest.

The text is labelled again with words missing, all in one batch. Taking out one word at a time would find nothing in "it is down, it
times out": either part carries the label alone. So the words are taken out one after the other, in an arbitrary order and in the reverse
of it, and a word's weight is what the log-odds of the label lose at its turn, on average over both: an estimate of Shapley values by a
permutation and its antithesis (Mitchell et al., JMLR 23, 2022). The name of Grok stays in till the end, for without it a post is about nothing.
It needs nothing of a model but its labels, so it explains any `Classifier`.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from classifiers import cues, segments
from classifiers.base import Classifier, ClassifierError, Document, Label
from classifiers.codebook import IRRELEVANT
from classifiers.segments import Span
from classifiers.text import normalise

READ: Final = 700
"""Characters that are looked at, about what the shipped model reads of a text."""
WORK: Final = 540
"""Words that all trials together may hold, about 800 tokens: a quarter of a second on two cores."""
FEWEST: Final = 8
"""Parts that a text of many words is cut into all the same."""
_SHIFT: Final = 2
_PAUSES: Final = ".!?,;:…。！？、，；：)]」』"  # noqa: RUF001 - punctuation of every script
_TINY: Final = 0.0025
"""Probabilities nearer than this to 0 and 1 are as good as 0 and 1: their log-odds are noise."""

Kept = frozenset[int]
"""Numbers of the parts that a trial leaves in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word, or a stretch of several in a longer text.

    `start` and `end` are places in `Explanation.text`. `weight` is what it gives to the log-odds of the outcome: above zero it spoke for the
    label, below against it. Where `names_grok`, it is what all the other words together lose without it.
    """

    text: str
    start: int
    end: int
    weight: float
    names_grok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A training post near the explained one; `similarity` is a cosine, 1 for the same features.

    `text` is None where the training posts are not installed.
    """

    file: str
    line: int
    similarity: float
    text: str | None
    lang: str | None
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """The nearest training posts; where there are none, `missing` says why."""

    posts: tuple[Neighbour, ...] = ()
    missing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What carried a label.

    `text` is the part of the post that was looked at, in the form that the model reads. `words` stand in the order of the text; `outcome` is the category, or
    `irrelevant`, and `probability` its probability for `text`.
    """

    text: str
    label: Label
    outcome: str
    probability: float
    words: tuple[Word, ...]
    neighbourhood: Neighbourhood


def explain(
    classifier: Classifier,
    document: Document,
    *,
    nearest: Callable[[str], Neighbourhood] = lambda _: Neighbourhood(missing="this model has no training posts here"),
) -> Explanation:
    """
    Explain the label of a text.

    Parameters
    ----------
    nearest
        Finds the training posts near a text (`classifiers.neighbours`).

    Raises
    ------
    ClassifierError
        The model fails, or gives the text no label.
    """
    text = _looked_at(normalise(document.text))
    parts = _parts(segments.words(text), text)
    naming = frozenset(number for number, part in enumerate(parts) if cues.mentions(text[part[0] : part[1]]))
    orders = _orders([number for number in range(len(parts)) if number not in naming], naming)
    whole: Kept = frozenset(range(len(parts)))
    trials = list(dict.fromkeys([whole, *(kept for order in orders for kept in order), *(whole - {n} for n in naming)]))
    texts = [document.text, *(_with(text, parts, kept) for kept in trials)]
    label, *found = _label(classifier, document, texts)
    outcome = label.category.value if label.category else IRRELEVANT
    chances = {kept: _probability(tried, outcome) for kept, tried in zip(trials, found, strict=True)}
    weights = _weights(orders, {kept: _log_odds(p) for kept, p in chances.items()})
    for number in naming:
        weights[number] = _log_odds(chances[whole]) - _log_odds(chances[whole - {number}])
    words = (
        Word(text=text[start:end], start=start, end=end, weight=weights[number], names_grok=number in naming)
        for number, (start, end) in enumerate(parts)
    )
    return Explanation(
        text=text,
        label=label,
        outcome=outcome,
        probability=chances[whole],
        words=tuple(words),
        neighbourhood=nearest(document.text),
    )


def _looked_at(text: str) -> str:
    text = cues.focus(text)
    if len(text) <= READ:
        return text
    head = text[:READ]
    space = head.rfind(" ")
    return head[: space if space > READ // 2 else READ]


def _parts(places: Sequence[Span], text: str) -> list[Span]:
    """Join neighbouring words until there are few enough parts: each one costs as much as labelling the text once."""
    count = min(max(FEWEST, WORK // max(len(places), 1)), len(places))
    edges = [0]
    for number in range(1, count):
        wanted = round(number * len(places) / count)
        near = range(max(edges[-1] + 1, wanted - _SHIFT), min(wanted + _SHIFT, len(places) - count + number) + 1)
        # A part that ends where a clause does says more than one that is cut anywhere.
        edges.append(min(near, key=lambda at: (text[places[at - 1][1] - 1] not in _PAUSES, abs(at - wanted))))
    edges.append(len(places))
    return [(places[start][0], places[end - 1][1]) for start, end in pairwise(edges) if start < end]


def _orders(numbers: Sequence[int], naming: Kept) -> list[list[Kept]]:
    """Give what is left in, step by step, while the parts come in one after the other: in one order and in its reverse."""
    order = list(numbers)
    random.Random(len(order)).shuffle(order)  # noqa: S311 - any order will do, the same one every time
    return [[naming | set(way[:taken]) for taken in range(len(way) + 1)] for way in (order, order[::-1])]


def _weights(orders: Sequence[Sequence[Kept]], log_odds: Mapping[Kept, float]) -> dict[int, float]:
    weights: dict[int, float] = {}
    for order in orders:
        for before, after in pairwise(order):
            (number,) = after - before
            weights[number] = weights.get(number, 0.0) + (log_odds[after] - log_odds[before]) / len(orders)
    return weights


def _with(text: str, parts: Sequence[Span], kept: Kept) -> str:
    """Write the text with these parts alone, each with the space that followed it."""
    ends = [start for start, _ in parts[1:]] + [len(text)]
    return "".join(text[parts[number][0] : ends[number]] for number in sorted(kept))


def _label(classifier: Classifier, document: Document, texts: Sequence[str]) -> list[Label]:
    labels = list(classifier.label(Document(text=text, lang=document.lang) for text in texts))
    found = [label for label in labels if label is not None]
    if len(found) < len(labels):
        raise ClassifierError(
            f"{classifier.card.version} gave no usable answer", mend="ask again, or explain another post"
        )
    return found


def _probability(label: Label, outcome: str) -> float:
    if outcome == IRRELEVANT:
        return 1 - label.p_relevant
    return label.p_relevant * next(p for category, p in label.probabilities.items() if category.value == outcome)


def _log_odds(p: float) -> float:
    p = min(max(p, _TINY), 1 - _TINY)
    return math.log(p / (1 - p))
