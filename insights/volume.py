"""How many posts there are over time, and what they are labelled as."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from classifiers.codebook import Category
from db.counts import period_counts
from db.periods import Step, from_day_text, next_start
from db.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """The stored posts of one period [period_start, period_end); deleted posts count nowhere.

    Parameters
    ----------
    posts
        All of them; `posts - relevant - waiting` are not about Grok.
    relevant
        Posts about Grok, by the active model's label; the sum of `categories`.
    waiting
        Posts without a label yet.
    categories
        Posts by the category of their label.
    """

    period_start: datetime
    period_end: datetime
    posts: int
    relevant: int
    waiting: int
    categories: Mapping[Category, int]


def volumes(
    connection: Connection,
    *,
    step: Step,
    start: datetime | None = None,
    end: datetime | None = None,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
) -> list[Volume]:
    """Count the posts of every period between the first and the last post, empty ones with zeros; parameters as in `shares`."""
    rows: list[Volume] = []
    expected: datetime | None = None
    for row in period_counts(connection, step, Selection(start=start, end=end, sources=sources, langs=langs)):
        first = from_day_text(row["day"])
        while expected is not None and expected < first:
            after = next_start(step, expected)
            rows.append(_volume(expected, after))
            expected = after
        expected = next_start(step, first)
        rows.append(
            _volume(
                first if start is None else max(first, start.astimezone(UTC)),
                expected if end is None else min(expected, end.astimezone(UTC)),
                posts=row["posts"],
                relevant=row["relevant"],
                waiting=row["waiting"],
                categories={category: row[category.value] for category in Category},
            )
        )
    return rows


def _volume(
    start: datetime,
    end: datetime,
    *,
    posts: int = 0,
    relevant: int = 0,
    waiting: int = 0,
    categories: Mapping[Category, int] | None = None,
) -> Volume:
    return Volume(
        period_start=start,
        period_end=end,
        posts=posts,
        relevant=relevant,
        waiting=waiting,
        categories=categories or dict.fromkeys(Category, 0),
    )
