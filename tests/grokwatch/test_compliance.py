"""What was deleted or edited upstream is deleted or edited here, everywhere, and the money for asking holds."""

import random
import threading
from datetime import timedelta

import pytest
from platforms.reddit_server import CLIENT_ID, CLIENT_SECRET, RedditServer, fullname
from platforms.serving import Reply, SimulatedClock
from platforms.world import START, Channel, World
from platforms.x_server import TOKEN, USAGE_CAPPED, XServer, first_id
from sqlalchemy import func, select

from classifiers.codebook import Category
from collectors.base import CollectorError, Page
from collectors.compliance import LookedUp
from db import parking, rechecks, runs
from db.ingest import store_page
from db.models import Alert, Digest, Post, Run
from db.parking import LOOK_UPS
from grokwatch import exported_files
from grokwatch.compliance import recheck, tidy
from grokwatch.jobs import Jobs
from grokwatch.purse import Purse
from grokwatch.settings import RedditSettings, ScheduleSettings, Settings, XSettings

DAY = timedelta(days=1)
NOW = START + DAY
REDDIT = World(
    channels=(Channel(name="grok", submissions_per_hour=1, comments_per_hour=25, grok_share=1.0),), gone=0.5, edited=0.3
)
X = World(
    channels=(Channel(name="x", submissions_per_hour=8, comments_per_hour=8, grok_share=1.0),), late=0, gone=0.5, edited=0.3
)  # fmt: skip

REFUSED = Reply(status=401, body={"title": "Unauthorized"})


class Answers:
    """Answers look-ups from what a test says; everything else stands as it is."""

    source = "reddit"

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def knows(self, source_id):
        return source_id.startswith("p")

    def look_up(self, source_ids):
        for start in range(0, len(source_ids), 100):
            asked = tuple(source_ids[start : start + 100])
            self.asked += asked
            told = {name: tuple(i for i in found if i in asked) for name, found in self.answers.items()}
            yield LookedUp(asked=asked, posts=(), **told)


@pytest.fixture
def clock():
    return SimulatedClock(NOW)


@pytest.fixture
def make_jobs(engine, clock):
    made = []

    def make(reddit=None, x=None, budget=50.0, **schedule):
        settings = Settings(
            reddit=RedditSettings(
                client_id=CLIENT_ID, client_secret=CLIENT_SECRET, subreddits=("grok",), reddit_url=reddit.url,
                oauth_url=reddit.url,
            ) if reddit else RedditSettings(),
            x=XSettings(bearer_token=TOKEN, base_url=x.url, query="grok", monthly_budget_usd=budget) if x else XSettings(),
            schedule=ScheduleSettings(**schedule),
        )  # fmt: skip
        made.append(
            Jobs(
                settings, engine, clock=clock, author_hash=str.upper, load_classifier=lambda: None,
                halt=threading.Event(), sleep=clock.sleep,
            )
        )  # fmt: skip
        return made[-1]

    yield make
    for jobs in made:
        jobs.close()


def stored(engine):
    with engine.connect() as connection:
        return {row.source_id: row for row in connection.execute(select(Post.__table__))}


def ask(engine, clock, checker, **due):
    options = {"now": clock(), "every": DAY, "limit": 1000} | due
    with engine.connect() as connection:
        found = rechecks.due_posts(connection, checker.source, **options)
    return recheck(engine, checker, found, clock=clock, author_hash=str)


def test_reddits_deletions_and_edits_are_taken_over(engine, clock, make_jobs):
    with RedditServer(REDDIT, clock) as server:
        jobs = make_jobs(reddit=server)
        jobs.collect("reddit")
        before = stored(engine)
        clock.move(timedelta(hours=25))
        jobs.comply()
        after = stored(engine)
        now = clock()
    truth = {fullname(post): post for post in REDDIT.between(START, NOW + timedelta(seconds=1))}
    buried = edited = 0
    for name, row in after.items():
        post = truth[name]
        if post.is_gone(now):
            assert (row.text, row.title, row.url, row.author_key) == (None,) * 4
            buried += before[name].deleted_at is None
        elif post.is_edited(now) and not post.crosspost_of:
            edited += before[name].text != row.text
            assert "[Edit: typo]" in row.text
    assert buried > 3
    assert edited > 0
    with engine.connect() as connection:
        run = connection.execute(select(Run).where(Run.kind == "compliance")).one()
    assert (run.status, run.source, run.detail["asked"]) == ("ok", "reddit", len(before) - 0 - sum(
        row.deleted_at is not None for row in before.values()
    ))  # fmt: skip


