"""What Reddit's streams bring: over real HTTP, from a world whose every post is known."""

from datetime import timedelta
from itertools import pairwise

import pytest
from platforms.faults import Fault, FaultPlan
from platforms.reddit_server import RedditServer, base36, fullname
from platforms.reddit_visits import Visits, access_to
from platforms.serving import Reply
from platforms.world import START, Channel, World

from collectors.base import Kind
from collectors.errors import ChannelClosed, Forbidden, Unavailable
from collectors.reddit import Reddit, plan

WORLD = World(
    channels=(
        Channel(name="grok", submissions_per_hour=2, comments_per_hour=10, grok_share=0.8),
        Channel(name="artificial", submissions_per_hour=2, comments_per_hour=10),
        Channel(name="elsewhere", submissions_per_hour=2, comments_per_hour=0),
        Channel(name="hidden", state="private"),
    )
)
BEGIN = START + timedelta(hours=12)


def is_listing(stream: str) -> bool:
    return stream != "threads"


def expected(now, *, communities=("grok", "artificial")):
    """Name what the streams should have stored of a world without edits, as far as it can still be seen."""
    wanted = set()
    for post in WORLD.between(START, now + timedelta(seconds=1)):
        seen = post.channel in communities
        own = post.names_grok or (post.channel == "grok" and seen)
        if post.is_visible(now) and own and (seen or post.is_submission) and post.channel != "hidden":
            wanted.add(fullname(post))
    return wanted


def test_submissions_comments_and_search_bring_what_names_grok(server, clock):
    visits = Visits(access_to(server, "grok", "artificial"), clock)
    visits.once(only=is_listing)
    clock.move(timedelta(minutes=20))
    visits.once(only=is_listing)
    late = expected(clock() - timedelta(minutes=5))
    assert {name for name in late if visible(name, clock())} <= set(visits.posts)
    assert any(post.channel == "elsewhere" for post in visits.posts.values())  # search alone knows of it
    assert not [p for p in visits.posts.values() if p.channel == "elsewhere" and p.kind is Kind.COMMENT]
    assert visits.errors == []
    assert visits.holes == []


def visible(name, now):
    post = WORLD.post(int(name[3:], 36))
    return post is not None and post.is_visible(now)


def test_what_does_not_name_grok_is_left_out_but_for_communities_about_it(server, clock):
    visits = Visits(access_to(server, "grok", "artificial"), clock)
    visits.once(only=is_listing)
    unnamed = [
        post
        for post in visits.posts.values()
        if not post.deleted and not any(term in f"{post.title} {post.text}".lower() for term in ("grok", "グロック"))
    ]
    assert {post.channel for post in unnamed} == {"grok"}


def test_posts_carry_what_reddit_says_of_them(server, clock):
    visits = Visits(access_to(server, "grok"), clock)
    visits.once(only=is_listing)
    for name, post in visits.posts.items():
        origin = WORLD.post(int(name[3:], 36))
        assert post.created_at == origin.created_at
        assert post.channel == origin.channel
        assert post.thread_id == f"t3_{base36(origin.thread)}"
        assert post.kind is (Kind.SUBMISSION if origin.is_submission else Kind.COMMENT)
        assert post.inclusion_probability == 1
        assert post.url.startswith(f"https://www.reddit.com/r/{origin.channel}/comments/")
        if not post.deleted:
            assert post.author == origin.author
            assert post.text == origin.text_at(clock())  # & and <> as they were written
            assert post.edited_at == (origin.edited_at if origin.is_edited(clock()) else None)


def test_a_removed_submission_is_a_tombstone(clock):
    with RedditServer(World(channels=WORLD.channels[:1], gone=0.5), clock) as server:
        visits = Visits(access_to(server, "grok"), clock)
        visits.once(only=is_listing)
    gone = [post for post in visits.posts.values() if post.deleted]
    assert gone
    assert all(post.text == "" and post.author is None for post in gone)


def test_an_edit_is_seen_at_the_next_visit(clock):
    with RedditServer(World(channels=WORLD.channels[:1], edited=0.5, gone=0), clock) as server:
        visits = Visits(access_to(server, "grok"), clock)
        visits.once(only=is_listing)
        before = dict(visits.posts)
        clock.move(timedelta(minutes=30))
        visits.once(only=is_listing)
    changed = [post for name, post in before.items() if visits.posts[name].edited_at != post.edited_at]
    assert changed
    assert all("[Edit: typo]" in visits.posts[post.source_id].text for post in changed)


def test_a_crosspost_stands_for_itself(clock):
    world = World(channels=WORLD.channels[:3], crossposted=0.5, gone=0, edited=0)
    with RedditServer(world, clock) as server:
        visits = Visits(access_to(server, "grok"), clock)
        visits.once(only=is_listing)
        crossposts = [
            post for name, post in visits.posts.items() if world.post(int(name[3:], 36)).crosspost_of is not None
        ]
        assert crossposts
        assert all(post.text == "" and post.title for post in crossposts)


