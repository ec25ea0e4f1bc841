"""Which posts of X are bought: slices of time, drawn at random with a known probability, inside what is left of the money.

The unit of the draw is the second within a stratum, an hour of one group of languages. Of the D seconds of a stratum a slice
of L seconds is drawn whose start is uniform over the stratum, taken as a circle; so every second, and with it every post, is in the slice
with the probability L / D exactly. The slice is cut into pieces that lie apart, each of which could begin at every second. All its
posts are bought, and each carries that probability: weighting by its inverse (Horvitz & Thompson 1952) estimates every total
without bias, whatever the hours look like.

L follows from the money that is left and the posts that are still to be expected in the month. It is settled anew for
every stratum before its draw, and from what is known before the draw alone. The probability given what happened until then is the one
stored, so the weights stay right however often the plan changes: their expectation is one at every step.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

HOUR: Final = timedelta(hours=1)
SECOND: Final = timedelta(seconds=1)

POWER: Final = 0.75
"""Between groups the sample grows with the volume to this power (Bankier 1988): 1 would starve the small languages, 0 make
them all alike at the expense of the whole."""

EASE: Final = 0.8
"""Everything is taken where it would cost no more than this part of the money: volumes are forecast, not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A span of time of which one group's posts are all bought; `token` is X's mark of the page to go on with."""

    group: str
    start: datetime
    end: datetime
    probability: float
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the rest of the month allows.

    Parameters
    ----------
    posts
        Posts that can still be paid; infinite where they cost nothing.
    expected
        Posts that are still to be expected, by group.
    fractions
        Part of each group's posts that is to be taken.
    """

    posts: float
    expected: Mapping[str, float]
    fractions: Mapping[str, float]

    @property
    def everything(self) -> bool:
        """Whether all that is expected can be bought with ease."""
        return sum(self.expected.values()) <= EASE * self.posts


def month_end(now: datetime) -> datetime:
    """Give the first moment of the next month in UTC."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def hour_of(moment: datetime) -> datetime:
    """Give the beginning of a moment's hour."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def expect(
    counts: Mapping[datetime, int], rate: float, *, start: datetime, counted_until: datetime, end: datetime
) -> float:
    """Give the posts to be expected between two moments: what was counted where it was, else the rate, in posts an hour."""
    total = 0.0
    hour = hour_of(start)
    while hour < min(counted_until, end):
        share = (min(end, hour + HOUR) - max(start, hour)) / HOUR
        total += share * counts.get(hour, rate)
        hour += HOUR
    return total + rate * max(timedelta(0), end - max(start, counted_until)) / HOUR


def fractions(expected: Mapping[str, float], posts: float) -> dict[str, float]:
    """Part the posts that can be paid among the groups; no group gets more than it has.

    Parameters
    ----------
    expected
        Posts to come, by group.
    posts
        Posts that can be paid, of all groups together.

    Returns
    -------
    dict
        Part of each group's posts to take, in [0, 1].
    """
    found: dict[str, float] = {}
    open_groups = {name: volume for name, volume in expected.items() if volume > 0}
    left = posts
    while open_groups:
        scale = left / sum(volume**POWER for volume in open_groups.values())
        full = [name for name, volume in open_groups.items() if scale * volume**POWER >= volume]
        if not full:
            found |= {name: max(0.0, scale * volume ** (POWER - 1)) for name, volume in open_groups.items()}
            break
        for name in full:
            left -= open_groups.pop(name)
            found[name] = 1.0
    # Where nothing is expected, what comes after all is treated as the best of the others.
    best = max(found.values(), default=1.0)
    return {name: found.get(name, best) for name in expected}


def draw(
    group: str, start: datetime, end: datetime, *, fraction: float, chance: random.Random, pieces: int = 1
) -> tuple[Slice, ...]:
    """Draw a stratum's slice, in several pieces at even distances where that can be; one that wraps round is two.

    Nothing is drawn where the fraction is less than a second and the draw is against it. The length is rounded at random, so
    that on average it is the fraction of the stratum. Several pieces catch less of the same moment (systematic sampling, Madow &
    Madow 1944) and leave the probabilities as they are: each piece begins at every second alike, and they do not overlap.
    """
    seconds = round((end - start) / SECOND)
    rounding, place = chance.random(), chance.random()
    wanted = min(max(fraction, 0.0), 1.0) * seconds
    if wanted >= seconds:
        return (Slice(group=group, start=start, end=end, probability=1.0),)
    length = math.floor(wanted + rounding)
    probability = wanted / seconds if wanted < 1 else length / seconds
    pieces = max(1, min(pieces, length))
    spans: list[tuple[int, int]] = []
    begin, drawn = math.floor(place * seconds), 0
    for number in range(pieces):
        size = length // pieces + (number < length % pieces)
        # What is not drawn is shared out between the pieces, so that they can't overlap however short the stratum is.
        first = (begin + drawn + number * (seconds - length) // pieces) % seconds
        drawn += size
        spans += [(first, min(first + size, seconds)), (0, first + size - seconds)]
    return tuple(
        Slice(group=group, start=start + first * SECOND, end=start + stop * SECOND, probability=probability)
        for first, stop in spans
        if stop > first
    )
