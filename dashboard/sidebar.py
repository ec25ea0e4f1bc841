"""The choices at the side of the page: language, period, step, sources, languages of the posts, denominator.

A widget keeps its own state under a key that names the reader's language: when that changes, the widget is a new one with
the labels of the new language, and starts from the view.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC
from enum import StrEnum
from typing import TypeVar

import streamlit as st

from dashboard.context import Context, language_name, source_name, words
from dashboard.view import LANGUAGES, Preset, View
from insights.catalogue import Catalogue
from insights.holdings import Holdings
from insights.wording import count

BOTH_DATES = 2
PAGE = "chosen_on"
FIRST = "overview"
WIDGETS = ("period", "days", "step", "source", "posts_in", "of")

Choice = TypeVar("Choice", bound=StrEnum)


def choose_language(view: View) -> View:
    """Let the reader choose the language of the page."""
    texts = words(view.language)
    st.session_state.setdefault("language", view.language)
    chosen = st.sidebar.radio(
        texts("filter.language"),
        LANGUAGES,
        key="language",
        format_func=lambda language: texts(f"page.language.{language}"),
        horizontal=True,
    )
    return replace(view, language=chosen)


def choose_posts(context: Context, page: str = FIRST) -> View:
    """Let the reader choose posts and how to show them, the same on every page that asks."""
    if st.session_state.get(PAGE, FIRST) != page:  # what was chosen on another page since is in the view
        st.session_state[PAGE] = page
        for name in WIDGETS:
            st.session_state.pop(_key(name, context.words.language), None)
    texts, holdings = context.words, context.stock.holdings
    view = context.view.known(sources=list(holdings.sources), langs=list(holdings.langs))
    with st.sidebar:
        view = _choose_period(view, holdings, texts)
        step = _one("step", view.step, "filter.step", "step", texts)
        sources = _several(
            "source",
            list(holdings.sources),
            view.sources,
            texts,
            lambda tag: _numbered(source_name(tag, texts), holdings.sources[tag], texts),
        )
        langs = _several(
            "posts_in",
            list(holdings.langs),
            view.langs,
            texts,
            lambda tag: _numbered(language_name(tag, texts), holdings.langs[tag], texts),
        )
        denominator = _one("of", view.denominator, "filter.of", "denominator", texts)
        view = replace(view, step=step, sources=sources, langs=langs, denominator=denominator)
        st.button(texts("filter.reset"), icon=":material/restart_alt:", on_click=reset, args=(view,), width="stretch")
    return view


def reset(view: View) -> None:
    """Go back to all posts, before the page is drawn anew."""
    for name in WIDGETS:
        st.session_state.pop(_key(name, view.language), None)
    st.session_state["view"] = view.without_filters()


def _choose_period(view: View, holdings: Holdings, texts: Catalogue) -> View:
    key = _key("period", view.language)
    st.session_state.setdefault(key, view.preset)
    preset = st.selectbox(
        texts("filter.period"), list(Preset), key=key, format_func=lambda preset: texts(f"filter.preset.{preset}")
    )
    if preset is not Preset.CUSTOM or holdings.first is None or holdings.last is None:
        return replace(view, preset=preset, since=None, until=None)
    key = _key("days", view.language)
    first, last = holdings.first.astimezone(UTC).date(), holdings.last.astimezone(UTC).date()
    st.session_state.setdefault(key, (view.since or first, view.until or last))
    days = st.date_input(texts("filter.days"), key=key, format="YYYY-MM-DD", help=texts("filter.days_help"))
    if (
        not isinstance(days, tuple) or len(days) != BOTH_DATES
    ):  # the reader has chosen the first day and not yet the last
        return replace(view, preset=preset, since=view.since or first, until=view.until or last)
    return replace(view, preset=preset, since=days[0], until=days[1])


def _one(name: str, value: Choice, label: str, names: str, texts: Catalogue) -> Choice:
    key = _key(name, texts.language)
    st.session_state.setdefault(key, value)
    return st.radio(
        texts(label),
        list(type(value)),
        key=key,
        format_func=lambda option: texts(f"{names}.{option}"),
        horizontal=name == "step",
    )


def _several(
    name: str, options: Sequence[str], chosen: Sequence[str], texts: Catalogue, label: Callable[[str], str]
) -> tuple[str, ...]:
    key = _key(name, texts.language)
    st.session_state.setdefault(key, list(chosen))
    return tuple(
        st.multiselect(texts(f"filter.{name}"), options, key=key, format_func=label, placeholder=texts("filter.any"))
    )


def _numbered(name: str, number: int, texts: Catalogue) -> str:
    return texts("filter.numbered", name=name, posts=count(number))


def _key(name: str, language: str) -> str:
    # Each page has its own: a widget that is met again on another page would start from its first option.
    page = st.session_state.get(PAGE, FIRST)
    return f"{name}.{language}" if page == FIRST else f"{name}.{page}.{language}"
