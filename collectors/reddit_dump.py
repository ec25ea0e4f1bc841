"""Objects of Reddit dumps as posts; the fields are those of Reddit's API as Pushshift and Arctic Shift keep them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from collectors.base import Kind, RawPost
from collectors.fields import count, moment, readable, text_of

SITE: Final = "https://www.reddit.com"
NO_AUTHOR: Final = frozenset({"[deleted]", "[removed]", "[redacted]", ""})
GONE: Final = frozenset({"[deleted]", "[removed]", "[unavailable]"})
GONE_OPENING: Final = "[ removed by reddit"
LONGEST_ID: Final = 64


def is_reddit(record: Mapping[str, Any]) -> bool:
    """Tell whether an object is a submission or a comment of a dump."""
    return is_comment(record) or (
        "title" in record and "subreddit" in record and ("selftext" in record or "is_self" in record)
    )


def is_comment(record: Mapping[str, Any]) -> bool:
    """Tell whether an object of a dump is a comment."""
    return "body" in record and "link_id" in record


def reddit_post(record: Mapping[str, Any], *, escaped: bool = True) -> RawPost:
    """Read a submission or a comment.

    `source_id` is Reddit's fullname (`t3_…` a submission, `t1_…` a comment), so that the two can't be taken for each other;
    `thread_id` is the fullname of the submission. Reddit's API delivers `&`, `<` and `>` escaped
    unless asked for `raw_json`: where they are `escaped`, they are put back.

    Raises
    ------
    ValueError
        The identifier or the time is missing or can't be read; the message is the reason.
    """
    comment = is_comment(record)
    source_id = _fullname(record.get("id") or record.get("name"), "t1_" if comment else "t3_")
    if source_id is None:
        raise ValueError("no id")
    if len(source_id) > LONGEST_ID:
        raise ValueError(f"an id of more than {LONGEST_ID} characters")
    said: Callable[[object], str] = (lambda value: readable(text_of(value))) if escaped else text_of
    text = said(record.get("body" if comment else "selftext"))
    deleted = _is_gone(text) or _was_taken_down(record)
    channel = text_of(record.get("subreddit")) or None
    author = text_of(record.get("author"))
    edited = record.get("edited")
    return RawPost(
        source="reddit",
        source_id=source_id,
        kind=Kind.COMMENT if comment else Kind.SUBMISSION,
        thread_id=(_fullname(record.get("link_id"), "t3_") or source_id)[:LONGEST_ID] if comment else source_id,
        created_at=moment(record.get("created_utc", record.get("created"))),
        title=None if comment else said(record.get("title")) or None,
        text="" if deleted else text,
        channel=channel[:128] if channel else None,
        author=None if author in NO_AUTHOR else author,
        edited_at=moment(edited) if edited and not isinstance(edited, bool) else None,
        url=_url(record, channel, source_id, comment=comment),
        score=count(record.get("score", record.get("ups"))),
        replies=None if comment else count(record.get("num_comments")),
        deleted=deleted,
    )


def _fullname(identifier: object, prefix: str) -> str | None:
    name = text_of(identifier)
    if not name:
        return None
    return name if name.startswith(("t1_", "t3_")) else prefix + name


def _is_gone(text: str) -> bool:
    bare = text.strip().lower()
    return bare in GONE or bare.startswith(GONE_OPENING)


def _was_taken_down(record: Mapping[str, Any]) -> bool:
    """Read what dumps say of a post whose text they still hold: it was taken down since, so its text must go here too."""
    meta = record.get("_meta")
    told: Mapping[str, Any] = meta if isinstance(meta, dict) else {}
    return bool(told.get("was_deleted_later") or told.get("removal_type") or record.get("removed_by_category"))


def _url(record: Mapping[str, Any], channel: str | None, source_id: str, *, comment: bool) -> str | None:
    permalink = text_of(record.get("permalink"))
    if permalink.startswith("/"):
        return SITE + permalink
    if channel is None:
        return None
    thread = _fullname(record.get("link_id"), "t3_") if comment else source_id
    if thread is None:
        return None
    tail = f"_/{source_id[3:]}/" if comment else ""
    return f"{SITE}/r/{channel}/comments/{thread[3:]}/{tail}"
