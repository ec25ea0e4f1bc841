"""The plain-text part, complete by itself: headings, sentences, and a table whose columns stay in line in Japanese too."""

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence

from digest.sentences import Sentences
from insights.catalogue import Catalogue

WIDTH = 76
RULE = "-"
GAP = "  "


def display_width(text: str) -> int:
    """Count the columns that a text takes in a fixed-width font: full-width letters take two (Unicode annex 11)."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Set rows into columns, the first row underlined; `right` are the columns that are aligned to the right."""
    widths = [max(display_width(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        GAP.join(
            _padded(cell, width, right=number in right)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return [lines[0], GAP.join(RULE * width for width in widths), *lines[1:]]


def _padded(cell: str, width: int, *, right: bool) -> str:
    space = " " * (width - display_width(cell))
    return space + cell if right else cell + space


def plain_text(say: Sentences, words: Catalogue, *, dashboard_url: str | None) -> str:
    """Write the plain-text part."""
    return "\n".join(_lines(say, words, dashboard_url)).rstrip() + "\n"


def _lines(say: Sentences, words: Catalogue, dashboard_url: str | None) -> Iterator[str]:
    yield words("digest.title")
    yield say.week
    yield RULE * max(display_width(words("digest.title")), display_width(say.week))
    yield ""
    if say.findings.sample:
        yield from _paragraph(f"** {words('sample.notice')} **", words)
    yield from _paragraph(say.headline, words)
    if say.changed:
        yield from _paragraph(say.changed, words)
    for warning in say.warnings:
        yield from _paragraph(f"! {warning}", words)
    if say.shows_table:
        yield say.caption
        yield ""
        yield from _shares(say, words)
        yield ""
        yield from _paragraph(say.note, words)
    yield from _heading(words("digest.basis.title"))
    for line in say.basis:
        yield from _paragraph(line, words)
    if say.events:
        yield from _heading(words("digest.events.title"))
        yield from (f"* {event}" for event in say.events)
        yield ""
    yield from _heading(words("digest.method.title"))
    yield from _paragraph(say.method, words)
    yield RULE * 2
    if dashboard_url:
        yield f"{words('digest.footer.dashboard')}: {dashboard_url}"
    yield say.made


def _shares(say: Sentences, words: Catalogue) -> list[str]:
    head = [
        words(f"digest.table.{column}")
        for column in ("category", "share", "interval", "change_short", "change_points", "report")
    ]
    cells = [[row.name, row.share, row.interval, row.change, row.change_points, row.report] for row in say.rows]
    return table([head, *cells], right=(1, 2, 5))


def _heading(text: str) -> list[str]:
    return [text, RULE * display_width(text)]


def _paragraph(text: str, words: Catalogue) -> list[str]:
    # Japanese has no spaces to break at: mail programs wrap it themselves, so a sentence stays a line.
    if words.language == "ja":
        return (
            [*(f"{sentence}。" for sentence in text.split("。") if sentence), ""] if text.endswith("。") else [text, ""]
        )
    return [*textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False), ""]
