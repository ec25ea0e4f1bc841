"""A file to import: where it is, how it is packed, what is in it, and whether it is the one that was read before."""

import hashlib
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from collectors.base import CollectorError
from collectors.compressed import Compression, DamagedError, Unpacker, compression_of, window_of
from collectors.own_files import FIELDS, OwnFormat
from collectors.reddit_dump import is_reddit
from collectors.tables import BOM, Header, read_header

FINGERPRINT: Final = 1 << 16
"""Bytes at either end of a file by which it is known again."""

STANDARD_INPUT: Final = "standard input"
SNIFFED: Final = 1 << 20
MEND: Final = "give JSON lines or CSV: plain, .zst, .gz, .bz2 or .xz"
FIRST_LINES: Final = 50
SIGNATURES: Final = {
    b"PK\x03\x04": "a ZIP archive",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a SQLite database",
    b"%PDF": "a PDF",
    b"7z\xbc\xaf": "a 7z archive",
}


class Content(StrEnum):
    """What the lines of a file are."""

    REDDIT = "reddit"
    OWN = "own"
    TABLE = "table"


class Packed(Protocol):
    """A file opened for reading from the start."""

    def read(self, size: int = -1, /) -> bytes:
        """Give up to so many bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFile:
    """A file that was looked into and can be imported.

    `path` is None for standard input, and `head` then holds what was already taken from it. `size` is in packed bytes; `window`
    is the memory in bytes that unpacking needs.
    """

    path: Path | None
    name: str
    compression: Compression
    content: Content
    size: int | None
    window: int = 0
    header: Header | None = None
    head: bytes = b""
    stream: Packed | None = None


class Opened:
    """A file under way; `position` counts the packed bytes that were read."""

    def __init__(self, raw: Packed, head: bytes = b"") -> None:
        self._raw = raw
        self._head = head
        self.position = 0

    def read(self, size: int = -1) -> bytes:
        """Give up to so many bytes."""
        if self._head:
            data = self._head if size < 0 else self._head[:size]
            self._head = self._head[len(data) :]
        else:
            data = self._raw.read(size) or b""
        self.position += len(data)
        return data


@contextmanager
def opened(file: ArchiveFile, *, start: int = 0) -> Generator[Opened, None, None]:
    """Open a file, behind its first `start` packed bytes.

    Raises
    ------
    CollectorError
        It can't be opened any more.
    """
    if file.path is None:
        assert file.stream is not None  # noqa: S101 - a file without a path is a stream
        yield Opened(file.stream, file.head)
        return
    try:
        raw = file.path.open("rb", buffering=0)
    except OSError as error:
        raise _unreadable(file.name, error) from error
    with raw:
        raw.seek(start)
        packed = Opened(raw)
        packed.position = start
        yield packed


def look_into(name: str, own: OwnFormat) -> ArchiveFile:
    """Find out how a file is packed and what its lines are; `-` is standard input.

    Raises
    ------
    CollectorError
        It is missing, unreadable, empty, or holds nothing that could be imported; the message says what it is.
    """
    path = None if name == "-" else Path(name)
    name = name if path else STANDARD_INPUT
    if path is not None and path.is_dir():
        raise CollectorError(f"{name} is a folder", mend=f"name the files in it, as in {name.rstrip('/')}/*.zst")
    try:
        raw = open(0 if path is None else path, "rb", buffering=0, closefd=path is not None)  # noqa: SIM115 - a descriptor; closed below unless a stream
    except OSError as error:
        raise _unreadable(name, error) from error
    regular = path is not None and path.is_file()
    try:
        head = _read_head(raw)
    except OSError as error:
        raw.close()
        raise _unreadable(name, error) from error
    if regular:
        raw.close()
    compression = compression_of(head)
    text = _unpacked(head, compression)
    # Nothing comes out of a file that is cut short or damaged from the start: reading it says so.
    content, header = (Content.OWN, None) if text is None else _content_of(name, text, own)
    return ArchiveFile(
        path=path if regular else None,
        name=name,
        compression=compression,
        content=content,
        size=path.stat().st_size if path is not None and regular else None,
        window=window_of(head) if compression is Compression.ZSTD else 0,
        header=header,
        head=b"" if regular else head,
        stream=None if regular else raw,
    )


def fingerprint(path: Path, size: int) -> str:
    """Give a hash over both ends of a file's first `size` bytes: it stays when the file grows."""
    with path.open("rb") as file:
        head = file.read(min(FINGERPRINT, size))
        file.seek(max(size - FINGERPRINT, 0))
        tail = file.read(min(FINGERPRINT, size))
    return hashlib.sha256(head + tail).hexdigest()[:32]


