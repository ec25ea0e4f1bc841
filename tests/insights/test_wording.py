"""Periods and figures as readers write them."""

from datetime import UTC, datetime

import pytest

from insights.catalogue import load
from insights.wording import count, interval, moment_name, percent, period_name, points


def day(year, month, number):
    return datetime(year, month, number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "english", "japanese"),
    [
        (day(2025, 11, 17), day(2025, 11, 18), "17 Nov 2025", "2025年11月17日"),
        (day(2025, 12, 8), day(2025, 12, 15), "8\u201314 Dec 2025", "2025年12月8日〜14日"),
        (day(2025, 10, 27), day(2025, 11, 3), "27 Oct \u2013 2 Nov 2025", "2025年10月27日〜11月2日"),
        (day(2025, 12, 29), day(2026, 1, 5), "29 Dec 2025 \u2013 4 Jan 2026", "2025年12月29日〜2026年1月4日"),
        (day(2025, 11, 1), day(2025, 12, 1), "November 2025", "2025年11月"),
        (day(2024, 2, 1), day(2024, 3, 1), "February 2024", "2024年2月"),
        (day(2025, 11, 1), day(2025, 11, 15), "1\u201314 Nov 2025", "2025年11月1日〜14日"),
        (day(2025, 11, 1), day(2026, 1, 1), "1 Nov \u2013 31 Dec 2025", "2025年11月1日〜12月31日"),
        (day(2025, 11, 17), day(2025, 11, 17), "17 Nov 2025", "2025年11月17日"),
    ],
)
def test_a_period_is_called_by_its_first_and_last_day(start, end, english, japanese):
    assert period_name(start, end, load("en")) == english
    assert period_name(start, end, load("ja")) == japanese


def test_a_moment_is_told_in_utc():
    assert moment_name(datetime(2025, 11, 17, 8, 5, tzinfo=UTC), load("en")) == "17 Nov 2025, 08:05 UTC"
    assert moment_name(datetime(2025, 11, 17, 8, 5, tzinfo=UTC), load("ja")) == "2025年11月17日 08:05 UTC"


def test_figures_are_whole_with_a_sign_where_it_matters():
    assert percent(0.349) == "35%"
    assert interval(0.281, 0.42, load("en")) == "28\u201342%"
    assert interval(0.281, 0.42, load("ja")) == "28〜42%"
    assert [points(value, load("en")) for value in (0.031, -0.042, 0.001, -0.001)] == [
        "+3 pp",
        "\u22124 pp",
        "±0 pp",
        "±0 pp",
    ]
    assert points(-0.042, load("ja")) == "\u22124ポイント"
    assert count(1234.4) == "1,234"
