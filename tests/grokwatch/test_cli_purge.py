"""`grokwatch purge`: what is removed is gone everywhere, down to the bytes of the files."""

import io
import json
import random
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from classifiers.codebook import Category
from collectors.base import Kind, Page, RawPost
from db import runs
from db.engine import open_engine
from db.ingest import entomb, store_page
from db.models import Label, Post, RollupHourly, Run
from grokwatch.cli.session import load_settings
from grokwatch.compliance import tidy
from grokwatch.privacy import author_hash

SOURCES = ("reddit", "x")


def text_of(number):
    return f"Grok remark {number:05d} " + "of some length " * (number % 60)


@pytest.fixture
def filled(sqlite_archive, now):
    """A thousand posts of two platforms, rewritten a few times so that the file's pages have a history."""
    archive = sqlite_archive
    hashed = author_hash(load_settings())

    def store(numbers, edition):
        posts = tuple(
            RawPost(
                source=SOURCES[number % 2], source_id=f"p{number}", kind=Kind.POST, thread_id=f"t{number}",
                created_at=now - timedelta(hours=number), text=f"{text_of(number)} {edition}", author=f"writer{number % 7}",
                edited_at=now + timedelta(seconds=edition),
            )
            for number in numbers
        )  # fmt: skip
        with archive.engine.begin() as connection:
            run = runs.start_run(connection, "import", source="archive", now=now)
            store_page(connection, Page(posts=posts), source="archive", run_id=run, now=now, author_hash=hashed)
            runs.finish_run(connection, run, now=now)

    store(range(1000), 0)
    chance = random.Random(5)
    for edition in range(1, 15):
        store(chance.sample(range(1000), 40), edition)
    archive.label(Category.BIAS)
    return archive


def traces(tmp_path, numbers):
    """Give the posts whose text can be found in any file of the database."""
    held = b"".join(file.read_bytes() for file in tmp_path.glob("grokwatch.db*"))
    return [number for number in numbers if f"Grok remark {number:05d}".encode() in held]


def standing(engine):
    with engine.connect() as connection:
        rows = connection.execute(select(Post.source, Post.source_id).where(Post.deleted_at.is_(None)))
        return {(row.source, int(row.source_id[1:])) for row in rows}


def test_a_post_leaves_no_byte_in_the_database_file(filled, grokwatch, tmp_path):
    assert traces(tmp_path, [124]) == [124]
    called = grokwatch("purge", "--post", "reddit:p124", "--yes")
    assert called.code == 0
    assert "Removed: 1 post (1 of reddit)" in called.out
    assert traces(tmp_path, [124]) == []
    assert len(standing(filled.engine)) == 999


@pytest.mark.parametrize(
    ("options", "removed"),
    [
        (("--author", "u/Writer3"), lambda number: number % 7 == 3),
        (("--author", "writer3", "--source", "x"), lambda number: number % 7 == 3 and number % 2),
        (("--source", "x"), lambda number: number % 2),
        (("--before", "2025-11-01"), lambda number: number > 19 * 24 + 12),
    ],
)
def test_what_is_chosen_is_removed_and_nothing_else(filled, grokwatch, tmp_path, options, removed):
    gone = [number for number in range(1000) if removed(number)]
    called = grokwatch("purge", *options, "--yes", "--json")
    told = json.loads(called.out)
    assert called.code == 0
    assert (told["posts"], told["labels"], sum(told["sources"].values()), told["clean"]) == (len(gone),) * 3 + (True,)
    assert traces(tmp_path, gone) == []
    assert {number for _, number in standing(filled.engine)} == set(range(1000)) - set(gone)
    with filled.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Label)) == 1000 - len(gone)
        assert connection.scalar(select(func.sum(RollupHourly.n_bias))) == 1000 - len(gone)
        assert connection.scalar(select(Run.status).where(Run.kind == "purge")) == "ok"


