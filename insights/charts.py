"""Charts for dashboard and digest alike, as Altair specifications that need no network.

Every chart says itself what it shows: title, unit, sample notice, and a description for screen readers. Colours stand for
categories and nothing else. Text takes the colour of the page around it, so that one specification serves light and dark.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import altair as alt

from classifiers.codebook import FIVE, Category
from insights.catalogue import Catalogue
from insights.chart_encoding import (
    COLOURS,
    category_colour,
    difference_text,
    percent_x,
    percent_y,
    share_row,
    share_tooltip,
    tooltip,
)
from insights.chart_paper import draw
from insights.chart_time import INK, Period, bar_gap, event_layers, ms, note_layers, so_far_layer, time_axis
from insights.events import Event
from insights.shares import Denominator, Share, Status
from insights.volume import Volume
from insights.wording import count, interval, percent, period_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What all charts of one page or letter share.

    Parameters
    ----------
    words
        The texts in the reader's language.
    now
        A period that ends later is drawn as incomplete.
    sample
        The posts are sample data: every chart says so.
    events
        Marks of what happened to Grok; drawn where they fall into the chart's span.
    width
        Pixels of the plot; None lets it fill the place it is put in.
    """

    words: Catalogue
    now: datetime
    sample: bool = False
    events: Sequence[Event] = ()
    width: int | None = None


def shares_chart(shares: Sequence[Share], frame: Frame, *, legend: bool = True) -> alt.LayerChart:
    """Stack the shares of each period to 100 %; periods that can't be shown stay empty and say why.

    Parameters
    ----------
    shares
        At least one period, as `insights.shares.shares` gives them.
    legend
        Whether the chart names the colours itself, or the place around it does.
    """
    words = frame.words
    periods = _periods(shares, frame)
    categories = _categories(shares)
    rows: list[dict[str, Any]] = []
    for _, group in _by_period(shares):
        top = 1.0
        for share in group:
            if share.share is not None:
                rows.append(share_row(share, words, now=frame.now) | {"top": top, "bottom": top - share.share})
                top -= share.share
    bars = (
        alt.Chart()
        .mark_bar(xOffset=bar_gap(periods), x2Offset=-bar_gap(periods))
        .encode(
            x=time_axis(periods, words),
            x2="end:Q",
            y=percent_y("bottom", words("chart.axis.share"), ceiling=1.0),
            y2="top:Q",
            color=category_colour(categories, words, legend=legend),
            opacity=alt.condition("datum.incomplete", alt.value(0.5), alt.value(1.0)),
            tooltip=share_tooltip(words),
        )
    )
    layers = [
        *note_layers(periods, words),
        bars,
        *event_layers(frame.events, periods, words),
        *so_far_layer(periods, words),
    ]
    five = not shares or shares[0].denominator is Denominator.FIVE
    title = words(f"chart.shares.title.{'five' if five else 'relevant'}")
    return _finish(layers, rows, frame, title=title, description=_describe(shares, title, words), height=300)


def interval_chart(
    shares: Sequence[Share], category: Category, frame: Frame, *, baseline: float | None = None, ceiling: float = 1.0
) -> alt.LayerChart:
    """Follow one category over time with its 95 % intervals, which stacked shares can't carry.

    Parameters
    ----------
    baseline
        The report's share, drawn as a dashed line; None where it can't be compared.
    ceiling
        Upper end of the axis in [0, 1]; the same for charts that are read side by side (see `common_ceiling`).
    """
    words = frame.words
    periods = _periods(shares, frame)
    mine = [share for share in shares if share.category is category]
    rows = [share_row(share, words, now=frame.now) for share in mine]
    base = alt.Chart().encode(x=time_axis(periods, words, field="middle", brief=True))
    y = percent_y("share", None, ceiling=ceiling)
    colour = COLOURS[category]
    known = "isValid(datum.share)"
    layers: list[alt.Chart] = [
        *note_layers(periods, words, top=ceiling),
        *event_layers(frame.events, periods, words, labelled=False),
    ]
    if baseline is not None:
        line = alt.Chart(
            alt.Data(values=[{"share": baseline, "text": words("chart.baseline.mark", share=percent(baseline))}])
        )
        layers.append(
            line.mark_rule(strokeDash=[5, 4], color=INK, opacity=0.75).encode(
                y=y, tooltip=tooltip(words, ("text", "chart.tooltip.report"))
            )
        )
    layers += [
        base.mark_area(color=colour, opacity=0.16).encode(y=percent_y("low", None, ceiling=ceiling), y2="high:Q"),
        base.mark_rule(color=colour, opacity=0.55, strokeWidth=2)
        .transform_filter(known)
        .encode(y=percent_y("low", None, ceiling=ceiling), y2="high:Q"),
        base.mark_line(color=colour, strokeWidth=1.5).encode(y=y),
        base.mark_point(filled=True, fill=colour, stroke=colour, strokeWidth=1.6, size=38, opacity=1)
        .transform_filter(known)
        .encode(
            y=y,
            fillOpacity=alt.condition("datum.incomplete", alt.value(0.0), alt.value(1.0)),
            tooltip=share_tooltip(words),
        ),
    ]
    title = words(f"category.{category}")
    return _finish(layers, rows, frame, title=title, description=_describe(mine, title, words), height=150)


