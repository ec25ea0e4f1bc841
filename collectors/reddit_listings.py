"""Reddit's newest-first listings: submissions and comments of a community, and what search finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from collectors.reddit_access import RedditAccess
from collectors.reddit_client import RedditClient
from collectors.reddit_posts import after_of, is_wanted, name_of, post_of, things_of
from collectors.reddit_walk import Slice, sliced
from collectors.terms import TermMatcher

PAGE: Final = 100
"""Items of a page, the most that Reddit gives."""

LONGEST_QUERY: Final = 480
"""Characters of a search; Reddit takes 512."""

LATE: Final = timedelta(minutes=15)
"""Items may appear so long after their own time, as when a filter held them."""

SEARCH_LATE: Final = timedelta(hours=2)
"""Search knows of a submission later than the listings do."""

MOST_PAGES: Final = 20
"""Twice as many as a listing of 1,000 items has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a listing lies.

    Parameters
    ----------
    stream
        Name of the stream that reads it.
    params
        What is asked besides the page.
    overlap
        See `collectors.reddit_walk.Listing`.
    """

    stream: str
    path: str
    params: Mapping[str, str | int] = field(default_factory=dict[str, str | int])
    overlap: timedelta = LATE


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiListing:
    """A listing of the API; see `collectors.reddit_walk.Listing`.

    Parameters
    ----------
    terms
        What a post must name to be kept.
    """

    client: RedditClient
    place: Place
    terms: TermMatcher
    short: int = PAGE
    most_pages: int = MOST_PAGES
    reads_full: bool = True

    @property
    def overlap(self) -> timedelta:
        """How late an item may appear."""
        return self.place.overlap

    def page(self, after: str | None, tag: tuple[str, str]) -> Slice:
        """Fetch a page."""
        del tag  # the API does not know "unchanged"
        following = {"after": after} if after else {}
        told = self.client.get(self.place.path, {**self.place.params, "limit": PAGE, **following})
        found = sliced(things_of(told), read=post_of, name=name_of, wanted=lambda post: is_wanted(post, self.terms))
        return replace(found, after=after_of(told))


def places(access: RedditAccess) -> list[Place]:
    """Give all listings that are read, in the order of reading."""
    new = [Place(stream=f"new/{name}", path=f"/r/{name}/new") for name in access.communities]
    searches = [
        Place(
            stream="search" if not number else f"search/{number + 1}",
            path="/search",
            params={"q": query, "sort": "new", "type": "link", "t": "all", "include_over_18": "on"},
            overlap=SEARCH_LATE,
        )
        for number, query in enumerate(queries(access.terms))
    ]
    comments = [Place(stream=f"comments/{name}", path=f"/r/{name}/comments") for name in access.communities]
    return [*new, *searches, *comments]


def queries(terms: tuple[str, ...]) -> list[str]:
    """Join terms by OR, in as few searches as Reddit's limit of characters allows."""
    joined: list[str] = []
    for term in terms:
        quoted = f'"{term}"' if " " in term or '"' in term else term
        if joined and len(joined[-1]) + len(quoted) + len(" OR ") <= LONGEST_QUERY:
            joined[-1] += f" OR {quoted}"
        else:
            joined.append(quoted)
    return joined
