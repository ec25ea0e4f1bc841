"""`evaluate` is tested with a classifier that only knows one rule; the shipped model has its own tests."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from classifiers import gold, leakage
from classifiers.base import ClassifierError, Document, Label, ModelCard
from classifiers.codebook import Category
from grokwatch.cli.evaluate import app, measure, show
from grokwatch.cli.session import UsageError

LINES = [
    {"id": "1", "text": "Grok is slow", "lang": "en", "source": "x", "relevant": True, "category": "latency", "polarity": "negative", "aspects": ["speed"]},
    {"id": "2", "text": "a [red]recipe[/red]", "lang": "en", "source": "x", "relevant": False, "category": None, "polarity": None, "aspects": []},
    {"id": "3", "text": "Grok 遅い", "lang": "ja", "source": "reddit", "relevant": True, "category": "latency", "polarity": "negative", "aspects": ["speed"]},
]  # fmt: skip


class KnowsSlow:
    """Takes every text that names Grok for relevant, and "slow" for latency."""

    card = ModelCard(version="slow-1", sha256="0" * 64, metrics={})

    def label(self, documents: Iterable[Document]) -> Iterator[Label]:
        for document in documents:
            relevant = "grok" in document.text.lower()
            category = Category.LATENCY if "slow" in document.text else Category.OTHER
            yield Label(
                relevant=relevant,
                p_relevant=0.9 if relevant else 0.1,
                category=category if relevant else None,
                probabilities={c: 0.75 if c == category else 0.05 for c in Category},
                polarity=None,
                aspects=(),
                mentions=(),
                lang="und",
            )


@pytest.fixture
def labelled(tmp_path) -> Path:
    path = tmp_path / "labelled.jsonl"
    path.write_text("\n".join(map(json.dumps, LINES)))
    return path


def measured_without_extras(posts, folder: Path):
    """Measure where there is neither a corpus nor a base encoder."""
    return measure(posts, KnowsSlow(), corpus=folder / "none", base=folder / "base", cache=folder / "cache", seed=0)


def test_the_figures_hold_what_other_programs_rely_on(labelled, tmp_path):
    _, figures = measured_without_extras(gold.read(labelled), tmp_path)

    assert json.loads(json.dumps(figures)) == figures
    assert {
        "n", "accuracy", "macro_f1", "macro_f1_ci", "relevance_f1", "polarity_macro_f1", "aspects_micro_f1", "ece", "share_error", "per_class",
        "per_language", "rivals", "model",
    } <= set(figures)  # fmt: skip
    assert (figures["n"], figures["model"], figures["accuracy"]) == (3, "slow-1", 0.6667)
    assert figures["rivals"]["majority"]["accuracy"] == 0.6667
    assert set(figures["rivals_skipped"]) == {"tfidf_logreg", "zero_shot_e5", "frozen_e5_linear"}


def test_rivals_can_be_left_out(labelled, tmp_path):
    _, figures = measure(gold.read(labelled), KnowsSlow(), corpus=None, base=tmp_path, cache=tmp_path, seed=0)

    assert (figures["rivals"], figures["rivals_skipped"]) == ({}, {})


def test_the_terminal_shows_every_part_and_what_posts_say_as_it_stands(labelled, tmp_path, capsys):
    posts = gold.read(labelled)
    posts[1] = gold.GoldPost(
        line=2,
        id=None,
        text="about Grok: [red]recipe[/red]",
        lang="en",
        source="x",
        relevant=False,
        category=None,
        polarity=None,
        aspects=None,
    )
    measured, figures = measured_without_extras(posts, tmp_path)

    show(measured, figures, "labelled.jsonl")

    shown = capsys.readouterr().out
    for part in (
        "macro-F1, seven outcomes",
        "Rivals",
        "Outcomes",
        "Confusion",
        "Calibration",
        "Shares",
        "Language groups",
        "Sources",
        "Surest mistakes",
    ):
        assert part in shown
    assert "[red]recipe[/red]" in shown
    assert "frozen_e5_linear was left out: " in shown


class GivesUp(KnowsSlow):
    """Answers for English posts only."""

    def label(self, documents: Iterable[Document]) -> Iterator[Label | None]:
        documents = list(documents)
        for document, label in zip(documents, super().label(documents), strict=True):
            yield label if document.lang == "en" else None


def test_posts_without_an_answer_are_counted_and_measured_for_nobody(labelled, tmp_path, capsys):
    measured, figures = measure(gold.read(labelled), GivesUp(), corpus=tmp_path, base=tmp_path, cache=tmp_path, seed=0)

    show(measured, figures, "labelled.jsonl")

    assert (figures["n"], figures["unlabelled"]) == (2, 1)
    assert figures["rivals"]["majority"]["accuracy"] == 0.5
    assert "1 more got no label" in capsys.readouterr().out


def test_a_model_that_labels_nothing_is_told(labelled, tmp_path):
    japanese = [post for post in gold.read(labelled) if post.lang == "ja"]

    with pytest.raises(ClassifierError, match="none of the posts"):
        measure(japanese, GivesUp(), corpus=None, base=tmp_path, cache=tmp_path, seed=0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no labelled post"),
        ("{broken", "line 1 is not JSON"),
        ('{"text": "a", "relevant": true, "category": "joy"}', 'line 1: "category" is "joy"'),
    ],
)
def test_a_file_that_can_not_be_measured_is_told_in_one_sentence(tmp_path, content, said):
    path = tmp_path / "bad.jsonl"
    path.write_text(content)

    with pytest.raises(UsageError) as caught:
        app([str(path)], standalone_mode=False)

    assert said in str(caught.value)
    assert caught.value.mend


def test_a_missing_file_and_a_report_without_a_folder_are_told(labelled, tmp_path):
    with pytest.raises(UsageError, match="can't be read"):
        app([str(tmp_path / "absent.jsonl")], standalone_mode=False)
    with pytest.raises(UsageError, match="does not exist"):
        app([str(labelled), "--report", str(tmp_path / "absent" / "out.html")], standalone_mode=False)


@pytest.mark.skipif(not list(leakage.CORPUS.glob("*.jsonl")), reason="needs the training corpus")
def test_posts_of_the_training_corpus_are_refused_with_both_line_numbers(labelled, capsys):
    trained = next(text for text in leakage.read_corpus() if len(text.text) > 100)
    copied = LINES[0] | {"text": trained.text + " !!"}
    labelled.write_text("\n".join(map(json.dumps, [LINES[1], copied])))

    code = app([str(labelled)], standalone_mode=False)

    assert code == 1
    told = " ".join(capsys.readouterr().err.split())
    assert f"line 2 ({trained.file} line {trained.line})" in told
    assert "--allow-leakage" in told