def test_xs_deletions_and_edits_are_taken_over_inside_the_money_kept_for_them(engine, clock, make_jobs):
    with XServer(X, clock) as server:
        jobs = make_jobs(x=server)
        jobs.collect("x")
        before = stored(engine)
        clock.move(timedelta(hours=25))
        jobs.comply()
        after, now = stored(engine), clock()
        truth = {str(first_id(post)): post for post in X.between(START, NOW)}
        gone = [name for name in before if truth[name].is_gone(now)]
        assert len(gone) > 3
        assert all(after[name].text is None and after[name].deleted_at for name in gone)
        standing = [name for name in before if name not in gone]
        assert all(after[name].deleted_at is None and after[name].checked_at for name in standing)
        edited = [name for name in standing if server.is_edited(truth[name], now)]
        assert edited
        assert all("[Edit: typo]" in after[name].text for name in edited)
        with engine.connect() as connection:
            spent = rechecks.spent_by(connection, "x", "2026-03", kind="compliance")
        assert 0 < spent <= 5.0


def test_money_for_looking_up_ends_without_a_failure(engine, clock, make_jobs):
    with XServer(X, clock) as server:
        jobs = make_jobs(x=server, budget=8.0)  # 0.80 of it for look-ups
        jobs.collect("x")
        clock.move(timedelta(hours=25))
        for _ in range(3):
            jobs.comply()
            clock.move(timedelta(hours=1))
        with engine.connect() as connection:
            assert 0 < rechecks.spent_by(connection, "x", "2026-03", kind="compliance") <= 0.8
            assert set(connection.scalars(select(Run.status))) == {"ok"}
            newest = connection.execute(select(Post.checked_at).order_by(Post.created_at.desc()).limit(20)).all()
        assert all(row.checked_at for row in newest)  # the newest go first


def test_towards_midnight_x_is_asked_for_what_it_gave_today_for_nothing(engine, clock, make_jobs):
    clock.move(timedelta(hours=22, minutes=40))
    with XServer(X, clock) as server:
        jobs = make_jobs(x=server)
        jobs.collect("x")
        bill = server.billed_usd
        clock.move(timedelta(minutes=10))
        jobs.comply()
        with engine.connect() as connection:
            assert connection.scalar(select(Run.read).where(Run.kind == "compliance")) > 100
            assert rechecks.spent_by(connection, "x", "2026-03", kind="compliance") <= 0.05  # edited ones are others
        assert server.billed_usd - bill <= 0.05


@pytest.mark.parametrize(("reply", "again"), [(USAGE_CAPPED, timedelta(days=29)), (REFUSED, timedelta(hours=24))])
def test_a_refusal_is_not_asked_for_again_before_its_time(engine, clock, make_jobs, reply, again):
    with XServer(X, clock) as server:
        jobs = make_jobs(x=server)
        jobs.collect("x")
        clock.move(timedelta(hours=25))
        server.refusal = reply
        with pytest.raises(CollectorError):
            jobs.comply()
        asked = len(server.requests)
        server.refusal = None
        clock.move(timedelta(hours=5))
        jobs.comply()
        assert len(server.requests) == asked
        with engine.connect() as connection:
            assert [held.stream for held in parking.parked(connection, "x")] == [LOOK_UPS]
            assert connection.scalar(select(func.count()).select_from(Alert)) == (reply is USAGE_CAPPED)
        clock.move(again)
        jobs.comply()
        assert len(server.requests) > asked
        with engine.connect() as connection:
            assert parking.parked(connection, "x") == []


