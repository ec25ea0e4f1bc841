"""Quotes: typical, unlike each other, sure, never deleted, never a sample post passed off as real."""

from datetime import timedelta

import numpy as np
import pytest
from conftest import MONDAY
from sqlalchemy import update

from classifiers.codebook import Aspect, Category, Polarity
from db import ingest
from db.models import Post
from insights.quotes import EXTRACT, quotes
from insights.words.masking import masked

WEEK = {"start": MONDAY, "end": MONDAY + timedelta(weeks=1)}
SLOW = "Grok needs a whole minute for every single answer since the update"
DOWN = "the app shows an error page and none of my chats will load today"
VOICE = "voice mode cuts off in the middle of a sentence again and again"


def write(archive, texts, *, category=Category.LATENCY, aspects=(), probabilities=None, **post):
    """Store a post for each text."""
    for text in texts:
        archive.add(1, category, aspects=aspects, probabilities=probabilities, polarity=Polarity.NEGATIVE, **post)
        number = next(archive.numbers) - 1
        archive.numbers = iter(range(number + 1, 10**9))
        with archive.engine.begin() as connection:
            connection.execute(
                update(Post).where(Post.source_id == f"p{number}").values(text=text, url=f"https://x/{number}")
            )


def ask(archive, **choice):
    with archive.engine.connect() as connection:
        return quotes(connection, **{**WEEK, "category": Category.LATENCY, "n": 3, **choice})


def test_each_kind_of_complaint_is_shown_once(sqlite_archive):
    for number in range(6):
        write(sqlite_archive, [f"{SLOW}, try {number}"], aspects=(Aspect.SPEED,))
    for number in range(3):
        write(sqlite_archive, [f"{DOWN}, number {number}"], aspects=(Aspect.RELIABILITY,))
    write(sqlite_archive, [VOICE], aspects=(Aspect.EMOTION,))
    found = ask(sqlite_archive)
    assert [quote.text[:20] for quote in found] == [SLOW[:20], DOWN[:20], VOICE[:20]]
    assert [round(quote.stands_for, 3) for quote in found] == [0.6, 0.3, 0.1]
    assert sum(quote.stands_for for quote in found) == pytest.approx(1)


def test_a_copied_post_is_shown_once(sqlite_archive):
    write(sqlite_archive, [SLOW] * 8)
    write(sqlite_archive, [SLOW + "!"])
    assert [quote.text for quote in ask(sqlite_archive)] == [SLOW]


def test_a_thread_speaks_once(sqlite_archive):
    write(sqlite_archive, [SLOW, DOWN, VOICE], thread="t-long")
    assert len(ask(sqlite_archive)) == 1


def test_a_quote_says_where_when_and_how_sure(archive):
    write(
        archive,
        [SLOW],
        lang="ja",
        probabilities={Category.LATENCY: 0.9, Category.OTHER: 0.1},
        p_relevant=0.9,
        source="x",
    )
    (quote,) = ask(archive)
    assert (quote.source, quote.lang, quote.category, quote.sample) == ("x", "ja", Category.LATENCY, False)
    assert quote.url == "https://x/1"
    assert quote.created_at >= MONDAY
    assert quote.probability == pytest.approx(0.81)


def test_sure_posts_come_first_and_unsure_ones_only_where_there_are_no_others(sqlite_archive):
    unsure = {Category.LATENCY: 0.5, Category.OTHER: 0.5}
    write(sqlite_archive, [VOICE], probabilities=unsure)
    assert [quote.probability for quote in ask(sqlite_archive)] == [0.5]
    write(sqlite_archive, [f"{SLOW} {word}" for word in "abcdefghijkl"])
    assert {quote.probability for quote in ask(sqlite_archive)} == {1.0}


def test_a_post_that_is_likelier_something_else_is_never_shown(sqlite_archive):
    write(sqlite_archive, [VOICE], probabilities={Category.LATENCY: 0.45, Category.OTHER: 0.3, Category.BIAS: 0.25})
    assert ask(sqlite_archive) == []


def test_deleted_posts_and_other_spans_languages_and_categories_are_not_shown(archive):
    write(archive, [SLOW])
    write(archive, [DOWN], lang="ja")
    write(archive, [VOICE], category=Category.BIAS)
    write(archive, ["Grok was slow before that week"], at=MONDAY - timedelta(days=1))
    assert [quote.text for quote in ask(archive, langs=("ja",))] == [DOWN]
    with archive.engine.begin() as connection:
        ingest.entomb(connection, [1], now=MONDAY)
    assert [quote.text for quote in ask(archive)] == [DOWN]


def test_sample_posts_are_told_as_such(sqlite_archive):
    write(sqlite_archive, [SLOW], kind="sample")
    assert [quote.sample for quote in ask(sqlite_archive)] == [True]


def test_handles_and_links_go_long_posts_are_cut_and_nothing_is_shown_of_empty_ones(sqlite_archive):
    write(
        sqlite_archive,
        ["@somebody Grok is slow, see https://example.com/a " + "word " * 200, "https://example.com/only-a-link"],
    )
    (quote,) = ask(sqlite_archive)
    assert quote.cut
    assert quote.text.endswith("…")
    assert len(quote.text) <= EXTRACT + 1
    assert "somebody" not in quote.text
    assert "example.com" not in quote.text


def test_profanity_is_hidden_where_that_is_asked_for(sqlite_archive):
    write(sqlite_archive, ["Grok is fucking slow today, what a piece of shit"])
    assert "fucking" in ask(sqlite_archive)[0].text
    assert ask(sqlite_archive, mask=True)[0].text == "Grok is f****** slow today, what a piece of s***"


@pytest.mark.parametrize("text", ["a class of assets", "Scunthorpe", "the cockpit", "グロックは速い"])
def test_innocent_words_are_left_alone(text):
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "hidden"), [("これはクソだ", "これはク*だ"), ("真他妈的慢", "真他**慢"), ("MERDA!", "M****!")]
)
def test_profanity_is_found_in_other_languages(text, hidden):
    assert masked(text) == hidden


def test_the_same_posts_give_the_same_quotes_and_an_encoder_may_take_part(sqlite_archive):
    write(sqlite_archive, [f"{SLOW} {number}" for number in range(5)] + [DOWN, VOICE])
    assert ask(sqlite_archive) == ask(sqlite_archive)
    seen = []
    ask(sqlite_archive, embed=lambda texts: (seen.extend(texts), np.ones((len(texts), 3)))[1])
    assert len(seen) == 7


def test_nothing_is_nothing(sqlite_archive):
    assert ask(sqlite_archive) == []
