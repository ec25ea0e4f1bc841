"""Linear heads over frozen features: fitted, calibrated on posts they have not seen, and their thresholds chosen there."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from classifiers.calibration import fit_temperature, softmax
from classifiers.codebook import IRRELEVANT, Aspect, Category, Polarity
from classifiers.training.corpus import PLAIN, Example
from classifiers.training.export import Head

Matrix = NDArray[np.float32]
REAL_LIFE: Final[Mapping[str, float]] = {
    "excitement": 0.05, "latency": 0.07, "bias": 0.06, "satisfaction": 0.16, "abandonment": 0.03, "other": 0.33, IRRELEVANT: 0.30,
}  # fmt: skip
"""Shares of the outcomes that the heads should expect."""
BALANCED_WEIGHT: Final = 0.3
"""What a post from a balanced file counts beside a real-life one, before the shares are evened out."""
PENALTY: Final[Mapping[str, float]] = {"relevance": 0.015, "category": 0.015, "polarity": 0.015, "aspects": 0.01}
"""Factor of the squared weights in the loss of each head."""
TEXT_FIRST_WEIGHT: Final = 3.0
"""What a post counts whose text came before its label."""
PLAIN_WEIGHT: Final = 2.0
"""What a post counts that is written as most people write."""
FOLDS: Final = 5
STEPS: Final = 100
HEADS: Final = ("relevance", "category", "polarity", "aspects")

Progress = Callable[[str], None]
Logits = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What turns logits into probabilities and answers; see `classifiers.encoder.Description`."""

    temperatures: Mapping[str, float]
    relevance_threshold: float
    aspect_thresholds: Mapping[str, float]


def sample_weights(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Weights that add up to the number of posts and give every outcome its share of real life."""
    weights = np.array([_weight(example) for example in examples])
    totals: Counter[str] = Counter()
    for example, weight in zip(examples, weights, strict=True):
        totals[example.outcome] += weight
    weights *= [REAL_LIFE[example.outcome] / totals[example.outcome] for example in examples]
    return weights * len(examples) / weights.sum()


def _weight(example: Example) -> float:
    if example.text_first:
        return TEXT_FIRST_WEIGHT
    if example.file.startswith(PLAIN):
        return PLAIN_WEIGHT
    return 1.0 if example.real_life else BALANCED_WEIGHT


def fit(features: Matrix, examples: Sequence[Example], weights: NDArray[np.float64]) -> dict[str, Head]:
    """Fit all heads. The ones for category, polarity and aspects see relevant posts only."""
    relevant = np.array([example.relevant for example in examples])
    some, those, part = features[relevant], [example for example in examples if example.relevant], weights[relevant]
    return {
        "relevance": _fit_yes_no(features, relevant[:, None].astype(np.float32), weights, PENALTY["relevance"]),
        "category": _fit_one_of(
            some, categories(those), weights=part, answers=len(Category), penalty=PENALTY["category"]
        ),
        "polarity": _fit_one_of(
            some, polarities(those), weights=part, answers=len(Polarity), penalty=PENALTY["polarity"]
        ),
        "aspects": _fit_yes_no(some, aspects(those), part, PENALTY["aspects"]),
    }


def out_of_fold(
    features: Matrix, examples: Sequence[Example], progress: Progress
) -> tuple[list[Example], dict[str, NDArray[np.float64]]]:
    """
    Fit the heads several times, each time without a part of the real-life posts.

    Returns
    -------
    examples
        The real-life posts.
    logits
        For each head, what was said of these posts by heads that had not seen them.
    """
    real = np.array([example.real_life for example in examples])
    fold = np.array([int(example.digest[8:16], 16) % FOLDS for example in examples])
    found = {
        name: np.zeros((len(examples), size))
        for name, size in zip(HEADS, (1, len(Category), len(Polarity), len(Aspect)), strict=True)
    }
    for number in range(FOLDS):
        progress(f"fold {number + 1} of {FOLDS}")
        unseen = real & (fold == number)
        seen = [example for example, without in zip(examples, unseen, strict=True) if not without]
        heads = fit(features[~unseen], seen, sample_weights(seen))
        for name, head in heads.items():
            found[name][unseen] = features[unseen] @ head.weight + head.bias
    return [example for example in examples if example.real_life], {
        name: logits[real] for name, logits in found.items()
    }


def calibrate(
    logits: Logits, examples: Sequence[Example], *, temperatures: Mapping[str, float] | None = None
) -> Calibration:
    """
    Choose temperatures (unless they are given) and thresholds on posts that the heads have not seen, with the class shares of real life.

    The threshold of relevance gives the best F1 of relevance, the one threshold of all aspects the best micro-F1.
    """
    relevant = np.array([example.relevant for example in examples])
    those = [example for example in examples if example.relevant]
    named = aspects(those)
    temperatures = temperatures or {
        "relevance": fit_temperature(_two_columns(logits["relevance"]), relevant.astype(int)),
        "category": fit_temperature(logits["category"][relevant], categories(those)),
        "polarity": fit_temperature(logits["polarity"][relevant], polarities(those)),
        "aspects": fit_temperature(
            _two_columns(logits["aspects"][relevant].reshape(-1, 1)), named.reshape(-1).astype(int)
        ),
    }
    p_relevant = softmax(_two_columns(logits["relevance"]), temperature=temperatures["relevance"])[:, 1]
    p_aspects = 1 / (1 + np.exp(-logits["aspects"][relevant] / temperatures["aspects"]))
    threshold = _best_threshold(p_aspects, named.astype(bool))
    return Calibration(
        temperatures=temperatures,
        relevance_threshold=_best_threshold(p_relevant, relevant),
        aspect_thresholds={aspect.value: threshold for aspect in Aspect},
    )


def categories(examples: Sequence[Example]) -> NDArray[np.int64]:
    """Give the number of each relevant post's category."""
    return np.array([list(Category).index(example.category) for example in examples if example.category is not None])


def polarities(examples: Sequence[Example]) -> NDArray[np.int64]:
    """Give the number of each relevant post's polarity."""
    return np.array([list(Polarity).index(example.polarity) for example in examples if example.polarity is not None])


def aspects(examples: Sequence[Example]) -> Matrix:
    """Tell, in one column for each aspect, whether the post names it."""
    return np.array([[aspect in example.aspects for aspect in Aspect] for example in examples], np.float32)


def _two_columns(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros_like(logits), logits], axis=1)


