from pathlib import Path

import orjson
import pytest

from classifiers.codebook import OUTCOMES
from classifiers.training import corpus

GOOD = {
    "n": 0, "text": "Grok is down again", "lang": "en", "source": "x", "relevant": True, "category": "latency",
    "polarity": "negative", "aspects": ["reliability"], "origin": "written",
}  # fmt: skip


@pytest.fixture(scope="module")
def shipped() -> list[corpus.Example]:
    return corpus.load()


def folder_with(folder: Path, *rows: dict[str, object] | bytes) -> Path:
    lines = [row if isinstance(row, bytes) else orjson.dumps(row) for row in rows]
    (folder / "life-en.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return folder


def test_shipped_posts_follow_schema_and_codebook(shipped: list[corpus.Example]):
    assert len(shipped) > 10_000
    assert {example.outcome for example in shipped} == set(OUTCOMES)
    assert len({example.lang for example in shipped}) >= 32


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"category": "anger"}, "anger"),
        ({"relevant": False}, "exactly where the post is relevant"),
        ({"category": None}, "exactly where the post is relevant"),
        ({"relevant": False, "category": None, "polarity": None}, "no aspects"),
        ({"aspects": ["colour"]}, "colour"),
        ({"text": "  "}, "empty"),
        ({"text": "Grok est ge\u0301nial"}, "NFC"),
        ({"origin": "real:x"}, "written for this project"),
    ],
)
def test_a_line_that_breaks_the_rules_is_refused_with_its_place(
    tmp_path: Path, change: dict[str, object], complaint: str
):
    folder = folder_with(tmp_path, GOOD, {**GOOD, **change})

    with pytest.raises(corpus.CorpusError, match=rf"life-en\.jsonl:2: .*{complaint}"):
        corpus.load(folder)


def test_a_half_written_line_is_refused_with_its_place(tmp_path: Path):
    with pytest.raises(corpus.CorpusError, match=r"life-en\.jsonl:2"):
        corpus.load(folder_with(tmp_path, GOOD, b'{"n": 1, "text": "Gr'))


def test_an_empty_folder_is_refused(tmp_path: Path):
    with pytest.raises(corpus.CorpusError, match="No posts"):
        corpus.load(tmp_path)


def test_a_tenth_of_real_life_and_what_was_written_for_it_is_validation(shipped: list[corpus.Example]):
    parts = corpus.split(shipped)

    tenth = [example for example in parts["validation"] if not example.file.startswith(corpus.OTHER_HAND)]
    real = sum(example.real_life and not example.file.startswith(corpus.OTHER_HAND) for example in shipped)
    assert all(example.real_life for example in parts["validation"])
    assert 0.08 * real < len(tenth) < 0.12 * real
    assert not any(example.file.startswith(corpus.OTHER_HAND) for example in parts["train"])
    assert not {example.digest for example in parts["train"]} & {example.digest for example in parts["validation"]}


def test_the_split_of_a_post_stays_when_others_are_added(shipped: list[corpus.Example]):
    some = [example for example in shipped if example.file.startswith("life-en")]

    before, after = corpus.split(some), corpus.split(shipped)

    assert {example.digest for example in before["validation"]} <= {example.digest for example in after["validation"]}


def test_near_duplicates_are_found_across_case_and_signs():
    texts = [
        "Grok has been slow since the update on Monday morning!",
        "Claude wrote me a poem about the sea and its ships",
    ]
    others = ["nothing alike in here at all, is there", "grok has been SLOW since the update, on Monday morning"]

    assert corpus.near_duplicates(texts, others) == {0: 1}


def test_a_list_compared_with_itself_names_the_later_of_two():
    texts = ["Grok is fast", "Grok is slow today", "Grok is fast."]

    assert corpus.near_duplicates(texts, texts) == {2: 0}
