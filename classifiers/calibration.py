"""Whether "80 %" happens eight times in ten, and the one number that mends it when it does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS: Final = 10
_LOWEST, _HIGHEST = 0.05, 20.0
_GOLDEN: Final = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """The answers whose confidence lies in [`low`, `high`): how sure the model was of them, how often it was right.

    `confidence` and `accuracy` are None where the bin is empty. The last bin holds a confidence of one as well.
    """

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


def reliability_table(confidence: ArrayLike, correct: ArrayLike, *, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Sort answers into equal-width bins of confidence.

    Parameters
    ----------
    confidence : array-like of shape (n,), values in [0, 1]
        The probability that the model gave its answer.
    correct : array-like of shape (n,), boolean
        Whether the answer was right.
    bins : int
        How many bins; at least one.
    """
    sure, right, place = _binned(confidence, correct, bins)
    table: list[ReliabilityBin] = []
    for number in range(bins):
        inside = place == number
        n = int(inside.sum())
        table.append(
            ReliabilityBin(
                low=number / bins,
                high=(number + 1) / bins,
                n=n,
                confidence=float(sure[inside].mean()) if n else None,
                accuracy=float(right[inside].mean()) if n else None,
            )
        )
    return tuple(table)


def expected_calibration_error(confidence: ArrayLike, correct: ArrayLike, *, bins: int = BINS) -> float:
    """Give the expected calibration error: mean distance of confidence from accuracy, bins weighted by their answers.

    Zero where every bin's confidence equals its accuracy, and for no answers at all; at most one. After Naeini,
    Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning" (AAAI 2015), equal-width bins.

    >>> expected_calibration_error([0.8, 0.8, 0.8, 0.8], [True, True, False, False])
    0.3
    """
    table = reliability_table(confidence, correct, bins=bins)
    n = sum(row.n for row in table)
    gap = sum(
        row.n * abs(row.confidence - row.accuracy)
        for row in table
        if row.confidence is not None and row.accuracy is not None
    )
    return round(gap / n, 12) if n else 0.0


def softmax(logits: ArrayLike, *, temperature: float = 1.0) -> NDArray[np.float64]:
    """Turn rows of logits into rows of probabilities, divided by the temperature first."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled = scaled - scaled.max(axis=-1, keepdims=True)
    powers = np.exp(scaled)
    return powers / powers.sum(axis=-1, keepdims=True)


def fit_temperature(logits: ArrayLike, truth: Sequence[int] | NDArray[np.int64]) -> float:
    """Find the temperature under which held-out answers are likeliest.

    A temperature above one makes a model that is too sure of itself less so; which answer comes first stays as it is.
    The negative log-likelihood is convex in 1/temperature, so a golden-section search over it finds the one minimum. After
    Guo et al., "On calibration of modern neural networks" (ICML 2017).

    Parameters
    ----------
    logits : array-like of shape (n, classes)
        Unscaled outputs for posts that the model was not trained on. For a yes-or-no head give the columns (0, logit).
    truth : sequence of int, shape (n,)
        The right class of each row.

    Returns
    -------
    float
        Between 0.05 and 20; 1 for no rows.

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    rows, right = np.asarray(logits, dtype=np.float64), np.asarray(truth, dtype=np.int64)
    if rows.ndim != 2 or right.shape != rows.shape[:1]:  # noqa: PLR2004 - a matrix
        raise ValueError("logits must be of shape (n, classes) and truth of shape (n,)")
    if not len(rows):
        return 1.0

    def loss(inverse: float) -> float:
        scaled = rows * inverse
        top = scaled.max(axis=1)
        normaliser = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float((normaliser - scaled[np.arange(len(rows)), right]).mean())

    low, high = np.log(1 / _HIGHEST), np.log(1 / _LOWEST)
    while high - low > 1e-6:  # noqa: PLR2004 - far below what a figure shows
        left, right_end = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if loss(float(np.exp(left))) <= loss(float(np.exp(right_end))):
            high = right_end
        else:
            low = left
    return float(1 / np.exp((low + high) / 2))


def _binned(
    confidence: ArrayLike, correct: ArrayLike, bins: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.bool_)
    if sure.shape != right.shape or sure.ndim != 1:
        raise ValueError("confidence and correct must be of the same shape (n,)")
    if bins < 1:
        raise ValueError("there must be at least one bin")
    place = np.clip((sure * bins).astype(np.int64), 0, bins - 1)
    return sure, right, place
