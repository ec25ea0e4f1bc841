"""What is needed to read Reddit: key, addresses, communities and terms."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from collectors.base import CollectorError
from collectors.terms import WATCHED_CHANNELS

PER_MINUTE: Final = 100
"""Requests that Reddit allows a key in a minute."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedditAccess:
    """How Reddit is reached and what is read there.

    Parameters
    ----------
    client_id, client_secret
        Key of a script app; without both there is none.
    user_agent
        How we name ourselves.
    subreddits
        Communities, with or without `r/`.
    terms
        Names that a post must contain.
    watched
        Communities whose posts count whatever they say.
    feeds
        Read the public feeds while there is no key.
    reddit_url, oauth_url
        Where tokens and feeds lie, and where the API lies.
    timeout_seconds
        How long to wait for an answer.
    per_minute
        Requests allowed in a minute, for all streams together.

    Raises
    ------
    CollectorError
        A community's name can't be one, or key or name hold characters that can't be sent.
    """

    subreddits: tuple[str, ...]
    terms: tuple[str, ...]
    user_agent: str
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    watched: tuple[str, ...] = WATCHED_CHANNELS
    feeds: bool = False
    reddit_url: str = "https://www.reddit.com"
    oauth_url: str = "https://oauth.reddit.com"
    timeout_seconds: float = 20.0
    per_minute: float = PER_MINUTE

    def __post_init__(self) -> None:
        sent = {"CLIENT_ID": self.client_id, "CLIENT_SECRET": self.client_secret, "USER_AGENT": self.user_agent}
        for setting, value in sent.items():
            if value and not (value.isascii() and value.isprintable()):
                raise CollectorError(
                    f"GROKWATCH_REDDIT__{setting} holds characters that can't be sent",
                    mend="write it in plain Latin letters, digits and signs, on one line",
                )
        for name in self.subreddits:
            if not _NAME.fullmatch(_bare(name)):
                raise CollectorError(
                    f"{name!r} is not the name of a subreddit", mend="correct it in GROKWATCH_REDDIT__SUBREDDITS"
                )

    @property
    def has_key(self) -> bool:
        """Whether the API can be asked."""
        return bool(self.client_id and self.client_secret)

    @property
    def communities(self) -> tuple[str, ...]:
        """The communities without `r/`, each once, in the order given."""
        return tuple({_bare(name).lower(): _bare(name) for name in reversed(self.subreddits)}.values())[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A stored submission whose comments are wanted: its fullname, and when it was written and stored."""

    source_id: str
    created_at: datetime
    collected_at: datetime


def _bare(name: str) -> str:
    return name.strip().strip("/").removeprefix("r/")
