"""Simulated archives whose classifier errs, with audits: what `coverage.py` measures the corrected shares on.

Every post has a true outcome (the report's five, `other`, or not about Grok), drawn from the mixture of its thread. The classifier
sees the truth through noise: `skill` is how clearly, by outcome; `pull` what it leans towards whatever the truth; its
probabilities are as sure as it is, not as it should be. `drift` turns the skill and the pull of one outcome over the weeks of the archive.
People label a sample drawn by `insights.audit_design`, as `grokwatch audit draw` does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insights.audit_design import LEAST_UNCERTAINTY, Cell, draw
from insights.correction import AuditedPosts

Floats = NDArray[np.float64]
OUTCOMES = 7
FIVE = 5
MIXTURE = np.array([0.25, 0.20, 0.14, 0.08, 0.05, 0.16, 0.12])
LATER_MIXTURE = np.array([0.15, 0.30, 0.20, 0.05, 0.04, 0.14, 0.12])
THINNED_MIXTURE = np.array([0.12, 0.14, 0.30, 0.04, 0.10, 0.10, 0.20])
THINNING = 0.1
LARGEST_THREAD = 60
SKILL = np.array([3.5, 4.0, 3.0, 2.0, 2.5, 2.5, 4.0])
PULL = np.array([0.8, 0.0, 0.6, -0.4, -0.8, 0.5, 0.3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """A kind of archive; `errs` scales the classifier's lean, `skilled` its skill; `weeks` > 1 with `drift` changes both.

    `often` draws so many times more archives, where wide intervals would leave a bias of half a point in the noise.
    """

    name: str
    threads: int = 600
    audits: int = 200
    likeness: float = 0.15
    errs: float = 1.0
    skilled: float = 1.0
    drift: float = 0.0
    weeks: int = 4
    moves: bool = False
    thinned: bool = False
    extrapolated: bool = False
    often: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What is known of an archive, and the true shares of the five in the weeks that are asked about."""

    masses: Floats
    outcomes: Floats
    audits: AuditedPosts
    truth: Floats
    n: int


def make(kind: Audited, rng: np.random.Generator) -> Archive:
    """Draw an archive and its audits."""
    threads = kind.threads
    sizes = np.minimum(rng.zipf(2.2, threads), LARGEST_THREAD)
    week_of_thread = np.arange(threads) % kind.weeks
    late = week_of_thread / max(kind.weeks - 1, 1)
    thinned = np.arange(threads) // kind.weeks % 2 == 1 if kind.thinned else np.zeros(threads, dtype=bool)
    centre = np.where(thinned[:, None], THINNED_MIXTURE, MIXTURE)
    if kind.moves:
        centre = (1 - late[:, None]) * centre + late[:, None] * LATER_MIXTURE
    mixtures = _dirichlet(centre * (1 - kind.likeness) / kind.likeness, rng)
    thread = np.repeat(np.arange(threads), sizes)
    true = (rng.random((len(thread), 1)) > np.cumsum(mixtures[thread], axis=1)).sum(axis=1)
    true = np.minimum(true, OUTCOMES - 1)
    weights = np.where(thinned[thread], 1 / THINNING, 1.0)
    kept = rng.random(len(thread)) < 1 / weights
    thread, true, weights = thread[kept], true[kept], weights[kept]
    predicted = _classify(kind, true, late[thread], rng)
    asked = week_of_thread == kind.weeks - 1 if kind.extrapolated else np.ones(threads, dtype=bool)
    # Sizes don't depend on mixtures: what the true shares are follows from the mixtures alone.
    centres = centre[asked].mean(axis=0)
    truth = centres[:FIVE] / centres[:FIVE].sum()
    frame = ~asked[thread] if kind.extrapolated else np.ones(len(thread), dtype=bool)
    return _observe(kind, (thread, true, weights, predicted), (frame, asked[thread]), truth, week_of_thread, rng)


def _classify(kind: Audited, true: NDArray[np.int64], late: Floats, rng: np.random.Generator) -> Floats:
    skill = SKILL * kind.skilled
    logits = kind.errs * PULL + rng.gumbel(size=(len(true), OUTCOMES))
    logits[np.arange(len(true)), true] += skill[true]
    logits[:, 1] += kind.drift * late  # the classifier comes to see bugs everywhere
    logits *= 1.5  # surer than it should be
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _observe(kind, posts, chosen, truth, week_of_thread, rng) -> Archive:  # noqa: ANN001 - the arrays of make()
    thread, true, weights, predicted = posts
    frame, asked = chosen
    outcome = predicted.argmax(axis=1)
    spread = weights**2 * (1 - (predicted**2).sum(axis=1) + LEAST_UNCERTAINTY)
    places = np.flatnonzero(frame)
    cell_of = outcome[places] * kind.weeks + week_of_thread[thread[places]]
    used, cell_of = np.unique(cell_of, return_inverse=True)
    counts, spreads = np.bincount(cell_of), np.bincount(cell_of, spread[places])
    cells = [
        Cell(
            outcome=str(one // kind.weeks),
            week=f"{one % kind.weeks:02}",
            lang="en",
            posts=int(count),
            spread=float(sum_),
        )
        for one, count, sum_ in zip(used, counts, spreads, strict=True)
    ]
    drawn, chances = draw(cells, cell_of, kind.audits, rng)
    drawn = places[drawn]
    audits = AuditedPosts(
        truth=np.eye(OUTCOMES)[true[drawn], : OUTCOMES - 1],
        predicted=predicted[drawn, : OUTCOMES - 1],
        outcome=outcome[drawn],
        weights=weights[drawn] / chances,
        threads=thread[drawn],
    )
    weighted = np.hstack([predicted[:, : OUTCOMES - 1], np.eye(OUTCOMES)[outcome]]) * weights[:, None]
    clusters = np.zeros((kind.threads, weighted.shape[1]))
    np.add.at(clusters, thread[asked], weighted[asked])
    clusters = clusters[clusters.sum(axis=1) > 0]
    return Archive(
        masses=clusters[:, : OUTCOMES - 1],
        outcomes=clusters[:, OUTCOMES - 1 :],
        audits=audits,
        truth=truth,
        n=int(asked.sum()),
    )


def _dirichlet(alphas: Floats, rng: np.random.Generator) -> Floats:
    gammas = np.maximum(rng.standard_gamma(alphas), 1e-300)
    return gammas / gammas.sum(axis=1, keepdims=True)
