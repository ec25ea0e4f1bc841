"""How Reddit's refusals are told, waited out, or given up; and that nothing but what is passed in configures PRAW."""

import random
from datetime import timedelta

import pytest
from platforms.faults import Fault, FaultPlan
from platforms.reddit_server import CLIENT_SECRET
from platforms.reddit_visits import access_to
from platforms.serving import Reply
from platforms.world import START, Channel, World

from collectors.base import CollectorError
from collectors.errors import ChannelClosed, Forbidden, PlatformError, Unavailable
from collectors.reddit import Reddit, RedditAccess

WORLD = World(channels=(Channel(name="grok"), Channel(name="private", state="private")))


@pytest.fixture
def reddit(server, clock):
    made = reddit_at(server, clock)
    yield made
    made.close()


def reddit_at(server, clock, **changes):
    return Reddit(access_to(server, **changes), clock=clock, sleep=clock.sleep, chance=random.Random(1))


def first_page(reddit):
    return reddit.client.get("/r/grok/new", {"limit": 5})["data"]["children"]


def deal(server, *faults):
    """Let the server deal these faults, one a request, and none after that."""
    waiting = list(faults)
    server.faults.next = lambda: waiting.pop(0) if waiting else None


def test_a_listing_is_read_with_our_name_and_a_token_and_unescaped(server, reddit):
    assert len(first_page(reddit)) == 5
    token, page = server.requests
    assert token.form["grant_type"] == "client_credentials"
    assert page.headers["user-agent"].startswith("python:grokwatch-tests:v1")
    assert page.query["raw_json"] == "1"


def test_the_token_is_asked_for_once(server, reddit):
    for _ in range(3):
        first_page(reddit)
    assert [request.path for request in server.requests].count("/api/v1/access_token") == 1


STRAY = """\
[DEFAULT]
oauth_url=http://127.0.0.1:9
reddit_url=http://127.0.0.1:9
client_id=x
client_secret=y
refresh_token=z
username=u
password=p
comment_kind=t9
timeout=soon
"""


@pytest.mark.parametrize("folder", ["here", "config"])
@pytest.mark.parametrize("content", [STRAY, "this is [no ini file"])
def test_a_stray_praw_ini_is_never_read(server, clock, tmp_path, monkeypatch, folder, content):
    home = tmp_path / "home"
    (home / ".config").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path if folder == "here" else home / ".config").joinpath("praw.ini").write_text(content)
    for name in ("refresh_token", "username", "password", "client_id"):
        monkeypatch.setenv(f"praw_{name}", "stray")
    monkeypatch.setenv("praw_site", "elsewhere")
    reddit = reddit_at(server, clock)
    assert len(first_page(reddit)) == 5
    assert server.requests[0].form == {"grant_type": "client_credentials"}
    reddit.close()


def test_a_stray_netrc_does_not_take_the_place_of_the_token(server, clock, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    reddit = reddit_at(server, clock)
    assert len(first_page(reddit)) == 5
    reddit.close()


def test_no_key_is_told_with_the_way_to_one(server, clock):
    with pytest.raises(CollectorError, match="no key for Reddit") as caught:
        reddit_at(server, clock, client_secret=None)
    assert "GROKWATCH_REDDIT__FEEDS=true" in caught.value.mend
    assert "archives" in caught.value.mend


def test_a_wrong_key_is_one_sentence_and_not_tried_again(server, clock):
    reddit = reddit_at(server, clock, client_secret="wrong")
    with pytest.raises(Forbidden, match="client id and secret") as caught:
        first_page(reddit)
    assert caught.value.status == 401
    assert "GROKWATCH_REDDIT__CLIENT_SECRET" in caught.value.mend
    assert len(server.requests) == 1
    assert "wrong" not in f"{caught.value} {caught.value.mend}"
    reddit.close()


def test_the_secret_is_not_shown(server):
    assert CLIENT_SECRET not in repr(access_to(server))


def test_a_revoked_token_is_replaced(server, reddit):
    first_page(reddit)
    server.revoke_tokens()
    assert len(first_page(reddit)) == 5


def test_a_token_that_is_refused_at_once_parks_the_stream(server, reddit, monkeypatch):
    monkeypatch.setattr(server, "_refusal", lambda request: Reply(status=401, body={"error": 401}))
    with pytest.raises(Forbidden, match="token"):
        first_page(reddit)
    assert len(server.requests) == 4


def test_a_blocked_client_is_told_so(server, reddit):
    server.blocked = True
    with pytest.raises(Forbidden, match="403") as caught:
        first_page(reddit)
    assert "USER_AGENT" in caught.value.mend
    assert caught.value.url.endswith("/r/grok/new")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("private", "r/grok is private"),
        ("quarantined", "quarantined"),
        ("banned", "banned"),
        ("unknown", "does not exist"),
    ],
)
def test_a_closed_community_is_told_by_its_reason(server, reddit, state, said):
    server.states["grok"] = state
    with pytest.raises(ChannelClosed, match=said) as caught:
        first_page(reddit)
    assert caught.value.channel == "r/grok"
    assert "GROKWATCH_REDDIT__SUBREDDITS" in caught.value.mend


