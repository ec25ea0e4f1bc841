"""Plays X: counts, recent search and look-up of a generated world, with X's limits, refusals and bill.

Posts are filed under their newest version's id, which holds its time as X's ids do. A post is billed once on a UTC day, also where
the answer is cut off on the way.
"""

import base64
import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

from platforms.faults import Fault, FaultPlan
from platforms.serving import Clock, PlatformServer, Reply, Request
from platforms.world import PER_HOUR, Post, World

TOKEN: Final = "a-bearer-of-the-tests"
EPOCH_MS: Final = 1_288_834_974_657
WEEK: Final = timedelta(days=7)
WINDOW: Final = 900
HOUR: Final = timedelta(hours=1)
EDITABLE: Final = timedelta(hours=1)
LANG_CODES: Final = {"he": "iw", "id": "in"}
USAGE_CAPPED: Final = Reply(
    status=429,
    body={
        "title": "UsageCapExceeded",
        "detail": "Usage cap exceeded: Monthly product cap",
        "type": "https://api.twitter.com/2/problems/usage-capped",
        "status": 429,
        "period": "Monthly",
        "scope": "Product",
    },
)
NO_CREDIT: Final = Reply(
    status=402,
    body={
        "title": "CreditsDepleted",
        "detail": "Your enrolled account does not have any credits to fulfill this request.",
        "type": "https://api.twitter.com/2/problems/credits",
        "status": 402,
    },
)


def snowflake(moment: datetime, place: int) -> int:
    """Make an id as X does: the time in milliseconds above 22 lower bits."""
    return (round(moment.timestamp() * 1000) - EPOCH_MS) << 22 | place


def first_id(post: Post) -> int:
    """Give the id under which a post was first published."""
    return snowflake(post.created_at, post.number % PER_HOUR)


