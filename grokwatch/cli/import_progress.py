"""Progress of an import on stderr: a bar on a terminal, else a plain line now and then."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

EVERY_SECONDS: Final = 10.0


class Meter(Protocol):
    """Is told how far a file has been read."""

    def __call__(self, position: int, lines: int, kept: int) -> None:
        """Take packed bytes, lines and posts kept so far."""
        ...


@contextmanager
def meter(name: str, size: int | None, *, start: int = 0, plain: bool = True) -> Generator[Meter]:
    """Show how far a file of `size` packed bytes has been read; `plain` allows lines where there is no terminal."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    began = time.monotonic()
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(name.rsplit("/", 1)[-1].replace("[", "\\["), total=size, completed=start, rate="")

            def draw(position: int, lines: int, kept: int) -> None:
                rate = lines / max(time.monotonic() - began, 1e-9)
                progress.update(task, completed=position, rate=f"{rate:,.0f} lines/s, {kept:,} kept")

            yield draw
        return
    told = began

    def tell(position: int, lines: int, kept: int) -> None:
        nonlocal told
        present = time.monotonic()
        if not plain or present - told < EVERY_SECONDS:
            return
        told = present
        seconds = present - began
        share, left = "", ""
        if size:
            share = f"{position / size:.0%} "
            remaining = seconds * (size - position) / max(position - start, 1)
            left = f", about {remaining:,.0f} s left"
        console.print(
            f"{name}: {share}{lines:,} lines ({lines / seconds:,.0f} a second), {kept:,} kept{left}", markup=False
        )

    yield tell
