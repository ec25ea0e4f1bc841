"""The file that says what another model's labels mean: what is understood, and what is refused with the label's name."""

from pathlib import Path

import pytest

from classifiers import meanings
from classifiers.base import ClassifierError
from classifiers.codebook import Aspect, Category, Polarity
from classifiers.meanings import Relevance

MOODS = ["negative", "neutral", "positive"]
GOOD = """
labels:
  positive: {category: {satisfaction: 3, excitement: 1}, polarity: positive, aspects: [writing]}
  neutral: other
  negative: {category: other, polarity: negative}
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "labels.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_sentiment_model_is_mapped(write):
    found = meanings.read(write(GOOD), MOODS)

    assert found.relevance is Relevance.SHIPPED
    assert found.labels["positive"].shares == {Category.SATISFACTION: 0.75, Category.EXCITEMENT: 0.25}
    assert (found.labels["positive"].polarity, found.labels["positive"].aspects) == (
        Polarity.POSITIVE,
        (Aspect.WRITING,),
    )
    assert found.labels["neutral"].shares == {Category.OTHER: 1}
    assert found.labels["neutral"].polarity is None


def test_a_label_that_means_irrelevant_decides_relevance(write):
    found = meanings.read(write("labels: {a: irrelevant, b: bias}"), ["a", "b"])

    assert found.relevance is Relevance.LABELS
    assert found.labels["a"].shares == {}


def test_relevance_may_be_said(write):
    assert meanings.read(write(GOOD + "relevance: named"), MOODS).relevance is Relevance.NAMED


def test_the_way_of_writing_changes_nothing(write):
    one = meanings.read(write(GOOD), MOODS).canonical
    other = meanings.read(
        write(GOOD.replace("{satisfaction: 3, excitement: 1}", "{excitement: 1, satisfaction: 3}")), MOODS
    )

    assert other.canonical == one
    assert meanings.read(write(GOOD.replace("satisfaction: 3", "satisfaction: 4")), MOODS).canonical != one


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("neutral:", "nuetral:"), "no label 'nuetral', it has negative, neutral, positive"),
        (GOOD.replace("  neutral: other\n", ""), "does not say what the model's label 'neutral' means"),
        (GOOD.replace("neutral: other", "neutral: joy"), "the category of 'neutral' is 'joy', not one of excitement"),
        (GOOD.replace("polarity: negative", "polarity: bad"), "the polarity of 'negative' is 'bad'"),
        (GOOD.replace("[writing]", "[style]"), "the aspects of 'positive' are not a list of some of speed"),
        (GOOD.replace("satisfaction: 3", "satisfaction: -3"), "the share of satisfaction in 'positive'"),
        (GOOD.replace("satisfaction: 3", "satisfaction: .nan"), "the share of satisfaction in 'positive'"),
        (GOOD.replace("3, excitement: 1", "0, excitement: 0"), "shares of 'positive' are all zero"),
        (GOOD.replace("aspects:", "aspect:"), "the label 'positive' has 'aspect'"),
        (GOOD.replace("category: other, ", ""), "the label 'negative' has no category"),
        (GOOD.replace("positive: {", "no: {"), "the label False is no text"),
        (GOOD + "relevance: maybe", "relevance is 'maybe', not one of shipped, labels, named, all"),
        (GOOD + "relevance: labels", "none of them means irrelevant"),
        (GOOD + "threshold: 1", "it holds 'threshold'"),
        ("labels: {negative: irrelevant, neutral: irrelevant, positive: irrelevant}", "every label means irrelevant"),
        ("labels: [a", r"is not YAML \(line 1\)"),
        ("labels:", "no list of labels"),
        ("positive", "not a mapping"),
        ("", "not a mapping"),
        ("# " + "x" * 200_000, "too large"),
    ],
)
def test_a_file_that_can_not_be_used_is_refused_with_the_place(write, text, said):
    with pytest.raises(ClassifierError, match=said) as refused:
        meanings.read(write(text), MOODS)

    assert "labels.yaml" in str(refused.value)
    assert refused.value.mend


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ClassifierError, match=r"absent\.yaml can't be read") as refused:
        meanings.read(tmp_path / "absent.yaml", MOODS)

    assert "GROKWATCH_MODEL_LABELS" in refused.value.mend


def test_labels_with_the_codebooks_names_need_no_file():
    assert meanings.standard(["latency", "other"]).relevance is Relevance.SHIPPED
    assert meanings.standard(["latency", "irrelevant"]).relevance is Relevance.LABELS
    assert meanings.standard(["latency", "LABEL_1"]) is None
    assert meanings.standard(["irrelevant"]) is None