class XServer(PlatformServer):
    """Serves the posts of a world that name Grok as X would.

    Attributes
    ----------
    billed_usd
        The platform's own bill.
    refusal
        What every request is answered with, where it is not None.
    skew
        How far the platform's clock is ahead of the world's.
    refused
        How many requests were answered with 429 because they were too many.
    """

    def __init__(
        self, world: World, clock: Clock, faults: FaultPlan | None = None, *, limit: int = 450, token: str = TOKEN
    ) -> None:
        super().__init__(clock, faults)
        self.world = world
        self.limit = limit
        self.token = token
        self.refusal: Reply | None = None
        self.skew = timedelta(0)
        self.billed_usd = 0.0
        self.prices = {"post": 0.005, "user": 0.010, "counts": 0.005}
        self.refused = 0
        self._billed: set[tuple[str, str]] = set()
        self._pages: dict[str, Any] = {}
        self._shuffle = random.Random(5)
        server = self

        def date(_handler: object, _timestamp: object = None) -> str:
            return format_datetime((server.clock() + server.skew).astimezone(UTC), usegmt=True)

        self._http.RequestHandlerClass.date_time_string = date  # the platform's own clock, not this machine's

    def time_of(self, request: Request) -> datetime:
        """Give the moment of a request by the platform's own clock, which the world goes by."""
        return request.at + self.skew

    def limit_headers(self, request: Request) -> Mapping[str, str]:
        """Tell what remains of the quarter of an hour; the reset is a moment."""
        moment = self.time_of(request).timestamp()
        return {
            "x-rate-limit-limit": str(self.limit),
            "x-rate-limit-remaining": str(max(0, self.limit - self._used(request))),
            "x-rate-limit-reset": str(int(moment - moment % WINDOW + WINDOW)),
        }

    def answer(self, request: Request, fault: Fault | None) -> Reply:
        """Answer one request."""
        if self.refusal is not None:
            return self.refusal
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Reply(status=401, body={"title": "Unauthorized", "type": "about:blank", "status": 401})
        if self._used(request) > self.limit:
            self.refused += 1
            return Reply(status=429, body={"title": "Too Many Requests", "type": "about:blank", "status": 429})
        match request.path:
            case "/2/tweets/counts/recent":
                reply = self._counts(request)
            case "/2/tweets/search/recent":
                reply = self._search(request, fault)
            case "/2/tweets":
                reply = self._look_up(request)
            case _:
                reply = Reply(status=404, body={"title": "Not Found Error", "status": 404})
        return reply

    def matching(self, begin: datetime, end: datetime, now: datetime, query: str = "") -> Iterator[Post]:
        """Yield the posts that name Grok and that X files between two moments, as it knows them now."""
        wanted, unwanted = re.findall(r"(?<!-)\blang:(\w+)", query), re.findall(r"-lang:(\w+)", query)
        for post in self.world.between(begin - EDITABLE, end):
            lang = LANG_CODES.get(post.lang, post.lang)
            if not post.names_grok or lang in unwanted or (wanted and lang not in wanted):
                continue
            if begin <= self.filed_at(post, now) < end and self.is_visible(post, now):
                yield post

    def is_visible(self, post: Post, now: datetime) -> bool:
        """Tell whether X shows a post; it knows of one a few seconds after it was published."""
        return min(post.appears_at, post.created_at + timedelta(seconds=10)) <= now and not post.is_gone(now)

    def filed_at(self, post: Post, now: datetime) -> datetime:
        """Give the time of a post's newest version."""
        return post.edited_at if post.edited_at is not None and self.is_edited(post, now) else post.created_at

    def is_edited(self, post: Post, now: datetime) -> bool:
        """Tell whether a post was edited, for which X gives an hour."""
        return post.is_edited(now) and post.edited_at is not None and post.edited_at - post.created_at < EDITABLE

    def newest_version(self, post: Post, now: datetime) -> int:
        """Give the id of a post's newest version."""
        return snowflake(self.filed_at(post, now), post.number % PER_HOUR)

    def tweet(self, post: Post, now: datetime) -> dict[str, Any]:
        """Write a post as X's JSON has it."""
        versions = sorted({first_id(post), self.newest_version(post, now)})
        text = post.text_at(now) if self.is_edited(post, now) else post.text or post.title or ""
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        thread, parent = self.world.post(post.thread), self.world.post(post.parent) if post.parent is not None else None
        tweet: dict[str, Any] = {
            "id": str(versions[-1]),
            "edit_history_tweet_ids": [str(version) for version in versions],
            "text": text if len(text) <= 60 else text[:59] + "…",
            "author_id": str(10_000 + int(post.author.removeprefix("writer"))),
            "conversation_id": str(first_id(thread or post)),
            "created_at": self.filed_at(post, now).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "lang": LANG_CODES.get(post.lang, post.lang),
            "public_metrics": {"retweet_count": 0, "reply_count": 1, "like_count": post.number % 50, "quote_count": 0},
        }
        if len(text) > 60:
            tweet["note_tweet"] = {"text": text}
        if parent is not None:
            tweet["referenced_tweets"] = [{"type": "replied_to", "id": str(first_id(parent))}]
        return tweet

    def _used(self, request: Request) -> int:
        begin = request.at - timedelta(seconds=self.time_of(request).timestamp() % WINDOW)
        used = 0
        for other in reversed(self.requests):
            if other.at < begin:
                break
            used += other.path == request.path
        return used

    def _span(self, request: Request) -> tuple[datetime, datetime] | Reply:
        now = self.time_of(request)
        query = request.query
        if len(query.get("query", "")) > 512:
            return bad("query", "query must not be longer than 512 characters")
        end = moment(query["end_time"]) if "end_time" in query else now - timedelta(seconds=30)
        if end > now - timedelta(seconds=10):
            return bad("end_time", "'end_time' must be a minimum of 10 seconds prior to the request time.")
        begin = now - WEEK
        if "since_id" in query:
            since = time_of(int(query["since_id"]))
            if since < begin:
                return bad("since_id", "'since_id' must be a tweet id created after the last seven days.")
            begin = since.replace(microsecond=0)
        elif "start_time" in query:
            begin = moment(query["start_time"])
            if begin < now - WEEK:
                return bad("start_time", "'start_time' must be on or after seven days ago.")
        if begin >= end and "since_id" not in query:
            return bad("start_time", "'start_time' must be before 'end_time'.")
        return begin, end

    def _counts(self, request: Request) -> Reply:
        span = self._span(request)
        if isinstance(span, Reply):
            return span
        self.billed_usd += self.prices["counts"]
        data: list[dict[str, Any]] = []
        begin, end = span
        while begin < end:
            stop = min(begin.replace(minute=0, second=0, microsecond=0) + HOUR, end)
            number = sum(1 for _ in self.matching(begin, stop, self.time_of(request), request.query["query"]))
            data.append({"start": stamp(begin), "end": stamp(stop), "tweet_count": number})
            begin = stop
        return Reply(body={"data": data, "meta": {"total_tweet_count": sum(entry["tweet_count"] for entry in data)}})

    def _search(self, request: Request, fault: Fault | None) -> Reply:
        span = self._span(request)
        if isinstance(span, Reply):
            return span
        size = int(request.query.get("max_results", "10"))
        if not 10 <= size <= 100:
            return bad("max_results", "The `max_results` query parameter value is not between 10 and 100.")
        key = json.dumps({name: request.query.get(name) for name in ("query", "start_time", "end_time", "since_id")})
        below = int(request.query.get("until_id", "0")) or None
        if "next_token" in request.query:
            told = read_token(request.query["next_token"])
            if told is None or told[0] != key:
                return bad("next_token", "The `next_token` query parameter value is not valid.")
            below = told[1]
        since = int(request.query.get("since_id", "0"))
        found = [(self.newest_version(post, self.time_of(request)), post) for post in self._found(span, request)]
        found = sorted(((i, p) for i, p in found if i > since and (below is None or i < below)), key=lambda f: -f[0])
        if fault is Fault.EMPTY_PAGE and found:
            return Reply(body={"meta": {"result_count": 0, "next_token": write_token(key, found[0][0] + 1)}})
        if fault is Fault.DUPLICATE_PAGE and key in self._pages:
            return Reply(body=self._pages[key])
        token = write_token(key, found[size - 1][0]) if len(found) > size else None
        self._pages[key] = self._page(request, [post for _, post in found[:size]], token, fault)
        return Reply(body=self._pages[key])

    def _page(self, request: Request, posts: list[Post], token: str | None, fault: Fault | None) -> dict[str, Any]:
        tweets = [self.tweet(post, self.time_of(request)) for post in posts]
        users = self._users(tweets) if "expansions" in request.query else []
        self._bill(request, [tweet["id"] for tweet in tweets], "post")
        self._bill(request, [user["id"] for user in users], "user")
        meta: dict[str, Any] = {"result_count": len(tweets), **({"next_token": token} if token else {})}
        if tweets:
            meta |= {"newest_id": tweets[0]["id"], "oldest_id": tweets[-1]["id"]}
        if fault is Fault.SHUFFLED_PAGE:
            self._shuffle.shuffle(tweets)
        body = {
            **({"data": tweets} if tweets else {}),
            "meta": meta,
            **({"includes": {"users": users}} if users else {}),
        }
        if fault is Fault.ERRORS_IN_200:
            body["errors"] = [
                {
                    "title": "Not Found Error",
                    "type": "https://api.twitter.com/2/problems/resource-not-found",
                    "resource_type": "user",
                    "parameter": "author_id",
                    "detail": "Could not find user.",
                }
            ]
        return body

    def _found(self, span: tuple[datetime, datetime], request: Request) -> Iterator[Post]:
        return self.matching(*span, self.time_of(request), request.query["query"])

    def _users(self, tweets: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"id": author, "username": f"w{author}"} for author in sorted({tweet["author_id"] for tweet in tweets})]

    def _look_up(self, request: Request) -> Reply:
        ids = request.query.get("ids", "").split(",")
        if len(ids) > 100:
            return bad("ids", "The number of values in the `ids` query parameter list is not between 1 and 100")
        data, errors = [], []
        for told in ids:
            post = self._post(int(told))
            if post is not None and self.is_visible(post, self.time_of(request)):
                data.append(self.tweet(post, self.time_of(request)))
            else:
                errors.append({
                    "value": told, "resource_id": told, "resource_type": "tweet", "parameter": "ids",
                    "title": "Not Found Error", "detail": f"Could not find tweet with ids: [{told}].",
                    "type": "https://api.twitter.com/2/problems/resource-not-found",
                })  # fmt: skip
        self._bill(request, [tweet["id"] for tweet in data], "post")
        return Reply(body={**({"data": data} if data else {}), **({"errors": errors} if errors else {})})

    def _post(self, identifier: int) -> Post | None:
        created_at = time_of(identifier).replace(microsecond=0)
        hour = int((created_at - self.world.start) // HOUR)
        return self.world.post(hour * PER_HOUR + (identifier & (1 << 22) - 1)) if hour >= 0 else None

    def _bill(self, request: Request, ids: list[str], kind: str) -> None:
        day = self.time_of(request).astimezone(UTC).date().isoformat()
        fresh = {(day, f"{kind} {identifier}") for identifier in ids} - self._billed
        self._billed |= fresh
        self.billed_usd += len(fresh) * self.prices[kind]


def bad(parameter: str, message: str) -> Reply:
    """Refuse a request that makes no sense, in X's shape."""
    return Reply(
        status=400,
        body={
            "errors": [{"parameters": {parameter: ["…"]}, "message": message}],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": "https://api.twitter.com/2/problems/invalid-request",
        },
    )


def time_of(identifier: int) -> datetime:
    """Give the moment that an id was made at."""
    return datetime.fromtimestamp(((identifier >> 22) + EPOCH_MS) / 1000, UTC)


def moment(text: str) -> datetime:
    """Read a time as X takes it; fractions of a second are refused by this server, X ignores them."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def stamp(moment: datetime) -> str:
    """Write a time as X does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def write_token(key: str, below: int) -> str:
    """Write the mark of the page that begins below an id."""
    return base64.urlsafe_b64encode(json.dumps([key, below]).encode()).decode()


def read_token(text: str) -> tuple[str, int] | None:
    """Read a mark, None where it is none of ours."""
    try:
        key, below = json.loads(base64.urlsafe_b64decode(text))
    except ValueError:
        return None
    return key, below


def without_surprises(world: World) -> World:
    """Give a world in which nothing appears late, is edited or goes."""
    return replace(world, late=0.0, edited=0.0, gone=0.0, crossposted=0.0)
