"""`grokwatch classify`: label every stored post that the model has not seen."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from grokwatch.cli.session import database, load_settings, now

app = typer.Typer(add_completion=False)


@app.command(
    help="Label the stored posts that have no label of the present model yet.\n\n"
    "Safe to stop at any moment: what is labelled stays, the next call goes on.\n\n"
    "Example: grokwatch classify --limit 5000"
)
def classify(
    limit: Annotated[int | None, typer.Option(help="Label at most this many posts.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object: what was done.")] = False,
) -> None:
    """Label what waits."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from classifiers.encoder import load
    from db import labels
    from grokwatch import pipeline

    settings = load_settings()
    with database(settings) as engine:
        classifier = load() if settings.model == "shipped" else load(Path(settings.model))
        with engine.begin() as connection:
            model_id = labels.register_model(connection, classifier.card, now=now())
            waiting = labels.count_unlabelled(connection, model_id)
        total = waiting if limit is None else min(limit, waiting)
        console = Console(stderr=True)
        began = time.perf_counter()
        with Progress(
            TextColumn("Labelling"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal or not total,
        ) as progress:
            task = progress.add_task("", total=total)
            done = pipeline.classify(
                engine,
                classifier,
                clock=now,
                limit=limit,
                on_batch=lambda labelled: progress.update(task, completed=labelled),
            )
        seconds = time.perf_counter() - began
    rate = done.labelled / seconds if seconds else 0.0
    if as_json:
        summary = {
            "labelled": done.labelled,
            "remaining": done.remaining,
            "seconds": round(seconds, 3),
            "posts_per_second": round(rate, 1),
            "model": done.model,
        }
        typer.echo(json.dumps(summary, ensure_ascii=False))
    elif not done.labelled and not done.remaining:
        typer.echo(f"Nothing to label: every stored post has a label of {done.model}.")
    else:
        posts = "1 post" if done.labelled == 1 else f"{done.labelled:,} posts"
        rest = f"{done.remaining:,} still wait" if done.remaining else "none waits"
        typer.echo(f"Labelled {posts} with {done.model} in {seconds:.1f} s ({rate:,.0f} a second); {rest}.")
