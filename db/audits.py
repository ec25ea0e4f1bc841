"""Audits: posts are drawn for people to label, labels of people come in, and both come out for estimates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, exists, func, insert, select, update

from classifiers.codebook import Aspect, Category, Polarity
from db.errors import DatabaseError
from db.models import Audit, Draw, Model, Post
from db.selection import UNKNOWN_LANGUAGE, Selection

NOBODY: Final = ""
"""The auditor of a post that was drawn and that nobody has labelled yet."""

IDS_A_STATEMENT: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a person says of a post; category and polarity are None where it is not relevant."""

    relevant: bool
    category: Category | None
    polarity: Polarity | None
    aspects: tuple[Aspect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPost:
    """A post as its auditor sees it: not a word of what the model says."""

    id: int
    source: str
    source_id: str
    lang: str
    text: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawSummary:
    """A draw: when and from which posts, how many of them there are, and how many somebody has labelled."""

    name: str
    drawn_at: datetime
    posts: int
    labelled: int


def store_draw(
    connection: Connection,
    *,
    name: str,
    selection: Selection,
    drawn: Sequence[tuple[int, float]],
    seed: int,
    now: datetime,
) -> int:
    """Store a draw: posts with the probability that each was drawn with; gives how many still stand.

    What people said of a post in an earlier draw counts in this one too.

    Raises
    ------
    DatabaseError
        There is a draw of this name.
    """
    if connection.scalar(select(exists().where(Draw.name == name))):
        raise DatabaseError(f"there is a draw {name} already", mend="choose another name")
    chances = dict(drawn)
    standing: set[int] = set()
    known: dict[int, list[dict[str, Any]]] = {}
    for ids in _batches(list(chances)):
        standing.update(connection.scalars(select(Post.id).where(Post.id.in_(ids), Post.deleted_at.is_(None))))
        for row in connection.execute(_verdicts().where(Audit.post_id.in_(ids))).mappings():
            rows = known.setdefault(row["post_id"], [])
            if all(row["auditor"] != other["auditor"] for other in rows):
                rows.append(dict(row))
    version = connection.scalar(select(Model.version).where(Model.active))
    connection.execute(
        insert(Draw).values(
            name=name,
            drawn_at=now,
            size=len(standing),
            seed=seed,
            model=version or "",
            starts_at=selection.start,
            ends_at=selection.end,
            sources=list(selection.sources),
            langs=list(selection.langs),
        )
    )
    rows = [
        _unlabelled(post) | {"draw": name, "inclusion_probability": chance, "drawn_at": now} | verdict
        for post, chance in drawn
        if post in standing
        for verdict in known.get(post, [{}])
    ]
    if rows:
        connection.execute(insert(Audit), rows)
    return len(standing)


def _unlabelled(post_id: int) -> dict[str, Any]:
    said = ("labelled_at", "relevant", "category", "polarity", "aspects")
    return {"post_id": post_id, "auditor": NOBODY, **dict.fromkeys(said)}


def _verdicts() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Audit.post_id,
            Audit.auditor,
            Audit.labelled_at,
            Audit.relevant,
            Audit.category,
            Audit.polarity,
            Audit.aspects,
        )
        .where(Audit.labelled_at.is_not(None))
        .order_by(Audit.post_id, Audit.labelled_at.desc(), Audit.id)
    )


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), IDS_A_STATEMENT):
        yield ids[start : start + IDS_A_STATEMENT]


# --- draws and their posts --------------------------------------------------------------------------------------------


def draws(connection: Connection) -> list[DrawSummary]:
    """Give the draws, newest first."""
    drawn = (
        select(
            Audit.draw,
            func.count(Audit.post_id.distinct()).label("posts"),
            func.count(Audit.post_id.distinct()).filter(Audit.labelled_at.is_not(None)).label("labelled"),
        )
        .group_by(Audit.draw)
        .subquery()
    )
    query = (
        select(Draw.name, Draw.drawn_at, drawn.c.posts, drawn.c.labelled)
        .outerjoin(drawn, drawn.c.draw == Draw.name)
        .order_by(Draw.drawn_at.desc(), Draw.name.desc())
    )
    return [
        DrawSummary(name=row.name, drawn_at=row.drawn_at, posts=row.posts or 0, labelled=row.labelled or 0)
        for row in connection.execute(query)
    ]


