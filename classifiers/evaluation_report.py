"""An evaluation on paper: the JSON that other programs rely on, and one self-contained HTML page."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from classifiers.codebook import OUTCOMES
from classifiers.evaluation import ClassScore, Evaluation, PartScore

EXTRACT: Final = 160


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Give the figures in the shape that other programs rely on, without any post's text."""
    return {
        "n": evaluation.n,
        "accuracy": _round(evaluation.accuracy),
        "accuracy_ci": [_round(end) for end in evaluation.accuracy_ci],
        "macro_f1": _round(evaluation.macro_f1),
        "macro_f1_ci": [_round(end) for end in evaluation.macro_f1_ci],
        "relevance_f1": _round(evaluation.relevance_f1),
        "polarity_macro_f1": _round(evaluation.polarity_macro_f1),
        "aspects_micro_f1": _round(evaluation.aspects_micro_f1),
        "ece": _round(evaluation.ece),
        "share_error": _round(evaluation.share_error),
        "true_shares": _rounded(evaluation.true_shares),
        "estimated_shares": _rounded(evaluation.estimated_shares),
        "per_class": _classes(evaluation.per_class),
        "per_language": _part_rows(evaluation.per_language),
        "per_language_group": _part_rows(evaluation.per_language_group),
        "per_source": _part_rows(evaluation.per_source),
        "per_polarity": _classes(evaluation.per_polarity),
        "per_aspect": _classes(evaluation.per_aspect),
        "confusion": {
            truth: {name: int(count) for name, count in zip(OUTCOMES, row, strict=True)}
            for truth, row in zip(OUTCOMES, evaluation.confusion, strict=True)
        },
        "calibration": [
            {
                "low": row.low,
                "high": row.high,
                "n": row.n,
                "confidence": _round(row.confidence),
                "accuracy": _round(row.accuracy),
            }
            for row in evaluation.calibration
        ],
        "mistakes": [
            {
                "line": mistake.post.line,
                "id": mistake.post.id,
                "lang": mistake.post.lang,
                "truth": mistake.truth,
                "predicted": mistake.predicted,
                "confidence": _round(mistake.confidence),
            }
            for mistake in evaluation.mistakes
        ],
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


def _rounded(values: Mapping[str, float] | None) -> dict[str, float | None] | None:
    return None if values is None else {name: _round(value) for name, value in values.items()}


def _classes(scores: Mapping[str, ClassScore]) -> dict[str, Any]:
    return {
        name: {"precision": _round(row.precision), "recall": _round(row.recall), "f1": _round(row.f1), "n": row.n}
        for name, row in scores.items()
    }


def _part_rows(parts: Mapping[str, PartScore]) -> dict[str, Any]:
    return {
        name: {"n": part.n, "macro_f1": _round(part.macro_f1), "accuracy": _round(part.accuracy)}
        for name, part in parts.items()
    }


# --- HTML -------------------------------------------------------------------------------------------------------------

_STYLE: Final = """
:root { color-scheme: light dark; --ink: light-dark(#1c2024, #e8eaed); --faint: light-dark(#667, #9aa);
  --line: light-dark(#dde1e6, #3a3f46); --bar: light-dark(#3b6fb6, #79a8e8); --paper: light-dark(#fff, #16181b) }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 64rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
p { color: var(--faint); max-width: 45rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .75rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left } td.text { text-align: left; white-space: normal; min-width: 16rem }
th { color: var(--faint); font-weight: 500 } td.hit { font-weight: 600 }
"""


RIVAL_HEAD: Final = (
    "macro-F1",
    "95 % interval",
    "accuracy",
    "relevance F1",
    "share error",
    "ECE",
    "polarity",
    "aspects",
)
"""Names of the figures that `rival_row` gives."""


def rival_row(figures: Mapping[str, Any]) -> tuple[float | str | None, ...]:
    """Give a contender's figures, or the model's own, in the order of `RIVAL_HEAD`; None where a method does not tell one."""
    low, high = figures["macro_f1_ci"]
    rest = ("accuracy", "relevance_f1", "share_error", "ece", "polarity_macro_f1", "aspects_micro_f1")
    return (figures["macro_f1"], f"{low:.3f} to {high:.3f}", *(figures[name] for name in rest))


def as_html(
    evaluation: Evaluation,
    *,
    title: str,
    model: str,
    rivals: Mapping[str, Mapping[str, Any]],
    skipped: Mapping[str, str],
) -> str:
    """Give the page: headline figures, rivals, classes, confusion, calibration, shares, parts, the surest mistakes.

    `rivals` and `skipped` are what `classifiers.contenders.compare` gives.

    The page holds extracts of at most 160 characters of the posts that were labelled wrong.
    """
    headline = {
        "Macro-F1 of seven outcomes": _with_interval(evaluation.macro_f1, evaluation.macro_f1_ci),
        "Accuracy": _with_interval(evaluation.accuracy, evaluation.accuracy_ci),
        "Relevance F1": _figure(evaluation.relevance_f1),
        "Polarity macro-F1": _figure(evaluation.polarity_macro_f1),
        "Aspects micro-F1": _figure(evaluation.aspects_micro_f1),
        "Calibration error (ECE)": _figure(evaluation.ece),
        "Share error": _figure(evaluation.share_error),
    }
    sections = [
        _section("Figures", ("", "value"), list(headline.items())),
        _section(
            "Rivals",
            ("", *RIVAL_HEAD),
            [
                (name, *(cell if isinstance(cell, str) else _figure(cell) for cell in rival_row(row)))
                for name, row in {model: as_json(evaluation), **rivals}.items()
            ],
            note=" ".join(f"{name} was left out: {reason}." for name, reason in skipped.items()),
        ),
        _section("Outcomes", _CLASS_HEAD, _class_table(evaluation.per_class)),
        _confusion_section(evaluation),
        _section(
            "Calibration",
            ("confidence", "posts", "mean confidence", "accuracy"),
            [
                (f"{row.low:.1f} to {row.high:.1f}", row.n, _figure(row.confidence), _figure(row.accuracy))
                for row in evaluation.calibration
            ],
            note="Of the answers given with a confidence of 0.8, eight in ten should be right.",
        ),
        _share_section(evaluation),
        _section("Language groups", _PART_HEAD, _part_table(evaluation.per_language_group)),
        _section("Languages", _PART_HEAD, _part_table(evaluation.per_language)),
        _section("Sources", _PART_HEAD, _part_table(evaluation.per_source)),
        _section("Polarity of relevant posts", _CLASS_HEAD, _class_table(evaluation.per_polarity)),
        _section("Aspects", _CLASS_HEAD, _class_table(evaluation.per_aspect)),
        _mistake_section(evaluation),
    ]
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>\n<h1>{escape(title)}</h1>\n"
        f"<p>{evaluation.n} posts labelled by people, against the labels of {escape(model)}. Intervals: 95 %, bootstrap over posts.</p>\n"
        + "\n".join(sections)
        + "\n</html>\n"
    )


