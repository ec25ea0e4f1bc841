"""How soon a shift of five points is found at 1,000 posts a week, and how often a quarter the alarm is false.

A series is made of threads with mixtures of their own, whose posts come with cycles of weekday and hour, with volumes and shares
that differ from day to day beyond chance, and with labels that err: a post's probabilities come from a noisy measurement of its true
category, calibrated for the usual mixture. Half of the posts about Grok are in none of the five categories, as in the real posts of the
development set. Everything that the scheduler does is done every day, on a quarter without a change, and on a week with one: a category
gains five points and all others shrink in proportion.

`measured` is a shift by five points in the share that Grokwatch measures; `true` one in what people mean, of which erring labels
show a part. False alarms count a dashboard with all its watched series; one within a week of another is the same.
Beside it stands the usual chart: each category's labels counted over the last seven days, with a bound at three deviations of independent
posts (Shewhart's p-chart).
"""

import argparse
import json
import resource
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insights.detection import BASELINE, WEEK, WINDOW, discoveries, share_surprise

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SHIFT = 0.05
QUARTER = 91
HISTORY = BASELINE + WINDOW
LIKENESS_ASSUMED = 0.05
"""As `db.series` assumes it."""
MIXTURE = np.array([0.175, 0.15, 0.10, 0.05, 0.025, 0.5])
"""The report's five, and as many other posts."""
CATEGORIES = ("excitement", "latency", "bias", "satisfaction", "abandonment")
HOURS = 1 + 0.6 * np.sin(2 * np.pi * (np.arange(24) - 9) / 24)
WEEKDAYS = np.array([1.05, 1.05, 1.05, 1.05, 1.0, 0.9, 0.9])
LARGEST_THREAD = 60
LAG_HOURS = 8.0
GOAL_FOUND, GOAL_FALSE = 0.90, 1.0
CHART_BOUND = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """A kind of dashboard.

    Parameters
    ----------
    tail
        Exponent of the thread sizes; None: one post a thread.
    likeness
        Correlation of two posts of a thread.
    sharpness
        Deviations between the categories in the labels' measurement; None: the labels are true.
    day_noise
        Deviation of a category's log share from day to day.
    groups
        Parts of the posts that are watched beside the whole, as shares of it.
    measured
        Whether the five points are of the measured share.
    """

    name: str
    tail: float | None = 2.5
    likeness: float = 0.05
    sharpness: float | None = 2.6
    day_noise: float = 0.03
    per_week: int = 1_000
    groups: tuple[float, ...] = ()
    measured: bool = True