def test_a_removed_post_is_not_stored_again(filled, grokwatch, now):
    grokwatch("purge", "--post", "x:p3", "--yes")
    again = RawPost(source="x", source_id="p3", kind=Kind.POST, thread_id="t3", created_at=now, text="Grok is back")
    with filled.engine.begin() as connection:
        run = runs.start_run(connection, "import", source="x", now=now)
        stored = store_page(connection, Page(posts=(again,)), source="x", run_id=run, now=now, author_hash=str)
    assert stored.new == 0
    assert ("x", 3) not in standing(filled.engine)
    assert grokwatch("purge", "--post", "x:p3", "--yes").out.startswith("Nothing to remove: it was removed at ")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_exported_files_lose_its_row_and_nothing_else(filled, grokwatch, tmp_path, form):
    file = tmp_path / f"posts.{form}"
    assert grokwatch("export", "--output", file).code == 0
    before = file.read_bytes()
    called = grokwatch("purge", "--post", "reddit:p124", "--yes")
    assert f"{file}: 1 row taken out." in called.out
    if form == "parquet":
        names = set(pq.read_table(file).column("source_id").to_pylist())
        assert names == {f"p{number}" for number in range(1000)} - {"p124"}
        assert pq.read_schema(file) == pq.ParquetFile(io.BytesIO(before)).schema_arrow
    else:
        kept = [line for line in before.splitlines(keepends=True) if b"remark 00124" not in line]
        assert file.read_bytes() == b"".join(kept)
        assert len(kept) == len(before.splitlines()) - 1


def test_an_export_that_was_changed_or_moved_is_named(filled, grokwatch, tmp_path):
    changed, moved = tmp_path / "changed.csv", tmp_path / "moved.jsonl"
    grokwatch("export", "--output", changed)
    grokwatch("export", "--output", moved)
    changed.write_text("name,remark\n1,2\n")
    moved.unlink()
    called = grokwatch("purge", "--post", "reddit:p124", "--yes", "--json")
    assert called.code == 1
    states = {entry["path"]: entry["state"] for entry in json.loads(called.out)["exports"]}
    assert states == {str(changed): "unreadable", str(moved): "gone"}
    assert changed.read_text() == "name,remark\n1,2\n"
    assert {path.name for path in tmp_path.iterdir() if path.name.endswith(".part")} == set()


@pytest.fixture
def rejected(filled, grokwatch, tmp_path):
    """Lines that can't be read, kept by an import: one of a stored post, one of a post that never was stored, one of nobody."""
    posts = tmp_path / "posts.jsonl"
    lines = (
        '{"id": "p124", "text": "Grok remark cut',
        '{"id": "p7777", "author": "writer77", "text": "Grok cut',
        '{"Grok"',
    )
    posts.write_text("\n".join(lines) + "\n")
    assert grokwatch("import", posts, "--source", "reddit", "--rejects", tmp_path / "kept.jsonl").code == 0
    assert len((tmp_path / "kept.jsonl").read_text().splitlines()) == 3
    return tmp_path / "kept.jsonl"


def test_lines_that_an_import_rejected_go_with_their_post(rejected, grokwatch):
    called = grokwatch("purge", "--post", "reddit:p124", "--yes")
    assert f"{rejected}: 1 row taken out." in called.out
    assert [line.count("p124") for line in rejected.read_text().splitlines()] == [0, 0]
    assert rejected.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("option", [("--post", "reddit:p7777"), ("--author", "u/Writer77")])
def test_lines_go_whose_post_never_was_stored(rejected, grokwatch, option):
    told = json.loads(grokwatch("purge", *option, "--yes", "--json").out)
    assert told["posts"] == 0
    assert [entry["rows"] for entry in told["exports"]] == [1]
    assert "p7777" not in rejected.read_text()
    assert "p124" in rejected.read_text()


