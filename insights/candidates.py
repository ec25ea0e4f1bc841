"""A bounded draw of posts with a label, by their weight and probability, so that what is rare stays rare."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from sqlalchemy import Connection

from classifiers.codebook import Category
from db import quotes as stored
from db.quotes import Candidate, QuotedPost
from db.selection import Selection

SEED: Final = 20251117


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A post that was drawn, and how likely it was to have this label."""

    post: QuotedPost
    probability: float


def draw(
    connection: Connection,
    selection: Selection,
    category: Category | None,
    *,
    at_most: int,
    least: float = 0.0,
    surest: float = 0.0,
    enough: int = 0,
    seed: int = SEED,
) -> list[Drawn]:
    """Draw posts with a label without putting them back, each with a chance in proportion to weight · probability.

    The method is that of Efraimidis & Spirakis (2006). The same posts give the same draw.

    Parameters
    ----------
    least
        Posts below this probability are never drawn.
    surest, enough
        Posts below this probability are left out, unless fewer than `enough` would be left: then the most probable take part.
    """
    found = [one for one in stored.candidates(connection, selection, category) if one.probability >= least]
    sure = [one for one in found if one.probability >= surest]
    if len(sure) < enough:
        sure = sorted(found, key=lambda one: (-one.probability, one.id))[:enough]
    chosen = {one.id: one for one in _drawn(sure, at_most, _seed(seed, selection.start))}
    return [
        Drawn(post=post, probability=chosen[post.id].probability) for post in stored.posts(connection, sorted(chosen))
    ]


def _drawn(found: list[Candidate], at_most: int, rng: np.random.Generator) -> list[Candidate]:
    if len(found) <= at_most:
        return found
    mass = np.array([one.weight * one.probability for one in found])
    keys = rng.standard_exponential(len(found)) / np.maximum(mass, 1e-12)
    return [found[place] for place in np.argpartition(keys, at_most)[:at_most]]


def _seed(seed: int, start: datetime | None) -> np.random.Generator:
    return np.random.default_rng((seed, 0 if start is None else int(start.timestamp())))
