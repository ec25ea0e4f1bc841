"""How alike posts are, by their wording and by what the model says of them; one row a post, dot products in [0, 1]."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifiers.codebook import Aspect, Polarity
from db.quotes import QuotedPost

Vectors = NDArray[np.float64]
Embed = Callable[[Sequence[str]], Vectors]
"""Texts in, one vector a text out, such as an encoder's features."""

GRAM: Final = 4
BUCKETS: Final = 4096
READ: Final = 600
"""Characters of a post that its wording is taken from."""


def wording(texts: Sequence[str]) -> Vectors:
    """Give unit vectors of runs of four characters, each weighted by how few posts hold it: in any language, without a model."""
    counts = _grams(texts)
    rarity = np.log((1 + len(texts)) / (1 + (counts > 0).sum(axis=0)))
    return units(np.log1p(counts) * (rarity + 1e-3))


def copied(texts: Sequence[str]) -> Vectors:
    """Give what each two texts have in common of the runs of four characters that either has: 1 for copies, 0 for strangers."""
    held = (_grams(texts) > 0).astype(np.float64)
    common, sizes = held @ held.T, held.sum(axis=1)
    return common / np.maximum(sizes[:, None] + sizes - common, 1)


def _grams(texts: Sequence[str]) -> Vectors:
    counts = np.zeros((len(texts), BUCKETS))
    for row, text in enumerate(texts):
        plain = f" {' '.join(text.casefold()[:READ].split())} "
        for gram, number in Counter(plain[place : place + GRAM] for place in range(len(plain) - GRAM + 1)).items():
            counts[row, _bucket(gram)] += number
    return counts


def opinion(posts: Sequence[QuotedPost]) -> Vectors:
    """Give unit vectors of the classifier's answer: the categories' probabilities, stance and aspects."""
    polarities, aspects = [one.value for one in Polarity], [one.value for one in Aspect]
    rows = [
        [
            *post.probabilities,
            *(float(post.polarity == name) for name in polarities),
            *(float(name in post.aspects) for name in aspects),
        ]
        for post in posts
    ]
    return units(np.array(rows, np.float64))


def units(vectors: Vectors) -> Vectors:
    """Bring vectors to length one; one of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def _bucket(gram: str) -> int:
    return int.from_bytes(hashlib.blake2b(gram.encode("utf-8", "replace"), digest_size=2).digest(), "little") % BUCKETS
