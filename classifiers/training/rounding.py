"""How weights and activations are put into few bits: rows of the vocabulary into four, matrices into eight, and how loud channels are eased before."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
BLOCK: Final = 32
"""Weights of a vocabulary row that share a scale."""
LARGEST: Final = 127
"""Quantised weights lie between minus and plus this."""
ORIGIN: Final = LARGEST + 1
"""What zero is rounded to where activations become bytes without a sign."""
EASE: Final = 0.5
"""How much of the unevenness of activations goes over to the weights: 0 nothing, 1 all."""
QUIETEST: Final = 0.2
"""The least loudness of a channel, as a part of the mean of all."""
LOUD: Final = 32
"""One channel in this many, the loudest ones, is multiplied in float32 beside the others."""


def pack_rows(rows: Array) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """
    Pack rows into four bits a weight.

    Returns
    -------
    packed : (rows, columns / 2)
        Low nibbles hold the first half of a row, high nibbles the second, each weight plus eight.
    scales : (rows, columns / 32)
        What a block of 32 weights is multiplied by.
    """
    blocks = rows.reshape(len(rows), -1, BLOCK)
    # A row that was in four bits before is found again exactly: its largest weight is then -8 or +-7 times the scale.
    peak = np.take_along_axis(blocks, np.abs(blocks).argmax(2)[..., None], 2)[..., 0]
    best_scale = np.zeros(peak.shape, np.float32)
    best_error = np.full(peak.shape, np.inf)
    for steps in (-8.0, -7.0, 7.0):
        scale = (peak / steps).astype(np.float16).astype(np.float32)
        step = np.where(scale == 0, 1, scale)[..., None]
        error = ((np.clip(np.round(blocks / step), -8, 7) * scale[..., None] - blocks) ** 2).sum(2)
        best_scale = np.where(error < best_error, scale, best_scale)
        best_error = np.minimum(error, best_error)
    step = np.where(best_scale == 0, 1, best_scale)[..., None]
    nibbles = (np.clip(np.round(blocks / step), -8, 7) + 8).astype(np.uint8).reshape(len(rows), -1)
    half = nibbles.shape[1] // 2
    return nibbles[:, :half] | (nibbles[:, half:] << 4), best_scale.astype(np.float16)


def ease(peaks: Array, matrix: Array) -> Array:
    """Divide the difficulty of rounding between the channels of the activations and the rows of the weights that they meet."""
    rows = np.abs(matrix).max(1)
    # A channel that was silent on the observed texts may speak up on others: none counts as much quieter than the mean.
    peaks, rows = (np.maximum(values, QUIETEST * values.mean() + 1e-9) for values in (peaks, rows))
    ease = peaks**EASE / rows ** (1 - EASE)
    return (ease / np.exp(np.log(ease).mean())).astype(np.float32)


def loudest(peaks: Array) -> NDArray[np.int64]:
    """Give the numbers of the channels that are multiplied in float32, in their order."""
    return np.sort(np.argsort(-peaks, kind="stable")[: max(1, len(peaks) // LOUD)])


def quantise(matrix: Array) -> tuple[NDArray[np.int8], Array]:
    """Round the weights of each column to eight bits, with a scale for each column."""
    scale = np.maximum(np.abs(matrix).max(0) / LARGEST, 1e-12).astype(np.float32)
    return np.round(matrix / scale).astype(np.int8), scale
