"""A simulated week of Reddit at the limit of 100 requests a minute: how late posts come in, and what is lost.

    python bench/reddit_week.py [--quick] [--json] [--every SECONDS] [--seed N]

The watched communities post at about their real rates, by night less than by day; one item in fifty appears late. On the fourth
evening something is released and everybody writes, r/grok twenty times as much as usual; on the sixth day the machine sleeps
for nine hours. The walks, their cursors, the rounds of threads and the pacing are Grokwatch's own and run on a simulated clock;
listings are held in memory instead of being sent over HTTP, and end after 1,000 items as Reddit's do.

`ours` is the share of the posts naming Grok that were stored. What was lost must lie in a hole that was told: `lost_untold` counts
the rest. The rival asks each listing at the same moments for its newest hundred items, as a simple poller does.
"""

import argparse
import json
import resource
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import structlog

from collectors.base import Collector, Cursor, Hole, Kind, RawPost
from collectors.pacing import Pacer
from collectors.reddit_access import PER_MINUTE, Thread
from collectors.reddit_threads import ThreadStream
from collectors.reddit_walk import Slice, Walk

START = datetime(2026, 3, 2, tzinfo=UTC)
EPOCH = START.timestamp()
PAGE = 100
ENDS_AT = 1000
ANSWER_SECONDS = 0.25
COMMENTS_AN_HOUR = {
    "grok": 250, "singularity": 600, "artificial": 150, "OpenAI": 500, "ChatGPT": 1200, "ClaudeAI": 700, "LocalLLaMA": 450,
    "ArtificialInteligence": 200, "GeminiAI": 250, "Bard": 60, "perplexity_ai": 60, "DeepSeek": 50, "MistralAI": 30,
    "accelerate": 120, "agi": 40, "MachineLearning": 80, "PromptEngineering": 40, "technology": 1500, "Futurology": 250,
    "programming": 200, "learnprogramming": 150, "teslamotors": 150, "elonmusk": 60, "Twitter": 80, "newsokur": 200,
    "lowlevelaware": 60, "de": 900, "france": 900, "brasil": 800, "mexico": 600, "argentina": 900, "italy": 500,
    "Polska": 500, "korea": 80, "Turkey": 400, "arabs": 40, "india": 1500,
}  # fmt: skip
ABOUT_GROK = {"grok": 1.0, "elonmusk": 0.2, "singularity": 0.05, "Twitter": 0.1}
ELSEWHERE = 0.01
SUBMISSIONS = 0.06
"""For each comment."""
RELEASE = (timedelta(days=3, hours=18), timedelta(days=3, hours=21))
ASLEEP = (timedelta(days=5, hours=1), timedelta(days=5, hours=10))
SUMMARY = (
    "requests",
    "busiest_minute",
    "visible",
    "stored",
    "lost",
    "lost_untold",
    "holes",
    "lag_median_s",
    "lag_p95_s",
)


