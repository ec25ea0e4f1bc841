"""Where the figures come from: what is stored, and the latest runs with how they ended."""

import pandas as pd
import streamlit as st

from dashboard.context import Context, current, source_name
from dashboard.figures import gaps, latest_runs
from dashboard.notices import newest_note, nothing_stored, refusals
from insights.catalogue import Catalogue
from insights.gaps import Gap
from insights.holdings import RunSummary
from insights.wording import count, moment_name


def show(context: Context) -> None:
    """Draw the page."""
    words = context.words
    st.title(words("data.title"))
    if context.stock.holdings.posts == 0:
        nothing_stored(context)
    else:
        st.markdown(newest_note(context))
    found, refused = gaps(context.url, context.stock.version, context.engine)
    refusals(refused, words)
    if found:
        st.header(words("data.holes.title"), anchor=False)
        st.markdown(words("data.holes.note"))
        st.table(pd.DataFrame([_gap(gap, words) for gap in found]).set_index(words("data.holes.start")))
    st.header(words("data.runs.title"), anchor=False)
    runs = latest_runs(context.url, context.stock.version, context.engine)
    if not runs:
        st.info(words("data.runs.none"), icon=":material/history:")
        return
    st.table(pd.DataFrame([_row(run, words) for run in runs]).set_index(words("data.runs.started")))
    for run in runs:
        if run.error:
            st.warning(words("data.runs.failed", kind=_kind(run, words), error=run.error), icon=":material/error:")


def _gap(gap: Gap, words: Catalogue) -> dict[str, str]:
    return {
        words("data.holes.start"): moment_name(gap.starts_at, words),
        words("data.holes.end"): moment_name(gap.ends_at, words),
        words("data.holes.source"): source_name(gap.source, words),
        words("data.holes.stream"): gap.stream,
    }


def _row(run: RunSummary, words: Catalogue) -> dict[str, str]:
    return {
        words("data.runs.started"): moment_name(run.started_at, words),
        words("data.runs.kind"): _kind(run, words),
        words("data.runs.source"): source_name(run.source, words) if run.source else "",
        words("data.runs.status"): words(f"data.status.{run.status}"),
        words("data.runs.read"): count(run.read),
        words("data.runs.new"): count(run.new),
        words("data.runs.changed"): count(run.changed),
        words("data.runs.broken"): count(run.broken),
    }


def _kind(run: RunSummary, words: Catalogue) -> str:
    known = {"sample", "import", "collect", "classify", "digest", "compliance", "export", "purge"}
    return words(f"data.kind.{run.kind}") if run.kind in known else run.kind


show(current())
