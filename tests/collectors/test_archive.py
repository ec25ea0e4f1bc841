"""Dumps and files of one's own become posts: whatever they are packed with, wherever they break, however often they are read."""

import bz2
import gzip
import json
import lzma
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.archive import Archive
from collectors.archive_file import look_into
from collectors.base import CollectorError, Kind
from collectors.own_files import OwnFormat
from collectors.rejects import RejectFile
from collectors.terms import TermMatcher
from grokwatch.settings import DEFAULT_TERMS

TERMS = TermMatcher(DEFAULT_TERMS)
CREATED = 1_763_337_600  # 2025-11-17


def comment(number: int, body: str = "Grok is quick today", **fields) -> dict:
    return {
        "id": f"c{number}", "author": f"writer{number}", "body": body, "created_utc": CREATED + number, "link_id": f"t3_s{number // 3}",
        "parent_id": f"t3_s{number // 3}", "score": number, "subreddit": "singularity", "edited": False, "retrieved_on": CREATED + 9_999,
        "permalink": f"/r/singularity/comments/s{number // 3}/thread/c{number}/",
    } | fields  # fmt: skip


def submission(number: int, title: str = "Is Grok down?", selftext: str = "It hangs.", **fields) -> dict:
    return {
        "id": f"s{number}", "author": f"poster{number}", "title": title, "selftext": selftext, "is_self": True, "num_comments": 4,
        "created_utc": float(CREATED + number), "score": 7, "subreddit": "singularity", "edited": False, "url": "https://example.org/",
        "permalink": f"/r/singularity/comments/s{number}/thread/",
    } | fields  # fmt: skip


def lines(*records: object) -> bytes:
    return b"".join(
        (record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=index % 2 == 0).encode()) + b"\n"
        for index, record in enumerate(records)
    )


def zst(data: bytes, *, window_log: int = 27, frames: int = 1) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=window_log, write_checksum=True)
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    size = -(-len(data) // frames)
    return b"".join(compressor.compress(data[start : start + size]) for start in range(0, len(data), size))


def gz(data: bytes) -> bytes:
    half = len(data) // 2
    return gzip.compress(data[:half], mtime=0) + gzip.compress(data[half:], mtime=0)


def xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=0)


PACKED = {"plain": bytes, "zst": zst, "gz": gz, "bz2": bz2.compress, "xz": xz}


@pytest.fixture
def dump(tmp_path):
    """Write a file and give it as a collector."""

    def write(
        data: bytes, name: str = "RC_2025-11", *, own: OwnFormat | None = None, rejects: Path | None = None, **options
    ) -> Archive:
        path = tmp_path / name
        path.write_bytes(data)
        own = own or OwnFormat()
        terms = TermMatcher(DEFAULT_TERMS, keys=("deleted",))
        return Archive(look_into(str(path), own), terms=terms, own=own, rejects=RejectFile(rejects), **options)

    return write


def posts_of(archive: Archive, cursor=None) -> list:
    return [post for page in archive.pages(cursor) for post in page.posts]


def test_a_comment_keeps_its_fields(dump):
    archive = dump(lines(comment(4, "I &gt; you &amp; Grok &lt;3", edited=CREATED + 60)))
    [post] = posts_of(archive)
    assert (post.source, post.source_id, post.kind, post.thread_id) == ("reddit", "t1_c4", Kind.COMMENT, "t3_s1")
    assert post.text == "I > you & Grok <3"
    assert post.title is None
    assert post.created_at == datetime(2025, 11, 17, 0, 0, 4, tzinfo=UTC)
    assert post.edited_at == datetime(2025, 11, 17, 0, 1, tzinfo=UTC)
    assert (post.author, post.score, post.channel) == ("writer4", 4, "singularity")
    assert post.url == "https://www.reddit.com/r/singularity/comments/s1/thread/c4/"


def test_a_submission_keeps_its_fields(dump):
    [post] = posts_of(dump(lines(submission(2, author="[deleted]"))))
    assert (post.source_id, post.kind, post.thread_id) == ("t3_s2", Kind.SUBMISSION, "t3_s2")
    assert (post.title, post.text, post.replies, post.author) == ("Is Grok down?", "It hangs.", 4, None)
    assert not post.deleted


