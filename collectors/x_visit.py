"""What a visit to X has in hand: the client, what the next page's cursor will say, and how a page is made of an answer."""

from datetime import datetime
from typing import Any, Final

from collectors.base import Page, RawPost
from collectors.errors import Unavailable
from collectors.x_client import Answer, XClient
from collectors.x_posts import SearchPage
from collectors.x_state import State

PATIENCE: Final = 50
"""Pages in a row that bring nothing new."""


class Visit:
    """One visit.

    Attributes
    ----------
    state
        What the next page's cursor will say.
    unsaved
        It has changed since the last page.
    """

    def __init__(self, client: XClient, state: State) -> None:
        self.client = client
        self.access = client.access
        self.state = state
        self.unsaved = False

    def page(self, posts: tuple[RawPost, ...] = (), **others: Any) -> Page:  # noqa: ANN401 - fields of Page
        """Make a page with the cursor that follows it."""
        self.unsaved = False
        return Page(posts=posts, cursor=self.state.write(), **others)

    def bought(self, answer: Answer, page: SearchPage, posts: tuple[RawPost, ...]) -> Page:
        """Make a page of an answer that is billed."""
        cost = answer.cost(self.client.charge(page.ids, page.users, page.items))
        return self.page(posts, read=page.items, broken=page.broken, cost_usd=cost, reservation=answer.reservation)


class Patience:
    """Counts the pages in a row that bring nothing new, lest a platform that goes in circles is asked for ever."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._idle = 0

    def heed(self, page: SearchPage) -> None:
        """Note a page.

        Raises
        ------
        Unavailable
            It was one too many.
        """
        fresh = set(page.ids) - self._seen
        self._seen |= fresh
        self._idle = 0 if fresh or page.next_token is None else self._idle + 1
        if self._idle > PATIENCE:
            raise Unavailable(
                f"X has given {PATIENCE} pages in a row without a new post", mend="the next visit goes on from here"
            )


def version_time(post: RawPost) -> datetime:
    """Give the time that X files a post under: an edited one under its last version's."""
    return post.edited_at or post.created_at