_CLASS_HEAD: Final = ("", "precision", "recall", "F1", "posts")
_PART_HEAD: Final = ("", "posts", "macro-F1", "accuracy")


def extract(text: str, length: int = EXTRACT) -> str:
    """Give the beginning of a text on one line, without signs that would disturb a terminal or a page."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text[: length * 4]).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _figure(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"


def _class_table(scores: Mapping[str, ClassScore]) -> list[tuple[object, ...]]:
    return [(name, _figure(row.precision), _figure(row.recall), _figure(row.f1), row.n) for name, row in scores.items()]


def _part_table(parts: Mapping[str, PartScore]) -> list[tuple[object, ...]]:
    return [(name, part.n, _figure(part.macro_f1), _figure(part.accuracy)) for name, part in parts.items()]


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[object]], *, note: str = "") -> str:
    columns = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return _frame(title, f"<tr>{columns}</tr>{body}", note)


def _frame(title: str, table: str, note: str) -> str:
    paragraph = f"<p>{escape(note)}</p>" if note else ""
    return f'<h2>{escape(title)}</h2>{paragraph}<div class="wide"><table>{table}</table></div>'


def _confusion_section(evaluation: Evaluation) -> str:
    head = "<th>true \\ predicted</th>" + "".join(f"<th>{name}</th>" for name in OUTCOMES)
    body = ""
    for truth, row in zip(OUTCOMES, evaluation.confusion, strict=True):
        cells = "".join(
            f'<td class="hit">{count}</td>' if truth == name else f"<td>{count or ''}</td>"
            for name, count in zip(OUTCOMES, row, strict=True)
        )
        body += f"<tr><td>{truth}</td>{cells}</tr>"
    return _frame("Confusion", f"<tr>{head}</tr>{body}", "Rows: what people said; columns: what the model said.")


def _share_section(evaluation: Evaluation) -> str:
    true, estimated = evaluation.true_shares or {}, evaluation.estimated_shares or {}
    rows = [(name, _figure(true.get(name)), _figure(estimated.get(name))) for name in OUTCOMES[:5]]
    return _section("Shares of the five categories", ("", "true", "estimated from probabilities"), rows)


def _mistake_section(evaluation: Evaluation) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("line", "lang", "true", "predicted", "confidence", "post"))
    body = "".join(
        f"<tr><td>{mistake.post.line}</td><td>{escape(mistake.post.lang or 'und')}</td><td>{mistake.truth}</td>"
        f'<td>{mistake.predicted}</td><td>{mistake.confidence:.2f}</td><td class="text">{escape(extract(mistake.post.text))}</td></tr>'
        for mistake in evaluation.mistakes
    )
    return _frame("Surest mistakes", f"<tr>{head}</tr>{body}", "")
