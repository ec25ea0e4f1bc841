"""`grokwatch explain`, with the shipped model."""

import json

from sqlalchemy import text

from classifiers.codebook import Category

FIELDS = [
    "post", "outcome", "relevant", "p_relevant", "category", "probabilities", "polarity", "aspects", "lang", "text", "probability",
    "words", "neighbours", "neighbours_missing", "model",
]  # fmt: skip


def test_the_fields_other_programs_read(grokwatch):
    called = grokwatch("explain", "Grok has been down all morning, every request times out", "--json")

    found = json.loads(called.out)
    assert called.code == 0
    assert list(found) == FIELDS
    assert (found["post"], found["outcome"], found["category"], found["relevant"]) == (None, "latency", "latency", True)
    assert all(set(word) == {"text", "start", "end", "weight", "names_grok"} for word in found["words"])
    assert all(found["text"][word["start"] : word["end"]] == word["text"] for word in found["words"])
    heaviest = sorted(found["words"], key=lambda word: -word["weight"])[:4]
    assert {"down", "times", "out"} & {word["text"] for word in heaviest}
    assert len(found["neighbours"]) == 3 or found["neighbours_missing"]


def test_people_get_words_with_bars(grokwatch):
    called = grokwatch("explain", "今日もGrokが重くて全然返ってこない。エラーばかりで使えない", "--lang", "ja")

    assert called.code == 0
    assert called.out.startswith("latency, probability 0.")
    assert "Spoke for it:" in called.out
    assert "エラーばかりで" in called.out
    assert "Nearest training posts" in called.out


def test_square_brackets_of_a_text_are_no_markup(grokwatch):
    called = grokwatch("explain", "[bold]Grok[/bold] is down [red]now[/red] [/]")

    assert called.code == 0


def test_a_stored_post_is_named_by_its_number(grokwatch, sqlite_archive):
    sqlite_archive.add(1, Category.LATENCY)
    found = json.loads(grokwatch("explain", "--post", "1", "--json").out)

    assert found["post"] == 1
    assert found["text"] == "Grok, number 1"


def test_a_post_that_is_not_there_or_was_deleted_is_told(grokwatch, sqlite_archive):
    sqlite_archive.add(1, Category.LATENCY)
    with sqlite_archive.engine.begin() as connection:
        connection.execute(text("UPDATE posts SET deleted_at = created_at, text = NULL, title = NULL"))

    absent, deleted = grokwatch("explain", "--post", "9"), grokwatch("explain", "--post", "1", "--json")

    assert (absent.code, deleted.code) == (2, 2)
    assert "there is no post 9" in absent.err
    assert "deleted" in json.loads(deleted.err)["error"]


def test_wrong_calls_are_told(grokwatch):
    for arguments, said in (
        ((), "neither a text nor --post"),
        (("Grok", "--post", "1"), "both"),
        (("--post", "1", "--lang", "ja"), "--lang"),
        (("--post", "0"), "--post"),
    ):
        called = grokwatch("explain", *arguments)
        assert called.code == 2
        assert said in called.err
        assert "Traceback" not in called.err
