"""How good labels are, measured against posts that people labelled.

Every post has one of seven outcomes: the five categories, `other`, or `irrelevant`. What is predicted is `irrelevant` where
the model says that the post is not about Grok, else its category; the probability of an outcome is 1 - p_relevant for
`irrelevant` and p_relevant * p(category | relevant) for the others.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from classifiers.calibration import ReliabilityBin, expected_calibration_error, reliability_table
from classifiers.codebook import FIVE, IRRELEVANT, OUTCOMES, Aspect, Category, Polarity
from classifiers.gold import GoldPost

BOOTSTRAP_SAMPLES: Final = 2_000
MISTAKES: Final = 20
_NUMBER: Final = {outcome: number for number, outcome in enumerate(OUTCOMES)}
_CATEGORIES: Final = tuple(Category)

_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "English": ("en",),
    "Chinese": ("zh",),
    "Japanese": ("ja",),
    "Korean": ("ko",),
    "Romance": ("es", "pt", "fr", "it", "ro", "ca", "gl"),
    "Germanic": ("de", "nl", "sv", "da", "no", "is", "af"),
    "Slavic": ("ru", "uk", "pl", "cs", "sk", "bg", "sr", "hr", "sl", "be", "mk", "bs"),
    "South Asian": ("hi", "bn", "ur", "ta", "te", "mr", "ne", "pa", "gu", "kn", "ml", "si"),
    "South-East Asian": ("id", "ms", "tl", "vi", "th", "km", "lo", "my"),
    "Middle Eastern": ("ar", "fa", "he", "tr", "ku", "az"),
}
_GROUP_OF: Final = {tag: group for group, tags in _GROUPS.items() for tag in tags}


class Prediction(Protocol):
    """What is measured of a label; `classifiers.base.Label` has it all."""

    @property
    def relevant(self) -> bool:
        """Whether the post is said to be about Grok."""
        ...

    @property
    def p_relevant(self) -> float:
        """Probability of that."""
        ...

    @property
    def category(self) -> Category | None:
        """The category; None where not relevant."""
        ...

    @property
    def probabilities(self) -> Mapping[Category, float]:
        """Probability of each category, given that the post is relevant."""
        ...

    @property
    def polarity(self) -> Polarity | None:
        """The stance; None where not relevant."""
        ...

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        """What the post is about."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """Precision, recall and F1 of one class; `n` posts truly belong to it."""

    precision: float
    recall: float
    f1: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartScore:
    """The outcome scores of a part of the posts: a language, a group of languages, a source."""

    n: int
    macro_f1: float
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A wrong outcome, and how sure the model was of it."""

    post: GoldPost
    truth: str
    predicted: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Every figure of one run; None where the file gives nothing to measure it on.

    `macro_f1` is the plain mean of the F1 of the outcomes that occur in the truth or in the predictions: a class that is
    neither there nor claimed says nothing, one that is claimed without being there counts as zero. `polarity_macro_f1` is taken over the
    truly relevant posts; one that the model took for irrelevant is a miss of its polarity. `aspects_micro_f1` counts
    every aspect of every post. `share_error` is the total variation distance, half the sum of the absolute differences,
    between the true and the estimated shares; the estimate is the sum of the probabilities, not a count of labels.
    """

    n: int
    accuracy: float
    accuracy_ci: tuple[float, float]
    macro_f1: float
    macro_f1_ci: tuple[float, float]
    relevance_f1: float
    polarity_macro_f1: float | None
    aspects_micro_f1: float | None
    ece: float
    share_error: float | None
    true_shares: Mapping[str, float] | None
    estimated_shares: Mapping[str, float] | None
    per_class: Mapping[str, ClassScore]
    per_language: Mapping[str, PartScore]
    per_language_group: Mapping[str, PartScore]
    per_source: Mapping[str, PartScore]
    per_polarity: Mapping[str, ClassScore]
    per_aspect: Mapping[str, ClassScore]
    confusion: NDArray[np.int64]
    calibration: tuple[ReliabilityBin, ...]
    mistakes: tuple[Mistake, ...]


def evaluate(
    gold: Sequence[GoldPost], predictions: Sequence[Prediction], *, seed: int = 0, samples: int = BOOTSTRAP_SAMPLES
) -> Evaluation:
    """Measure predictions against the truth.

    Parameters
    ----------
    gold, predictions
        The same posts in the same order; at least one.
    seed, samples
        Of the bootstrap over posts that gives the 95 % intervals (percentile method).

    Raises
    ------
    ValueError
        There are no posts, or the two are not of one length.
    """
    if not gold or len(gold) != len(predictions):
        raise ValueError("truth and predictions must hold the same posts, at least one")
    truth = np.array([_NUMBER[post.outcome] for post in gold])
    predicted = np.array([_NUMBER[_outcome(prediction)] for prediction in predictions])
    probabilities = np.array([_outcome_probabilities(prediction) for prediction in predictions])
    confidence = probabilities[np.arange(len(gold)), predicted]
    correct = truth == predicted
    confusion = _confusion(truth, predicted)
    macro_ci, accuracy_ci = _intervals(truth, predicted, seed=seed, samples=samples)
    true_shares, estimated_shares = _true_shares(gold), _estimated_shares(probabilities)
    per_polarity = _polarity_scores(gold, predictions)
    per_aspect = _aspect_scores(gold, predictions)
    return Evaluation(
        n=len(gold),
        accuracy=float(correct.mean()),
        accuracy_ci=accuracy_ci,
        macro_f1=_macro_f1(confusion),
        macro_f1_ci=macro_ci,
        relevance_f1=_f1_of_positive([post.relevant for post in gold], [label.relevant for label in predictions]),
        polarity_macro_f1=_mean_f1(per_polarity),
        aspects_micro_f1=_micro_f1(gold, predictions),
        ece=expected_calibration_error(confidence, correct),
        share_error=_share_error(true_shares, estimated_shares),
        true_shares=true_shares,
        estimated_shares=estimated_shares,
        per_class={name: _class_score(confusion, number) for name, number in _NUMBER.items()},
        per_language=_parts(gold, truth, predicted, lambda post: post.lang or "und"),
        per_language_group=_parts(gold, truth, predicted, lambda post: language_group(post.lang)),
        per_source=_parts(gold, truth, predicted, lambda post: post.source),
        per_polarity=per_polarity,
        per_aspect=per_aspect,
        confusion=confusion,
        calibration=reliability_table(confidence, correct),
        mistakes=_mistakes(gold, truth, predicted, confidence),
    )


def language_group(tag: str | None) -> str:
    """Put a language tag into a group that is large enough to measure."""
    if not tag or tag == "und":
        return "Undetermined"
    return _GROUP_OF.get(tag.split("-")[0].lower(), "Other languages")


# --- outcomes ---------------------------------------------------------------------------------------------------------


def _outcome(label: Prediction) -> str:
    return label.category.value if label.relevant and label.category is not None else IRRELEVANT


def _outcome_probabilities(label: Prediction) -> list[float]:
    within = [label.p_relevant * label.probabilities.get(category, 0.0) for category in _CATEGORIES]
    return [*within, 1.0 - label.p_relevant]


def _confusion(truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count posts by true (row) and predicted (column) outcome."""
    size = len(OUTCOMES)
    return np.bincount(truth * size + predicted, minlength=size * size).reshape(size, size)


