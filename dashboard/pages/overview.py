"""The first page: the shares now, over time, beside the report's, and the posts behind them."""

from datetime import datetime

import streamlit as st

from dashboard.cards import cards, key
from dashboard.context import Context, current
from dashboard.figures import Figures, Question, figures
from dashboard.notices import latest_note, nothing_chosen, nothing_stored, span_note
from dashboard.sidebar import choose_posts
from dashboard.table import as_csv, as_table
from dashboard.view import View
from insights.charts import Frame, baseline_chart, common_ceiling, interval_chart, shares_chart, volume_chart
from insights.shares import Denominator

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
    frame = Frame(words=words, now=hour, sample=context.stock.sample, events=found.events)
    show_now(found, view, frame, newest=held.last)
    show_course(found, view, frame)
    show_figures(found, view, frame)


def show_now(found: Figures, view: View, frame: Frame, *, newest: datetime) -> None:
    """Draw the shares of the last complete period."""
    words = frame.words
    st.header(words(f"overview.now.{view.step}"), anchor=False)
    latest_note(found, view, words, newest=newest)
    if found.latest:
        st.html(cards(found.latest, found.changes, words))
        st.caption(words("overview.now.how"))


def show_course(found: Figures, view: View, frame: Frame) -> None:
    """Draw the shares over time, with their intervals, and beside the report."""
    words = frame.words
    st.header(words("overview.course.title"), anchor=False)
    categories = list(dict.fromkeys(share.category for share in found.shares))
    stacked, beside = st.columns([3, 2], gap="large")
    with stacked:
        st.altair_chart(shares_chart(found.shares, frame, legend=False), width="stretch")
        st.html(key(categories, words))
        st.caption(span_note(found, frame))
    with beside:
        if found.five:
            st.altair_chart(baseline_chart(found.five, found.baseline, frame), width="stretch")
        st.caption(words("baseline.warning"))
    comparable = found.baseline if view.denominator is Denominator.FIVE else {}
    ceiling = common_ceiling(found.shares, comparable)
    st.subheader(words("overview.intervals.title"), anchor=False)
    st.caption(words(f"overview.intervals.{'report' if comparable else 'plain'}"))
    for start in range(0, len(categories), PANELS_A_ROW):
        row = categories[start : start + PANELS_A_ROW]
        for place, category in zip(st.columns(PANELS_A_ROW), row, strict=False):
            chart = interval_chart(found.shares, category, frame, baseline=comparable.get(category), ceiling=ceiling)
            place.altair_chart(chart, width="stretch")


def show_figures(found: Figures, view: View, frame: Frame) -> None:
    """Draw the number of posts, and all figures as a table."""
    words = frame.words
    st.header(words("overview.volume.title"), anchor=False)
    st.altair_chart(volume_chart(found.volumes, frame), width="stretch")
    st.caption(words("overview.volume.note"))
    with st.expander(words("table.title"), icon=":material/table:"):
        with st.container(height=380):
            st.table(as_table(found.shares, words))
        st.caption(words("table.note"))
        st.download_button(
            words("table.download"),
            as_csv(found.shares),
            file_name=f"grokwatch-shares-{view.step}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )


show(current())