def _best_threshold(probabilities: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    def f1(threshold: float) -> float:
        said = probabilities >= threshold
        return 2 * float((said & truth).sum()) / max(float(said.sum() + truth.sum()), 1.0)

    # Many thresholds are as good as the best within a hair: the middle one of these is the least of an accident.
    steps = np.arange(0.2, 0.8, 0.01)
    scores = np.array([f1(threshold) for threshold in steps])
    return round(float(np.median(steps[scores >= scores.max() - 0.001])), 2)


def _fit_one_of(
    features: Matrix, truth: NDArray[np.int64], *, weights: NDArray[np.float64], answers: int, penalty: float
) -> Head:
    wanted = np.eye(answers, dtype=np.float32)[truth]

    def loss(logits: Matrix) -> tuple[float, Matrix]:
        shares = softmax(logits).astype(np.float32)
        likelihood = np.log(np.maximum(shares[np.arange(len(truth)), truth], 1e-12))
        return float(-(weights * likelihood).sum()), (shares - wanted) * weights[:, None].astype(np.float32)

    return _minimise(features, answers, loss, total=float(weights.sum()), penalty=penalty)


def _fit_yes_no(features: Matrix, truth: Matrix, weights: NDArray[np.float64], penalty: float) -> Head:
    def loss(logits: Matrix) -> tuple[float, Matrix]:
        value = (weights[:, None] * (np.logaddexp(0, logits) - truth * logits)).sum()
        return float(value), (1 / (1 + np.exp(-logits)) - truth) * weights[:, None].astype(np.float32)

    return _minimise(features, truth.shape[1], loss, total=float(weights.sum()), penalty=penalty)


def _minimise(
    features: Matrix, answers: int, loss: Callable[[Matrix], tuple[float, Matrix]], *, total: float, penalty: float
) -> Head:
    middle, spread = features.mean(0), features.std(0) + 1e-6
    scaled = ((features - middle) / spread).astype(np.float32)
    columns = scaled.shape[1]

    def both(flat: NDArray[np.float64]) -> tuple[float, Any]:
        weight, bias = (
            flat[: columns * answers].reshape(columns, answers).astype(np.float32),
            flat[columns * answers :].astype(np.float32),
        )
        value, slope = loss(scaled @ weight + bias)
        gradient = np.concatenate([(scaled.T @ slope / total + 2 * penalty * weight).ravel(), slope.sum(0) / total])
        return value / total + penalty * float((weight**2).sum()), gradient.astype(np.float64)

    solved = minimize(both, np.zeros((columns + 1) * answers), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    weight = solved.x[: columns * answers].reshape(columns, answers) / spread[:, None]
    bias = solved.x[columns * answers :] - middle @ weight
    return Head(weight=weight.astype(np.float32), bias=bias.astype(np.float32))
