"""Charts: what they draw, what they refuse to draw, and what they say to whom can't see them."""

import itertools
import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st

from classifiers.codebook import FIVE, Category
from insights import charts
from insights.catalogue import load
from insights.chart_paper import on_paper
from insights.events import Event
from insights.shares import Denominator, Share, Status
from insights.volume import Volume

MONDAY = datetime(2025, 11, 3, tzinfo=UTC)
WEEK = timedelta(weeks=1)
REPORT = dict(zip(FIVE, (0.35, 0.30, 0.20, 0.10, 0.05), strict=True))
ROLLOUT = Event(
    starts_at=datetime(2025, 11, 1, tzinfo=UTC),
    ends_at=datetime(2025, 11, 15, tzinfo=UTC),
    name="Silent rollout",
    name_ja="段階的公開",
)
RELEASE = Event(starts_at=datetime(2025, 11, 17, tzinfo=UTC), name="Grok 4.1 release", name_ja="Grok 4.1 リリース")
GROK_5 = Event(
    starts_at=datetime(2026, 1, 1, tzinfo=UTC), ends_at=datetime(2026, 4, 1, tzinfo=UTC), name="Grok 5", expected=True
)


def week(number: int, status: Status = Status.OK, categories=FIVE, *, length: timedelta = WEEK) -> list[Share]:
    shown = status is Status.OK
    start = MONDAY + number * length
    return [
        Share(
            period_start=start,
            period_end=start + length,
            category=category,
            share=1 / len(categories) if shown else None,
            low=0.1 if shown else None,
            high=0.38 if shown else None,
            posts=12,
            effective_posts=60.0 if shown else 12.0,
            denominator=Denominator.FIVE if len(categories) == len(FIVE) else Denominator.RELEVANT,
            method="bootstrap",
            status=status,
        )
        for category in categories
    ]


def weeks(*statuses: Status) -> list[Share]:
    return [share for number, status in enumerate(statuses) for share in week(number, status)]


def frame(language="en", **more) -> charts.Frame:
    return charts.Frame(words=load(language), now=more.pop("now", MONDAY + 52 * WEEK), **more)


def rows(chart) -> list[dict]:
    return chart.to_dict()["data"]["values"] if "values" in chart.to_dict()["data"] else _named(chart.to_dict())


def _named(spec: dict) -> list[dict]:
    return spec["datasets"][spec["data"]["name"]]


def layer_rows(chart) -> list[dict]:
    """Give the rows that layers bring of their own: notes and marks of events."""
    spec = chart.to_dict()
    datasets = spec.get("datasets", {})
    found = []
    for layer in spec["layer"]:
        data = layer.get("data", {})
        found += data.get("values") or datasets.get(data.get("name"), [])
    return found


def all_charts(shares, setting):
    volumes = [
        Volume(
            period_start=group.period_start,
            period_end=group.period_end,
            posts=80,
            relevant=60,
            waiting=2,
            categories=dict.fromkeys(Category, 10),
        )
        for group in shares[::5]
    ]
    return {
        "shares": charts.shares_chart(shares, setting),
        "interval": charts.interval_chart(shares, Category.BIAS, setting, baseline=0.2),
        "baseline": charts.baseline_chart(shares[:5], REPORT, setting),
        "volume": charts.volume_chart(volumes, setting),
    }


def test_the_stack_fills_each_period_from_top_to_bottom_in_the_order_of_the_report():
    drawn = rows(charts.shares_chart(weeks(Status.OK, Status.OK), frame()))
    for _, period in itertools.groupby(drawn, key=lambda row: row["start"]):
        stack = list(period)
        assert [row["name"] for row in stack] == [load("en")(f"category.{category}") for category in FIVE]
        assert stack[0]["top"] == 1
        assert stack[-1]["bottom"] == pytest.approx(0)
        assert all(upper["bottom"] == lower["top"] for upper, lower in itertools.pairwise(stack))


@pytest.mark.parametrize(("status", "words"), [(Status.TOO_FEW, "Too few posts"), (Status.NO_DATA, "No posts")])
def test_a_period_that_cannot_be_shown_stays_empty_and_says_why(status, words):
    shares = weeks(Status.OK, status, status, Status.OK)
    stacked = charts.shares_chart(shares, frame())
    assert {row["start"] for row in rows(stacked)} == {
        round((MONDAY + number * WEEK).timestamp() * 1000) for number in (0, 3)
    }
    notes = [row for row in layer_rows(stacked) if row.get("text") == words]
    assert {(row["start"], row["end"]) for row in notes} == {
        (round((MONDAY + WEEK).timestamp() * 1000), round((MONDAY + 3 * WEEK).timestamp() * 1000))
    }
    panel = rows(charts.interval_chart(shares, Category.LATENCY, frame()))
    assert [row["share"] is None for row in panel] == [False, True, True, False]
    assert [row["value"] for row in panel] == ["20%", words, words, "20%"]


