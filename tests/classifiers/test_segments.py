"""Words are found in any script, and every letter belongs to one."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import segments


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Grok is down, again!", ["Grok", "is", "down,", "again!"]),
        ("so ... slow 😡", ["so ...", "slow", "😡"]),
        ("!!! Grok", ["!!!", "Grok"]),
        ("今日もGrokが重い。", ["今日も", "Grok", "が", "重い。"]),
        ("Grok ช้ามาก", ["Grok", "ช้า", "มาก"]),
        ("ဂရော့ခ်နှေးတယ်", ["ဂရော့", "ခ်နှေး", "တယ်"]),
        ("그록이 느려요", ["그록이", "느려요"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_words(text, words):
    found = [text[start:end] for start, end in segments.words(text)]

    assert [word for word in found if word] == words


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=80))
def test_words_stand_in_order_and_hold_every_letter(text):
    places = segments.words(text)

    assert all(start < end for start, end in places)
    assert all(before[1] <= after[0] for before, after in pairwise(places))
    assert "".join("".join(text[start:end].split()) for start, end in places) == "".join(text.split())
