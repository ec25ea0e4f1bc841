"""Collects a random world from platforms with random faults, by processes that are killed at random, and compares with the truth.

Every process is real and killed by SIGKILL, the requests go over real HTTP, the database is a real one; the clock is simulated
and shared, so that hours pass in seconds.
"""

import logging
import multiprocessing
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import structlog
from platforms.faults import Fault, FaultPlan
from platforms.reddit_server import CLIENT_ID, CLIENT_SECRET, RedditServer, fullname
from platforms.shared_clock import SharedClock
from platforms.world import HOUR, START, Channel, Post, World
from platforms.x_server import TOKEN, XServer, first_id
from sqlalchemy import func, select

from db import schema, spend
from db.engine import open_engine
from db.models import Hole, Run
from db.models import Post as StoredPost
from grokwatch.jobs import Jobs
from grokwatch.settings import RedditSettings, ScheduleSettings, Settings, XSettings

COMMUNITIES = ("grok", "artificial")
BEGIN = START + timedelta(hours=20)
SETTLED = timedelta(minutes=25)
"""So long after its time a post that appeared late has come to light."""

HONOURED = timedelta(hours=24)
"""After so long a post that went must be gone here."""

ENOUGH_USD = 200.0
"""Money for all posts of X's worlds; with less they are sampled, and what was not drawn is not lost."""

VISIT_SECONDS = 120
PRELOADED = ["platforms.siege"]


@dataclass(kw_only=True)
class Outcome:
    """What became of one world; `lost`, `ghosts`, `stale` and `overspent` must be empty or zero."""

    seed: int
    kills: int = 0
    visits: int = 0
    faults: Counter[Fault] = field(default_factory=Counter[Fault])
    requests: int = 0
    busiest_minute: int = 0
    refused: int = 0
    visible: int = 0
    stored: int = 0
    buried: int = 0
    holes: int = 0
    lost: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Visible, not stored, and in no hole."""
    ghosts: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Stored as standing, but gone for longer than a day, or never posted."""
    doubled: int = 0
    budget_usd: float = 0.0
    spent_usd: float = 0.0
    billed_usd: float = 0.0
    left_running: int = 0
    """Runs that nobody closed, other than the last one of a kind."""


def worlds(seed: int) -> tuple[World, World]:
    """Draw the world of Reddit and that of X."""
    chance = random.Random(seed)
    reddit = World(
        seed=seed,
        channels=(
            Channel(name="grok", submissions_per_hour=chance.uniform(0.5, 1.5), comments_per_hour=chance.uniform(2, 6), grok_share=0.8),
            Channel(name="artificial", submissions_per_hour=0.5, comments_per_hour=chance.uniform(1, 4)),
            Channel(name="elsewhere", submissions_per_hour=0.5, comments_per_hour=0),
            Channel(name="hidden", state=chance.choice(("private", "banned", "quarantined"))),
        ),
        late=chance.uniform(0, 0.1), edited=chance.uniform(0, 0.1), gone=chance.uniform(0, 0.15),
    )  # fmt: skip
    rate = chance.uniform(2, 8)
    x = World(
        seed=seed + 1000,
        channels=(Channel(name="x", submissions_per_hour=rate, comments_per_hour=rate, grok_share=1.0),),
        late=0.0, edited=chance.uniform(0, 0.05), gone=chance.uniform(0, 0.15), crossposted=0.0,
    )  # fmt: skip
    return reddit, x


def settings_for(database_url: str, reddit_url: str, x_url: str, budget: float) -> Settings:
    """Point Grokwatch to the test servers."""
    return Settings(
        database_url=database_url,
        reddit=RedditSettings(
            client_id=CLIENT_ID, client_secret=CLIENT_SECRET, subreddits=(*COMMUNITIES, "hidden"), reddit_url=reddit_url,
            oauth_url=reddit_url, timeout_seconds=0.6, user_agent="python:grokwatch-tests:v1",
        ),
        x=XSettings(
            bearer_token=TOKEN, base_url=x_url, query="grok", monthly_budget_usd=budget, timeout_seconds=0.6,
            languages=("en", "ja"),
        ),
        schedule=ScheduleSettings(reddit_recheck_hours=1, x_recheck_hours=4),
    )  # fmt: skip


def hashed(name: str) -> str:
    """Stand for the keyed hash."""
    return f"key of {name}"


def no_classifier() -> None:
    """Nothing is labelled here."""
    raise NotImplementedError