def test_the_tooltip_never_gives_a_share_without_its_interval():
    for name, chart in all_charts(weeks(Status.OK), frame()).items():
        if name != "volume":
            assert {row["interval"] for row in rows(chart)} == {"10\u201338%"}
            assert {(row["posts"], row["effective"]) for row in rows(chart)} == {("12", "60")}


def test_a_period_that_has_not_ended_is_marked():
    now = MONDAY + WEEK + timedelta(days=2)
    stacked = charts.shares_chart(weeks(Status.OK, Status.OK), frame(now=now))
    assert [row["incomplete"] for row in rows(stacked)] == [False] * 5 + [True] * 5
    assert "so far" in rows(stacked)[-1]["period"]
    assert "so far" in [row.get("text") for row in layer_rows(stacked)]


def test_events_are_drawn_where_they_fall_into_the_span_and_no_further():
    marks = {
        row["name"]: row
        for row in layer_rows(
            charts.shares_chart(weeks(Status.OK, Status.OK, Status.OK), frame(events=[ROLLOUT, RELEASE, GROK_5]))
        )
        if "band" in row
    }
    assert set(marks) == {"Silent rollout", "Grok 4.1 release"}
    assert marks["Silent rollout"]["start"] == round(MONDAY.timestamp() * 1000)
    assert marks["Silent rollout"]["when"] == "1\u201314 Nov 2025"
    assert marks["Grok 4.1 release"]["when"] == "17 Nov 2025"


def test_an_expected_event_says_so():
    shares = [share for number in range(12) for share in week(number)]
    marks = [row for row in layer_rows(charts.shares_chart(shares, frame(events=[GROK_5]))) if "band" in row]
    assert {row["when"] for row in marks} == {"1 Jan \u2013 31 Mar 2026 (expected)"}


def test_names_of_events_share_no_room():
    crowd = [
        replace(RELEASE, starts_at=RELEASE.starts_at + timedelta(hours=hour), name=f"Event {hour}") for hour in range(6)
    ]
    shares = [share for number in range(8) for share in week(number)]
    lanes = {
        row["name"]: row["lane"]
        for row in layer_rows(charts.shares_chart(shares, frame(events=crowd)))
        if "band" in row
    }
    named = [lane for lane in lanes.values() if lane is not None]
    assert len(lanes) == 6
    assert sorted(named) == sorted(set(named)) == [0, 1, 2]


@pytest.mark.parametrize(("language", "notice"), [("en", "Sample data"), ("ja", "サンプルデータ")])
def test_every_chart_says_that_its_posts_are_samples(language, notice):
    for chart in all_charts(weeks(Status.OK), frame(language, sample=True)).values():
        assert any(notice in line for line in chart.to_dict()["title"]["subtitle"])
    for chart in all_charts(weeks(Status.OK), frame(language)).values():
        assert notice not in json.dumps(chart.to_dict(), ensure_ascii=False)


def test_a_chart_describes_its_newest_shares_with_intervals():
    described = all_charts(weeks(Status.OK, Status.OK, Status.TOO_FEW), frame())["shares"].to_dict()["description"]
    assert "10\u201316 Nov 2025" in described
    assert "Latency and bugs 20% (95% interval 10\u201338%)" in described


def test_a_chart_without_a_share_describes_that():
    described = charts.shares_chart(weeks(Status.TOO_FEW), frame()).to_dict()["description"]
    assert "No period has enough posts" in described


def test_the_baseline_chart_sets_the_difference_beside_the_share():
    drawn = {row["name"]: row for row in rows(charts.baseline_chart(week(0), REPORT, frame()))}
    assert drawn["Excitement"]["report_text"] == "35%"
    assert drawn["Excitement"]["difference"] == "\u221215 pp"
    assert drawn["Abandonment"]["difference"] == "+15 pp"


