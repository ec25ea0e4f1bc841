"""Plays Reddit: OAuth, listings, search, threads, look-up and Atom feeds of a generated world, in the shapes of the real ones.

Listings are newest first and end after `listing_ends_at` items; `after` names the last item of the page before, and an `after`
that the listing does not hold any more gives an empty page, as Reddit does.
"""

import base64
import hashlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from itertools import islice
from typing import Any, Final

from platforms.faults import Fault, FaultPlan
from platforms.serving import Clock, PlatformServer, Reply, Request
from platforms.world import Channel, Post, World

CLIENT_ID: Final = "an-app-of-the-tests"
CLIENT_SECRET: Final = "its-secret"
DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
WINDOW: Final = timedelta(minutes=10)
DEEPEST: Final = 10
CLOSED: Final = {
    "private": (403, {"reason": "private", "message": "Forbidden", "error": 403}),
    "quarantined": (403, {"reason": "quarantined", "quarantine_message": "…", "message": "Forbidden", "error": 403}),
    "banned": (404, {"reason": "banned", "message": "Not Found", "error": 404}),
}


def base36(number: int) -> str:
    """Write a number as Reddit writes its ids."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return digits or "0"


def fullname(post: Post) -> str:
    """Give a post's name, with the kind in front."""
    return ("t3_" if post.is_submission else "t1_") + base36(post.number)


