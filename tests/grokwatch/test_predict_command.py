"""`predict` is tested with a classifier that only knows one rule; the shipped model has its own tests."""

import io
import json
from collections.abc import Iterable, Iterator

import pytest

from classifiers.base import Document, Label, ModelCard
from classifiers.codebook import Aspect, Category, Polarity, Rival
from grokwatch.cli.predict import answer, app
from grokwatch.cli.session import UsageError


class KnowsSlow:
    """Takes every text that names Grok for relevant, and "slow" for latency; counts what it holds at a time."""

    card = ModelCard(version="slow-1", sha256="0" * 64, metrics={})

    def __init__(self) -> None:
        self.most_at_once = 0

    def label(self, documents: Iterable[Document]) -> Iterator[Label]:
        held = list(documents)
        self.most_at_once = max(self.most_at_once, len(held))
        for document in held:
            relevant = "grok" in document.text.lower()
            category = Category.LATENCY if "slow" in document.text else Category.OTHER
            yield Label(
                relevant=relevant,
                p_relevant=0.9 if relevant else 0.1,
                category=category if relevant else None,
                probabilities={c: 0.75 if c == category else 0.05 for c in Category},
                polarity=Polarity.NEGATIVE if relevant else None,
                aspects=(Aspect.SPEED,) if relevant else (),
                mentions=(Rival.CLAUDE,) if "Claude" in document.text else (),
                lang=document.lang or "und",
            )


def answers(*lines):
    out = io.BytesIO()
    encoded = [
        line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode() + b"\n"
        for line in lines
    ]
    tally = answer(encoded, KnowsSlow(), out)
    return tally, [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_gets_exactly_the_fields_of_the_contract():
    _, (given,) = answers({"id": "p1", "text": "Grok is slow, Claude is not", "lang": "en"})

    assert given == {
        "id": "p1",
        "lang": "en",
        "relevant": True,
        "p_relevant": 0.9,
        "category": "latency",
        "probabilities": {
            "excitement": 0.05,
            "latency": 0.75,
            "bias": 0.05,
            "satisfaction": 0.05,
            "abandonment": 0.05,
            "other": 0.05,
        },
        "polarity": "negative",
        "aspects": ["speed"],
        "mentions": ["claude"],
        "model": "slow-1",
    }


def test_what_is_not_relevant_has_no_category_and_no_polarity_but_still_probabilities():
    _, (given,) = answers({"id": 1, "text": "a recipe"})

    assert (given["relevant"], given["category"], given["polarity"], given["aspects"]) == (False, None, None, [])
    assert sum(given["probabilities"].values()) == pytest.approx(1)


def test_the_order_is_kept_over_many_lines_while_few_are_held():
    out, classifier = io.BytesIO(), KnowsSlow()

    answer((json.dumps({"id": n, "text": "Grok"}).encode() for n in range(5_000)), classifier, out)

    assert [json.loads(line)["id"] for line in out.getvalue().splitlines()] == list(range(5_000))
    assert classifier.most_at_once <= 1_024


def test_lines_of_megabytes_are_held_in_smaller_numbers():
    classifier = KnowsSlow()

    answer((json.dumps({"text": "Grok " * 400_000}).encode() for _ in range(24)), classifier, io.BytesIO())

    assert classifier.most_at_once <= 8


@pytest.mark.parametrize("identity", [None, 5, 1.5, True, "x", ["a", {"b": 1}], 2**80, "\ud800"])
def test_any_json_value_is_echoed_as_id(identity):
    _, (given,) = answers({"id": identity, "text": "Grok"})

    assert given["id"] == identity


@pytest.mark.parametrize(
    ("line", "identity", "reason"),
    [
        ("{broken", None, "the line is not JSON"),
        ("[" * 100_000, None, "the line is not JSON"),
        ('{"text": NaN}', None, "the line is not JSON"),
        ("[1]", None, "the line is not a JSON object"),
        ({"id": 7}, 7, 'the field "text" is missing'),
        ({"id": "a", "text": None}, "a", '"text" is not a string'),
        ({"id": "a", "text": "Grok", "lang": 3}, "a", '"lang" is not a string'),
        (b'{"text": "\xff"}\n', None, "the line is not UTF-8"),
    ],
)
def test_a_broken_line_is_answered_in_its_place(line, identity, reason):
    tally, given = answers({"id": 1, "text": "Grok"}, line, {"id": 3, "text": "Grok"})

    assert [row["id"] for row in given] == [1, identity, 3]
    assert given[1]["error"].startswith(reason)
    assert given[1]["line"] == 2
    assert (tally.labelled, tally.broken, tally.first_broken) == (2, 1, 2)


def test_blank_lines_and_a_byte_order_mark_get_no_answer():
    tally, given = answers("\ufeff" + json.dumps({"id": 1, "text": "Grok"}), "", "   ", {"text": "Grok"})

    assert [row["id"] for row in given] == [1, None]
    assert tally.broken == 0


def test_lone_surrogates_and_nul_in_a_text_are_no_error():
    tally, given = answers('{"id": "\\udc00", "text": "Grok \\ud800 \\u0000 is slow"}')

    assert given[0]["category"] == "latency"
    assert tally.broken == 0


def test_text_stays_readable_in_the_answer():
    out = io.BytesIO()

    answer([json.dumps({"id": "グロック", "text": "Grok"}).encode()], KnowsSlow(), out)

    assert "グロック" in out.getvalue().decode()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent.jsonl"], "absent.jsonl can't be read: No such file or directory"),
        (["."], ". can't be read: Is a directory"),
        (["--lang", "en"], "--lang goes with --text"),
        (["posts.jsonl", "--text", "Grok"], "a file and --text were both given"),
    ],
)
def test_a_wrong_call_is_told_in_one_sentence(arguments, said):
    with pytest.raises(UsageError) as caught:
        app(arguments, standalone_mode=False)

    assert str(caught.value) == said
