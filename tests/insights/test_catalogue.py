"""Words for readers: both languages complete, every term of the codebook named."""

import string

import pytest

from classifiers.codebook import Aspect, Category, Polarity, Rival
from db.periods import Step
from insights.catalogue import LANGUAGES, Catalogue, load
from insights.shares import Denominator, Status


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def raw(catalogue: Catalogue, key: str) -> str:
    text = catalogue._texts
    for part in key.split("."):
        text = text[part]
    return text


@pytest.mark.parametrize("packages", [(), ("dashboard",), ("digest",)])
def test_both_languages_have_the_same_texts_with_the_same_values(packages):
    english, japanese = (load(language, *packages) for language in LANGUAGES)
    assert set(english.keys()) == set(japanese.keys())
    for key in english.keys():  # noqa: SIM118 - a method of its own, not a mapping's
        assert placeholders(raw(english, key)) == placeholders(raw(japanese, key)), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_term_has_a_name(language):
    words = load(language)
    for prefix, terms in {
        "category": Category,
        "category.about": Category,
        "aspect": Aspect,
        "rival": Rival,
        "polarity": Polarity,
        "status": Status,
        "denominator": Denominator,
        "step": Step,
    }.items():
        names = [words(f"{prefix}.{term}") for term in terms]
        assert all(names)
        assert len(set(names)) == len(names)


def test_japanese_categories_are_the_reports_own_words():
    words = load("ja")
    assert [words(f"category.{category}") for category in list(Category)[:5]] == [
        "好奇心・興奮",
        "遅延・バグへの不満",
        "バイアス・検閲への懸念",
        "技術的アウトプットへの満足",
        "無関心・放棄",
    ]


def test_values_are_filled_in_and_missing_texts_are_loud():
    words = Catalogue("en", {"posts": {"some": "{n} posts"}})
    assert words("posts.some", n=3) == "3 posts"
    for key in ("posts", "posts.none", "posts.some.more", "x"):
        with pytest.raises(KeyError):
            words(key)
    with pytest.raises(KeyError):
        words("posts.some")


def test_other_languages_are_refused():
    with pytest.raises(ValueError, match="'fr'"):
        load("fr")
