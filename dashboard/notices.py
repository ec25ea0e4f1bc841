"""Sentences that say what is shown, what can't be shown, and what to do about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import streamlit as st

from dashboard.context import Context, language_name, source_name
from dashboard.figures import Figures, by_period
from dashboard.sidebar import reset
from dashboard.view import View
from db.alerts import StoredAlert
from insights.catalogue import Catalogue
from insights.chart_time import event_time
from insights.gaps import Refused
from insights.holdings import Holdings
from insights.shares import Status
from insights.wording import count, moment_name, period_name

STREAMS_SHOWN: Final = 3


def nothing_stored(context: Context) -> None:
    """Say why there is nothing to show at all: no posts, or none labelled yet."""
    words, held = context.words, context.stock.holdings
    if held.posts == 0:
        st.info(words("empty.posts"), icon=":material/inbox:")
    else:
        st.info(words("empty.labels", posts=count(held.waiting)), icon=":material/hourglass_empty:")


def nothing_chosen(view: View, words: Catalogue) -> None:
    """Say that no labelled post fits the choice, and offer the way back."""
    chosen = [source_name(source, words) for source in view.sources]
    chosen += [language_name(lang, words) for lang in view.langs]
    told = words("empty.separator").join(chosen) or words(f"filter.preset.{view.preset}")
    st.info(words("empty.choice", choice=told), icon=":material/filter_alt_off:")
    st.button(words("filter.reset"), key="reset_empty", on_click=reset, args=(view,))


def latest_note(found: Figures, view: View, held: Holdings, words: Catalogue) -> None:
    """Name the period of the shares at a glance and the posts behind them; say where there is none."""
    if not found.latest:
        st.info(words(f"empty.too_few.{view.step}"), icon=":material/scatter_plot:")
        return
    first = found.latest[0]
    volume = next((row for row in found.volumes if row.period_start == first.period_start), None)
    note = words(
        "overview.now.note",
        period=period_name(first.period_start, first.period_end, words),
        relevant=count(volume.relevant if volume else 0),
        effective=count(first.effective_posts),
        of=words(f"denominator.{first.denominator}"),
    )
    sentences = [note]
    if first.corrected:
        whose = "extrapolated" if first.extrapolated else "own"
        sentences.append(words(f"overview.now.corrected.{whose}", audits=count(first.audited)))
    if found.passed_over:
        sentences.append(words(f"overview.now.passed_over.{view.step}", periods=count(found.passed_over)))
    if held.last is not None:
        sentences.append(words("overview.now.newest", newest=moment_name(held.last, words)))
    if held.waiting:
        sentences.append(words("overview.now.waiting", waiting=count(held.waiting)))
    st.markdown(words("sentence.separator").join(sentences))


def span_note(found: Figures, words: Catalogue, *, hour: datetime) -> str:
    """Say which posts the chart stands on, how, and what its marks mean; a period that ends after this hour is incomplete."""
    periods = by_period(found.shares)
    shown = [period for period in periods if period[0].status is Status.OK]
    parts = [
        words(
            "overview.course.note",
            period=period_name(periods[0][0].period_start, periods[-1][0].period_end, words),
            relevant=count(sum(volume.relevant for volume in found.volumes)),
            posts=count(sum(volume.posts for volume in found.volumes)),
        )
    ]
    if len(shown) < len(periods):
        parts.append(words("overview.course.gaps"))
    if periods[-1][0].period_end > hour:
        parts.append(words("overview.course.so_far"))
    if found.gaps:
        parts.append(words("overview.course.holes", holes=count(found.gaps)))
    if found.events:
        listed = words("empty.separator").join(
            words("overview.course.event", name=event.title(words.language), when=event_time(event, words))
            for event in found.events
        )
        parts.append(words("overview.course.events", events=listed))
    return words("sentence.separator").join(parts)


def refusals(streams: Sequence[Refused], words: Catalogue) -> None:
    """Warn of streams that their platforms refuse, those of one platform and one reason together."""
    groups: dict[tuple[str, str, datetime], list[str]] = {}
    for refused in streams:
        again = refused.retry_at.replace(minute=0, second=0, microsecond=0)
        groups.setdefault((refused.source, refused.reason, again), []).append(refused.stream)
    for (source, reason, again), names in groups.items():
        told = words("empty.separator").join(names[:STREAMS_SHOWN])
        if len(names) > STREAMS_SHOWN:
            told = words("data.parked.more", streams=told, more=count(len(names) - STREAMS_SHOWN))
        sentences = (
            words(f"data.parked.{reason}", source=source_name(source, words), streams=told),
            words("data.parked.again", moment=moment_name(again, words)),
        )
        st.warning(words("sentence.separator").join(sentences), icon=":material/block:")


def alert_note(alert: StoredAlert, words: Catalogue) -> str:
    """Name an alert by its number and moment."""
    return words("alerts.number", id=alert.id, moment=moment_name(alert.fired_at, words))


def alert_state(alert: StoredAlert, words: Catalogue) -> str:
    """Say whether an alert goes on, whether somebody took note, and whether it arrived."""
    told = [words("alerts.state.going_on")] if alert.ended_at is None else []
    if alert.ended_at is not None and alert.ended_at > alert.fired_at:
        told.append(words("alerts.state.ended", moment=moment_name(alert.ended_at, words)))
    if alert.acknowledged_at is not None:
        told.append(words("alerts.state.noted", moment=moment_name(alert.acknowledged_at, words)))
    if alert.delivered_at is not None:
        told.append(words("alerts.state.delivered", moment=moment_name(alert.delivered_at, words)))
    elif alert.attempts:
        told.append(words("alerts.state.failed", attempts=alert.attempts))
    return words("sentence.separator").join(told)


def newest_note(context: Context) -> str:
    """Say how new the newest labelled post is and how many wait for a label."""
    words, held = context.words, context.stock.holdings
    newest = moment_name(held.last, words) if held.last is not None else words("status.no_data")
    return words("data.newest", newest=newest, posts=count(held.posts), waiting=count(held.waiting))
