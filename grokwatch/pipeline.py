"""The one place where the order stands: read a page, store it with its cursor, go on; label, count, go on.

A page's posts, the run's counts, the money it cost and the cursor after it are committed together, so a kill at any moment loses
nothing and doubles nothing: the next run reads on from the last committed cursor.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Engine

from classifiers.base import Classifier, ClassifierError, Document, Label
from collectors.base import Collector, Cursor, Page
from db import ingest, labels, rollups, runs, sample
from db.errors import DatabaseError
from db.ingest import AuthorHash, Stored
from db.labels import UnlabelledPost

Clock = Callable[[], datetime]
LABEL_BATCH = 512
"""Posts labelled between two commits: a kill costs no more than these."""
LABELS_KEPT = timedelta(seconds=5)
"""Time between two commits where the labels come slowly, from a model behind a network."""


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
    """What a run of `classify` did; `failed` posts got no usable answer and are among the remaining ones."""

    model: str
    labelled: int
    remaining: int
    failed: int = 0


@dataclass(slots=True, kw_only=True)
class OpenRun:
    """A run under way; what stands here when it ends is what its row will say. Left as it is, it has failed."""

    id: int
    status: str = "failed"
    error: str | None = None
    detail: dict[str, Any] | None = None


@dataclass(slots=True)
class Tally:
    """What the pages of one stream have brought so far."""

    pages: int = 0
    read: int = 0
    kept: int = 0
    new: int = 0
    changed: int = 0
    broken: int = 0
    holes: int = 0
    cost_usd: float = 0.0

    def add(self, page: Page, stored: Stored) -> None:
        """Count a page that was stored."""
        self.pages += 1
        self.read += page.read
        self.kept += len(page.posts)
        self.new += stored.new
        self.changed += stored.changed
        self.broken += page.broken
        self.holes += len(page.holes)
        self.cost_usd += page.cost_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """How pages are stored.

    Parameters
    ----------
    kind
        Kind of run.
    author_hash
        Turns an author's name into the key that is stored.
    on_page
        Hears of every page that was stored.
    stopped
        Asked after every page.
    """

    kind: str
    clock: Clock
    author_hash: AuthorHash
    on_page: Callable[[Page, Stored], None] | None = None
    stopped: Callable[[], bool] = field(default=lambda: False)


class Stopped(Exception):  # noqa: N818 - a request, not an error
    """Raised by a signal handler or a callback between two pages: what is stored stays, the run is marked."""


@contextmanager
def opened_run(
    engine: Engine, kind: str, *, source: str | None, clock: Clock, detail: dict[str, Any] | None = None
) -> Generator[OpenRun]:
    """Open a run and close it whatever happens; a request to stop ends the block and marks the run."""
    with engine.begin() as connection:
        runs.close_lost_runs(connection, kind, source=source, now=clock())
        run = OpenRun(id=runs.start_run(connection, kind, source=source, now=clock(), detail=detail))
    try:
        yield run
    except (Stopped, KeyboardInterrupt):
        run.status = "interrupted"
    except Exception as failure:
        run.status, run.error = "failed", str(failure) or type(failure).__name__
        raise
    finally:
        with engine.begin() as connection:
            runs.finish_run(connection, run.id, now=clock(), status=run.status, error=run.error, detail=run.detail)


def store(
    engine: Engine,
    collector: Collector,
    *,
    kind: str,
    clock: Clock,
    author_hash: AuthorHash,
    on_page: Callable[[Page, Stored], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
    detail: dict[str, Any] | None = None,
) -> StoreSummary:
    """Store everything that the collector has beyond its cursor.

    The first page of real posts removes the sample posts, in the same transaction. `stopped` is asked after every page;
    `detail` is kept with the run, beside the stream's name.

    Raises
    ------
    CollectorError
        The source can't be read on; the run is marked `failed`, what was stored stays.
    DatabaseError
        Another process reads the same stream.
    """
    how = Storing(kind=kind, clock=clock, author_hash=author_hash, on_page=on_page, stopped=stopped)
    tally = Tally()
    with opened_run(
        engine, kind, source=collector.source, clock=clock, detail=(detail or {}) | {"stream": collector.stream}
    ) as run:
        run.status = "ok" if store_stream(engine, collector, run.id, tally, how) else "interrupted"
    return StoreSummary(
        run_id=run.id,
        status=run.status,
        read=tally.read,
        kept=tally.kept,
        new=tally.new,
        changed=tally.changed,
        broken=tally.broken,
    )


def store_stream(engine: Engine, collector: Collector, run_id: int, tally: Tally, how: Storing) -> bool:
    """Store a stream's pages as part of a run, adding them up; False where it was stopped before its end."""
    with engine.begin() as connection:
        cursor = ingest.read_cursor(connection, collector.source, collector.stream)
    for page in collector.pages(cursor):
        with engine.begin() as connection:
            if page.cursor is not None and page.cursor.stream == collector.stream:
                cursor = _follow(connection, collector, cursor, page.cursor)
            if how.kind != sample.KIND and page.posts:
                sample.remove(connection)
            stored = ingest.store_page(
                connection, page, source=collector.source, run_id=run_id, now=how.clock(), author_hash=how.author_hash
            )
            rollups.refresh(connection)
        tally.add(page, stored)
        if how.on_page is not None:
            how.on_page(page, stored)
        if how.stopped():
            return False
    return True


