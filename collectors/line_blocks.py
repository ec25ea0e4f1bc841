"""Cuts a stream of bytes into blocks of whole lines, and reads ahead of whoever searches them."""

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar, cast

MAX_LINE: Final = 16 << 20
"""Bytes of a line; no platform's post comes near. A longer line is passed over, so that memory stays bounded."""

SHOWN: Final = 1000
AHEAD: Final = 2

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Block:
    """Lines as they stand in the stream.

    `start` is the offset of the first byte and `end` the offset behind the last. Every line ends with a newline, but for the
    last of the stream. Where `overlong` is true the block is one line that is too long, and `data` only its beginning.
    """

    data: bytes
    start: int
    end: int
    overlong: bool = False


def line_blocks(chunks: Iterable[bytes], *, start: int = 0, skip: int = 0) -> Iterator[Block]:
    """Yield blocks of whole lines from the offset `skip` on, which is the start of a line.

    `start` is the offset of the first chunk's first byte.
    """
    held: list[bytes] = []
    size = 0  # of what is held; while a line is too long, of all of it that has passed by
    overlong = False
    for chunk in chunks:
        data = chunk
        if start < skip:
            dropped = min(skip - start, len(data))
            start += dropped
            data = data[dropped:]
        if overlong:
            newline = data.find(b"\n") + 1
            size += newline or len(data)
            if not newline:
                continue
            yield Block(held[0], start, start + size, overlong=True)
            start, size, overlong, held = start + size, 0, False, []
            data = data[newline:]
        newline = data.rfind(b"\n") + 1
        if newline:
            held.append(data[:newline] if newline < len(data) else data)
            whole = b"".join(held) if len(held) > 1 else held[0]
            yield Block(whole, start, start + len(whole))
            start, size, held = start + len(whole), 0, []
            data = data[newline:]
        if data:
            held.append(data)
            size += len(data)
        if size > MAX_LINE:
            held, overlong = [b"".join(held)[:SHOWN]], True
    if held:
        yield Block(held[0] if overlong else b"".join(held), start, start + size, overlong=overlong)


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
