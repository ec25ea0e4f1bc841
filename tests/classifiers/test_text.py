# ruff: noqa: RUF001 - posts in every script
import html
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.text import MAX_CHARACTERS, normalise

FRAGMENTS = (
    "&amp;", "&lt;", "&#38;", "&#x200B;", "amp;", "*", "**", "_", "__", "~~", "`", "```\n", ">", "> ", ">!", "!<", "[", "]", "(", ")", "[link]",
    "https://a.b/c", "https://grok.com/", "www.x.ai", "t.co/ab", "RT @a: ", "@abc", "@grok", "u/abc", "\\", "^(", "#", " # ", "\n", "\n\n", " ", "---",
    "|--|--|", "[deleted]", "[removed]", "a", "Grok", "é", "e\u0301", "\u0301", "\u0323", "\u0336", "\u200d", "\u200c", "\ufe0f", "😀", "👩", "क्", "ﬁ",
    "ｇｒｏｋ", "！", "　", "ｶﾞ", "\ud83d", "\ude00", "\x00", "\r", "\u2028", "𝗚", "<b>", "</p>", "<br>", "!!!!", "1111", "aaaa", "ㅋㅋㅋㅋ", "\u1112\u1161", "็็็็", "ﻙ",
)  # fmt: skip
MESSY = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=4)), max_size=14).map("".join)


@given(MESSY)
@settings(deadline=None, max_examples=400)
def test_normalising_twice_is_normalising_once(text):
    once = normalise(text)

    assert normalise(once) == once


@given(st.one_of(MESSY, st.text(alphabet=st.characters(codec=None), max_size=200)))
@settings(deadline=None, max_examples=300)
def test_whatever_comes_in_nfc_without_surrogates_nul_or_invisible_signs_comes_out(text):
    result = normalise(text)

    assert unicodedata.is_normalized("NFC", result)
    result.encode()
    assert not set("\x00\u200b\ufeff\u202e\r") & set(result)
    assert len(result) <= MAX_CHARACTERS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RT @someone: Grok is down again https://t.co/AbC123", "Grok is down again [link]"),
        ("**Grok** is *so* slow, see [this post](https://example.com/x_(y)) ~~good~~", "Grok is so slow, see this post [link] good"),
        ("__init__ and snake_case_name", "init and snake_case_name"),
        ("5 * 3 * 2 = 30", "5 * 3 * 2 = 30"),
        ("&gt; Grok is great\n\nNo it isn&#39;t &amp;amp; never was", "> Grok is great\n\nNo it isn't & never was"),
        (">>! not a spoiler", "> ! not a spoiler"),
        (">!Grok wins!< at the end", "Grok wins at the end"),
        ("Is it me?\n\n[removed]", "Is it me?"),
        ("[deleted]", ""),
        ("[ Removed by Reddit ]", ""),
        ("G\u200br\u200bo\ufeffk", "Grok"),
        ("Ｇｒｏｋ　４．１", "Grok 4.1"),
        ("ｸﾞﾛｯｸ", "グロック"),
        ("𝗚𝗿𝗼𝗸 Ⓖⓡⓞⓚ", "Grok Grok"),
        ("½ of ㍻ ™", "½ of ㍻ ™"),
        ("①ChatGPT ②Grok", "①ChatGPT ②Grok"),
        ("G̶r̶o̶k̶", "Grok"),
        ("soooooooo slow!!!!!!", "sooo slow!!!"),
        ("❤️❤️❤️❤️❤️❤️", "❤️❤️❤️"),
        ("1000000 users", "1000000 users"),
        ("@realperson @grok is this true? /u/bob", "@user @grok is this true? u/user"),
        ("@elonmusk @ChatGPTapp", "@elonmusk @ChatGPTapp"),
        ("me@example.com", "me@example.com"),
        ("https://grok.com/ hangs, so does https://x.ai", "grok.com hangs, so does x.ai"),
        ("https://grok.com/share/abc", "[link]"),
        ("a https://t.co/a https://t.co/b b", "a [link] b"),
        ("看看https://t.co/abc，很好", "看看[link],很好"),
        ("<p>Grok&#x27;s <i>fine</i></p><b>yes</b>", "Grok's fine\nyes"),
        ("I <3 Grok, 3 < 5 > 2", "I <3 Grok, 3 < 5 > 2"),
        ("| a | b |\n|---|---|\n| Grok | slow |", "| a | b |\n| Grok | slow |"),
        ("# Review\n\nfine\n\n\n\n---\n\nC# too", "Review\n\nfine\n\nC# too"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("Vie\u0323\u0302t", "Việt"),
        ("\ud83d\ude00 \ud800x", "😀 x"),
        ("  \x00 \u2028 ", ""),
    ],
)  # fmt: skip
def test_artefacts_of_the_platforms_are_evened_out(text, expected):
    assert normalise(text) == expected


def test_stacked_marks_are_taken_off_and_letters_stay():
    zalgo = "".join(letter + "\u0315\u0316\u0323\u0301\u0489\u035b\u0328" * 3 for letter in "Grok")

    assert normalise(zalgo + " is broken") == "Grok is broken"


def test_a_long_code_block_does_not_drown_the_post():
    text = normalise("Grok wrote this:\n```python\n" + "x = 1\n" * 500 + "```\nand it is wrong")

    assert text.startswith("Grok wrote this:\nx = 1")
    assert text.endswith("…\nand it is wrong")
    assert len(text) < 300


def test_a_long_quote_is_shortened_and_the_answer_kept():
    text = normalise("> " + "Grok is the best thing ever. " * 100 + "\n\nI cancelled it.")

    assert text.startswith("> Grok is the best")
    assert text.endswith("\n\nI cancelled it.")
    assert len(text) < 400


def test_a_text_beyond_the_limit_ends_at_a_word():
    text = normalise("word " * 50_000)

    assert MAX_CHARACTERS - 10 < len(text) <= MAX_CHARACTERS
    assert text.endswith("word")


@pytest.mark.parametrize(
    "piece",
    ["a", " ", "\x00", "\ud800", "&amp;", "&#38;", "&", "[", "[a](", "> ", ">!", "*a", "**", "_a ", "```\n", "<a ", "https://", "\\", "^(", "~~a", "|--", "# ",
     "@a", "u/a", "\u200d", "\n ", "\u0301\u0323\u0316", "e\u0301\u0323", "(", "www.(", "[[a](b)](c) ", "RT @a: ", html.escape("<b>")],
)  # fmt: skip
def test_ten_megabytes_of_anything_take_less_than_a_second(piece):
    text = piece * (10_000_000 // len(piece))

    begun = time.process_time()
    normalise(text)

    assert time.process_time() - begun < 1.0


@pytest.mark.parametrize(
    "text", ["*_" * 50 + "Grok" + "_*" * 50, "&" + "#38;" * 50 + "lt;b", "[" * 50 + "Grok" + "](https://a.b/c)" * 50]
)
def test_markup_nested_deeper_than_people_write_settles_too(text):
    once = normalise(text)

    assert normalise(once) == once