@pytest.mark.parametrize("created", [CREATED, float(CREATED), str(CREATED), f"{CREATED}.0"])
def test_times_may_be_numbers_or_text(dump, created):
    [post] = posts_of(dump(lines(comment(0, created_utc=created))))
    assert post.created_at == datetime(2025, 11, 17, tzinfo=UTC)


def test_submissions_and_comments_with_the_same_id_stay_apart(dump):
    posts = posts_of(dump(lines(submission(1, id="abc"), comment(1, id="abc"), submission(2, id="t3_xyz"))))
    assert [post.source_id for post in posts] == ["t3_abc", "t1_abc", "t3_xyz"]


def test_old_dumps_without_permalinks_get_an_address(dump):
    old = comment(1, permalink=None, link_id="s9")
    [post] = posts_of(dump(lines(old)))
    assert post.thread_id == "t3_s9"
    assert post.url == "https://www.reddit.com/r/singularity/comments/s9/_/c1/"


@pytest.mark.parametrize(
    "record",
    [
        submission(1, selftext="[removed]"),
        submission(1, selftext="[deleted]", author="[deleted]"),
        submission(1, removed_by_category="moderator"),
        submission(1, _meta={"was_deleted_later": True}),
        comment(1, _meta={"was_deleted_later": True}),
        comment(1, "[ Removed by Reddit ]", permalink="/r/singularity/comments/s1/grok_is_down/c1/"),
    ],
)
def test_what_was_deleted_is_a_tombstone_without_text(dump, record):
    archive = dump(lines(record))
    [post] = posts_of(archive)
    assert post.deleted
    assert post.text == ""
    assert archive.tally.tombstones == 1


def test_only_the_posts_own_words_count(dump):
    archive = dump(
        lines(
            comment(1, "nothing", author="grok_fan"),
            submission(2, "Which one?", "no idea", url="https://grok.com/"),
            comment(3, "nothing", permalink="/r/singularity/comments/s1/grok_is_down/c3/"),
            submission(4, "Which one?", "I mean GROK"),
            comment(5, "nothing at all"),
        )
    )
    assert [post.source_id for post in posts_of(archive)] == ["t3_s4"]
    tally = archive.tally
    assert (tally.lines, tally.matched, tally.kept, tally.filtered_out, tally.broken) == (5, 4, 1, 4, 0)


def test_all_posts_of_a_grok_subreddit_count(dump):
    assert len(posts_of(dump(lines(comment(1, "too slow today", subreddit="Grok"))))) == 1


def test_every_line_can_be_kept(dump):
    archive = dump(lines(comment(1, "nothing"), comment(2)), keep_all=True)
    assert len(posts_of(archive)) == 2


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_every_packing_is_told_by_its_content(dump, pack):
    data = lines(*(comment(number, "Grok " + "x" * 500) for number in range(300)))
    assert len(posts_of(dump(pack(data), "no-extension"))) == 300


def test_frames_after_one_another_and_long_windows_are_read(dump):
    data = lines(*(comment(number) for number in range(500)))
    assert len(posts_of(dump(zst(data, window_log=30, frames=7)))) == 500


@pytest.mark.parametrize("pack", [zst, gz, bz2.compress, xz])
@pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
def test_a_truncated_file_gives_what_it_holds_and_says_so(dump, pack, share):
    chance = random.Random(1)
    data = lines(*(comment(number, f"Grok {chance.randbytes(800).hex()}") for number in range(1_500)))
    packed = pack(data)
    archive = dump(packed[: int(len(packed) * share)])
    pages = []
    with pytest.raises(CollectorError, match="not whole: it ends early"):
        pages.extend(archive.pages(None))
    posts, cursor = [post for page in pages for post in page.posts], pages[-1].cursor
    assert archive.tally.broken == 0
    assert len(posts) < 1_500
    if share == 0.9:
        assert len(posts) > 600
    whole = dump(packed)
    rest = posts_of(whole, cursor)
    assert len(posts) + len(rest) == 1_500
    assert whole.resumed_at == (len(posts) + 1 if posts else None)


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_zst_cut_anywhere_is_never_taken_for_whole(dump, cut):
    packed = zst(lines(*(comment(number) for number in range(20))), frames=2)
    with pytest.raises(CollectorError, match=r"ends early|damaged"):
        posts_of(dump(packed[:-cut]))


