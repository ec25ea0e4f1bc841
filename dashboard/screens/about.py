"""How the figures are made, in plain words."""

import pandas as pd
import streamlit as st

from classifiers.codebook import Category
from dashboard.context import Context, current
from insights.baseline import by_category
from insights.shares import ENOUGH
from insights.wording import count, percent

BEFORE = ("posts", "labels")
AFTER = ("shares", "intervals", "audits", "too_few", "changes", "report", "limits")


def show(context: Context) -> None:
    """Draw the page."""
    words = context.words
    st.title(words("about.title"))
    for part in BEFORE:
        _part(part, context)
    with context.engine.connect() as connection:
        report = by_category(connection)
    rows = [
        {
            words("about.table.category"): words(f"category.{category}"),
            words("about.table.author"): words(f"category.about.{category}"),
            words("baseline.name"): percent(report[category]) if category in report else "",
        }
        for category in Category
    ]
    st.table(pd.DataFrame(rows).set_index(words("about.table.category")))
    for part in AFTER:
        _part(part, context)


def _part(part: str, context: Context) -> None:
    st.header(context.words(f"about.{part}.title"), anchor=False)
    st.markdown(context.words(f"about.{part}.text", enough=count(ENOUGH)))


show(current())
