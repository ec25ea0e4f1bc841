"""Files of one's own: JSON lines and tables, with the columns that people give them."""

import json
from datetime import UTC, datetime

import pytest

from collectors.archive import Archive
from collectors.archive_file import look_into
from collectors.base import CollectorError, Kind
from collectors.own_files import OwnFormat
from collectors.terms import TermMatcher
from collectors.x_languages import bcp47


@pytest.fixture
def read(tmp_path):
    """Write a file, read it, give its posts and what was counted."""

    def write_and_read(data: bytes | str, *, source=None, keep_all=False, cursor=None, **columns):
        path = tmp_path / "posts"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        own = OwnFormat(columns=columns, source=source)
        archive = Archive(
            look_into(str(path), own),
            terms=TermMatcher(["grok", "グロック"], keys=("deleted",)),
            own=own,
            keep_all=keep_all,
        )
        pages = list(archive.pages(cursor))
        return [post for page in pages for post in page.posts], archive.tally, pages[-1].cursor if pages else None

    return write_and_read


def row(**fields) -> str:
    return json.dumps({"id": "7", "text": "Grok!", "created_at": "2025-11-17T08:00:00Z"} | fields) + "\n"


def test_a_line_of_json_keeps_its_fields(read):
    [post], tally, _ = read(row(lang="iw", likes=5, replies=2, author="someone", url="https://x.com/a/status/7"))
    assert (post.source, post.source_id, post.kind, post.thread_id) == ("x", "7", Kind.POST, "7")
    assert (post.lang, post.score, post.replies, post.author) == ("he", 5, 2, "someone")
    assert post.created_at == datetime(2025, 11, 17, 8, tzinfo=UTC)
    assert post.url == "https://x.com/a/status/7"
    assert tally.guesses.assumed_source == 1


def test_fields_say_what_the_post_is(read):
    given = row(
        source="Bluesky", kind="reply", channel="ai", thread_id="t", title="On Grok", edited_at=1_763_400_000, score=9, likes=1,
        inclusion_probability=0.25,
    )  # fmt: skip
    [post], tally, _ = read(given, source="x")
    assert (post.source, post.kind, post.channel, post.thread_id, post.title) == (
        "bluesky",
        Kind.REPLY,
        "ai",
        "t",
        "On Grok",
    )
    assert (post.score, post.inclusion_probability) == (9, 0.25)
    assert post.edited_at == datetime.fromtimestamp(1_763_400_000, UTC)
    assert tally.guesses.assumed_source == 0


@pytest.mark.parametrize(
    ("given", "hour"),
    [
        ("2025-11-17T08:00:00Z", 8), ("2025-11-17T08:00:00+09:00", 23), ("2025-11-17 08:00:00.123456+00:00", 8),
        (1_763_366_400, 8), (1_763_366_400_000, 8), ("1763366400", 8), ("1763366400.0", 8), (1_763_366_400_000_000, 8),
        ("2025-11-17 08:00:00 UTC", 8), ("Mon Nov 17 08:00:00 +0000 2025", 8), ("20251117T08", 8),
    ],
)  # fmt: skip
def test_times_are_read_as_people_write_them(read, given, hour):
    [post], _, _ = read(row(created_at=given))
    assert post.created_at.hour == hour
    assert post.created_at.tzinfo is UTC


def test_times_without_a_zone_are_utc_and_told(read):
    posts, tally, _ = read(row(created_at="2025-11-17T08:00:00") + row(id="8"))
    assert posts[0].created_at == posts[1].created_at
    assert tally.guesses.naive_times == 1


