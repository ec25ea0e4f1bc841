"""Key phrases that moved between two periods: log-odds with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008).

A phrase counts once a thread, so that neither a talkative author nor a copied post moves it. The prior are the phrases of all
posts about Grok in both periods: a phrase must move against the whole conversation, and a rare one needs more to be believed.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import NormalDist
from typing import Final

from sqlalchemy import Connection

from classifiers.codebook import Category
from classifiers.text import normalise
from db.quotes import QuotedPost
from db.selection import Selection
from insights.candidates import draw
from insights.words.stop import stop_words
from insights.words.tokens import Word, is_unspaced, phrase, sentences

LONGEST: Final = 3
"""Words of a phrase."""
POSTS: Final = 1_500
"""Posts of a period whose words are read."""
FEWEST: Final = 5
"""Threads in which a phrase must occur, in both periods together."""
FALSE_DISCOVERY_RATE: Final = 0.05
PRIOR: Final = 0.1
"""The prior's weight, as a part of the smaller period."""
MOST: Final = 0.95
"""Part of the threads that a phrase is expected in at most."""
NESTED: Final = 0.75
"""A phrase goes where a longer one that holds it has at least this part of its threads."""

_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A phrase that moved.

    Parameters
    ----------
    before, after
        Threads of the earlier and the later period that hold it, among the posts that were read.
    share_before, share_after
        The same as parts of the threads that were read.
    log_odds
        Log of the ratio of its odds, later to earlier, drawn towards the prior.
    z, p
        The log-odds by its standard error, and the two-sided p-value.
    """

    phrase: str
    before: int
    after: int
    share_before: float
    share_after: float
    log_odds: float
    z: float
    p: float


def moved_phrases(
    connection: Connection,
    *,
    before: tuple[datetime, datetime],
    after: tuple[datetime, datetime],
    category: Category,
    n: int = 10,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
) -> list[Phrase]:
    """Give the phrases of a category that became more or less frequent, told from chance (Benjamini & Hochberg 1995).

    Parameters
    ----------
    before, after
        Two spans, half-open.
    n
        How many at most, those that moved most first; fewer where fewer can be told from chance.
    """
    spans = [Selection(start=start, end=end, sources=sources, langs=langs) for start, end in (before, after)]
    earlier, later = (_count(_read(connection, span, category)) for span in spans)
    everything = _count(post for span in spans for post in _read(connection, span, None))
    return _rank(earlier, later, everything, n)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    counts: Counter[str]
    threads: int


def _read(connection: Connection, selection: Selection, category: Category | None) -> list[QuotedPost]:
    return [drawn.post for drawn in draw(connection, selection, category, at_most=POSTS)]


def _count(posts: Iterable[QuotedPost]) -> _Counted:
    threads: dict[tuple[str, str], set[str]] = {}
    seen: set[str] = set()
    for post in posts:
        text = "\n\n".join(part for part in (post.title, post.text) if part)
        plain = normalise(text).casefold()
        if plain in seen:
            continue
        seen.add(plain)
        threads.setdefault((post.source, post.thread_id), set()).update(phrases_of(text, post.lang))
    counts = Counter[str]()
    for found in threads.values():
        counts.update(found)
    return _Counted(counts=counts, threads=len(threads))


def phrases_of(text: str, lang: str) -> set[str]:
    """Give the phrases of a post: up to three words of one stretch, none at the edge of which says nothing by itself."""
    stop = stop_words(lang)
    return {phrase(words[start:end]) for words in sentences(text, lang) for start, end in _spans(words, stop)}


def _spans(words: Sequence[Word], stop: frozenset[str]) -> Iterator[tuple[int, int]]:
    says = [_says_something(word, stop) for word in words]
    for start in range(len(words)):
        if says[start]:
            for end in range(start + 1, min(start + LONGEST, len(words)) + 1):
                if says[end - 1]:
                    yield start, end


def _says_something(word: Word, stop: frozenset[str]) -> bool:
    if word.core in stop or word.surface in stop or word.core.replace(".", "").isdigit():
        return False
    return len(word.core) > 1 or ord(word.core) >= 0x3400  # noqa: PLR2004 - a Han character is a word


def _rank(earlier: _Counted, later: _Counted, everything: _Counted, n: int) -> list[Phrase]:
    periods = earlier, later
    if not all(period.threads for period in periods):
        return []
    strength = PRIOR * min(period.threads for period in periods)
    found: list[Phrase] = []
    for text in earlier.counts.keys() | later.counts.keys():
        seen = [period.counts[text] for period in periods]
        if sum(seen) < FEWEST:
            continue
        common = sum(seen) / sum(period.threads for period in periods)
        expected = min(MOST, max(everything.counts[text] / max(everything.threads, 1), common / 2))
        inside = [count + strength * expected for count in seen]
        outside = [
            period.threads - count + strength * (1 - expected) for period, count in zip(periods, seen, strict=True)
        ]
        log_odds = math.log(inside[1] / outside[1]) - math.log(inside[0] / outside[0])
        z = log_odds / math.sqrt(sum(1 / part for part in (*inside, *outside)))
        found.append(
            Phrase(
                phrase=text,
                before=seen[0],
                after=seen[1],
                share_before=seen[0] / earlier.threads,
                share_after=seen[1] / later.threads,
                log_odds=log_odds,
                z=z,
                p=2 * _NORMAL.cdf(-abs(z)),
            )
        )
    return _without_nested(_discovered(found))[:n]


def _discovered(found: list[Phrase]) -> list[Phrase]:
    """Keep the phrases that stay distinct from chance under false-discovery control, those that moved most first."""
    ordered = sorted(found, key=lambda one: (one.p, -one.before - one.after, one.phrase))
    passed = 0
    for rank, one in enumerate(ordered, start=1):
        if one.p <= FALSE_DISCOVERY_RATE * rank / len(ordered):
            passed = rank
    return ordered[:passed]


def _without_nested(found: list[Phrase]) -> list[Phrase]:
    """Leave out a phrase that is a part of a longer one which says the same, or that only adds to a shorter one."""
    kept: list[Phrase] = []
    for one in found:
        held = any(
            _holds(other.phrase, one.phrase) and (one.z > 0) == (other.z > 0)
            and other.before + other.after >= NESTED * (one.before + one.after)
            for other in found
        )  # fmt: skip
        if not held and not any(_holds(one.phrase, other.phrase) and (one.z > 0) == (other.z > 0) for other in kept):
            kept.append(one)
    return kept


def _holds(longer: str, shorter: str) -> bool:
    if len(longer) <= len(shorter):
        return False
    return shorter in longer if is_unspaced(shorter[0]) else f" {shorter} " in f" {longer} "
