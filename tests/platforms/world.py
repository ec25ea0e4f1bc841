"""A world of posts over time, the same for the same seed: what was posted when, and what became of it.

The world is made hour by hour, on demand, so that a month of it needs no more memory than the hours in hand. Every text was
written for this project. The platform servers show the world as it stands at a moment; the tests ask it what they should have
seen.
"""

import random
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import cos, pi
from threading import Lock

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
PER_HOUR = 1_000_000
"""Numbers are hour times this plus place in the hour, so they grow with time as the platforms' ids do."""

THREAD_HOURS = 13
"""An answer comes in the hour of its submission or in the twelve after it."""

TEXTS: dict[str, dict[str, tuple[str, ...]]] = {
    "excitement": {
        "en": (
            "Grok just wrote my whole itinerary, I can't wait for the next version",
            "grok 4.1 is wild, look at this",
        ),
        "ja": ("グロックの新版、わくわくが止まらない", "Grok 4.1 試したら面白すぎた"),
        "es": ("Grok me dejó con la boca abierta, qué ganas de más",),
    },
    "latency": {
        "en": ("Grok has been loading for two minutes again", "Is grok down? Error after error here"),
        "ja": ("グロックが重い、さっきから返事が来ない",),
        "es": ("Grok está lentísimo hoy & no responde <nada>",),
    },
    "bias": {
        "en": ("Grok dodges every question about its owner", "asked grok twice, got two opposite party lines"),
        "ja": ("Grokの答え、どうも偏っている気がする",),
        "es": ("Grok solo cuenta un lado de la historia",),
    },
    "satisfaction": {
        "en": ("grok fixed my regex on the first try", "Grok's summary of the paper was spot on"),
        "ja": ("グロックの要約が正確で助かった",),
        "es": ("Grok me resolvió el problema de la base de datos",),
    },
    "abandonment": {
        "en": ("cancelled SuperGrok, going back to my old tools", "stopped opening Grok weeks ago, don't miss it"),
        "ja": ("もうGrokは使っていない、解約した",),
        "es": ("Dejé Grok, ya no me interesa",),
    },
}
SHARES = {"excitement": 0.35, "latency": 0.30, "bias": 0.20, "satisfaction": 0.10, "abandonment": 0.05}
LANGUAGES = {"en": 0.6, "ja": 0.25, "es": 0.15}
OTHER_TEXTS = (
    "What is everyone reading this weekend?",
    "Our build is green again",
    "今日はいい天気",
    "That's what I thought & said",
)
MORE = ("", " Anyone else?", " Just saying.", " (second day in a row)", " 😂", "\n\nThoughts?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A subreddit, or all of X: how much is posted, and how much of it names Grok.

    `state` is `public`, `private`, `quarantined`, `banned` or `unknown`.
    """

    name: str
    submissions_per_hour: float = 2.0
    comments_per_hour: float = 10.0
    grok_share: float = 0.3
    state: str = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What was posted, and what became of it: `thread` and `parent` are numbers, a submission's thread is itself."""

    number: int
    channel: str
    author: str
    created_at: datetime
    appears_at: datetime
    text: str
    title: str | None
    lang: str
    label: str | None
    thread: int
    parent: int | None = None
    crosspost_of: int | None = None
    edited_at: datetime | None = None
    edited_text: str = ""
    gone_at: datetime | None = None
    gone_how: str = ""
    """`deleted` by its author or `removed` by a moderator."""

    @property
    def is_submission(self) -> bool:
        return self.parent is None

    @property
    def names_grok(self) -> bool:
        return self.label is not None

    def is_visible(self, now: datetime) -> bool:
        return self.appears_at <= now and not self.is_gone(now)

    def is_gone(self, now: datetime) -> bool:
        return self.gone_at is not None and self.gone_at <= now

    def is_edited(self, now: datetime) -> bool:
        return self.edited_at is not None and self.edited_at <= now

    def text_at(self, now: datetime) -> str:
        return self.edited_text if self.is_edited(now) else self.text


@dataclass(frozen=True, kw_only=True)
class World:
    """All that is posted from `start` on.

    The shares of posts that appear late, are edited, deleted or removed, and the longest delay of each.
    """

    seed: int = 1
    start: datetime = START
    channels: tuple[Channel, ...] = (Channel(name="grok", grok_share=0.9), Channel(name="artificial"))
    late: float = 0.03
    latest: timedelta = timedelta(minutes=10)
    edited: float = 0.03
    gone: float = 0.03
    crossposted: float = 0.02
    rhythm: float = 0.6
    """How strongly the hours of the day differ, from 0 to 1."""
    labels: dict[str, float] = field(default_factory=lambda: dict(SHARES))
    _kept: "_Kept" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_kept", _Kept())

    def between(self, begin: datetime, end: datetime, channel: str | None = None) -> Iterator[Post]:
        """Yield what was created from `begin` until before `end`, in order."""
        first = max(0, int((begin - self.start) // HOUR))
        last = int((end - self.start) // HOUR)
        for hour in range(first, last + 1):
            for post in self._hour(hour).posts:
                if begin <= post.created_at < end and channel in {None, post.channel}:
                    yield post

    def newest_first(self, now: datetime, channel: str | None = None) -> Iterator[Post]:
        """Yield what was created until now from the newest to the oldest, visible or not."""
        for hour in range(int((now - self.start) // HOUR), -1, -1):
            for post in reversed(self._hour(hour).posts):
                if post.created_at <= now and channel in {None, post.channel}:
                    yield post

    def post(self, number: int) -> Post | None:
        """Find a post by its number."""
        return self._hour(number // PER_HOUR).by_number.get(number) if number >= 0 else None

    def channel(self, name: str) -> Channel | None:
        """Find a channel by its name, in any case."""
        return next((channel for channel in self.channels if channel.name.lower() == name.lower()), None)

    def thread(self, number: int, now: datetime) -> list[Post]:
        """Give the comments of a submission that have been written until now, in order."""
        first = number // PER_HOUR
        last = min(first + THREAD_HOURS, int((now - self.start) // HOUR))
        comments = [post for hour in range(first, last + 1) for post in self._hour(hour).replies.get(number, ())]
        return [post for post in comments if post.created_at <= now]

    def _hour(self, hour: int) -> "_Hour":
        made = self._kept.get(hour)
        if made is None:
            made = _Hour(self._make(hour))
            self._kept.put(hour, made)
        return made

    def _make(self, hour: int) -> tuple[Post, ...]:
        openings = {post.number: post for post in self._openings(hour)}
        posts: list[Post] = []
        for number, created_at, channel, submission in self._drafts(hour):
            chance = random.Random(f"{self.seed}:{number}")
            if submission:
                posts.append(self._maybe_crossposted(chance, openings[number]))
                continue
            parent = self._parent(chance, hour, posts, channel.name)
            if parent is not None:
                posts.append(self._post(chance, number, channel, created_at, parent))
        return tuple(posts)

    def _drafts(self, hour: int) -> list[tuple[int, datetime, Channel, bool]]:
        """Draw when something is posted where, before anything is known of it."""
        chance = random.Random(f"{self.seed}:{hour}:drafts")
        begin = self.start + hour * HOUR
        level = 1 - self.rhythm * cos(2 * pi * begin.hour / 24)
        drawn: list[tuple[int, int, bool]] = []
        for index, channel in enumerate(self.channels):
            for mean, submission in ((channel.submissions_per_hour, True), (channel.comments_per_hour, False)):
                drawn += [(chance.randrange(3600), index, submission) for _ in range(_poisson(chance, mean * level))]
        return [
            (hour * PER_HOUR + place, begin + timedelta(seconds=second), self.channels[index], submission)
            for place, (second, index, submission) in enumerate(sorted(drawn))
        ]

    def _openings(self, hour: int) -> list[Post]:
        """Give the submissions of an hour; they depend on no other hour."""
        if hour < 0:
            return []
        kept = self._kept.get(-1 - hour)
        if kept is None:
            kept = _Hour(
                tuple(
                    self._post(random.Random(f"{self.seed}:{number}:opening"), number, channel, created_at, None)
                    for number, created_at, channel, submission in self._drafts(hour)
                    if submission
                )
            )
            self._kept.put(-1 - hour, kept)
        return list(kept.posts)

    def _post(
        self, chance: random.Random, number: int, channel: Channel, created_at: datetime, parent: Post | None
    ) -> Post:
        label = _pick(chance, self.labels) if chance.random() < channel.grok_share else None
        lang = _pick(chance, LANGUAGES) if label else "en"
        stock = OTHER_TEXTS if label is None else TEXTS[label].get(lang, TEXTS[label]["en"])
        text = chance.choice(stock) + chance.choice(MORE)
        appears_at, edited_at, gone_at = created_at, None, None
        if chance.random() < self.late:
            appears_at += self.latest * chance.random()
        if chance.random() < self.edited:
            edited_at = appears_at + timedelta(seconds=round(60 + chance.expovariate(1 / 1800)))
        if chance.random() < self.gone:
            gone_at = appears_at + timedelta(seconds=round(60 + chance.expovariate(1 / 7200)))
        return Post(
            number=number,
            channel=channel.name,
            author=f"writer{chance.randrange(5_000)}",
            created_at=created_at,
            appears_at=appears_at,
            text="" if parent is None and chance.random() < 0.3 else text,
            title=text.split("\n")[0] if parent is None else None,
            lang=lang,
            label=label,
            thread=number if parent is None else parent.thread,
            parent=None if parent is None else parent.number,
            edited_at=edited_at,
            edited_text=f"{text} [Edit: typo]",
            gone_at=gone_at,
            gone_how=chance.choice(("deleted", "removed")),
        )

    def _parent(self, chance: random.Random, hour: int, before: list[Post], channel: str) -> Post | None:
        """Pick what is answered: something of this hour, or a submission of the twelve hours before."""
        for _ in range(4):
            back = chance.randrange(THREAD_HOURS)
            pool = [post for post in (self._openings(hour - back) if back else before) if post.channel == channel]
            if pool:
                return chance.choice(pool)
        return None

    def _maybe_crossposted(self, chance: random.Random, post: Post) -> Post:
        if chance.random() >= self.crossposted:
            return post
        pool = [other for other in self._openings(post.number // PER_HOUR - 1) if other.channel != post.channel]
        return replace(post, text="", edited_at=None, crosspost_of=chance.choice(pool).number) if pool else post


class _Hour:
    def __init__(self, posts: tuple[Post, ...]) -> None:
        self.posts = posts
        self.by_number = {post.number: post for post in posts}
        self.replies: dict[int, list[Post]] = {}
        for post in posts:
            if not post.is_submission:
                self.replies.setdefault(post.thread, []).append(post)


class _Kept:
    """The hours made last, for as long as they are not too many posts; server threads share it."""

    def __init__(self, most: int = 200_000) -> None:
        self._hours: OrderedDict[int, _Hour] = OrderedDict()
        self._posts, self._most = 0, most
        self._lock = Lock()

    def get(self, hour: int) -> _Hour | None:
        with self._lock:
            if hour in self._hours:
                self._hours.move_to_end(hour)
            return self._hours.get(hour)

    def put(self, hour: int, made: _Hour) -> None:
        with self._lock:
            if hour not in self._hours:
                self._hours[hour] = made
                self._posts += len(made.posts) + 1
            while self._posts > self._most and len(self._hours) > 1:
                self._posts -= len(self._hours.popitem(last=False)[1].posts) + 1


def _pick(chance: random.Random, weights: dict[str, float]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _poisson(chance: random.Random, mean: float) -> int:
    """Draw a count; above 50 the normal distribution is near enough."""
    if mean > 50:
        return max(0, round(chance.gauss(mean, mean**0.5)))
    count, left = 0, chance.expovariate(1.0)
    while left < mean:
        count, left = count + 1, left + chance.expovariate(1.0)
    return count
