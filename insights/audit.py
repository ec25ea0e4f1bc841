"""Audits: posts are drawn for people to label, and what they say is made ready to correct the shares with."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, Row
from sqlalchemy.engine import Connection

from classifiers.codebook import IRRELEVANT, OUTCOMES, Category
from db import audits
from db.audited import Frame, frame, frames, labelled_posts
from db.errors import DatabaseError
from db.selection import Selection
from insights.audit_design import LEAST_UNCERTAINTY, Cell, draw
from insights.correction import AuditedPosts

LONGEST_NAME: Final = 64
_LARGEST_SEED: Final = 2**31
_NUMBER: Final = {outcome: number for number, outcome in enumerate(OUTCOMES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A new draw: `posts` of the `frame` posts that could have been drawn, those by the model's answer."""

    name: str
    posts: int
    frame: int
    seed: int
    outcomes: dict[str, int]


def draw_audit(  # noqa: PLR0913 - all by keyword
    engine: Engine,
    *,
    n: int,
    now: datetime,
    name: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
    seed: int | None = None,
) -> Drawn:
    """Draw a probability sample of labelled posts for people to label (see `insights.audit_design`).

    Parameters
    ----------
    n
        How many posts; all of them where there are fewer.
    name
        Of the draw; the day where it is None, with a number behind it from the second of a day on.
    start, end, sources, langs
        Only these posts may be drawn (see `db.selection.Selection`).
    seed
        Of the random numbers; a random one where it is None. It is kept with the draw.

    Raises
    ------
    DatabaseError
        No labelled post can be drawn, or there is a draw of this name.
    """
    selection = Selection(start=start, end=end, sources=sources, langs=langs)
    seed = int(np.random.SeedSequence().generate_state(1)[0]) % _LARGEST_SEED if seed is None else seed
    with engine.connect().execution_options(read_only=True) as connection:
        taken = {known.name for known in audits.draws(connection)}
        if name is not None and name in taken:
            raise DatabaseError(f"there is a draw {name} already", mend="choose another name")
        cells, cell_of, ids = _frame(connection, selection)
    if not ids:
        raise DatabaseError("there is no labelled post to draw", mend="choose other posts, or run: grokwatch classify")
    places, chances = draw(cells, cell_of, n, np.random.default_rng(seed))
    chosen = [(ids[place], float(chance)) for place, chance in zip(places, chances, strict=True)]
    name = name or _free_name(now, taken)
    with engine.begin() as connection:
        stored = audits.store_draw(connection, name=name, selection=selection, drawn=chosen, seed=seed, now=now)
    answers = np.bincount([_NUMBER[cells[cell_of[place]].outcome] for place in places], minlength=len(OUTCOMES))
    return Drawn(
        name=name,
        posts=stored,
        frame=len(ids),
        seed=seed,
        outcomes={outcome: int(count) for outcome, count in zip(OUTCOMES, answers, strict=True)},
    )


def _frame(connection: Connection, selection: Selection) -> tuple[list[Cell], NDArray[np.int64], list[int]]:
    numbers: dict[tuple[str, str, str], int] = {}
    posts: list[int] = []
    spreads: list[float] = []
    ids: list[int] = []
    cell_of: list[int] = []
    for row in frame(connection, selection):
        number = numbers.setdefault((row.category or IRRELEVANT, str(row.week), row.lang), len(numbers))
        if number == len(posts):
            posts.append(0)
            spreads.append(0.0)
        posts[number] += 1
        spreads[number] += row.weight**2 * (max(1.0 - row.certainty, 0.0) + LEAST_UNCERTAINTY)
        ids.append(row.id)
        cell_of.append(number)
    cells = [
        Cell(outcome=outcome, week=week, lang=lang, posts=posts[number], spread=spreads[number])
        for (outcome, week, lang), number in numbers.items()
    ]
    return cells, np.array(cell_of, dtype=np.int64), ids


def _free_name(now: datetime, taken: set[str]) -> str:
    day = f"{now.astimezone(UTC):%Y-%m-%d}"
    return next(name for name in (day, *(f"{day}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audits:
    """Audited posts with their times; `collected` is 1 / the probability that a post was collected with."""

    posts: AuditedPosts
    moments: tuple[datetime, ...]
    collected: NDArray[np.float64]

    def between(self, start: datetime, end: datetime) -> "Audits":
        """Give those written from `start` on and before `end`."""
        inside = np.array([start <= moment < end for moment in self.moments], dtype=bool)
        return Audits(
            posts=self.posts.only(inside),
            moments=tuple(moment for moment, chosen in zip(self.moments, inside, strict=True) if chosen),
            collected=self.collected[inside],
        )


def audited(connection: Connection, selection: Selection) -> Audits | None:
    """Give the audited posts of a selection with the active model's labels; None where there are none.

    A post counts as often as the posts that it stands for. Draws may overlap: each of them estimates the posts that it could have
    drawn, and where several could, they count by the number of their labels (Mecatti 2007). What is drawn and not
    labelled yet is taken for missing at random, because posts are shown in random order.
    """
    rows = labelled_posts(connection, selection)
    if not rows:
        return None
    drawn = {one.name: one for one in frames(connection)}
    by_post: defaultdict[int, list[Row[*tuple[Any, ...]]]] = defaultdict(list)
    for row in rows:
        by_post[row.post_id].append(row)
    posts = list(by_post.values())
    first = [rows[0] for rows in posts]
    threads: dict[tuple[str, str], int] = {}
    collected = np.array([1.0 / row.inclusion_probability for row in first])
    return Audits(
        posts=AuditedPosts(
            truth=np.array([_truth(rows) for rows in posts]),
            predicted=np.array([[row.p_relevant * getattr(row, f"p_{one}") for one in Category] for row in first]),
            outcome=np.array([_NUMBER[outcome_of_model(row)] for row in first], dtype=np.int64),
            weights=np.array([_stands_for(rows, drawn) for rows in posts]) * collected,
            threads=np.array([threads.setdefault((row.source, row.thread_id), len(threads)) for row in first]),
        ),
        moments=tuple(row.created_at for row in first),
        collected=collected,
    )


def _truth(rows: Sequence[Row[*tuple[Any, ...]]]) -> list[float]:
    said = {row.auditor: row.category if row.relevant else None for row in rows}
    return [sum(category == one.value for category in said.values()) / len(said) for one in Category]


def _stands_for(rows: Sequence[Row[*tuple[Any, ...]]], drawn: dict[str, Frame]) -> float:
    chances: dict[str, float] = {row.draw: row.chance for row in rows}
    post = rows[0]
    labelled = sum(
        one.labelled
        for one in drawn.values()
        if one.name in chances or one.holds(post.source, post.lang, post.created_at, post.collected_at)
    )
    return sum(drawn[name].posts / chance for name, chance in chances.items()) / labelled


def outcome_of_model(row: Row[*tuple[Any, ...]]) -> str:
    """Give the model's answer to an audited post."""
    return row.model_category if row.model_relevant and row.model_category else IRRELEVANT