class RedditServer(PlatformServer):
    """Serves a world as Reddit would.

    Parameters
    ----------
    listing_ends_at, search_ends_at
        Items after which a listing ends.
    search_lag
        How long search takes to know of a submission.
    per_minute
        Requests allowed, averaged over ten minutes as Reddit does; None: no limit.
    key
        Client id and secret that are accepted; None: every key is refused.
    feeds_open
        Whether feeds are served without a key.
    """

    def __init__(
        self,
        world: World,
        clock: Clock,
        faults: FaultPlan | None = None,
        *,
        listing_ends_at: int = 1000,
        search_ends_at: int = 250,
        search_lag: timedelta = timedelta(minutes=2),
        per_minute: int | None = 100,
        key: tuple[str, str] | None = (CLIENT_ID, CLIENT_SECRET),
        feeds_open: bool = True,
    ) -> None:
        super().__init__(clock, faults)
        self.world = world
        self.listing_ends_at = listing_ends_at
        self.search_ends_at = search_ends_at
        self.search_lag = search_lag
        self.per_minute = per_minute
        self.key = key
        self.feeds_open = feeds_open
        self.states: dict[str, str] = {}
        """States of channels other than those that the world knows, by lower-case name."""
        self.blocked = False
        """Refuse everything, as Reddit does with clients that it does not like."""
        self.refused = 0
        """How many requests were answered with 429 because they were too many."""
        self._tokens: set[str] = set()
        self._pages: dict[str, Any] = {}
        self._shuffle = random.Random(5)

    def revoke_tokens(self) -> None:
        """Make every token given so far invalid."""
        self._tokens.clear()

    def limit_headers(self, request: Request) -> Mapping[str, str]:
        """Tell what remains of the ten minutes."""
        if self.per_minute is None or request.path.endswith(".rss"):
            return {}
        used = self._used(request.at)
        return {
            "x-ratelimit-used": str(used),
            "x-ratelimit-remaining": f"{max(0, self.per_minute * 10 - used)}.0",
            "x-ratelimit-reset": str(max(1, round(self._left(request.at)))),
        }

    def answer(self, request: Request, fault: Fault | None) -> Reply:
        """Answer one request."""
        if request.path == "/api/v1/access_token":
            return self._token(request)
        if self.blocked:
            return Reply(status=403, body=b"<html><body>whoa there, pardner!</body></html>")
        if request.path.endswith(".rss"):
            return self._feed(request) if self.feeds_open else Reply(status=403, body=b"<html>blocked</html>")
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if fault is Fault.ERRORS_IN_200:
            return Reply(body={"message": "Internal error", "error": 500, "kind": None})
        skew = {"date": "Thu, 01 Jan 2015 00:00:00 GMT"} if fault is Fault.CLOCK_SKEW else {}
        reply = self._route(request, fault)
        return Reply(status=reply.status, body=reply.body, headers={**reply.headers, **skew})

    def _refusal(self, request: Request) -> Reply | None:
        if request.headers.get("authorization", "").removeprefix("bearer ") not in self._tokens:
            return Reply(status=401, body={"message": "Unauthorized", "error": 401})
        if self.per_minute is not None and self._used(request.at) > self.per_minute * 10:
            self.refused += 1
            told = self.limit_headers(request)
            return Reply(status=429, body={"message": "Too Many Requests", "error": 429}, headers=told)
        return None

    def _route(self, request: Request, fault: Fault | None) -> Reply:
        if match := re.fullmatch(r"/r/([^/]+)/(new|comments)/?", request.path):
            closed = self._closed(match[1])
            if closed is not None:
                return closed
            posts = self._listed(match[1], comments=match[2] == "comments", now=request.at)
            return self._listing(request, posts, self.listing_ends_at, fault)
        if request.path.rstrip("/") == "/search":
            posts = self._found(request.query.get("q", ""), request.at)
            return self._listing(request, posts, self.search_ends_at, fault)
        if match := re.fullmatch(r"/comments/([a-z0-9]+)(?:/_/([a-z0-9]+))?/?", request.path):
            return self._thread(request, int(match[1], 36), int(match[2], 36) if match[2] else None)
        if request.path.rstrip("/") == "/api/info":
            names = request.query.get("id", "").split(",")[:100]
            posts = [post for name in names if (post := self._named(name)) and post.appears_at <= request.at]
            return Reply(body=listing([self.thing(post, request.at) for post in posts], None))
        return Reply(status=404, body={"message": "Not Found", "error": 404})

    def _used(self, now: datetime) -> int:
        begin = now - timedelta(seconds=now.timestamp() % WINDOW.total_seconds())
        count = 0
        for request in reversed(self.requests):
            if request.at < begin:
                break
            count += not request.path.endswith(".rss")
        return count

    def _left(self, now: datetime) -> float:
        return WINDOW.total_seconds() - now.timestamp() % WINDOW.total_seconds()

    def _token(self, request: Request) -> Reply:
        told = request.headers.get("authorization", "").removeprefix("Basic ")
        expected = base64.b64encode(":".join(self.key).encode()).decode() if self.key else None
        if told != expected:
            return Reply(status=401, body={"message": "Unauthorized", "error": 401})
        if request.form.get("grant_type") != "client_credentials":
            return Reply(body={"error": "unsupported_grant_type"})
        token = f"token-{len(self._tokens)}-{len(self.requests)}"
        self._tokens.add(token)
        return Reply(body={"access_token": token, "token_type": "bearer", "expires_in": 86400, "scope": "*"})

    def _closed(self, name: str) -> Reply | None:
        channel = self.world.channel(name) or Channel(name=name, state="unknown")
        state = self.states.get(name.lower(), channel.state)
        if state == "unknown":
            return Reply(status=302, headers={"location": f"{self.url}/subreddits/search?q={name}"})
        if state == "public":
            return None
        status, body = CLOSED[state]
        return Reply(status=status, body=body)

    def _listed(self, name: str, *, comments: bool, now: datetime) -> Iterator[Post]:
        channel = self.world.channel(name)
        for post in self.world.newest_first(now, channel.name if channel else name):
            if post.is_submission is not comments and post.appears_at <= now and self._shows(post, now):
                yield post

    def _shows(self, post: Post, now: datetime) -> bool:
        """Leave out what is gone, but for removed submissions, which listings go on to hold as such."""
        return not post.is_gone(now) or (post.is_submission and post.gone_how == "removed")

    def _found(self, query: str, now: datetime) -> Iterator[Post]:
        words = [word.strip().strip('"').lower() for word in query.split(" OR ")]
        for post in self.world.newest_first(now - self.search_lag):
            if not post.is_submission or not post.is_visible(now - self.search_lag) or self._closed(post.channel):
                continue
            said = f"{post.title} {post.text_at(now)}".lower()
            if any(word in said for word in words):
                yield post

    def _listing(self, request: Request, posts: Iterator[Post], ends_at: int, fault: Fault | None) -> Reply:
        limit = min(100, int(request.query.get("limit", "25")))
        held = list(islice(posts, ends_at))
        begin = 0
        if after := request.query.get("after"):
            names = [fullname(post) for post in held]
            if after not in names:
                return Reply(body=listing([], None))
            begin = names.index(after) + 1
        page = held[begin : begin + limit]
        following = fullname(page[-1]) if page and begin + limit < len(held) else None
        things = [self.thing(post, request.at) for post in page]
        if fault is Fault.SHUFFLED_PAGE:
            self._shuffle.shuffle(things)
        if fault is Fault.DUPLICATE_PAGE and request.path in self._pages:
            return Reply(body=self._pages[request.path])
        if fault is Fault.EMPTY_PAGE:
            return Reply(body=listing([], following))
        self._pages[request.path] = listing(things, following)
        return Reply(body=self._pages[request.path])

    def _named(self, name: str) -> Post | None:
        post = self.world.post(int(name[3:], 36)) if re.fullmatch(r"t[13]_[a-z0-9]+", name) else None
        return post if post is not None and fullname(post) == name else None

    def _thread(self, request: Request, number: int, top: int | None) -> Reply:
        now = request.at
        submission = self.world.post(number)
        if submission is None or not submission.is_submission or submission.appears_at > now:
            return Reply(status=404, body={"message": "Not Found", "error": 404})
        closed = self._closed(submission.channel)
        if closed is not None:
            return closed
        comments = [post for post in self.world.thread(number, now) if post.appears_at <= now]
        limit = min(500, int(request.query.get("limit", "200")))
        given = comments[:limit] if top is None else comments
        root = number if top is None else top
        tree = self._tree(given, root, now, depth=0)
        if top is not None:
            tree = [self.thing(post, now) for post in comments if post.number == top] + tree
        if rest := comments[limit:] if top is None else []:
            tree.append(more([base36(post.number) for post in rest], fullname(submission), len(rest)))
        return Reply(body=[listing([self.thing(submission, now)], None), listing(tree, None)])

    def _tree(self, comments: Sequence[Post], parent: int, now: datetime, depth: int) -> list[dict[str, Any]]:
        things: list[dict[str, Any]] = []
        for post in comments:
            if post.parent != parent:
                continue
            thing = self.thing(post, now)
            answers = any(other.parent == post.number for other in comments)
            if answers and depth + 1 >= DEEPEST:
                thing["data"]["replies"] = listing([more([], fullname(post), 0)], None)
            elif answers:
                thing["data"]["replies"] = listing(self._tree(comments, post.number, now, depth + 1), None)
            things.append(thing)
        return things

    def thing(self, post: Post, now: datetime) -> dict[str, Any]:
        """Write a post as Reddit's JSON has it."""
        gone = f"[{post.gone_how}]" if post.is_gone(now) else None
        thread = self.world.post(post.thread)
        assert thread is not None
        common = {
            "id": base36(post.number),
            "name": fullname(post),
            "subreddit": post.channel,
            "author": "[deleted]" if gone else post.author,
            "created_utc": post.created_at.timestamp(),
            "edited": post.edited_at.timestamp() if post.edited_at and post.is_edited(now) else False,
            "score": 1 + post.number % 50,
            "ups": 1 + post.number % 50,
            "permalink": f"/r/{post.channel}/comments/{base36(post.thread)}/a_title/"
            + ("" if post.is_submission else f"{base36(post.number)}/"),
            "quarantine": False,
            "stickied": False,
            "distinguished": None,
        }
        if not post.is_submission:
            parent = self.world.post(post.parent or 0)
            assert parent is not None
            return {
                "kind": "t1",
                "data": {
                    **common,
                    "body": gone or post.text_at(now),
                    "link_id": fullname(thread),
                    "parent_id": fullname(parent),
                    "link_title": thread.title,
                    "replies": "",
                },
            }
        data = {
            **common,
            "title": "[deleted by user]" if gone == "[deleted]" else post.title,
            "selftext": gone or post.text_at(now),
            "is_self": post.crosspost_of is None,
            "removed_by_category": {"[removed]": "moderator", "[deleted]": "deleted", None: None}[gone],
            "num_comments": len(self.world.thread(post.number, now)),
            "url": f"https://www.reddit.com{common['permalink']}",
            "over_18": False,
        }
        if post.crosspost_of is not None and (original := self.world.post(post.crosspost_of)):
            data["crosspost_parent"] = fullname(original)
            data["crosspost_parent_list"] = [self.thing(original, now)["data"]]
        return {"kind": "t3", "data": data}

    def _feed(self, request: Request) -> Reply:
        if match := re.fullmatch(r"/r/([^/]+)/(new|comments)\.rss", request.path):
            closed = self._closed(match[1])
            if closed is not None:
                return Reply(status=404, body=b"<html>no</html>") if closed.status == 302 else closed
            posts = self._listed(match[1], comments=match[2] == "comments", now=request.at)
        else:
            posts = self._found(request.query.get("q", ""), request.at)
        held = list(islice((post for post in posts if not post.is_gone(request.at)), self.listing_ends_at))
        if after := request.query.get("after"):
            names = [fullname(post) for post in held]
            held = held[names.index(after) + 1 :] if after in names else []
        page = held[: min(100, int(request.query.get("limit", "25")))]
        body = "".join(self._entry(post, request.at) for post in page)
        text = f'<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>new</title>{body}</feed>'
        tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == tag:
            return Reply(status=304, headers={"etag": tag})
        return Reply(body=text.encode(), headers={"content-type": "application/atom+xml; charset=UTF-8", "etag": tag})

    def _entry(self, post: Post, now: datetime) -> str:
        link = self.thing(post, now)["data"]["permalink"]
        thread = self.world.post(post.thread)
        assert thread is not None
        title = post.title if post.is_submission else f"/u/{post.author} on {thread.title}"
        said = "".join(f"<p>{escape(part)}</p>\n" for part in post.text_at(now).split("\n\n") if part)
        html = f'<!-- SC_OFF --><div class="md">{said}</div><!-- SC_ON -->' if said else ""
        if post.is_submission:
            html += f' &#32; submitted by &#32; <a href="https://www.reddit.com/user/{post.author}"> /u/{post.author} </a> <br/>'
            html += f' <span><a href="https://www.reddit.com{link}">[link]</a></span> &#32; <span><a href="…">[comments]</a></span>'
        moment = post.created_at.isoformat()
        return (
            f"<entry><author><name>/u/{post.author}</name></author>"
            f'<category term="{post.channel}" label="r/{post.channel}"/><content type="html">{escape(html)}</content>'
            f'<id>{fullname(post)}</id><link href="https://www.reddit.com{link}"/>'
            f"<updated>{moment}</updated><published>{moment}</published><title>{escape(title or '')}</title></entry>"
        )


def listing(things: list[dict[str, Any]], after: str | None) -> dict[str, Any]:
    """Wrap things as Reddit does."""
    return {"kind": "Listing", "data": {"after": after, "before": None, "dist": len(things), "children": things}}


def more(children: list[str], parent: str, count: int) -> dict[str, Any]:
    """Stand for comments that a thread did not hold; without children, for a thread that goes on elsewhere."""
    name = children[0] if children else "_"
    data = {"count": count, "name": f"t1_{name}", "id": name, "parent_id": parent, "depth": 0, "children": children}
    return {"kind": "more", "data": data}
