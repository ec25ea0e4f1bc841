"""The time axis that all charts share: periods, notes where nothing can be shown, marks of events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

import altair as alt

from insights.catalogue import Catalogue
from insights.events import Event
from insights.shares import Status
from insights.wording import period_name

INK: Final = "currentColor"
"""The colour of the surrounding text, light or dark."""

LANES: Final = 3
"""Rows of event names above a chart; a name that finds no room is left to the tooltip."""

LANE_HEIGHT: Final = 14
NOMINAL_WIDTH: Final = 420
"""Plot width in pixels for which room is reckoned; the real one is known to the browser alone."""

MANY_PERIODS: Final = 100
NARROW: Final = 0.18
"""Part of the span below which a note is written upright."""

TICKS: Final = 10
BRIEF_TICKS: Final = 4


@dataclass(frozen=True, slots=True)
class Period:
    """A step of the time axis, and whether its shares can be shown."""

    start: datetime
    end: datetime
    status: Status
    incomplete: bool


def ms(moment: datetime) -> int:
    """Give a time as Vega counts it: milliseconds since 1970 in UTC."""
    return round(moment.timestamp() * 1000)


def bar_gap(periods: Sequence[Period]) -> float:
    """Give by how many pixels a bar is drawn in at each side, so that bars stay apart."""
    return 0.0 if len(periods) > MANY_PERIODS else 0.5


def time_axis(periods: Sequence[Period], words: Catalogue, *, field: str = "start", brief: bool = False) -> alt.X:
    """Build the axis: the span of the periods, a tick under the middle of a period that names its first day.

    Parameters
    ----------
    brief
        For small charts: fewer ticks, no title.
    """
    step, length = _step_of(periods)
    every = -(-len(periods) // (BRIEF_TICKS if brief else TICKS))
    shown = periods[::every]
    # A tick stands in the middle of its period; a month is known from there, a day or a week by going back half its length.
    back = 0 if step == "month" else length // 2
    first = f"(datum.value - {back})"
    year = f"utcFormat({first}, '{words('chart.axis.year')}')"
    new_year = f"datum.index == 0 || {year} != utcFormat({first} - {length * every}, '{words('chart.axis.year')}')"
    axis = alt.Axis(
        title=None if brief else words(f"chart.axis.title.{step}"),
        values=alt.ExprRef(str([middle(period) for period in shown])),
        labelExpr=f"[utcFormat({first}, '{words(f'chart.axis.{step}')}'), {new_year} ? {year} : '']",
        labelOverlap="greedy",
        labelFlush=False,
        grid=False,
        domain=True,
        ticks=True,
        tickSize=4,
        labelPadding=3,
    )
    # Times as expressions: Vega-Lite would wrap plain numbers in datetime(), for x but not for x2, which makes two domains
    # of one, and Vega's interpreter, which pages with a strict content policy use, takes datetime(number) for a year.
    domain = [alt.ExprRef(str(ms(moment))) for moment in (periods[0].start, periods[-1].end)]
    scale = alt.Scale(type="utc", domain=domain, nice=False)
    return alt.X(f"{field}:T", axis=axis, scale=scale)


def _step_of(periods: Sequence[Period]) -> tuple[str, int]:
    """Tell day, week or month, and its length in milliseconds, from the longest period: those at the edges may be cut."""
    length = max(period.end - period.start for period in periods)
    step = "day" if length <= timedelta(days=1) else "week" if length <= timedelta(days=7) else "month"
    return step, round(length.total_seconds() * 1000)


def middle(period: Period) -> int:
    """Give the middle of a period in Vega's milliseconds."""
    return (ms(period.start) + ms(period.end)) // 2


def note_layers(periods: Sequence[Period], words: Catalogue, *, top: float = 1.0) -> list[alt.Chart]:
    """Outline the stretches without a share, and write into them why: too few posts, or none.

    Parameters
    ----------
    top
        Upper end of the y axis.
    """
    span = ms(periods[-1].end) - ms(periods[0].start)
    rows: list[dict[str, Any]] = []
    for status, run in groupby(periods, key=lambda period: period.status):
        if status is Status.OK:
            continue
        stretch = list(run)
        start, end = ms(stretch[0].start), ms(stretch[-1].end)
        rows.append(
            {
                "start": start,
                "end": end,
                "middle": (start + end) // 2,
                "top": top,
                "half": top / 2,
                "text": words(f"status.{status}"),
                "period": period_name(stretch[0].start, stretch[-1].end, words),
                "upright": (end - start) / span < NARROW,
            }
        )
    if not rows:
        return []
    data = alt.Chart(alt.Data(values=rows)).encode(x="start:T")
    tooltip = [
        alt.Tooltip("period:N", title=words("chart.tooltip.period")),
        alt.Tooltip("text:N", title=words("chart.tooltip.why")),
    ]
    box = data.mark_rect(
        fill="#767c85",
        fillOpacity=0.1,
        stroke="#767c85",
        strokeDash=[4, 3],
        strokeOpacity=0.8,
        xOffset=bar_gap(periods),
        x2Offset=-bar_gap(periods),
    ).encode(x2="end:Q", y=alt.Y("zero:Q"), y2="top:Q", tooltip=tooltip)
    box = box.transform_calculate(zero="0")
    notes = [
        data.mark_text(color=INK, opacity=0.75, fontSize=11, angle=angle)
        .transform_filter(condition)
        .encode(x="middle:T", y="half:Q", text="text:N")
        for angle, condition in ((0, "!datum.upright"), (270, "datum.upright"))
    ]
    return [box, *notes]


