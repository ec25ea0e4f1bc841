"""What a letter says: the figures of `insights`, each with its interval, and never more than they allow."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from classifiers.codebook import FIVE, Category
from digest.compose import compose
from digest.findings import Findings, WeekStatus, find
from digest.week import Week
from insights.baseline import by_category
from insights.catalogue import load
from insights.changes import Verdict, changes
from insights.events import Event, add_event
from insights.shares import total
from insights.wording import interval, percent

WEEK = Week.parse("2025-W47")
AFTER = datetime(2025, 11, 25, 6, 30, tzinfo=UTC)
LANGUAGES = ("en", "ja")
MINUS = "\N{MINUS SIGN}"


class _Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.words, self.images, self.hidden = [], [], 0

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in {"style", "title"}
        if tag == "img":
            self.images.append(dict(attrs))

    def handle_endtag(self, tag):
        self.hidden -= tag in {"style", "title"}

    def handle_data(self, data):
        if not self.hidden:
            self.words.append(data)


def read(html):
    parser = _Text()
    parser.feed(html)
    return re.sub(r"\s+", " ", " ".join(parser.words)), parser.images


def row(text, name):
    """Find a category's line in the table of the plain-text part."""
    return next(line for line in text.splitlines() if line.startswith(f"{name}  "))


def fill(archive, counts, week=WEEK, **options):
    for category, n in counts.items():
        for day in range(7):
            archive.add(n, category, at=week.start + timedelta(days=day, hours=9), **options)


MANY = dict(zip(FIVE, (10, 4, 3, 2, 1), strict=True)) | {Category.OTHER: 2, None: 3}
BEFORE = dict(zip(FIVE, (3, 4, 3, 2, 8), strict=True))


def findings(engine, week=WEEK, now=AFTER) -> Findings:
    with engine.connect() as connection:
        return find(connection, week, now=now)


def letter(engine, lang="en", **options):
    return compose(findings(engine, **options), lang)


def two_weeks(archive):
    """Fill two weeks with clear differences."""
    fill(archive, MANY)
    fill(archive, BEFORE, WEEK.before)
    return archive.engine


@pytest.fixture
def full(sqlite_archive):
    """Two weeks, where the kind of database plays no role."""
    return two_weeks(sqlite_archive)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_both_parts_show_the_shares_of_insights_with_their_intervals(archive, lang):
    full = two_weeks(archive)
    words = load(lang, "digest")
    with full.connect() as connection:
        expected = total(connection, start=WEEK.start, end=WEEK.end)
        report = by_category(connection)
    written = letter(full, lang)
    html, _ = read(written.html)
    for share in expected:
        name = words(f"category.{share.category}")
        figures = [percent(share.share), interval(share.low, share.high, words), percent(report[share.category])]
        line = row(written.text, name)
        assert all(figure in line for figure in figures), line
        cells = html[html.rindex(f"■ {name}") :][:120]
        assert all(figure in cells for figure in figures), cells
    for part in (" ".join(written.text.split()), html):
        assert words("denominator.five") in part
        assert all(sentence in part for sentence in words("baseline.warning").split("。"))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("audited", "kind"),
    [
        ({}, "uncorrected"),
        ({"corrected": True, "audited": 120}, "corrected"),
        ({"corrected": True, "audited": 120, "extrapolated": True}, "extrapolated"),
    ],
)
def test_the_letter_says_whether_intervals_cover_the_classifiers_mistakes(full, lang, audited, kind):
    words = load(lang, "digest")
    found = findings(full)
    found = replace(found, shares=[replace(share, **audited) for share in found.shares])
    written = "".join(compose(found, lang).text.split())
    for one in ("uncorrected", "corrected", "extrapolated"):
        sentence = "".join(words(f"digest.method.{one}", audits="120").split())
        assert (sentence in written) == (one == kind)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_only_clear_changes_are_called_changes(full, lang):
    words = load(lang, "digest")
    with full.connect() as connection:
        verdicts = changes(
            total(connection, start=WEEK.before.start, end=WEEK.start),
            total(connection, start=WEEK.start, end=WEEK.end),
        )
    assert {change.verdict for change in verdicts} == {Verdict.UP, Verdict.DOWN, Verdict.UNCLEAR}
    text = letter(full, lang).text
    for change in verdicts:
        line = row(text, words(f"category.{change.category}"))
        assert words(f"digest.table.change.{change.verdict}") in line
        points = re.search(r"([+±-][\d.]+) ?\(([+±-][\d.]+)(?: to |〜)([+±-][\d.]+)\)", line.replace(MINUS, "-"))
        told = [float(number.replace("±", "")) for number in points.groups()]
        assert told == pytest.approx([100 * change.difference, 100 * change.low, 100 * change.high], abs=0.51)


def test_the_subject_tells_the_largest_clear_change(full):
    subject = letter(full).subject
    assert f"Abandonment {MINUS}35 pp to 5%" in subject
    assert "(n = 140)" in subject


def test_noise_is_no_news(sqlite_archive):
    fill(sqlite_archive, dict.fromkeys(FIVE, 2))
    fill(sqlite_archive, dict.fromkeys(FIVE, 2), WEEK.before)
    written = letter(sqlite_archive.engine)
    assert "no clear lead" in written.subject
    assert "No share changed clearly" in written.text
    assert "▲" not in written.text + written.html
    assert "▼" not in written.text + written.html
    assert written.text.count("no clear change") == 5


