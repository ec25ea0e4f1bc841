"""How often the intervals of shares hold the truth where the classifier errs and people have audited a sample.

The archives are those of `audited_archives.py`. For each kind: coverage of the corrected 95 % intervals (one category at a time, and all
five at once), bias of the corrected share, λ; beside it the uncorrected shares of the same archives, which know nothing of the
classifier's errors, and the audits alone (λ = 0). The last two kinds lend audits of earlier weeks to a week without any: what is promised
there is promised only as far as the classifier errs alike, and so they are shown and do not count.
"""

import argparse
import json
import resource

import numpy as np
from audited_archives import FIVE, Archive, Audited, make
from numpy.typing import NDArray

from insights.bootstrap import bands, draws, interval
from insights.correction import Population, correct

Floats = NDArray[np.float64]
GOAL = (0.93, 0.97)
MOST_BIAS = 0.005
RESAMPLES_ALONE = 150
"""For the width of what the audits alone would give, which is not judged."""

KINDS = (
    Audited(name="good, hardly leans", errs=0.0, skilled=1.4),
    Audited(name="leans, 200 audits"),
    Audited(name="leans, 60 audits", audits=60, often=2),
    Audited(name="leans, 500 audits of 7,500 posts", audits=500, threads=3_000),
    Audited(name="poor classifier", skilled=0.3, errs=2.0),
    Audited(name="errors drift, shares move", drift=2.5, moves=True),
    Audited(name="threads alike inside", likeness=0.4),
    Audited(name="half collected at one tenth", thinned=True, often=2),
    Audited(name="100 posts in 40 threads", threads=40, audits=60, often=4),
    Audited(name="extrapolated, shares move", extrapolated=True, moves=True),
    Audited(name="extrapolated, errors drift too", extrapolated=True, moves=True, drift=2.5),
)


class Tally:
    """Counts over the archives of a kind."""

    def __init__(self) -> None:
        self.held, self.bias, self.width, self.at_once = np.zeros(FIVE), np.zeros(FIVE), 0.0, 0

    def add(self, sampled: Floats, shares: Floats, truth: Floats) -> None:
        """Count one archive in."""
        low, high = interval(sampled, shares)
        wide_low, wide_high = bands(sampled, shares, low, high)
        self.held += (low <= truth) & (truth <= high)
        self.at_once += bool(np.all((wide_low <= truth) & (truth <= wide_high)))
        self.bias += shares - truth
        self.width += float((high - low).mean())

    def result(self, runs: int) -> dict[str, object]:
        """Give the rates."""
        return {
            "coverage": round(float(self.held.mean()) / runs, 4),
            "by_category": [round(float(value) / runs, 3) for value in self.held],
            "simultaneous": round(self.at_once / runs, 4),
            "bias": [round(float(value) / runs, 4) for value in self.bias],
            "largest_bias": round(float(np.abs(self.bias).max()) / runs, 4),
            "width": round(self.width / runs, 4),
        }


def measure(kind: Audited, runs: int, resamples: int) -> dict[str, object]:
    """Draw archives of a kind and count how often each way's intervals hold the truth."""
    rng = np.random.default_rng(len(kind.name) * 1_000 + kind.threads)
    tallies = {name: Tally() for name in ("corrected", "uncorrected", "audits_alone")}
    tuning, runs = 0.0, runs * kind.often
    for _ in range(runs):
        archive = make(kind, rng)
        population = population_of(archive, kind)
        options = {"columns": range(FIVE), "resamples": resamples, "rng": rng}
        found = correct(population, archive.audits, **options)
        alone = correct(population, archive.audits, tuning=0.0, **(options | {"resamples": RESAMPLES_ALONE}))
        masses = archive.masses[:, :FIVE]
        tuning += found.tuning
        tallies["corrected"].add(found.sampled, found.shares, archive.truth)
        tallies["audits_alone"].add(alone.sampled, alone.shares, archive.truth)
        plain = draws(masses, resamples=resamples, rng=rng)
        tallies["uncorrected"].add(plain, masses.sum(axis=0) / masses.sum(), archive.truth)
    return {
        "kind": kind.name,
        "runs": runs,
        "counts": not kind.extrapolated,
        "tuning": round(tuning / runs, 2),
        **{name: tally.result(runs) for name, tally in tallies.items()},
    }


def population_of(archive: Archive, kind: Audited) -> Population:
    """Give the posts of the weeks that are asked about."""
    audited = 0.0 if kind.extrapolated else len(archive.audits) / archive.n
    return Population(threads=archive.masses, outcomes=archive.outcomes.sum(axis=0), audited=audited)


def _noise(result: dict[str, object]) -> float:
    """Give the standard error of a coverage near 95 %; the five categories are worth about two."""
    return (0.95 * 0.05 / 2 / result["runs"]) ** 0.5


def _noise_of_bias(result: dict[str, object]) -> float:
    return result["corrected"]["width"] / 3.92 / result["runs"] ** 0.5


def main() -> None:
    """Measure every kind and print the table, then one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="the JSON object alone")
    parser.add_argument("--quick", action="store_true", help="fewer archives, fewer resamples")
    options = parser.parse_args()
    runs, resamples = (60, 300) if options.quick else (1_000, 400)
    if not options.json:
        heads = ("corrected", "all five", "bias", "wide", "λ", "uncorrected", "bias", "audits alone, wide")
        print(f"{'kind of archive':34}" + "".join(f"{head:>12}" for head in heads))
    results = []
    for kind in KINDS:
        result = measure(kind, runs, resamples)
        results.append(result)
        if not options.json:
            ours, plain, alone = (result[name] for name in ("corrected", "uncorrected", "audits_alone"))
            cells = (
                f"{ours['coverage']:.1%}", f"{ours['simultaneous']:.1%}", f"{100 * ours['largest_bias']:.1f} pp",
                f"{100 * ours['width']:.1f} pp", f"{result['tuning']:.2f}", f"{plain['coverage']:.1%}",
                f"{100 * plain['largest_bias']:.1f} pp", f"{100 * alone['width']:.1f} pp",
            )  # fmt: skip
            print(f"{kind.name:34}" + "".join(f"{cell:>12}" for cell in cells), flush=True)
    counted = [result for result in results if result["counts"]]
    # A quick run knows coverage and bias only roughly: three standard errors are allowed for.
    met = [
        GOAL[0] - 3 * _noise(result) * options.quick
        <= result["corrected"]["coverage"]
        <= GOAL[1] + 3 * _noise(result) * options.quick
        and result["corrected"]["largest_bias"] <= MOST_BIAS + 3 * _noise_of_bias(result) * options.quick
        for result in counted
    ]
    ours, rival = (
        round(sum(result[name]["coverage"] for result in counted) / len(counted), 4)
        for name in ("corrected", "uncorrected")
    )
    summary = {
        "bench": "coverage_audited",
        "ours": ours,
        "rival": rival,
        "rival_name": "uncorrected shares of the same archives",
        "ratio": round(ours / rival, 3),
        "goal": f"{GOAL[0]:.2f} to {GOAL[1]:.2f} in every kind, bias at most {MOST_BIAS}; not where extrapolated",
        "unit": "coverage of the 95 % interval",
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "met": all(met),
        "worst": min(result["corrected"]["coverage"] for result in counted),
        "largest_bias": max(result["corrected"]["largest_bias"] for result in counted),
        "kinds": results,
    }
    print(json.dumps(summary, ensure_ascii=False))


if __name__ == "__main__":
    main()
