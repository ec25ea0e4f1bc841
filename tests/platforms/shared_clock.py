"""A simulated clock that processes share: eight bytes of a file."""

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock


class SharedClock:
    """Moves when any of its processes sleeps or moves it.

    Parameters
    ----------
    path
        The file; made where it is missing.
    now
        The time to begin with; None: what the file says.
    """

    def __init__(self, path: Path, now: datetime | None = None) -> None:
        if now is not None:
            path.write_bytes(struct.pack("d", now.timestamp()))
        with path.open("r+b") as file:
            self._held = mmap.mmap(file.fileno(), 8)
        self._lock = Lock()

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(struct.unpack_from("d", self._held)[0], UTC)

    def sleep(self, seconds: float) -> None:
        """Let the seconds pass at once."""
        self.move(timedelta(seconds=seconds))

    def move(self, span: timedelta) -> None:
        """Let time pass."""
        with self._lock:
            struct.pack_into("d", self._held, 0, (self() + span).timestamp())

    def close(self) -> None:
        """Let go of the file."""
        self._held.close()
