"""Key phrases: what moved is found, what did not is not, in any script."""

from datetime import timedelta

import pytest
from conftest import MONDAY
from sqlalchemy import update

from classifiers.codebook import Category
from db.models import Post
from insights.phrases import moved_phrases, phrases_of
from insights.words.tokens import phrase, sentences

WEEK = timedelta(weeks=1)
SPANS = {"before": (MONDAY - WEEK, MONDAY), "after": (MONDAY, MONDAY + WEEK)}


def write(archive, texts, *, at, lang="en", threads=None):
    archive.add(len(texts), Category.LATENCY, at=at, lang=lang, thread=threads)
    first = next(archive.numbers) - len(texts)
    archive.numbers = iter(range(first + len(texts), 10**9))
    with archive.engine.begin() as connection:
        for number, text in enumerate(texts, start=first):
            connection.execute(update(Post).where(Post.source_id == f"p{number}").values(text=text))


def moved(archive, **choice):
    with archive.engine.connect() as connection:
        return moved_phrases(connection, **SPANS, category=Category.LATENCY, **choice)


def words(text, lang):
    return [phrase([word]) for one in sentences(text, lang) for word in one]


def test_what_moved_is_found_as_the_longest_phrase_and_once(sqlite_archive):
    steady = [f"answers take ages on version {number}{number}" for number in range(60)]
    write(sqlite_archive, steady, at=MONDAY - WEEK)
    write(sqlite_archive, [f"{text} and voice mode crashes" for text in steady], at=MONDAY)
    found = moved(sqlite_archive)
    assert [one.phrase for one in found] == ["voice mode crashes"]
    assert (found[0].before, found[0].after, found[0].share_after) == (0, 60, 1.0)
    assert found[0].z > 2


def test_what_faded_has_a_negative_sign(sqlite_archive):
    write(sqlite_archive, [f"login loop number{number} today" for number in range(40)], at=MONDAY - WEEK)
    write(sqlite_archive, [f"pictures fail number{number} today" for number in range(40)], at=MONDAY)
    signs = {one.phrase: one.z > 0 for one in moved(sqlite_archive)}
    assert signs == {"login loop": False, "pictures fail": True}


def test_chance_is_not_news(sqlite_archive):
    posts = [f"slow {word} {number % 7}" for number, word in enumerate(["server", "app", "site", "voice"] * 25)]
    write(sqlite_archive, posts[:50], at=MONDAY - WEEK)
    write(sqlite_archive, posts[50:], at=MONDAY)
    assert moved(sqlite_archive) == []


def test_a_thread_and_a_copied_post_count_once(sqlite_archive):
    plain = [f"steady complaint number{number}" for number in range(40)]
    write(sqlite_archive, plain, at=MONDAY - WEEK)
    write(sqlite_archive, [f"{text} again" for text in plain], at=MONDAY)
    write(sqlite_archive, [f"purple llama {number}" for number in range(40)], at=MONDAY, threads="one-thread")
    write(sqlite_archive, ["green gnome"] * 40, at=MONDAY)
    assert not {"purple llama", "green gnome"} & {one.phrase for one in moved(sqlite_archive)}


def test_without_a_period_before_nothing_can_be_said(sqlite_archive):
    write(sqlite_archive, ["voice mode crashes"] * 40, at=MONDAY)
    assert moved(sqlite_archive) == []


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("It's slow. Really slow!", "en", ["it's", "slow", "really", "slow"]),
        ("グロックの返事がとても自然になった。", "ja", ["グロック", "返事", "とても", "自然", "なった"]),
        ("服务器又宕机了", "zh-Hans", ["服务器", "又", "宕机", "了"]),
        ("ระบบช้ามาก", "th", ["ระบบ", "ช้า", "มาก"]),
        ("그록이 서버에서 느려요", "ko", ["그록", "서버", "느려요"]),
        ("ग्रोक बहुत धीमा है", "hi", ["ग्रोक", "बहुत", "धीमा", "है"]),
        ("see https://example.com @somebody", "en", ["see"]),
    ],
)
def test_words_are_found_in_every_script(text, lang, expected):
    assert words(text, lang) == expected


def test_phrases_keep_to_a_stretch_and_begin_and_end_with_what_says_something():
    assert phrases_of("The voice mode, of the app: it is slow", "en") == {"voice", "voice mode", "mode", "app", "slow"}
    assert "返事が遅い" in phrases_of("返事が遅いです", "ja")


def test_japanese_phrases_move_too(sqlite_archive):
    write(sqlite_archive, [f"今日も普通に使えた、{number}日目" for number in range(40)], at=MONDAY - WEEK, lang="ja")
    write(sqlite_archive, [f"サーバーが落ちている、{number}日目" for number in range(40)], at=MONDAY, lang="ja")
    found = {one.phrase for one in moved(sqlite_archive, langs=("ja",)) if one.z > 0}
    assert any("サーバー" in text for text in found)
