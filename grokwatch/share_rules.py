"""Rules on shares as people write them: `latency > 40% of five in ja on x`."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from classifiers.codebook import Category

_RULE: Final = re.compile(
    r"(?P<category>[a-z]+)\s*(?P<side>[<>])\s*(?P<bound>\d+(\.\d+)?)\s*%?"
    r"(\s+of\s+(?P<of>five|relevant))?(\s+in\s+(?P<lang>[a-z]{2,8}(-[a-z0-9]{1,8})*))?(\s+on\s+(?P<source>[a-z0-9_]+))?",
    re.IGNORECASE,
)
WHOLE: Final = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRule:
    """A bound that a category's share is to stay under (`above` tells when it does not) or over.

    Parameters
    ----------
    bound
        In [0, 1].
    of
        Denominator: the report's five categories or all posts about Grok.
    lang, source
        Only these posts; None: all.
    """

    category: Category
    above: bool
    bound: float
    of: Literal["five", "relevant"] = "five"
    lang: str | None = None
    source: str | None = None


def parse(text: str) -> ShareRule:
    """Read a rule.

    Raises
    ------
    ValueError
        It is not a rule; the sentence says what one looks like.
    """
    found = _RULE.fullmatch(text.strip())
    if found is None:
        raise ValueError("should be rules such as latency > 40% or bias > 30% of five in ja on x")
    name = found["category"].lower()
    if name not in set(Category):
        raise ValueError(f"should name one of the categories {', '.join(Category)}")
    of: Literal["five", "relevant"] = "relevant" if (found["of"] or "").lower() == "relevant" else "five"
    if of == "five" and name == Category.OTHER:
        raise ValueError("should measure other of relevant: it is none of the five")
    bound = float(found["bound"])
    if bound > WHOLE:
        raise ValueError("should have bounds of at most 100%")
    return ShareRule(
        category=Category(name),
        above=found["side"] == ">",
        bound=bound / WHOLE,
        of=of,
        lang=found["lang"],
        source=found["source"].lower() if found["source"] else None,
    )
