"""Bytes out of a file, whatever it is packed with: a bounded piece at a time, and a file that ends early is noticed."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, Protocol

import zstandard

from collectors.zstd_frames import MAGIC, SKIPPABLE, FrameWatch

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


class Unpacker:
    """Unpacks a file into buffers that the caller brings."""

    def __init__(self, file: Readable, compression: Compression) -> None:
        self._frames: FrameWatch | None = None
        if compression is Compression.ZSTD:
            self._frames = FrameWatch()
            reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).stream_reader(
                _Watched(file, self._frames),  # type: ignore[arg-type]  # only `read` is used
                read_size=PACKED_CHUNK,
                read_across_frames=True,
            )
            self._into: Callable[[memoryview], int] = reader.readinto
        elif compression is Compression.NONE:
            self._into = _reading(file)
        else:
            # One step at a time (`readinto1`): what a step has unpacked is not lost when the next one fails.
            self._into = _STANDARD[compression](file).readinto1

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer as far as one step of unpacking goes; 0 at the end.

        Raises
        ------
        DamagedError
            The file ends early or can't be unpacked further.
        """
        try:
            size = self._into(buffer)
        except EOFError as error:
            raise DamagedError("it ends early") from error
        except (MemoryError, zstandard.ZstdError, lzma.LZMAError, zlib.error, OSError) as error:
            if isinstance(error, MemoryError) or "memory" in str(error).lower():
                raise DamagedError("its window needs more memory than there is") from error
            raise DamagedError(f"it is damaged ({error})") from error
        if not size and self._frames is not None and not self._frames.whole:
            raise DamagedError("it ends early")
        return size


def _reading(file: Readable) -> Callable[[memoryview], int]:
    def into(buffer: memoryview) -> int:
        data = file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    return into


_STANDARD: Final[dict[Compression, Callable[[Any], io.BufferedIOBase]]] = {
    Compression.GZIP: lambda file: gzip.GzipFile(fileobj=file),
    Compression.BZIP2: bz2.BZ2File,
    Compression.XZ: lzma.LZMAFile,
}


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