def _class_score(confusion: NDArray[np.int64], number: int) -> ClassScore:
    hits, claimed, there = confusion[number, number], confusion[:, number].sum(), confusion[number].sum()
    return _score(int(hits), int(claimed), int(there))


def _score(hits: int, claimed: int, there: int) -> ClassScore:
    return ClassScore(
        precision=hits / claimed if claimed else 0.0,
        recall=hits / there if there else 0.0,
        f1=2 * hits / (claimed + there) if claimed + there else 0.0,
        n=there,
    )


def _macro_f1(confusion: NDArray[np.int64]) -> float:
    total = confusion.sum(axis=0) + confusion.sum(axis=1)
    occurring = total > 0
    return float((2 * np.diagonal(confusion)[occurring] / total[occurring]).mean())


def _intervals(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], *, seed: int, samples: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    random = np.random.default_rng(seed)
    macro, accuracy = np.empty(samples), np.empty(samples)
    for number in range(samples):
        drawn = random.integers(0, len(truth), len(truth))
        confusion = _confusion(truth[drawn], predicted[drawn])
        macro[number] = _macro_f1(confusion)
        accuracy[number] = np.trace(confusion) / len(truth)
    return _middle(macro), _middle(accuracy)


def _middle(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _parts(
    gold: Sequence[GoldPost],
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    part_of: Callable[[GoldPost], str],
) -> dict[str, PartScore]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, post in enumerate(gold):
        places[part_of(post)].append(place)
    scores: dict[str, PartScore] = {}
    for part, inside in sorted(places.items(), key=lambda item: (-len(item[1]), item[0])):
        confusion = _confusion(truth[inside], predicted[inside])
        scores[part] = PartScore(
            n=len(inside), macro_f1=_macro_f1(confusion), accuracy=float(np.trace(confusion) / len(inside))
        )
    return scores


def _mistakes(
    gold: Sequence[GoldPost],
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    confidence: NDArray[np.float64],
) -> tuple[Mistake, ...]:
    wrong = np.flatnonzero(truth != predicted)
    surest = wrong[np.argsort(-confidence[wrong], kind="stable")][:MISTAKES]
    return tuple(
        Mistake(
            post=gold[place],
            truth=OUTCOMES[truth[place]],
            predicted=OUTCOMES[predicted[place]],
            confidence=float(confidence[place]),
        )
        for place in surest
    )


# --- shares -----------------------------------------------------------------------------------------------------------


def _true_shares(gold: Sequence[GoldPost]) -> dict[str, float] | None:
    counts = {category.value: sum(post.category == category for post in gold) for category in FIVE}
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()} if total else None


