"""What should be heard of: alerts that go on or are new, and a button to take note of each."""

import streamlit as st

from dashboard.context import Context, current
from dashboard.notices import alert_note, alert_state
from db import alerts
from db.alerts import StoredAlert
from insights.catalogue import Catalogue

SHOWN = 50


def show(context: Context) -> None:
    """Draw the page."""
    words = context.words
    st.title(words("alerts.title"))
    st.markdown(words("alerts.note"))
    with context.engine.connect().execution_options(read_only=True) as connection:
        found = alerts.newest(connection, limit=SHOWN)
    waiting = [alert for alert in found if alert.acknowledged_at is None]
    noted = [alert for alert in found if alert.acknowledged_at is not None]
    st.header(words("alerts.open"), anchor=False)
    if not waiting:
        st.info(words("alerts.none"), icon=":material/notifications_off:")
    for alert in waiting:
        _draw(context, alert)
    if noted:
        st.header(words("alerts.noted"), anchor=False)
        for alert in noted:
            _draw(context, alert)


def _draw(context: Context, alert: StoredAlert) -> None:
    words = context.words
    with st.container(border=True):
        told, button = st.columns([5, 1], vertical_alignment="center")
        with told:
            st.markdown(f"**{_rule(alert, words)}**")
            st.text(alert.messages.get(words.language, alert.messages["en"]))
            st.caption(words("sentence.separator").join([alert_note(alert, words), alert_state(alert, words)]))
        if alert.acknowledged_at is None:
            button.button(
                words("alerts.acknowledge"),
                key=f"acknowledge_{alert.id}",
                on_click=_acknowledge,
                args=(context, alert.id),
                width="stretch",
            )


def _acknowledge(context: Context, number: int) -> None:
    with context.engine.execution_options(read_only=False).begin() as connection:
        alerts.acknowledge(connection, [number], now=context.now)


def _rule(alert: StoredAlert, words: Catalogue) -> str:
    try:
        return words(f"alert.rule.{alert.rule}")
    except KeyError:
        return alert.rule


show(current())
