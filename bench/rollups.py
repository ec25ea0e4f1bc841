"""How fast the dashboard's questions are answered from the rollups, against the raw GROUP BY over posts and labels in the same run.

    python bench/rollups.py [--quick] [--json] [--posts N] [--database FILE]

The archive is made first (`bench/big_archive.py`); with `--database` it is kept in that file and used again. At ten million posts
it takes 7 GB, and some minutes to make; the raw questions take minutes too. `ours` is the slowest question by its best of five calls, for
all that the dashboard and the digest ask of `db` and at every choice that a reader has; a rival's question is asked once. Intervals
are drawn from what the questions give and cost the same whatever the number of posts: they are timed beside. `upkeep` is what a thousand new posts
cost in rollups, when they are stored and when they are labelled: the day that
they belong to is half over; at its end the same costs more, because a day is counted as a whole.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import big_archive
from sqlalchemy import Connection, Engine, text

from classifiers.base import Label
from classifiers.codebook import Category
from collectors.base import Kind, Page, RawPost
from db import counts, holdings, ingest, labels, rollups, runs, schema, thread_sums
from db.engine import open_engine
from db.labels import UnlabelledPost
from db.periods import Step
from db.selection import Selection
from insights.shares import shares

POSTS = 10_000_000
QUICK_POSTS = 200_000
GOAL_MS = 150
UPKEEP_GOAL_MS = 100
NEW_POSTS = 1_000
TIMES = 5

MIDNIGHT = big_archive.END + timedelta(hours=12)
LAST_WEEK = Selection(start=MIDNIGHT - timedelta(weeks=1), end=MIDNIGHT)
JAPANESE = Selection(langs=("ja",))
MASSES = ", ".join(f"sum(p_relevant * p_{category} / inclusion_probability) AS w_{category}" for category in Category)
LABELLED = "posts JOIN labels ON labels.post_id = posts.id AND labels.model_id + 0 = 1 WHERE deleted_at IS NULL"
WEEK = "date(created_at, '-6 days', 'weekday 1')"

Ask = Callable[[Connection], Any]


def sums(step: Step | None, selection: Selection) -> Ask:
    return lambda connection: list(thread_sums.period_sums(connection, step, selection))


def by_thread(period: str, condition: str) -> str:
    group = f"SELECT {period} AS period, {MASSES} FROM {LABELLED} {condition} GROUP BY 1, source || thread_id"
    return f"SELECT count(*), sum(w_bias) FROM ({group})"


def counted(step: Step, selection: Selection) -> Ask:
    return lambda connection: counts.period_counts(connection, step, selection)


RAW_COUNTS = (
    f"SELECT {WEEK} AS period, count(*), sum(labels.post_id IS NULL), sum(relevant),"
    f" {', '.join(f'sum(category = {category.value!r})' for category in Category)}"
    " FROM posts LEFT JOIN labels ON labels.post_id = posts.id AND labels.model_id + 0 = 1 WHERE deleted_at IS NULL GROUP BY 1"
)
RAW_GROUPS = (
    "SELECT source, coalesce(lang, 'und'), count(*), sum(labels.post_id IS NULL), min(created_at), max(created_at)"
    " FROM posts LEFT JOIN labels ON labels.post_id = posts.id AND labels.model_id + 0 = 1 WHERE deleted_at IS NULL GROUP BY 1, 2"
)

QUESTIONS: tuple[tuple[str, Ask, str | None], ...] = (
    ("shares by day", sums(Step.DAY, Selection()), None),
    ("shares by week", sums(Step.WEEK, Selection()), by_thread(WEEK, "")),
    ("shares by month", sums(Step.MONTH, Selection()), None),
    ("shares by week, of Japanese posts", sums(Step.WEEK, JAPANESE), by_thread(WEEK, "AND lang = 'ja'")),
    ("shares by week, of Chinese posts", sums(Step.WEEK, Selection(langs=("zh",))), None),
    ("shares by week, of Reddit", sums(Step.WEEK, Selection(sources=("reddit",))), None),
    ("shares by week, of three languages on X", sums(Step.WEEK, Selection(sources=("x",), langs=("en", "ja", "es"))), None),
    ("shares of the last week", sums(None, LAST_WEEK), by_thread("''", f"AND created_at >= '{LAST_WEEK.start:%F}'")),
    ("posts by week", counted(Step.WEEK, Selection()), RAW_COUNTS),
    ("posts by day, of Japanese posts", counted(Step.DAY, JAPANESE), None),
    ("posts by day, of the last week", counted(Step.DAY, LAST_WEEK), None),
    ("platforms and languages", holdings.post_groups, RAW_GROUPS),
    ("labelled posts", holdings.count_labelled, None),
    ("first and last post", holdings.labelled_span, None),
    ("whether anything has changed", holdings.data_mark, None),
)  # fmt: skip


def best_ms(ask: Callable[[], Any], times: int) -> float:
    took: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        ask()
        took.append(time.perf_counter() - started)
    return 1000 * min(took)


def new_posts(number: int, *, end: datetime, span: timedelta) -> tuple[RawPost, ...]:
    return tuple(
        RawPost(
            source="x",
            source_id=f"new{number}-{place}",
            kind=Kind.POST,
            thread_id=f"new{number}-{place // 2}",
            created_at=end - span * ((place + 1) / NEW_POSTS),
            text=f"Grok, number {place}",
            lang=big_archive.LANGS[place % 5],
            inclusion_probability=0.25,
        )
        for place in range(NEW_POSTS)
    )


def upkeep(engine: Engine, number: int, *, end: datetime = big_archive.END, span: timedelta) -> float:
    """Store and label a thousand new posts of a `span` that ends then; gives the milliseconds that the rollups took of it."""
    label = Label(
        relevant=True, p_relevant=0.9, category=Category.BIAS, polarity=None, aspects=(), mentions=(), lang="en",
        probabilities={category: 0.5 if category is Category.BIAS else 0.1 for category in Category},
    )  # fmt: skip
    now = datetime.now(UTC)
    with engine.connect() as connection:
        run = runs.start_run(connection, "collect", source="x", now=now)
        page = Page(posts=new_posts(number, end=end, span=span), read=NEW_POSTS)
        ingest.store_page(connection, page, source="x", run_id=run, now=now, author_hash=str)
        took = best_ms(lambda: rollups.refresh(connection), 1)
        names = text("SELECT id FROM posts WHERE source = 'x' AND source_id LIKE :new").bindparams(new=f"new{number}-%")
        pairs = [
            (UnlabelledPost(id=post, text="", lang=raw.lang, created_at=raw.created_at, edited_at=None), label)
            for post, raw in zip(connection.scalars(names.columns()), page.posts, strict=True)
        ]
        for start in range(0, NEW_POSTS, 500):
            labels.store_labels(connection, 1, pairs[start : start + 500], now=now)
        took += best_ms(lambda: rollups.refresh(connection), 1)
        connection.rollback()
    return took


def make(path: Path, posts: int) -> float:
    """Make the archive; gives the seconds that its rollups took."""
    engine = open_engine(f"sqlite:///{path}")
    schema.upgrade(engine)
    engine.dispose()
    big_archive.fill(str(path), posts=posts)
    started = time.perf_counter()
    with engine.begin() as connection:
        rollups.rebuild(connection)
    engine.dispose()
    return time.perf_counter() - started


def measure(engine: Engine) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with engine.connect().execution_options(read_only=True) as connection:
        for name, ask, raw in QUESTIONS:
            row: dict[str, Any] = {"question": name, "ms": round(best_ms(lambda ask=ask: ask(connection), TIMES), 2)}
            if raw is not None:
                statement = text(raw.replace(":", "\\:"))
                row["raw_ms"] = round(best_ms(lambda statement=statement: connection.execute(statement).all(), 1), 1)
                row["ratio"] = round(row["raw_ms"] / row["ms"], 1)
            rows.append(row)
            print(
                f"  {name:42} {row['ms']:9.1f} ms  {row.get('raw_ms', ''):>10}  {row.get('ratio', '')}", file=sys.stderr
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print nothing but the result")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_POSTS:,} posts")
    parser.add_argument("--posts", type=int, help=f"how many posts (default: {POSTS:,})")
    parser.add_argument("--database", type=Path, help="keep the archive in this SQLite file, and use it if it is there")
    options = parser.parse_args()
    posts = options.posts or (QUICK_POSTS if options.quick else POSTS)
    with ExitStack() as stack:
        if options.database is not None:
            path = options.database
        else:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "archive.db"
        rebuilt = None if path.is_file() else make(path, posts)
        engine = open_engine(f"sqlite:///{path}")
        stack.callback(engine.dispose)
        rows = measure(engine)
        live = [upkeep(engine, number, span=timedelta(hours=2)) for number in range(TIMES)]
        midnight = big_archive.END - timedelta(hours=12)
        late = [upkeep(engine, number, end=midnight, span=timedelta(hours=2)) for number in range(TIMES)]
        spread = upkeep(engine, TIMES, span=timedelta(days=30))
        with engine.connect().execution_options(read_only=True) as connection:
            whole = best_ms(lambda: shares(connection, step=Step.WEEK), 1)
            stored = holdings.count_labelled(connection)
    slowest = max(rows, key=lambda row: row["ms"])
    compared = [row for row in rows if "ratio" in row]
    result = {
        "bench": "rollups",
        "ours": slowest["ms"],
        "rival": max(row["raw_ms"] for row in compared),
        "rival_name": "raw GROUP BY over posts and labels",
        "ratio": min(row["ratio"] for row in compared),
        "goal": GOAL_MS,
        "unit": "ms",
        "slowest": slowest["question"],
        "posts": stored,
        "questions": rows,
        "upkeep_ms": round(statistics.median(live), 1),
        "upkeep_best_ms": round(min(live), 1),
        "upkeep_goal_ms": UPKEEP_GOAL_MS,
        "upkeep_end_of_day_ms": round(statistics.median(late), 1),
        "upkeep_of_30_days_ms": round(spread, 1),
        "shares_with_intervals_ms": round(whole, 1),
        "rebuild_s": None if rebuilt is None else round(rebuilt, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    if not options.json:
        print(
            f"A thousand new posts cost {result['upkeep_ms']} ms of upkeep ({result['upkeep_of_30_days_ms']} ms over 30 days)."
        )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
