"""Reddit's JSON as posts: what is kept of a page of things, and of a thread."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from collectors.base import RawPost
from collectors.reddit_dump import is_reddit, reddit_post
from collectors.terms import TermMatcher

SUBMISSION: Final = "t3"
COMMENT: Final = "t1"
MORE: Final = "more"

Thing = Mapping[str, Any]


def things_of(told: object) -> list[Thing]:
    """Give the things of a listing; what has another shape holds none."""
    data = told.get("data") if isinstance(told, dict) else None
    children = data.get("children") if isinstance(data, dict) else None
    return [child for child in children if isinstance(child, dict)] if isinstance(children, list) else []


def after_of(told: object) -> str | None:
    """Give the item that the next page of a listing follows."""
    data = told.get("data") if isinstance(told, dict) else None
    after = data.get("after") if isinstance(data, dict) else None
    return after if isinstance(after, str) and after else None


def name_of(thing: Thing) -> str:
    """Give a thing's fullname; one without is named by where it lies in memory, so that it is still an item."""
    data = thing.get("data")
    name = data.get("name") if isinstance(data, dict) else None
    return name if isinstance(name, str) else f"?{id(thing)}"


def post_of(thing: Thing) -> RawPost:
    """Read a submission or a comment as the API gives it.

    A crosspost is a submission of its own under its own title; the words of what it points to stay with their author.

    Raises
    ------
    ValueError
        It is neither, or can't be read; the message is the reason.
    """
    data = thing.get("data")
    if thing.get("kind") not in {SUBMISSION, COMMENT} or not isinstance(data, dict) or not is_reddit(data):
        raise ValueError("neither a submission nor a comment")
    return reddit_post(data, escaped=False)  # PRAW asks for raw_json


def is_wanted(post: RawPost, terms: TermMatcher) -> bool:
    """Tell whether a post names a term in its own words, or was posted where everything is about it."""
    return terms.watches(post.channel) or terms.names(post.title or "") or terms.names(post.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comments:
    """What a view of a thread holds.

    Parameters
    ----------
    posts
        The submission and the comments.
    missing
        Names of comments that are there but not in the view.
    branches
        Ids of comments under which the thread goes on in a view of its own.
    """

    posts: tuple[RawPost, ...]
    missing: tuple[str, ...]
    branches: tuple[str, ...]
    read: int
    broken: int


def comments_of(told: object) -> Comments:
    """Read the view of a thread: its submission, and its comments however deeply they lie in each other."""
    posts: list[RawPost] = []
    missing: list[str] = []
    branches: list[str] = []
    read = broken = 0
    for thing in (thing for listing in (told if isinstance(told, list) else ()) for thing in _depth_first(listing)):
        if thing.get("kind") == MORE:
            _add_more(thing, missing, branches)
            continue
        read += 1
        try:
            posts.append(post_of(thing))
        except ValueError:
            broken += 1
    return Comments(posts=tuple(posts), missing=tuple(missing), branches=tuple(branches), read=read, broken=broken)


def _depth_first(told: object) -> Iterator[Thing]:
    waiting: list[Sequence[Thing]] = [things_of(told)]
    while waiting:
        for thing in waiting.pop():
            yield thing
            data = thing.get("data")
            if isinstance(data, dict) and data.get("replies"):
                waiting.append(things_of(data["replies"]))


def _add_more(thing: Thing, missing: list[str], branches: list[str]) -> None:
    """Note what stands for comments left out: their ids, or for none, the comment under which the thread goes on."""
    data = thing.get("data")
    if not isinstance(data, dict):
        return
    children = data.get("children")
    if isinstance(children, list) and children:
        missing.extend(f"t1_{child}" for child in children if isinstance(child, str))
    elif isinstance(parent := data.get("parent_id"), str) and parent.startswith("t1_"):
        branches.append(parent[3:])
