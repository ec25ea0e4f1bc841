"""What should be told at once: conditions of the figures, and which of them are news."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection

from classifiers.codebook import Category
from db.alerts import StoredAlert
from db.rollups import hour_of
from db.series import count_waiting, hourly_volumes
from insights.catalogue import Catalogue
from insights.changes import Verdict
from insights.detection import BASELINE, LEAST_BASELINE, volume_surprise
from insights.findings import Finding
from insights.shares import Denominator, Status, total
from insights.wording import count, day_name, interval, percent, points, points_interval

WEEK: Final = timedelta(days=7)
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
VOLUME_HOURS: Final = (24, 6)
"""Stretches whose volumes are compared with those of the same hours before: a day for what is slow, six hours for what is not."""

VOLUME_RARE: Final = 1e-4
"""p-value of a volume that is told; with some hundred independent looks a quarter and platform, false ones are rare."""

VOLUME_OVER: Final = 0.05
"""p-value above which a volume is as usual again."""

LEAST_EXPECTED: Final = 10.0
"""Posts that must be usual for a volume to be judged."""

UNLABELLED: Final = 0.05
"""Part of the usual volume that may wait for a label; more, and fewer posts may only be posts that are not yet labelled."""

Telling = Callable[[Catalogue], str]


class Rule(StrEnum):
    """What an alert is about."""

    SHARE = "share"
    CHANGE = "change"
    VOLUME = "volume"
    SILENT = "silent"
    BUDGET = "budget"
    HOLE = "hole"
    JOB = "job"


FIGURES: Final = (Rule.SHARE, Rule.CHANGE, Rule.VOLUME)
"""Rules on what people write; never on sample posts. The others are on the work itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that is so now.

    Parameters
    ----------
    key
        The same for as long as it goes on; one condition has one running alert.
    tell
        Says it in a language of the readers.
    detail
        Its figures, for machines.
    lasting
        Whether it goes on until it ends; else it happened once.
    """

    rule: Rule
    key: str
    tell: Telling
    detail: Mapping[str, Any]
    lasting: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A bound that a share is to stay under (`above` tells when it does not) or over; `key` names it."""

    key: str
    category: Category
    above: bool
    bound: float
    denominator: Denominator
    source: str | None
    lang: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a look changes: conditions that fire, and running alerts that have ended."""

    fired: tuple[Condition, ...]
    ended: tuple[int, ...]


def news(
    conditions: Sequence[Condition],
    running: Sequence[StoredAlert],
    *,
    now: datetime,
    cooldown: Callable[[Rule], timedelta],
    silenced: Collection[Rule] = (),
) -> News:
    """Tell which conditions are news.

    A condition fires once. While it goes on it fires again after its cooldown, unless somebody took note; once it has ended
    it may fire anew.

    Parameters
    ----------
    silenced
        Rules that could not be judged this time: what runs of them goes on running.
    """
    last = {alert.condition: alert for alert in running}
    fired: list[Condition] = []
    for condition in conditions:
        known = last.get(condition.key)
        if known is None or (known.acknowledged_at is None and now - known.fired_at >= cooldown(condition.rule)):
            fired.append(condition)
    current = {condition.key for condition in conditions}
    again = {condition.key for condition in fired}
    ended = [
        alert.id
        for alert in running
        if alert.condition in again or (alert.condition not in current and alert.rule not in silenced)
    ]
    return News(fired=tuple(fired), ended=tuple(ended))


def share_conditions(
    connection: Connection, bounds: Sequence[Bound], *, now: datetime, running: Collection[str] = ()
) -> list[Condition]:
    """Find the bounds that the shares of the last seven days are beyond.

    One fires when the whole 95 % interval lies beyond its bound, and goes on for as long as the share itself does: a share that
    swings around the bound is told once. Too few posts are never told.
    """
    found: list[Condition] = []
    for bound in bounds:
        shares = total(
            connection,
            start=now - WEEK,
            end=now,
            sources=() if bound.source is None else (bound.source,),
            langs=() if bound.lang is None else (bound.lang,),
            denominator=bound.denominator,
        )
        share = next(one for one in shares if one.category is bound.category)
        if share.status is not Status.OK or share.share is None or share.low is None or share.high is None:
            continue
        figure = share.share if bound.key in running else share.low if bound.above else share.high
        if figure > bound.bound if bound.above else figure < bound.bound:
            detail = {
                "category": bound.category.value,
                "source": bound.source,
                "lang": bound.lang,
                "denominator": bound.denominator.value,
                "bound": bound.bound,
                "share": share.share,
                "low": share.low,
                "high": share.high,
                "effective_posts": share.effective_posts,
                "period_start": (now - WEEK).isoformat(),
                "period_end": now.isoformat(),
            }
            found.append(Condition(rule=Rule.SHARE, key=bound.key, tell=_tell_share(bound, detail), detail=detail))
    return found


def _tell_share(bound: Bound, figures: Mapping[str, Any]) -> Telling:
    def tell(words: Catalogue) -> str:
        return words(
            f"alert.share.{'above' if bound.above else 'below'}",
            category=words(f"category.{bound.category}"),
            share=percent(figures["share"]),
            interval=interval(figures["low"], figures["high"], words),
            effective=count(figures["effective_posts"]),
            bound=percent(bound.bound),
            where=_where(bound.source, bound.lang, words),
            of=words(f"denominator.{bound.denominator}"),
        )

    return tell


def change_condition(finding: Finding, *, running: Collection[str] = ()) -> Condition | None:
    """Make what was detected something to tell; None where one of its two spans has too few posts for a share.

    It fires when the interval of its size lies on one side of zero, and goes on for as long as it is detected in the same
    direction. Labels may move beyond chance where shares do not: audits may have found these labels wrong, or few
    long threads make it up.
    """
    change, after = finding.change, finding.after
    if change.verdict is Verdict.UNKNOWN or after.share is None or after.low is None or after.high is None:
        return None
    rise = (change.difference or 0.0) > 0
    key = f"change {finding.category} {'rise' if rise else 'fall'}"
    if change.verdict is Verdict.UNCLEAR and key not in running:
        return None
    detail = {
        "category": finding.category.value,
        "source": finding.group.source,
        "lang": finding.group.lang,
        "denominator": after.denominator.value,
        "start": finding.start.isoformat(),
        "difference": change.difference,
        "difference_low": change.low,
        "difference_high": change.high,
        "share": after.share,
        "low": after.low,
        "high": after.high,
        "p_value": finding.p_value,
        "events": [event.name for event in finding.explanation.events],
    }

    def tell(words: Catalogue) -> str:
        told = words(
            f"alert.change.{'rise' if rise else 'fall'}",
            category=words(f"category.{finding.category}"),
            points=points(change.difference or 0.0, words),
            between=points_interval(change.low or 0.0, change.high or 0.0, words),
            share=percent(after.share or 0.0),
            interval=interval(after.low or 0.0, after.high or 0.0, words),
            where=_where(finding.group.source, finding.group.lang, words),
            start=day_name(finding.start, words),
            of=words(f"denominator.{after.denominator}"),
        )
        if not finding.explanation.events:
            return told
        named = [
            words("alert.change.event", name=event.title(words.language), day=day_name(event.starts_at, words))
            for event in finding.explanation.events
        ]
        return told + words("alert.change.events", events=words("alert.separator.list").join(named))

    return Condition(rule=Rule.CHANGE, key=key, tell=tell, detail=detail)


def volume_conditions(
    connection: Connection,
    sources: Sequence[str],
    *,
    now: datetime,
    factor: float,
    running: Collection[str] = (),
) -> list[Condition]:
    """Find platforms with far more or far fewer posts about Grok than are usual at this time of the day.

    Parameters
    ----------
    sources
        Platforms that are being read: of others, fewer posts say nothing.
    factor
        By how much a volume must differ, beside being no chance.
    """
    end = hour_of(now) - HOUR  # the last hour's posts may not all be there yet
    start = end - DAY * (BASELINE + 1)
    hours = (end - start) // HOUR
    volumes = {source: np.zeros(hours) for source in sources}
    first: dict[str, int] = {}
    for hour, source, volume in hourly_volumes(connection, start=start, end=end):
        if source in volumes:
            place = (hour - start) // HOUR
            volumes[source][place] = volume
            first.setdefault(source, place)
    found: list[Condition] = []
    for source, series in volumes.items():
        whole_days = (hours - first.get(source, hours)) // 24
        if whole_days <= LEAST_BASELINE:
            continue
        days = series[hours - whole_days * 24 :].reshape(whole_days, 24)
        for length in VOLUME_HOURS:
            seen = volume_surprise(days[:, 24 - length :].sum(axis=1))
            side = "jump" if seen.volume > seen.expected else "drop"
            key = f"volume {source} {side}"
            beyond = seen.volume >= factor * seen.expected or seen.volume * factor <= seen.expected
            told = seen.p_value <= VOLUME_OVER if key in running else beyond and seen.p_value <= VOLUME_RARE
            if seen.expected < LEAST_EXPECTED or not told or any(one.key == key for one in found):
                continue
            waiting = count_waiting(connection, source, start=end - HOUR * length, end=end) if side == "drop" else 0
            if waiting > UNLABELLED * seen.expected:
                continue
            detail = {
                "source": source,
                "hours": length,
                "end": end.isoformat(),
                "posts": seen.volume,
                "expected": seen.expected,
                "p_value": seen.p_value,
            }
            found.append(Condition(rule=Rule.VOLUME, key=key, tell=_tell_volume(side, source, detail), detail=detail))
    return found


def _tell_volume(side: str, source: str, figures: Mapping[str, Any]) -> Telling:
    def tell(words: Catalogue) -> str:
        return words(
            f"alert.volume.{side}",
            source=named("source", source, words),
            posts=count(figures["posts"]),
            expected=count(figures["expected"]),
            hours=figures["hours"],
        )

    return tell


def named(kind: str, name: str, words: Catalogue) -> str:
    """Name a source or a language in a reader's words; one without a name stands for itself."""
    try:
        return words(f"{kind}.{name}")
    except KeyError:
        return name


def _where(source: str | None, lang: str | None, words: Catalogue) -> str:
    kind = "both" if source and lang else "source" if source else "lang" if lang else "none"
    values = {
        "source": named("source", source, words) if source else "",
        "lang": named("language", lang, words) if lang else "",
    }
    return words(f"alert.where.{kind}", **values)
