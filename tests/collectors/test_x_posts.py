"""X's objects as posts; the shapes are the platform's, the texts were written for this project."""

from datetime import UTC, datetime

import pytest

from collectors.base import Kind
from collectors.x_posts import read_page, read_post

TWEET = {
    "id": "1990400000000000000",
    "edit_history_tweet_ids": ["1990400000000000000"],
    "text": "Grok is quick &amp; clever today &lt;3",
    "author_id": "44",
    "conversation_id": "1990399999999999999",
    "created_at": "2025-11-17T12:41:54.000Z",
    "lang": "en",
    "public_metrics": {"retweet_count": 1, "reply_count": 2, "like_count": 30, "quote_count": 0},
}


def test_a_post_is_read_with_all_that_the_charts_need():
    post = read_post(TWEET)
    assert (post.source, post.source_id, post.thread_id) == ("x", "1990400000000000000", "1990399999999999999")
    assert post.text == "Grok is quick & clever today <3"
    assert post.created_at == datetime(2025, 11, 17, 12, 41, 54, tzinfo=UTC)
    assert (post.lang, post.score, post.replies, post.kind, post.author) == ("en", 30, 2, Kind.POST, "44")
    assert post.url == "https://x.com/i/status/1990400000000000000"
    assert post.edited_at is None


def test_a_long_post_is_read_in_full():
    assert read_post(TWEET | {"note_tweet": {"text": "the whole of it &amp; more"}}).text == "the whole of it & more"


@pytest.mark.parametrize(
    ("told", "lang"), [("iw", "he"), ("in", "id"), ("und", None), ("zxx", None), ("qme", None), (7, None)]
)
def test_xs_codes_of_languages_become_tags(told, lang):
    assert read_post(TWEET | {"lang": told}).lang == lang


@pytest.mark.parametrize(("kind", "expected"), [("replied_to", Kind.REPLY), ("quoted", Kind.POST)])
def test_an_answer_is_told_from_a_quotation(kind, expected):
    assert read_post(TWEET | {"referenced_tweets": [{"type": kind, "id": "5"}]}).kind is expected


def test_a_retweet_is_no_post():
    assert read_post(TWEET | {"referenced_tweets": [{"type": "retweeted", "id": "5"}]}) is None


def test_an_edited_post_keeps_its_first_id_and_time():
    first, latest = "1990400000000000000", "1990403000000000000"
    edited = TWEET | {"id": latest, "edit_history_tweet_ids": [first, latest], "created_at": "2025-11-17T12:53:49.000Z"}
    post = read_post(edited)
    assert post.source_id == first
    assert post.created_at < post.edited_at == datetime(2025, 11, 17, 12, 53, 49, tzinfo=UTC)
    assert (post.edited_at - post.created_at).total_seconds() == 715
    assert post.url.endswith(latest)


@pytest.mark.parametrize("history", [None, [], "1", [None], ["12"], [{"id": "1"}]])
def test_a_history_that_makes_no_sense_is_no_history(history):
    assert read_post(TWEET | {"edit_history_tweet_ids": history}).source_id == TWEET["id"]


@pytest.mark.parametrize(
    "broken",
    [None, "text", 7, [], {}, {"id": "x1"} , {"id": "1"}, TWEET | {"text": None}, TWEET | {"created_at": "soon"},
     TWEET | {"created_at": None}, TWEET | {"id": "9" * 30}],
)  # fmt: skip
def test_what_is_no_post_is_counted_as_broken(broken):
    page = read_page({"data": [TWEET, broken], "meta": {}})
    assert (len(page.posts), page.items, page.broken) == (1, 2, 1)


@pytest.mark.parametrize(
    "odd",
    [{"public_metrics": None}, {"public_metrics": {"like_count": "many"}}, {"referenced_tweets": "none"},
     {"note_tweet": "text"}, {"author_id": ["4"]}, {"conversation_id": None}, {"referenced_tweets": [None, 3]}],
)  # fmt: skip
def test_a_field_of_a_wrong_type_is_left_out_and_the_post_stays(odd):
    assert read_post(TWEET | odd).text == "Grok is quick & clever today <3"


def test_the_newest_id_is_the_highest_whatever_the_order():
    ids = ["1990400000000000005", "1990400000000000009", "1990400000000000001"]
    body = {"data": [TWEET | {"id": i, "edit_history_tweet_ids": [i]} for i in ids], "meta": {"newest_id": ids[0]}}
    assert read_page(body).newest_id == ids[1]


def test_an_empty_page_still_knows_the_way_on():
    page = read_page({"meta": {"result_count": 0, "newest_id": "77", "next_token": "abc"}})
    assert (page.items, page.newest_id, page.next_token) == (0, "77", "abc")


@pytest.mark.parametrize("meta", [{"next_token": 7}, {"next_token": ""}, {}, {"newest_id": "soon"}])
def test_marks_of_a_wrong_type_are_no_marks(meta):
    page = read_page({"meta": meta})
    assert (page.next_token, page.newest_id) == (None, None)


def test_a_look_up_tells_what_is_gone_from_what_went_wrong():
    gone = {"resource_id": "5", "type": "https://api.twitter.com/2/problems/resource-not-found"}
    hidden = {"value": "6", "type": "https://api.twitter.com/2/problems/not-authorized-for-resource"}
    page = read_page({"data": [TWEET], "errors": [gone, hidden, {"title": "Internal"}, "what"]})
    assert page.missing == ("5", "6")
    assert page.broken == 2
