"""What `grokwatch aspects` and `grokwatch rivals` have in common: rows as JSON and as a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from insights.topics import Part, TopicShare


def as_json(row: "TopicShare", *, name: str, positive: str, negative: str, preferred: str) -> dict[str, object]:
    """Give the row with its parts side by side, under the names that a command has for them."""
    told: dict[str, object] = {
        "period_start": row.period_start.isoformat(),
        "period_end": row.period_end.isoformat(),
        name: row.name,
    }
    for key, part in (
        ("share", row.named),
        (positive, row.positive),
        (negative, row.negative),
        (preferred, row.preferred),
    ):
        prefix = "" if key == "share" else f"{key}_"
        told |= {key: part.share, f"{prefix}low": part.low, f"{prefix}high": part.high}
    return told | {
        "posts": row.posts,
        "effective_posts": row.effective_posts,
        "denominator": "relevant",
        "status": row.status.value,
    }


def print_table(rows: Sequence["TopicShare"], *, title: str, stances: tuple[str, str] | None) -> None:
    """Print periods one below the other, what was named most first."""
    table = Table(title=title, title_justify="left", box=HORIZONTALS)
    table.add_column("Period (UTC)", no_wrap=True)
    table.add_column("Named", no_wrap=True)
    for column in ("Posts", "Share", *(stances or ())):
        table.add_column(column, justify="right", no_wrap=True)
    shown = None
    for row in sorted(rows, key=lambda row: (row.period_start, -(row.named.share or 0), -row.posts, row.name)):
        if not row.posts:
            continue
        period = f"{row.period_start:%Y-%m-%d}"
        table.add_row(
            "" if period == shown else period,
            row.name,
            f"{row.posts:,}",
            *(_percent(part) for part in ((row.named, row.positive, row.negative) if stances else (row.named,))),
        )
        shown = period
    console = Console(highlight=False)
    console.print(table)
    console.print(
        "Share: part of all posts about Grok, with its 95 % interval; a post may name several.\n"
        + (f"{stances[0]}, {stances[1]}: parts of the posts that name it.\n" if stances else "")
        + "Nothing is said below 30 effective posts.",
        style="dim",
        soft_wrap=True,
    )


def _percent(part: "Part") -> str:
    if part.share is None or part.low is None or part.high is None:
        return "too few"
    return f"{part.share:.0%} ({part.low * 100:.0f}–{part.high:.0%})"  # noqa: RUF001 - the dash of spans
