"""A walk back to what is known loses nothing, and tells what it could not reach."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.base import Cursor, Kind, RawPost
from collectors.errors import ChannelClosed, Unavailable
from collectors.reddit_progress import Progress
from collectors.reddit_walk import Slice, Walk, sliced

START = datetime(2026, 3, 2, tzinfo=UTC)
OVERLAP = timedelta(minutes=2)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def post(number: int, created_at: datetime) -> RawPost:
    return RawPost(
        source="reddit",
        source_id=f"t1_{number}",
        kind=Kind.COMMENT,
        thread_id="t3_1",
        created_at=created_at,
        text="Grok",
    )


@dataclass
class Board:
    """A newest-first listing as Reddit keeps it: it ends after so many items, and knows `after` only while it holds it."""

    posts: list[tuple[datetime, RawPost]] = field(default_factory=list)  # with the moment at which each appears
    now: datetime = START
    size: int = 5
    ends_at: int = 20
    overlap: timedelta = OVERLAP
    short: int = 6
    most_pages: int = 50
    reads_full: bool = False
    asked: list[str | None] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def held(self) -> list[RawPost]:
        shown = [p for appears, p in self.posts if appears <= self.now and p.source_id not in self.gone]
        return sorted(shown, key=lambda p: (p.created_at, p.source_id), reverse=True)[: self.ends_at]

    def page(self, after, tag):
        self.asked.append(after)
        held = self.held()
        names = [p.source_id for p in held]
        if after is not None and after not in names:
            return Slice()
        begin = 0 if after is None else names.index(after) + 1
        page = held[begin : begin + self.size]
        found = sliced(page, read=lambda p: p, name=lambda p: p.source_id, wanted=lambda p: True)
        last = page[-1].source_id if page and begin + self.size < len(held) else None
        return Slice(posts=found.posts, moments=found.moments, names=found.names, after=last)

    def clock(self):
        return self.now


class Reader:
    """Stores pages with their cursor, as the pipeline does."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.cursor: Cursor | None = None
        self.stored: dict[str, RawPost] = {}
        self.fetched: list[str] = []
        self.holes = []

    def visit(self, kill_after: int | None = None) -> None:
        walk = Walk(source="reddit", stream="board", listing=self.board, clock=self.board.clock)
        for number, page in enumerate(walk.pages(self.cursor)):
            self.fetched += [p.source_id for p in page.posts]
            if number == kill_after:
                return
            self.stored.update({p.source_id: p for p in page.posts})
            self.cursor = page.cursor
            self.holes += page.holes


def filled(moments: list[float], **options) -> Board:
    board = Board(**options)
    board.posts = [(at(second), post(number, at(second))) for number, second in enumerate(moments)]
    board.now = at(max(moments, default=0))
    return board


def test_first_visit_reads_all_that_the_listing_holds_and_tells_no_hole():
    reader = Reader(filled(list(range(0, 300, 10)), ends_at=20))
    reader.visit()
    assert len(reader.stored) == 20
    assert reader.holes == []


def test_next_visit_asks_for_one_page_where_little_is_new():
    board = filled(list(range(0, 6000, 300)))
    reader = Reader(board)
    reader.visit()
    board.asked.clear()
    board.posts.append((at(6100), post(900, at(6100))))
    board.now = at(6100)
    reader.visit()
    assert board.asked == [None]
    assert "t1_900" in reader.stored


def test_a_killed_walk_goes_on_where_it_was_and_then_takes_what_is_new():
    board = filled(list(range(0, 200, 10)), ends_at=100)
    reader = Reader(board)
    reader.visit(kill_after=2)
    board.posts.append((at(400), post(900, at(400))))
    board.now = at(400)
    reader.visit()
    assert set(reader.stored) == {p.source_id for _, p in board.posts}
    assert reader.holes == []


def test_more_than_the_listing_holds_becomes_a_hole_and_not_silence():
    board = filled([0, 10, 20])
    reader = Reader(board)
    reader.visit()
    board.posts += [(at(s), post(s, at(s))) for s in range(1000, 1050)]
    board.now = at(2000)
    reader.visit()
    (hole,) = reader.holes
    assert (hole.starts_at, hole.ends_at) == (at(20) - OVERLAP, at(1031))  # the newest twenty are there
    assert hole.stream == "board"
    assert "20 items" in hole.reason
    assert not hole.reason.endswith(".")