def test_a_429_with_headers_is_waited_out_as_they_say(server, reddit, clock):
    first_page(reddit)
    deal(server, Fault.LIMITED)
    before = clock()
    assert len(first_page(reddit)) == 5
    assert timedelta(seconds=7) <= clock() - before <= timedelta(seconds=9)


def test_a_429_without_headers_is_waited_out_ever_longer(server, reddit, clock):
    first_page(reddit)
    deal(server, *[Fault.LIMITED_BARE] * 6)
    before = clock.slept
    assert len(first_page(reddit)) == 5
    assert clock.slept - before > 30


@pytest.mark.parametrize(
    "fault", [Fault.SERVER_ERROR, Fault.RESET, Fault.TRUNCATED, Fault.TIMEOUT, Fault.ERRORS_IN_200]
)
def test_what_passes_is_tried_again(server, reddit, fault):
    first_page(reddit)
    deal(server, fault, fault)
    assert len(first_page(reddit)) == 5
    assert len(server.requests) == 5


def test_what_passes_is_tried_again_for_the_token_too(server, reddit):
    deal(server, Fault.SERVER_ERROR, Fault.TRUNCATED)
    assert len(first_page(reddit)) == 5


def test_what_does_not_pass_is_given_up_and_says_where_and_why(server, clock):
    server.faults = FaultPlan(rates={Fault.SERVER_ERROR: 1.0}, in_a_row=10**9)
    reddit = reddit_at(server, clock)
    with pytest.raises(Unavailable, match=r"access_token in 7 attempts: it answered 503") as caught:
        first_page(reddit)
    assert caught.value.status == 503
    assert len(server.requests) == 7
    reddit.close()


def test_nobody_there_is_told_as_that(server, clock):
    reddit = reddit_at(server, clock, reddit_url="http://127.0.0.1:9", oauth_url="http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="connection failed") as caught:
        first_page(reddit)
    assert caught.value.status is None
    reddit.close()


def test_a_wait_of_hours_is_left_to_the_next_visit_and_nothing_is_sent_meanwhile(server, reddit, clock):
    first_page(reddit)
    server.retry_after_seconds = 7200
    deal(server, Fault.LIMITED)
    with pytest.raises(Unavailable) as caught:
        first_page(reddit)
    assert caught.value.status == 429
    assert clock.slept < 10
    sent = len(server.requests)
    with pytest.raises(Unavailable, match="asks to wait until"):
        first_page(reddit)
    assert len(server.requests) == sent
    clock.move(timedelta(hours=2))
    assert len(first_page(reddit)) == 5


def test_a_request_that_makes_no_sense_is_not_repeated(server, reddit, monkeypatch):
    first_page(reddit)
    monkeypatch.setattr(server, "_route", lambda request, fault: Reply(status=400, body={"message": "Bad Request"}))
    sent = len(server.requests)
    with pytest.raises(PlatformError, match="400"):
        first_page(reddit)
    assert len(server.requests) == sent + 1


def test_a_stop_during_a_wait_is_a_stop(server, clock):
    class StopError(Exception):
        pass

    def stopping(seconds):
        raise StopError

    reddit = Reddit(access_to(server), clock=clock, sleep=stopping, chance=random.Random(1))
    with pytest.raises(StopError):
        first_page(reddit)
    reddit.close()


def test_a_hundred_requests_a_minute_are_not_passed(server, reddit, clock):
    for _ in range(150):
        first_page(reddit)
    assert server.busiest_minute <= 100
    assert server.refused == 0
    assert timedelta(seconds=85) < clock() - (START + timedelta(hours=12)) < timedelta(seconds=110)


@pytest.mark.parametrize("state", ["public", "private"])
def test_the_key_is_tested_by_one_item(server, reddit, state):
    server.states["grok"] = state
    reddit.check_key()
    assert [request.path for request in server.requests][1:] == ["/r/grok/new"]
    assert server.requests[1].query["limit"] == "1"


@pytest.mark.parametrize("name", ["", "a", "grok/new", "gr ok", "r/", "x" * 22, "../etc", "grok?x"])
def test_a_name_that_no_subreddit_has_is_refused(name):
    with pytest.raises(CollectorError, match="not the name of a subreddit"):
        RedditAccess(subreddits=("grok", name), terms=("grok",), user_agent="tests of grokwatch")


def test_names_of_communities_are_taken_as_people_write_them():
    access = RedditAccess(
        subreddits=("r/grok", "/r/OpenAI/", "openai", " de "), terms=("grok",), user_agent="tests of it"
    )
    assert [name.lower() for name in access.communities] == ["grok", "openai", "de"]