@pytest.mark.parametrize(
    "given", [None, "", "yesterday", 12, -5, 1e30, True, "2025-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_times_that_make_no_sense_are_broken_lines(read, given):
    posts, tally, _ = read(row(created_at=given) + row(id="8"))
    assert len(posts) == 1
    assert "time" in tally.broken_lines[0].reason


@pytest.mark.parametrize(
    "fields", [{"kind": "banner"}, {"inclusion_probability": 2}, {"inclusion_probability": 0}, {"source": "grok" * 9}]
)
def test_values_that_make_no_sense_are_broken_lines(read, fields):
    posts, tally, _ = read(row(**fields) + row(id="8"))
    assert len(posts) == tally.broken == 1


def test_a_missing_id_is_made_of_the_content_and_stays(read):
    without = row().replace('"id": "7", ', "")
    first, tally, _ = read(without + row(text="Grok, another", id=None))
    second, _, _ = read(row(text="before all Grok", id="1") + without)
    assert first[0].source_id == second[1].source_id
    assert first[0].source_id != first[1].source_id
    assert tally.guesses.missing_ids == 2


def test_ids_that_the_database_cannot_hold_are_hashed(read):
    [post], _, _ = read(row(id="https://example.org/" + "x" * 100))
    assert len(post.source_id) <= 64


def test_numbers_as_ids_and_huge_counts_do_no_harm(read):
    [post], _, _ = read(row(id=1234567890123456789, likes=10**12, replies="3", url="javascript:alert(1)"))
    assert (post.source_id, post.score, post.replies, post.url) == ("1234567890123456789", None, 3, None)


def test_a_deleted_post_is_a_tombstone_even_without_its_text(read):
    posts, tally, _ = read(row() + row(id="8", text="", deleted=True) + row(id="9", text="nothing", deleted=False))
    assert [(post.source_id, post.deleted) for post in posts] == [("7", False), ("8", True)]
    assert tally.tombstones == 1


def test_columns_are_mapped_in_json_too(read):
    data = json.dumps({"Body": "Grok!", "When": "2025-11-17T08:00:00Z", "No": 3}) + "\n"
    [post], _, _ = read(data, text="Body", created_at="When", id="No")
    assert (post.source_id, post.text) == ("3", "Grok!")


def test_every_post_can_be_kept(read):
    posts, _, _ = read(row(text="no name") + row(id="8"), keep_all=True)
    assert len(posts) == 2


TABLE = 'ID,Date,Body,likes\n1,2025-11-17T08:00:00Z,"Grok, ""the"" one\nand two",5\n2,2025-11-17T08:00:00Z,nothing,1\n\n3,2025-11-17,グロック,x\n'
COLUMNS = {"text": "Body", "created_at": "Date"}


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_tables_are_read_with_quotes_and_line_breaks_in_them(read, bom, ends, delimiter):
    table = TABLE.replace('"Grok, ', '"Grok ') if delimiter != "," else TABLE
    data = (bom + table.replace(",", delimiter)).replace("\n", ends)
    posts, tally, _ = read(data, **COLUMNS)
    assert [post.source_id for post in posts] == ["1", "3"]
    assert posts[0].text.splitlines() == ['Grok, "the" one' if delimiter == "," else 'Grok "the" one', "and two"]
    assert [post.score for post in posts] == [5, None]
    assert (tally.lines, tally.kept, tally.filtered_out, tally.broken) == (3, 2, 1, 0)


def test_broken_rows_are_told_by_line(read):
    data = TABLE + "4,2025-11-17,Grok,1,extra\n5\n6,soon,Grok,1\n"
    posts, tally, _ = read(data, **COLUMNS)
    assert len(posts) == 2
    assert [(line.line, line.reason[:8]) for line in tally.broken_lines] == [
        (7, "5 values"),
        (8, "1 values"),
        (9, "a time t"),
    ]


def test_a_row_that_is_not_utf8_is_broken(read):
    data = TABLE.encode() + b"4,2025-11-17,Grok " + b"\xff,1\n"
    long = TABLE.encode() + b"".join(
        b"%d,2025-11-17,Grok number %d,1\n" % (number, number) for number in range(10, 60_000)
    )
    posts, tally, _ = read(long + data.split(b"\n")[-2] + b"\n", **COLUMNS)
    assert len(posts) == 2 + 59_990
    assert [line.reason for line in tally.broken_lines] == ["not UTF-8"]


def test_an_interrupted_table_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("collectors.archive_progress.PAGE_POSTS", 10)
    path = tmp_path / "posts.csv"
    path.write_text(
        "\ufeff" + TABLE + "".join(f'{number},2025-11-17,"Grok\n{number}",1\n' for number in range(10, 100))
    )
    own = OwnFormat(columns=COLUMNS)

    def archive() -> Archive:
        return Archive(look_into(str(path), own), terms=TermMatcher(["grok", "グロック"]), own=own)

    pages = iter(archive().pages(None))
    first = next(pages)
    pages.close()
    going_on = archive()
    rest = [post for page in going_on.pages(first.cursor) for post in page.posts]
    assert len(first.posts) == 10
    assert len({post.source_id for post in [*first.posts, *rest]}) == len(first.posts) + len(rest) == 92
    assert going_on.resumed_at == 23


@pytest.mark.parametrize(
    ("data", "message", "mend"),
    [
        (b"Nr,Body,Datum\n1,Grok,2025\n", "no column 'text' and no column 'created_at'; it has Nr, Body, Datum", "--map text=Body,created_at=COLUMN"),
        (b"Tweet_ID,full_text,Date\n1,Grok,2025\n", "has no column", "--map text=full_text,created_at=Date,id=Tweet_ID"),
        (b'{"id": 1, "content": "Grok", "timestamp": 5}\n', "has no column", "--map text=content,created_at=timestamp"),
        (b'[{"id": 1}]', "one JSON array", "jq"),
        (b'{\n "id": 1\n}\n', "over several lines", "jq"),
        (b"PK\x03\x04xxxx", "a ZIP archive", "JSON lines"),
        (bytes(range(256)) * 9, "not a text file", "JSON lines"),
        ("id,text,created_at\n".encode("utf-16"), "UTF-16", "iconv"),
        ("id,text,created_at\n1,グロック,2025\n".encode("shift_jis"), "not in UTF-8", "iconv"),
        (b"", "is empty", "name a file"),
        (b"\n \n", "is empty", "name a file"),
        (b"Once upon a time there was Grok.\nThe end.\n", "neither", "JSON lines"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_told_in_one_sentence(read, data, message, mend):
    with pytest.raises(CollectorError) as failure:
        read(data)
    assert message in str(failure.value)
    assert mend in failure.value.mend


def test_a_map_that_names_no_column_or_no_field_is_refused(read):
    with pytest.raises(CollectorError, match="no column 'Nope'; it has id, text, created_at"):
        read(row(), text="Nope")
    with pytest.raises(CollectorError, match="no field 'texxt'"):
        read(row(), texxt="text")


@pytest.mark.parametrize(
    ("code", "tag"),
    [("iw", "he"), ("in", "id"), ("ja", "ja"), ("und", None), ("zxx", None), ("qme", None), ("qht", None), ("zh-CN", "zh-Hans"),
     ("pt_BR", "pt-BR"), ("", None), (None, None), ("not a language", None)],
)  # fmt: skip
def test_language_codes_of_x_become_tags(code, tag):
    assert bcp47(code) == tag
