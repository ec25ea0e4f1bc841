"""`grokwatch evaluate`: how good the model's labels are on posts that people labelled."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from classifiers.base import Classifier, ClassifierError, Document
from grokwatch.cli.session import UsageError, complain, load_classifier, load_settings

if TYPE_CHECKING:
    from classifiers.evaluation import Evaluation
    from classifiers.gold import GoldPost
    from classifiers.leakage import Leak

app = typer.Typer(add_completion=False)

_LEAKS_SHOWN: Final = 10
_PAPER_WIDTH: Final = 200
"""Columns where the output goes into a file or a pipe."""


@app.command(
    help="Measure the model's labels against a file of posts that people labelled.\n\n"
    "The file holds JSON lines as the codebook defines them. Its posts must not stand in the training corpus, not even "
    "nearly; if they do, the command says where and stops with exit code 1.\n\n"
    "Example: grokwatch evaluate labelled.jsonl --report evaluation.html"
)
def evaluate(
    file: Annotated[Path, typer.Argument(help="File of labelled posts, JSON lines.")],
    report: Annotated[Path | None, typer.Option(help="Write the whole evaluation as one HTML page.")] = None,
    rivals: Annotated[bool, typer.Option(help="Measure simple methods on the same posts too.")] = True,
    base: Annotated[Path, typer.Option(help="Checkpoint of the base encoder, for the rivals that need it.")] = Path(
        "build/base"
    ),
    cache: Annotated[Path, typer.Option(help="Where these rivals keep what took them minutes.")] = Path(
        "build/contenders"
    ),
    allow_leakage: Annotated[
        bool, typer.Option(help="Measure posts that the model was trained on all the same.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the bootstrap behind the intervals.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure and tell."""
    from rich.console import Console

    from classifiers import gold, leakage

    if report is not None and not report.absolute().parent.is_dir():
        raise UsageError(f"the folder of {report} does not exist", mend="make it first, or name another")
    try:
        posts = gold.read(file)
    except gold.GoldError as error:
        raise UsageError(str(error), mend=error.mend) from error
    leaks = leakage.find([post.text for post in posts], leakage.read_corpus())
    if leaks and not allow_leakage:
        complain(_leak_sentence(posts, leaks), "take them out of the file, or add --allow-leakage", as_json=as_json)
        raise typer.Exit(1)
    if leaks:
        typer.echo(f"These figures flatter: {_leak_sentence(posts, leaks)}.", err=True)
    classifier = load_classifier(load_settings())
    with Console(stderr=True, highlight=False).status("Labelling") as status:
        measured, figures = measure(
            posts,
            classifier,
            corpus=leakage.CORPUS if rivals else None,
            base=base,
            cache=cache,
            seed=seed,
            on_start=status.update,
        )
    figures["leaks"] = [post_leak(posts, leak) for leak in leaks]
    if report is not None:
        _write_report(report, measured, figures, file)
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False))
    else:
        show(measured, figures, file.name)
        if report is not None:
            typer.echo(f"\nThe whole evaluation: {report}")


def measure(
    posts: "Sequence[GoldPost]",
    classifier: Classifier,
    *,
    corpus: Path | None,
    base: Path,
    cache: Path,
    seed: int,
    on_start: Callable[[str], None] = lambda _: None,
) -> "tuple[Evaluation, dict[str, Any]]":
    """Label the posts, measure the labels and, where `corpus` is given, the contenders; give figures ready for JSON.

    Posts for which the model gave no usable answer are counted as `unlabelled` and measured for nobody. `base` and `cache` are for the
    contenders (`classifiers.contenders.compare`). `on_start` hears what begins.

    Raises
    ------
    ClassifierError
        The model labelled nothing, or can't go on.
    """
    from classifiers import contenders, evaluation, evaluation_report

    on_start("Labelling")
    answers = classifier.label(Document(text=post.text, lang=post.lang) for post in posts)
    pairs = [(post, label) for post, label in zip(posts, answers, strict=True) if label is not None]
    if not pairs:
        raise ClassifierError(
            "The model labelled none of the posts", mend="see `grokwatch doctor`, or name another model"
        )
    labelled, labels = [post for post, _ in pairs], [label for _, label in pairs]
    measured = evaluation.evaluate(labelled, labels, seed=seed)
    figures = evaluation_report.as_json(measured)
    figures["unlabelled"] = len(posts) - len(labelled)
    figures["rivals"], figures["rivals_skipped"] = (
        contenders.compare(
            labelled,
            corpus=corpus,
            base=base,
            cache=cache,
            on_start=lambda name: on_start(f"Measuring the rival {name}"),
        )
        if corpus is not None
        else ({}, {})
    )
    figures["model"] = classifier.card.version
    return measured, figures


def post_leak(posts: "Sequence[GoldPost]", leak: "Leak") -> dict[str, Any]:
    """Say where a measured post and its training text stand."""
    return {
        "line": posts[leak.number].line,
        "file": leak.source.file,
        "file_line": leak.source.line,
        "overlap": round(leak.overlap, 3),
    }


