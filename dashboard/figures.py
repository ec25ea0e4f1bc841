"""The figures of a page, asked of `insights` once and kept while the data stay the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import streamlit as st
from sqlalchemy import Engine

from classifiers.codebook import Category
from dashboard.view import View
from db import schema
from db.engine import open_engine, parse_url
from db.errors import DatabaseError
from insights import baseline as report
from insights import holdings as held
from insights.changes import Change, changes
from insights.events import Event, events
from insights.gaps import Gap, Refused, count_gaps, newest_gaps, refused
from insights.holdings import Holdings, RunSummary
from insights.sample import is_sample
from insights.shares import Denominator, Share, Status, shares, total
from insights.volume import Volume, volumes

KEPT_SECONDS = 60
"""After this time figures are asked for anew, even if nothing seems to have changed."""

RUNS_SHOWN = 10
GAPS_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What is known of the database before anything is chosen; `version` is the same as long as the figures are."""

    version: str
    sample: bool
    holdings: Holdings


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A view of a database in a certain state: the same question has the same figures.

    Parameters
    ----------
    start, end
        Half-open stretch of time, of whole periods.
    hour
        The present hour: a period that ends later is incomplete.
    """

    url: str
    version: str
    view: View
    start: datetime
    end: datetime
    hour: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything that the overview draws for one view.

    Parameters
    ----------
    shares
        By period, then category.
    five
        The shares of the report's five in `latest`'s period; in the whole span where there is no latest.
    latest
        The last complete period with shares, of the view's denominator; empty where there is none.
    passed_over
        Complete periods after it, with too few posts.
    changes
        From the period right before `latest`, by category; empty where that one has no shares.
    gaps
        Spans within the shown one from which posts are missing.
    """

    shares: Sequence[Share]
    volumes: Sequence[Volume]
    events: Sequence[Event]
    baseline: Mapping[Category, float]
    latest: Sequence[Share]
    five: Sequence[Share]
    passed_over: int
    changes: Mapping[Category, Change]
    gaps: int


@st.cache_resource(show_spinner=False, on_release=Engine.dispose)
def _opened(url: str) -> Engine:
    return open_engine(url)


def database(url: str) -> Engine:
    """Give the engine for reading alone; who takes note of an alert asks for another option.

    Raises
    ------
    DatabaseError
        There is no database, or it has another schema.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        raise DatabaseError(f"there is no database {parsed.database}", mend="run: grokwatch up")
    engine = _opened(url).execution_options(read_only=True)
    _check(url, engine)
    return engine


@st.cache_data(ttl=KEPT_SECONDS, show_spinner=False)
def _check(url: str, _engine: Engine) -> None:  # noqa: ARG001 - the URL is the key of the cache
    schema.check_schema(_engine)


def stock(url: str, engine: Engine) -> Stock:
    """Look what there is."""
    with schema.connected(engine) as connection:
        version = held.version(connection)
    return _stock(url, version, engine)


@st.cache_data(ttl=KEPT_SECONDS, max_entries=8, show_spinner=False)
def _stock(url: str, version: str, _engine: Engine) -> Stock:  # noqa: ARG001 - the URL is part of the cache's key
    with _engine.connect() as connection:
        return Stock(version=version, sample=is_sample(connection), holdings=held.holdings(connection))


@st.cache_data(ttl=KEPT_SECONDS, max_entries=64, show_spinner=False)
def figures(question: Question, _engine: Engine) -> Figures:
    """Ask for the figures of a view."""
    view, start, end = question.view, question.start, question.end
    sources, langs = view.sources, view.langs
    with _engine.connect() as connection:
        rows = shares(
            connection, step=view.step, start=start, end=end, sources=sources, langs=langs, denominator=view.denominator
        )
        complete = [period for period in by_period(rows) if period[0].period_end <= question.hour]
        known = [position for position, period in enumerate(complete) if period[0].status is Status.OK]
        latest = complete[known[-1]] if known else []
        before = complete[known[-1] - 1] if known and known[-1] > 0 else []
        five = latest
        if not latest and rows:
            # The report stands there always: beside the whole span where no period has enough posts.
            span = rows[0].period_start, rows[-1].period_end
            five = total(connection, start=span[0], end=span[1], sources=sources, langs=langs)
        if latest and view.denominator is not Denominator.FIVE:
            first = latest[0]
            five = total(connection, start=first.period_start, end=first.period_end, sources=sources, langs=langs)
        return Figures(
            shares=rows,
            volumes=volumes(connection, step=view.step, start=start, end=end, sources=sources, langs=langs),
            events=events(connection, start=start, end=end),
            baseline=report.by_category(connection),
            latest=latest,
            five=five,
            passed_over=len(complete) - known[-1] - 1 if known else 0,
            changes={change.category: change for change in changes(before, latest)} if before else {},
            gaps=count_gaps(connection, start=rows[0].period_start, end=rows[-1].period_end, sources=sources)
            if rows
            else 0,
        )


def by_period(rows: Sequence[Share]) -> list[list[Share]]:
    """Group shares by their period."""
    periods: dict[datetime, list[Share]] = {}
    for row in rows:
        periods.setdefault(row.period_start, []).append(row)
    return list(periods.values())


@st.cache_data(ttl=KEPT_SECONDS, max_entries=8, show_spinner=False)
def gaps(url: str, version: str, _engine: Engine) -> tuple[list[Gap], list[Refused]]:  # noqa: ARG001 - the key of the cache
    """Give the newest gaps, and the streams that are refused."""
    with _engine.connect() as connection:
        return newest_gaps(connection, limit=GAPS_SHOWN), refused(connection)


@st.cache_data(ttl=KEPT_SECONDS, max_entries=8, show_spinner=False)
def latest_runs(url: str, version: str, _engine: Engine) -> list[RunSummary]:  # noqa: ARG001 - the key of the cache
    """Give the newest runs."""
    with _engine.connect() as connection:
        return held.runs(connection, limit=RUNS_SHOWN)
