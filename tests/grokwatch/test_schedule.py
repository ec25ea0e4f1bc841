"""The scheduler: in one process at a time, each job failing alone, whatever the clocks do."""

import threading
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.lease import LIVE_SECONDS, Lease
from grokwatch.jobs import Job
from grokwatch.pipeline import Stopped
from grokwatch.schedule import ClockWatch, Every, Schedule

HOUR = timedelta(hours=1)
NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # half an hour before summer time begins in Europe


def clock() -> datetime:
    return datetime.now(UTC)


class Moved:
    """A clock that is moved by hand."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


class Counted:
    """A job that counts its runs and does what it is told."""

    def __init__(self, name, *, every=HOUR, after=timedelta(0), does=lambda: None):
        self.runs = 0
        self._does = does
        self.job = Job(name=name, run=self._run, every=every, after=after)

    def _run(self):
        self.runs += 1
        self._does()


@pytest.fixture
def make_schedule(sqlite_engine):
    made = []

    def make(*counted, holder="alpha", halt=None, monotonic=time.monotonic, wall=clock, **options):
        lease = Lease(sqlite_engine, "schedule", clock=clock, monotonic=monotonic, holder=f"{holder} 0 1 2 a")
        jobs = [each.job for each in counted]
        schedule = Schedule(
            jobs, lease=lease, halt=halt or threading.Event(), clock=wall, monotonic=monotonic, **options
        )
        made.append(schedule)
        return schedule

    yield make
    for schedule in made:
        if schedule._thread.ident is None:
            schedule._thread.start()
        schedule.stop(seconds=10)


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_a_job_that_fails_ends_neither_itself_nor_the_others(make_schedule):
    def fail():
        raise RuntimeError("the platform is away")

    bad, good = Counted("bad", every=timedelta(seconds=0.2), does=fail), Counted("good", every=timedelta(seconds=0.2))
    make_schedule(bad, good).start()
    assert wait_until(lambda: bad.runs >= 3 and good.runs >= 3)


def test_a_job_does_not_overlap_itself_and_does_not_hold_up_the_others(make_schedule):
    most, at_once, lock = [0], [0], threading.Lock()

    def dawdle():
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        time.sleep(0.5)
        with lock:
            at_once[0] -= 1

    slow = Counted("slow", every=timedelta(seconds=0.1), does=dawdle)
    quick = Counted("quick", every=timedelta(seconds=0.1))
    make_schedule(slow, quick).start()
    assert wait_until(lambda: slow.runs >= 2)
    assert most == [1]
    assert quick.runs > slow.runs


def test_stopping_ends_the_job_in_hand_after_its_page(make_schedule):
    halt, pages = threading.Event(), []

    def read():
        for page in range(1000):
            pages.append(page)
            if halt.wait(0.05):
                raise Stopped

    job = Counted("read", does=read)
    schedule = make_schedule(job, halt=halt)
    schedule.start()
    assert wait_until(lambda: len(pages) > 2)
    began = time.monotonic()
    assert schedule.stop()
    assert time.monotonic() - began < 5
    assert len(pages) < 1000
    assert schedule.next_run("read") is None


def test_stopping_does_not_wait_for_a_job_that_hangs(make_schedule):
    release = threading.Event()
    job = Counted("hang", does=lambda: release.wait(20))
    schedule = make_schedule(job)
    schedule.start()
    assert wait_until(lambda: job.runs)
    assert not schedule.stop(seconds=0.2)
    release.set()


def test_a_second_process_stands_by_and_takes_over_when_the_first_ends(make_schedule):
    first, second = Counted("work"), Counted("work")
    watched = Moved(0.0)
    leading = make_schedule(first)
    standby = make_schedule(second, holder="beta", monotonic=watched)
    leading.start()
    standby.look()
    assert wait_until(lambda: first.runs == 1)
    assert standby.stands_by
    leading.stop()
    standby.look()
    assert not standby.stands_by
    assert wait_until(lambda: second.runs == 1)


def test_a_process_that_was_killed_is_replaced_within_a_minute(make_schedule):
    first, second = Counted("work"), Counted("work")
    watched = Moved(0.0)
    leading, standby = make_schedule(first), make_schedule(second, holder="beta", monotonic=watched)
    leading.look()  # and never again: it has no thread that beats
    while standby.stands_by:
        standby.look()
        watched.now += 5.0
    assert LIVE_SECONDS <= watched.now < 60


def test_a_process_that_slept_ends_its_jobs_when_another_has_taken_over(make_schedule):
    halt = threading.Event()
    slept, watched = Moved(0.0), Moved(0.0)
    job = Counted("work", does=lambda: halt.wait(20))
    sleeper = make_schedule(job, halt=halt, monotonic=slept)
    standby = make_schedule(Counted("work"), holder="beta", monotonic=watched)
    sleeper.look()
    assert wait_until(lambda: job.runs)
    standby.look()
    watched.now += LIVE_SECONDS
    standby.look()
    assert not standby.stands_by
    slept.now += 3600.0
    sleeper.look()
    assert sleeper.stands_by
    assert halt.is_set()


def test_whoever_takes_over_is_told(make_schedule):
    told = []
    schedule = make_schedule(Counted("work"), on_turn=lambda: told.append(1))
    schedule.look()
    schedule.look()
    assert told == [1]


def test_a_clock_that_is_set_back_does_not_make_jobs_wait_for_it(make_schedule):
    wall, watched = Moved(clock()), Moved(0.0)
    job = Counted("work", after=timedelta(days=30))
    schedule = make_schedule(job, monotonic=watched, wall=wall)
    schedule.look()
    before = schedule.next_run("work")
    wall.now -= timedelta(days=29)
    watched.now += 5
    schedule.look()
    assert before - schedule.next_run("work") == timedelta(days=29, seconds=5)


def test_runs_that_were_slept_through_are_made_up_for_once(make_schedule):
    job = Counted("work", every=HOUR, after=-8 * HOUR)  # as if the machine had slept since then
    schedule = make_schedule(job)
    schedule.start()
    assert wait_until(lambda: job.runs == 1)
    time.sleep(0.3)
    assert job.runs == 1
    assert clock() < schedule.next_run("work") <= clock() + HOUR


@given(
    minutes=st.integers(1, 10_000),
    late=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=20_000)),
)
def test_the_next_run_lies_ahead_by_no_more_than_the_distance_and_on_the_grid(minutes, late):
    span = timedelta(minutes=minutes)
    following = Every(span).get_next_fire_time(NOW, NOW + late)
    assert NOW + late < following <= NOW + late + span
    assert (following - NOW) % span == timedelta(0)


def test_summer_time_neither_skips_nor_doubles_an_hour():
    zone = ZoneInfo("Europe/Berlin")
    moments = [NOW.astimezone(zone)]
    for _ in range(4):
        moments.append(Every(HOUR).get_next_fire_time(moments[-1].astimezone(UTC), moments[-1].astimezone(UTC)))
    assert [moment.astimezone(UTC).hour for moment in moments] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("wall", "monotonic", "jump"),
    [
        (timedelta(seconds=5), 5.0, timedelta(0)),
        (timedelta(seconds=6), 5.0, timedelta(0)),  # adjusted by a second
        (timedelta(hours=8), 5.0, timedelta(hours=8) - timedelta(seconds=5)),  # slept, or set forward
        (-timedelta(hours=1), 5.0, -timedelta(hours=1, seconds=5)),
    ],
)
def test_a_clock_that_was_set_is_told_from_one_that_runs(wall, monotonic, jump):
    clock, watched = Moved(NOW), Moved(0.0)
    watch = ClockWatch(clock, watched)
    clock.now += wall
    watched.now += monotonic
    assert watch.jump() == jump
    assert watch.jump() == timedelta(0)
