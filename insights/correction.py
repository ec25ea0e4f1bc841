"""Shares corrected by audited posts: the prediction-powered difference estimator, for samples, ratios and threads.

The classifier labels every post, people label a probability sample of them. The corrected mass of a category is

    λ · Σ w·f  +  Σ_k W_k · mean_k(y - λ·f),

f the classifier's probability, y what people say, w the weight a post was collected with, W_k the weight of all posts that
the classifier puts into outcome k, mean_k the mean over the audited posts of that outcome, weighted by 1 / the probability of
being audited (Hájek 1971). The second term removes the classifier's bias, whatever it is; λ is tuned so that a classifier
that helps makes the interval narrower and one that doesn't does no harm (PPI++; Angelopoulos, Duchi & Zrnic 2023). A share
is a ratio of such masses. With one outcome, equal probabilities and every post relevant it is PPI++'s mean, which a test
holds against `ppi-python`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifiers.codebook import OUTCOMES
from insights.bootstrap import Floats, thread_sums, typical_thread

FEWEST_AUDITS: Final = 50
"""Audited posts below which nothing is corrected: the correction would be noise."""

FEWEST_COUNTED: Final = 10
"""The same for audited posts that people put into the denominator's categories: the others tell nothing of its shares."""

FEWEST_A_GROUP: Final = 8
"""Audited posts of one outcome below which they are taken together with those of others."""