def common_ceiling(shares: Sequence[Share], baseline: Mapping[Category, float] | None = None) -> float:
    """Give the upper end, in tenths, of an axis that holds every interval and the report's shares."""
    highest = max(
        [share.high for share in shares if share.high is not None] + list((baseline or {}).values()), default=1.0
    )
    return min(1.0, (int(highest * 10 - 1e-9) + 1) / 10)


def baseline_chart(shares: Sequence[Share], baseline: Mapping[Category, float], frame: Frame) -> alt.LayerChart:
    """Set one period's shares of the five, with intervals, beside the report's, which has none.

    Parameters
    ----------
    shares
        One period, denominator `five`.
    baseline
        The report's shares in [0, 1].
    """
    words = frame.words
    names = {category: words(f"category.{category}") for category in FIVE}
    ceiling = common_ceiling(shares, baseline)
    by_category = {share.category: share for share in shares}
    rows: list[dict[str, Any]] = []
    for category in FIVE:
        share = by_category[category]
        row = share_row(share, words, now=frame.now) | {
            "report": baseline[category],
            "report_text": percent(baseline[category]),
        }
        rows.append(row | {"difference": difference_text(share, baseline[category], words)})
    y = alt.Y("name:N", sort=list(names.values()), axis=None, scale=alt.Scale(paddingInner=0.1, paddingOuter=0.0))
    data = alt.Chart().encode(y=y)
    x = percent_x(ceiling, words("chart.axis.share"))
    known = "isValid(datum.share)"
    told = [
        *share_tooltip(words),
        *tooltip(words, ("report_text", "chart.tooltip.report"), ("difference", "chart.tooltip.difference")),
    ]
    colour = category_colour(FIVE, words, legend=False)
    down = 8
    layers = [
        data.mark_text(align="left", dy=-10, color=INK, fontSize=12).encode(x=alt.value(0), text="name:N"),
        data.mark_rule(strokeWidth=7, opacity=0.35, yOffset=down)
        .transform_filter(known)
        .encode(x=percent_x(ceiling, words("chart.axis.share"), field="low"), x2="high:Q", color=colour, tooltip=told),
        data.mark_point(size=110, filled=True, opacity=1, yOffset=down)
        .transform_filter(known)
        .encode(x=x, color=colour, tooltip=told),
        data.mark_text(align="left", dy=down, color=INK, opacity=0.7, fontSize=11)
        .transform_filter(f"!{known}")
        .encode(x=alt.value(0), text="value:N"),
        data.mark_point(
            shape="diamond", size=90, filled=False, color=INK, opacity=1, strokeWidth=1.8, yOffset=down
        ).encode(x=percent_x(ceiling, words("chart.axis.share"), field="report"), tooltip=told),
    ]
    title = words("chart.baseline.title")
    return _finish(
        layers,
        rows,
        frame,
        title=title,
        subtitle=words(
            "chart.baseline.subtitle", period=period_name(shares[0].period_start, shares[0].period_end, words)
        ),
        description=_describe(shares, title, words),
        height=300,
    )