def test_a_closed_community_is_told_and_the_others_go_on(server, clock):
    visits = Visits(access_to(server, "hidden", "grok", "nowhere"), clock)
    visits.once(only=is_listing)
    assert {(type(error), error.channel, error.reason) for error in visits.errors} == {
        (ChannelClosed, "r/hidden", "private"),
        (ChannelClosed, "r/nowhere", "unknown"),
    }
    assert {str(error) for error in visits.errors} == {
        "r/hidden is private, so nothing can be collected there",
        "r/nowhere does not exist, so nothing can be collected there",
    }
    assert any(post.channel == "grok" for post in visits.posts.values())


def test_a_refused_key_stops_each_stream_with_one_sentence(server, clock):
    visits = Visits(access_to(server, "grok", client_secret="wrong"), clock)
    visits.once(only=is_listing)
    assert {type(error) for error in visits.errors} == {Forbidden}
    assert visits.posts == {}


def test_more_than_a_listing_holds_between_two_visits_is_a_hole(clock):
    with RedditServer(WORLD, clock, listing_ends_at=150) as server:
        visits = Visits(access_to(server, "grok"), clock)
        visits.once(only=lambda stream: stream == "comments/grok")
        assert visits.holes == []
        clock.move(timedelta(hours=30))
        visits.once(only=lambda stream: stream == "comments/grok")
        (hole,) = visits.holes
        lost = [
            post
            for post in WORLD.between(BEGIN, clock(), "grok")
            if not post.is_submission and post.is_visible(clock()) and fullname(post) not in visits.posts
        ]
        assert lost
        assert all(hole.starts_at <= post.created_at < hole.ends_at for post in lost)
        assert hole.stream == "comments/grok"


def test_all_comments_of_a_matching_submission_are_read_whatever_they_say(server, clock):
    visits = Visits(access_to(server, "grok", "artificial"), clock)
    visits.once()
    for submission in [p for p in visits.posts.values() if p.kind is Kind.SUBMISSION and not p.deleted]:
        comments = WORLD.thread(int(submission.source_id[3:], 36), clock())
        shown = {fullname(post) for post in comments if post.appears_at <= clock()}
        assert shown <= set(visits.posts)


def test_a_large_thread_is_read_beyond_its_first_view(clock):
    world = World(
        channels=(Channel(name="grok", submissions_per_hour=0.2, comments_per_hour=200, grok_share=1),), late=0, gone=0
    )
    with RedditServer(world, clock) as server:
        visits = Visits(access_to(server, "grok"), clock)
        visits.once(only=lambda stream: stream == "new/grok")
        sizes = {name: len(world.thread(int(name[3:], 36), clock())) for name in visits.posts}
        largest = max(sizes, key=sizes.__getitem__)
        assert sizes[largest] > 520
        visits.once(only=lambda stream: stream == "threads")
        shown = {fullname(post) for post in world.thread(int(largest[3:], 36), clock())}
        assert shown <= set(visits.posts)
        assert visits.holes == []


def test_a_thread_too_large_to_read_is_told_as_a_hole(clock, monkeypatch):
    monkeypatch.setattr("collectors.reddit_threads.REQUESTS_A_THREAD", 1)
    world = World(channels=(Channel(name="grok", submissions_per_hour=0.2, comments_per_hour=200, grok_share=1),))
    with RedditServer(world, clock) as server:
        visits = Visits(access_to(server, "grok"), clock)
        visits.once(only=lambda stream: stream == "new/grok")
        visits.once(only=lambda stream: stream == "threads")
        assert visits.holes
        assert all("more comments than are read" in hole.reason for hole in visits.holes)


def test_threads_are_visited_often_while_young_and_seldom_later(server, clock):
    visits = Visits(access_to(server, "grok"), clock)
    visits.once(only=lambda stream: stream == "new/grok")
    server.requests.clear()
    for _ in range(6 * 24):
        visits.once(only=lambda stream: stream == "threads")
        clock.move(timedelta(minutes=10))
    asked = [request for request in server.requests if request.path.startswith("/comments/")]
    by_thread: dict[str, list] = {}
    for request in asked:
        if "/_/" not in request.path:
            by_thread.setdefault(request.path, []).append(request.at)
    assert set(by_thread) == {
        f"/comments/{name[3:]}" for name, p in visits.posts.items() if p.kind is Kind.SUBMISSION and not p.deleted
    }
    youngest = max(by_thread, key=lambda path: int(path.rsplit("/", 1)[1], 36))
    gaps = [later - earlier for earlier, later in pairwise(by_thread[youngest])]
    assert 10 <= len(gaps) <= 30
    assert gaps[-1] > 4 * gaps[1]


