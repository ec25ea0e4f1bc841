"""The charts of the overview as specifications, built once and kept while the question stays the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import streamlit as st

from classifiers.codebook import Category
from dashboard.context import words
from dashboard.figures import KEPT_SECONDS, Figures, Question
from insights.charts import Frame, baseline_chart, common_ceiling, interval_chart, shares_chart, volume_chart
from insights.shares import Denominator

Specification = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawings:
    """Vega-Lite specifications.

    Parameters
    ----------
    beside_report
        None where no period has a share.
    comparable
        Whether the panels bear the report's shares.
    """

    stacked: Specification
    beside_report: Specification | None
    panels: Sequence[Specification]
    volume: Specification
    categories: Sequence[Category]
    comparable: bool


@st.cache_data(ttl=KEPT_SECONDS, max_entries=64, show_spinner=False)
def drawings(question: Question, language: str, sample: bool, _found: Figures) -> Drawings:  # noqa: FBT001 - part of the cache's key
    """Draw the figures that belong to a question, in the reader's language."""
    frame = Frame(words=words(language), now=question.hour, sample=sample, events=_found.events)
    categories = list(dict.fromkeys(share.category for share in _found.shares))
    # The report's shares are of the five: beside shares of all posts they would mislead.
    comparable = _found.baseline if question.view.denominator is Denominator.FIVE else {}
    ceiling = common_ceiling(_found.shares, comparable)
    return Drawings(
        stacked=_specification(shares_chart(_found.shares, frame, legend=False)),
        beside_report=_specification(baseline_chart(_found.five, _found.baseline, frame)) if _found.five else None,
        panels=[
            _specification(
                interval_chart(_found.shares, category, frame, baseline=comparable.get(category), ceiling=ceiling)
            )
            for category in categories
        ],
        volume=_specification(volume_chart(_found.volumes, frame)),
        categories=categories,
        comparable=bool(comparable),
    )


def _specification(chart: alt.LayerChart) -> Specification:
    # Checking a chart against Vega-Lite's schema takes longer than building it; the tests of `insights.charts` do that.
    return chart.to_dict(validate=False)
