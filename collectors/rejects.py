"""The file of lines that could not be read, kept away from the user's own folders."""

import json
import os
from pathlib import Path
from typing import Final

from collectors.base import CollectorError

LONGEST: Final = 1 << 20
"""Bytes kept of a line."""


class RejectFile:
    """A JSON-lines file of broken lines: `{"file", "line", "reason", "raw"}`; it appears with the first of them.

    Parameters
    ----------
    path
        Where it lies; None: nothing is written.
    append
        Keep what an earlier import has written.
    """

    def __init__(self, path: Path | None, *, append: bool = False) -> None:
        self.path = path
        self.size = path.stat().st_size if append and path is not None and path.is_file() else 0
        self._begun = append

    def go_on_from(self, size: int) -> None:
        """Cut off what an interrupted import wrote behind its last note of progress; a file that is shorter stays.

        It is shorter where lines of posts were taken out that have been removed since.
        """
        if self.path is None or not self.path.is_file():
            return
        held = min(size, self.path.stat().st_size)
        with self.path.open("r+b") as file:
            file.truncate(held)
        self.size, self._begun = held, True

    def add(self, file: str, line: int, reason: str, raw: bytes) -> None:
        """Write a line down.

        Raises
        ------
        CollectorError
            The file can't be written.
        """
        if self.path is None:
            return
        row = {"file": file, "line": line, "reason": reason, "raw": raw[:LONGEST].decode(errors="backslashreplace")}
        data = json.dumps(row, ensure_ascii=False).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_CREAT | os.O_WRONLY | (os.O_APPEND if self._begun else os.O_TRUNC)
            # A raw line may hold a name: nobody but the owner reads it.
            with os.fdopen(os.open(self.path, flags, 0o600), "wb") as out:
                out.write(data)
        except OSError as error:
            raise CollectorError(
                f"the reject file {self.path} can't be written ({error.strerror})", mend="name another one by --rejects"
            ) from error
        self._begun = True
        self.size += len(data)
