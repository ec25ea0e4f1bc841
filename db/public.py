"""What people's SQL may read: the views, and the tables without what must stay private."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Final

from db.models import Base

VIEWS: Final = (
    "v_posts",
    "v_daily_shares",
    "v_weekly_shares",
    "v_aspects",
    "v_rivals",
    "v_volumes",
    "v_runs",
    "v_holes",
    "v_baseline",
)

_TABLES: Final = (
    "posts",
    "labels",
    "models",
    "runs",
    "holes",
    "volumes",
    "events",
    "rollups_hourly",
    "baseline",
    "audits",
    "alerts",
    "digests",
)
"""Not here: cursors, parked, leases and spend (the collectors' own books); rollups_daily, rollups_posts,
rollups_dirty and alembic_version (upkeep)."""

PRIVATE: Final[Mapping[str, frozenset[str]]] = {
    "posts": frozenset({"author_key"}),  # the same person's posts could be strung together
    "audits": frozenset({"auditor"}),  # a colleague's name
    "alerts": frozenset({"delivered_to"}),  # made from addresses that are secret
}
"""Columns of public tables that stay hidden: for `SELECT *`, for whole rows and by name."""

TRUTHS: Final = frozenset({"sample"})
"""Columns of views that are true or false by an expression, which SQLite answers with 1 or 0."""


def tables() -> dict[str, tuple[str, ...]]:
    """Give every public table with its public columns, in the order of the schema."""
    return {
        name: tuple(
            column.name for column in Base.metadata.tables[name].columns if column.name not in PRIVATE.get(name, ())
        )
        for name in _TABLES
    }


def names() -> tuple[str, ...]:
    """Give everything that can stand after FROM, the views first."""
    return (*VIEWS, *_TABLES)


def nearest(word: str, choices: Iterable[str]) -> list[str]:
    """Give up to three choices that look like the word, the likest first."""
    return difflib.get_close_matches(word.lower(), list(dict.fromkeys(choices)), n=3, cutoff=0.5)