def volume_chart(volumes: Sequence[Volume], frame: Frame) -> alt.LayerChart:
    """Draw how many labelled posts each period has, and how many of them are about Grok."""
    words = frame.words
    periods = [
        Period(volume.period_start, volume.period_end, Status.OK, volume.period_end > frame.now) for volume in volumes
    ]
    rows = [
        {
            "start": ms(volume.period_start),
            "end": ms(volume.period_end),
            "period": period_name(volume.period_start, volume.period_end, words),
            "number": number,
            "kind": words(f"chart.volume.{kind}"),
            "posts": count(volume.posts),
            "relevant": count(volume.relevant),
            "waiting": count(volume.waiting),
            "incomplete": volume.period_end > frame.now,
        }
        for volume in volumes
        for kind, number in (("posts", volume.posts), ("relevant", volume.relevant))
    ]
    kinds = [words("chart.volume.posts"), words("chart.volume.relevant")]
    bars = (
        alt.Chart()
        .mark_bar(color=INK, xOffset=bar_gap(periods), x2Offset=-bar_gap(periods))
        .encode(
            x=time_axis(periods, words),
            x2="end:Q",
            y=alt.Y(
                "number:Q",
                stack=None,
                axis=alt.Axis(title=words("chart.axis.posts"), tickMinStep=1, tickCount=4, format=",d"),
            ),
            y2=alt.datum(0),
            fillOpacity=alt.FillOpacity(
                "kind:O",
                sort=kinds,
                scale=alt.Scale(domain=kinds, range=[0.25, 0.6]),
                legend=None,
            ),
            tooltip=tooltip(
                words,
                ("period", "chart.tooltip.period"),
                ("posts", "chart.volume.posts"),
                ("relevant", "chart.volume.relevant"),
                ("waiting", "outcome.waiting"),
            ),
        )
    )
    title = words("chart.volume.title")
    told = words("chart.describe.volume_separator").join(
        words(
            "chart.describe.volume",
            period=period_name(volume.period_start, volume.period_end, words),
            posts=count(volume.posts),
            relevant=count(volume.relevant),
        )
        for volume in volumes[-3:]
    )
    layers = [*event_layers(frame.events, periods, words, labelled=False), bars, *so_far_layer(periods, words)]
    return _finish(
        layers,
        rows,
        frame,
        title=title,
        subtitle=words("chart.volume.subtitle"),
        description=f"{title}. {told}",
        height=170,
    )


def png(chart: alt.LayerChart, *, scale: float = 2.0) -> bytes:
    """Draw a chart on white, for places that show no live charts.

    Parameters
    ----------
    scale
        Pixels of the picture per pixel of the chart.
    """
    return draw(chart, scale=scale)


def _finish(
    layers: Sequence[alt.Chart],
    rows: Sequence[dict[str, Any]],
    frame: Frame,
    *,
    title: str,
    description: str,
    height: int,
    subtitle: str | None = None,
) -> alt.LayerChart:
    """Put title, sample notice, size and description on a chart."""
    words = frame.words
    lines = [line for line in (subtitle, words("chart.sample") if frame.sample else None) if line]
    heading = alt.TitleParams(
        text=title, subtitle=lines, subtitleColor=INK, subtitleFontSize=12, anchor="start", offset=8, frame="group"
    )
    # The rows belong to the whole chart and not to each of its layers: they are many, and are copied with every step of
    # building a layer. The height is that of the plot, so that long legends and titles don't press it flat.
    return alt.LayerChart(
        data={"values": list(rows)},
        layer=list(layers),
        title=heading,
        description=description,
        height=height,
        width=frame.width or "container",
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )


def _by_period(shares: Sequence[Share]) -> Iterator[tuple[datetime, list[Share]]]:
    for start, group in groupby(shares, key=lambda share: share.period_start):
        yield start, list(group)


def _periods(shares: Sequence[Share], frame: Frame) -> list[Period]:
    return [
        Period(group[0].period_start, group[0].period_end, group[0].status, group[0].period_end > frame.now)
        for _, group in _by_period(shares)
    ]


def _categories(shares: Sequence[Share]) -> list[Category]:
    return list(dict.fromkeys(share.category for share in shares))


def _describe(shares: Sequence[Share], title: str, words: Catalogue) -> str:
    """Say in words what the newest period with a share shows, for readers who can't see the chart."""
    known = [group for _, group in _by_period(shares) if group[0].share is not None]
    if not known:
        return words("chart.describe.nothing", title=title)
    told = words("chart.describe.list_separator").join(
        words(
            "chart.describe.share",
            name=words(f"category.{share.category}"),
            share=percent(share.share or 0.0),
            interval=interval(share.low or 0.0, share.high or 0.0, words),
        )
        for share in known[-1]
    )
    period = period_name(known[-1][0].period_start, known[-1][0].period_end, words)
    return words("chart.describe.shares", title=title, period=period, shares=told)
