"""Posts in files of one's own: JSON lines or tables whose columns are named as the fields of a post, or are mapped to them."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from collectors.base import CollectorError, Kind, RawPost
from collectors.fields import count, is_naive, moment, readable, text_of
from collectors.x_languages import bcp47

FIELDS: Final = (
    "id", "text", "created_at", "title", "author", "lang", "source", "kind", "channel", "thread_id", "url", "score", "likes",
    "replies", "edited_at", "deleted", "inclusion_probability",
)  # fmt: skip
"""What a file may say of a post; `text` (or `title`) and `created_at` it must say."""

LIKELY: Final = {
    "text": ("body", "content", "full_text", "message", "tweet", "tweet_text", "post", "comment", "selftext"),
    "created_at": (
        "date",
        "datetime",
        "time",
        "timestamp",
        "created",
        "created_utc",
        "createdat",
        "published",
        "posted_at",
    ),
    "id": ("post_id", "tweet_id", "status_id", "uid", "key"),
}
"""Names that other programs give to columns, for a good guess in an error message."""

DEFAULT_SOURCE: Final = "x"
LONGEST_ID: Final = 64
LONGEST_SOURCE: Final = 32
LONGEST_CHANNEL: Final = 128
TRUE: Final = frozenset({"true", "1", "yes", "y", "t"})


@dataclass(slots=True)
class Guesses:
    """What had to be assumed while reading, to be said once."""

    naive_times: int = 0
    missing_ids: int = 0
    assumed_source: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFormat:
    """How a file of one's own is read.

    Parameters
    ----------
    columns
        Field of a post -> name in the file, for those that are named otherwise.
    source
        Platform of the posts that do not name one themselves; None: X.
    """

    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    source: str | None = None

    def __post_init__(self) -> None:
        unknown = sorted(set(self.columns) - set(FIELDS))
        if unknown:
            raise CollectorError(
                f"a post has no field {unknown[0]!r}", mend=f"map columns to these fields: {', '.join(FIELDS)}"
            )

    def check(self, found: Iterable[str], *, where: str) -> None:
        """Check that the names in a file allow posts to be read.

        Raises
        ------
        CollectorError
            A mapped or a required name is missing; the message names those that were found.
        """
        names = [name for name in found if name]
        present = {name.casefold() for name in names}
        gone = sorted(name for name in self.columns.values() if name.casefold() not in present)
        if gone:
            raise CollectorError(
                f"{where} has no column {gone[0]!r}; it has {', '.join(names)}", mend="correct the names after --map"
            )
        missing = [name for name in ("text", "created_at") if not self._has(name, present)]
        if missing:
            raise CollectorError(
                f"{where} has no column {' and no column '.join(repr(name) for name in missing)}; it has {', '.join(names)}",
                mend=f"say which columns hold them: --map {self._guess(names, missing)}",
            )

    def says_deleted(self, record: Mapping[str, Any]) -> bool:
        """Tell whether a row says of its post that it is gone."""
        wanted = self.columns.get("deleted", "deleted").casefold()
        return any(_is_true(value) for name, value in record.items() if name.casefold() == wanted)

    def _has(self, name: str, present: set[str]) -> bool:
        if name in self.columns or name in present:
            return True
        return name == "text" and ("title" in self.columns or "title" in present)

    def _guess(self, names: list[str], missing: list[str]) -> str:
        by_fold = {name.casefold(): name for name in names}
        wanted = missing if "id" in self.columns or "id" in by_fold else [*missing, "id"]
        pairs: list[str] = [f"{ours}={theirs}" for ours, theirs in self.columns.items()]
        for name in wanted:
            likely = next((by_fold[other] for other in LIKELY[name] if other in by_fold), None)
            if likely or name in missing:
                pairs.append(f"{name}={likely or 'COLUMN'}")
        return ",".join(f'"{pair}"' if " " in pair else pair for pair in pairs)

    def post(self, record: Mapping[str, Any], guesses: Guesses) -> RawPost:
        """Read an object or a row.

        A post without an id is given one made of its source, time, author and text, so that it stays the same post whenever
        the file is read again.

        Raises
        ------
        ValueError
            The text or the time is missing, or a value makes no sense; the message is the reason.
        """
        folded = {name.casefold(): value for name, value in record.items()}

        def get(name: str) -> Any:  # noqa: ANN401 - a JSON value
            value = folded.get(self.columns.get(name, name).casefold())
            return None if value == "" else value

        source = text_of(get("source")) or self.source or DEFAULT_SOURCE
        deleted = _is_true(get("deleted"))
        unescape = readable if source == "x" else str
        title, text = unescape(text_of(get("title"))), unescape(text_of(get("text")))
        if not (title or text or deleted):
            raise ValueError("no text")
        created_at = moment(get("created_at"))
        given_id = text_of(get("id"))
        identifier = given_id or _hashed(source, created_at.isoformat(), text_of(get("author")), title, text)
        edited = get("edited_at")
        score = get("score")
        channel, thread = text_of(get("channel")), text_of(get("thread_id"))
        post = RawPost(
            source=_short(source.casefold(), LONGEST_SOURCE, "source"),
            source_id=_identifier(identifier),
            kind=_kind(text_of(get("kind"))),
            thread_id=_identifier(thread or identifier),
            created_at=created_at,
            title=None if deleted else title or None,
            text="" if deleted else text,
            channel=_short(channel, LONGEST_CHANNEL, "channel") if channel else None,
            author=text_of(get("author")) or None,
            lang=bcp47(text_of(get("lang"))),
            edited_at=None if edited is None else moment(edited),
            url=_web_address(text_of(get("url"))),
            score=count(get("likes") if score is None else score),
            replies=count(get("replies")),
            inclusion_probability=_probability(get("inclusion_probability")),
            deleted=deleted,
        )
        guesses.assumed_source += not (text_of(get("source")) or self.source)
        guesses.naive_times += is_naive(get("created_at"))
        guesses.missing_ids += not given_id
        return post


def _is_true(value: object) -> bool:
    return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() in TRUE)


def _hashed(*parts: str) -> str:
    return "h" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _identifier(text: str) -> str:
    return text if len(text) <= LONGEST_ID else _hashed(text)


def _short(text: str, longest: int, name: str) -> str:
    if len(text) > longest:
        raise ValueError(f"a {name} of more than {longest} characters")
    return text


def _kind(text: str) -> Kind:
    if not text:
        return Kind.POST
    try:
        return Kind(text.casefold())
    except ValueError:
        raise ValueError(f"an unknown kind {text[:40]!r}, known are {', '.join(Kind)}") from None


def _web_address(text: str) -> str | None:
    return text if text.startswith(("https://", "http://")) else None


def _probability(value: object) -> float:
    if value is None:
        return 1.0
    try:
        number = float(value) if isinstance(value, int | float | str) else 0.0
    except ValueError:
        number = 0.0
    if not 0 < number <= 1:
        raise ValueError(f"an inclusion probability of {text_of(value)[:40]!r}")
    return number
