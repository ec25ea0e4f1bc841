# ruff: noqa: RUF001 - posts in every script
import json

from classifiers.leakage import TrainingText, find, read_corpus

LONG = "Grok took ninety seconds to say hello this morning and then it lost the whole conversation, so I went back to the old app"
CHINESE = "今天早上用格罗克写周报，等了整整一分半钟才吐出一句你好，然后整段对话都没了，真的服气"


def training(*texts):
    return [TrainingText(file="en.jsonl", line=number, text=text) for number, text in enumerate(texts, start=1)]


def test_an_equal_text_is_found_with_its_place():
    (leak,) = find(["something else entirely, about cats", LONG], training("cats", LONG))

    assert (leak.number, leak.source.line, leak.overlap) == (1, 2, 1.0)


def test_case_markup_links_and_punctuation_do_not_hide_a_copy():
    (leak,) = find(["**" + LONG.upper().replace(",", "") + "!!** https://t.co/x"], training(LONG))

    assert leak.overlap == 1.0


def test_a_text_with_a_few_words_changed_is_found():
    (leak,) = find([LONG.replace("ninety", "sixty").replace("old app", "previous app")], training(LONG))

    assert 0.5 <= leak.overlap < 1


def test_a_changed_text_in_a_script_without_spaces_is_found():
    assert find([CHINESE.replace("一分半钟", "两分钟")], training(CHINESE))


def test_posts_on_one_subject_are_no_copies():
    other = (
        "Grok took forever again this morning, I gave up and asked my colleague instead, who knew the answer right away"
    )

    assert find([LONG], training(other)) == []


def test_stock_phrases_prove_nothing():
    assert find(["@grok is this true?"], training("@grok is this true?")) == []


def test_a_short_sentence_that_is_equal_is_found():
    assert find(["Grok 5 cannot come soon enough for me"], training("grok 5 cannot come soon enough for me!!"))


def test_the_closest_training_text_is_named():
    near = LONG.replace("ninety", "sixty")

    (leak,) = find([LONG], training(near, LONG))

    assert leak.source.line == 2


def test_empty_texts_are_no_copies_of_each_other():
    assert find(["", "[deleted]"], training("", "[removed]")) == []


def test_a_corpus_is_read_in_the_order_of_files_and_lines(tmp_path):
    (tmp_path / "b.jsonl").write_text(json.dumps({"text": "second"}) + "\n")
    (tmp_path / "a.jsonl").write_text('not json\n{"no": "text"}\n' + json.dumps({"text": "first"}) + "\n")

    texts = list(read_corpus(tmp_path))

    assert [(text.file, text.line, text.text) for text in texts] == [("a.jsonl", 3, "first"), ("b.jsonl", 1, "second")]


def test_without_a_corpus_nothing_can_leak(tmp_path):
    assert list(read_corpus(tmp_path / "absent")) == []
