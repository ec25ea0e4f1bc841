"""What stands behind a share: typical posts of a category in a period, and the phrases that moved."""

from datetime import timedelta

import pandas as pd
import streamlit as st

from classifiers.codebook import Category
from dashboard.context import Context, current, language_name, source_name
from dashboard.notices import nothing_stored
from dashboard.sidebar import choose_posts
from dashboard.voices import Voices, VoicesQuestion, periods, voices
from db.periods import start_of
from insights.catalogue import Catalogue
from insights.phrases import Phrase
from insights.quotes import Quote
from insights.wording import count, moment_name, percent, period_name


def show(context: Context) -> None:
    """Draw the page."""
    words, held = context.words, context.stock.holdings
    st.title(words("voices.title"))
    if held.first is None or held.last is None:
        nothing_stored(context)
        return
    view = choose_posts(context, "voices")
    st.session_state["view"] = view
    offered = periods(view.step, held.first, held.last)
    complete = next((place for place, (_, end) in enumerate(offered) if end <= context.now), 0)
    one, other, third = st.columns([3, 3, 2], vertical_alignment="bottom")
    with one:
        category = st.selectbox(
            words("voices.category"),
            list(Category),
            format_func=lambda name: words(f"category.{name}"),
            key="voices.category",
        )
    with other:
        period = st.selectbox(
            words("voices.period"),
            offered,
            index=complete,
            format_func=lambda span: period_name(span[0], span[1], words),
            key=f"voices.period.{view.step}.{words.language}",
        )
    with third:
        mask = st.toggle(words("voices.mask"), key="voices.mask")
    question = VoicesQuestion(
        url=context.url,
        version=context.stock.version,
        category=category,
        start=period[0],
        end=period[1],
        before=start_of(view.step, period[0] - timedelta(days=1)),
        sources=view.sources,
        langs=view.langs,
        mask=mask,
    )
    found = voices(question, context.engine)
    show_posts(found, words)
    show_phrases(found, words)


def show_posts(found: Voices, words: Catalogue) -> None:
    """Draw the posts, the most telling first."""
    st.header(words("voices.posts.title"), anchor=False)
    if not found.quotes:
        st.info(words("voices.posts.none"), icon=":material/format_quote:")
        return
    st.caption(words("voices.posts.note"))
    for quote in found.quotes:
        with st.container(border=True):
            st.text(quote.text)  # as it is: what people write is no Markdown
            st.caption(_about(quote, words))


def show_phrases(found: Voices, words: Catalogue) -> None:
    """Draw the phrases that moved."""
    st.header(words("voices.phrases.title"), anchor=False)
    if not found.phrases:
        st.info(words("voices.phrases.none"), icon=":material/notes:")
        return
    st.table(pd.DataFrame([_row(one, words) for one in found.phrases]).set_index(words("voices.phrases.phrase")))
    st.caption(words("voices.phrases.note"))


def _about(quote: Quote, words: Catalogue) -> str:
    told = words(
        "voices.posts.about",
        time=moment_name(quote.created_at, words),
        source=source_name(quote.source, words),
        language=language_name(quote.lang, words),
        probability=percent(quote.probability),
        part=percent(quote.stands_for),
    )
    if quote.sample:
        return f"{told} {words('voices.posts.sample')}"
    return f"{told} [{words('voices.posts.link')}]({quote.url})" if _is_link(quote.url) else told


def _is_link(url: str | None) -> bool:
    return url is not None and url.startswith(("https://", "http://")) and not set(url) & set(" ()<>[]\"'")


def _row(one: Phrase, words: Catalogue) -> dict[str, str]:
    return {
        words("voices.phrases.phrase"): one.phrase,
        words("voices.phrases.before"): words(
            "voices.phrases.threads", threads=count(one.before), share=percent(one.share_before)
        ),
        words("voices.phrases.after"): words(
            "voices.phrases.threads", threads=count(one.after), share=percent(one.share_after)
        ),
        words("voices.phrases.direction"): words(f"voices.phrases.{'more' if one.z > 0 else 'less'}"),
    }


show(current())
