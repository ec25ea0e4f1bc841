"""The first page: the shares now, over time, beside the report's, and the posts behind them."""

from datetime import datetime

import streamlit as st

from dashboard.cards import cards, key
from dashboard.context import Context, current
from dashboard.drawings import Drawings, drawings
from dashboard.figures import Figures, Question, figures
from dashboard.notices import latest_note, nothing_chosen, nothing_stored, span_note
from dashboard.sidebar import choose_posts
from dashboard.table import as_csv, as_table
from dashboard.view import View
from insights.catalogue import Catalogue
from insights.holdings import Holdings

PANELS_A_ROW = 3


def show(context: Context) -> None:
    """Draw the page."""
    words, held = context.words, context.stock.holdings
    st.title(words("overview.title"))
    if held.first is None or held.last is None:
        nothing_stored(context)
        return
    view = choose_posts(context)
    st.session_state["view"] = view
    start, end = view.span(held.first, held.last)
    hour = context.now.replace(minute=0, second=0, microsecond=0)
    question = Question(url=context.url, version=context.stock.version, view=view, start=start, end=end, hour=hour)
    found = figures(question, context.engine)
    if not found.shares:
        nothing_chosen(view, words)
        return
    drawn = drawings(question, words.language, context.stock.sample, found)
    show_now(found, view, held, words)
    show_course(found, drawn, words, hour=hour)
    show_figures(found, drawn, words, name=f"grokwatch-shares-{view.step}.csv")


def show_now(found: Figures, view: View, held: Holdings, words: Catalogue) -> None:
    """Draw the shares of the last complete period."""
    st.header(words(f"overview.now.{view.step}"), anchor=False)
    latest_note(found, view, held, words)
    if found.latest:
        st.html(cards(found.latest, found.changes, words))
        st.caption(words("overview.now.how"))


def show_course(found: Figures, drawn: Drawings, words: Catalogue, *, hour: datetime) -> None:
    """Draw the shares over time, with their intervals, and beside the report."""
    st.header(words("overview.course.title"), anchor=False)
    stacked, beside = st.columns([3, 2], gap="large")
    with stacked:
        st.vega_lite_chart(drawn.stacked, width="stretch")
        st.html(key(drawn.categories, words))
        st.caption(span_note(found, words, hour=hour))
    with beside:
        if drawn.beside_report is not None:
            st.vega_lite_chart(drawn.beside_report, width="stretch")
        st.caption(words("baseline.warning"))
    st.subheader(words("overview.intervals.title"), anchor=False)
    st.caption(words(f"overview.intervals.{'report' if drawn.comparable else 'plain'}"))
    for start in range(0, len(drawn.panels), PANELS_A_ROW):
        row = drawn.panels[start : start + PANELS_A_ROW]
        for place, panel in zip(st.columns(PANELS_A_ROW), row, strict=False):
            place.vega_lite_chart(panel, width="stretch")


def show_figures(found: Figures, drawn: Drawings, words: Catalogue, *, name: str) -> None:
    """Draw the number of posts, and all figures as a table and a file of that name."""
    st.header(words("overview.volume.title"), anchor=False)
    st.vega_lite_chart(drawn.volume, width="stretch")
    st.caption(words("overview.volume.note"))
    with st.expander(words("table.title"), icon=":material/table:"):
        with st.container(height=380):
            st.table(as_table(found.shares, words))
        st.caption(words("table.note"))
        st.download_button(
            words("table.download"),
            as_csv(found.shares),
            file_name=name,
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )


show(current())
