"""A large archive of labelled posts in a SQLite file, made fast: what `bench/rollups.py` measures on.

Two years of posts until a noon with the hours of the day and the days of the week in them, two platforms, forty languages, threads of
heavy-tailed length that run over hours and days, a quarter of X's posts collected, texts and labels from a pool.
"""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.codebook import Aspect, Category, Polarity, Rival

START = datetime(2024, 11, 25, tzinfo=UTC)
DAYS = 728
END = START + timedelta(days=DAYS, hours=-12)
"""Noon of the last day: a day in progress is half over, on average."""
LANGS = (
    "en", "ja", "es", "pt-BR", "tr", "ar", "hi", "id", "fr", "de", "ko", "zh-Hans", "ru", "it", "th", "pl", "nl", "fa",
    "vi", "uk", "zh-Hant", "sv", "und", "tl", "ro", "cs", "el", "he", "fi", "ur", "bn", "ms", "hu", "da", "no", "ta",
    "sr", "bg", "sk", "hr",
)  # fmt: skip
MIXTURE = np.array([0.28, 0.22, 0.15, 0.08, 0.04, 0.23])
POOL = 4096
CHUNK = 500_000
LONGEST_THREAD = 400
TEXTS = (
    "Grok took a full minute to answer me again this morning and then gave up half-way through the list",
    "グロックの返事がとても自然になった。前の版とはまるで別物で、友だちと話しているようだ",
    "Honestly Grok answered the question better than the other two that I pay for",
    "Otra vez Grok se queda pensando y no contesta nada, así no se puede trabajar",
    "Does anybody know whether Grok still has the limit of ten pictures a day for free accounts?",
)


def times(posts: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the seconds since `START` of every post, in order, and the number of its thread."""
    sizes = np.minimum(rng.zipf(2.1, size=posts), LONGEST_THREAD)
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), posts)) + 1]
    hours = np.arange(DAYS * 24)
    busy = (
        (1 + 0.5 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi))
        * (1 - 0.2 * (hours // 24 % 7 >= 5))
        * (1 + hours / hours[-1])
    )
    first = rng.choice(hours, size=len(sizes), p=busy / busy.sum()) * 3600 + rng.integers(0, 3600, len(sizes))
    thread = np.repeat(np.arange(len(sizes)), sizes)[:posts]
    seconds = first[thread] + (rng.exponential(6 * 3600.0, posts) * (rng.random(posts) < 0.8)).astype(np.int64)
    seconds = np.minimum(seconds, (DAYS - 0.5) * 86400 - 1).astype(np.int64)
    order = np.argsort(seconds, kind="stable")
    return seconds[order], thread[order]


def label_pool(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Give labels to choose from, as rows of the table without their keys."""
    aspects, rivals, polarities = list(Aspect), list(Rival), list(Polarity)
    rows: list[tuple[Any, ...]] = []
    for _ in range(POOL):
        relevant = bool(rng.random() < 0.8)
        p_relevant = float(rng.beta(9, 1) if relevant else rng.beta(1, 9))
        category = int(rng.choice(len(MIXTURE), p=MIXTURE))
        shares = rng.dirichlet(np.full(len(MIXTURE), 0.2) + 6.0 * (np.arange(len(MIXTURE)) == category))
        about = (
            [aspects[i] for i in sorted(rng.choice(len(aspects), rng.integers(0, 3), replace=False))]
            if relevant
            else []
        )
        named = [rivals[int(rng.integers(len(rivals)))]] if relevant and rng.random() < 0.15 else []
        rows.append(
            (
                int(relevant), p_relevant, list(Category)[int(shares.argmax())].value if relevant else None,
                *(float(share) for share in shares),
                polarities[int(rng.integers(len(polarities)))].value if relevant else None,
                json.dumps([aspect.value for aspect in about]), json.dumps([rival.value for rival in named]),
            )
        )  # fmt: skip
    return rows


def fill(path: str, *, posts: int, seed: int = 8) -> None:
    """Fill an empty SQLite database that has Grokwatch's tables: posts, labels of one active model, no rollups."""
    rng = np.random.default_rng(seed)
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "foreign_keys = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ('posts', 'labels') AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    connection.execute("BEGIN")
    connection.execute(
        "INSERT INTO runs (id, kind, source, started_at, finished_at, status, read, kept, new, changed, broken)"
        " VALUES (1, 'import', 'bench', ?, ?, 'ok', ?, ?, ?, 0, 0)",
        (f"{START:%F} 00:00:00.000000", f"{END:%F} 00:00:00.000000", posts, posts, posts),
    )
    connection.execute(
        "INSERT INTO models (id, version, sha256, metrics, created_at, active) VALUES (1, 'bench', ?, '{}', ?, 1)",
        ("0" * 64, f"{START:%F} 00:00:00.000000"),
    )
    seconds, threads = times(posts, rng)
    of_thread = rng.random(int(threads.max()) + 1)  # a thread stays on its platform
    weights = 1.0 / np.arange(1, len(LANGS) + 1) ** 1.3
    pool = label_pool(rng)
    for first in range(0, posts, CHUNK):
        span = slice(first, min(first + CHUNK, posts))
        langs = rng.choice(len(LANGS), size=span.stop - first, p=weights / weights.sum())
        rows = list(_posts(first + 1, seconds[span], threads[span], of_thread, langs))
        connection.executemany(
            "INSERT INTO posts (id, source, source_id, kind, thread_id, author_key, lang, created_at, collected_at, text,"
            " url, score, inclusion_probability, run_id) VALUES (?, ?, ?, 'post', ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
            rows,
        )
        chosen = rng.integers(0, POOL, span.stop - first).tolist()
        connection.executemany(
            f"INSERT INTO labels (post_id, model_id, relevant, p_relevant, category, {', '.join(f'p_{c}' for c in Category)},"
            " polarity, aspects, mentions, labelled_at) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '2026-11-23 00:00:00.000000')",
            ((first + 1 + place, *pool[number]) for place, number in enumerate(chosen)),
        )
    connection.execute("COMMIT")
    for _, sql in indexes:
        connection.execute(sql)
    connection.close()


def _posts(
    number: int,
    seconds: NDArray[np.int64],
    threads: NDArray[np.int64],
    of_thread: NDArray[np.float64],
    langs: NDArray[np.int64],
) -> Iterator[tuple[Any, ...]]:
    moments = np.datetime_as_string(
        np.datetime64(START.replace(tzinfo=None), "s") + seconds.astype("timedelta64[s]")
    ).tolist()
    on_x = (of_thread[threads] < 0.7).tolist()
    for place, (moment, thread, x, lang) in enumerate(
        zip(moments, threads.tolist(), on_x, langs.tolist(), strict=True)
    ):
        at = f"{moment[:10]} {moment[11:]}.000000"
        yield (
            number + place, "x" if x else "reddit", f"{number + place:012}", f"t{thread}", f"{thread * 7919 % 2**31:016x}",
            LANGS[lang] if lang != 22 else None, at, at, TEXTS[(number + place) % len(TEXTS)],
            f"https://example.com/p/{number + place:012}", thread % 50, 0.25 if x else 1.0,
        )  # fmt: skip
