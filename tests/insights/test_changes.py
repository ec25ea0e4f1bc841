"""Changes from one period to the next: what two shares that stand on the same audits know of their difference."""

import math
from datetime import timedelta

import pytest
from archives.history import MONDAY, OUTAGE, USUAL, store_days
from sqlalchemy import select

from classifiers.codebook import Category, Polarity
from db import audits
from db.audits import Verdict as Answer
from db.models import Label
from insights.alerts import change_condition
from insights.audit import draw_audit
from insights.changes import Verdict, period_changes
from insights.findings import Kind, findings

LATER = MONDAY + timedelta(days=90)


def label(engine, name, answer):
    """Let a person answer by what the model says of each post of a draw."""
    with engine.begin() as connection:
        for position, post in enumerate(audits.drawn_posts(connection, name)):
            said = connection.scalar(select(Label.category).where(Label.post_id == post.id))
            category = answer(Category(said), position)
            verdict = Answer(relevant=True, category=category, polarity=Polarity.NEGATIVE)
            audits.label(connection, post.id, "yuki", verdict, now=LATER)


def every_third_excitement_is_bias(said, position):
    return Category.BIAS if said is Category.EXCITEMENT and position % 3 == 0 else said


def test_two_extrapolated_weeks_err_together(sqlite_engine):
    store_days(sqlite_engine, [USUAL] * 21)
    draw_audit(sqlite_engine, n=80, now=LATER, end=MONDAY + timedelta(weeks=1), seed=1, name="first")
    label(sqlite_engine, "first", every_third_excitement_is_bias)
    with sqlite_engine.connect() as connection:
        rows = period_changes(connection, start=MONDAY, end=MONDAY + timedelta(weeks=3))
    own, lent = (
        next(row for row in rows if row.after.category is Category.BIAS and row.after.period_start == start)
        for start in (MONDAY + timedelta(weeks=1), MONDAY + timedelta(weeks=2))
    )
    assert (own.before.extrapolated, own.after.extrapolated) == (False, True)
    assert (lent.before.extrapolated, lent.after.extrapolated) == (True, True)
    for row, together in ((own, False), (lent, True)):
        apart = math.hypot(row.after.high - row.after.share, row.before.share - row.before.low)
        reach = row.change.high - row.change.difference
        assert reach == pytest.approx(apart) if not together else 0 < reach < 0.9 * apart


def test_a_change_of_labels_that_people_found_wrong_is_no_alert(sqlite_engine):
    store_days(sqlite_engine, [*[USUAL] * 56, *[OUTAGE] * 7])
    now = MONDAY + timedelta(days=63)

    def found():
        with sqlite_engine.connect() as connection:
            return next(
                one
                for one in findings(connection, now=now, since=now - timedelta(days=14))
                if one.kind is Kind.DETECTED and one.category is Category.LATENCY
            )

    key = "change latency rise"
    assert change_condition(found()).key == key
    draw_audit(sqlite_engine, n=60, now=LATER, seed=1, name="noise")
    label(sqlite_engine, "noise", lambda said, position: list(Category)[position % 6])
    doubted = found()
    assert doubted.change.verdict is Verdict.UNCLEAR
    assert change_condition(doubted) is None
    rising = "rise" if doubted.change.difference > 0 else "fall"
    assert change_condition(doubted, running={f"change latency {rising}"}) is not None
