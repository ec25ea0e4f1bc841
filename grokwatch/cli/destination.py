"""Where a command's result goes: standard output, or a file that is complete or not there at all."""

import io
import os
import signal
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

import typer

from grokwatch.cli.session import UsageError


def refuse_existing(output: Path | None, *, force: bool) -> None:
    """Refuse to overwrite a file, or to write where no file can be.

    Raises
    ------
    UsageError
        The file exists, or its folder does not.
    """
    if output is None:
        return
    if output.is_dir() or not output.absolute().parent.is_dir():
        reason = "is a folder" if output.is_dir() else "lies in a folder that does not exist"
        raise UsageError(f"{output} {reason}", mend="name a file in a folder that exists")
    if output.exists() and not force:
        raise UsageError(f"{output} exists already", mend="choose another file, or add --force to replace it")


def refuse_terminal(output: Path | None, *, binary: bool) -> None:
    """Refuse to pour bytes that are no text over a terminal.

    Raises
    ------
    UsageError
        There is no file, and standard output is a terminal.
    """
    if binary and output is None and sys.stdout.isatty():
        raise UsageError("Parquet is no text for a terminal", mend="add --output FILE")


@contextmanager
def tidy_on_sigterm() -> Generator[None]:
    """Let SIGTERM end the work as Ctrl-C does: half a file is removed, the run is marked."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def text_stream(output: Path | None) -> Generator[IO[str]]:
    """Open the file, or standard output for None, for UTF-8 text whose line ends are left as they are written."""
    with byte_stream(output) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="", write_through=False)
        try:
            yield text
            text.flush()
        finally:
            text.detach()  # the bytes' owner closes them


@contextmanager
def byte_stream(output: Path | None) -> Generator[IO[bytes]]:
    """Open the file, or standard output for None. The file appears under its name when everything is written."""
    if output is None:
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError as error:  # the reader has seen enough, as with `| head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from error
        return
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{output.name}.", suffix=".part", dir=output.absolute().parent)
    except OSError as error:
        raise UsageError(f"{output} can't be written ({error.strerror})", mend="choose another folder") from error
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)  # mkstemp made it private
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