def _leak_sentence(posts: "Sequence[GoldPost]", leaks: "Sequence[Leak]") -> str:
    places = ", ".join(
        f"line {posts[leak.number].line} ({leak.source.file} line {leak.source.line})" for leak in leaks[:_LEAKS_SHOWN]
    )
    more = f" and {len(leaks) - _LEAKS_SHOWN} more" if len(leaks) > _LEAKS_SHOWN else ""
    subject = "1 post stands" if len(leaks) == 1 else f"{len(leaks)} posts stand"
    return f"{subject} in the training corpus as well, equally or nearly: {places}{more}"


def _write_report(report: Path, measured: "Evaluation", figures: Mapping[str, Any], file: Path) -> None:
    from classifiers.evaluation_report import as_html

    page = as_html(
        measured,
        title=f"Evaluation on {file.name}",
        model=str(figures["model"]),
        rivals=figures["rivals"],
        skipped=figures["rivals_skipped"],
    )
    try:
        report.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{report} can't be written: {error.strerror or error}", mend="name another file") from error


def show(measured: "Evaluation", figures: Mapping[str, Any], name: str) -> None:
    """Print the evaluation for people."""
    from rich.console import Console
    from rich.table import Table

    from classifiers.evaluation_report import RIVAL_HEAD, extract, rival_row

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PAPER_WIDTH)

    def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        grid = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for number, column in enumerate(columns):
            text = column in {"post", "lang", "true", "predicted"}
            grid.add_column(column, justify="left" if number == 0 or text else "right", overflow="fold")
        for row in rows:
            grid.add_row(*(_cell(cell) for cell in row))
        console.print(grid)
        console.print()

    console.print(f"{measured.n} posts of {name}, labelled by {figures['model']}\n")
    if figures["unlabelled"]:
        console.print(f"{figures['unlabelled']} more got no label and are left out of every figure\n")
    macro, accuracy = measured.macro_f1_ci, measured.accuracy_ci
    table(
        "Figures",
        ("", "value", "95 % interval"),
        [
            ("macro-F1, seven outcomes", measured.macro_f1, f"{macro[0]:.3f} to {macro[1]:.3f}"),
            ("accuracy", measured.accuracy, f"{accuracy[0]:.3f} to {accuracy[1]:.3f}"),
            ("relevance F1", measured.relevance_f1, ""),
            ("polarity macro-F1", measured.polarity_macro_f1, ""),
            ("aspects micro-F1", measured.aspects_micro_f1, ""),
            ("calibration error (ECE)", measured.ece, ""),
            ("share error", measured.share_error, ""),
        ],
    )
    rivals: Mapping[str, Mapping[str, Any]] = figures["rivals"]
    if rivals:
        rows = [(name, *rival_row(row)) for name, row in {figures["model"]: figures, **rivals}.items()]
        table("Rivals", ("", *RIVAL_HEAD), rows)
    for rival, reason in figures["rivals_skipped"].items():
        console.print(f"{rival} was left out: {reason}\n")
    scores = [(name, row.precision, row.recall, row.f1, row.n) for name, row in measured.per_class.items()]
    table("Outcomes", ("", "precision", "recall", "F1", "posts"), scores)
    names = list(measured.per_class)
    confusion = [(truth, *map(int, row)) for truth, row in zip(names, measured.confusion, strict=True)]
    table("Confusion (rows true, columns predicted, names cut short)", ("", *(name[:5] for name in names)), confusion)
    table(
        "Calibration",
        ("confidence", "posts", "mean", "accuracy"),
        [
            (f"{row.low:.1f} to {row.high:.1f}", row.n, row.confidence, row.accuracy)
            for row in measured.calibration
            if row.n
        ],
    )
    true, estimated = measured.true_shares or {}, measured.estimated_shares or {}
    table("Shares", ("", "true", "estimated"), [(share, true[share], estimated.get(share)) for share in true])
    for title, parts in (
        ("Language groups", measured.per_language_group),
        ("Languages", measured.per_language),
        ("Sources", measured.per_source),
    ):
        table(
            title,
            ("", "posts", "macro-F1", "accuracy"),
            [(part, score.n, score.macro_f1, score.accuracy) for part, score in parts.items()],
        )
    if measured.mistakes:
        table(
            "Surest mistakes",
            ("line", "lang", "true", "predicted", "conf.", "post"),
            [
                (
                    row.post.line,
                    row.post.lang or "und",
                    row.truth,
                    row.predicted,
                    f"{row.confidence:.2f}",
                    extract(row.post.text, 100),
                )
                for row in measured.mistakes
            ],
        )


def _cell(value: object) -> str:
    if value is None:
        return "n/a"
    return f"{value:.3f}" if isinstance(value, float) else str(value).replace("[", "\\[")
