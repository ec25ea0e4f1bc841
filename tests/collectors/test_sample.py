"""The sample: enough posts, languages and weeks for a first look, none of them a platform's or a training post."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from collectors.base import Cursor
from collectors.sample import SampleCollector

CORPUS = Path(__file__).parents[2] / "classifiers" / "training" / "corpus"


@pytest.fixture(scope="module")
def posts():
    (page,) = SampleCollector().pages(None)
    return page.posts


def test_the_sample_spans_eight_weeks_around_the_release(posts):
    first, last = min(post.created_at for post in posts), max(post.created_at for post in posts)
    assert first < datetime(2025, 11, 17, tzinfo=UTC) < last
    assert timedelta(weeks=7.5) < last - first <= timedelta(weeks=8)


def test_the_sample_has_about_six_hundred_posts_in_ten_languages_from_both_platforms(posts):
    assert 550 <= len(posts) <= 650
    assert len({(post.lang or "").split("-")[0] for post in posts}) >= 10
    assert set(Counter(post.source for post in posts)) == {"reddit", "x"}


def test_sample_ids_never_meet_a_platforms_and_threads_hold_together(posts):
    ids = {post.source_id for post in posts}
    assert len(ids) == len(posts)
    assert all(name.startswith("sample-") for name in ids)
    assert {post.thread_id for post in posts} <= ids


def test_the_sample_is_stored_once():
    assert list(SampleCollector().pages(Cursor(stream="posts", value="610"))) == []


def test_no_sample_post_is_a_training_post(posts):
    written = {orjson.loads(line)["text"] for file in CORPUS.glob("*.jsonl") for line in file.read_bytes().splitlines()}
    assert written
    assert not written & {post.text for post in posts}