def test_a_quiet_listing_whose_known_items_were_all_removed_is_no_hole():
    board = filled([0, 10, 20])
    reader = Reader(board)
    reader.visit()
    board.gone = {"t1_0", "t1_1", "t1_2"}
    board.posts.append((at(500), post(900, at(500))))
    board.now = at(500)
    reader.visit()
    assert reader.holes == []


def test_a_walk_goes_on_though_the_item_it_stopped_at_was_removed():
    board = filled(list(range(0, 200, 10)))
    reader = Reader(board)
    reader.visit(kill_after=2)
    anchor = Progress.read(reader.cursor.value).anchors[0]
    board.gone.add(anchor)
    reader.visit()
    assert set(reader.stored) == {p.source_id for _, p in board.posts}


def test_a_walk_whose_place_has_left_the_listing_begins_anew_and_tells_only_what_no_walk_has_read():
    board = filled([0, 10])
    reader = Reader(board)
    reader.visit()
    board.posts += [(at(s), post(s, at(s))) for s in range(1000, 1020)]
    board.now = at(1020)
    reader.visit(kill_after=1)  # one page is stored: 1015 to 1019
    board.posts += [(at(s), post(s, at(s))) for s in range(2000, 2030)]
    board.now = at(2030)
    reader.visit()
    assert [(hole.starts_at, hole.ends_at) for hole in reader.holes] == [
        (at(10) - OVERLAP, at(1016)),
        (at(1019) - OVERLAP, at(2011)),
    ]


def test_a_late_item_within_the_overlap_is_found():
    board = filled(list(range(0, 3000, 30)), ends_at=1000)
    late = post(900, at(2950))
    board.posts.append((at(3040), late))
    reader = Reader(board)
    reader.visit()
    assert "t1_900" not in reader.stored
    board.now = at(3060)
    reader.visit()
    assert "t1_900" in reader.stored


def test_a_full_reading_finds_what_appeared_long_after_its_time():
    board = filled(list(range(0, 60000, 600)), ends_at=1000, reads_full=True)
    board.posts.append((at(60100), post(9999, at(100))))
    reader = Reader(board)
    reader.visit()
    board.now = at(60200)
    reader.visit()
    assert "t1_9999" not in reader.stored  # it lies far below what is known
    board.now += timedelta(hours=6)
    reader.visit()
    assert "t1_9999" in reader.stored


def test_a_busy_listing_is_read_to_its_end_before_half_of_it_is_replaced():
    moments = list(range(0, 20000, 60))
    board = filled(moments, size=10, ends_at=120, reads_full=True)  # it holds two hours of posts
    board.now = at(7200)
    reader = Reader(board)
    full = []
    for minutes in range(0, 150, 10):
        board.now = at(7200 + 60 * minutes)
        board.asked.clear()
        reader.visit()
        full += [minutes] if len(board.asked) == 12 else []
    assert full == [0, 60, 120]


def test_an_item_from_the_future_does_not_hide_what_follows():
    board = filled(list(range(0, 600, 30)))
    board.posts.append((at(0), post(900, at(0) + timedelta(days=30))))
    reader = Reader(board)
    reader.visit()
    board.posts += [(at(s), post(s, at(s))) for s in range(1000, 1010)]
    board.now = at(1010)
    reader.visit()
    assert {f"t1_{s}" for s in range(1000, 1010)} <= set(reader.stored)


def test_one_old_item_on_top_does_not_end_the_walk():
    board = filled([0, 1, 2], size=40, ends_at=1000)
    reader = Reader(board)
    reader.visit()
    board.posts += [(at(s), post(s, at(s))) for s in range(1000, 1100)]
    board.now = at(1100)
    honest = board.page

    def pinned(after, tag):
        found = honest(after, tag)
        return (
            found
            if after
            else Slice(
                posts=found.posts, moments=(at(0), *found.moments), names=("t1_0", *found.names), after=found.after
            )
        )

    board.page = pinned
    reader.visit()
    assert len(reader.stored) == 103


def test_an_empty_page_is_asked_for_again_before_it_is_believed():
    board = filled(list(range(0, 200, 10)))
    honest, empties = board.page, iter([True, True, False, True, True, True, False])
    board.page = lambda after, tag: Slice(after="t1_3") if next(empties, False) else honest(after, tag)
    reader = Reader(board)
    reader.visit()
    assert len(reader.stored) == 20


