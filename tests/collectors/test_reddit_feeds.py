"""What the public feeds bring for those without a key, and that the API fills in the same rows later."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import feedparser
import pytest
from platforms.faults import Fault, FaultPlan
from platforms.reddit_server import RedditServer, fullname
from platforms.reddit_visits import Visits, access_to
from platforms.world import START, Channel, World

from collectors.base import Kind
from collectors.errors import ChannelClosed, Forbidden
from collectors.reddit import plan, streams
from collectors.reddit_feeds import post_of_entry
from collectors.reddit_html import said_in

WORLD = World(
    channels=(
        Channel(name="grok", submissions_per_hour=2, comments_per_hour=20, grok_share=0.8),
        Channel(name="hidden", state="private"),
    ),
    gone=0,
    edited=0,
)
BEGIN = START + timedelta(hours=12)


def without_key(server, *communities, **changes):
    return access_to(server, *communities, client_id=None, client_secret=None, feeds=True, **changes)


def test_feeds_are_off_unless_switched_on(server, clock):
    access = access_to(server, client_id=None, client_secret=None)
    assert streams(access, clock=clock, sleep=clock.sleep) == []
    assert plan(access) == ()


def test_a_key_goes_before_feeds(server, clock):
    found = streams(access_to(server, feeds=True), clock=clock, sleep=clock.sleep)
    assert not [stream for stream in found if stream.stream.startswith("feed/")]


def test_feeds_bring_the_posts_under_the_names_of_the_api(server, clock):
    visits = Visits(without_key(server, "grok"), clock)
    visits.every(timedelta(minutes=30), 3)
    with_key = Visits(access_to(server, "grok"), clock)
    with_key.once(only=lambda stream: stream != "threads")
    assert visits.errors == []
    common = set(visits.posts) & set(with_key.posts)
    assert len(common) > 100
    for name in common:
        feed, api = visits.posts[name], with_key.posts[name]
        assert (feed.kind, feed.thread_id, feed.channel, feed.created_at) == (
            api.kind, api.thread_id, api.channel, api.created_at,
        )  # fmt: skip
        assert (feed.title, feed.text, feed.author, feed.url) == (api.title, api.text, api.author, api.url)
        assert feed.score is None
        assert api.score is not None


def test_a_request_waits_six_seconds_for_the_next_one_and_after_a_start(server, clock):
    visits = Visits(without_key(server, "grok"), clock)
    visits.once()
    visits.once()
    moments = [request.at for request in server.requests]
    assert moments[0] - BEGIN >= timedelta(seconds=6)
    assert all(later - earlier >= timedelta(seconds=6) for earlier, later in pairwise(moments))


def test_an_unchanged_feed_is_not_sent_again(server, clock):
    visits = Visits(without_key(server, "grok"), clock)
    visits.once(only=lambda stream: stream == "feed/new/grok")
    pages = visits.pages
    clock.now = BEGIN + timedelta(seconds=40)
    visits.once(only=lambda stream: stream == "feed/new/grok")
    assert server.requests[-1].headers["if-none-match"]
    assert visits.pages == pages


def test_what_lies_beyond_the_pages_of_a_walk_is_a_hole(clock):
    world = World(channels=(Channel(name="grok", comments_per_hour=300, submissions_per_hour=3),), gone=0)
    with RedditServer(world, clock) as server:
        visits = Visits(without_key(server, "grok"), clock)
        visits.once(only=lambda stream: stream == "feed/comments/grok")
        assert visits.holes == []
        clock.move(timedelta(hours=6))
        visits.once(only=lambda stream: stream == "feed/comments/grok")
        (hole,) = visits.holes
        lost = [
            post
            for post in world.between(BEGIN, clock())
            if not post.is_submission and fullname(post) not in visits.posts and post.appears_at < clock()
            and post.created_at < clock() - timedelta(minutes=1)
        ]  # fmt: skip
        assert lost
        assert all(hole.starts_at <= post.created_at < hole.ends_at for post in lost)
        assert hole.stream == "feed/comments/grok"


def test_a_closed_community_is_told_and_the_others_go_on(server, clock):
    visits = Visits(without_key(server, "hidden", "grok", "nowhere"), clock)
    visits.once()
    assert {(type(error), error.channel) for error in visits.errors} == {
        (ChannelClosed, "r/hidden"),
        (ChannelClosed, "r/nowhere"),
    }
    assert visits.posts


def test_feeds_that_reddit_does_not_give_are_told_with_what_to_do_instead(server, clock):
    server.feeds_open = False
    visits = Visits(without_key(server, "grok"), clock)
    visits.once(only=lambda stream: stream == "feed/new/grok")
    (error,) = visits.errors
    assert isinstance(error, Forbidden)
    assert "archives" in error.mend


@pytest.mark.parametrize("fault", [Fault.TRUNCATED, Fault.SERVER_ERROR, Fault.LIMITED, Fault.RESET])
def test_what_passes_is_tried_again(server, clock, fault):
    server.faults = FaultPlan(rates={fault: 0.5})
    visits = Visits(without_key(server, "grok"), clock)
    visits.once()
    assert visits.errors == []
    assert server.faults.dealt[fault]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<!-- SC_OFF --><div class="md"><p>One &amp; two</p>\n<p>three<br/>four</p></div> submitted by <a>/u/x</a>',
         "One & two\n\nthree\nfour"),
        ('<div class="md"><ul><li>a</li><li>b</li></ul><div>in <b>it</b></div></div>after', "- a\n\n- b\n\nin it"),
        ('<table><tr><td><a href="x"><img/></a></td></tr></table> submitted by /u/x', ""),
        ('<div class="md"><p>Grok &lt;3 <a href="https://x.ai">this</a></p>', "Grok <3 this"),
        ("", ""),
        ("<div", ""),
        ('<div class="md other"><pre><code>grok  --help</code></pre></div>', "grok --help"),
    ],
)  # fmt: skip
def test_the_words_of_an_entry_are_those_of_its_author(html, text):
    assert said_in(html) == text


def entry(**fields: str):
    told = {
        "id": "t1_abc",
        "link": "https://www.reddit.com/r/grok/comments/xyz/a_title/abc/",
        "updated": "2026-03-02T10:00:00+00:00",
        "title": "/u/somebody on a title",
        **fields,
    }
    parts = "".join(
        f'<link href="{value}"/>' if name == "link" else f"<{name}>{value}</{name}>"
        for name, value in told.items()
        if value
    )
    return feedparser.parse(f'<feed xmlns="http://www.w3.org/2005/Atom"><entry>{parts}</entry></feed>').entries[0]


def test_an_entry_without_a_publishing_time_was_posted_when_it_was_updated():
    post = post_of_entry(entry())
    assert post.created_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert (post.kind, post.thread_id, post.title) == (Kind.COMMENT, "t3_xyz", None)


def test_a_removed_entry_is_a_tombstone():
    post = post_of_entry(entry(content='&lt;div class="md"&gt;&lt;p&gt;[removed]&lt;/p&gt;&lt;/div&gt;'))
    assert post.deleted
    assert post.text == ""


@pytest.mark.parametrize(
    "fields", [{"id": "t2_abc"}, {"id": ""}, {"link": "https://www.reddit.com/"}, {"updated": ""}, {"updated": "soon"}]
)
def test_an_entry_that_is_no_post_is_broken(fields):
    with pytest.raises(ValueError):
        post_of_entry(entry(**fields))
