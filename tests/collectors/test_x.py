"""X over real HTTP: nothing lost, nothing doubled, and never more money than there is."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from platforms.faults import Fault, FaultPlan
from platforms.serving import Reply, SimulatedClock
from platforms.world import HOUR, Channel, World
from platforms.x_server import NO_CREDIT, TOKEN, USAGE_CAPPED, XServer, first_id, without_surprises
from sqlalchemy import select

from collectors.base import CollectorError
from collectors.budget import Prices
from collectors.errors import BudgetSpent, Forbidden, Unavailable, UsageCapped
from collectors.x import XAccess, stream
from collectors.x_answers import BadRequest
from collectors.x_state import read_state
from db import spend
from db.ingest import read_cursor
from db.models import Post, Run, Volume
from db.spend import DatabaseLedger
from grokwatch.pipeline import store

START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=2, hours=9, minutes=20, seconds=30)
QUERY = "grok -from:grok -to:grok -is:retweet"


def a_world(per_hour=3.0, seed=1, **others):
    channel = Channel(name="x", submissions_per_hour=per_hour / 2, comments_per_hour=per_hour / 2, grok_share=1.0)
    return World(seed=seed, start=START, channels=(channel,), **others)


def quiet(per_hour=3.0, seed=1):
    return without_surprises(a_world(per_hour, seed))


class Visitor:
    """A collector, its database and the clock that all share."""

    def __init__(self, engine, server, *, budget=50.0, **access):
        self.engine, self.server, self.clock = engine, server, server.clock
        self.ledger = DatabaseLedger(engine, source="x", monthly_budget_usd=budget)
        self.access = XAccess(
            **{"bearer_token": TOKEN, "query": QUERY, "base_url": server.url, "timeout_seconds": 30} | access
        )

    def collector(self, seed=7):
        return stream(
            self.access, ledger=self.ledger, clock=self.clock, sleep=self.clock.sleep, rng=random.Random(seed)
        )

    def visit(self, **options):
        return store(
            self.engine,
            self.collector(),
            kind="collect",
            clock=self.clock,
            author_hash=lambda name: f"h{name}",
            **options,
        )

    def posts(self):
        with self.engine.begin() as connection:
            return list(connection.execute(select(Post).order_by(Post.id)))

    def state(self):
        with self.engine.begin() as connection:
            cursor = read_cursor(connection, "x", "posts")
        return read_state(cursor, belongs_to=self.access.counts_are_for)

    def spent(self):
        with self.engine.begin() as connection:
            return spend.month_spend(connection, "x", "2026-03")


def shown(server, begin, end):
    """Ids of the posts that X shows now."""
    return {str(first_id(post)) for post in server.matching(begin, end, server.clock())}


@pytest.fixture
def x(sqlite_engine):
    with XServer(quiet(), SimulatedClock(NOW)) as server:
        yield Visitor(sqlite_engine, server)


def searches(x):
    return [request for request in x.server.requests if request.path == "/2/tweets/search/recent"]


def ids(x):
    return [row.source_id for row in x.posts()]


def test_a_first_visit_brings_all_that_x_still_has(x):
    x.visit()
    assert sorted(ids(x)) == sorted(shown(x.server, START, NOW - timedelta(seconds=30)))
    assert {row.inclusion_probability for row in x.posts()} == {1.0}


def test_the_next_visit_asks_for_what_is_newer_than_the_first_pages_newest_post(x):
    x.visit()
    newest = max(ids(x), key=int)
    x.clock.move(timedelta(hours=2))
    x.visit()
    assert searches(x)[-1].query["since_id"] == newest
    assert "start_time" not in searches(x)[-1].query
    assert sorted(ids(x)) == sorted(shown(x.server, START, x.clock() - timedelta(seconds=30)))


def test_pages_hold_10_to_100_posts(sqlite_engine):
    with XServer(quiet(per_hour=8), SimulatedClock(NOW)) as server:
        x = Visitor(sqlite_engine, server, budget=200)
        x.visit()
        x.clock.move(timedelta(minutes=5))
        x.visit()
        sizes = [int(request.query["max_results"]) for request in searches(x)]
    assert len(sizes) > 4
    assert all(10 <= size <= 100 for size in sizes)
    assert sizes[0] == 100
    assert sizes[-1] < 20


def test_the_bill_is_the_platforms_own(x):
    x.visit()
    assert x.spent().spent_usd == pytest.approx(x.server.billed_usd)
    assert x.spent().open_requests == 0
    assert x.server.billed_usd == pytest.approx(0.005 * (len(ids(x)) + 3))


def test_hours_are_counted_by_group_of_languages_and_kept(x):
    x.visit()
    with x.engine.begin() as connection:
        rows = list(connection.execute(select(Volume)))
    assert {row.query for row in rows} == {f"{QUERY} lang:en", f"{QUERY} lang:ja", f"{QUERY} -lang:en -lang:ja"}
    assert max(row.hour for row in rows) == NOW.replace(minute=0, second=0) - HOUR
    total = sum(1 for _ in x.server.matching(START, NOW.replace(minute=0, second=0), NOW))
    assert sum(row.count for row in rows) == total


def test_the_census_is_taken_every_so_many_hours(x):
    x.visit()
    for _ in range(8):
        x.clock.move(HOUR)
        x.visit()
    assert sum(request.path.endswith("counts/recent") for request in x.server.requests) == 2 * 3


def test_a_kill_after_any_page_loses_nothing_and_doubles_nothing(sqlite_engine):
    with XServer(quiet(per_hour=6), SimulatedClock(NOW)) as server:
        x = Visitor(sqlite_engine, server, budget=100)
        for _ in range(30):  # each visit is cut off after one page
            x.visit(stopped=lambda: True)
        x.visit()
        assert sorted(ids(x)) == sorted(shown(server, START, x.state().next))
        assert x.state().walk is None
        assert x.spent().spent_usd == pytest.approx(server.billed_usd)


def test_a_page_that_was_not_stored_is_read_again_and_its_money_stays_set_aside(x):
    pages = x.collector().pages(None)
    for _ in range(4):  # the counts and the first posts
        page = next(pages)
    pages.close()
    assert page.posts
    open_usd = x.spent().open_usd
    assert open_usd > page.cost_usd
    x.visit()
    assert sorted(ids(x)) == sorted(shown(x.server, START, NOW - timedelta(seconds=30)))
    assert x.spent().open_usd == pytest.approx(open_usd)
    assert x.spent().spent_usd >= x.server.billed_usd


def sampled(engine, *, per_hour=100, budget=4.0):
    server = XServer(quiet(per_hour, seed=3), SimulatedClock(START + timedelta(days=1)))
    return server, Visitor(engine, server, budget=budget)


def test_where_the_money_does_not_reach_slices_of_known_probability_are_bought(sqlite_engine):
    server, x = sampled(sqlite_engine, budget=20.0)
    with server:
        x.visit()
    rows = x.posts()
    assert rows
    assert all(0 < row.inclusion_probability < 1 for row in rows)
    for request in searches(x):
        assert {"start_time", "end_time", "query"} <= set(request.query)
        assert "lang:" in request.query["query"]
    spans = {(r.query["query"], r.query["start_time"][:13]) for r in searches(x)}
    assert len(spans) <= 24 * 3
    hours_bought = {row.created_at.replace(minute=0, second=0) for row in rows}
    assert len(hours_bought) > 12


def test_a_slice_brings_all_of_its_posts(sqlite_engine):
    server, x = sampled(sqlite_engine, per_hour=300, budget=60.0)
    with server:
        x.visit()
        stored = set(ids(x))
        for request in searches(x):
            begin, end = (datetime.fromisoformat(request.query[name]) for name in ("start_time", "end_time"))
            there = {str(first_id(p)) for p in server.matching(begin, end, server.clock(), request.query["query"])}
            assert there <= stored


def test_a_sampled_month_stays_inside_its_money(sqlite_engine):
    server, x = sampled(sqlite_engine, per_hour=60, budget=0.8)
    with server:
        for _ in range(4):
            x.visit()
            x.clock.move(timedelta(hours=20))
        assert server.billed_usd <= 0.8
        assert x.spent().spent_usd == pytest.approx(server.billed_usd)
    assert len({row.created_at.date() for row in x.posts()}) >= 3


def test_the_weights_of_a_visit_add_up_to_about_what_there_was(sqlite_engine):
    server, x = sampled(sqlite_engine, per_hour=300, budget=60.0)
    with server:
        x.visit()
        there = len(shown(server, START, START + timedelta(days=1)))
    estimate = sum(1 / row.inclusion_probability for row in x.posts())
    assert estimate == pytest.approx(there, rel=0.25)


def test_a_stratum_is_drawn_alike_after_a_kill(sqlite_engine):
    server, x = sampled(sqlite_engine, budget=20.0)
    with server:
        for _ in range(4):  # three counts and the draw
            x.visit(stopped=lambda: True)
        before = len(searches(x))
        pages = x.collector(seed=99).pages(x_cursor(x))
        next(pages)
        pages.close()
        again = x.collector(seed=100).pages(x_cursor(x))
        next(again)
        again.close()
    one, two = searches(x)[before:]
    assert one.query == two.query


def x_cursor(x):
    with x.engine.begin() as connection:
        return read_cursor(connection, "x", "posts")


def test_with_no_money_left_the_visit_says_so(sqlite_engine):
    server, x = sampled(sqlite_engine, per_hour=60, budget=0.04)
    with server, pytest.raises(BudgetSpent) as refusal:
        x.visit()
    assert "GROKWATCH_X__MONTHLY_BUDGET_USD" in refusal.value.mend
    assert server.billed_usd <= 0.04


def test_the_next_month_goes_on_where_the_money_ended(sqlite_engine):
    clock = SimulatedClock(datetime(2026, 3, 30, 12, tzinfo=UTC))
    world = replace(quiet(20), start=datetime(2026, 3, 29, 12, tzinfo=UTC))
    with XServer(world, clock) as server:
        x = Visitor(sqlite_engine, server, budget=0.05)
        with pytest.raises(BudgetSpent):
            x.visit()
        assert ids(x) == []
        clock.now = datetime(2026, 4, 1, 0, 30, tzinfo=UTC)
        x.ledger = DatabaseLedger(sqlite_engine, source="x", monthly_budget_usd=50.0)
        x.visit()
    assert min(row.created_at for row in x.posts()) < world.start + timedelta(hours=6)


def test_what_has_left_xs_reach_is_a_hole(x):
    x.visit()
    last = x.state().next
    x.clock.move(timedelta(days=9))
    found = []
    x.visit(on_page=lambda page, _: found.extend(page.holes))
    (hole,) = found
    assert (hole.stream, hole.starts_at) == ("posts", last)
    assert x.clock() - timedelta(days=7) < hole.ends_at < x.clock() - timedelta(days=6, hours=22)
    assert set(ids(x)) >= shown(x.server, hole.ends_at, x.clock() - timedelta(seconds=30))
    assert "since_id" not in searches(x)[-1].query


def test_a_week_without_a_visit_leaves_no_hole(x):
    x.visit()
    x.clock.move(timedelta(days=6, hours=12))
    found = []
    x.visit(on_page=lambda page, _: found.extend(page.holes))
    assert found == []
    assert sorted(ids(x)) == sorted(shown(x.server, START, x.clock() - timedelta(seconds=30)))


def test_a_sudden_flood_is_sampled_and_not_bought_whole(sqlite_engine):
    calm = quiet(1)
    clock = SimulatedClock(NOW)
    with XServer(calm, clock) as server:
        x = Visitor(sqlite_engine, server, budget=50.0)
        x.visit()
        spent = server.billed_usd
        server.world = without_surprises(a_world(1500, seed=1))
        clock.move(timedelta(hours=5))
        x.visit()
        assert server.billed_usd - spent < 15
        later = [row for row in x.posts() if row.created_at >= NOW]
    weights = sum(1 / row.inclusion_probability for row in later)
    there = sum(1 for _ in server.matching(NOW, x.state().next, clock()))
    assert {row.inclusion_probability for row in later} > {1.0}
    assert weights == pytest.approx(there, rel=0.3)


@pytest.mark.parametrize(
    "fault",
    [Fault.LIMITED, Fault.LIMITED_BARE, Fault.SERVER_ERROR, Fault.RESET, Fault.TRUNCATED, Fault.ERRORS_IN_200,
     Fault.DUPLICATE_PAGE, Fault.EMPTY_PAGE, Fault.SHUFFLED_PAGE],
)  # fmt: skip
def test_faults_cost_time_and_nothing_else(sqlite_engine, fault):
    plan = FaultPlan(seed=4, rates={fault: 0.4}, in_a_row=3)
    with XServer(quiet(per_hour=6), SimulatedClock(NOW), plan) as server:
        x = Visitor(sqlite_engine, server, budget=100)
        x.visit()
        x.clock.move(HOUR)
        x.visit()
        assert plan.dealt[fault] > 0
        assert sorted(ids(x)) == sorted(shown(server, START, x.state().next))
        assert server.billed_usd <= x.spent().spent_usd + 1e-9


def test_a_time_out_is_asked_again(sqlite_engine):
    plan = FaultPlan(seed=4, rates={Fault.TIMEOUT: 0.3}, in_a_row=1)
    with XServer(quiet(per_hour=2), SimulatedClock(NOW), plan) as server:
        x = Visitor(sqlite_engine, server, timeout_seconds=0.4)
        x.visit()
        assert plan.dealt[Fault.TIMEOUT] > 0
        assert sorted(ids(x)) == sorted(shown(server, START, x.state().next))


def test_partial_errors_are_counted_beside_the_good_posts(sqlite_engine):
    plan = FaultPlan(rates={Fault.ERRORS_IN_200: 1.0}, in_a_row=99)
    with XServer(quiet(), SimulatedClock(NOW), plan) as server:
        x = Visitor(sqlite_engine, server)
        summary = x.visit()
    assert summary.broken == len(searches(x))
    assert summary.new > 100


def test_an_answer_that_got_lost_keeps_all_that_was_set_aside_for_it(sqlite_engine):
    plan = FaultPlan(seed=2, rates={Fault.TRUNCATED: 1.0}, in_a_row=1)
    with XServer(quiet(), SimulatedClock(NOW), plan) as server:
        x = Visitor(sqlite_engine, server)
        x.visit()
        assert x.spent().spent_usd > server.billed_usd


def test_after_429_the_wait_is_as_long_as_the_header_says(sqlite_engine):
    with XServer(quiet(per_hour=6), SimulatedClock(NOW), limit=2) as server:
        x = Visitor(sqlite_engine, server, budget=100)
        x.visit()
        assert server.refused <= 1  # the limit is told with every answer
        assert sorted(ids(x)) == sorted(shown(server, START, x.state().next))
        assert x.clock.slept >= 60


@pytest.mark.parametrize("refusal", [USAGE_CAPPED, NO_CREDIT])
def test_a_usage_cap_is_not_retried(x, refusal):
    x.server.refusal = refusal
    with pytest.raises(UsageCapped) as told:
        x.visit()
    assert len(x.server.requests) == 1
    assert x.clock.slept == 0
    assert x.spent().spent_usd == 0
    assert told.value.status == refusal.status
    assert "https://console.x.com" in told.value.mend


def test_a_refused_token_is_told_in_one_sentence(x):
    x.access = replace(x.access, bearer_token="another")
    with pytest.raises(Forbidden) as told:
        x.visit()
    assert len(x.server.requests) == 1
    assert "401" in str(told.value)
    assert "GROKWATCH_X__BEARER_TOKEN" in told.value.mend
    with x.engine.begin() as connection:
        (run,) = connection.execute(select(Run)).all()
    assert (run.status, run.error) == ("failed", str(told.value))


def test_an_app_without_access_is_told_apart_from_one_without_credit(x):
    enrolled = "https://api.twitter.com/2/problems/client-forbidden"
    x.server.refusal = Reply(
        status=403, body={"title": "Client Forbidden", "type": enrolled, "reason": "client-not-enrolled"}
    )
    with pytest.raises(Forbidden):
        x.visit()


def test_a_query_that_x_does_not_understand_is_told_in_its_own_words(x):
    x.server.refusal = Reply(
        status=400, body={"errors": [{"message": "Rules must contain at least one positive keyword."}]}
    )
    with pytest.raises(BadRequest) as told:
        x.visit()
    assert str(told.value).endswith("(400: Rules must contain at least one positive keyword)")
    assert "GROKWATCH_X__QUERY" in told.value.mend


def test_an_address_that_is_not_xs_is_told_as_such(x):
    x.server.refusal = Reply(status=404, body=b"<html>not here</html>")
    with pytest.raises(BadRequest) as told:
        x.visit()
    assert "GROKWATCH_X__BASE_URL" in told.value.mend


def test_a_redirect_takes_the_token_nowhere(x):
    x.server.refusal = Reply(status=302, headers={"location": f"{x.server.url}/elsewhere"})
    with pytest.raises(BadRequest):
        x.visit()
    assert [request.path for request in x.server.requests] == ["/2/tweets/counts/recent"]


def test_a_server_that_stays_down_is_left_for_the_next_visit(x):
    x.server.refusal = Reply(status=503, body=b"<html>upstream</html>")
    with pytest.raises(Unavailable) as told:
        x.visit()
    assert told.value.status == 503
    assert len(x.server.requests) == 7
    assert x.spent().spent_usd == 0
    x.server.refusal = None
    x.visit()
    assert sorted(ids(x)) == sorted(shown(x.server, START, x.state().next))


def test_a_host_that_is_not_there_costs_nothing(x):
    x.access = replace(x.access, base_url="http://127.0.0.1:9")
    with pytest.raises(Unavailable) as told:
        x.visit()
    assert "can't be reached" in str(told.value)
    assert x.spent().spent_usd == 0


@pytest.mark.parametrize("body", [{"data": [], "meta": None}, {"data": None}, [], "ok", None])
def test_counts_of_a_wrong_type_are_no_counts(x, body):
    x.server.refusal = Reply(body=body)
    with pytest.raises(Unavailable):
        x.visit()


def test_a_platform_that_goes_in_circles_is_left(x):
    x.visit()
    x.clock.move(HOUR)
    x.server.refusal = Reply(body={"meta": {"result_count": 0, "next_token": "again"}})
    with pytest.raises(Unavailable):
        x.visit()
    assert len(searches(x)) < 60


def test_a_mark_that_x_has_forgotten_is_replaced_by_the_oldest_post(sqlite_engine):
    with XServer(quiet(per_hour=6), SimulatedClock(NOW)) as server:
        x = Visitor(sqlite_engine, server, budget=100)
        for _ in range(5):
            x.visit(stopped=lambda: True)
        assert x.state().walk.token
        original = server._search
        server._search = lambda request, fault: (
            original(request, fault) if "next_token" not in request.query or len(searches(x)) > 6 else FORGOTTEN
        )
        x.visit()
        assert any("until_id" in request.query for request in searches(x))
        assert sorted(ids(x)) == sorted(shown(server, START, x.state().next))


FORGOTTEN = Reply(status=400, body={"errors": [{"message": "The `next_token` query parameter value is not valid."}]})


@pytest.mark.parametrize("skew", [timedelta(minutes=-20), timedelta(minutes=20), timedelta(hours=-2)])
def test_a_wrong_clock_here_is_set_right_by_xs_own(x, skew):
    x.server.skew = skew
    x.visit()
    x.clock.move(timedelta(hours=3))
    x.visit()  # a new client, which has seen no answer yet
    there = {str(first_id(post)) for post in x.server.matching(START, x.state().next, x.clock() + skew)}
    assert sorted(ids(x)) == sorted(there)
    assert x.state().next > x.clock() + skew - timedelta(minutes=21)


def test_another_query_goes_on_from_the_same_moment(x):
    x.visit()
    reached = x.state().next
    x.access = replace(x.access, query="grok OR supergrok")
    assert x.state().next == reached
    assert x.state().since_id is None
    x.clock.move(HOUR)
    x.visit()
    assert searches(x)[-1].query["start_time"] == reached.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert sorted(ids(x)) == sorted(shown(x.server, START, x.state().next))


def test_profiles_are_asked_for_only_when_that_is_switched_on(x):
    x.visit()
    assert all("expansions" not in request.query for request in searches(x))
    posts = len(ids(x))
    x.access = replace(x.access, expand_users=True)
    x.clock.move(timedelta(hours=3))
    before = x.server.billed_usd
    x.visit()
    assert searches(x)[-1].query["expansions"] == "author_id"
    assert x.server.billed_usd - before > 0.005 * (len(ids(x)) - posts)
    assert x.spent().spent_usd == pytest.approx(x.server.billed_usd)


def test_an_edited_post_takes_the_place_of_its_first_version(sqlite_engine):
    with XServer(replace(a_world(6), late=0.0, gone=0.0, edited=0.5), SimulatedClock(NOW)) as server:
        x = Visitor(sqlite_engine, server, budget=100)
        for _ in range(6):
            x.visit()
            x.clock.move(timedelta(minutes=20))
        x.visit()
        stored = {row.source_id: row.text for row in x.posts()}
        there = {str(first_id(p)): p for p in server.matching(START, x.state().next, x.clock())}
        assert set(stored) == set(there)
        edited = [i for i, post in there.items() if server.is_edited(post, x.clock())]
        assert edited
        assert all(stored[i].endswith("[Edit: typo]") for i in edited)


def test_names_are_hashed_and_the_post_keeps_what_the_charts_need(x):
    x.visit()
    row = x.posts()[-1]
    post = next(p for p in x.server.matching(START, NOW, NOW) if str(first_id(p)) == row.source_id)
    assert row.author_key == f"h{10_000 + int(post.author.removeprefix('writer'))}"
    assert (row.source, row.created_at, row.lang) == ("x", post.created_at, post.lang)
    assert row.text == (post.text or post.title)
    assert row.kind == ("post" if post.is_submission else "reply")
    assert row.url == f"https://x.com/i/status/{row.source_id}"
    assert row.score == post.number % 50


def test_a_query_too_long_for_x_is_refused_before_anything_is_sent():
    with pytest.raises(CollectorError) as told:
        XAccess(bearer_token="t", query="g" * 500)
    assert "shorten GROKWATCH_X__QUERY by 6 characters" in told.value.mend


@pytest.mark.parametrize(
    ("query", "grouped"),
    [("grok", "grok lang:en"), ("(grok OR groq) -x", "(grok OR groq) -x lang:en"), ("grok OR groq", "(grok OR groq) lang:en"),
     ('"this OR that" grok', '"this OR that" grok lang:en'), ("ORION grok", "ORION grok lang:en"),
     ("(a b) OR (c d)", "((a b) OR (c d)) lang:en")],
)  # fmt: skip
def test_a_language_is_added_to_the_whole_query(query, grouped):
    access = XAccess(bearer_token="t", query=query)
    assert access.grouped(access.groups[0]) == grouped


@pytest.mark.parametrize("languages", [("en", "en"), ("english language",), ("日本語",)])
def test_languages_that_x_can_not_part_by_are_refused(languages):
    with pytest.raises(CollectorError):
        XAccess(bearer_token="t", query="grok", languages=languages)


def test_without_languages_there_is_one_group():
    access = XAccess(bearer_token="t", query="grok", languages=())
    assert [access.grouped(group) for group in access.groups] == ["grok"]


def test_the_token_is_shown_nowhere():
    assert "secret" not in repr(XAccess(bearer_token="secret", query="grok"))


def test_free_posts_need_no_budget(sqlite_engine):
    with XServer(quiet(), SimulatedClock(NOW)) as server:
        x = Visitor(sqlite_engine, server, budget=0.0, prices=Prices(post=0, user=0, counts=0))
        x.visit()
        assert sorted(ids(x)) == sorted(shown(server, START, x.state().next))