def test_an_account_that_is_capped_is_not_asked_for_stored_posts(engine, clock, make_jobs):
    with XServer(X, clock) as server:
        jobs = make_jobs(x=server)
        jobs.collect("x")
        clock.move(timedelta(hours=25))
        server.refusal = USAGE_CAPPED
        jobs.collect("x")
        asked = len(server.requests)
        jobs.comply()
        assert len(server.requests) == asked


def test_a_post_that_is_left_out_once_stays_and_twice_goes(archive, clock):
    archive.add(3, None, at=NOW - 3 * DAY)
    checker = Answers(missing=("p2",))
    report = ask(archive.engine, clock, checker)
    assert (report.asked, report.missing, report.buried) == (3, 1, 0)
    assert ask(archive.engine, clock, checker).asked == 0
    clock.move(timedelta(hours=1, seconds=1))
    report = ask(archive.engine, clock, checker)
    assert (report.asked, report.buried) == (1, 1)
    assert stored(archive.engine)["p2"].text is None


def test_a_post_that_is_there_again_was_not_missing(archive, clock):
    archive.add(1, None, at=NOW - 3 * DAY)
    ask(archive.engine, clock, Answers(missing=("p1",)))
    clock.move(timedelta(hours=2))
    ask(archive.engine, clock, Answers())
    clock.move(2 * DAY)
    assert ask(archive.engine, clock, Answers(missing=("p1",))).buried == 0
    assert stored(archive.engine)["p1"].text


def test_what_the_platform_says_is_gone_goes_at_once_with_its_label_and_its_count(archive, clock):
    archive.add(2, Category.BIAS, at=NOW - 3 * DAY)
    assert ask(archive.engine, clock, Answers(gone=("p1",))).buried == 1
    with archive.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM labels").scalar() == 1
        assert connection.exec_driver_sql("SELECT sum(n_bias) FROM rollups_hourly").scalar() == 1


def test_ids_that_are_not_the_platforms_are_not_asked_for_and_do_not_block_the_others(archive, clock):
    archive.add(2, None, at=NOW - 3 * DAY)
    with archive.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE posts SET source_id = 'row 17' WHERE source_id = 'p2'")
    checker = Answers()
    ask(archive.engine, clock, checker)
    assert checker.asked == ["p1"]
    assert ask(archive.engine, clock, checker).asked == 0


def test_quoted_posts_are_asked_for_first_then_the_newest(archive, clock):
    for days in (5, 4, 3):
        archive.add(1, None, at=NOW - days * DAY)
    with archive.engine.begin() as connection:
        quoted = {"digest": "weekly-en", "period": "2026-W09", "created_at": NOW - DAY, "detail": {"quotes": [1]}}
        connection.execute(Digest.__table__.insert(), quoted)
    checker = Answers()
    ask(archive.engine, clock, checker)
    assert checker.asked == ["p1", "p3", "p2"]


def test_samples_are_never_asked_for(archive, clock):
    archive.add(2, None, at=NOW - 3 * DAY, kind="sample")
    assert ask(archive.engine, clock, Answers()).asked == 0


def test_a_platform_that_fails_does_not_keep_the_other_from_being_asked(engine, clock, make_jobs):
    with RedditServer(REDDIT, clock) as reddit, XServer(X, clock) as x:
        jobs = make_jobs(reddit=reddit, x=x)
        jobs.collect("reddit")
        jobs.collect("x")
        clock.move(timedelta(hours=25))
        reddit.blocked = True
        with pytest.raises(CollectorError):
            jobs.comply()
    with engine.connect() as connection:
        states = dict(connection.execute(select(Run.source, Run.status).where(Run.kind == "compliance")).all())
    assert states == {"reddit": "failed", "x": "ok"}


