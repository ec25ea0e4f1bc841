import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs the train extra")
pytest.importorskip("onnx", reason="needs the train extra")

from classifiers.codebook import OUTCOMES, Aspect, Category, Polarity  # after the check for their libraries
from classifiers.training import heads
from classifiers.training.corpus import Example


def example(number: int, outcome: str, *, file: str = "life-en.jsonl") -> Example:
    relevant = outcome != "irrelevant"
    return Example(
        file=file,
        line=number,
        text=f"{outcome} {number}",
        lang="en",
        source="x",
        relevant=relevant,
        category=Category(outcome) if relevant else None,
        polarity=Polarity.POSITIVE
        if outcome in ("excitement", "satisfaction")
        else Polarity.NEGATIVE
        if relevant
        else None,
        aspects=frozenset({Aspect.SPEED}) if outcome == "latency" else frozenset(),
    )


def posts(each: int) -> list[Example]:
    return [example(number, outcome) for outcome in OUTCOMES for number in range(each)]


def features(examples: list[Example], noise: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(0)
    places = np.eye(len(OUTCOMES), dtype=np.float32)[[OUTCOMES.index(post.outcome) for post in examples]]
    return (places + rng.normal(0, noise, places.shape)).astype(np.float32)


def test_weights_give_every_outcome_its_share_of_real_life():
    examples = [*posts(10), *(example(n, "latency", file="fr.jsonl") for n in range(100))]

    weights = heads.sample_weights(examples)

    assert weights.sum() == pytest.approx(len(examples))
    for outcome, share in heads.REAL_LIFE.items():
        part = sum(weight for weight, post in zip(weights, examples, strict=True) if post.outcome == outcome)
        assert part / len(examples) == pytest.approx(share)


def test_real_life_shares_are_shares_of_the_seven_outcomes():
    assert set(heads.REAL_LIFE) == set(OUTCOMES)
    assert sum(heads.REAL_LIFE.values()) == pytest.approx(1)


def test_heads_learn_what_the_features_tell():
    examples = posts(30)
    matrix = features(examples)

    fitted = heads.fit(matrix, examples, np.ones(len(examples)))

    relevant = np.array([post.relevant for post in examples])
    said = (matrix @ fitted["category"].weight + fitted["category"].bias).argmax(1)[relevant]
    assert (said == heads.categories(examples)).mean() > 0.9
    assert (((matrix @ fitted["relevance"].weight + fitted["relevance"].bias)[:, 0] > 0) == relevant).mean() > 0.9


def test_fitting_twice_gives_the_same_heads():
    examples = posts(10)
    matrix = features(examples)

    first, second = (heads.fit(matrix, examples, np.ones(len(examples))) for _ in range(2))

    assert all(np.array_equal(first[name].weight, second[name].weight) for name in heads.HEADS)


def test_out_of_fold_answers_come_from_heads_that_had_not_seen_the_post():
    examples = posts(40)
    pure_noise = np.random.default_rng(1).normal(size=(len(examples), 5)).astype(np.float32)

    real, logits = heads.out_of_fold(pure_noise, examples, lambda _: None)

    relevant = np.array([post.relevant for post in real])
    said = logits["category"].argmax(1)[relevant]
    assert (said == heads.categories(real)).mean() < 0.35


def test_calibration_cools_heads_that_are_too_sure():
    examples = posts(40)
    real, logits = heads.out_of_fold(features(examples, noise=0.8), examples, lambda _: None)

    plain = heads.calibrate(logits, real)
    loud = heads.calibrate({name: value * 5 for name, value in logits.items()}, real)

    for name in ("relevance", "category", "polarity"):
        assert loud.temperatures[name] == pytest.approx(5 * plain.temperatures[name], rel=0.02)
    assert loud.relevance_threshold == pytest.approx(plain.relevance_threshold, abs=0.02)