class Clock:
    """The simulated clock; its sleep takes no time."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """Give the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the seconds pass."""
        self.now += timedelta(seconds=seconds)


@dataclass
class Requests:
    """All that is asked goes through here, at one pace."""

    clock: Clock
    pacer: Pacer = field(default_factory=lambda: Pacer(PER_MINUTE))
    count: int = 0
    busiest_minute: int = 0
    recent: deque[datetime] = field(default_factory=deque)

    def ask(self) -> None:
        """Wait for the turn, and for the answer."""
        self.clock.sleep(self.pacer.wait(self.clock()))
        now = self.clock()
        self.count += 1
        self.recent.append(now)
        while self.recent[0] <= now - timedelta(minutes=1):
            self.recent.popleft()
        self.busiest_minute = max(self.busiest_minute, len(self.recent))
        self.clock.sleep(ANSWER_SECONDS)


@dataclass
class Board:
    """A listing: moments in whole seconds since the start, sorted, and what the rival and we have of them."""

    name: str
    kind: Kind
    created: np.ndarray
    appears: np.ndarray
    named: np.ndarray
    requests: Requests
    overlap: timedelta = timedelta(minutes=15)
    short: int = PAGE
    most_pages: int = 20
    reads_full: bool = True

    def __post_init__(self) -> None:
        self.stored = np.full(self.created.size, np.nan)
        self.polled = np.zeros(self.created.size, bool)

    def held(self) -> np.ndarray:
        """Give the items that the listing shows now, newest first."""
        now = self.requests.clock().timestamp() - EPOCH
        top = int(self.created.searchsorted(now, "right"))
        window = np.arange(max(0, top - ENDS_AT - 100), top)
        return window[self.appears[window] <= now][-ENDS_AT:][::-1]

    def page(self, after: str | None, tag: tuple[str, str]) -> Slice:
        """Give a page of them."""
        del tag
        self.requests.ask()
        held = self.held()
        begin = 0
        if after is None:
            self.polled[held[:PAGE]] = True
        else:
            found = np.flatnonzero(held == int(after))
            if not found.size:
                return Slice()
            begin = int(found[0]) + 1
        page = held[begin : begin + PAGE].tolist()
        moments = [START + timedelta(seconds=int(self.created[number])) for number in page]
        posts = tuple(
            RawPost(
                source="reddit",
                source_id=str(number),
                kind=self.kind,
                thread_id=str(number),
                created_at=moment,
                text="",
            )
            for number, moment in zip(page, moments, strict=True)
            if self.named[number]
        )
        last = str(page[-1]) if page and begin + PAGE < held.size else None
        return Slice(posts=posts, moments=tuple(moments), names=tuple(map(str, page)), after=last)

    def store(self, posts: tuple[RawPost, ...]) -> None:
        """Note when posts came in first."""
        numbers = [int(post.source_id) for post in posts]
        fresh = [number for number in numbers if np.isnan(self.stored[number])]
        self.stored[fresh] = self.requests.clock().timestamp() - EPOCH


class Threads:
    """Answers for threads as `RedditClient` would; only their number matters here."""

    def __init__(self, requests: Requests, boards: list[Board]) -> None:
        self.requests = requests
        self.boards = [board for board in boards if board.kind is Kind.SUBMISSION]

    def get(self, path: str, params: object) -> list[Any]:
        """Answer with an empty thread."""
        del path, params
        self.requests.ask()
        return [{"kind": "Listing", "data": {"children": []}}] * 2

    def since(self, moment: datetime) -> list[Thread]:
        """Give the submissions that are stored."""
        since = moment.timestamp() - EPOCH
        return [
            Thread(
                source_id=f"t3_{board.name}{number}",
                created_at=START + timedelta(seconds=int(board.created[number])),
                collected_at=START + timedelta(seconds=float(board.stored[number])),
            )
            for board in self.boards
            for number in np.flatnonzero((board.created >= since) & ~np.isnan(board.stored)).tolist()
        ]


def make_board(
    chance: np.random.Generator, requests: Requests, name: str, kind: Kind, hourly: float, days: float
) -> Board:
    moments: list[np.ndarray] = []
    for hour in range(int(days * 24)):
        begin = timedelta(hours=hour)
        level = 1 - 0.6 * np.cos(2 * np.pi * (hour % 24) / 24)
        if RELEASE[0] <= begin < RELEASE[1]:
            level *= 20 if name == "grok" else 3
        moments.append(hour * 3600 + chance.integers(0, 3600, chance.poisson(hourly * level)))
    created = np.sort(np.concatenate(moments))
    late = np.where(chance.random(created.size) < 0.02, chance.exponential(180, created.size), 0)
    named = chance.random(created.size) < ABOUT_GROK.get(name, ELSEWHERE)
    return Board(name=name, kind=kind, created=created, appears=created + late, named=named, requests=requests)


def simulate(days: float, every: float, seed: int) -> dict[str, Any]:
    chance, clock = np.random.default_rng(seed), Clock()
    requests = Requests(clock)
    boards = [
        make_board(chance, requests, name, kind, hourly * share, days)
        for kind, share in ((Kind.SUBMISSION, SUBMISSIONS), (Kind.COMMENT, 1.0))
        for name, hourly in COMMENTS_AN_HOUR.items()
    ]
    by_stream = {f"{board.kind}/{board.name}": board for board in boards}
    streams: list[Collector] = [
        Walk(source="reddit", stream=stream, listing=board, clock=clock) for stream, board in by_stream.items()
    ]
    threads = Threads(requests, boards)
    streams.append(ThreadStream(threads, threads.since, clock=clock))  # type: ignore[arg-type]  # it only ever calls get
    cursors: dict[str, Cursor | None] = {}
    holes: list[Hole] = []
    rounds: list[float] = []
    end = START + timedelta(days=days)
    while clock() < end:
        began = clock()
        if ASLEEP[0] <= began - START < ASLEEP[1]:
            clock.now = began = START + ASLEEP[1]
        for stream in streams:
            for page in stream.pages(cursors.get(stream.stream)):
                if page.posts:
                    by_stream[stream.stream].store(page.posts)
                cursors[stream.stream] = page.cursor
                holes += page.holes
        rounds.append((clock() - began).total_seconds())
        clock.sleep(max(0.0, every - rounds[-1]))
    return measured(by_stream, holes, rounds, requests, clock)


def measured(
    by_stream: dict[str, Board], holes: list[Hole], rounds: list[float], requests: Requests, clock: Clock
) -> dict[str, Any]:
    until = clock().timestamp() - EPOCH - 900  # what appeared in the last quarter of an hour may still be under way
    visible = stored = polled = untold = never_shown = 0
    lags: list[np.ndarray] = []
    for stream, board in by_stream.items():
        above = board.created.searchsorted(board.appears, "right") - np.arange(board.created.size) - 1
        appeared = board.named & (board.appears < until)
        wanted = appeared & (above < ENDS_AT)  # what appears below the last place of a listing is in none
        never_shown += int((appeared & ~wanted).sum())
        got = wanted & ~np.isnan(board.stored)
        spans = [
            (hole.starts_at.timestamp() - EPOCH, hole.ends_at.timestamp() - EPOCH)
            for hole in holes
            if hole.stream == stream
        ]
        for moment in board.created[wanted & ~got].tolist():
            untold += not any(begin <= moment < finish for begin, finish in spans)
        visible, stored, polled = visible + wanted.sum(), stored + got.sum(), polled + (wanted & board.polled).sum()
        lags.append((board.stored - board.appears)[got])
    lag = np.concatenate(lags)
    median, p95, p99, longest = (round(float(value), 1) for value in np.percentile(lag, (50, 95, 99, 100)))
    return {
        "requests": requests.count,
        "busiest_minute": requests.busiest_minute,
        "items": int(sum(board.created.size for board in by_stream.values())),
        "visible": int(visible),
        "stored": int(stored),
        "lost": int(visible - stored),
        "lost_untold": int(untold),
        "never_shown": never_shown,
        "holes": len(holes),
        "lag_median_s": median,
        "lag_p95_s": p95,
        "lag_p99_s": p99,
        "lag_max_s": longest,
        "round_median_s": round(float(np.median(rounds)), 1),
        "round_max_s": round(max(rounds), 1),
        "ours": round(float(stored / visible), 5),
        "rival": round(float(polled / visible), 5),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one day")
    parser.add_argument("--json", action="store_true", help="print the object alone")
    parser.add_argument("--every", type=float, default=60.0, help="seconds from the start of a round to the next")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    began = time.perf_counter()
    found = simulate(1.0 if options.quick else 7.0, options.every, options.seed)
    result = {
        "bench": "reddit_week",
        **found,
        "rival_name": "the newest hundred at every visit",
        "ratio": round(found["ours"] / found["rival"], 4),
        "goal": 1.0,
        "must": "lost_untold = 0, busiest_minute <= 100",
        "unit": "share of visible posts stored",
        "days": 1 if options.quick else 7,
        "seconds": round(time.perf_counter() - began, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    if not options.json:
        for name in SUMMARY:
            print(f"{name:>16}  {result[name]:,}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