def so_far_layer(periods: Sequence[Period], words: Catalogue) -> list[alt.Chart]:
    """Write above a period that has not ended that it shows the posts so far."""
    rows = [{"middle": ms(period.end), "text": words("chart.so_far")} for period in periods if period.incomplete]
    if not rows:
        return []
    return [
        alt.Chart(alt.Data(values=rows[-1:]))
        .mark_text(align="right", baseline="bottom", color=INK, fontSize=11, fontStyle="italic")
        .encode(x="middle:T", y=alt.value(-5), text="text:N")
    ]


def event_layers(
    events: Sequence[Event], periods: Sequence[Period], words: Catalogue, *, labelled: bool = True
) -> list[alt.Chart]:
    """Mark the events that fall into the span: a line for a moment, a band for a stretch, dashed where only expected.

    Parameters
    ----------
    labelled
        Write the names above the chart; otherwise the tooltip alone tells them.
    """
    first, last = periods[0].start, periods[-1].end
    rows: list[dict[str, Any]] = []
    taken = [float("-inf")] * LANES
    for event in sorted(events, key=lambda event: event.starts_at):
        ends_at = event.ends_at or event.starts_at
        if ends_at < first or event.starts_at >= last:
            continue
        start, end = max(event.starts_at, first), min(ends_at, last)
        name = event.title(words.language)
        at, room = (start - first) / (last - first), _width_of(name) / NOMINAL_WIDTH
        align = "left" if at + room <= 1 else "right"
        left = at if align == "left" else at - room
        lane = next((lane for lane in range(LANES) if taken[lane] <= left), None)
        if lane is not None:
            taken[lane] = left + room
        rows.append(
            {
                "start": ms(start),
                "end": ms(end),
                "name": name,
                "when": event_time(event, words),
                "lane": lane,
                "align": align,
                "band": event.ends_at is not None,
                "expected": event.expected,
            }
        )
    return _event_marks(rows, words, labelled=labelled)


def event_time(event: Event, words: Catalogue) -> str:
    """Say when an event was, or that it is only expected."""
    when = period_name(event.starts_at, event.ends_at or event.starts_at, words)
    return f"{when} ({words('chart.tooltip.expected')})" if event.expected else when


def _event_marks(rows: list[dict[str, Any]], words: Catalogue, *, labelled: bool) -> list[alt.Chart]:
    if not rows:
        return []
    data = alt.Chart(alt.Data(values=rows)).encode(x="start:T")
    tooltip = [
        alt.Tooltip("name:N", title=words("chart.tooltip.event")),
        alt.Tooltip("when:N", title=words("chart.tooltip.when")),
    ]
    edges = data.transform_filter("datum.band").mark_rule(color=INK, opacity=0.5, strokeDash=[2, 3])
    layers = [
        # A band over stacked colours would turn them into other colours: there it lies above the plot.
        data.mark_rect(color=INK, opacity=0.55)
        .transform_filter("datum.band")
        .encode(x2="end:Q", y=alt.value(-4), y2=alt.value(0), tooltip=tooltip)
        if labelled
        else data.mark_rect(color=INK, opacity=0.07).transform_filter("datum.band").encode(x2="end:Q", tooltip=tooltip),
        edges.encode(tooltip=tooltip),
        edges.encode(x="end:T", tooltip=tooltip),
        *(
            data.mark_rule(color=INK, opacity=0.8, strokeWidth=1.2, strokeDash=dash)
            .transform_filter(f"!datum.band && {condition}")
            .encode(tooltip=tooltip)
            for dash, condition in (([1, 0], "!datum.expected"), ([3, 3], "datum.expected"))
        ),
    ]
    if labelled:
        layers += [
            data.mark_text(align=align, baseline="bottom", color=INK, fontSize=11, dx=3 if align == "left" else -3)
            .transform_filter(f"datum.lane === {lane} && datum.align === '{align}'")
            .encode(y=alt.value(-6 - lane * LANE_HEIGHT), text="name:N", tooltip=tooltip)
            for lane in range(LANES)
            for align in ("left", "right")
            if any(row["lane"] == lane and row["align"] == align for row in rows)
        ]
    return layers


def _width_of(text: str) -> float:
    """Estimate the width of a small text in pixels: a letter of Chinese or Japanese takes twice the room."""
    return sum(11.5 if character > "\u2e80" else 6.2 for character in text) + 10