def _estimated_shares(probabilities: NDArray[np.float64]) -> dict[str, float] | None:
    sums = {category.value: float(probabilities[:, _NUMBER[category.value]].sum()) for category in FIVE}
    total = sum(sums.values())
    return {name: amount / total for name, amount in sums.items()} if total > 0 else None


def _share_error(true: Mapping[str, float] | None, estimated: Mapping[str, float] | None) -> float | None:
    if true is None or estimated is None:
        return None
    return sum(abs(true[name] - estimated[name]) for name in true) / 2


# --- relevance, polarity, aspects -------------------------------------------------------------------------------------


def _f1_of_positive(truth: Sequence[bool], predicted: Sequence[bool]) -> float:
    hits = sum(there and claimed for there, claimed in zip(truth, predicted, strict=True))
    return _score(hits, sum(predicted), sum(truth)).f1


def _polarity_scores(gold: Sequence[GoldPost], predictions: Sequence[Prediction]) -> dict[str, ClassScore]:
    pairs = [
        (post.polarity, label.polarity if label.relevant else None)
        for post, label in zip(gold, predictions, strict=True)
        if post.relevant and post.polarity is not None
    ]
    return {
        polarity.value: _score(
            sum(there == claimed == polarity for there, claimed in pairs),
            sum(claimed == polarity for _, claimed in pairs),
            sum(there == polarity for there, _ in pairs),
        )
        for polarity in Polarity
        if any(polarity in pair for pair in pairs)
    }


def _aspect_pairs(
    gold: Sequence[GoldPost], predictions: Sequence[Prediction]
) -> list[tuple[frozenset[Aspect], frozenset[Aspect]]]:
    return [
        (post.aspects, frozenset(label.aspects) if label.relevant else frozenset())
        for post, label in zip(gold, predictions, strict=True)
        if post.aspects is not None
    ]


def _aspect_scores(gold: Sequence[GoldPost], predictions: Sequence[Prediction]) -> dict[str, ClassScore]:
    pairs = _aspect_pairs(gold, predictions)
    return {
        aspect.value: _score(
            sum(aspect in there and aspect in claimed for there, claimed in pairs),
            sum(aspect in claimed for _, claimed in pairs),
            sum(aspect in there for there, _ in pairs),
        )
        for aspect in Aspect
        if any(aspect in there or aspect in claimed for there, claimed in pairs)
    }


def _micro_f1(gold: Sequence[GoldPost], predictions: Sequence[Prediction]) -> float | None:
    pairs = _aspect_pairs(gold, predictions)
    there, claimed = sum(len(pair[0]) for pair in pairs), sum(len(pair[1]) for pair in pairs)
    return _score(sum(len(pair[0] & pair[1]) for pair in pairs), claimed, there).f1 if there + claimed else None


def _mean_f1(scores: Mapping[str, ClassScore]) -> float | None:
    return sum(score.f1 for score in scores.values()) / len(scores) if scores else None