def work(given: Settings, clock_file: Path, steps: tuple[str, ...], told: Connection) -> None:
    """Do what the scheduler would do, telling of every page; runs in a process of its own."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    engine = open_engine(given.database_url)
    clock = SharedClock(clock_file)
    jobs = Jobs(
        given, engine, clock=clock, author_hash=hashed, load_classifier=no_classifier, halt=threading.Event(),
        sleep=clock.sleep,
    )  # fmt: skip
    for step in steps:
        if step == "compliance":
            told.send("page")
            jobs.comply()
        else:
            jobs.collect(step, on_page=lambda *_: told.send("page"))
    told.send("done")
    jobs.close()
    engine.dispose()


class Siege:
    """One world with its servers and its database."""

    def __init__(
        self, seed: int, database_url: str, folder: Path, *, budget: float = 400.0, faults: float = 0.3
    ) -> None:
        self.chance = random.Random(seed * 7 + 1)
        self.outcome = Outcome(seed=seed, budget_usd=budget)
        self.buys_all = budget >= ENOUGH_USD
        self.clock_file = folder / f"clock-{seed}"
        self.clock = SharedClock(self.clock_file, BEGIN)
        self.reddit_world, self.x_world = worlds(seed)
        self.plans = [FaultPlan.random(seed * 2 + number, total=faults) for number in (0, 1)]
        self.engine = open_engine(database_url)
        schema.upgrade(self.engine)
        self.database_url = database_url
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(PRELOADED)

    def run(self, kills: int) -> Outcome:
        """Let time pass, collect and kill, then let one process finish and compare."""
        with ExitStack() as stack:
            self.reddit = stack.enter_context(RedditServer(self.reddit_world, self.clock, self.plans[0]))
            self.x = stack.enter_context(XServer(self.x_world, self.clock, self.plans[1]))
            stack.callback(self.engine.dispose)
            stack.callback(self.clock.close)
            for server in (self.reddit, self.x):
                server.hold_seconds = 0.8
            self.settings = settings_for(self.database_url, self.reddit.url, self.x.url, self.outcome.budget_usd)
            while self.outcome.kills < kills:
                self._visit(self.chance.randrange(12))
                self.clock.move(timedelta(minutes=self.chance.uniform(0, 30)))
            self.clock.move(HOUR)
            for plan in self.plans:
                plan.rates = {}
            self._visit(None)
            self.clock.move(timedelta(hours=25))
            self._visit(None)  # asks for everything that was stored before
            self._judge()
        return self.outcome

    def _visit(self, kill_after: int | None) -> None:
        """Work in a process; kill it so many pages later, at any moment of the next one."""
        steps = ["reddit", "x", "compliance"]
        if kill_after is not None:
            self.chance.shuffle(steps)
        mine, its = self.context.Pipe(duplex=False)
        process = self.context.Process(target=work, args=(self.settings, self.clock_file, tuple(steps), its))
        process.start()
        its.close()
        self.outcome.visits += 1
        deadline = time.monotonic() + VISIT_SECONDS
        said = ""
        try:
            while said != "done" and time.monotonic() < deadline:
                if not mine.poll(0.2):
                    if not process.is_alive() and not mine.poll(0):
                        break
                    continue
                try:
                    said = mine.recv()
                except EOFError:
                    break
                if kill_after is not None and said == "page":
                    kill_after -= 1
                    if kill_after < 0:
                        time.sleep(self.chance.random() * 0.03)
                        process.kill()
                        self.outcome.kills += 1
                        break
        finally:
            if process.is_alive() and said != "done":
                process.kill()
            process.join()
            mine.close()
        assert said == "done" or kill_after is not None, f"the process ended with {process.exitcode}"

    def _judge(self) -> None:
        now, found = self.clock(), self.outcome
        visible = {("reddit", fullname(post)): post for post in self._shown_by_reddit(now)}
        visible |= {("x", str(first_id(post))): post for post in self._shown_by_x(now)}
        with self.engine.connect() as connection:
            rows = connection.execute(select(StoredPost.source, StoredPost.source_id, StoredPost.deleted_at)).all()
            holes = connection.execute(select(Hole.source, Hole.starts_at, Hole.ends_at)).all()
            books = spend.month_spend(connection, "x", "2026-03")
            found.left_running = connection.scalar(select(func.count()).select_from(Run).where(Run.status == "running"))
        standing = {(row.source, row.source_id) for row in rows if row.deleted_at is None}
        known = {(row.source, row.source_id) for row in rows}
        settled = {name: post for name, post in visible.items() if post.appears_at <= now - SETTLED}

        def in_a_hole(name: tuple[str, str], post: Post) -> bool:
            return any(h.source == name[0] and h.starts_at <= post.created_at <= h.ends_at for h in holes)

        found.visible, found.stored = len(settled), len(standing)
        found.buried, found.holes = len(known) - len(standing), len(holes)
        found.lost = {
            name
            for name, post in settled.items()
            if name not in standing and not in_a_hole(name, post) and (name[0] == "reddit" or self.buys_all)
        }
        found.ghosts = {name for name in standing if not self._stood(name, now - HONOURED)}
        found.doubled = len(rows) - len(known)
        found.spent_usd, found.billed_usd = books.spent_usd, self.x.billed_usd
        found.requests = len(self.reddit.requests) + len(self.x.requests)
        found.busiest_minute = self.reddit.busiest_minute
        found.refused = self.reddit.refused + self.x.refused
        found.faults = self.plans[0].dealt + self.plans[1].dealt

    def _stood(self, name: tuple[str, str], at: datetime) -> bool:
        """Tell whether a stored post is one of its world's and stood at a moment, or came later."""
        source, source_id = name
        post = self.reddit_world.post(int(source_id[3:], 36)) if source == "reddit" else self.x._post(int(source_id))
        return post is not None and not post.is_gone(at)

    def _shown_by_reddit(self, now: datetime) -> Iterator[Post]:
        for post in self.reddit_world.between(START, now):
            watched = post.channel in COMMUNITIES
            wanted = post.names_grok or post.channel == "grok"
            if post.channel != "hidden" and post.is_visible(now) and wanted and (watched or post.is_submission):
                yield post

    def _shown_by_x(self, now: datetime) -> Iterator[Post]:
        for post in self.x_world.between(START, now):
            if post.names_grok and self.x.is_visible(post, now):
                yield post


def besiege(seed: int, *, kills: int, database_url: str | None = None, **options: float) -> Outcome:
    """Collect one world through faults and kills, in a SQLite file unless a database is given."""
    folder = Path(tempfile.mkdtemp(prefix="grokwatch-siege-"))
    try:
        return Siege(seed, database_url or f"sqlite:///{folder}/siege.db", folder, **options).run(kills)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
