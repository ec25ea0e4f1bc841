"""How often the 95 % intervals of the shares hold the truth, over simulated archives whose truth is known.

An archive is made of threads. Every thread has a mixture of its own, drawn around the population's (`likeness` is the
correlation of two posts of a thread); thread sizes are equal or heavy-tailed; every post has calibrated probabilities that
are certain or blurred; of some archives a part is collected with probability one tenth. Only archives that Grokwatch would
show a share for (30 effective posts) count. Beside it stand the usual percentile bootstrap over threads, and one over posts
that takes posts for independent.
"""

import argparse
import json
import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from insights.bootstrap import draws, interval

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = NDArray[np.float64]
Interval = tuple[Floats, Floats]

MIXTURE = np.array([0.35, 0.30, 0.20, 0.10, 0.05])
"""The report's five."""
THINNED_MIXTURE = np.array([0.20, 0.20, 0.40, 0.05, 0.15])
THINNING = 0.1
LARGEST_THREAD = 60
ENOUGH = 30.0
GOAL = (0.93, 0.97)
MANY = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """A kind of archive: `tail` is the exponent of the thread sizes (None: one post a thread), `blur` that of the labels."""

    name: str
    threads: int
    tail: float | None = None
    likeness: float = 0.0
    blurred: bool = False
    thinned: bool = False


POPULATIONS = (
    Population(name="40 posts, a thread each", threads=40),
    Population(name="40 posts, unsure labels", threads=40, blurred=True),
    Population(name="200 posts, a thread each", threads=200),
    Population(name="5 threads", threads=5, tail=1.5, likeness=0.2),
    Population(name="20 threads", threads=20, tail=1.8, likeness=0.2),
    Population(name="60 threads, alike inside", threads=60, tail=2.0, likeness=0.5),
    Population(name="60 threads, hardly alike inside", threads=60, tail=2.0, likeness=0.05),
    Population(name="300 threads", threads=300, tail=2.0, likeness=0.2),
    Population(name="300 threads, unsure labels", threads=300, tail=2.0, likeness=0.2, blurred=True),
    Population(name="300 threads, half of them thinned", threads=300, tail=2.0, likeness=0.2, thinned=True),
    Population(name="5,000 threads", threads=5_000, tail=2.2, likeness=0.1),
)


def draw_archive(population: Population, rng: np.random.Generator) -> tuple[Floats, NDArray[np.int64], Floats, Floats]:
    """Draw an archive: probabilities by post, the posts' threads, their weights, the true shares."""
    threads = population.threads
    sizes = np.ones(threads, dtype=np.int64)
    if population.tail is not None:
        sizes = np.minimum(rng.zipf(population.tail, threads), LARGEST_THREAD)
    thinned = np.arange(threads) % 2 == 1 if population.thinned else np.zeros(threads, dtype=bool)
    centre = np.where(thinned[:, None], THINNED_MIXTURE, MIXTURE)
    mixtures = centre
    if population.likeness:
        mixtures = _dirichlet(centre * (1 - population.likeness) / population.likeness, rng)
    thread = np.repeat(np.arange(threads), sizes)
    if population.blurred:
        posts = _dirichlet(np.maximum(mixtures[thread], 1e-3) * 2.0, rng)
    else:
        chosen = (rng.random((len(thread), 1)) > np.cumsum(mixtures[thread], axis=1)).sum(axis=1)
        posts = np.eye(len(MIXTURE))[np.minimum(chosen, len(MIXTURE) - 1)]
    weights = np.where(thinned[thread], 1 / THINNING, 1.0)
    kept = rng.random(len(thread)) < 1 / weights
    truth = (MIXTURE + THINNED_MIXTURE) / 2 if population.thinned else MIXTURE
    return posts[kept], thread[kept], weights[kept], truth


def _dirichlet(alphas: Floats, rng: np.random.Generator) -> Floats:
    gammas = np.maximum(rng.standard_gamma(alphas), 1e-300)
    return gammas / gammas.sum(axis=1, keepdims=True)