def drawn_posts(connection: Connection, draw: str, *, without: str | None = None) -> list[DrawnPost]:
    """Give the posts of a draw in the order in which they were drawn, which is random.

    Parameters
    ----------
    without
        Leave out the posts that this auditor has labelled.
    """
    first = (
        select(Audit.post_id, func.min(Audit.id).label("place"))
        .where(Audit.draw == draw)
        .group_by(Audit.post_id)
        .subquery()
    )
    query = (
        select(Post.id, Post.source, Post.source_id, Post.lang, Post.title, Post.text, Post.url)
        .join(first, first.c.post_id == Post.id)
        .where(Post.deleted_at.is_(None))
        .order_by(first.c.place)
    )
    if without is not None:
        query = query.where(~exists().where(Audit.post_id == Post.id, Audit.auditor == without))
    return [
        DrawnPost(
            id=row.id,
            source=row.source,
            source_id=row.source_id,
            lang=row.lang or UNKNOWN_LANGUAGE,
            text=_whole(row.title, row.text),
            url=row.url,
        )
        for row in connection.execute(query)
    ]


def is_drawn(connection: Connection, post_ids: Sequence[int]) -> set[int]:
    """Give those of these posts that are in a draw."""
    found: set[int] = set()
    for ids in _batches(post_ids):
        found.update(connection.scalars(select(Audit.post_id).where(Audit.post_id.in_(ids)).distinct()))
    return found


def texts(connection: Connection, post_ids: Sequence[int]) -> dict[int, str | None]:
    """Give the texts of posts, title and body in one; None where a post was deleted. Posts that are not stored are left out."""
    found: dict[int, str | None] = {}
    for ids in _batches(post_ids):
        query = select(Post.id, Post.title, Post.text, Post.deleted_at).where(Post.id.in_(ids))
        for row in connection.execute(query):
            found[row.id] = None if row.deleted_at else _whole(row.title, row.text)
    return found


def _whole(title: str | None, text: str | None) -> str:
    return "\n\n".join(part for part in (title, text) if part)


# --- what people say --------------------------------------------------------------------------------------------------


def label(connection: Connection, post_id: int, auditor: str, verdict: Verdict, *, now: datetime) -> bool:
    """Store what an auditor says of a post, in every draw that has it; gives whether that is news.

    A second verdict of the same auditor takes the place of the first.

    Raises
    ------
    DatabaseError
        The post is in no draw, or was deleted meanwhile.
    """
    said: dict[str, Any] = {
        "relevant": verdict.relevant,
        "category": verdict.category.value if verdict.category else None,
        "polarity": verdict.polarity.value if verdict.polarity else None,
        "aspects": sorted(aspect.value for aspect in verdict.aspects),
    }
    known = connection.execute(_rows_of(post_id)).all()
    if not known:
        raise DatabaseError(f"the post {post_id} is in no draw", mend="label posts that were drawn")
    changed = False
    for draw in dict.fromkeys(row.draw for row in known):
        of_draw = [row for row in known if row.draw == draw]
        own = next((row for row in of_draw if row.auditor == auditor), None)
        place = own or next((row for row in of_draw if row.auditor == NOBODY), None)
        if own is not None and all(getattr(own, name) == value for name, value in said.items()):
            continue
        changed = True
        values = said | {"auditor": auditor, "labelled_at": now}
        if place is not None:
            connection.execute(update(Audit).where(Audit.id == place.id).values(values))
        else:
            frame_row = of_draw[0]
            drawn = {"inclusion_probability": frame_row.inclusion_probability, "drawn_at": frame_row.drawn_at}
            connection.execute(insert(Audit).values(values | drawn | {"post_id": post_id, "draw": draw}))
    return changed


def _rows_of(post_id: int) -> Select[*tuple[Any, ...]]:
    return select(*Audit.__table__.columns).where(Audit.post_id == post_id).order_by(Audit.id)


def unlabel(connection: Connection, post_id: int, auditor: str) -> None:
    """Take back what an auditor said of a post; it is to be labelled again."""
    _clear(connection, post_id, [auditor])


def void(connection: Connection, post_id: int) -> None:
    """Take back what everybody said of a post whose text has changed; it is to be labelled again."""
    _clear(connection, post_id, None)


def _clear(connection: Connection, post_id: int, auditors: Sequence[str] | None) -> None:
    known = connection.execute(_rows_of(post_id)).all()
    for draw in dict.fromkeys(row.draw for row in known):
        of_draw = [row for row in known if row.draw == draw]
        gone = [row.id for row in of_draw if row.auditor and (auditors is None or row.auditor in auditors)]
        if gone and len(gone) == len(of_draw):  # the post stays in its draw
            blank = _unlabelled(post_id)
            connection.execute(update(Audit).where(Audit.id == gone[0]).values(blank))
            gone = gone[1:]
        if gone:
            connection.execute(delete(Audit).where(Audit.id.in_(gone)))


def remove(connection: Connection, post_ids: Sequence[int]) -> None:
    """Remove posts from their draws with all that people said of them."""
    connection.execute(delete(Audit).where(Audit.post_id.in_(post_ids)))
