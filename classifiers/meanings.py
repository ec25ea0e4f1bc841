"""What the labels of somebody else's model mean in the codebook's terms: a small YAML file.

    labels:
      positive: {category: {satisfaction: 0.5, excitement: 0.5}, polarity: positive}
      neutral: {category: other, polarity: neutral}
      negative: {category: other, polarity: negative}
    relevance: shipped

A label's `category` is one name, shares of several, or `irrelevant`; `polarity` and `aspects` may be left out, and `neutral: other` is
short for `neutral: {category: other}`. `relevance` says who decides whether a post is about Grok: the `shipped` model (the default where no label
means irrelevant), the `labels` (the default where one does), whether Grok is `named`, or nobody (`all` posts are about Grok).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from classifiers.base import ClassifierError
from classifiers.codebook import IRRELEVANT, OUTCOMES, Aspect, Category, Polarity

_LARGEST: Final = 100_000
_MEND: Final = "correct it; docs/model.md has an example"


class Relevance(StrEnum):
    """Who says whether a post is about Grok."""

    SHIPPED = "shipped"
    LABELS = "labels"
    NAMED = "named"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What one label says; `shares` add up to one, and are empty where it says that the post is not about Grok."""

    shares: Mapping[Category, float]
    polarity: Polarity | None = None
    aspects: tuple[Aspect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanings:
    """What all labels of a model say."""

    labels: Mapping[str, Meaning]
    relevance: Relevance

    @property
    def canonical(self) -> str:
        """The same text for the same meanings, however they were written."""
        labels = {
            name: [{c.value: p for c, p in meaning.shares.items()}, meaning.polarity, meaning.aspects]
            for name, meaning in self.labels.items()
        }
        return json.dumps([labels, self.relevance], sort_keys=True)


def standard(names: Sequence[str]) -> Meanings | None:
    """Give the meanings of labels that bear the codebook's own names; None where one does not."""
    if not set(names) <= set(OUTCOMES) or set(names) == {IRRELEVANT}:
        return None
    labels = {name: Meaning(shares={} if name == IRRELEVANT else {Category(name): 1.0}) for name in names}
    return Meanings(labels=labels, relevance=Relevance.LABELS if IRRELEVANT in names else Relevance.SHIPPED)


def read(path: Path, names: Sequence[str]) -> Meanings:
    """
    Read what a model's labels mean.

    Parameters
    ----------
    names
        The model's labels, all of which must have a meaning.

    Raises
    ------
    ClassifierError
        The file can't be read, or leaves a label out, or says what the codebook does not know.
    """
    given = _yaml(path)
    extra = set(given) - {"labels", "relevance"}
    if extra:
        _refuse(path, f"it holds {min(map(repr, extra))}, which is neither labels nor relevance")
    said = given.get("labels")
    if not isinstance(said, dict):
        _refuse(path, "it has no list of labels under labels")
    for label in said:
        if not isinstance(label, str):
            _refuse(path, f"the label {label!r} is no text", "put it in quotes")
        if label not in names:
            _refuse(path, f"the model has no label {label!r}, it has {', '.join(names)}")
    missing = [name for name in names if name not in said]
    if missing:
        _refuse(path, f"it does not say what the model's label {missing[0]!r} means")
    labels = {name: _meaning(path, name, said[name]) for name in names}
    if not any(meaning.shares for meaning in labels.values()):
        _refuse(path, "every label means irrelevant")
    return Meanings(labels=labels, relevance=_relevance(path, given.get("relevance"), labels))


def _yaml(path: Path) -> dict[Any, Any]:
    try:
        if path.stat().st_size > _LARGEST:
            _refuse(path, "it is too large for a list of labels")
        given: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ClassifierError(
            f"the file of labels {path} can't be read: {error.strerror}",
            mend="correct GROKWATCH_MODEL_LABELS, or write the file; docs/model.md has an example",
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise ClassifierError(f"the file of labels {path} is not YAML{where}", mend=_MEND) from error
    if not isinstance(given, dict):
        _refuse(path, "it is not a mapping")
    return given


def _relevance(path: Path, said: object, labels: Mapping[str, Meaning]) -> Relevance:
    tells = not all(meaning.shares for meaning in labels.values())
    if said is None:
        return Relevance.LABELS if tells else Relevance.SHIPPED
    if said not in list(Relevance):
        _refuse(path, f"relevance is {said!r}, not one of {', '.join(Relevance)}")
    if said == Relevance.LABELS and not tells:
        _refuse(path, "relevance is left to the labels, but none of them means irrelevant")
    return Relevance(str(said))


def _meaning(path: Path, label: str, said: object) -> Meaning:
    fields = said if isinstance(said, dict) else {"category": said}
    extra = set(fields) - {"category", "polarity", "aspects"}
    if extra or "category" not in fields:
        what = f"has {min(map(repr, extra))}" if extra else "has no category"
        _refuse(path, f"the label {label!r} {what}; it may have category, polarity and aspects")
    polarity, aspects = fields.get("polarity"), fields.get("aspects") or []
    if polarity is not None and polarity not in list(Polarity):
        _refuse(path, f"the polarity of {label!r} is {polarity!r}, not one of {', '.join(Polarity)}")
    if not isinstance(aspects, list) or not all(aspect in list(Aspect) for aspect in aspects):
        _refuse(path, f"the aspects of {label!r} are not a list of some of {', '.join(Aspect)}")
    return Meaning(
        shares=_shares(path, label, fields["category"]),
        polarity=Polarity(polarity) if polarity is not None else None,
        aspects=tuple(aspect for aspect in Aspect if aspect in aspects),
    )


def _shares(path: Path, label: str, said: object) -> dict[Category, float]:
    if said == IRRELEVANT:
        return {}
    given = said if isinstance(said, dict) else {said: 1.0}
    for name, share in given.items():
        if name not in list(Category):
            _refuse(path, f"the category of {label!r} is {name!r}, not one of {', '.join(OUTCOMES)}")
        if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share < float("inf"):
            _refuse(path, f"the share of {name} in {label!r} is no number from 0")
    total = sum(given.values())
    if not total:
        _refuse(path, f"the shares of {label!r} are all zero")
    return {Category(name): share / total for name, share in given.items()}


def _refuse(path: Path, reason: str, mend: str = _MEND) -> NoReturn:
    raise ClassifierError(f"the file of labels {path} can't be used: {reason}", mend=mend)