def test_broken_lines_are_told_by_number_and_written_down(dump, tmp_path):
    rejects = tmp_path / "rejects.jsonl"
    data = lines(
        comment(1), b"not json, says Grok", b"", b'{"body": "Grok, cut o', comment(2), b"[1, 2]", comment(3, id=None),
        comment(4, created_utc="soon"), b'{"body": "Grok \xff", "link_id": "t3_a", "id": "z"}', b"{" + b"[" * 9_000 + b"grok}",
        {"subreddit": "grok", "id": "z"}, comment(5),
    )  # fmt: skip
    archive = dump(data, rejects=rejects)
    assert len(posts_of(archive)) == 3
    found = {line.line: line.reason for line in archive.tally.broken_lines}
    assert list(found) == [2, 4, 6, 7, 8, 9, 10, 11]
    assert "time" in found[8]
    assert "UTF-8" in found[9]
    written = [json.loads(row) for row in rejects.read_text().splitlines()]
    assert [row["line"] for row in written] == list(found)
    assert written[0]["raw"] == "not json, says Grok"
    tally = archive.tally
    assert (tally.lines, tally.kept, tally.broken, tally.filtered_out) == (11, 3, 8, 0)


def test_only_the_first_ten_broken_lines_are_told(dump):
    archive = dump(lines(comment(1), *(b"{broken" for _ in range(25))))
    posts_of(archive)
    assert archive.tally.broken == 25
    assert [line.line for line in archive.tally.broken_lines] == list(range(2, 12))


def test_odd_but_sound_lines_are_read(dump):
    half_emoji = b'{"id": "a", "body": "Grok \\ud83d!\\u0000", "link_id": "t3_s", "created_utc": 1763337600}'
    data = (
        b"\xef\xbb\xbf"
        + lines(comment(1)).replace(b"\n", b"\r\n")
        + b"\r\n  \n"
        + half_emoji
        + b"\n"
        + lines(comment(2))[:-1]
    )
    archive = dump(data)
    posts = posts_of(archive)
    assert [post.source_id for post in posts] == ["t1_c1", "t1_a", "t1_c2"]
    assert posts[1].text == "Grok \ufffd!"
    assert (archive.tally.lines, archive.tally.broken) == (3, 0)


def test_very_long_lines_are_read_and_absurd_ones_passed_over(dump):
    data = lines(comment(1, "Grok " + "x" * 10_000_000), comment(2, "Grok " + "x" * 20_000_000), comment(3))
    archive = dump(zst(data))
    assert [post.source_id for post in posts_of(archive)] == ["t1_c1", "t1_c3"]
    assert [(line.line, line.reason) for line in archive.tally.broken_lines] == [(2, "the line is longer than 16 MiB")]


def test_an_interrupted_import_goes_on_where_it_stopped(dump, monkeypatch):
    monkeypatch.setattr("collectors.archive_progress.PAGE_POSTS", 100)
    monkeypatch.setattr("collectors.line_blocks.CHUNK", 10_000)
    data = lines(*(comment(number) if number % 50 else b"{broken" for number in range(2_000)))
    for pack in (bytes, zst, gz):
        whole = posts_of(dump(pack(data)))
        pages = iter(dump(pack(data)).pages(None))
        first = [next(pages) for _ in range(3)]
        pages.close()
        archive = dump(pack(data))
        rest = posts_of(archive, first[-1].cursor)
        assert [post for page in first for post in page.posts] + rest == whole
        assert archive.resumed_at > 300
        assert archive.tally.broken_lines[0].line % 50 == 1


def test_a_finished_file_is_not_read_again_unless_asked(dump):
    data = lines(*(comment(number) for number in range(10)))
    *_, last = dump(data).pages(None)
    done = dump(data)
    assert list(done.pages(last.cursor)) == []
    assert done.already_imported
    assert len(posts_of(dump(data, again=True), last.cursor)) == 10


