"""Rows of CSV and TSV files, read line by line so that every row knows where it stands."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from collectors.base import CollectorError
from collectors.line_blocks import Block

BOM: Final = b"\xef\xbb\xbf"
DELIMITERS: Final = ("\t", ";", "|", ",")


@dataclass(frozen=True, slots=True)
class Header:
    """The first row of a table: its columns, what parts them, and where the rows begin."""

    columns: tuple[str, ...]
    delimiter: str
    end: int
    lines: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its values by column, or the reason why it can't be read; `end` and `lines` count all that was read with it."""

    values: dict[str, str]
    raw: str
    line: int
    end: int
    lines: int
    broken: str | None = None


class _Feed:
    """Gives the lines of blocks as text, and keeps those of the row at hand."""

    def __init__(self, blocks: Iterator[Block], start: int, lines: int) -> None:
        self._lines = self._split(blocks)
        self.end = start
        self.lines = lines
        self.row: list[str] = []
        self.broken: str | None = None

    def _split(self, blocks: Iterator[Block]) -> Iterator[tuple[bytes, int, str | None]]:
        for block in blocks:
            if block.overlong:
                yield bytes(block.data), block.end - block.start, "a line that is too long"
                continue
            for line in io.BytesIO(block.data):
                yield line, len(line), None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw, size, broken = next(self._lines)
        self.end += size
        self.lines += 1
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text, broken = raw.decode(errors="replace"), broken or "not UTF-8"
        if "\0" in text:
            broken = broken or "a NUL character"
        self.broken = self.broken or broken
        self.row.append(text)
        return text.replace("\0", "\ufffd")


def read_header(head: bytes, known: Iterable[str]) -> Header | None:
    """Read the first row of a table from the beginning of a file, None where it does not look like one.

    `known` are column names by which a table of a single column is told from any other text.

    Raises
    ------
    CollectorError
        The file is in an encoding other than UTF-8.
    """
    first = head.removeprefix(BOM).split(b"\n", 1)[0]
    try:
        text = first.decode()
        head[: head.rfind(b"\n") + 1].decode()
    except UnicodeDecodeError:
        raise CollectorError(
            "the table is not in UTF-8", mend="save it as CSV in UTF-8, or convert it: iconv -f ENCODING -t UTF-8"
        ) from None
    if not text.strip():
        return None
    delimiter = max(DELIMITERS, key=text.count)
    feed = _Feed(iter([Block(memoryview(head.removeprefix(BOM)), 0, 0)]), len(BOM) if head.startswith(BOM) else 0, 0)
    try:  # a quoted column name may run over several lines: the reader asks for as many as it needs
        columns = next(csv.reader(feed, delimiter=delimiter))
    except (csv.Error, StopIteration):
        return None
    names = tuple(column.strip() for column in columns)
    if len(names) == 1 and names[0].casefold() not in {name.casefold() for name in known}:
        return None
    return Header(names, delimiter, feed.end, feed.lines)


def rows(blocks: Iterator[Block], header: Header, *, start: int, lines: int) -> Iterator[Row]:
    """Yield the rows of a table from the offset `start` on, before which there are so many lines.

    A row whose number of values is not that of the columns is broken, as is one that can't be parted.
    """
    feed = _Feed(blocks, start, lines)
    reader = csv.reader(feed, delimiter=header.delimiter)
    while True:
        first, feed.row, feed.broken = feed.lines + 1, [], None
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            values, feed.broken = [], feed.broken or str(error)
        if not values and feed.broken is None:
            continue  # an empty line
        if feed.broken is None and len(values) != len(header.columns):
            feed.broken = f"{len(values)} values for {len(header.columns)} columns"
        yield Row(
            dict(zip(header.columns, values, strict=False)),
            "".join(feed.row),
            first,
            feed.end,
            feed.lines,
            feed.broken,
        )
