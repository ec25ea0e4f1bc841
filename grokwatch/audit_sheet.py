"""The sheet on which people label drawn posts: CSV with the post on the left and empty cells on the right, read strictly."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Final, TypeVar

from classifiers.codebook import Aspect, Category, Polarity
from db.audits import DrawnPost, Verdict
from grokwatch.formats import guarded

SHOWN: Final = ("id", "source", "source_id", "lang", "text", "link")
TO_FILL: Final = ("relevant", "category", "polarity", "aspects")
COLUMNS: Final = (*SHOWN, *TO_FILL)
_YES: Final = {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}
_NEEDED: Final = ("id", *TO_FILL)

Value = TypeVar("Value", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A line that somebody has filled in; `text` is the post's as it was exported, empty where the column is missing."""

    line: int
    post_id: int
    text: str
    verdict: Verdict


class SheetError(Exception):
    """The sheet can't be read at all; the message says why."""


def write(stream: IO[str], posts: Iterable[DrawnPost]) -> None:
    """Write a sheet.

    It begins with a byte order mark, without which Excel takes Japanese for something else. A text that a spreadsheet
    would run as a formula gets an apostrophe.
    """
    stream.write("\ufeff")
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for post in posts:
        shown = (guarded(part) for part in (post.source, post.source_id, post.lang, post.text, post.url or ""))
        writer.writerow([post.id, *shown, *("" for _ in TO_FILL)])


def read(text: str) -> tuple[list[Filled], list[str], int]:
    """Read a sheet: the lines that are filled in, what is wrong with others, and how many are still empty.

    Raises
    ------
    SheetError
        It has no heading with the columns that are needed.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=_delimiter(text))
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise SheetError(f"it is not CSV ({error})") from error
    heading = [name.strip().lower() for name in rows[0][1]] if rows else []
    missing = [name for name in _NEEDED if name not in heading]
    if missing:
        raise SheetError(f"the first line has no {' and no '.join(missing)}")
    filled: list[Filled] = []
    problems: list[str] = []
    empty = 0
    first_line: dict[int, int] = {}
    begins = rows[0][0] + 1
    for ends, row in rows[1:]:
        line, begins = begins, ends + 1  # a text may run over several lines: the line is where its row begins
        cells = dict(zip(heading, (*row, *("" for _ in heading)), strict=False))
        said = {name: cells[name].strip() for name in TO_FILL}
        if not any(said.values()):
            empty += any(cell.strip() for cell in row)
            continue
        try:
            post = _number(cells["id"])
            _refuse_second(post, line, first_line)
            filled.append(Filled(line=line, post_id=post, text=cells.get("text", ""), verdict=verdict(said)))
        except ValueError as error:
            problems.append(f"line {line}: {error}")
    return filled, problems, empty


def _delimiter(text: str) -> str:
    heading = text.split("\n", 1)[0]
    return max(",;\t", key=heading.count)  # spreadsheets write what the country is used to


def _refuse_second(post: int, line: int, first_line: dict[int, int]) -> None:
    if first_line.setdefault(post, line) != line:
        raise ValueError(f"the post {post} stands on line {first_line[post]} already")


def _number(cell: str) -> int:
    bare = cell.strip().removesuffix(".0")
    if not bare.isascii() or not bare.isdigit():
        raise ValueError(f"the id {cell.strip()!r} is no number")
    return int(bare)


def verdict(said: Mapping[str, str]) -> Verdict:
    """Read the four answers as they are written in a sheet.

    Raises
    ------
    ValueError
        They don't agree with the codebook; the message says where.
    """
    if not said["relevant"]:
        raise ValueError("relevant is empty")
    relevant = _YES.get(said["relevant"].lower())
    if relevant is None:
        raise ValueError(f"relevant is {said['relevant']!r}, not true or false")
    category = _one(Category, "category", said["category"])
    polarity = _one(Polarity, "polarity", said["polarity"])
    aspects = tuple(dict.fromkeys(_several(said["aspects"])))
    if not relevant and (category or polarity or aspects):
        told = next(name for name in TO_FILL[1:] if said[name])
        raise ValueError(f"{told} is {said[told]!r} but the post is not relevant")
    if relevant and category is None:
        raise ValueError("the post is relevant but category is empty")
    return Verdict(relevant=relevant, category=category, polarity=polarity, aspects=aspects)


def _one(kind: type[Value], name: str, cell: str) -> Value | None:
    if not cell:
        return None
    return _known(kind, name, cell)


def _several(cell: str) -> Iterator[Aspect]:
    for part in cell.replace(";", " ").replace(",", " ").split():
        yield _known(Aspect, "aspects", part)


def _known(kind: type[Value], name: str, cell: str) -> Value:
    try:
        return kind(cell.strip().lower())
    except ValueError:
        raise ValueError(f"{name} is {cell!r}, not one of {_listed([one.value for one in kind])}") from None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def same_text(exported: str, stored: str) -> bool:
    """Tell whether a post is still what its auditor read; spreadsheets change line ends, and add or take an apostrophe."""
    return not exported.strip() or _bare(exported) == _bare(stored)


def _bare(text: str) -> str:
    return " ".join(text.split()).removeprefix("'")