def test_a_deletion_upstream_takes_rejected_lines_along(rejected, filled, now):
    with filled.engine.begin() as connection:
        number = connection.scalar(select(Post.id).where(Post.source_id == "p124"))
        entomb(connection, [number], now=now + timedelta(days=1))
    tidy(filled.engine, since=now + timedelta(days=1), rewritten=False)
    assert "p124" not in rejected.read_text()
    assert len(rejected.read_text().splitlines()) == 2


def test_traces_that_a_reader_holds_are_told_and_a_second_call_removes_them(filled, grokwatch, tmp_path, sqlite_url):
    reader = open_engine(sqlite_url)
    with reader.connect().execution_options(read_only=True) as connection:
        connection.execute(select(func.count()).select_from(Post))
        called = grokwatch("purge", "--post", "reddit:p124", "--yes")
    reader.dispose()
    assert called.code == 1
    assert "run the same command again" in called.out + called.err
    again = grokwatch("purge", "--post", "reddit:p124", "--yes")
    assert again.code == 0
    assert traces(tmp_path, [124]) == []


def test_without_an_answer_nothing_is_removed(filled, grokwatch):
    for options in (("--post", "reddit:p124"), ("--post", "reddit:p124", "--json"), ("--rotate-key",)):
        called = grokwatch("purge", *options)
        assert called.code == 2
        assert "--yes" in called.err
    assert len(standing(filled.engine)) == 1000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "nothing to remove"),
        (("--post", "t1_abc"), "SOURCE:ID"),
        (("--before", "soon"), "not a date"),
        (("--author", " "), "empty"),
        (("--source", "x", "--rotate-key"), "removes no posts"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(sqlite_engine, grokwatch, options, said):
    called = grokwatch("purge", *options, "--yes")
    assert called.code == 2
    assert said in called.err


def test_a_post_that_is_not_stored_is_an_error(sqlite_engine, grokwatch):
    called = grokwatch("purge", "--post", "x:404", "--yes")
    assert called.code == 1
    assert "no post x:404 is stored" in called.err


def test_rotating_the_key_hides_old_authors_and_keeps_their_posts_together(filled, grokwatch, tmp_path, monkeypatch):
    def keys():
        with filled.engine.connect() as connection:
            return connection.execute(select(Post.source_id, Post.author_key).order_by(Post.id)).all()

    old_secret, before = (tmp_path / "data" / "author-hash.key").read_bytes(), keys()
    assert grokwatch("purge", "--rotate-key", "--yes").code == 0
    after = keys()
    held = b"".join(file.read_bytes() for file in tmp_path.glob("grokwatch.db*"))
    assert not any(row.author_key.encode() in held for row in before)
    pairs = {(old.author_key, new.author_key) for old, new in zip(before, after, strict=True)}
    assert len(pairs) == 7
    assert len({new for _, new in pairs}) == 7
    assert (tmp_path / "data" / "author-hash.key").read_bytes() != old_secret
    assert json.loads(grokwatch("purge", "--author", "writer3", "--yes", "--json").out)["posts"] == 0


def test_a_key_in_the_settings_is_named_with_a_new_one(filled, grokwatch, monkeypatch):
    monkeypatch.setenv("GROKWATCH_HASH_KEY", "a secret of twenty letters")
    told = json.loads(grokwatch("purge", "--rotate-key", "--yes", "--json").out)
    assert told["posts"] == 1000
    assert len(told["set_hash_key"]) == 64


def test_purging_on_postgresql(archive, grokwatch, monkeypatch, database_url):
    monkeypatch.setenv("GROKWATCH_DATABASE_URL", database_url)
    archive.add(5, Category.BIAS)
    told = json.loads(grokwatch("purge", "--post", "reddit:p2", "--yes", "--json").out)
    assert (told["posts"], told["labels"], told["clean"]) == (1, 1, True)
    with archive.engine.connect() as connection:
        assert connection.scalar(select(Post.text).where(Post.source_id == "p2")) is None
