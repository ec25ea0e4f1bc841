import importlib.util
import json

import pytest

from classifiers.codebook import Category
from classifiers.contenders import compare, majority, sentiment, tfidf_logreg
from classifiers.gold import GoldPost


def post(text, outcome):
    relevant = outcome != "irrelevant"
    return GoldPost(
        line=1,
        id=None,
        text=text,
        lang="en",
        source="x",
        relevant=relevant,
        category=Category(outcome) if relevant else None,
        polarity=None,
        aspects=None,
    )


def test_majority_answers_with_the_commonest_outcome():
    labels = majority([post("a", "other"), post("b", "irrelevant"), post("c", "irrelevant")])

    assert [label.relevant for label in labels] == [False] * 3


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Grok is great, I love it", "satisfaction"),
        ("最悪、重い", "latency"),
        ("Grok 4.1 is out", "other"),
        ("good but slow", "other"),
    ],
)
def test_sentiment_maps_moods_to_categories(text, category):
    (label,) = sentiment([post(text, "other")])

    assert label.category == category


@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="needs scikit-learn")
def test_tfidf_learns_what_it_is_shown():
    training = [post(f"so slow today {n}", "latency") for n in range(9)] + [
        post(f"number {n} of pistols", "irrelevant") for n in range(9)
    ]

    labels = tfidf_logreg([post("slow, so slow", "latency"), post("pistols", "irrelevant")], training)

    assert [label.category for label in labels] == ["latency", None]
    assert all(sum(label.probabilities.values()) == pytest.approx(1) for label in labels)


def test_a_contender_that_cannot_run_is_named_with_the_reason(tmp_path):
    rivals, skipped = compare([post("Grok", "other")], corpus=tmp_path, base=tmp_path / "base", cache=tmp_path)

    assert set(rivals) == {"majority", "sentiment"}
    assert list(skipped) == ["tfidf_logreg", "zero_shot_e5", "frozen_e5_linear"]
    assert skipped["zero_shot_e5"] == skipped["frozen_e5_linear"]
    lacking = "extra train" if importlib.util.find_spec("onnx") is None else str(tmp_path / "base")
    assert lacking in skipped["zero_shot_e5"]
    assert {"macro_f1", "accuracy", "relevance_f1", "share_error"} <= set(rivals["majority"])


@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="needs scikit-learn")
def test_a_contender_that_learns_runs_where_there_is_a_corpus(tmp_path):
    lines = [
        {
            "text": f"{word} thing {n}",
            "relevant": outcome != "irrelevant",
            "category": None if outcome == "irrelevant" else outcome,
        }
        for n in range(6)
        for word, outcome in (("slow", "latency"), ("pistol", "irrelevant"), ("headline", "other"))
    ]
    (tmp_path / "en.jsonl").write_text("\n".join(map(json.dumps, lines)))
    begun = []

    rivals, skipped = compare(
        [post("slow thing", "latency")], corpus=tmp_path, base=tmp_path, cache=tmp_path, on_start=begun.append
    )

    assert list(rivals) == ["majority", "sentiment", "tfidf_logreg"]
    assert begun == [*rivals, *skipped]


@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="needs scikit-learn")
def test_a_corpus_that_teaches_nothing_is_named_as_the_reason(tmp_path):
    (tmp_path / "en.jsonl").write_text('{"text": "Grok 5", "relevant": true, "category": "other"}')

    _, skipped = compare([post("Grok", "other")], corpus=tmp_path, base=tmp_path, cache=tmp_path)

    assert skipped["tfidf_logreg"].startswith("the training corpus does not suffice")


@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="needs scikit-learn")
def test_a_measured_post_is_not_learnt_from(tmp_path):
    (tmp_path / "en.jsonl").write_text('{"text": "Grok", "relevant": true, "category": "other"}')

    _, skipped = compare([post("Grok", "other")], corpus=tmp_path, base=tmp_path, cache=tmp_path)

    assert skipped["tfidf_logreg"] == "there is no training corpus here"


def test_figures_of_what_a_method_does_not_answer_are_absent_not_zero(tmp_path):
    rivals, _ = compare([post("Grok", "other")], corpus=tmp_path, base=tmp_path, cache=tmp_path)

    assert rivals["majority"]["polarity_macro_f1"] is None
    assert rivals["majority"]["aspects_micro_f1"] is None