def test_a_round_of_threads_goes_on_after_a_kill_with_the_next_thread(server, clock):
    visits = Visits(access_to(server, "grok"), clock)
    visits.once(only=lambda stream: stream == "new/grok")
    server.requests.clear()
    visits.once(only=lambda stream: stream == "threads", kill_after=3)
    visits.once(only=lambda stream: stream == "threads")
    paths = [request.path for request in server.requests if request.path.startswith("/comments/")]
    assert len(paths) - len(set(paths)) == 1  # the one that was fetched and not stored


def test_a_thread_that_reddit_never_gives_is_told_and_left_out_after_three_visits(server, clock):
    visits = Visits(access_to(server, "grok"), clock)
    visits.once(only=lambda stream: stream == "new/grok")
    oldest = min((post for post in visits.posts.values() if not post.deleted), key=lambda post: post.created_at)
    honest = server._route
    server._route = lambda request, fault: (
        Reply(status=503) if request.path == f"/comments/{oldest.source_id[3:]}" else honest(request, fault)
    )
    for number in range(3):
        assert len([p for p in visits.posts.values() if p.kind is Kind.COMMENT]) == 0, number
        visits.once(only=lambda stream: stream == "threads")
        clock.move(timedelta(minutes=5))
    assert [type(error) for error in visits.errors] == [Unavailable, Unavailable]
    assert [p for p in visits.posts.values() if p.kind is Kind.COMMENT]
    (hole,) = visits.holes
    assert oldest.source_id in hole.reason
    assert hole.starts_at == oldest.created_at


def test_look_up_tells_what_stands_what_changed_and_what_is_gone(server, clock):
    visits = Visits(access_to(server, "grok"), clock)
    visits.once()
    clock.move(timedelta(days=1))
    reddit = Reddit(visits.access, clock=clock, sleep=clock.sleep)
    asked = [*visits.posts, "t1_zzzzzz"]
    found = list(reddit.look_up(asked))
    reddit.close()
    assert [name for batch in found for name in batch.gone] == ["t1_zzzzzz"]
    now = {post.source_id: post for batch in found for post in batch.posts}
    assert set(now) == set(visits.posts)
    for name, post in now.items():
        assert post.deleted == WORLD.post(int(name[3:], 36)).is_gone(clock())
    assert any(post.deleted and not visits.posts[name].deleted for name, post in now.items())


def test_an_empty_answer_to_a_look_up_deletes_nothing(server, clock):
    visits = Visits(access_to(server, "grok"), clock)
    visits.once(only=lambda stream: stream == "new/grok")
    reddit = Reddit(visits.access, clock=clock, sleep=clock.sleep)
    real, empties = server._named, iter([True] * len(visits.posts))
    server._named = lambda name: None if next(empties, False) else real(name)
    assert [name for batch in reddit.look_up(list(visits.posts)) for name in batch.gone] == []
    reddit.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_faults_and_kills_lose_nothing(clock, seed):
    faults = FaultPlan.random(seed, total=0.35)
    with RedditServer(WORLD, clock, faults) as server:
        server.hold_seconds = 0.15
        visits = Visits(access_to(server, "grok", "artificial", timeout_seconds=0.1), clock)
        for number in range(8):
            visits.once(kill_after=None if number % 2 else number, seed=seed * 100 + number)
            clock.move(timedelta(minutes=25))
        visits.once()
        lost = {name for name in expected(clock() - timedelta(minutes=20)) if visible(name, clock())} - set(
            visits.posts
        )
        assert lost == set()
        assert visits.holes == []
        assert server.busiest_minute <= 100
        assert faults.dealt.total() > 20


def test_late_items_are_found(clock):
    world = World(channels=WORLD.channels[:1], late=0.5, gone=0)
    with RedditServer(world, clock) as server:
        visits = Visits(access_to(server, "grok"), clock)
        visits.every(timedelta(minutes=7), 12, only=is_listing)
        shown = {
            fullname(post)
            for post in world.between(START, clock() - timedelta(minutes=20), "grok")
            if post.is_visible(clock())
        }
        assert shown <= set(visits.posts)


def test_plan_tells_the_requests_without_sending_one(server, clock):
    access = access_to(server, "grok", "artificial")
    told = plan(access, threads=3)
    assert [stream.stream for stream in told] == [
        "new/grok", "new/artificial", "search", "comments/grok", "comments/artificial", "threads",
    ]  # fmt: skip
    assert sum(stream.requests for stream in told) == 8
    assert server.requests == []
    visits = Visits(access, clock)
    visits.once(only=is_listing)
    assert {stream.stream for stream in told} - {"threads"} == set(visits.cursors)


def test_faults_of_every_kind_are_played():
    assert {fault for seed in range(30) for fault in FaultPlan.random(seed).rates} == set(Fault)
