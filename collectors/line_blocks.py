"""Cuts a stream of bytes into blocks of whole lines, and reads ahead of whoever searches them.

Blocks lie in a few buffers that are used again and again: fresh memory for each of them would cost as much time as unpacking.
"""

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar, cast

from collectors.compressed import DamagedError

CHUNK: Final = 1 << 20
"""Bytes of a block: enough to search fast, and still within a processor's cache."""

STEP: Final = 1 << 18
"""Bytes unpacked at a time: so many are lost at most where a file is damaged."""

MAX_LINE: Final = 16 << 20
"""Bytes of a line; no platform's post comes near. A longer line is passed over, so that memory stays bounded."""

SHOWN: Final = 1000
AHEAD: Final = 2
BUFFERS: Final = AHEAD + 3
"""One is filled, one searched, some wait, and one may be handed over."""

Item = TypeVar("Item")


class Source(Protocol):
    """Fills buffers with the bytes of a stream."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill a buffer as far as is convenient; 0 at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """Lines as they stand in the stream; `data` is good only until the next block but `AHEAD` is asked for.

    `start` is the offset of the first byte and `end` the offset behind the last. Every line ends with a newline, but for the
    last of the stream. Where `overlong` is true the block is one line that is too long, and `data` only its beginning.
    """

    data: memoryview
    start: int
    end: int
    overlong: bool = False


def line_blocks(source: Source, *, start: int = 0, skip: int = 0) -> Iterator[Block]:
    """Yield blocks of whole lines from the offset `skip` on, which is the start of a line.

    `start` is the offset of the source's first byte.

    Raises
    ------
    DamagedError
        The source can't be read on; the whole lines before that have been yielded.
    """
    buffers = [memoryview(bytearray(CHUNK)) for _ in range(BUFFERS)]
    offset = start + _pass_over(source, buffers[0], skip - start)
    turn, held = 0, b""
    while True:
        buffer = _with_room(buffers, turn, len(held))
        buffer[: len(held)] = held
        filled, failure = _fill(source, buffer, len(held))
        end = cast("bytearray", buffer.obj).rfind(b"\n", 0, filled) + 1
        held = bytes(buffer[end:filled])
        if end:
            yield Block(buffer[:end], offset, offset + end)
            offset += end
            turn = (turn + 1) % BUFFERS
        if failure is not None:
            raise failure
        if filled < len(buffer):
            break
        if len(held) > MAX_LINE:
            shown, size = held[:SHOWN], len(held)
            rest, held = _pass_line(source, buffers[turn])
            yield Block(memoryview(shown), offset, offset + size + rest, overlong=True)
            offset += size + rest
    if held:
        yield Block(memoryview(held), offset, offset + len(held))


def _with_room(buffers: list[memoryview], turn: int, held: int) -> memoryview:
    """Give the buffer whose turn it is; a longer one while a line is longer."""
    size = CHUNK if held <= CHUNK // 2 else min(2 * held, MAX_LINE + STEP)
    if len(buffers[turn]) != size:
        buffers[turn] = memoryview(bytearray(size))
    return buffers[turn]


def _fill(source: Source, buffer: memoryview, filled: int) -> tuple[int, DamagedError | None]:
    while filled < len(buffer):
        try:
            size = source.readinto(buffer[filled : filled + STEP])
        except DamagedError as error:
            return filled, error
        if not size:
            break
        filled += size
    return filled, None


def _pass_over(source: Source, buffer: memoryview, size: int) -> int:
    """Read so many bytes and forget them; gives how many there were."""
    passed = 0
    while passed < size:
        step = source.readinto(buffer[: min(len(buffer), size - passed)])
        if not step:
            break
        passed += step
    return passed


def _pass_line(source: Source, buffer: memoryview) -> tuple[int, bytes]:
    """Read to the end of a line; gives the bytes passed over, and those that were read behind it."""
    passed = 0
    while size := source.readinto(buffer[:STEP]):
        end = cast("bytearray", buffer.obj).find(b"\n", 0, size) + 1
        if end:
            return passed + end, bytes(buffer[end:size])
        passed += size
    return passed, b""


class ReadAhead(Generic[Item]):
    """Lets a thread work on the next items while the caller is busy with one; an error arrives in its place in the order.

    Unpacking leaves the interpreter free, so that it costs little time beside the search. Leaving the `with` ends the thread.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = items
        self._waiting: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(AHEAD)
        self._stopped = threading.Event()
        self._worker = threading.Thread(target=self._work, name="read-ahead", daemon=True)

    def __enter__(self) -> Iterator[Item]:
        self._worker.start()
        return self._ready()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._worker.join(timeout=2.0)  # one that waits for a silent pipe is left behind

    def _work(self) -> None:
        end: BaseException = StopIteration()
        try:
            for item in self._items:
                self._hand_over(item, None)
                if self._stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again where the items are used
            end = error
        self._hand_over(None, end)

    def _hand_over(self, item: Item | None, error: BaseException | None) -> None:
        while not self._stopped.is_set():
            try:
                self._waiting.put((item, error), timeout=0.1)
            except queue.Full:
                continue
            return

    def _ready(self) -> Iterator[Item]:
        while True:
            item, error = self._waiting.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield cast("Item", item)
