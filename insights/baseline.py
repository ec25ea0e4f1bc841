"""The five shares of the report of November 2025, which Grokwatch shows beside its own.

The report sorted "top posts" of unknown number by an unnamed method: its shares have no interval.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from classifiers.codebook import FIVE, Category
from db.annotations import baseline_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineShare:
    """One category's share in the report, in [0, 1]; `name_ja` is the report's own wording, `reported` its month."""

    category: Category
    name_ja: str
    share: float
    reported: str


def baseline(connection: Connection) -> list[BaselineShare]:
    """Give the report's shares, in its order."""
    rows = [
        BaselineShare(
            category=Category(row["category"]), name_ja=row["name_ja"], share=row["share"], reported=row["reported"]
        )
        for row in baseline_shares(connection)
    ]
    return sorted(rows, key=lambda row: FIVE.index(row.category))


def by_category(connection: Connection) -> Mapping[Category, float]:
    """Give the report's shares by category."""
    return {row.category: row.share for row in baseline(connection)}
