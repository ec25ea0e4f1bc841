"""Bytes out of a file, whatever it is packed with: a bounded piece at a time, and a file that ends early is noticed."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, Protocol

import zstandard

from collectors.zstd_frames import MAGIC, SKIPPABLE, FrameWatch

CHUNK: Final = 1 << 20
"""Bytes given at a time after unpacking: enough to search fast, and still within a processor's cache."""

MAX_WINDOW: Final = 1 << 31
"""Monthly Reddit dumps are packed with `zstd --long=31`."""

PACKED_CHUNK: Final = 1 << 17


class Compression(StrEnum):
    """How a file is packed."""

    NONE = "none"
    ZSTD = "zstd"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"


class DamagedError(Exception):
    """A packed file ends before its end, or its bytes are not what was packed; what was given before is sound."""


class Readable(Protocol):
    """Something that bytes can be read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Give up to so many bytes, none at the end."""
        ...


def compression_of(head: bytes) -> Compression:
    """Tell how a file is packed from its first six bytes; its name plays no part."""
    magic = int.from_bytes(head[:4], "little")
    if magic == MAGIC or magic in SKIPPABLE:
        return Compression.ZSTD
    if head.startswith(b"\x1f\x8b"):
        return Compression.GZIP
    if head.startswith(b"BZh"):
        return Compression.BZIP2
    return Compression.XZ if head.startswith(b"\xfd7zXZ\0") else Compression.NONE


def window_of(head: bytes) -> int:
    """Give how many bytes of memory a `.zst` file asks for, from its beginning; 0 where it does not say."""
    try:
        return zstandard.get_frame_parameters(head).window_size
    except zstandard.ZstdError:
        return 0


def chunks(file: Readable, compression: Compression) -> Iterator[bytes]:
    """Yield what a file holds.

    Raises
    ------
    DamagedError
        The file ends early or can't be unpacked further.
    """
    if compression is Compression.ZSTD:
        yield from _zstd(file)
    elif compression is Compression.NONE:
        yield from iter(lambda: file.read(CHUNK), b"")
    else:
        yield from _standard(file, compression)


def _standard(file: Readable, compression: Compression) -> Iterator[bytes]:
    opened: dict[Compression, Callable[[], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]] = {
        # None of these closes `file`.
        Compression.GZIP: lambda: gzip.GzipFile(fileobj=file),  # type: ignore[arg-type]  # only `read` is used
        Compression.BZIP2: lambda: bz2.BZ2File(file),  # type: ignore[arg-type]
        Compression.XZ: lambda: lzma.LZMAFile(file),  # type: ignore[arg-type] # noqa: SIM115 - opened by `with` below
    }
    try:
        with opened[compression]() as unpacked:
            # `read1` gives what one step unpacks: `read` would drop it when the next step fails.
            yield from iter(lambda: unpacked.read1(CHUNK), b"")
    except EOFError as error:
        raise DamagedError("it ends early") from error
    except (OSError, lzma.LZMAError, zlib.error) as error:
        raise DamagedError(f"it is damaged ({error})") from error


def _zstd(file: Readable) -> Iterator[bytes]:
    frames = FrameWatch()
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).stream_reader(
        _Watched(file, frames),  # type: ignore[arg-type]  # only `read` is used
        read_size=PACKED_CHUNK,
        read_across_frames=True,
    )
    try:
        yield from iter(lambda: reader.read(CHUNK), b"")
    except (zstandard.ZstdError, MemoryError) as error:
        if isinstance(error, MemoryError) or "memory" in str(error).lower():
            raise DamagedError("its window needs more memory than there is") from error
        raise DamagedError(f"it is damaged ({error})") from error
    if not frames.whole:
        raise DamagedError("it ends early")


class _Watched:
    """Passes packed bytes on and shows them to the watch."""

    def __init__(self, file: Readable, frames: FrameWatch) -> None:
        self._file = file
        self._frames = frames

    def read(self, size: int = -1) -> bytes:
        """Pass bytes on."""
        data = self._file.read(size)
        self._frames.feed(data)
        return data
