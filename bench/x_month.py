"""A simulated month of X at 100,000 posts a day with 50 dollars: what is spent, how large the sample is, how true its shares are.

    python bench/x_month.py [--quick] [--json] [--seed N] [--budget USD]

The collector, its books, the database, the labelling and the intervals of the shares are Grokwatch's own; clock and X are simulated,
the latter answers inside the process. The world: volumes follow the hour of the day and the day of the week; the mixture of the
categories drifts over the month and differs by language and by hour (complaints about latency peak when everybody is
awake); 40 bursts bring thousands of posts within twenty minutes, half of each in one conversation and mostly about bias;
a part is not about Grok or in none of the five categories. Labels are certain, so that all error is the sample's.

`ours` is the total variation distance between the month's five shares and the world's. The rival buys the newest posts once a day
for the same money; `newest_at_every_visit_error` is what eight visits a day would give. Neither can tell its error. Coverage counts the 95 % intervals that hold the truth, by day, by week and by language.
"""

import argparse
import json
import math
import random
import resource
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import requests
from numpy.typing import NDArray
from requests.adapters import BaseAdapter
from sqlalchemy import Engine, func, select

from classifiers.base import Document, Label, ModelCard
from classifiers.codebook import FIVE, Category
from collectors import x
from collectors.base import Page
from collectors.errors import BudgetSpent
from collectors.x import XAccess
from collectors.x_state import State
from db import schema, spend
from db.engine import open_engine
from db.ingest import store_page
from db.models import Post
from db.periods import Step
from db.runs import finish_run, start_run
from grokwatch.pipeline import classify, store
from insights.shares import Share, shares, total

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
BEFORE = 7 * 24
"""Hours of the world before the month, which X still counts."""
EPOCH_MS = 1_288_834_974_657
LANGS = ("en", "ja", "es")
LANG_SHARES = np.array([0.6, 0.25, 0.15])
OUTCOMES = (*(category.value for category in Category), "irrelevant")
MIXTURE = np.array([0.25, 0.20, 0.15, 0.08, 0.04, 0.18, 0.10])
BY_LANG = np.array([[1, 1, 1, 1, 1, 1, 1], [1.4, 0.6, 0.5, 1.6, 1, 1, 1], [0.8, 1.3, 1.2, 0.8, 1.5, 1, 1]])
BURSTS = 40
BURST_SECONDS = 1200
BURST_POSTS = 2500
PER_DAY = 100_000
VISIT_EVERY = 3
"""Hours."""