def test_a_leader_whose_interval_stands_alone_leads(sqlite_archive):
    fill(sqlite_archive, MANY)
    written = letter(sqlite_archive.engine)
    assert "Excitement has the largest share, 50%" in written.subject
    assert "Excitement had the largest of the five shares: 50%" in written.text
    assert "The week before has too few posts for a comparison." in " ".join(written.text.split())
    assert written.text.count("no comparison") == 5


@pytest.mark.parametrize("lang", LANGUAGES)
def test_too_few_posts_give_no_percentage(sqlite_archive, lang):
    sqlite_archive.add(12, Category.BIAS, at=WEEK.start)
    written = letter(sqlite_archive.engine, lang)
    words = load(lang, "digest")
    shown = row(written.text, words("category.bias"))
    assert words("status.too_few") in shown
    assert shown.count("%") == 1  # the report's
    assert "12" in written.subject
    assert findings(sqlite_archive.engine).status is WeekStatus.TOO_FEW


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_week_without_posts_says_so(sqlite_engine, lang):
    written = letter(sqlite_engine, lang)
    words = load(lang, "digest")
    assert words("digest.subject.no_posts") in written.subject
    assert words("digest.headline.no_posts") in " ".join(written.text.split())
    assert not written.pictures
    assert "cid:" not in written.html


def test_posts_that_wait_for_a_label_are_told(sqlite_archive):
    fill(sqlite_archive, MANY)
    sqlite_archive.add(5, None, at=WEEK.start, labelled=False)
    written = letter(sqlite_archive.engine)
    assert "5 of 180 posts are not yet labelled" in written.text
    assert "5 of 180 posts are not yet labelled" in read(written.html)[0]


def test_a_week_that_nobody_labelled_has_no_shares(sqlite_archive):
    sqlite_archive.add(40, None, at=WEEK.start, labelled=False)
    written = letter(sqlite_archive.engine)
    assert "posts not yet labelled" in written.subject
    assert "None of the week's 40 posts has been labelled yet" in " ".join(written.text.split())
    assert "Excitement" not in written.text


def test_days_without_a_post_are_told(sqlite_archive):
    sqlite_archive.add(40, Category.BIAS, at=WEEK.start)
    text = " ".join(letter(sqlite_archive.engine).text.split())
    assert "No post is stored for 6 of the week's 7 days (18 Nov 2025, 19 Nov 2025" in text


def test_a_running_week_is_marked_and_its_future_days_are_no_gap(sqlite_archive):
    sqlite_archive.add(40, Category.BIAS, at=WEEK.start)
    sqlite_archive.add(40, Category.BIAS, at=WEEK.start + timedelta(days=1))
    written = letter(sqlite_archive.engine, now=WEEK.start + timedelta(days=1, hours=12))
    assert written.subject.startswith("[so far] ")
    assert "The week ends on 24 Nov 2025, 00:00 UTC" in written.text
    assert "No post is stored" not in written.text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_sample_data_is_named_in_subject_and_both_parts(sqlite_archive, lang):
    fill(sqlite_archive, MANY, kind="sample")
    words = load(lang, "digest")
    written = letter(sqlite_archive.engine, lang)
    assert written.subject.startswith(words("digest.subject.sample"))
    notice = words("sample.notice")
    assert notice in read(written.html)[0]
    assert notice in " ".join(written.text.split())


def test_real_data_carries_no_sample_notice(full):
    written = letter(full)
    assert "sample data" not in (written.subject + written.text + read(written.html)[0]).lower()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_picture_is_in_the_html_and_tells_its_figures(full, lang):
    written = letter(full, lang)
    _, images = read(written.html)
    assert [image["src"] for image in images] == [f"cid:{picture.cid}" for picture in written.pictures]
    assert len(images) == 2
    for image, picture in zip(images, written.pictures, strict=True):
        assert picture.png.startswith(b"\x89PNG")
        assert image["alt"] == picture.alt
        assert "50%" in image["alt"]


def test_a_preview_carries_its_pictures_inside(full):
    html = letter(full).standalone_html()
    assert "cid:" not in html
    assert html.count("data:image/png;base64,") == 2


def test_nothing_is_fetched_from_elsewhere(full):
    html = letter(full).html
    addresses = set(re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"')\s>]+)", html))
    assert all(address.startswith("cid:") for address in addresses), addresses


def test_events_of_the_week_are_named_in_the_readers_language_and_are_no_markup(full):
    with full.begin() as connection:
        add_event(connection, Event(starts_at=WEEK.start, name="<b>Bold</b> & new", name_ja="大胆な公開"))
    english = letter(full)
    assert "17 Nov 2025: <b>Bold</b> & new" in english.text
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; new" in english.html
    assert "Grok 5" not in english.text
    assert "大胆な公開" in letter(full, "ja").text


def test_the_link_to_the_dashboard_is_there_where_one_is_known(full):
    found = findings(full)
    url = "https://grokwatch.example.org/?a=1&b=2"
    linked, plain = compose(found, "en", dashboard_url=url), compose(found, "en")
    assert url in linked.text
    assert 'href="https://grokwatch.example.org/?a=1&amp;b=2"' in linked.html
    assert "dashboard" not in plain.text.lower() + plain.html.lower()


def test_posts_and_their_worth_are_told(full):
    text = letter(full).text
    assert "140 posts in the five categories, worth 140 independent ones (140 the week" in text
    assert "175 posts stored for the week (140 the week before), of which 154 are about" in text
