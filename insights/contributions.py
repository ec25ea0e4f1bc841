"""Who or what drives a change of a share: parts that add up to it exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from classifiers.codebook import Category
from db.selection import Selection
from db.series import PartSums, part_sums, primary
from insights.shares import Denominator


class Dimension(StrEnum):
    """What a change is divided by."""

    LANGUAGE = "lang"
    CHANNEL = "channel"
    SOURCE = "source"
    ASPECT = "aspects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """A part of a change, in the share's own unit; the parts of a dimension add up to the change.

    Parameters
    ----------
    part
        Language, channel, source or aspect; None: the posts that have none.
    within
        How much the category gained among this part's posts.
    mix
        How much this part's posts became more (or fewer) of all, where they hold more (or less) of the category than others.
    before, after
        The category's share among this part's posts, None where it has none; for an aspect, what the posts with it bring to the share.
    """

    part: str | None
    within: float
    mix: float
    before: float | None
    after: float | None

    @property
    def total(self) -> float:
        """The part's whole contribution."""
        return self.within + self.mix


@dataclass(frozen=True, slots=True)
class Parts:
    """The posts of a part: the mass of all of them, and of those in the category."""

    mass: float
    category: float


def divide(before: Mapping[str | None, Parts], after: Mapping[str | None, Parts]) -> list[Contribution]:
    """Divide the change of a share among parts that no two posts share (Kitagawa 1955), the largest first.

    With a a part's portion of all posts and s the category's share in it, a part contributes its mean a times the change of s, and
    the change of a times the distance of its mean s from the mean of the whole. A part that is only there before or after
    is taken to have had the same share then: it can only contribute by its mix.

    Raises
    ------
    ValueError
        There are no posts before, or none after.
    """
    masses = [sum(part.mass for part in side.values()) for side in (before, after)]
    if min(masses, default=0.0) <= 0:
        raise ValueError("a change needs posts before and after")
    whole = sum(
        sum(part.category for part in side.values()) / mass / 2
        for side, mass in zip((before, after), masses, strict=True)
    )
    found: list[Contribution] = []
    for name in {**before, **after}:
        old, new = before.get(name, Parts(0.0, 0.0)), after.get(name, Parts(0.0, 0.0))
        share = [side.category / side.mass if side.mass > 0 else None for side in (old, new)]
        portion = [side.mass / mass for side, mass in zip((old, new), masses, strict=True)]
        known = [one for one in share if one is not None]
        if not known:
            continue
        first, last = (known[0] if one is None else one for one in share)
        found.append(
            Contribution(
                part=name,
                within=(portion[0] + portion[1]) / 2 * (last - first),
                mix=(portion[1] - portion[0]) * ((first + last) / 2 - whole),
                before=share[0],
                after=share[1],
            )
        )
    return sorted(found, key=lambda one: (-abs(one.total), one.part or ""))


def divide_shared(before: Mapping[str | None, Parts], after: Mapping[str | None, Parts]) -> list[Contribution]:
    """Divide the change of a share among parts that posts may share, such as aspects, the largest first.

    A post with several parts is divided among them equally; what a part's posts bring to the share before is taken from
    what they bring after.

    Parameters
    ----------
    before, after
        With the category's mass already divided; the mass of a part counts into that of all posts.
    """
    masses = [sum(part.mass for part in side.values()) for side in (before, after)]
    if min(masses, default=0.0) <= 0:
        raise ValueError("a change needs posts before and after")
    found: list[Contribution] = []
    for name in {**before, **after}:
        old, new = (
            side.get(name, Parts(0.0, 0.0)).category / mass for side, mass in zip((before, after), masses, strict=True)
        )
        found.append(Contribution(part=name, within=new - old, mix=0.0, before=old, after=new))
    return sorted(found, key=lambda one: (-abs(one.total), one.part or ""))


def contributions(
    connection: Connection,
    *,
    before: Selection,
    after: Selection,
    category: Category,
    dimension: Dimension,
    denominator: Denominator = Denominator.RELEVANT,
) -> list[Contribution]:
    """Divide the change of a category's share between two spans; nothing where one of them has no posts."""
    five = denominator is Denominator.FIVE
    sides = [
        _add_up(part_sums(connection, span, category=category, part=dimension.value, of_five=five), dimension)
        for span in (before, after)
    ]
    if any(sum(part.mass for part in side.values()) <= 0 for side in sides):
        return []
    return (divide_shared if dimension is Dimension.ASPECT else divide)(*sides)


def _add_up(rows: Sequence[PartSums], dimension: Dimension) -> dict[str | None, Parts]:
    parts: dict[str | None, Parts] = {}
    for row in rows:
        names: Sequence[str | None] = row.parts or (None,)
        for name in names:
            part = primary(name) if dimension is Dimension.LANGUAGE and name else name
            held = parts.get(part, Parts(0.0, 0.0))
            parts[part] = Parts(held.mass + row.mass / len(names), held.category + row.category / len(names))
    return parts
