"""What is known of an import under way: how far a file was read, what was in it, and the page in the making."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from collectors.archive_file import ArchiveFile
from collectors.base import Cursor, RawPost
from collectors.own_files import Guesses

PAGE_POSTS: Final = 500
PAGE_BYTES: Final = 32 << 20
"""A page ends after so many posts or bytes read, whichever comes first."""

LONGEST_STREAM: Final = 255


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that can't be read, by its number in the file."""

    file: str
    line: int
    reason: str


@dataclass(slots=True)
class Tally:
    """What has been read of a file in this import.

    `lines` are those that are not empty; `matched` those that were parsed because their bytes name a term. Every line is
    either kept, filtered out or broken. `tombstones` are kept posts that their author or the platform has deleted.
    """

    lines: int = 0
    matched: int = 0
    kept: int = 0
    tombstones: int = 0
    broken: int = 0
    broken_lines: list[BrokenLine] = field(default_factory=list[BrokenLine])
    guesses: Guesses = field(default_factory=Guesses)

    @property
    def filtered_out(self) -> int:
        """Lines that do not name a term, or only in a name, a link or another field that is not the post's own words."""
        return self.lines - self.kept - self.broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a file was read: the text of its cursor."""

    offset: int = 0
    lines: int = 0
    size: int = 0
    fingerprint: str = ""
    options: str = ""
    done: bool = False
    rejects: int = 0
    reject_file: str | None = None

    @classmethod
    def read(cls, cursor: Cursor) -> "Progress":
        """Read a cursor; one that can't be understood is a start from the beginning."""
        try:
            return cls(**json.loads(cursor.value))
        except (ValueError, TypeError):
            return cls()

    def write(self) -> str:
        """Give the text of a cursor."""
        return json.dumps(asdict(self))


class Batch:
    """A page in the making, and the progress behind what is in it."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.begin()

    def begin(self) -> None:
        """Begin the next page."""
        self.posts: list[RawPost] = []
        self.read = 0
        self.broken = 0
        self._start = self.progress.offset

    @property
    def is_full(self) -> bool:
        """It is time to store the page."""
        return len(self.posts) >= PAGE_POSTS or self.progress.offset - self._start >= PAGE_BYTES

    def go_to(self, offset: int, lines: int) -> None:
        """Note how far the file has been read."""
        self.progress = replace(self.progress, offset=offset, lines=lines)


def stream_name(file: ArchiveFile) -> str:
    """Name the cursor of a file: its full path, shortened from the left where it is very long."""
    if file.path is None:
        return "-"
    full = str(file.path.resolve())
    if len(full) <= LONGEST_STREAM:
        return full
    return hashlib.sha256(full.encode("utf-8", "surrogateescape")).hexdigest()[:16] + full[-(LONGEST_STREAM - 16) :]
