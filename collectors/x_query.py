"""What is asked of X, by whom and at which prices: the access, its query, and the groups of languages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from collectors.base import CollectorError
from collectors.budget import Prices

LONGEST_QUERY: Final = 512
REST: Final = "rest"
"""Name of the group that holds every language without a group of its own."""

_QUOTED: Final = re.compile(r'"[^"]*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Languages that are counted and sampled together; `clause` is what picks them in a query."""

    name: str
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class XAccess:
    """How X is asked.

    Parameters
    ----------
    query
        In X's own operators.
    languages
        Languages with a group of their own, in X's codes; all others make one more.
    expand_users
        Ask for the authors' profiles as well, at their price.
    census_every
        How often the groups are counted.

    Raises
    ------
    CollectorError
        The query is too long for X, a language is none, or the token can't be one.
    """

    bearer_token: str = field(repr=False)
    query: str
    base_url: str = "https://api.x.com"
    languages: Sequence[str] = ("en", "ja")
    prices: Prices = field(default_factory=Prices)
    expand_users: bool = False
    census_every: timedelta = timedelta(hours=6)
    timeout_seconds: float = 20.0

    def __post_init__(self) -> None:
        if not self.query.strip():
            raise CollectorError("the query for X is empty", mend="correct GROKWATCH_X__QUERY")
        if not (self.bearer_token.isascii() and self.bearer_token.isprintable()) or " " in self.bearer_token:
            raise CollectorError(
                "the bearer token for X holds characters that no token has",
                mend="copy the whole token once more into GROKWATCH_X__BEARER_TOKEN",
            )
        odd = [code for code in self.languages if not code.replace("-", "").isalnum() or not code.isascii()]
        if odd or len(set(self.languages)) != len(self.languages):
            told = f"{odd[0]!r} is no language code of X" if odd else "a language is named twice"
            raise CollectorError(told, mend="correct GROKWATCH_X__LANGUAGES, such as en,ja")
        longest = max(len(self.grouped(group)) for group in self.groups)
        if longest > LONGEST_QUERY:
            raise CollectorError(
                f"the query for X has {longest} characters with the language that is added; X takes {LONGEST_QUERY}",
                mend=f"shorten GROKWATCH_X__QUERY by {longest - LONGEST_QUERY} characters",
            )

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups of languages; together they hold every post once."""
        own = tuple(Group(name=code, clause=f"lang:{code}") for code in self.languages)
        return (*own, Group(name=REST, clause=" ".join(f"-lang:{code}" for code in self.languages)))

    def grouped(self, group: Group) -> str:
        """Give the query for one group."""
        if not group.clause:
            return self.query
        # X binds words that follow each other closer than OR.
        return f"({self.query}) {group.clause}" if _has_bare_or(self.query) else f"{self.query} {group.clause}"

    @property
    def post_usd(self) -> float:
        """What one post can cost at most, with its author where that is asked for."""
        return self.prices.post + (self.prices.user if self.expand_users else 0.0)

    @property
    def counts_are_for(self) -> str:
        """What counts and drawn slices belong to: with another query they mean nothing."""
        return "\n".join(self.grouped(group) for group in self.groups)


def _has_bare_or(query: str) -> bool:
    """Tell whether a query has an OR outside quotes and parentheses."""
    depth, bare = 0, ""
    for part in _QUOTED.sub("", query):
        depth += (part == "(") - (part == ")")
        bare += part if depth == 0 else " "
    return "OR" in bare.split()