def test_a_page_that_comes_twice_is_asked_for_again():
    board = filled(list(range(0, 200, 10)))
    honest, before = board.page, {}

    def stuttering(after, tag):
        page = honest(after, tag)
        answer = before.get("page", page) if len(board.asked) % 2 == 0 else page
        before["page"] = page
        return answer

    board.page = stuttering
    reader = Reader(board)
    reader.visit()
    assert len(reader.stored) == 20


def test_the_same_page_without_end_is_an_error_and_the_walk_waits_for_the_next_visit():
    board = filled(list(range(0, 200, 10)))
    first = board.page(None, ("", ""))
    honest, board.page = board.page, lambda after, tag: first
    reader = Reader(board)
    with pytest.raises(Unavailable, match="again and again"):
        reader.visit()
    board.page = honest
    reader.visit()
    assert len(reader.stored) == 20


def test_a_closed_community_is_read_on_from_where_it_was_when_it_opens():
    board = filled(list(range(0, 200, 10)))
    reader = Reader(board)
    reader.visit(kill_after=1)
    honest = board.page

    def closed(after, tag):
        raise ChannelClosed("r/x is private", mend="…", channel="r/x", reason="private", status=403)

    board.page = closed
    for _ in range(2):
        with pytest.raises(ChannelClosed):
            reader.visit()
    board.page = honest
    reader.visit()
    assert len(reader.stored) == 20


def test_a_note_that_cannot_be_read_means_a_fresh_start():
    for value in ("", "x", "[]", '{"v":2}', '{"v":1,"done":"x"}', '{"v":1,"parts":[1]}', "null"):
        assert Progress.read(value) == Progress()


@given(
    done=st.none() | st.integers(0, 10**9),
    parts=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=4),
    anchors=st.lists(st.text(max_size=8), max_size=4),
    count=st.integers(0, 2000),
    full=st.booleans(),
)
def test_a_note_survives_being_written(done, parts, anchors, count, full):
    note = Progress(
        done=None if done is None else at(done),
        parts=tuple((at(low), at(high)) for low, high in parts),
        anchors=tuple(anchors),
        count=count,
        full=full,
        tag=("etag", ""),
    )
    assert Progress.read(note.write()) == note


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 10**9))
def test_whatever_is_posted_and_killed_all_is_stored_but_for_holes(seed):
    chance = random.Random(seed)
    is_long = chance.random() < 0.5  # a listing that holds everything, where items may be late, or a short one
    board = Board(size=chance.choice([2, 3, 7]), ends_at=10**6 if is_long else chance.choice([8, 20]), short=4)
    board.most_pages = 10**6
    reader, number, began = Reader(board), 0, None
    for _ in range(chance.randrange(2, 9)):
        for _ in range(chance.choice([0, 1, 5, 30])):
            board.now += timedelta(seconds=chance.choice([1, 20, 300]))
            number += 1
            late = chance.choice([0, 0, 60]) if is_long else 0
            board.posts.append((board.now + timedelta(seconds=late), post(number, board.now)))
        reader.visit(chance.choice([None, None, 0, 1, 2, 3]))
        if began is None and reader.cursor is not None:
            began = board.now
    board.now += timedelta(seconds=61)
    reader.visit()
    wanted = [p for _, p in board.posts if is_long or (began is not None and p.created_at > began)]
    missing = [p for p in wanted if p.source_id not in reader.stored]
    assert all(any(h.starts_at <= p.created_at < h.ends_at for h in reader.holes) for p in missing)
    assert not (is_long and (missing or reader.holes))


@pytest.mark.parametrize("kill", [0, 1, 2, 3])
def test_a_kill_at_any_page_fetches_that_page_again_and_no_other_of_the_walk(kill):
    board = filled(list(range(0, 200, 10)), ends_at=100)
    reader = Reader(board)
    reader.visit(kill_after=kill)
    killed = board.asked[-1]
    before = board.asked[:-1]
    board.asked.clear()
    reader.visit()
    assert board.asked[0] == killed
    assert not set(board.asked[: 4 - kill]) & set(before)
    assert len(reader.stored) == 20
