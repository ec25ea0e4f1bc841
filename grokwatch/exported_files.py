"""Posts that were deleted upstream leave the files that `grokwatch export` has written, too.

The rows of deleted posts are taken out and everything else stays byte for byte what it was; the file is replaced in one step.
Deleting whole files would destroy people's work for one post, and leaving them would keep what had to go. A file that was moved,
or changed until its posts can't be told any more, is named, so that a person can look at it.
"""

import csv
import io
import os
import shutil
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

import orjson
from sqlalchemy import Engine

from db import retention
from db.retention import Export

ROWS: Final = 2_000
"""Rows held in memory at a time."""

Name = tuple[str, str]
Buried = Callable[[Iterable[Name]], set[Name]]


class State(StrEnum):
    """What became of a file."""

    CLEANED = "cleaned"
    UNTOUCHED = "untouched"
    """None of its posts is deleted."""
    GONE = "gone"
    """It is not where it was written."""
    UNREADABLE = "unreadable"
    """It is not what was written, or may not be changed: a person must look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """A file, and how many rows were taken out of it."""

    path: str
    state: State
    rows: int = 0
    reason: str | None = None


def clean(engine: Engine) -> list[Cleaned]:
    """Take the rows of deleted posts out of every file that was exported."""
    with engine.connect().execution_options(read_only=True) as connection:
        files = retention.exports(connection)

    def buried(names: Iterable[Name]) -> set[Name]:
        with engine.connect().execution_options(read_only=True) as connection:
            return retention.buried(connection, tuple(names))

    return [_clean(file, buried) for file in files]


def cleaned_by(path: str, lines: int, kept: Callable[[list[bytes]], list[bytes]], *, keep: bool = False) -> Cleaned:
    """Clean a file of lines: `kept` is handed so many of them at a time and gives those that stay; `keep`: only count."""

    def copy(whole: Path, part: IO[bytes]) -> int:
        removed = 0
        with whole.open("rb") as stream:
            for group in _groups(stream, lines):
                stays = kept(group)
                part.writelines(stays)
                removed += len(group) - len(stays)
        return removed

    return _replaced(path, copy, keep=keep)


def _clean(file: Export, buried: Buried) -> Cleaned:
    return _replaced(file.path, lambda whole, part: _copy(file.form, whole, part, buried))


def _replaced(name: str, copy: Callable[[Path, IO[bytes]], int], *, keep: bool = False) -> Cleaned:
    """Put a copy in a file's place, unless nothing was left out of it; `copy` gives the number of rows that it left out."""
    path = Path(name)
    if not path.is_file():
        return Cleaned(path=name, state=State.GONE)
    try:
        with _replacement(path) as part:
            rows = copy(path, part)
            if rows and not keep:
                part.flush()
                os.fsync(part.fileno())
                shutil.copymode(path, _hidden(path))
                _hidden(path).replace(path)
    except (OSError, ValueError, KeyError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not what was written"
        return Cleaned(path=name, state=State.UNREADABLE, reason=reason)
    return Cleaned(path=name, state=State.CLEANED if rows else State.UNTOUCHED, rows=rows)


def _hidden(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@contextmanager
def _replacement(path: Path) -> Generator[IO[bytes]]:
    part = _hidden(path)
    part.unlink(missing_ok=True)
    try:
        # Nobody else may read the copy while it is written, whatever the file itself allows.
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
            yield stream
    finally:
        part.unlink(missing_ok=True)


def _copy(form: str, path: Path, part: IO[bytes], buried: Buried) -> int:
    """Copy what stays and give the number of rows that do not."""
    match form:
        case "jsonl":
            return _copy_lines(path, part, buried)
        case "csv":
            return _copy_csv(path, part, buried)
        case "parquet":
            return _copy_parquet(path, part, buried)
        case _:
            raise ValueError(form)


def _groups(rows: Iterable[Any], size: int = ROWS) -> Iterator[list[Any]]:
    taken = iter(rows)
    while group := list(islice(taken, size)):
        yield group


def _copy_lines(path: Path, part: IO[bytes], buried: Buried) -> int:
    removed = 0
    with path.open("rb") as whole:
        for group in _groups(whole):
            names = [_name_of_line(line) for line in group]
            gone = buried(names)
            kept = [line for line, name in zip(group, names, strict=True) if name not in gone]
            part.writelines(kept)
            removed += len(group) - len(kept)
    return removed


def _name_of_line(line: bytes) -> Name:
    told = orjson.loads(line)
    return str(told["source"]), str(told["source_id"])


def _copy_csv(path: Path, part: IO[bytes], buried: Buried) -> int:
    removed = 0
    with path.open(encoding="utf-8", newline="") as whole:
        reader = csv.reader(whole)
        header = next(reader)
        source, source_id = header.index("source"), header.index("source_id")
        text = io.TextIOWrapper(part, encoding="utf-8", newline="", write_through=True)
        try:
            writer = csv.writer(text)
            writer.writerow(header)
            for group in _groups(reader):
                names = [(_bare(row[source]), _bare(row[source_id])) for row in group]
                gone = buried(names)
                kept = [row for row, name in zip(group, names, strict=True) if name not in gone]
                writer.writerows(kept)
                removed += len(group) - len(kept)
        finally:
            text.detach()
    return removed


def _bare(cell: str) -> str:
    """Take away the apostrophe that keeps spreadsheets from running a cell."""
    return cell.removeprefix("'")


def _copy_parquet(path: Path, part: IO[bytes], buried: Buried) -> int:
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.parquet as pq  # noqa: PLC0415

    removed = 0
    try:
        with pq.ParquetFile(path) as whole, pq.ParquetWriter(part, whole.schema_arrow, compression="zstd") as writer:
            for group in range(whole.num_row_groups):
                table = whole.read_row_group(group)
                names = list(
                    zip(
                        map(str, table.column("source").to_pylist()),
                        map(str, table.column("source_id").to_pylist()),
                        strict=True,
                    )
                )
                gone = buried(names)
                keep = [name not in gone for name in names]
                writer.write_table(table.filter(pa.array(keep, pa.bool_())))
                removed += len(names) - sum(keep)
    except pa.ArrowException as error:
        raise ValueError(path) from error
    return removed
