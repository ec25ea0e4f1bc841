"""The posts and phrases behind a share, asked of `insights` once and kept while the data stay the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import streamlit as st
from sqlalchemy import Engine

from classifiers.codebook import Category
from dashboard.figures import KEPT_SECONDS
from db.periods import Step, next_start, start_of
from insights.phrases import Phrase, moved_phrases
from insights.quotes import Quote, quotes

QUOTES_SHOWN = 5
PHRASES_SHOWN = 12
PERIODS_OFFERED = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicesQuestion:
    """A category in one period, of some posts, in a database of a certain state."""

    url: str
    version: str
    category: Category
    start: datetime
    end: datetime
    before: datetime
    sources: tuple[str, ...]
    langs: tuple[str, ...]
    mask: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Voices:
    """Typical posts, and the phrases that moved since the period before."""

    quotes: Sequence[Quote]
    phrases: Sequence[Phrase]


def periods(step: Step, first: datetime, last: datetime) -> list[tuple[datetime, datetime]]:
    """Give the periods that posts lie in, newest first, as many as are offered."""
    starts = [start_of(step, first)]
    while starts[-1] < start_of(step, last):
        starts.append(next_start(step, starts[-1]))
    return [(start, next_start(step, start)) for start in reversed(starts[-PERIODS_OFFERED:])]


@st.cache_data(ttl=KEPT_SECONDS, max_entries=64, show_spinner=False)
def voices(question: VoicesQuestion, _engine: Engine) -> Voices:
    """Ask for the posts and phrases of a category in a period."""
    chosen = question
    with _engine.connect() as connection:
        return Voices(
            quotes=quotes(
                connection,
                start=chosen.start,
                end=chosen.end,
                category=chosen.category,
                n=QUOTES_SHOWN,
                sources=chosen.sources,
                langs=chosen.langs,
                mask=chosen.mask,
            ),
            phrases=moved_phrases(
                connection,
                before=(chosen.before, chosen.start),
                after=(chosen.start, chosen.end),
                category=chosen.category,
                n=PHRASES_SHOWN,
                sources=chosen.sources,
                langs=chosen.langs,
            ),
        )
