"""Rows as people and programs take them: a table on the terminal, CSV, JSON, JSON lines, Parquet."""

import csv
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import IO, Any, Final

import orjson

ROWS_A_GROUP: Final = 10_000
"""Rows of a Parquet row group: what is held in memory while a file is written."""
CELL: Final = 60
"""Characters of a table's cell; the other formats give the whole text."""
_FORMULA = re.compile(r"\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", re.IGNORECASE)

Row = Sequence[object]


def unique(columns: Sequence[str]) -> list[str]:
    """Give every column a name of its own: `n, n` become `n, n_2`."""
    taken: set[str] = set()
    names: list[str] = []
    for column in columns:
        name, number = column or "column", 1
        while name in taken:
            number += 1
            name = f"{column or 'column'}_{number}"
        taken.add(name)
        names.append(name)
    return names


def plain(value: object) -> object:
    """Make a value ready for JSON: times in UTC as `2025-11-17T08:00:00+00:00`, what is not a number as null."""
    match value:
        case datetime():
            return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
        case date():
            return value.isoformat()
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {str(name): plain(held) for name, held in value.items()}
        case list() | tuple():
            return [plain(held) for held in value]
        case _:
            return value


def guarded(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula; a number stays a number."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def write_csv(stream: IO[str], columns: Sequence[str], rows: Iterable[Row], *, exact: bool = False) -> int:
    """Write CSV as in RFC 4180 and give the number of rows; `exact` leaves texts that look like formulas as they are."""
    writer = csv.writer(stream)
    writer.writerow(unique(columns))
    number = 0
    for row in rows:
        writer.writerow([_cell_of_csv(value, exact=exact) for value in row])
        number += 1
    return number


def _cell_of_csv(value: object, *, exact: bool) -> object:
    ready = plain(value)
    match ready:
        case bool():
            return "true" if ready else "false"
        case str():
            return ready if exact or not isinstance(value, str) else guarded(ready)
        case dict() | list():
            return orjson.dumps(ready, option=orjson.OPT_NON_STR_KEYS).decode()
        case _:
            return ready


def write_json(stream: IO[str], columns: Sequence[str], rows: Iterable[Row]) -> int:
    """Write one array of objects, a line each, and give their number."""
    number = 0
    stream.write("[")
    for number, line in enumerate(_objects(columns, rows), start=1):
        stream.write(("\n" if number == 1 else ",\n") + line)
    stream.write("\n]\n" if number else "]\n")
    return number


def write_jsonl(stream: IO[str], columns: Sequence[str], rows: Iterable[Row]) -> int:
    """Write one object a line and give their number."""
    number = 0
    for line in _objects(columns, rows):
        stream.write(line + "\n")
        number += 1
    return number


def _objects(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    names = unique(columns)
    for row in rows:
        item = {name: plain(value) for name, value in zip(names, row, strict=True)}
        try:
            yield orjson.dumps(item).decode()
        except TypeError:  # a number beyond 64 bits, or half a surrogate pair
            yield orjson.dumps({name: _tame(value) for name, value in item.items()}).decode()


def _tame(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 63:  # noqa: PLR2004 - bits of a number
        return float(value)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def write_parquet(stream: IO[bytes], columns: Sequence[str], rows: Iterable[Row], *, schema: Any = None) -> int:  # noqa: ANN401 - a pyarrow schema
    """Write Parquet in groups of rows and give their number.

    Without a `schema` the first and only group decides on the types: whole numbers, numbers, times in UTC, dates, truths,
    lists of texts; other JSON and mixed columns become text.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.parquet as pq  # noqa: PLC0415

    names = unique(columns)
    number = 0
    if schema is None:
        held = list(rows)
        table = pa.table({name: _column(pa, [row[at] for row in held]) for at, name in enumerate(names)})
        pq.write_table(table, stream, compression="zstd")
        return len(held)
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        for group in _groups(rows):
            number += len(group)
            writer.write_table(
                pa.table(
                    {
                        name: pa.array([row[at] for row in group], schema.field(name).type)
                        for at, name in enumerate(names)
                    },
                    schema=schema,
                )
            )
    return number


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) == ROWS_A_GROUP:
            yield group
            group = []
    if group:
        yield group


def _column(pa: Any, values: list[object]) -> Any:  # noqa: ANN401 - pyarrow has no types
    kinds = {type(value) for value in values if value is not None}
    simple = {
        bool: pa.bool_(),
        int: pa.int64(),
        float: pa.float64(),
        str: pa.string(),
        date: pa.date32(),
    }
    try:
        if len(kinds) == 1 and (kind := next(iter(kinds))) in simple:
            return pa.array(values, simple[kind])
        if kinds == {int, float}:
            return pa.array([None if value is None else float(str(value)) for value in values], pa.float64())
        if kinds == {datetime}:
            zones = {value.tzinfo is None for value in values if isinstance(value, datetime)}
            if len(zones) == 1:
                return pa.array(values, pa.timestamp("us", tz=None if zones.pop() else "UTC"))
        if kinds == {list} and all(isinstance(part, str) for value in values for part in _listed(value)):
            return pa.array(values, pa.list_(pa.string()))
    except (pa.ArrowInvalid, OverflowError):
        pass
    texts = [None if value is None else _text(value) for value in values]
    return pa.array(texts, pa.string())


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    ready = plain(value)
    return ready if isinstance(ready, str) else orjson.dumps(_tame(ready), option=orjson.OPT_NON_STR_KEYS).decode()


def show_table(
    stream: IO[str], columns: Sequence[str], rows: Iterable[Row], *, width: int | None, cut: bool = True
) -> int:
    """Draw a table and give the number of its rows.

    It is `width` characters wide, as wide as it needs for None. `cut` shortens long texts, else they run over several lines.
    """
    from rich import box  # noqa: PLC0415 - heavy
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    held = list(rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for at, column in enumerate(columns):
        numbers = all(isinstance(row[at], int | float | None) for row in held) and bool(held)
        table.add_column(
            Text(_line(column, CELL)),
            justify="right" if numbers else "left",
            overflow="ellipsis" if cut else "fold",
            no_wrap=cut,
        )
    for row in held:
        table.add_row(*(Text(_line(value, CELL if cut else None)) for value in row))
    widest = width or (sum(max(CELL, len(column)) * 2 for column in columns) + 4 * len(columns) + 4)
    Console(file=stream, width=widest, highlight=False).print(table)
    return len(held)


def _line(value: object, longest: int | None) -> str:
    """Give a value in one line that no terminal takes for an instruction."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.6g}"
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        case str():
            text = value
        case _:
            text = _text(value)
    text = " ".join((text if longest is None else text[: 4 * longest]).split())
    text = "".join(" " if _unprintable(character) else character for character in text)
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"


def _unprintable(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"} or character in _BIDI


_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that would turn the rest of the line around."""
