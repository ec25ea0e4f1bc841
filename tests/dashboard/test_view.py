"""Addresses of views: what is written can be read again, what can't be read does no harm."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dashboard.view import Preset, View
from db.periods import Step, start_of
from insights.shares import Denominator

TAGS = st.lists(st.sampled_from(["x", "reddit", "zh-Hans", "und"]), unique=True, max_size=3).map(tuple)
DAYS = st.tuples(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 500))


@st.composite
def views(draw):
    preset = draw(st.sampled_from(Preset))
    since, length = draw(DAYS)
    custom = preset is Preset.CUSTOM
    return View(
        language=draw(st.sampled_from(["en", "ja"])),
        preset=preset,
        since=since if custom else None,
        until=since + timedelta(days=length) if custom else None,
        sources=draw(TAGS),
        langs=draw(TAGS),
        step=draw(st.sampled_from(Step)),
        denominator=draw(st.sampled_from(Denominator)),
    )


@given(views(), st.sampled_from(["en", "ja"]))
def test_a_view_comes_back_from_its_address(view, default):
    assert View.from_params(view.params(language=default), language=default) == view


@given(
    st.dictionaries(st.sampled_from(["lang", "period", "from", "to", "source", "posts_in", "step", "of"]), st.text())
)
def test_any_address_gives_a_view(params):
    view = View.from_params(params, language="ja")
    assert View.from_params(view.params(language="ja"), language="ja") == view


@given(views(), st.datetimes(datetime(2024, 1, 1), datetime(2025, 1, 1)), st.integers(0, 1000))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_a_span_is_of_whole_periods(view, first, days):
    first = first.replace(tzinfo=UTC)
    start, end = view.span(first, first + timedelta(days=days))
    assert start < end
    assert start_of(view.step, start) == start
    assert start_of(view.step, end) == end


def test_the_plain_view_has_a_plain_address():
    assert View().params(language="en") == {}
    assert View().params(language="ja") == {"lang": "en"}