def test_six_categories_are_drawn_for_all_relevant_posts():
    chart = charts.shares_chart(week(0, categories=tuple(Category)), frame())
    assert [row["name"] for row in rows(chart)][-1] == "Other"
    assert chart.to_dict()["title"]["text"] == "Shares of all posts about Grok"


@given(st.lists(st.floats(0, 1), max_size=6), st.floats(0, 1))
def test_the_common_axis_holds_every_interval_and_the_report(highs, report):
    shares = [replace(share, high=high) for share, high in zip(week(0) * 2, highs, strict=False)]
    ceiling = charts.common_ceiling(shares, {Category.BIAS: report})
    assert max([*highs[: len(shares)], report]) <= ceiling + 1e-9
    assert 0 < ceiling <= 1


def test_no_chart_needs_the_network():
    for chart in all_charts(weeks(Status.OK), frame(sample=True, events=[ROLLOUT, RELEASE])).values():
        spec = chart.to_dict()
        spec.pop("$schema")
        assert "http" not in json.dumps(spec)
        assert "url" not in spec["data"]


def test_a_year_of_days_has_readable_ticks():
    shares = [share for number in range(365) for share in week(number, length=timedelta(days=1))]
    spec = charts.shares_chart(shares, frame()).to_dict()
    axis = next(layer["encoding"]["x"]["axis"] for layer in spec["layer"] if "axis" in layer["encoding"].get("x", {}))
    assert len(json.loads(axis["values"]["expr"])) <= 10


@pytest.mark.parametrize("language", ["en", "ja"])
def test_pictures_are_png_files_of_either_language(language):
    pictures = {
        name: charts.png(chart, scale=1)
        for name, chart in all_charts(
            weeks(Status.OK, Status.TOO_FEW), frame(language, sample=True, events=[ROLLOUT, RELEASE])
        ).items()
    }
    assert all(picture.startswith(b"\x89PNG\r\n\x1a\n") for picture in pictures.values())
    assert len(set(pictures.values())) == len(pictures)
    assert all(len(picture) > 5_000 for picture in pictures.values())


def test_a_picture_is_drawn_with_its_words():
    chart = charts.shares_chart(weeks(Status.OK, Status.OK, Status.OK), frame("ja", events=[RELEASE]))
    svg = vl_convert.vegalite_to_svg(on_paper(chart))
    assert "好奇心・興奮" in svg
    assert "Grok 4.1 リリース" in svg


# Dichromacy as 3x3 matrices on linear RGB, severity 1.0: Machado, Oliveira & Fernandes (2009), table of their web page.
VISION = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour: str) -> list[float]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def seen(colour: str, vision: str) -> list[float]:
    rgb = linear(colour)
    return [min(1, max(0, sum(a * b for a, b in zip(row, rgb, strict=True)))) for row in VISION[vision]]


def lab(rgb: list[float]) -> tuple[float, float, float]:
    to_xyz = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
    xyz = [sum(a * b for a, b in zip(row, rgb, strict=True)) for row in to_xyz]
    x, y, z = (
        math.cbrt(v / white) if v / white > 0.008856 else 7.787 * v / white + 16 / 116
        for v, white in zip(xyz, (0.95047, 1.0, 1.08883), strict=True)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("vision", VISION)
def test_colours_of_categories_stay_apart_for_every_eye(vision):
    for one, other in itertools.combinations(charts.COLOURS.values(), 2):
        assert math.dist(lab(seen(one, vision)), lab(seen(other, vision))) >= 18, (one, other)


@pytest.mark.parametrize("paper", ["#ffffff", "#171714"])
def test_colours_stand_out_from_light_and_dark_pages(paper):
    def luminance(colour: str) -> float:
        return sum(a * b for a, b in zip(linear(colour), (0.2126, 0.7152, 0.0722), strict=True))

    for colour in charts.COLOURS.values():
        light, dark = sorted((luminance(colour), luminance(paper)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, colour


def test_pictures_bring_their_own_japanese_font():
    charts.png(charts.shares_chart(weeks(Status.OK), frame("ja")), scale=1)
    text = '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40"><text y="30" font-size="30" font-family="{}">{}</text></svg>'
    named, unknown = (
        vl_convert.svg_to_png(text.format(family, "Aa 満足")) for family in ("Grokwatch Sans JP", "No Such Family")
    )
    assert named != unknown
    drawn = {vl_convert.svg_to_png(text.format("Grokwatch Sans JP", letter)) for letter in "遅延不満懸念興奮放棄"}
    assert len(drawn) == 10  # a missing letter would look like any other missing letter
