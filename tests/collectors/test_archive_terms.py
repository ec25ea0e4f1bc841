"""Names of Grok are found in raw bytes as surely as in parsed text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import CollectorError
from collectors.terms import TermMatcher
from grokwatch.settings import DEFAULT_TERMS

MATCHER = TermMatcher(DEFAULT_TERMS)
# ruff: noqa: RUF001 - Cyrillic is meant
SPELLINGS = (
    "grok", "Grok", "GROK", "gRoK", "@grok", "SuperGrok", "グロック", "그록", "Грок", "грок", "ГРОК", "гРоК", "جروك", "غروك", "ग्रोक",
)  # fmt: skip


def line(text: str, *, escaped: bool) -> bytes:
    return json.dumps({"id": "1", "body": text}, ensure_ascii=escaped).encode() + b"\n"


@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_found_in_utf8_and_in_escapes(spelling, escaped):
    block = line("nothing here", escaped=escaped) + line(f"so {spelling}!", escaped=escaped)
    scan = MATCHER.scan(block)
    assert len(scan.hits) == 1
    assert scan.newlines[0] < scan.hits[0] < scan.newlines[1]


@pytest.mark.parametrize("shift", range(8))
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_name_is_found_at_every_alignment_and_at_both_ends(spelling, shift):
    raw = spelling.encode()
    assert MATCHER.scan(b"x" * shift + raw).hits.size == 1
    assert MATCHER.scan(raw + b"x" * shift).hits.size == 1


def test_upper_case_digits_in_escapes_are_found():
    assert MATCHER.scan(rb'"\u30B0\u30ED\u30C3\u30AF"').hits.tolist() == [1]
    assert MATCHER.scan(rb'"\u0413\u0420\u041E\u041A"').hits.tolist() == [1]


def test_decomposed_letters_are_found():
    decomposed = "ク\u3099ロック"
    assert MATCHER.scan(decomposed.encode()).hits.size == 1
    assert MATCHER.names(decomposed)


@pytest.mark.parametrize("text", ["groo", "gr ok", "rok", "Groq chips", "グロ", "грот", "\\u30b0\\u30ed", "g\\u0072ok"])
def test_what_only_resembles_a_name_is_passed_over(text):
    assert MATCHER.scan(text.encode() + b"\n").hits.size == 0


def test_many_hits_in_one_block_are_all_found():
    block = b"".join(line(f"{number} grok", escaped=True) for number in range(3_000))
    assert MATCHER.scan(block).hits.size == MATCHER.scan(block).newlines.size == 3_000


def test_a_dense_foreign_block_is_searched_whole():
    block = ("これはグロックではない。" * 5_000 + "\n").encode()
    scan = MATCHER.scan(block)
    assert scan.hits.size == 5_000
    assert scan.newlines.tolist() == [len(block) - 1]


def test_terms_of_two_letters_mixed_scripts_and_quotes_are_found():
    matcher = TermMatcher(["xA", "ai助手", 'the "G"', "né"])
    for text in ("use XA now", "AI助手", 'the "g" one', "NÉ"):
        assert matcher.names(text)
        for escaped in (True, False):
            assert matcher.scan(line(text, escaped=escaped)).hits.size >= 1


def test_a_watched_channel_without_a_term_in_its_name_is_found():
    matcher = TermMatcher(["grok"], ["xai"])
    assert matcher.scan(b'{"subreddit":"xAI","body":"hello"}').hits.size == 1
    assert matcher.scan(b'{"subreddit":"xaix","body":"hello"}').hits.size == 0
    assert matcher.watches("XAI")
    assert not matcher.watches("xaix")


@pytest.mark.parametrize("terms", [[], [" "], ["x"]])
def test_terms_that_mean_nothing_are_refused(terms):
    with pytest.raises(CollectorError):
        TermMatcher(terms)


@given(
    st.lists(
        st.sampled_from([*SPELLINGS, "g", "gro", "ok", "ク", "р", "\u3099", "é", "😂", "\\u", "\n", " ", "그", "\x00"]),
        max_size=40,
    )
)
def test_the_scan_agrees_with_the_text(pieces):
    text = "".join(pieces)
    folded = text.casefold()
    assert (MATCHER.scan(text.encode()).hits.size > 0) == any(term.casefold() in folded for term in DEFAULT_TERMS) or (
        MATCHER.names(text)  # decomposed forms
    )
    for escaped in (True, False):
        raw = json.dumps(text, ensure_ascii=escaped).encode()
        assert (MATCHER.scan(raw).hits.size > 0) == MATCHER.names(text)


@given(st.binary(max_size=300))
def test_any_bytes_are_searched_without_harm(block):
    scan = MATCHER.scan(block)
    assert scan.newlines.tolist() == [index for index, byte in enumerate(block) if byte == 10]