def test_a_file_that_grew_is_read_from_its_old_end(dump):
    data = lines(*(comment(number) for number in range(10)))
    *_, last = dump(data + b'{"id": "c10", "body": "Grok, half wri').pages(None)
    grown = dump(data + lines(comment(10), comment(11)))
    # What stood at the old end has changed, so that it is another file: it is read from the start.
    assert len(posts_of(grown, last.cursor)) == 12
    *_, last = dump(data).pages(None)
    grown = dump(data + lines(comment(10), b"{broken", comment(11)))
    assert [post.source_id for post in posts_of(grown, last.cursor)] == ["t1_c10", "t1_c11"]
    assert [line.line for line in grown.tally.broken_lines] == [12]


def test_a_half_written_last_line_is_read_once_it_is_whole(dump):
    data = lines(*(comment(number) for number in range(10)))
    before = dump(data[:-20])
    *_, last = before.pages(None)
    assert before.tally.broken == 1
    after = dump(data)
    assert [post.source_id for post in posts_of(after, last.cursor)] == ["t1_c9"]
    assert after.resumed_at == 10


def test_another_file_under_the_same_name_is_read_from_the_start(dump):
    *_, last = dump(lines(*(comment(number) for number in range(10)))).pages(None)
    other = dump(lines(*(comment(number) for number in range(50, 70))))
    assert len(posts_of(other, last.cursor)) == 20


def test_other_terms_read_a_finished_file_anew(dump, tmp_path):
    *_, last = dump(lines(comment(1), comment(2, "xAI it is"))).pages(None)
    file = look_into(str(tmp_path / "RC_2025-11"), OwnFormat())
    assert len(posts_of(Archive(file, terms=TermMatcher(["xai"])), last.cursor)) == 1


def test_rejects_of_an_interrupted_import_are_not_doubled(dump, tmp_path, monkeypatch):
    monkeypatch.setattr("collectors.archive_progress.PAGE_POSTS", 10)
    monkeypatch.setattr("collectors.line_blocks.CHUNK", 4_000)
    rejects = tmp_path / "rejects.jsonl"
    data = lines(*(comment(number) if number % 5 else b"{broken" for number in range(500)))
    pages = iter(dump(data, rejects=rejects).pages(None))
    first, _lost = next(pages), next(pages)
    pages.close()
    posts_of(dump(data, rejects=rejects), first.cursor)
    assert [json.loads(row)["line"] for row in rejects.read_text().splitlines()] == list(range(1, 500, 5))


RECORDS = st.one_of(
    st.builds(comment, st.integers(0, 99), st.sampled_from(["Grok!", "グロック", "none", "Грок\n\u2028x", "😂 grok"])),
    st.sampled_from(
        [b"", b"  ", b"{", b"{grok", b"garbage", b'{"a":1}', b'{"grok":1}', b"\r", b"\x00grok", "ग्रोक".encode(), b"}{"]
    ),
)


@settings(deadline=None)
@given(st.lists(RECORDS, min_size=1, max_size=30), st.integers(1, 5_000), st.booleans())
def test_any_split_into_blocks_gives_what_line_by_line_parsing_gives(tmp_path_factory, records, chunk, ended):
    data = lines(comment(1_000), *records)
    data = data if ended else data[:-1]
    kept, broken = [], 0
    for raw in data.split(b"\n"):
        line = raw.strip()
        named = TERMS.names(line.decode(errors="replace")) or b"\\u" in line
        if not line or (line.startswith(b"{") and line.endswith(b"}") and not named):
            continue
        try:
            record = json.loads(line)
            if "body" in record and TERMS.names(record["body"]):
                kept.append("t1_" + record["id"])
            broken += "body" not in record
        except ValueError:
            broken += 1
    path = tmp_path_factory.mktemp("any") / "RC"
    path.write_bytes(data)
    archive = Archive(look_into(str(path), OwnFormat()), terms=TERMS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("collectors.line_blocks.CHUNK", chunk)
        assert [post.source_id for post in posts_of(archive)] == kept
    assert archive.tally.broken == broken
    assert archive.tally.lines == sum(bool(line.strip()) for line in data.split(b"\n"))
