"""Archives as a source: Reddit dumps and files of one's own, searched for Grok and turned into pages of posts.

How far a file was read is noted with every page, in bytes and lines after unpacking, together with a fingerprint of the file:
an interrupted import goes on where it stopped, a file that has grown is read from its old end, and another file under the same
name from the start.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import orjson

from collectors.archive_file import ArchiveFile, Content, fingerprint, opened
from collectors.archive_progress import Batch, BrokenLine, Progress, Tally, stream_name
from collectors.base import CollectorError, Cursor, Page, RawPost
from collectors.compressed import Compression, DamagedError, Unpacker
from collectors.line_blocks import Block, ReadAhead, line_blocks
from collectors.own_files import OwnFormat
from collectors.reddit_dump import is_reddit, reddit_post
from collectors.rejects import RejectFile
from collectors.tables import BOM, rows
from collectors.terms import TermMatcher

VERSION: Final = 1
"""Of the way in which files are read; another one makes noted progress void."""

SHOWN_BROKEN: Final = 10
NEWLINE: Final = 10


class Archive:
    """A file as a collector.

    Parameters
    ----------
    file
        What `look_into` found out about it.
    terms
        What a post must name.
    own
        How a file of one's own is read.
    keep_all
        Keep every post, whatever it names.
    rejects
        Where broken lines are written.
    again
        Read from the start even what was read before.
    """

    source = "archive"

    def __init__(
        self,
        file: ArchiveFile,
        *,
        terms: TermMatcher,
        own: OwnFormat | None = None,
        keep_all: bool = False,
        rejects: RejectFile | None = None,
        again: bool = False,
    ) -> None:
        self.file = file
        self.stream = stream_name(file)
        self.tally = Tally()
        self.position = 0
        self.resumed_at: int | None = None
        self.already_imported = False
        self._terms = terms
        self._own = own or OwnFormat()
        self._keep_all = keep_all
        self._rejects = rejects or RejectFile(None)
        self._again = again

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield pages; a file that was read to its end yields none.

        Raises
        ------
        CollectorError
            The file ends early, is damaged or can't be read any more; what could be read has been yielded before.
        """
        progress = self._start(cursor)
        if progress.done and progress.size == self.file.size:
            self.already_imported = True
            return
        if progress.offset:
            self.resumed_at = progress.lines + 1
        progress = replace(progress, done=False, size=self.file.size or 0)
        if self.file.path is not None:
            progress = replace(progress, fingerprint=fingerprint(self.file.path, progress.size))
        yield from self._read(progress)

    def _start(self, cursor: Cursor | None) -> Progress:
        """Take up noted progress where file and options are those that it was noted for."""
        fresh = Progress(options=self._options(), reject_file=str(self._rejects.path) if self._rejects.path else None)
        path, size = self.file.path, self.file.size
        if cursor is None or self._again or path is None or size is None:
            return fresh
        noted = Progress.read(cursor)
        if noted.options != fresh.options or noted.size > size or fingerprint(path, noted.size) != noted.fingerprint:
            return fresh
        if noted.reject_file == fresh.reject_file:
            self._rejects.go_on_from(noted.rejects)
        return replace(noted, reject_file=fresh.reject_file)

    def _options(self) -> str:
        told = [VERSION, self._terms.spec, sorted(self._own.columns.items()), self._own.source, self._keep_all]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]

    def _read(self, progress: Progress) -> Iterator[Page]:
        plain = self.file.compression is Compression.NONE and self.file.path is not None
        header = self.file.header
        if header is not None and not progress.offset:
            progress = replace(progress, offset=header.end, lines=header.lines)
        damage: CollectorError | None = None
        with opened(self.file, start=progress.offset if plain else 0) as packed:
            unpacker = Unpacker(packed, self.file.compression)
            blocks = line_blocks(unpacker, start=progress.offset if plain else 0, skip=progress.offset)
            with ReadAhead(blocks) as ahead:
                batch = Batch(progress)
                steps = self._rows(ahead, batch) if header else self._lines(ahead, batch)
                try:
                    for _ in steps:
                        self.position = packed.position
                        if batch.is_full:
                            yield self._page(batch)
                except (DamagedError, OSError) as error:
                    damage = self._damage(batch.progress.lines, error)
                batch.progress = replace(batch.progress, done=damage is None)
                yield self._page(batch)
        if damage is not None:
            raise damage

    def _damage(self, lines: int, error: Exception) -> CollectorError:
        reason = str(error) if isinstance(error, DamagedError) else f"it can't be read on ({error})"
        return CollectorError(
            f"{self.file.name} is not whole: {reason}; the {lines:,} lines before that were read",
            mend="fetch the file again and import it: the import goes on from there",
        )

    def _page(self, batch: Batch) -> Page:
        """Close a page: its posts, its counts and the progress that follows it."""
        cursor = None
        if self.file.path is not None:
            batch.progress = replace(batch.progress, rejects=self._rejects.size)
            cursor = Cursor(stream=self.stream, value=batch.progress.write())
        page = Page(posts=tuple(batch.posts), cursor=cursor, read=batch.read, broken=batch.broken)
        batch.begin()
        return page

    def _lines(self, blocks: Iterable[Block], batch: Batch) -> Iterator[None]:
        """Search blocks of JSON lines; look closer only at lines that name a term or do not look like an object."""
        for block in blocks:
            first = batch.progress.lines + 1
            if block.overlong:
                self._count(batch, 1)
                self._reject(batch, first, "the line is longer than 16 MiB", bytes(block.data))
                batch.go_to(block.end, first)
                yield
                continue
            found = self._terms.scan(block.data)
            raw = np.frombuffer(block.data, np.uint8)
            whole = raw[-1] == NEWLINE
            ends = found.newlines if whole else np.append(found.newlines, raw.size)
            starts = np.concatenate(([0], ends[:-1] + 1))
            odd = np.flatnonzero((raw[starts] != ord("{")) | (raw[ends - 1] != ord("}")))
            wanted = set(range(ends.size) if self._keep_all else np.searchsorted(ends, found.hits).tolist())
            self._count(batch, ends.size)
            sound = True
            for index in sorted(wanted.union(odd.tolist())):
                line = bytes(block.data[starts[index] : ends[index]]).strip()
                if first + index == 1:
                    line = line.removeprefix(BOM)
                if not line:
                    self._count(batch, -1)
                    sound = True
                elif index in wanted:
                    sound = self._take_line(batch, first + index, line)
                elif not (line.startswith(b"{") and line.endswith(b"}")):
                    reason = "the object does not end" if line.startswith(b"{") else "not a JSON object"
                    self._reject(batch, first + index, reason, line)
                    sound = False
                else:
                    sound = True
            # A last line without its end may be half written: it is read again when the file has grown.
            unfinished = not whole and not sound and odd.size > 0 and odd[-1] == ends.size - 1
            end = block.start + int(starts[-1]) if unfinished else block.end
            batch.go_to(end, batch.progress.lines + found.newlines.size)
            yield

    def _take_line(self, batch: Batch, number: int, line: bytes) -> bool:
        """Parse a line and keep its post where it is about a term; False where it is broken."""
        self.tally.matched += 1
        try:
            record = _load(line)
            if not self._own.columns and is_reddit(record):
                post = reddit_post(record)
            elif self.file.content is Content.REDDIT:
                raise ValueError("neither a submission nor a comment")  # noqa: TRY301 - the reason of a broken line
            else:
                post = self._own.post(record, self.tally.guesses)
        except ValueError as error:
            self._reject(batch, number, str(error), line)
            return False
        self._keep(batch, post)
        return True

    def _rows(self, blocks: Iterator[Block], batch: Batch) -> Iterator[None]:
        """Read the rows of a table."""
        header = self.file.header
        assert header is not None  # noqa: S101 - a table has one
        for row in rows(blocks, header, start=batch.progress.offset, lines=batch.progress.lines):
            self._count(batch, 1)
            if row.broken:
                self._reject(batch, row.line, row.broken, row.raw.encode())
            elif self._keep_all or self._terms.names(row.raw) or self._own.says_deleted(row.values):
                self.tally.matched += 1
                try:
                    self._keep(batch, self._own.post(row.values, self.tally.guesses))
                except ValueError as error:
                    self._reject(batch, row.line, str(error), row.raw.encode())
            batch.go_to(row.end, row.lines)
            yield

    def _keep(self, batch: Batch, post: RawPost) -> None:
        """Keep a post that names a term in its own words, or was posted where everything is about it.

        The words of a deleted post are gone: it is kept as a tombstone when anything in its line names a term.
        """
        named = self._terms.names(post.title or "") or self._terms.names(post.text)
        if self._keep_all or post.deleted or named or self._terms.watches(post.channel):
            batch.posts.append(post)
            self.tally.kept += 1
            self.tally.tombstones += post.deleted

    def _count(self, batch: Batch, lines: int) -> None:
        batch.read += lines
        self.tally.lines += lines

    def _reject(self, batch: Batch, number: int, reason: str, raw: bytes) -> None:
        batch.broken += 1
        self.tally.broken += 1
        if len(self.tally.broken_lines) < SHOWN_BROKEN:
            self.tally.broken_lines.append(BrokenLine(self.file.name, number, reason))
        self._rejects.add(self.file.name, number, reason, raw)


def _load(line: bytes) -> dict[str, Any]:
    """Parse an object; half an emoji, which `orjson` refuses, is JSON all the same."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = _load_leniently(line)
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - the reason of a broken line
    return record


def _load_leniently(line: bytes) -> object:
    try:
        return json.loads(line.decode())
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("not JSON: nested too deeply") from None
