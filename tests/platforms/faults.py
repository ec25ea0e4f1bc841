"""What goes wrong on the way: a fault plan that decides by a seeded draw for every request."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock


class Fault(StrEnum):
    """What can go wrong with a request or with the page that answers it."""

    LIMITED = "429 with headers"
    LIMITED_BARE = "429 without headers"
    SERVER_ERROR = "5xx"
    TIMEOUT = "time-out"
    RESET = "connection reset"
    TRUNCATED = "truncated body"
    ERRORS_IN_200 = "200 with errors"
    DUPLICATE_PAGE = "the page before once more"
    EMPTY_PAGE = "empty page"
    SHUFFLED_PAGE = "page out of order"
    CLOCK_SKEW = "clock skew"


TRANSPORT = frozenset({
    Fault.LIMITED, Fault.LIMITED_BARE, Fault.SERVER_ERROR, Fault.TIMEOUT, Fault.RESET, Fault.TRUNCATED,
})  # fmt: skip
"""Faults of the way: the server deals them without knowing what a page is."""


@dataclass(kw_only=True)
class FaultPlan:
    """Faults with their probabilities per request; those not named never happen.

    Parameters
    ----------
    rates
        Probability of each fault; they add up to 1 at most.
    in_a_row
        After so many faulty answers a good one follows, so that a patient client gets through.
    dealt
        How often each fault was dealt.
    """

    seed: int = 1
    rates: Mapping[Fault, float] = field(default_factory=dict[Fault, float])
    in_a_row: int = 3
    dealt: Counter[Fault] = field(default_factory=Counter[Fault])

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._row = 0
        self._lock = Lock()

    @classmethod
    def random(cls, seed: int, *, total: float = 0.3) -> "FaultPlan":
        """Draw a plan in which faults of random kinds have this probability together."""
        chance = random.Random(seed)
        weights = {fault: chance.random() * (chance.random() < 0.7) for fault in Fault}
        scale = total / (sum(weights.values()) or 1)
        return cls(seed=seed, rates={fault: weight * scale for fault, weight in weights.items() if weight})

    def next(self) -> Fault | None:
        """Decide for the next request."""
        with self._lock:
            drawn, level = self._chance.random(), 0.0
            fault = None
            for candidate, rate in self.rates.items():
                level += rate
                if drawn < level:
                    fault = candidate
                    break
            if fault is None or self._row >= self.in_a_row:
                self._row = 0
                return None
            self._row += 1
            self.dealt[fault] += 1
            return fault
