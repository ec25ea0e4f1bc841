import json

import pytest

from classifiers.codebook import Aspect, Category, Polarity
from classifiers.gold import GoldError, read

GOOD = {
    "id": "a1",
    "text": "Grok hangs again",
    "lang": "en",
    "source": "x",
    "relevant": True,
    "category": "latency",
    "polarity": "negative",
    "aspects": ["reliability"],
    "origin": "written",
}


def written(tmp_path, *lines):
    path = tmp_path / "gold.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return path


def test_a_line_of_the_codebook_format_is_read(tmp_path):
    (post,) = read(written(tmp_path, GOOD))

    assert (post.line, post.id, post.lang, post.source) == (1, "a1", "en", "x")
    assert (post.relevant, post.category, post.polarity) == (True, Category.LATENCY, Polarity.NEGATIVE)
    assert post.aspects == {Aspect.RELIABILITY}
    assert post.outcome == "latency"


def test_a_post_that_is_not_about_grok_has_the_seventh_outcome(tmp_path):
    (post,) = read(written(tmp_path, GOOD | {"relevant": False, "category": None, "polarity": None, "aspects": []}))

    assert post.outcome == "irrelevant"


def test_blank_lines_and_a_byte_order_mark_are_no_posts_and_lines_keep_their_numbers(tmp_path):
    posts = read(written(tmp_path, "\ufeff" + json.dumps(GOOD), "", "  ", GOOD))

    assert [post.line for post in posts] == [1, 4]


def test_polarity_and_aspects_may_be_untold(tmp_path):
    (post,) = read(written(tmp_path, {"text": "Grok!", "relevant": True, "category": "other"}))

    assert (post.polarity, post.aspects, post.lang, post.source) == (None, None, None, "unknown")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{broken", "line 2 is not JSON"),
        ("[1]", "line 2 is not a JSON object"),
        ({"relevant": True, "category": "other"}, 'line 2: the field "text" is missing'),
        ({"text": "a", "category": "other"}, 'line 2: the field "relevant" is missing'),
        ({"text": "a", "relevant": True}, 'line 2: the field "category" is missing'),
        (GOOD | {"text": 5}, 'line 2: "text" is not a string'),
        (GOOD | {"relevant": "yes"}, 'line 2: "relevant" is neither true nor false'),
        (GOOD | {"category": "anger"}, 'line 2: "category" is "anger", not one of excitement, latency'),
        (GOOD | {"category": ["latency"]}, 'line 2: "category" is ["latency"], not one of'),
        (GOOD | {"category": None}, 'line 2: "category" is null although the post is relevant'),
        (GOOD | {"relevant": False}, 'line 2: "category" is "latency" although the post is not relevant'),
        (GOOD | {"polarity": "angry"}, 'line 2: "polarity" is "angry", not one of positive'),
        (GOOD | {"relevant": False, "category": None}, 'line 2: "polarity" is "negative" although'),
        (GOOD | {"aspects": "speed"}, 'line 2: "aspects" is not a list'),
        (GOOD | {"aspects": ["haste"]}, 'line 2: "aspects" holds "haste", not one of'),
        (GOOD | {"lang": 7}, 'line 2: "lang" is not a string'),
    ],
)
def test_a_line_that_breaks_the_format_is_named_with_its_number(tmp_path, line, said):
    with pytest.raises(GoldError) as caught:
        read(written(tmp_path, GOOD, line))

    assert str(caught.value).startswith(said)
    assert caught.value.mend


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(GoldError, match="holds no labelled post"):
        read(written(tmp_path, ""))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(GoldError, match="can't be read: No such file"):
        read(tmp_path / "absent.jsonl")
