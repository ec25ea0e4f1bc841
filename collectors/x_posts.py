"""Posts as X's API v2 gives them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from collectors.base import Kind, RawPost
from collectors.fields import count, moment, readable, text_of
from collectors.x_languages import bcp47

FIELDS: Final = (
    "author_id", "conversation_id", "created_at", "edit_history_tweet_ids", "lang", "note_tweet", "public_metrics",
    "referenced_tweets",
)  # fmt: skip
"""What is asked for of every post; none of these costs more."""

SITE: Final = "https://x.com"
EPOCH_MS: Final = 1_288_834_974_657
"""X's ids count milliseconds from here (4 November 2010) in their upper bits."""

ID_SHIFT: Final = 22
LONGEST_EDITING: Final = timedelta(days=1)
"""X lets a post be edited for an hour; ids that tell of more are none of X's making."""

LONGEST_ID: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """A page of a search or a look-up, as far as it can be read.

    Parameters
    ----------
    posts
        Without retweets, in the order of the page.
    ids
        The platform's ids of all items that have one, for the bill and for the way on.
    users
        Ids of the profiles that came along.
    items
        How many items the page held, readable or not.
    broken
        Items that could not be read, and partial errors.
    newest_id
        The highest id; of an empty page, what it says itself.
    missing
        Ids that a look-up asked for and that are gone or hidden.
    """

    posts: tuple[RawPost, ...]
    ids: tuple[str, ...]
    users: tuple[str, ...]
    items: int
    broken: int
    newest_id: str | None
    next_token: str | None
    missing: tuple[str, ...] = ()


def read_page(body: Mapping[str, Any]) -> SearchPage:
    """Read the body of an answer; whatever makes no sense is counted as broken and passed over."""
    data = body.get("data", [])
    items: list[Any] = list(data) if isinstance(data, list) else [data]
    posts: list[RawPost] = []
    ids: list[str] = []
    broken = 0
    for item in items:
        if isinstance(item, dict) and (identifier := _identifier(item.get("id"))):
            ids.append(identifier)
        try:
            post = read_post(item)
        except ValueError:
            broken += 1
        else:
            posts += [post] if post is not None else []
    meta = _mapping(body.get("meta"))
    newest = max(ids, key=int) if ids else _identifier(meta.get("newest_id"))
    token = meta.get("next_token")
    missing, errors = _errors(body.get("errors"))
    return SearchPage(
        posts=tuple(posts),
        ids=tuple(ids),
        users=_users(body),
        items=len(items),
        broken=broken + errors,
        newest_id=newest,
        next_token=token if isinstance(token, str) and token else None,
        missing=missing,
    )


def read_post(item: object) -> RawPost | None:
    """Read a post; None for a retweet, which says nothing of its own.

    An edit gives a post another id. It keeps the first one here, so that the edited post takes the place of the old one.

    Raises
    ------
    ValueError
        Something that a post must have is missing or makes no sense; the message is the reason.
    """
    if not isinstance(item, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the reason of a broken item, like those below
    post: dict[str, Any] = item
    identifier = _identifier(post.get("id"))
    if identifier is None:
        raise ValueError("no id")
    if not isinstance(post.get("text"), str):
        raise ValueError("no text")  # noqa: TRY004 - as above
    kinds = {text_of(_mapping(other).get("type")) for other in _list(post.get("referenced_tweets"))}
    if "retweeted" in kinds:
        return None
    created_at = moment(post.get("created_at"))
    first = _first_version(post, identifier, created_at)
    metrics = _mapping(post.get("public_metrics"))
    long_text = _mapping(post.get("note_tweet")).get("text")
    return RawPost(
        source="x",
        source_id=first,
        kind=Kind.REPLY if "replied_to" in kinds else Kind.POST,
        thread_id=_identifier(post.get("conversation_id")) or first,
        created_at=created_at if first == identifier else _moment_of(first),
        text=readable(text_of(long_text if isinstance(long_text, str) and long_text else post["text"])),
        author=_identifier(post.get("author_id")),
        lang=bcp47(text_of(post.get("lang"))),
        edited_at=None if first == identifier else created_at,
        url=f"{SITE}/i/status/{identifier}",
        score=count(metrics.get("like_count")),
        replies=count(metrics.get("reply_count")),
    )


def _first_version(post: Mapping[str, Any], identifier: str, created_at: datetime) -> str:
    """Give the id that the post was first published under; its own where X's ids do not bear that out."""
    versions = [version for told in _list(post.get("edit_history_tweet_ids")) if (version := _identifier(told))]
    if not versions:
        return identifier
    first = min(versions, key=int)
    return first if timedelta(0) <= created_at - _moment_of(first) < LONGEST_EDITING else identifier


def _moment_of(identifier: str) -> datetime:
    """Give the moment that an id was made at, to the second as X tells times."""
    seconds = ((int(identifier) >> ID_SHIFT) + EPOCH_MS) // 1000
    return datetime.fromtimestamp(seconds, UTC)


def _errors(told: object) -> tuple[tuple[str, ...], int]:
    """Part the posts that are gone (look-ups tell them as errors) from what could not be given."""
    missing: list[str] = []
    errors = 0
    for error in _list(told):
        entry = _mapping(error)
        identifier = _identifier(entry.get("resource_id") or entry.get("value"))
        if identifier and text_of(entry.get("type")).endswith(("/resource-not-found", "/not-authorized-for-resource")):
            missing.append(identifier)
        else:
            errors += 1
    return tuple(missing), errors


def _users(body: Mapping[str, Any]) -> tuple[str, ...]:
    users = _list(_mapping(body.get("includes")).get("users"))
    return tuple(identifier for user in users if (identifier := _identifier(_mapping(user).get("id"))))


def _identifier(value: object) -> str | None:
    text = text_of(value)
    return text if text.isascii() and text.isdigit() and len(text) <= LONGEST_ID else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else []