def test_a_failure_before_the_run_began_is_on_record(engine, clock, make_jobs):
    with XServer(X, clock) as server:
        jobs = make_jobs(x=server)
        jobs._load_classifier = lambda: (_ for _ in ()).throw(CollectorError("the model is damaged", mend="install it"))
        with pytest.raises(CollectorError):
            jobs.label()
        server.refusal = Reply(status=401, body={"title": "Unauthorized"})
        jobs.collect("x")
    with engine.connect() as connection:
        found = connection.execute(select(Run.kind, Run.status, Run.error).order_by(Run.id)).all()
    assert found[0] == ("classify", "failed", "the model is damaged")
    assert found[1][:2] == ("collect", "failed")
    assert len(found) == 2


def test_tidying_empties_the_log_and_cleans_exports_of_what_was_buried(sqlite_archive, clock, tmp_path):
    archive, file = sqlite_archive, tmp_path / "posts.jsonl"
    archive.add(30, Category.BIAS, at=NOW - 3 * DAY)
    with archive.engine.begin() as connection:
        run = runs.start_run(connection, "export", source=None, now=NOW, detail={"path": str(file), "format": "jsonl"})
        runs.finish_run(connection, run, now=NOW)
    file.write_text("".join(f'{{"source":"reddit","source_id":"p{n}","text":"Grok {n}"}}\n' for n in range(1, 31)))
    ask(archive.engine, clock, Answers(gone=("p7",)))
    cleaned = tidy(archive.engine, since=NOW - DAY, rewritten=False)
    assert [(each.state, each.rows) for each in cleaned] == [(exported_files.State.CLEANED, 1)]
    assert '"p7"' not in file.read_text()
    assert file.read_text().count("\n") == 29
    assert (tmp_path / "grokwatch.db-wal").stat().st_size == 0
    assert tidy(archive.engine, since=clock() + DAY, rewritten=False) == []


def test_the_database_is_written_anew_once_a_day_where_posts_were_buried(sqlite_engine, clock, make_jobs_on, tmp_path):
    jobs, archive = make_jobs_on(sqlite_engine)
    chance = random.Random(1)
    archive.add(400, None, at=NOW - 3 * DAY)
    with sqlite_engine.begin() as connection:
        for number in range(1, 401):
            connection.exec_driver_sql(
                "UPDATE posts SET text = ? WHERE source_id = ?", (f"remark {number:04d} " * chance.randrange(1, 90), f"p{number}")
            )  # fmt: skip
        retention_ids = chance.sample(range(1, 401), 60)
    with sqlite_engine.begin() as connection:
        for number in retention_ids:
            connection.exec_driver_sql("UPDATE posts SET title = 'x' WHERE source_id = ?", (f"p{number}",))
    ask(sqlite_engine, clock, Answers(gone=tuple(f"p{number}" for number in retention_ids)))
    jobs.comply()
    held = b"".join(file.read_bytes() for file in tmp_path.glob("grokwatch.db*"))
    assert not [number for number in retention_ids if f"remark {number:04d}".encode() in held]


@pytest.fixture
def make_jobs_on(clock, sqlite_archive):
    def make(engine):
        jobs = Jobs(
            Settings(), engine, clock=clock, author_hash=str, load_classifier=lambda: None, halt=threading.Event(),
            sleep=clock.sleep,
        )  # fmt: skip
        return jobs, sqlite_archive

    return make


def test_collecting_leaves_the_part_for_look_ups_alone(engine, now):
    purse = Purse(engine, source="x", monthly_budget_usd=10.0, kept_share=0.2)
    assert purse.left(now) == pytest.approx(8.0)
    with purse.for_compliance():
        assert purse.left(now) == pytest.approx(2.0)
        reservation = purse.reserve(1.5, now)
        with engine.begin() as connection:
            run = runs.start_run(connection, "compliance", source="x", now=now)
            page = Page(posts=(), cost_usd=1.5, reservation=reservation)
            store_page(connection, page, source="x", run_id=run, now=now, author_hash=str)
        assert purse.left(now) == pytest.approx(0.5)
    assert purse.left(now) == pytest.approx(8.0)
    with pytest.raises(CollectorError, match="part for collecting"):
        purse.reserve(8.1, now)
    purse.reserve(8.0, now)
