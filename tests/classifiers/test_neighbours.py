"""The nearest training posts: found by the direction of their features, told apart from a corpus that is not there any more."""

import json

import numpy as np
import pytest

from classifiers import neighbours
from classifiers.neighbours import Sketch

FEATURES = np.array([[1, 0, 0], [0.9, 0.1, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0]], np.float32) * 5
TEXTS = ["Grok is slow", "Grok is late", "Grok is kind", "a recipe", "Grok is quick"]
SHA = "1" * 64


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for file, rows in (("en.jsonl", TEXTS[:3]), ("ja.jsonl", TEXTS[3:])):
        lines = [
            json.dumps({"text": text, "lang": "en", "category": "other" if "Grok" in text else None}) for text in rows
        ]
        (folder / file).write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def sketch():
    return Sketch(
        sha256=SHA,
        mean=np.zeros(3, np.float32),
        axes=np.eye(3, dtype=np.float16),
        points=neighbours.rounded(FEATURES),
        files=np.array(["en.jsonl", "ja.jsonl"]),
        file_number=np.array([0, 0, 0, 1, 1], np.uint16),
        line=np.array([1, 2, 3, 1, 2], np.uint32),
        checksum=np.array([neighbours.checksum(text) for text in TEXTS], np.uint32),
    )


def test_the_nearest_posts_come_first_with_text_and_label(sketch, corpus):
    found = neighbours.nearest(np.array([2.0, 0.1, 0]), sketch, corpus=corpus)

    assert [post.text for post in found.posts] == ["Grok is slow", "Grok is late", "Grok is kind"]
    assert found.posts[0].similarity == pytest.approx(1, abs=0.01)
    assert (found.posts[0].file, found.posts[0].line, found.posts[0].outcome, found.posts[0].lang) == (
        "en.jsonl", 1, "other", "en",
    )  # fmt: skip
    assert found.missing is None


def test_a_post_that_is_not_about_grok_says_so(sketch, corpus):
    assert neighbours.nearest(np.array([0, 0, 1.0]), sketch, corpus=corpus).posts[0].outcome == "irrelevant"


def test_what_was_stored_is_read_back(sketch, tmp_path):
    neighbours.write(sketch, tmp_path)
    read = neighbours.read(tmp_path, SHA)

    assert isinstance(read, Sketch)
    assert all(np.array_equal(getattr(read, name), getattr(sketch, name)) for name in Sketch.__dataclass_fields__)


def test_without_the_corpus_places_remain(sketch, tmp_path):
    found = neighbours.nearest(np.array([1.0, 0, 0]), sketch, corpus=tmp_path / "absent")

    assert [(post.line, post.text, post.outcome) for post in found.posts] == [
        (1, None, None), (2, None, None), (3, None, None),
    ]  # fmt: skip


def test_a_line_that_holds_another_text_by_now_is_not_shown(sketch, corpus):
    (corpus / "en.jsonl").write_text(json.dumps({"text": "Grok is news", "lang": "en", "category": "other"}))
    found = neighbours.nearest(np.array([1.0, 0, 0]), sketch, corpus=corpus)

    assert [post.text for post in found.posts] == [None, None, None]


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"PK\x03\x04" + b"\0" * 50])
def test_a_damaged_file_is_told(tmp_path, content):
    (tmp_path / neighbours.FILE).write_bytes(content)

    assert "damaged" in neighbours.read(tmp_path, SHA)


def test_features_of_other_weights_are_not_compared(sketch, tmp_path):
    neighbours.write(sketch, tmp_path)

    assert "other weights" in neighbours.read(tmp_path, "2" * 64)


def test_a_folder_without_the_file_is_told(tmp_path):
    assert "without" in neighbours.read(tmp_path, SHA)


def test_zeros_have_no_direction_and_do_no_harm(sketch, corpus):
    assert len(neighbours.nearest(np.zeros(3), sketch, corpus=corpus).posts) == neighbours.SHOWN
    assert (neighbours.rounded(np.zeros((1, 3), np.float32)) == 0).all()
