"""Aspects and rivals over time: parts of all posts about Grok, with the stance of those that name them."""

from datetime import timedelta

import pytest
from conftest import MONDAY

from classifiers.codebook import Aspect, Category, Polarity, Rival
from db.periods import Step
from insights.shares import Status
from insights.topics import COMPLAINTS, PRAISE, aspects, report_themes, rivals


def ask(archive, what, **choice):
    with archive.engine.connect() as connection:
        return what(connection, **choice)


def by_name(rows):
    return {row.name: row for row in rows}


@pytest.fixture(name="filled")
def _filled(archive):
    archive.add(
        40, Category.SATISFACTION, polarity=Polarity.POSITIVE, aspects=(Aspect.CODING,), mentions=(Rival.CLAUDE,)
    )
    archive.add(
        20, Category.OTHER, polarity=Polarity.NEGATIVE, aspects=(Aspect.CODING, Aspect.PRICE), mentions=(Rival.CLAUDE,)
    )
    archive.add(40, Category.OTHER, polarity=Polarity.NEUTRAL)
    archive.add(30, None)
    return archive


def test_an_aspect_is_a_part_of_all_posts_about_grok(filled):
    rows = by_name(ask(filled, aspects))
    assert list(rows) == [aspect.value for aspect in Aspect]
    coding = rows["coding"]
    assert (coding.posts, coding.named.share, coding.effective_posts, coding.status) == (60, 0.6, 100, Status.OK)
    assert coding.named.low < 0.6 < coding.named.high
    assert coding.positive.share == pytest.approx(40 / 60)
    assert coding.negative.share == pytest.approx(20 / 60)
    assert rows["media"].named.share == 0
    assert 0 < rows["media"].named.high < 0.1
    assert rows["media"].positive.share is None


def test_a_rival_comes_off_better_or_worse_by_the_stance_of_the_post(filled):
    claude = by_name(ask(filled, rivals))["claude"]
    assert claude.preferred.share == pytest.approx(40 / 60)
    assert claude.preferred.low < 40 / 60 < claude.preferred.high


def test_what_was_collected_with_a_smaller_chance_counts_for_more(archive):
    archive.add(50, Category.OTHER, aspects=(Aspect.PRICE,), inclusion=0.25)
    archive.add(50, Category.OTHER)
    price = by_name(ask(archive, aspects))["price"]
    assert price.named.share == pytest.approx(0.8)
    assert price.effective_posts == pytest.approx(250**2 / 850)


def test_posts_of_one_thread_are_not_independent(archive):
    archive.add(50, Category.OTHER, aspects=(Aspect.PRICE,), thread="t")
    archive.add(50, Category.OTHER)
    archive.add(50, Category.OTHER, aspects=(Aspect.CODING,), at=MONDAY + timedelta(weeks=1))
    archive.add(50, Category.OTHER, at=MONDAY + timedelta(weeks=1))
    rows = ask(archive, aspects)
    price, coding = (next(row for row in rows if row.name == name and row.posts) for name in ("price", "coding"))
    assert price.named.high - price.named.low > 3 * (coding.named.high - coding.named.low)


def test_too_few_posts_are_no_share(archive):
    archive.add(29, Category.OTHER, aspects=(Aspect.PRICE,))
    price = by_name(ask(archive, aspects))["price"]
    assert (price.posts, price.named.share, price.status) == (29, None, Status.TOO_FEW)


def test_the_reports_themes_count_praise_and_blame_apart(filled):
    praise, complaints = ask(filled, report_themes)
    assert [row.name for row in praise] == list(PRAISE)
    assert [row.name for row in complaints] == list(COMPLAINTS)
    assert by_name(complaints)["coding"].named.share == pytest.approx(0.2)
    assert by_name(complaints)["price_and_access"].posts == 20
    assert by_name(praise)["natural_writing"].posts == 0


def test_a_whole_span_is_one_period(filled):
    end = MONDAY + timedelta(days=3)
    rows = ask(filled, rivals, step=None, start=MONDAY, end=end)
    assert {(row.period_start, row.period_end) for row in rows} == {(MONDAY, end)}
    with pytest.raises(ValueError, match="two ends"):
        ask(filled, rivals, step=None)


def test_both_choices_narrow_the_posts(filled):
    filled.add(40, Category.OTHER, lang="ja", source="x", mentions=(Rival.GEMINI,), at=MONDAY + timedelta(days=1))
    rows = by_name(ask(filled, rivals, langs=("ja",), sources=("x",), step=Step.MONTH))
    assert (rows["gemini"].named.share, rows["claude"].posts) == (1.0, 0)
