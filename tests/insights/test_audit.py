"""Audits in the database: drawing, labelling, what becomes of them when posts change, and the shares that they correct."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from classifiers.codebook import Aspect, Category, Polarity
from collectors.base import Kind, Page, RawPost
from db import audits, ingest
from db.audits import Verdict
from db.errors import DatabaseError
from db.models import Audit, Draw, Label, Post
from db.selection import Selection
from insights.agreement import report
from insights.audit import audited, draw_audit
from insights.shares import Denominator, Step, shares, total

MONDAY = datetime(2025, 11, 17, tzinfo=UTC)
LATER = MONDAY + timedelta(days=30)
NOT_RELEVANT = Verdict(relevant=False, category=None, polarity=None)


def says(category):
    return Verdict(relevant=True, category=category, polarity=Polarity.NEGATIVE)


def draw(archive, n=60, **options):
    return draw_audit(archive.engine, n=n, now=LATER, **({"seed": 1} | options))


def rows(archive, *conditions):
    with archive.engine.connect() as connection:
        return connection.execute(select(*Audit.__table__.columns).where(*conditions).order_by(Audit.id)).all()


def label_all(archive, name, verdict_of, auditor="yuki", limit=None):
    with archive.engine.begin() as connection:
        for post in audits.drawn_posts(connection, name)[:limit]:
            stored = connection.execute(select(Post.id, Post.source).where(Post.id == post.id)).one()
            audits.label(connection, post.id, auditor, verdict_of(stored), now=LATER)


def ask(archive, **question):
    with archive.engine.connect() as connection:
        return shares(connection, step=question.pop("step", Step.WEEK), **question)


def filled(archive):
    """Of 300 posts of two weeks the model calls 200 latency; half of these are bias in truth: those of the source x."""
    for week in range(2):
        at = MONDAY + timedelta(weeks=week)
        archive.add(50, Category.LATENCY, at=at)
        archive.add(50, Category.LATENCY, at=at, source="x", lang="ja")
        archive.add(50, Category.EXCITEMENT, at=at)
    return archive


def truth(post):
    return says(Category.BIAS) if post.source == "x" else says(Category.LATENCY)


def test_a_draw_stores_posts_with_their_chances_and_no_auditor(archive):
    archive = filled(archive)
    drawn = draw(archive, n=60)
    assert (drawn.name, drawn.posts, drawn.frame) == ("2025-12-17", 60, 300)
    stored = rows(archive)
    assert len({row.post_id for row in stored}) == 60
    assert {(row.draw, row.auditor, row.labelled_at) for row in stored} == {("2025-12-17", "", None)}
    assert sum(1 / row.inclusion_probability for row in stored) == pytest.approx(300)
    assert draw(archive).name == "2025-12-17-2"


def test_a_seed_draws_the_same_posts_and_a_name_is_given_once(archive):
    archive = filled(archive)
    draw(archive, name="one", seed=7)
    draw(archive, name="two", seed=7)
    one, two = ([row.post_id for row in rows(archive, Audit.draw == name)] for name in ("one", "two"))
    assert one == two
    with pytest.raises(DatabaseError, match="there is a draw one already"):
        draw(archive, name="one")


def test_deleted_and_unlabelled_posts_and_those_of_other_languages_are_not_drawn(archive):
    archive = filled(archive)
    archive.add(20, None, labelled=False)
    with archive.engine.begin() as connection:
        gone = connection.scalars(select(Post.id).where(Post.source == "x").limit(30)).all()
        ingest.entomb(connection, gone, now=LATER)
    drawn = draw(archive, n=500, langs=["ja"])
    assert (drawn.posts, drawn.frame) == (70, 70)
    assert not {row.post_id for row in rows(archive)} & set(gone)
    with pytest.raises(DatabaseError, match="no labelled post"):
        draw(archive, langs=["ko"])


def test_a_deleted_post_takes_its_audits_along(archive):
    archive = filled(archive)
    name = draw(archive).name
    label_all(archive, name, truth)
    post = rows(archive)[0].post_id
    with archive.engine.begin() as connection:
        ingest.entomb(connection, [post], now=LATER)
        assert len(audits.drawn_posts(connection, name)) == 59
    assert not rows(archive, Audit.post_id == post)


def test_labels_of_a_text_that_changed_are_void_and_the_post_is_shown_again(archive):
    archive = filled(archive)
    name = draw(archive).name
    label_all(archive, name, truth)
    label_all(archive, name, truth, auditor="ana")
    post = rows(archive)[0].post_id
    with archive.engine.begin() as connection:
        row = connection.execute(
            select(Post.source, Post.source_id, Post.thread_id, Post.created_at).where(Post.id == post)
        ).one()
        edited = RawPost(
            source=row.source, source_id=row.source_id, kind=Kind.COMMENT, thread_id=row.thread_id,
            created_at=row.created_at, text="Grok, quite another text", edited_at=LATER,
        )  # fmt: skip
        page = Page(posts=(edited,), read=1)
        ingest.store_page(connection, page, source=row.source, run_id=1, now=LATER, author_hash=str.upper)
        waiting = audits.drawn_posts(connection, name, without="yuki")
    assert [one.id for one in waiting] == [post]
    left = rows(archive, Audit.post_id == post)
    assert [(row.auditor, row.labelled_at, row.category) for row in left] == [("", None, None)]


def test_two_auditors_have_a_row_each_and_a_second_verdict_replaces_the_first(archive):
    archive = filled(archive)
    draw(archive, n=3)
    post = rows(archive)[0].post_id
    with archive.engine.begin() as connection:
        assert audits.label(connection, post, "yuki", says(Category.BIAS), now=LATER)
        assert not audits.label(connection, post, "yuki", says(Category.BIAS), now=LATER)
        assert audits.label(connection, post, "yuki", NOT_RELEVANT, now=LATER)
        assert audits.label(connection, post, "ana", says(Category.BIAS), now=LATER)
        found = connection.execute(select(Audit.auditor, Audit.category).where(Audit.post_id == post)).all()
        assert sorted(found) == [("ana", "bias"), ("yuki", None)]
        audits.unlabel(connection, post, "ana")
        audits.unlabel(connection, post, "yuki")
        assert connection.scalars(select(Audit.auditor).where(Audit.post_id == post)).all() == [""]
        with pytest.raises(DatabaseError, match="in no draw"):
            audits.label(connection, 10_000, "ana", NOT_RELEVANT, now=LATER)


def test_what_was_said_in_one_draw_counts_in_the_next(archive):
    archive = filled(archive)
    label_all(archive, draw(archive, n=300).name, truth)
    draw(archive, n=40, name="second")
    assert len(rows(archive, Audit.draw == "second", Audit.labelled_at.is_not(None))) == 40


def test_few_audits_correct_nothing(archive):
    archive = filled(archive)
    label_all(archive, draw(archive, n=49).name, truth)
    assert not any(row.corrected for row in ask(archive))
    assert {row.method for row in ask(archive)} == {"bootstrap over threads, 1000 resamples"}


def test_audits_that_found_nothing_about_grok_correct_nothing(archive):
    archive = filled(archive)
    label_all(archive, draw(archive, n=60).name, lambda _: NOT_RELEVANT)
    assert not any(row.corrected for row in ask(archive))


def test_audits_of_a_period_correct_it_and_say_so(archive):
    archive = filled(archive)
    before = {row.category: row.share for row in ask(archive)[:5]}
    label_all(archive, draw(archive, n=120, end=MONDAY + timedelta(weeks=1)).name, truth_or_excited)
    first = {row.category: row for row in ask(archive)[:5]}
    assert before[Category.BIAS] == 0
    row = first[Category.BIAS]
    assert row.share == pytest.approx(1 / 3, abs=0.06)
    assert row.low < 1 / 3 < row.high
    assert row.method == "prediction-powered, 120 audits, bootstrap over threads, 1000 resamples"
    assert (row.corrected, row.audited, row.extrapolated, row.status) == (True, 120, False, "ok")
    assert row.simultaneous_low <= row.low
    assert row.simultaneous_high >= row.high
    assert sum(one.share for one in first.values()) == pytest.approx(1)
    assert sum(one.share for one in ask(archive, denominator=Denominator.RELEVANT)[:6]) == pytest.approx(1)


def truth_or_excited(post):
    return truth(post) if post.id % 150 in range(1, 101) else says(Category.EXCITEMENT)


def test_a_period_without_audits_is_corrected_by_the_others_and_marked(archive):
    archive = filled(archive)
    label_all(archive, draw(archive, n=150, end=MONDAY + timedelta(weeks=1)).name, truth_or_excited)
    second = {row.category: row for row in ask(archive)[5:]}
    row = second[Category.BIAS]
    assert (row.corrected, row.extrapolated, row.status) == (True, True, "ok")
    assert row.method == "prediction-powered, 150 audits of all periods, bootstrap over threads, 1000 resamples"
    assert row.share == pytest.approx(1 / 3, abs=0.06)
    with archive.engine.connect() as connection:
        whole = total(connection, start=MONDAY, end=MONDAY + timedelta(weeks=2))
    assert {(one.audited, one.extrapolated) for one in whole} == {(150, False)}


def test_audits_of_other_posts_correct_no_selection(archive):
    archive = filled(archive)
    label_all(archive, draw(archive, n=80, sources=["reddit"]).name, truth)
    assert not any(row.corrected for row in ask(archive, sources=["x"]))
    assert all(row.corrected for row in ask(archive, sources=["reddit"]))


def test_posts_of_overlapping_draws_stand_for_all_posts_together(archive):
    archive = filled(archive)
    label_all(archive, draw(archive, n=60, name="all").name, truth)
    label_all(archive, draw(archive, n=80, name="x alone", sources=["x"], seed=3).name, truth)
    with archive.engine.connect() as connection:
        found = audited(connection, Selection())
        of_x = audited(connection, Selection(sources=["x"]))
    assert found.posts.weights.sum() == pytest.approx(300, rel=0.15)
    assert of_x.posts.weights.sum() == pytest.approx(100, rel=0.25)


def test_a_draw_that_is_half_labelled_stands_for_all_posts(archive):
    archive = filled(archive)
    label_all(archive, draw(archive, n=120).name, truth, limit=60)
    with archive.engine.connect() as connection:
        assert audited(connection, Selection()).posts.weights.sum() == pytest.approx(300, rel=0.15)


def test_audits_that_another_program_wrote_count_too(archive):
    archive = filled(archive)
    label_all(archive, draw(archive, n=60).name, truth)
    with archive.engine.begin() as connection:
        connection.execute(Draw.__table__.delete())
    assert all(row.corrected for row in ask(archive))


def test_shares_of_an_aspect_and_a_rival_are_those_of_its_posts(archive):
    archive.add(40, Category.BIAS, aspects=(Aspect.CODING, Aspect.BIAS))
    archive.add(60, Category.LATENCY, aspects=(Aspect.SPEED,))
    with archive.engine.begin() as connection:
        connection.execute(update(Label).where(Label.category == "latency").values(mentions=["claude"]))
    (of_coding,) = [row for row in ask(archive, aspects=["coding"]) if row.posts]
    assert (of_coding.category, of_coding.posts, of_coding.share) == (Category.BIAS, 40, 1.0)
    (of_claude,) = [row for row in ask(archive, rivals=["claude"]) if row.posts]
    assert (of_claude.category, of_claude.posts) == (Category.LATENCY, 60)
    assert not ask(archive, aspects=["coding"], rivals=["claude"])


def test_the_report_weighs_audits_and_compares_auditors(archive):
    archive = filled(archive)
    name = draw(archive, n=150).name
    label_all(archive, name, truth_or_excited)
    label_all(archive, name, lambda post: says(Category.BIAS), auditor="ana", limit=40)
    with archive.engine.connect() as connection:
        found = report(connection, Selection())
        of_ja = report(connection, Selection(langs=["ja"]))
    assert found.auditors == {"ana": 40, "yuki": 150}
    assert found.overall.posts == 150
    assert 0.5 < found.overall.accuracy < 0.75
    assert found.overall.low < found.overall.accuracy < found.overall.high
    assert found.overall.ece == pytest.approx(1 - found.overall.accuracy, abs=0.01)  # the model is sure of everything
    assert found.confusion.sum() == 190
    assert found.weighted.sum() == pytest.approx(1)
    assert found.classes["bias"].recall == 0
    assert found.languages["ja"].accuracy == pytest.approx(of_ja.overall.accuracy)
    (kappa,) = found.kappas
    assert (kappa.auditors, kappa.posts) == (("ana", "yuki"), 40)
    assert kappa.kappa == pytest.approx(0, abs=0.01)  # who always says the same agrees by chance alone


def test_a_report_of_nothing_says_nothing(archive):
    with archive.engine.connect() as connection:
        found = report(connection, Selection())
    assert found.overall is None
    assert not found.draws
