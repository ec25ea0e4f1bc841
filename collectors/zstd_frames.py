"""Follows the frames of a `.zst` file, because the library takes a file that was cut short for a whole one.

The format is RFC 8878: a frame is a header and blocks, each with its size in three bytes.
"""

from collections.abc import Callable
from typing import Final

MAGIC: Final = 0xFD2FB528
SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)

_MAGIC_BYTES: Final = 4
_BLOCK_HEADER: Final = 3
_CHECKSUM: Final = 4
_REPEATED_BYTE: Final = 1
_DICTIONARY_BYTES: Final = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES: Final = (0, 2, 4, 8)


class FrameWatch:
    """Is told the bytes of a file in order, and knows whether they end where a frame ends."""

    def __init__(self) -> None:
        self._held = b""
        self._skip = 0
        self._checksum = 0
        self._need = _MAGIC_BYTES
        self._read: Callable[[int], None] = self._magic

    @property
    def whole(self) -> bool:
        """No frame is open."""
        return self._read == self._magic and not self._held and not self._skip

    def feed(self, data: bytes) -> None:
        """Follow the next bytes."""
        at = 0
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
            else:
                step = min(self._need - len(self._held), len(data) - at)
                self._held += data[at : at + step]
                if len(self._held) == self._need:
                    value, self._held = int.from_bytes(self._held, "little"), b""
                    self._read(value)
            at += step

    def _expect(self, need: int, read: Callable[[int], None]) -> None:
        self._need, self._read = need, read

    def _magic(self, value: int) -> None:
        if value in SKIPPABLE:
            self._expect(4, self._skippable)
        elif value == MAGIC:
            self._expect(1, self._descriptor)
        else:  # not a frame: the library says so
            self._expect(_MAGIC_BYTES, self._magic)

    def _skippable(self, size: int) -> None:
        self._skip = size
        self._expect(_MAGIC_BYTES, self._magic)

    def _descriptor(self, flags: int) -> None:
        single_segment = flags >> 5 & 1
        content_size = _CONTENT_SIZE_BYTES[flags >> 6] or single_segment
        self._checksum = _CHECKSUM if flags >> 2 & 1 else 0
        self._skip = 1 - single_segment + _DICTIONARY_BYTES[flags & 3] + content_size
        self._expect(_BLOCK_HEADER, self._block)

    def _block(self, header: int) -> None:
        last, kind, size = header & 1, header >> 1 & 3, header >> 3
        self._skip = 1 if kind == _REPEATED_BYTE else size
        if last:
            self._skip += self._checksum
            self._expect(_MAGIC_BYTES, self._magic)
