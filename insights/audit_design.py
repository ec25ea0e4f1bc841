"""Which posts people are asked to label: a stratified probability sample, more of it where the model is unsure.

A stratum is what the model says x week x language where enough of the sample falls on it; the small ones are taken together, over
languages first, then over weeks, then over answers. Inside a stratum the sample is systematic, in the order of weeks and languages,
from a random start: it spreads over time and languages, and every post has the same chance, which is above zero.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
from typing import Final

import numpy as np
from numpy.typing import NDArray

FEWEST_A_STRATUM: Final = 2.0
"""Expected audits below which strata are taken together."""

LEAST_UNCERTAINTY: Final = 0.1
"""Added to the model's own uncertainty: a model that is sure and wrong must be found out too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Posts with the same answer of the model, week and language.

    Parameters
    ----------
    outcome
        A category, or `irrelevant`.
    week, lang
        Monday as `YYYY-MM-DD`; a BCP-47 tag.
    posts
        How many.
    spread
        Σ weight² · (Gini impurity of the model's probabilities + `LEAST_UNCERTAINTY`).
    """

    outcome: str
    week: str
    lang: str
    posts: int
    spread: float

    @property
    def size(self) -> float:
        """Posts times the standard deviation of one: what Neyman (1934) shares a sample out by."""
        return (self.posts * self.spread) ** 0.5


def collapse(cells: Sequence[Cell], n: int) -> list[list[int]]:
    """Put cells together into strata on which at least `FEWEST_A_STRATUM` of `n` audits fall; gives their positions."""
    total = sum(cell.size for cell in cells)
    expected = [n * cell.size / total for cell in cells]
    strata: list[list[int]] = []
    waiting = list(range(len(cells)))
    for level in range(3):
        found: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for position in waiting:
            cell = cells[position]
            found[(cell.outcome, cell.week, cell.lang)[: 3 - level]].append(position)
        large = [group for group in found.values() if sum(expected[one] for one in group) >= FEWEST_A_STRATUM]
        strata += large
        waiting = sorted(set(waiting).difference(*large))
    if waiting and strata and sum(expected[one] for one in waiting) < FEWEST_A_STRATUM:
        smallest = min(strata, key=lambda group: sum(expected[one] for one in group))
        smallest += waiting
    elif waiting:
        strata.append(waiting)
    return [sorted(stratum) for stratum in strata]


def allocate(sizes: Sequence[float], posts: Sequence[int], n: int) -> list[int]:
    """Share `n` audits out to strata: the exact optimal allocation (Wright 2012), two a stratum at least, all posts at most."""
    if n >= sum(posts):
        return list(posts)
    taken = [min(int(FEWEST_A_STRATUM), held) for held in posts]
    if sum(taken) > n:
        taken = [min(1, held) for held in posts]

    def worth(stratum: int) -> float:
        have = taken[stratum]
        return -sizes[stratum] / (have * (have + 1)) ** 0.5 if have < posts[stratum] else 0.0

    queue = [(worth(stratum), stratum) for stratum in range(len(sizes))]
    heapify(queue)
    for _ in range(n - sum(taken)):
        stratum = queue[0][1]
        taken[stratum] += 1
        heapreplace(queue, (worth(stratum), stratum))
    return taken


def draw(
    cells: Sequence[Cell], cell_of: NDArray[np.int64], n: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw posts.

    Parameters
    ----------
    cell_of
        The cell of every post.
    n
        How many posts; all of them where there are fewer.

    Returns
    -------
    tuple
        The positions of those drawn, in random order, so that whoever labels a part has labelled a random part; and
        the probability of each to have been drawn.
    """
    groups = collapse(cells, n)
    sizes = [sum(cells[one].size for one in group) for group in groups]
    counts = [sum(cells[one].posts for one in group) for group in groups]
    order = _order(cells)
    stratum_of_cell = np.empty(len(cells), dtype=np.int64)
    for number, group in enumerate(groups):
        stratum_of_cell[group] = number
    stratum = stratum_of_cell[cell_of]
    ranks = np.lexsort((rng.random(len(cell_of)), order[cell_of], stratum))
    starts = np.concatenate([[0], np.cumsum(counts)])
    drawn: list[NDArray[np.int64]] = []
    chances: list[NDArray[np.float64]] = []
    for number, take in enumerate(allocate(sizes, counts, n)):
        step = counts[number] / take
        places = ((rng.random() + np.arange(take)) * step).astype(np.int64)
        drawn.append(ranks[starts[number] + np.minimum(places, counts[number] - 1)])
        chances.append(np.full(take, take / counts[number]))
    mixed = rng.permutation(sum(len(part) for part in drawn))
    return np.concatenate(drawn)[mixed], np.concatenate(chances)[mixed]


def _order(cells: Sequence[Cell]) -> NDArray[np.int64]:
    by_time = sorted(range(len(cells)), key=lambda one: (cells[one].week, cells[one].lang, cells[one].outcome))
    order = np.empty(len(cells), dtype=np.int64)
    order[by_time] = np.arange(len(cells))
    return order
