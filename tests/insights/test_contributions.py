"""Contributions add up to the change, whatever the parts."""

from datetime import timedelta

import pytest
from archives.history import MONDAY, OUTAGE, USUAL, store_days
from hypothesis import given
from hypothesis import strategies as st

from classifiers.codebook import Category
from db.selection import Selection
from insights.contributions import Dimension, Parts, contributions, divide, divide_shared
from insights.shares import Denominator

WEEK = timedelta(weeks=1)
part = st.tuples(st.floats(0, 1e6), st.floats(0, 1)).map(lambda pair: Parts(pair[0], pair[0] * pair[1]))
side = st.dictionaries(st.sampled_from(["en", "ja", "pt", "ko", None]), part, min_size=1).filter(
    lambda parts: sum(one.mass for one in parts.values()) > 1e-3
)


def share(parts):
    return sum(one.category for one in parts.values()) / sum(one.mass for one in parts.values())


@pytest.mark.parametrize("how", [divide, divide_shared])
@given(before=side, after=side)
def test_parts_add_up_to_the_change_of_the_share(how, before, after):
    found = how(before, after)
    assert sum(one.total for one in found) == pytest.approx(share(after) - share(before), abs=1e-9)


def test_a_rise_in_one_language_is_that_languages():
    before = {"en": Parts(500, 50), "ja": Parts(500, 50)}
    after = {"en": Parts(500, 50), "ja": Parts(500, 150)}
    first, second = divide(before, after)
    assert (first.part, first.within, first.mix) == ("ja", pytest.approx(0.1), 0)
    assert second.total == 0


def test_more_posts_of_a_complaining_language_are_mix_and_not_a_change_within():
    before = {"en": Parts(500, 50), "ja": Parts(500, 250)}
    after = {"en": Parts(250, 25), "ja": Parts(750, 375)}
    found = divide(before, after)
    assert [one.within for one in found] == [0, 0]
    assert sum(one.mix for one in found) == pytest.approx(0.4 - 0.3)


def test_a_change_from_nothing_is_refused():
    with pytest.raises(ValueError, match="before and after"):
        divide({}, {"en": Parts(1, 1)})


def test_posts_of_the_database_are_divided_by_language_channel_and_aspect(engine):
    week = [USUAL] * 7
    store_days(engine, [*week, *week], lang="en", channel="grok", aspects=("coding",))
    store_days(engine, [*week, *[OUTAGE] * 7], lang="ja", channel="newsokur", aspects=("speed", "reliability"))
    store_days(engine, [*week, *week], source="x", lang="pt-BR", channel=None)
    spans = [Selection(start=MONDAY, end=MONDAY + WEEK), Selection(start=MONDAY + WEEK, end=MONDAY + 2 * WEEK)]
    with engine.connect() as connection:
        found = {
            dimension: contributions(
                connection, before=spans[0], after=spans[1], category=Category.LATENCY, dimension=dimension
            )
            for dimension in Dimension
        }
    change = (8 + 20 + 8) / 120 - 24 / 120
    for parts in found.values():
        assert sum(one.total for one in parts) == pytest.approx(change)
    assert {one.part for one in found[Dimension.LANGUAGE]} == {"en", "ja", "pt"}
    assert found[Dimension.LANGUAGE][0].part == "ja"
    assert found[Dimension.LANGUAGE][0].after == pytest.approx(0.5)
    assert {one.part for one in found[Dimension.CHANNEL]} == {"grok", "newsokur", None}
    speed, reliability = (one for one in found[Dimension.ASPECT] if one.part in {"speed", "reliability"})
    assert speed.total == reliability.total == pytest.approx(change / 2)


def test_shares_of_the_five_are_divided_too(sqlite_engine):
    store_days(sqlite_engine, [*[USUAL] * 7, *[OUTAGE] * 7])
    spans = [Selection(start=MONDAY, end=MONDAY + WEEK), Selection(start=MONDAY + WEEK, end=MONDAY + 2 * WEEK)]
    with sqlite_engine.connect() as connection:
        (only,) = contributions(
            connection, before=spans[0], after=spans[1], category=Category.LATENCY, dimension=Dimension.LANGUAGE,
            denominator=Denominator.FIVE,
        )  # fmt: skip
    assert only.total == pytest.approx(20 / 32 - 8 / 28)


def test_a_span_without_posts_has_no_contributions(sqlite_engine):
    nothing = Selection(start=MONDAY, end=MONDAY + WEEK)
    with sqlite_engine.connect() as connection:
        assert contributions(
            connection, before=nothing, after=nothing, category=Category.BIAS, dimension=Dimension.SOURCE
        ) == []  # fmt: skip
