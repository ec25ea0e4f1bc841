"""How far the model agrees with people, and people with each other, over the audited posts.

Every figure about the model stands for all posts that could have been drawn: audited posts count by the inverse of the probability
that they were collected and drawn with. Where two people labelled a post, half of it counts for each.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row

from classifiers.calibration import BINS
from classifiers.codebook import IRRELEVANT, OUTCOMES
from db.audited import labelled_posts
from db.audits import DrawSummary, draws
from db.selection import UNKNOWN_LANGUAGE, Selection
from insights.audit import audited, outcome_of_model

FEWEST_FOR_ECE: Final = 30
"""Audited posts below which a calibration error is not told: with few posts it is mostly noise, and never small."""

_NUMBER: Final = {outcome: number for number, outcome in enumerate(OUTCOMES)}
_Z95: Final = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Agreement on a part of the posts.

    Parameters
    ----------
    posts
        Audited posts.
    accuracy, low, high
        Share of all posts for which model and people give the same outcome, with its 95 % interval (Wilson 1927, for the effective
        number of posts).
    ece
        Expected calibration error of the model's answer, in ten bins; None with few posts.
    """

    posts: int
    accuracy: float
    low: float
    high: float
    ece: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassAgreement:
    """Of posts that people put into an outcome, the part found (`recall`); of the model's, the part that is right (`precision`)."""

    posts: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kappa:
    """Agreement of two auditors on the outcome beyond chance (Cohen 1960); None where chance alone makes them agree."""

    auditors: tuple[str, str]
    posts: int
    agreement: float
    kappa: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What audits tell; `overall` is None where nothing is audited.

    `confusion` counts audited labels by people's outcome (row) and the model's (column), `weighted` the posts they stand for, as
    shares of all.
    """

    draws: Sequence[DrawSummary]
    overall: Part | None
    languages: Mapping[str, Part]
    classes: Mapping[str, ClassAgreement]
    confusion: NDArray[np.int64]
    weighted: NDArray[np.float64]
    auditors: Mapping[str, int]
    kappas: Sequence[Kappa]


def report(connection: Connection, selection: Selection) -> Report:
    """Compare labels of people with those of the active model, and with each other, for a selection of posts."""
    rows = labelled_posts(connection, selection)
    found = audited(connection, selection)
    size = len(OUTCOMES)
    confusion, weighted = np.zeros((size, size), np.int64), np.zeros((size, size))
    said = _said(rows)
    if found is None:
        return Report(
            draws=draws(connection), overall=None, languages={}, classes={}, confusion=confusion, weighted=weighted,
            auditors={}, kappas=(),
        )  # fmt: skip
    first = {row.post_id: row for row in rows}
    ids = list(said)
    weights = found.posts.weights
    right = np.zeros(len(ids))
    for place, post in enumerate(ids):
        model = _NUMBER[outcome_of_model(first[post])]
        for outcome in said[post].values():
            confusion[_NUMBER[outcome], model] += 1
            weighted[_NUMBER[outcome], model] += weights[place] / len(said[post])
            right[place] += (_NUMBER[outcome] == model) / len(said[post])
    confidence = np.array([_confidence(first[post]) for post in ids])
    langs = np.array([first[post].lang or UNKNOWN_LANGUAGE for post in ids], dtype=object)
    names = sorted(set(langs), key=lambda tag: (-int((langs == tag).sum()), tag))
    weighted /= weighted.sum()
    auditors: defaultdict[str, int] = defaultdict(int)
    for verdicts in said.values():
        for auditor in verdicts:
            auditors[auditor] += 1
    return Report(
        draws=draws(connection),
        overall=_part(right, confidence, weights),
        languages={tag: _part(*(array[langs == tag] for array in (right, confidence, weights))) for tag in names},
        classes={outcome: _class(confusion, weighted, number) for outcome, number in _NUMBER.items()},
        confusion=confusion,
        weighted=weighted,
        auditors=dict(sorted(auditors.items())),
        kappas=[_kappa(pair, said) for pair in combinations(sorted(auditors), 2) if _common(pair, said)],
    )


def _said(rows: Sequence[Row[*tuple[Any, ...]]]) -> dict[int, dict[str, str]]:
    """Give what each auditor said of each post, in the order in which `audited` has the posts."""
    said: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for row in rows:
        said[row.post_id][row.auditor] = row.category if row.relevant and row.category else IRRELEVANT
    return dict(said)


def _confidence(row: Row[*tuple[Any, ...]]) -> float:
    outcome = outcome_of_model(row)
    if outcome == IRRELEVANT:
        return 1.0 - row.p_relevant
    return row.p_relevant * getattr(row, f"p_{outcome}")


def _part(right: NDArray[np.float64], confidence: NDArray[np.float64], weights: NDArray[np.float64]) -> Part:
    part = weights / weights.sum()
    accuracy = float(part @ right)
    posts = 1.0 / float((part**2).sum())
    middle = (accuracy + _Z95**2 / (2 * posts)) / (1 + _Z95**2 / posts)
    reach = _Z95 * (accuracy * (1 - accuracy) / posts + _Z95**2 / (4 * posts**2)) ** 0.5 / (1 + _Z95**2 / posts)
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = np.abs(np.bincount(place, part * (confidence - right), minlength=BINS))
    return Part(
        posts=len(right),
        accuracy=accuracy,
        low=max(middle - reach, 0.0),
        high=min(middle + reach, 1.0),
        ece=float(gaps.sum()) if len(right) >= FEWEST_FOR_ECE else None,
    )


def _class(confusion: NDArray[np.int64], weighted: NDArray[np.float64], number: int) -> ClassAgreement:
    hit, claimed, true = weighted[number, number], weighted[:, number].sum(), weighted[number].sum()
    return ClassAgreement(
        posts=int(confusion[number].sum()),
        precision=float(hit / claimed) if claimed > 0 else None,
        recall=float(hit / true) if true > 0 else None,
    )


def _common(pair: tuple[str, str], said: Mapping[int, Mapping[str, str]]) -> list[tuple[str, str]]:
    one, other = pair
    return [(verdicts[one], verdicts[other]) for verdicts in said.values() if one in verdicts and other in verdicts]


def _kappa(pair: tuple[str, str], said: Mapping[int, Mapping[str, str]]) -> Kappa:
    common = _common(pair, said)
    agreement = sum(one == other for one, other in common) / len(common)
    by_chance = sum(
        (sum(one == outcome for one, _ in common) / len(common))
        * (sum(other == outcome for _, other in common) / len(common))
        for outcome in OUTCOMES
    )
    return Kappa(
        auditors=pair,
        posts=len(common),
        agreement=agreement,
        kappa=None if by_chance >= 1.0 else (agreement - by_chance) / (1.0 - by_chance),
    )
