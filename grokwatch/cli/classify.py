"""`grokwatch classify`: label every stored post that the model has not seen."""

import json
import time
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from sqlalchemy import Engine

from classifiers.base import Classifier
from grokwatch.cli.session import database, load_classifier, load_settings, now

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What a call did; the fields are those of `--json`, `failed` only where a post failed."""

    labelled: int
    remaining: int
    seconds: float
    posts_per_second: float
    model: str
    failed: int = 0


@app.command(
    help="Label the stored posts that have no label of the present model yet.\n\n"
    "Safe to stop at any moment: what is labelled stays, and the next call goes on from there.\n\n"
    "Example: grokwatch classify --limit 5000"
)
def classify(
    limit: Annotated[int | None, typer.Option(help="Label at most this many posts.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object: what was done.")] = False,
) -> None:
    """Label what waits."""
    settings = load_settings()
    with database(settings) as engine:
        done = label_waiting(engine, load_classifier(settings), limit=limit)
    if as_json:
        fields = {name: value for name, value in asdict(done).items() if name != "failed" or value}
        typer.echo(json.dumps(fields, ensure_ascii=False))
    else:
        typer.echo(sentence(done))


def label_waiting(engine: Engine, classifier: Classifier, *, limit: int | None = None) -> Labelled:
    """Label the waiting posts, with a progress bar where someone watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from db import labels
    from grokwatch import pipeline

    with engine.begin() as connection:
        waiting = labels.count_unlabelled(connection, labels.register_model(connection, classifier.card, now=now()))
    total = waiting if limit is None else min(limit, waiting)
    console = Console(stderr=True)
    columns = (TextColumn("Labelling"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    began = time.perf_counter()
    with Progress(*columns, console=console, transient=True, disable=not (console.is_terminal and total)) as progress:
        task = progress.add_task("", total=total)

        def tell(labelled: int) -> None:
            progress.update(task, completed=labelled)

        done = pipeline.classify(engine, classifier, clock=now, limit=limit, on_batch=tell)
    seconds = time.perf_counter() - began
    return Labelled(
        labelled=done.labelled,
        remaining=done.remaining,
        seconds=round(seconds, 3),
        posts_per_second=round(done.labelled / seconds, 1) if seconds else 0.0,
        model=done.model,
        failed=done.failed,
    )


def sentence(done: Labelled) -> str:
    """Say what a call did."""
    if not done.labelled and not done.remaining:
        return f"Nothing to label: every stored post has a label of {done.model}."
    posts = "1 post" if done.labelled == 1 else f"{done.labelled:,} posts"
    rest = f"{done.remaining:,} still to label" if done.remaining else "none left"
    said = (
        f"Labelled {posts} with {done.model} in {done.seconds:.1f} s ({done.posts_per_second:,.0f} a second); {rest}."
    )
    if done.failed:
        failed = "1 post" if done.failed == 1 else f"{done.failed:,} posts"
        said += f" The model gave no usable answer for {failed}; the next call asks again."
    return said
