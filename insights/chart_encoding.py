"""What the charts of shares have in common: colours, axes in per cent, rows to draw and the words of their tooltips."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import altair as alt

from classifiers.codebook import Category
from insights.catalogue import Catalogue
from insights.chart_time import ms
from insights.shares import Share
from insights.wording import count, interval, percent, period_name, points

COLOURS: Final[Mapping[Category, str]] = {
    Category.EXCITEMENT: "#d08314",
    Category.LATENCY: "#436ede",
    Category.BIAS: "#b9139e",
    Category.SATISFACTION: "#23935f",
    Category.ABANDONMENT: "#ca262a",
    Category.OTHER: "#767c85",
}
"""A category's colour, everywhere the same. Chosen so that all six stay apart (CIE76 ≥ 18) in full colour vision and with
protanopia, deuteranopia and tritanopia (after Machado et al. 2009), and reach 3:1 against white and near-black."""


def share_row(share: Share, words: Catalogue, *, now: datetime) -> dict[str, Any]:
    """Give what the charts draw of a share, and what their tooltips say, in the reader's language."""
    reason = words(f"status.{share.status}")
    incomplete = share.period_end > now
    period = period_name(share.period_start, share.period_end, words)
    return {
        "start": ms(share.period_start),
        "end": ms(share.period_end),
        "middle": (ms(share.period_start) + ms(share.period_end)) // 2,
        "period": f"{period} ({words('chart.so_far')})" if incomplete else period,
        "name": words(f"category.{share.category}"),
        "share": share.share,
        "low": share.low,
        "high": share.high,
        "value": percent(share.share) if share.share is not None else reason,
        "interval": interval(share.low, share.high, words)
        if share.low is not None and share.high is not None
        else reason,
        "posts": count(share.posts),
        "effective": count(share.effective_posts),
        "incomplete": incomplete,
    }


def difference_text(share: Share, report: float, words: Catalogue) -> str:
    """Write how far a share lies from the report's, or why that can't be said."""
    return points(share.share - report, words) if share.share is not None else words(f"status.{share.status}")


def tooltip(words: Catalogue, *pairs: tuple[str, str]) -> list[alt.Tooltip]:
    """List fields, each with the key of its title."""
    return [alt.Tooltip(f"{field}:N", title=words(key)) for field, key in pairs]


def share_tooltip(words: Catalogue) -> list[alt.Tooltip]:
    """List what there is to say of a share: estimate, interval and the posts behind it."""
    return tooltip(
        words,
        ("name", "chart.tooltip.category"),
        ("period", "chart.tooltip.period"),
        ("value", "chart.tooltip.share"),
        ("interval", "chart.tooltip.interval"),
        ("posts", "chart.tooltip.posts"),
        ("effective", "chart.tooltip.effective"),
    )


def category_colour(categories: Sequence[Category], words: Catalogue, *, legend: bool) -> alt.Color:
    """Give every category its colour."""
    shown = alt.Legend(title=None, orient="bottom", columns=3, symbolType="square", labelLimit=300)
    return alt.Color(
        "name:N",
        scale=alt.Scale(
            domain=[words(f"category.{category}") for category in categories],
            range=[COLOURS[category] for category in categories],
        ),
        legend=shown if legend else None,
    )


def percent_y(field: str, title: str | None, *, ceiling: float) -> alt.Y:
    """Build an upright axis in per cent."""
    return alt.Y(
        f"{field}:Q",
        scale=alt.Scale(domain=[0, ceiling], nice=False),
        axis=alt.Axis(title=title, format=".0%", tickCount=4),
    )


def percent_x(ceiling: float, title: str, *, field: str = "share") -> alt.X:
    """Build a level axis in per cent."""
    return alt.X(
        f"{field}:Q",
        scale=alt.Scale(domain=[0, ceiling], nice=False),
        axis=alt.Axis(title=title, format=".0%", tickCount=5, grid=True),
    )
