"""Posts with labels that people gave: the line format of the codebook, read strictly, because errors here look like a model's."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson

from classifiers.base import ClassifierError
from classifiers.codebook import IRRELEVANT, Aspect, Category, Polarity

MEND: Final = (
    'give one JSON object a line with "text", "relevant" (true or false), "category" (null where not relevant), '
    '"polarity" and "aspects", with the values of the codebook'
)


_Value = TypeVar("_Value", Category, Polarity)


class GoldError(ClassifierError):
    """A labelled file can't be read; the message names the line."""

    def __init__(self, message: str, *, mend: str = MEND) -> None:
        super().__init__(message, mend=mend)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldPost:
    """A post as people labelled it.

    `line` counts from one. `polarity` and `aspects` are None where the file does not tell them; `polarity` also where
    the post is not about Grok.
    """

    line: int
    id: str | None
    text: str
    lang: str | None
    source: str
    relevant: bool
    category: Category | None
    polarity: Polarity | None
    aspects: frozenset[Aspect] | None

    @property
    def outcome(self) -> str:
        """One of the seven outcomes: the category, or `irrelevant`."""
        return self.category.value if self.category is not None else IRRELEVANT


def read(path: Path) -> list[GoldPost]:
    """Read a file of labelled posts.

    Raises
    ------
    GoldError
        The file can't be opened, holds no post, or a line is not what the codebook's line format says.
    """
    try:
        with path.open("rb") as lines:
            posts = list(_posts(lines))
    except OSError as error:
        raise GoldError(
            f"{path} can't be read: {error.strerror or error}", mend="name a file of posts that people labelled"
        ) from error
    if not posts:
        raise GoldError(f"{path} holds no labelled post")
    return posts


def _posts(lines: Iterable[bytes]) -> Iterable[GoldPost]:
    for number, line in enumerate(lines, start=1):
        stripped = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if not stripped:
            continue
        try:
            fields = orjson.loads(stripped)
        except orjson.JSONDecodeError as error:
            raise GoldError(f"line {number} is not JSON: {error.msg}") from error
        if not isinstance(fields, dict):
            raise GoldError(f"line {number} is not a JSON object")
        try:
            yield _post(number, fields)
        except _WrongFieldError as error:
            raise GoldError(f"line {number}: {error}") from error


class _WrongFieldError(ValueError):
    pass


def _post(number: int, fields: dict[str, Any]) -> GoldPost:
    for name in ("text", "relevant", "category"):
        if name not in fields:
            raise _WrongFieldError(f'the field "{name}" is missing')
    text, relevant = fields["text"], fields["relevant"]
    if not isinstance(text, str):
        raise _WrongFieldError('"text" is not a string')
    if not isinstance(relevant, bool):
        raise _WrongFieldError('"relevant" is neither true nor false')
    category = _member(Category, "category", fields["category"])
    polarity = _member(Polarity, "polarity", fields.get("polarity"))
    if relevant and category is None:
        raise _WrongFieldError('"category" is null although the post is relevant')
    if not relevant and category is not None:
        raise _WrongFieldError(f'"category" is "{category}" although the post is not relevant')
    if not relevant and polarity is not None:
        raise _WrongFieldError(f'"polarity" is "{polarity}" although the post is not relevant')
    return GoldPost(
        line=number,
        id=None if fields.get("id") is None else str(fields["id"]),
        text=text,
        lang=_tag(fields, "lang"),
        source=_tag(fields, "source") or "unknown",
        relevant=relevant,
        category=category,
        polarity=polarity,
        aspects=_aspects(fields),
    )


def _member(values: type[_Value], name: str, value: object) -> _Value | None:
    if value is None:
        return None
    if isinstance(value, str) and value in {member.value for member in values}:
        return values(value)
    known = ", ".join(member.value for member in values)
    raise _WrongFieldError(f'"{name}" is {orjson.dumps(value).decode()}, not one of {known} or null')


def _aspects(fields: dict[str, Any]) -> frozenset[Aspect] | None:
    if "aspects" not in fields:
        return None
    value = fields["aspects"]
    known = {aspect.value for aspect in Aspect}
    if not isinstance(value, list):
        raise _WrongFieldError('"aspects" is not a list')
    for aspect in value:
        if not isinstance(aspect, str) or aspect not in known:
            raise _WrongFieldError(
                f'"aspects" holds {orjson.dumps(aspect).decode()}, not one of {", ".join(sorted(known))}'
            )
    return frozenset(Aspect(aspect) for aspect in value)


def _tag(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise _WrongFieldError(f'"{name}" is not a string')
    return value or None