_MOST_LEVERAGE: Final = 0.5
_SPREADS: Final = (0.5, 3.0)
_TINY: Final = 1e-12
_LEAST_FREEDOM: Final = 5.0
_Z95: Final = NormalDist().inv_cdf(0.975)
_T95: Final = ((_Z95**3 + _Z95) / 4, (5 * _Z95**5 + 16 * _Z95**3 + 3 * _Z95) / 96)
"""Student's quantile by degrees of freedom n is z + t1 / n + t2 / n² (Cornish & Fisher)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedPosts:
    """Posts that people labelled, with what the classifier says of them; n posts, c categories.

    Parameters
    ----------
    truth
        n x c; the part of a post's auditors that put it into a category, nothing where they say that it is not relevant.
    predicted
        n x c; p(relevant) · p(category | relevant).
    outcome
        The classifier's own answer, a place in `classifiers.codebook.OUTCOMES`.
    weights
        1 / probability of having been collected and audited, up to a constant.
    threads
        A number for each thread.
    """

    truth: Floats
    predicted: Floats
    outcome: NDArray[np.int64]
    weights: Floats
    threads: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the posts."""
        return len(self.outcome)

    def suffice(self, columns: Sequence[int]) -> bool:
        """Tell whether these are enough to correct shares of these categories with."""
        return len(self) >= FEWEST_AUDITS and float(self.truth[:, list(columns)].sum()) >= FEWEST_COUNTED

    def only(self, chosen: NDArray[np.bool_]) -> "AuditedPosts":
        """Give some of the posts."""
        return AuditedPosts(
            truth=self.truth[chosen],
            predicted=self.predicted[chosen],
            outcome=self.outcome[chosen],
            weights=self.weights[chosen],
            threads=self.threads[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Labelled posts whose shares are asked for.

    Parameters
    ----------
    threads
        threads x c; sums of weight · predicted probability.
    merged
        The rows are groups of threads put together at random instead.
    outcomes
        Sums of weight by the classifier's answer.
    audited
        Part of the posts that is audited, in [0, 1]; what was seen can't be drawn wrong.
    """

    threads: Floats
    outcomes: Floats
    merged: bool = False
    audited: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """Corrected shares, the shares drawn anew (a row a resample), and the λ in use."""

    shares: Floats
    sampled: Floats
    tuning: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Audits made ready to correct populations with, for one denominator; `prepare` makes it.

    Populations that the same correction is applied to share the chance of which posts were audited.
    """

    sample: "_Sample"
    group_of: NDArray[np.int64]
    columns: list[int]
    redrawn: tuple[Floats, Floats]

    def apply(self, population: Population, *, rng: np.random.Generator, tuning: float | None = None) -> Corrected:
        """Correct the shares of a population; see `correct`."""
        sample, chosen = self.sample, self.columns
        totals = population.threads.sum(axis=0)
        sizes = np.bincount(self.group_of, population.outcomes, minlength=sample.groups).astype(np.float64)

        def shares_of(means: tuple[Floats, Floats], tuned: float) -> Floats:
            truth, predicted = means
            masses = tuned * totals[chosen] + np.einsum("g,rgc->rc", sizes, truth - tuned * predicted)
            return _shares(np.maximum(masses, 0.0))

        if tuning is None:
            tuning = sample.tuning(sizes, shares_of(sample.means(), 1.0)[0])
        shares = shares_of(sample.means(), tuning)[0]
        labels = population.threads[:, chosen]
        by_model = _shares(labels.sum(axis=0)[None, :])
        spread = sample.spread(shares, by_model[0])
        unseen = (1.0 - population.audited) ** 0.5
        resamples = len(self.redrawn[0])
        by_threads = (_shares(thread_sums(labels, resamples=resamples, rng=rng)) - by_model) * spread
        by_audits = (shares_of(self.redrawn, tuning) - shares) * unseen
        pieces = (
            _influence(labels, by_model[0]) * spread / float(labels.sum()),
            sample.influences(sizes, shares, tuning) * unseen,
        )
        sampled = np.clip(shares + _student(pieces) * (by_threads + by_audits), 0.0, 1.0)
        thread = typical_thread(labels, merged=population.merged) / float(labels.sum())
        return Corrected(shares=shares, sampled=_with_prior(sampled, shares, thread, rng), tuning=tuning)


def prepare(audits: AuditedPosts, *, columns: Sequence[int], resamples: int, rng: np.random.Generator) -> Correction:
    """Make audits ready, at least one; `columns` are the categories of the denominator."""
    group_of = _groups(audits)
    sample = _sample(audits, group_of, list(columns))
    return Correction(sample=sample, group_of=group_of, columns=list(columns), redrawn=sample.redrawn(resamples, rng))


def correct(
    population: Population,
    audits: AuditedPosts,
    *,
    columns: Sequence[int],
    resamples: int,
    rng: np.random.Generator,
    tuning: float | None = None,
) -> Corrected:
    """Correct the shares of a population of posts.

    Two chances make up the interval. Which posts were written and collected: threads are drawn as in `insights.bootstrap`; the
    spread of the classifier's shares is brought to the scale of people's labels. Which posts were audited: audited threads
    are drawn likewise. What the audits could not show, such as a category that they never met, is covered by the prior of
    `insights.bootstrap.draws`, in units of an effective post.

    Parameters
    ----------
    audits
        Those of this population, or of another on which the classifier errs alike; at least one.
    columns
        The categories of the denominator.
    tuning
        λ; the best one by the audits where it is None.
    """
    return prepare(audits, columns=columns, resamples=resamples, rng=rng).apply(population, rng=rng, tuning=tuning)


def _groups(audits: AuditedPosts) -> NDArray[np.int64]:
    """Give each outcome the number of its group; the last group holds those with few audited posts together."""
    found = np.bincount(audits.outcome, minlength=len(OUTCOMES))
    alone = found >= FEWEST_A_GROUP
    if found[~alone].sum() < FEWEST_A_GROUP and alone.any():
        alone[np.flatnonzero(alone)[np.argmin(found[alone])]] = False
    return np.where(alone, np.cumsum(alone) - 1, int(alone.sum()))


def _shares(masses: Floats) -> Floats:
    sums = masses.sum(axis=1, keepdims=True)
    return np.where(sums > 0, masses / np.maximum(sums, _TINY), 1.0 / masses.shape[1])


def _student(pieces: Sequence[Floats]) -> Floats:
    """Give by what factor a 95 % interval widens because its variance is an estimate, category by category.

    The variance is a sum of squares, one a thread and one an audited post. How uncertain it is follows from their fourth
    powers (Satterthwaite 1946): rare large errors of a good classifier make for few degrees of freedom.
    """
    variance = sum((piece**2).sum(axis=0) for piece in pieces)
    noise = sum((piece**4).sum(axis=0) - (piece**2).sum(axis=0) ** 2 / len(piece) for piece in pieces)
    freedom = np.maximum(2.0 * variance**2 / np.maximum(noise, _TINY * variance**2 + _TINY**4), _LEAST_FREEDOM)
    return 1.0 + (_T95[0] + _T95[1] / freedom) / freedom / _Z95


def _with_prior(sampled: Floats, shares: Floats, thread: float, rng: np.random.Generator) -> Floats:
    """Mix half an effective post that is all of a category, and half a one that is nothing of it, into each draw."""
    spread, largest = sampled.var(axis=0), shares * (1.0 - shares)
    pooled = float(spread.sum()) / max(float(largest.sum()), _TINY)
    # The variance of a rare category is itself known badly: it may count as less certain than the others, up to twice.
    unit = np.clip(spread / np.maximum(largest, _TINY), pooled, 2.0 * pooled)
    unit = np.maximum(unit, thread)
    inside = rng.gamma(0.5, unit, size=sampled.shape)
    outside = rng.gamma(0.5, unit, size=sampled.shape)
    return (sampled + inside) / (1.0 + inside + outside)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """Audited posts by group, in the categories of the denominator; `part` adds up to one in each group."""

    truth: Floats
    predicted: Floats
    group: NDArray[np.int64]
    groups: int
    part: Floats
    weights: Floats
    thread: NDArray[np.int64]

    def means(self) -> tuple[Floats, Floats]:
        """Give the groups' means of truth and prediction: 1 x groups x categories."""
        return self._means(np.ones((1, len(self.group))))

    def redrawn(self, resamples: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Give the means of as many resamples.

        The weights come from gamma distributions whose variances make those of the groups' means the jackknife's (HC3;
        MacKinnon & White 1985): a post that is much of its small group moves the mean, and so hides from its residual.
        """
        effective = 1.0 / np.maximum(np.bincount(self.group, self.part**2, minlength=self.groups), _TINY)
        leverage = np.minimum(self.part, _MOST_LEVERAGE)
        variance = (1.0 + 1.0 / effective[self.group]) / (1.0 - leverage) ** 2
        of_thread = np.bincount(self.thread, variance) / np.bincount(self.thread)
        gammas = rng.standard_gamma(1.0 / of_thread, size=(resamples, len(of_thread))) * of_thread
        return self._means(np.maximum(gammas, _TINY)[:, self.thread])

    def _means(self, drawn: Floats) -> tuple[Floats, Floats]:
        width = self.truth.shape[1]
        both = np.hstack([self.truth, self.predicted])
        means = np.zeros((len(drawn), self.groups, 2 * width))
        for group in range(self.groups):
            inside = self.group == group
            if inside.any():
                weights = drawn[:, inside] * self.part[inside]
                means[:, group] = weights @ both[inside] / weights.sum(axis=1, keepdims=True)
        return means[:, :, :width], means[:, :, width:]

    def tuning(self, sizes: Floats, shares: Floats) -> float:
        """Find the λ with the smallest variance of the shares, summed over the categories."""
        truth, predicted = _influence(self.truth, shares), _influence(self.predicted, shares)
        along = across = 0.0
        for group in range(self.groups):
            inside = self.group == group
            part = self.part[inside][:, None]
            of_truth = truth[inside] - (part * truth[inside]).sum(axis=0)
            of_predicted = predicted[inside] - (part * predicted[inside]).sum(axis=0)
            squares = (sizes[group] * part) ** 2
            along += float((squares * of_predicted * of_truth).sum())
            across += float((squares * of_predicted**2).sum())
        return min(max(along / across, 0.0), 1.0) if across > _TINY else 0.0

    def influences(self, sizes: Floats, shares: Floats, tuning: float) -> Floats:
        """Give what the chance of each audited post adds to the errors of the shares."""
        residual = _influence(self.truth, shares) - tuning * _influence(self.predicted, shares)
        for group in range(self.groups):
            inside = self.group == group
            residual[inside] -= (self.part[inside][:, None] * residual[inside]).sum(axis=0)
        mass = float((sizes[self.group] * self.part) @ self.truth.sum(axis=1))
        return residual * (sizes[self.group] * self.part)[:, None] / max(mass, _TINY)

    def spread(self, shares: Floats, by_model: Floats) -> Floats:
        """Give by what factor people's labels spread more than the classifier's probabilities, category by category."""
        of_truth, of_model = self._deviation(self.truth, shares), self._deviation(self.predicted, by_model)
        return np.clip(of_truth / np.maximum(of_model, _TINY), *_SPREADS)

    def _deviation(self, values: Floats, shares: Floats) -> Floats:
        weights = (self.weights / self.weights.sum())[:, None]
        influence = _influence(values, shares)
        mean = (weights * influence).sum(axis=0)
        variance = (weights * (influence - mean) ** 2).sum(axis=0)
        return np.sqrt(variance) / max(float((weights * values).sum()), _TINY)


def _sample(audits: AuditedPosts, group_of: NDArray[np.int64], columns: list[int]) -> _Sample:
    group, groups = group_of[audits.outcome], int(group_of.max()) + 1
    sums = np.bincount(group, audits.weights, minlength=groups)
    return _Sample(
        truth=audits.truth[:, columns],
        predicted=audits.predicted[:, columns],
        group=group,
        groups=groups,
        part=audits.weights / sums[group],
        weights=audits.weights,
        thread=np.unique(audits.threads, return_inverse=True)[1],
    )


def _influence(values: Floats, shares: Floats) -> Floats:
    """Give what each post adds to the errors of the shares, up to the mass of the denominator."""
    return values - shares * values.sum(axis=1, keepdims=True)
