"""The one place where the order stands: read a page, store it with its cursor, go on; label, count, go on.

A page's posts, the run's counts and the cursor after it are committed together, so a kill at any moment loses nothing and
doubles nothing: the next run reads on from the last committed cursor.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from classifiers.base import Classifier, Document
from collectors.base import Collector, Page
from db import ingest, labels, rollups, runs, sample
from db.ingest import AuthorHash, Stored
from db.labels import UnlabelledPost

Clock = Callable[[], datetime]
LABEL_BATCH = 512
"""Posts labelled between two commits: a kill costs no more than these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSummary:
    """What a run of `store` did; `status` is `ok` or `interrupted`."""

    run_id: int
    status: str
    read: int = 0
    kept: int = 0
    new: int = 0
    changed: int = 0
    broken: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifySummary:
    """What a run of `classify` did."""

    model: str
    labelled: int
    remaining: int


class Stopped(Exception):  # noqa: N818 - a request, not an error
    """Raised by a signal handler or a callback between two pages: what is stored stays, the run is marked."""


def store(
    engine: Engine,
    collector: Collector,
    *,
    kind: str,
    clock: Clock,
    author_hash: AuthorHash,
    on_page: Callable[[Page, Stored], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> StoreSummary:
    """Store everything that the collector has beyond its cursor.

    The first page of real posts removes the sample posts, in the same transaction. `stopped` is asked after every page.

    Raises
    ------
    CollectorError
        The source can't be read on; the run is marked `failed`, what was stored stays.
    """
    with engine.begin() as connection:
        runs.close_lost_runs(connection, kind, source=collector.source, now=clock())
        run_id = runs.start_run(
            connection, kind, source=collector.source, now=clock(), detail={"stream": collector.stream}
        )
        cursor = ingest.read_cursor(connection, collector.source, collector.stream)
    read = kept = new = changed = broken = 0
    status, error = "failed", None
    try:
        for page in collector.pages(cursor):
            with engine.begin() as connection:
                if kind != sample.KIND and page.posts:
                    sample.remove(connection)
                stored = ingest.store_page(
                    connection, page, source=collector.source, run_id=run_id, now=clock(), author_hash=author_hash
                )
                rollups.refresh(connection)
            read, kept, broken = read + page.read, kept + len(page.posts), broken + page.broken
            new, changed = new + stored.new, changed + stored.changed
            if on_page is not None:
                on_page(page, stored)
            if stopped():
                status = "interrupted"
                break
        else:
            status = "ok"
    except (Stopped, KeyboardInterrupt):
        status = "interrupted"
    except Exception as failure:
        error = str(failure) or type(failure).__name__
        raise
    finally:
        with engine.begin() as connection:
            runs.finish_run(connection, run_id, now=clock(), status=status, error=error)
    return StoreSummary(run_id=run_id, status=status, read=read, kept=kept, new=new, changed=changed, broken=broken)


def classify(
    engine: Engine,
    classifier: Classifier,
    *,
    clock: Clock,
    limit: int | None = None,
    on_batch: Callable[[int], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> ClassifySummary:
    """Label every stored post that this model has not seen, and keep the rollups up to date.

    `on_batch` hears how many posts were labelled so far. Nothing to do leaves no run behind.
    """
    with engine.begin() as connection:
        model_id = labels.register_model(connection, classifier.card, now=clock())
        rollups.refresh(connection)
        waiting = labels.count_unlabelled(connection, model_id)
        runs.close_lost_runs(connection, "classify", source=None, now=clock())
        run_id = runs.start_run(connection, "classify", source=None, now=clock()) if waiting else None
    labelled, status, error = 0, "failed", None
    try:
        for batch in _batches(engine, model_id, limit):
            found = list(classifier.label(Document(text=post.text, lang=post.lang) for post in batch))
            with engine.begin() as connection:
                stored = labels.store_labels(connection, model_id, list(zip(batch, found, strict=True)), now=clock())
                rollups.refresh(connection)
                if run_id is not None:
                    runs.add_counts(connection, run_id, read=len(batch), kept=stored)
            labelled += stored
            if on_batch is not None:
                on_batch(labelled)
            if stopped():
                status = "interrupted"
                break
        else:
            status = "ok"
    except (Stopped, KeyboardInterrupt):
        status = "interrupted"
    except Exception as failure:
        error = str(failure) or type(failure).__name__
        raise
    finally:
        if run_id is not None:
            with engine.begin() as connection:
                runs.finish_run(connection, run_id, now=clock(), status=status, error=error)
    with engine.begin() as connection:
        remaining = labels.count_unlabelled(connection, model_id)
    return ClassifySummary(model=classifier.card.version, labelled=labelled, remaining=remaining)


def _batches(engine: Engine, model_id: int, limit: int | None) -> Iterator[list[UnlabelledPost]]:
    after, left = 0, limit
    while left is None or left > 0:
        size = LABEL_BATCH if left is None else min(LABEL_BATCH, left)
        with engine.begin() as connection:
            batch = labels.unlabelled_posts(connection, model_id, after=after, limit=size)
        if not batch:
            return
        after = batch[-1].id
        left = None if left is None else left - len(batch)
        yield batch