def by_grokwatch(clusters: Floats, resamples: int, rng: np.random.Generator) -> Interval:
    """Make the intervals as `grokwatch shares` does."""
    return interval(draws(clusters, resamples=resamples, rng=rng), clusters.sum(axis=0) / clusters.sum())


def by_percentiles(clusters: Floats, resamples: int, rng: np.random.Generator) -> Interval:
    """Draw rows with replacement and take the percentiles."""
    counts = rng.multinomial(len(clusters), np.full(len(clusters), 1 / len(clusters)), size=resamples)
    sums = counts @ clusters
    low, high = np.quantile(sums / sums.sum(axis=1, keepdims=True), [0.025, 0.975], axis=0)
    return low, high


def measure(population: Population, runs: int, resamples: int) -> dict[str, object]:
    """Count how often each way's intervals hold the truth."""
    rng = np.random.default_rng(len(population.name) * 1_000 + population.threads)
    methods: dict[str, Callable[[Floats, int, np.random.Generator], Interval]] = {
        "grokwatch": by_grokwatch,
        "percentiles_over_threads": by_percentiles,
        "percentiles_over_posts": by_percentiles,
    }
    held = {name: np.zeros(len(MIXTURE)) for name in methods}
    widths = dict.fromkeys(methods, 0.0)
    shown = 0
    while shown < runs:
        posts, thread, weights, truth = draw_archive(population, rng)
        if weights.sum() ** 2 / (weights**2).sum() < ENOUGH:
            continue
        shown += 1
        weighted = posts * weights[:, None]
        clusters = np.zeros((population.threads, len(MIXTURE)))
        np.add.at(clusters, thread, weighted)
        clusters = clusters[clusters.sum(axis=1) > 0]
        for name, method in methods.items():
            low, high = method(weighted if name.endswith("posts") else clusters, resamples, rng)
            held[name] += (low <= truth) & (truth <= high)
            widths[name] += float((high - low).mean())
    result: dict[str, object] = {"population": population.name, "runs": runs}
    for name in methods:
        result[name] = {
            "coverage": round(float(held[name].mean()) / runs, 4),
            "by_category": [round(float(share) / runs, 3) for share in held[name]],
            "width": round(widths[name] / runs, 4),
        }
    return result


def main() -> None:
    """Measure every population and print the table, then one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="the JSON object alone")
    parser.add_argument("--quick", action="store_true", help="fewer archives, fewer resamples")
    options = parser.parse_args()
    runs, resamples = (150, 400) if options.quick else (1_000, 1_000)
    results = []
    for population in POPULATIONS:
        result = measure(population, runs, resamples)
        results.append(result)
        if not options.json:
            figures = "  ".join(
                f"{way['coverage']:6.1%} ({way['width'] * 100:4.1f} wide)"
                for way in result.values()
                if isinstance(way, dict)
            )
            print(f"{population.name:36} {figures}", flush=True)
    ours, rival, posts = (
        round(sum(result[name]["coverage"] for result in results) / len(results), 4)
        for name in ("grokwatch", "percentiles_over_threads", "percentiles_over_posts")
    )
    summary = {
        "bench": "coverage",
        "ours": ours,
        "rival": rival,
        "rival_name": "percentile bootstrap over threads",
        "ratio": round(ours / rival, 3),
        "goal": f"{GOAL[0]:.2f} to {GOAL[1]:.2f} in every population; more, never less, with fewer than {MANY} threads",
        "unit": "coverage of the 95 % interval",
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "met": all(
            GOAL[0] <= result["grokwatch"]["coverage"] <= (GOAL[1] if population.threads >= MANY else 1.0)
            for population, result in zip(POPULATIONS, results, strict=True)
        ),
        "worst": min(result["grokwatch"]["coverage"] for result in results),
        "second_rival": posts,
        "second_rival_name": "percentile bootstrap over posts",
        "populations": results,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