class Month:
    """All posts of the simulated world, by hour: second, language, outcome, conversation."""

    def __init__(self, seed: int, days: int) -> None:
        self.days = days
        self._rng = np.random.default_rng(seed)
        hours = BEFORE + days * 24
        self._bursts = {int(at) for at in self._rng.choice(hours, BURSTS * hours // (37 * 24), replace=False)}
        self.hours = [self._hour(hour - BEFORE) for hour in range(hours)]

    def _hour(self, hour: int) -> NDArray[np.int32]:
        rng = self._rng
        day, of_day = divmod(hour, 24)
        level = (1 - 0.5 * math.cos(2 * math.pi * (of_day - 3) / 24)) * (0.85 if day % 7 in {5, 6} else 1.06)
        rows = self._ordinary(int(rng.poisson(PER_DAY / 24 * level)), day, of_day)
        if hour + BEFORE in self._bursts:
            rows = np.concatenate([rows, self._burst(hour)])
        return rows[np.argsort(rows[:, 0], kind="stable")]

    def _ordinary(self, n: int, day: int, of_day: int) -> NDArray[np.int32]:
        rng = self._rng
        drift = np.array([1 - 0.01 * day, 1 + 0.015 * day, 1, 1, 1, 1, 1])
        awake = 1 + 0.5 * math.sin(2 * math.pi * (of_day - 9) / 24)
        hourly = np.array([1, awake, 1, 1, 1, 1, 1])
        langs = rng.choice(3, n, p=LANG_SHARES)
        outcomes = np.zeros(n, dtype=np.int32)
        for lang in range(3):
            mixture = np.clip(MIXTURE * BY_LANG[lang] * drift * hourly, 0.005, None)
            mine = langs == lang
            outcomes[mine] = rng.choice(7, int(mine.sum()), p=mixture / mixture.sum())
        threads = rng.integers(1, 1 << 30, n)
        return np.column_stack([rng.integers(0, 3600, n), langs, outcomes, threads]).astype(np.int32)

    def _burst(self, hour: int) -> NDArray[np.int32]:
        rng = self._rng
        begin = int(rng.integers(0, 3600 - BURST_SECONDS))
        seconds = begin + np.minimum(rng.exponential(BURST_SECONDS / 4, BURST_POSTS), BURST_SECONDS - 1)
        lang = int(rng.choice(3, p=LANG_SHARES))
        outcomes = np.where(
            rng.random(BURST_POSTS) < 0.7, OUTCOMES.index("bias"), rng.choice(7, BURST_POSTS, p=MIXTURE)
        )
        one = (1 << 30) + hour + BEFORE
        threads = np.where(rng.random(BURST_POSTS) < 0.5, one, rng.integers(1, 1 << 30, BURST_POSTS))
        return np.column_stack([seconds, np.full(BURST_POSTS, lang), outcomes, threads]).astype(np.int32)

    def truth(self, first_day: int, last_day: int, lang: str | None = None) -> NDArray[np.float64]:
        """Give the five shares of some days."""
        counts = np.zeros(7)
        for hour in range(BEFORE + first_day * 24, BEFORE + last_day * 24):
            rows = self.hours[hour]
            rows = rows if lang is None else rows[rows[:, 1] == LANGS.index(lang)]
            counts += np.bincount(rows[:, 2], minlength=7)
        return counts[:5] / counts[:5].sum()


class SimulatedX(BaseAdapter):
    """Answers counts and searches of the month, and keeps the platform's bill."""

    def __init__(self, month: Month) -> None:
        super().__init__()
        self.month = month
        self.requests = 0
        self.billed_usd = 0.0
        self._today: tuple[str, set[str]] = ("", set())
        self.now = START

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        """Answer a request."""
        self.requests += 1
        parts = urlsplit(request.url or "")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self._counts(query) if parts.path.endswith("counts/recent") else self._search(query)
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url or "", request
        response.raw = BytesIO(json.dumps(body).encode())
        return response

    def close(self) -> None:
        """There is nothing to close."""

    def _rows(
        self, query: dict[str, str], begin: datetime, end: datetime
    ) -> Iterator[tuple[datetime, NDArray[np.int32]]]:
        langs = [place for place, lang in enumerate(LANGS) if f"-lang:{lang}" not in query["query"]]
        if " lang:" in query["query"]:
            langs = [LANGS.index(query["query"].rsplit("lang:", 1)[1])]
        hour = int((begin - START) // HOUR)
        while START + hour * HOUR < end:
            at = START + hour * HOUR
            rows = self.month.hours[hour + BEFORE]
            low, high = ((moment - at).total_seconds() for moment in (begin, end))
            yield at, rows[(rows[:, 0] >= low) & (rows[:, 0] < high) & np.isin(rows[:, 1], langs)]
            hour += 1

    def _counts(self, query: dict[str, str]) -> dict[str, Any]:
        self.billed_usd += 0.005
        found = self._rows(query, moment(query["start_time"]), moment(query["end_time"]))
        data = [{"start": stamp(at), "end": stamp(at + HOUR), "tweet_count": len(rows)} for at, rows in found]
        return {"data": data, "meta": {"total_tweet_count": sum(entry["tweet_count"] for entry in data)}}

    def _search(self, query: dict[str, str]) -> dict[str, Any]:
        size, below = int(query["max_results"]), int(query.get("next_token", "0"))
        tweets: list[dict[str, Any]] = []
        for at, rows in self._rows(query, moment(query["start_time"]), moment(query["end_time"])):
            tweets += [tweet(at, place, row) for place, row in enumerate(rows.tolist())]
        tweets = [post for post in reversed(tweets) if not below or int(post["id"]) < below]
        page = tweets[:size]
        day = self.now.date().isoformat()
        if self._today[0] != day:
            self._today = (day, set())
        fresh = {post["id"] for post in page} - self._today[1]
        self._today[1].update(fresh)
        self.billed_usd += 0.005 * len(fresh)
        more = {"next_token": page[-1]["id"]} if len(tweets) > size else {}
        return {"data": page, "meta": {"result_count": len(page), **more}}


def tweet(at: datetime, place: int, row: list[int]) -> dict[str, Any]:
    """Write a post; its text names its outcome, which is what the simulated classifier reads."""
    second, lang, outcome, thread = row
    moment = at + timedelta(seconds=second)
    identifier = (int(moment.timestamp() * 1000) - EPOCH_MS) << 22 | lang << 20 | place
    return {
        "id": str(identifier),
        "text": f"Grok: {OUTCOMES[outcome]}",
        "author_id": str(thread % 100_003),
        "conversation_id": str(thread),
        "created_at": stamp(moment),
        "lang": LANGS[lang],
        "public_metrics": {"like_count": 0, "reply_count": 0},
    }


class Certain:
    """Labels a simulated post by what its text says."""

    card = ModelCard(version="simulated", sha256="0" * 64, metrics={})

    def label(self, documents: Iterable[Document]) -> Iterator[Label]:
        """Yield the labels."""
        for document in documents:
            told = document.text.removeprefix("Grok: ")
            category = Category(told) if told != "irrelevant" else None
            yield Label(
                relevant=category is not None,
                p_relevant=float(category is not None),
                category=category,
                probabilities={each: float(each is (category or Category.OTHER)) for each in Category},
                polarity=None,
                aspects=(),
                mentions=(),
                lang=document.lang or "und",
            )


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def collect(engine: Engine, month: Month, *, budget: float, seed: int) -> SimulatedX:
    """Live through the month, a visit every three hours."""
    platform = SimulatedX(month)
    access = XAccess(bearer_token="t", query="grok", base_url="http://x.test")
    ledger = spend.DatabaseLedger(engine, source="x", monthly_budget_usd=budget)
    session = requests.Session()
    session.mount("http://x.test", platform)

    def sleep(seconds: float) -> None:
        platform.now += timedelta(seconds=seconds)

    stream = x.stream(
        access, ledger=ledger, clock=lambda: platform.now, sleep=sleep, rng=random.Random(seed), session=session
    )
    cursor = State(belongs_to=access.counts_are_for, seed=seed, next=START).write()
    with engine.begin() as connection:
        run = start_run(connection, "collect", source="x", now=START)
        page = Page(posts=(), cursor=cursor)
        store_page(connection, page, source="x", run_id=run, now=START, author_hash=str)
        finish_run(connection, run, now=START)
    for visit in range(VISIT_EVERY, month.days * 24 + 1, VISIT_EVERY):
        platform.now = max(platform.now, START + visit * HOUR - timedelta(seconds=1))
        try:
            store(engine, stream, kind="collect", clock=lambda: platform.now, author_hash=str)
        except BudgetSpent as spent:
            print(f"{platform.now:%F %H:%M}: {spent}")
    return platform


def newest_instead(month: Month, posts: int, *, every: int) -> NDArray[np.float64]:
    """Give the five shares of the newest posts every so many hours, for as many posts."""
    counts, left = np.zeros(7), 0.0
    for visit in range(every, month.days * 24 + 1, every):
        left += posts / (month.days * 24 / every)
        rows = month.hours[BEFORE + visit - 1][-int(left) :]
        left -= int(left)
        counts += np.bincount(rows[:, 2], minlength=7)
    return counts[:5] / counts[:5].sum()


def covered(rows: list[Share], truth: NDArray[np.float64]) -> list[bool]:
    """Say of each category's interval whether it holds the truth."""
    by_category = {row.category: row for row in rows}
    told = [by_category[category] for category in FIVE]
    return [
        row.low <= share <= row.high
        for row, share in zip(told, truth, strict=True)
        if row.low is not None and row.high is not None
    ]


def measure(month: Month, *, budget: float, seed: int) -> dict[str, Any]:
    """Collect a month into a fresh database and hold it against the world."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'month.db'}")
        schema.upgrade(engine)
        began = time.process_time()
        platform = collect(engine, month, budget=budget, seed=seed)
        seconds = time.process_time() - began
        classify(engine, Certain(), clock=lambda: platform.now)
        found = judge(engine, month)
        with engine.begin() as connection:
            books = spend.month_spend(connection, "x", "2026-03")
        engine.dispose()
    truth = month.truth(0, month.days)
    daily, often = (newest_instead(month, found["sample"], every=hours) for hours in (24, VISIT_EVERY))
    return {
        **found,
        "spent_usd": round(books.spent_usd, 3),
        "billed_usd": round(platform.billed_usd, 3),
        "budget_usd": budget,
        "requests": platform.requests,
        "rival_error": float(np.abs(daily - truth).sum() / 2),
        "newest_at_every_visit_error": float(np.abs(often - truth).sum() / 2),
        "collector_seconds": round(seconds, 1),
    }


def judge(engine: Engine, month: Month) -> dict[str, Any]:
    """Hold shares and intervals against the truth."""
    days: list[bool] = []
    weeks: list[bool] = []
    langs: list[bool] = []
    end = START + timedelta(days=month.days)
    with engine.begin() as connection:
        sample = connection.scalar(select(func.count()).select_from(Post)) or 0
        weights = connection.scalar(select(func.sum(1 / Post.inclusion_probability))) or 0.0
        whole = total(connection, start=START, end=end)
        by_day: dict[datetime, list[Share]] = {}
        for row in shares(connection, step=Step.DAY, start=START, end=end):
            by_day.setdefault(row.period_start, []).append(row)
        for day, rows in by_day.items():
            number = (day - START).days
            days += covered(rows, month.truth(number, number + 1))
        for first in range(0, month.days - 6, 7):
            span = {"start": START + timedelta(days=first), "end": START + timedelta(days=first + 7)}
            weeks += covered(total(connection, **span), month.truth(first, first + 7))
            for lang in LANGS:
                langs += covered(total(connection, langs=[lang], **span), month.truth(first, first + 7, lang))
    truth = month.truth(0, month.days)
    estimated = np.array([next(row.share for row in whole if row.category is each) or 0.0 for each in FIVE])
    volume = sum(len(rows) for rows in month.hours[BEFORE:])
    return {
        "posts": volume,
        "sample": sample,
        "weights_over_posts": round(weights / volume, 4),
        "ours": float(np.abs(estimated - truth).sum() / 2),
        "largest_error": float(np.abs(estimated - truth).max()),
        "half_width_month": max((row.high or 0) - (row.low or 0) for row in whole) / 2,
        "coverage_month": float(np.mean(covered(whole, truth))),
        "coverage_days": float(np.mean(days)),
        "coverage_weeks": float(np.mean(weeks)) if weeks else None,
        "coverage_weeks_by_language": float(np.mean(langs)) if langs else None,
        "intervals": len(days) + len(weeks) + len(langs),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="A simulated month of X.")
    parser.add_argument("--json", action="store_true", help="print nothing but the result")
    parser.add_argument("--quick", action="store_true", help="the first three days, with a tenth of the money")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", type=float, default=50.0)
    options = parser.parse_args()
    month = Month(options.seed, 3 if options.quick else 31)
    found = measure(month, budget=options.budget, seed=options.seed)
    if not options.json:
        for name, value in found.items():
            print(f"{name:28} {value:.4f}" if isinstance(value, float) else f"{name:28} {value}")
    error = found.pop("ours")
    result = {
        "bench": "x_month",
        "ours": round(error, 5),
        "rival": round(found["rival_error"], 5),
        "rival_name": "the newest posts once a day, for the same money",
        "ratio": round(found.pop("rival_error") / max(error, 1e-9), 2),
        "goal": 1.0,
        "unit": "total variation distance of the month's five shares",
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        **found,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