def _unreadable(name: str, error: OSError) -> CollectorError:
    if isinstance(error, FileNotFoundError):
        return CollectorError(
            f"there is no file {name}", mend="check the name; a path is taken from the current folder"
        )
    return CollectorError(f"{name} can't be read ({error.strerror})", mend="check its permissions")


def _read_head(raw: Packed) -> bytes:
    head = b""
    while len(head) < SNIFFED:
        data = raw.read(SNIFFED - len(head))
        if not data:
            break
        head += data
    return head


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int = -1) -> bytes:
        data = self._data if size < 0 else self._data[:size]
        self._data = self._data[len(data) :]
        return data


def _unpacked(head: bytes, compression: Compression) -> bytes | None:
    """Unpack the beginning of a file as far as it goes; None where it breaks off before anything comes out."""
    unpacked = bytearray(SNIFFED)
    size = 0
    try:
        unpacker = Unpacker(_Bytes(head), compression)
        while step := unpacker.readinto(memoryview(unpacked)[size:]):
            size += step
    except DamagedError:  # the beginning of a file is a file cut short
        return bytes(unpacked[:size]) or None
    return bytes(unpacked[:size])


def _refuse_strange(name: str, text: bytes) -> None:
    """Say what a file is when no post can be in it."""
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CollectorError(f"{name} is in UTF-16", mend=f"convert it: iconv -f UTF-16 -t UTF-8 {name}")
    body = text.removeprefix(BOM).lstrip()
    if not body:
        raise CollectorError(f"{name} is empty", mend="name a file with posts in it")
    for signature, what in SIGNATURES.items():
        if body.startswith(signature):
            raise CollectorError(f"{name} is {what}", mend=MEND)
    if body.startswith(b"["):
        raise CollectorError(f"{name} is one JSON array", mend=f"put an object on each line: jq -c '.[]' {name}")
    if b"\0" in text and not body.startswith(b"{"):
        raise CollectorError(f"{name} is not a text file", mend=MEND)


def _content_of(name: str, text: bytes, own: OwnFormat) -> tuple[Content, Header | None]:
    _refuse_strange(name, text)
    body = text.removeprefix(BOM).lstrip()
    lines = [line for line in body.split(b"\n", FIRST_LINES)[:FIRST_LINES] if line.strip()]
    objects = _objects(lines)
    if objects:
        if not own.columns and any(is_reddit(record) for record in objects):
            return Content.REDDIT, None
        own.check(dict.fromkeys(key for record in objects for key in record), where=name)
        return Content.OWN, None
    if body.startswith(b"{"):
        if lines[0].strip() == b"{":
            raise CollectorError(f"{name} spreads objects over several lines", mend=f"put each on one: jq -c . {name}")
        return Content.OWN, None
    header = read_header(text, [*FIELDS, *own.columns.values()])
    if header is None:
        raise CollectorError(
            f"{name} holds neither JSON lines nor a table", mend="give JSON lines, or CSV with a header"
        )
    own.check(header.columns, where=name)
    return Content.TABLE, header


def _objects(lines: list[bytes]) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = []
    for line in lines:
        with suppress(orjson.JSONDecodeError):
            record = orjson.loads(line)
            if isinstance(record, dict):
                objects.append(record)
    return objects