POPULATIONS = (
    Population(name="threads, erring labels"),
    Population(name="independent posts, true labels", tail=None, likeness=0, sharpness=None, day_noise=0),
    Population(name="threads, erring labels, true shift", measured=False),
    Population(name="long threads, labels that err often", tail=2.2, likeness=0.1, sharpness=2.2, day_noise=0.05),
    Population(name="4,000 posts in 4 groups of 1,000", per_week=4_000, groups=(0.25, 0.25, 0.25, 0.25)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The series of one dashboard by day, a row a series: `counts` and `totals` in effective posts, `labels` of `posts` plainly counted."""

    counts: Floats
    totals: Floats
    labels: Floats
    posts: Floats
    dispersion: Floats
    weights: Floats


def softmax(scores: Floats) -> Floats:
    """Turn scores into probabilities."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def attenuation(population: Population, rng: np.random.Generator) -> Floats:
    """Give the part of a true shift that the labels show, by category."""
    if population.sharpness is None or not population.measured:
        return np.ones(len(CATEGORIES))
    true = rng.choice(len(MIXTURE), size=60_000, p=MIXTURE)
    seen = measure(true, population.sharpness, rng)
    return np.array([seen[true == c, c].mean() - seen[true != c, c].mean() for c in range(len(CATEGORIES))])


def measure(true: Ints, sharpness: float, rng: np.random.Generator) -> Floats:
    """Label posts: probabilities given a noisy measurement, right for the usual mixture."""
    seen = rng.normal(size=(len(true), len(MIXTURE)))
    seen[np.arange(len(true)), true] += sharpness
    return softmax(np.log(MIXTURE) + sharpness * seen)


def draw(population: Population, days: int, shift: tuple[int, float] | None, rng: np.random.Generator) -> Watched:
    """Draw a dashboard; a `shift` (category, points) begins a week before the end."""
    hours = np.tile(HOURS, days) * np.repeat(np.resize(WEEKDAYS, days) * rng.gamma(30, 1 / 30, days), 24)
    size = (
        1.0 if population.tail is None else float(np.minimum(rng.zipf(population.tail, 50_000), LARGEST_THREAD).mean())
    )
    hours *= population.per_week / (7 * 24 * HOURS.mean() * WEEKDAYS.mean() * size)
    starts = np.repeat(np.arange(days * 24), rng.poisson(hours))
    sizes = np.ones(len(starts), dtype=np.int64)
    if population.tail is not None:
        sizes = np.minimum(rng.zipf(population.tail, len(starts)), LARGEST_THREAD)
    thread = np.repeat(np.arange(len(starts)), sizes)
    lag = rng.exponential(LAG_HOURS, len(thread))
    lag[np.cumsum(sizes) - sizes] = 0
    day = ((starts[thread] + rng.random(len(thread)) + lag) // 24).astype(np.int64)
    group = rng.choice(max(1, len(population.groups)), size=len(starts), p=population.groups or None)
    thread, day = thread[day < days], day[day < days]

    usual = np.log(MIXTURE) + rng.normal(0, population.day_noise, (days, len(MIXTURE)))
    usual[:, 2] += np.where(np.arange(days) % WEEK >= 5, 0.1 if population.day_noise else 0.0, 0.0)
    mixture = softmax(usual)
    if shift is not None:
        category, points = shift
        moved = mixture[-WEEK:]
        gained = moved[:, category] + points
        moved *= ((1 - gained) / (1 - moved[:, category]))[:, None]
        moved[:, category] = gained
    posts = mixture[day]
    if population.likeness:
        alphas = MIXTURE * (1 - population.likeness) / population.likeness
        own = np.maximum(rng.standard_gamma(np.broadcast_to(alphas, (len(starts), len(alphas)))), 1e-300)
        posts = posts * (own / own.sum(axis=1, keepdims=True) / MIXTURE)[thread]
        posts /= posts.sum(axis=1, keepdims=True)
    true = (rng.random((len(thread), 1)) > np.cumsum(posts, axis=1)).sum(axis=1).clip(0, len(MIXTURE) - 1)
    labels = np.eye(len(MIXTURE))[true]
    if population.sharpness is not None:
        labels = measure(true, population.sharpness, rng)
    return collect(thread, day, group[thread], labels, days)


def collect(thread: Ints, day: Ints, group: Ints, labels: Floats, days: int) -> Watched:
    """Add posts up by day, category and group as `db.series` does."""
    weight = 1 / (1 + LIKENESS_ASSUMED * (np.bincount(thread)[thread] - 1))
    chosen = labels.argmax(axis=1)
    counts, totals, plain, posts, dispersion, weights = [], [], [], [], [], []
    cells = [np.ones(len(day), dtype=bool)]
    if group.max(initial=0) > 0:
        cells += [group == one for one in range(int(group.max()) + 1)]
    for cell in cells:
        mass = np.bincount(day[cell], weight[cell], days)
        squares = np.bincount(day[cell], weight[cell] ** 2, days)
        scale = np.divide(mass, squares, out=np.zeros_like(mass), where=squares > 0)
        of_thread = np.bincount(thread[cell], weight[cell])
        for category in range(len(CATEGORIES)):
            weighted = weight[cell] * labels[cell, category]
            share = weighted.sum() / mass.sum()
            off = np.bincount(thread[cell], weighted) - share * of_thread
            counts.append(np.bincount(day[cell], weighted, days) * scale)
            totals.append(mass * scale)
            plain.append(np.bincount(day[cell & (chosen == category)], minlength=days))
            posts.append(np.bincount(day[cell], minlength=days))
            dispersion.append((off**2).sum() / (share * (1 - share) * squares.sum()))
            weights.append(mass.sum())
    return Watched(
        counts=np.array(counts),
        totals=np.array(totals),
        labels=np.array(plain, dtype=np.float64),
        posts=np.array(posts, dtype=np.float64),
        dispersion=np.array(dispersion),
        weights=np.array(weights),
    )


def alarms(watched: Watched, end: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Look at the days before `end` as Grokwatch does, and as a chart with a fixed bound does."""
    look = slice(end - HISTORY, end)
    surprise = share_surprise(watched.counts[:, look], watched.totals[:, look], watched.dispersion)
    found = discoveries(surprise.p_values.ravel(), np.repeat(watched.weights, 2)).reshape(-1, 2)
    before = slice(end - HISTORY, end - WINDOW)
    share = watched.labels[:, before].sum(axis=1) / watched.posts[:, before].sum(axis=1)
    week = watched.posts[:, end - WEEK : end].sum(axis=1)
    off = watched.labels[:, end - WEEK : end].sum(axis=1) / week - share
    chart = off / np.sqrt(share * (1 - share) / week)
    return found, np.column_stack([chart > CHART_BOUND, chart < -CHART_BOUND])


def count_alarms(days: Floats) -> int:
    """Count the alarms of a dashboard; one within a week of the last is the same."""
    number, last = 0, -WEEK - 1
    for day in np.flatnonzero(days):
        number += bool(day - last > WEEK)
        last = day
    return number


def measure_population(population: Population, quarters: int, weeks: int) -> dict[str, object]:
    """Count false alarms in quarters without a change, and what is found in weeks with one."""
    rng = np.random.default_rng(len(population.name) * 1_000 + population.per_week)
    shown = attenuation(population, rng)
    false, false_chart = [], []
    for _ in range(quarters):
        watched = draw(population, HISTORY + QUARTER, None, rng)
        looks = [alarms(watched, end) for end in range(HISTORY + 1, HISTORY + QUARTER + 1)]
        false.append(count_alarms(np.array([ours.any() for ours, _ in looks])))
        false_chart.append(count_alarms(np.array([chart.any() for _, chart in looks])))
    found, found_chart, delays = [], [], []
    for category in range(len(CATEGORIES)):
        hits, chart_hits = 0, 0
        for _ in range(weeks):
            watched = draw(population, HISTORY + WEEK, (category, SHIFT / float(shown[category])), rng)
            looks = [alarms(watched, end) for end in range(HISTORY + 1, HISTORY + WEEK + 1)]
            risen = [bool(ours[category :: len(CATEGORIES), 0].any()) for ours, _ in looks]
            hits += any(risen)
            chart_hits += any(bool(chart[category :: len(CATEGORIES), 0].any()) for _, chart in looks)
            if any(risen):
                delays.append(risen.index(True) + 1)
        found.append(hits / weeks)
        found_chart.append(chart_hits / weeks)
    return {
        "population": population.name,
        "quarters": quarters,
        "weeks": weeks * len(CATEGORIES),
        "found_within_a_week": round(float(np.mean(found)), 3),
        "by_category": {name: round(share, 3) for name, share in zip(CATEGORIES, found, strict=True)},
        "median_days": float(np.median(delays)) if delays else None,
        "false_alarms_a_quarter": round(float(np.mean(false)), 2),
        "chart_found": round(float(np.mean(found_chart)), 3),
        "chart_false_alarms": round(float(np.mean(false_chart)), 2),
    }


def main() -> None:
    """Measure every population and print the table, then one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="the JSON object alone")
    parser.add_argument("--quick", action="store_true", help="fewer quarters and weeks")
    options = parser.parse_args()
    quarters, weeks = (8, 4) if options.quick else (120, 80)
    results = []
    for population in POPULATIONS:
        began = time.perf_counter()
        scale = min(1.0, 1_000 / population.per_week)
        result = measure_population(population, max(4, round(quarters * scale)), max(2, round(weeks * scale)))
        results.append(result)
        if not options.json:
            by_category = "  ".join(f"{name} {share:.0%}" for name, share in result["by_category"].items())
            print(
                f"{population.name:38} found {result['found_within_a_week']:6.1%}  false {result['false_alarms_a_quarter']:5.2f}"
                f"   chart: {result['chart_found']:6.1%} {result['chart_false_alarms']:6.2f}"
                f"   ({by_category}; {time.perf_counter() - began:.0f} s)",
                flush=True,
            )
    main_result = results[0]
    summary = {
        "bench": "detection",
        "ours": main_result["found_within_a_week"],
        "rival": main_result["chart_found"],
        "rival_name": "p-chart of seven days with a bound at three deviations",
        "ratio": round(float(main_result["found_within_a_week"]) / max(float(main_result["chart_found"]), 1e-9), 3),
        "goal": f"at least {GOAL_FOUND} found within a week, at most {GOAL_FALSE:g} false alarm a quarter",
        "unit": "part of the five-point shifts at 1,000 posts a week that are found within a week",
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "false_alarms_a_quarter": main_result["false_alarms_a_quarter"],
        "rival_false_alarms_a_quarter": main_result["chart_false_alarms"],
        "met": main_result["found_within_a_week"] >= GOAL_FOUND and main_result["false_alarms_a_quarter"] <= GOAL_FALSE,
        "populations": results,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
