"""The agreement of model and people, as JSON and as tables for the terminal."""

from collections.abc import Sequence
from typing import Any

from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table

from classifiers.codebook import OUTCOMES
from insights.agreement import Part, Report

WIDTH = 80
"""Of a table that goes into a file or a pipe."""


def as_rows(found: Report) -> dict[str, Any]:
    """Give the report ready for JSON."""
    return {
        "draws": [
            {"name": one.name, "drawn_at": one.drawn_at.isoformat(), "posts": one.posts, "labelled": one.labelled}
            for one in found.draws
        ],
        "posts": found.overall.posts if found.overall else 0,
        **(_part(found.overall) if found.overall else dict.fromkeys(("accuracy", "low", "high", "ece"))),
        "languages": {tag: {"posts": part.posts, **_part(part)} for tag, part in found.languages.items()},
        "per_class": {
            name: {"posts": one.posts, "precision": _round(one.precision), "recall": _round(one.recall)}
            for name, one in found.classes.items()
        },
        "confusion": {
            truth: dict(zip(OUTCOMES, map(int, row), strict=True))
            for truth, row in zip(OUTCOMES, found.confusion, strict=True)
        },
        "confusion_weighted": {
            truth: dict(zip(OUTCOMES, (round(float(value), 5) for value in row), strict=True))
            for truth, row in zip(OUTCOMES, found.weighted, strict=True)
        },
        "auditors": dict(found.auditors),
        "kappa": [
            {
                "auditors": list(one.auditors),
                "posts": one.posts,
                "agreement": _round(one.agreement),
                "kappa": _round(one.kappa),
            }
            for one in found.kappas
        ],
    }


def _part(part: Part) -> dict[str, float | None]:
    return {name: _round(getattr(part, name)) for name in ("accuracy", "low", "high", "ece")}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def print_report(found: Report) -> None:
    """Print the report for people."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)

    def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        grid = Table(title=title, title_justify="left", box=HORIZONTALS)
        for number, column in enumerate(columns):
            grid.add_column(column, justify="left" if number == 0 else "right", no_wrap=number > 0)
        for row in rows:
            grid.add_row(*(cell.replace("[", "\\[") for cell in row))
        console.print(grid)

    table(
        "Draws",
        ("Name", "Drawn (UTC)", "Posts", "Labelled"),
        [(one.name, f"{one.drawn_at:%Y-%m-%d}", f"{one.posts:,}", f"{one.labelled:,}") for one in found.draws],
    )
    if found.overall is None:
        console.print("No audited post matches yet. Label posts in the dashboard, or: grokwatch audit export posts.csv")
        return
    parts = [("all", found.overall), *found.languages.items()]
    table(
        "Agreement of the model with people, for all posts that could be drawn",
        ("Language", "Audited", "Same outcome", "95 % interval", "ECE"),
        [
            (tag, f"{part.posts:,}", f"{part.accuracy:.0%}", f"{part.low:.0%} to {part.high:.0%}", _figure(part.ece))
            for tag, part in parts
        ],
    )
    table(
        "By outcome",
        ("", "Audited", "Precision", "Recall"),
        [(name, f"{one.posts:,}", _figure(one.precision), _figure(one.recall)) for name, one in found.classes.items()],
    )
    table(
        "Labels by people (rows) and by the model (columns, names cut short)",
        ("", *(name[:5] for name in OUTCOMES)),
        [(name, *(f"{int(value):,}" for value in row)) for name, row in zip(OUTCOMES, found.confusion, strict=True)],
    )
    if found.kappas:
        table(
            "Agreement between people",
            ("Auditors", "Posts", "Same outcome", "Kappa"),
            [
                (" and ".join(one.auditors), f"{one.posts:,}", f"{one.agreement:.0%}", _figure(one.kappa))
                for one in found.kappas
            ],
        )


def _figure(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"