def _follow(connection: Connection, collector: Collector, known: Cursor | None, following: Cursor) -> Cursor:
    """Make sure that a cursor follows the one that the page was read from: it might have moved meanwhile."""
    held = ingest.hold_cursor(connection, collector.source, collector.stream)
    if held != known:
        raise DatabaseError(
            f"another process reads {collector.source} ({collector.stream}) at the same time",
            mend="let one of them do it; nothing is lost or doubled",
        )
    return following


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
        runs.close_lost_runs(connection, "classify", source=None, now=clock())
    batches = _batches(engine, model_id, limit)
    first = next(batches, None)
    labelled = failed = 0
    if first is not None:
        with opened_run(engine, "classify", source=None, clock=clock) as run:
            run.status = "ok"
            for batch in chain([first], batches):
                for read in _read(classifier, batch, clock):
                    pairs = [(post, label) for post, label in read if label is not None]
                    with engine.begin() as connection:
                        stored = labels.store_labels(connection, model_id, pairs, now=clock())
                        rollups.refresh(connection)
                        runs.add_counts(connection, run.id, read=len(read), kept=stored, broken=len(read) - len(pairs))
                    labelled += stored
                    failed += len(read) - len(pairs)
                    if on_batch is not None:
                        on_batch(labelled)
                    if stopped():
                        run.status = "interrupted"
                        break
                if run.status == "interrupted":
                    break
    with engine.begin() as connection:
        remaining = labels.count_unlabelled(connection, model_id)
    return ClassifySummary(model=classifier.card.version, labelled=labelled, remaining=remaining, failed=failed)


def _read(
    classifier: Classifier, batch: Sequence[UnlabelledPost], clock: Clock
) -> Iterator[list[tuple[UnlabelledPost, Label | None]]]:
    """Label a batch, handing on what is there every few seconds, and what was labelled before the model failed.

    A model behind a network takes minutes for a batch and money for every post.
    """
    read: list[tuple[UnlabelledPost, Label | None]] = []
    since = clock()
    try:
        found = classifier.label(Document(text=post.text, lang=post.lang) for post in batch)
        for post, label in zip(batch, found, strict=True):
            if not read:
                since = clock()
            read.append((post, label))
            if clock() - since >= LABELS_KEPT:
                yield read
                read = []
    except ClassifierError:
        if read:
            yield read
        raise
    if read:
        yield read


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
