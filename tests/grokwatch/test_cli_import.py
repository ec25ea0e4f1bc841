"""`grokwatch import`: what goes in, what is said about it, and that no interruption loses or doubles anything."""

import gzip
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from sqlalchemy import select

from collectors.archive import Archive
from collectors.archive_file import look_into
from collectors.own_files import OwnFormat
from collectors.terms import TermMatcher
from db import schema
from db.engine import open_engine
from db.models import Post
from grokwatch.cli.main import main
from grokwatch.pipeline import store

CREATED = 1_763_337_600
NOW = datetime(2025, 12, 1, tzinfo=UTC)


def comments(count: int, *, every: int = 2, size: int = 300, seed: int = 3) -> bytes:
    """Lines of a dump; one of `every` names Grok, one of a hundred is broken."""
    chance = random.Random(seed)
    lines = []
    for number in range(count):
        if number % 100 == 57:
            lines.append(b'{"id": "grok, cut off')
            continue
        body = f"{'Grok' if number % every == 0 else 'It'} says {chance.randbytes(size // 2).hex()}"
        record = {"id": f"c{number}", "author": f"w{number % 50}", "body": body, "created_utc": CREATED + number}
        lines.append(
            json.dumps(record | {"link_id": f"t3_s{number % 30}", "subreddit": "singularity", "score": number}).encode()
        )
    return b"\n".join(lines) + b"\n"


@pytest.fixture(autouse=True)
def _database(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/grokwatch.db")
    schema.upgrade(engine)
    engine.dispose()


@pytest.fixture
def command(monkeypatch, capsys):
    """Call the command line; gives exit code, stdout and stderr."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["grokwatch", "import", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return call


def rows(path) -> list[tuple]:
    with sqlite3.connect(path) as connection:
        found = connection.execute(
            "SELECT source, source_id, kind, thread_id, author_key, created_at, text, score FROM posts ORDER BY source_id"
        ).fetchall()
    connection.close()
    return found


def one(path, query: str) -> object:
    with sqlite3.connect(path) as connection:
        value = connection.execute(query).fetchone()
    connection.close()
    return value[0] if len(value) == 1 else value


def test_dumps_and_own_files_go_in_together(command, tmp_path):
    (tmp_path / "RC_2025-11.zst").write_bytes(zstandard.compress(comments(1_000)))
    (tmp_path / "own.csv").write_text("Nr,Body,Date\n1,Grok!,2025-11-17T08:00:00Z\n2,none,2025-11-17\n")
    code, out, _ = command(
        "own.csv", "--map", "text=Body,created_at=Date", "--map", "id=Nr", "--source", "forum", "--json"
    )
    assert code == 0
    assert json.loads(out)["kept"] == 1
    code, out, _ = command("RC_2025-11.zst", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["lines"], told["read"], told["kept"], told["new"], told["broken"]) == (1_000, 1_000, 500, 500, 10)
    assert told["filtered_out"] == 490
    assert told["broken_lines"][0] == {
        "file": "RC_2025-11.zst",
        "line": 58,
        "reason": told["broken_lines"][0]["reason"],
    }
    assert len(told["broken_lines"]) == 10
    assert told["reject_file"] == str(tmp_path / "data" / "rejects" / "RC_2025-11.zst.rejects.jsonl")
    assert Path(told["reject_file"]).read_text().count("\n") == 10
    assert one("grokwatch.db", "SELECT count(*) FROM posts") == 501
    assert one("grokwatch.db", "SELECT source_id FROM posts WHERE source = 'forum'") == "1"
    assert one("grokwatch.db", "SELECT status, read, kept, new, broken FROM runs ORDER BY id DESC") == (
        "ok",
        1_000,
        500,
        500,
        10,
    )


def test_a_person_is_told_what_happened(command, tmp_path):
    (tmp_path / "dump").write_bytes(comments(400))
    code, out, err = command("dump")
    assert (code, err) == (0, "")
    assert "dump: 400 lines read" in out
    assert "200 posts kept: 200 new, 0 changed, 0 known before" in out
    assert "196 lines filtered out, 4 broken lines" in out
    assert "line 58: not JSON" in out
    assert command("dump") == (0, "dump: already imported. To read it again: --again.\n", "")
    _, out, _ = command("dump", "--again")
    assert "200 posts kept: 0 new, 0 changed, 200 known before" in out


def test_assumptions_are_told_once(command, tmp_path):
    (tmp_path / "own.jsonl").write_text('{"text": "Grok", "created_at": "2025-11-17"}\n' * 2)
    _, out, _ = command("own.jsonl")
    assert "2 posts had a time without a zone: it was taken as UTC." in out
    assert "2 posts had no id" in out
    assert "2 posts named no source: taken as X." in out


def test_a_file_without_grok_says_which_terms_were_looked_for(command, tmp_path):
    (tmp_path / "dump").write_bytes(comments(50, every=1_000).replace(b"Grok", b"Ghoul"))
    _, out, _ = command("dump")
    assert "No post names one of: grok, グロック" in out


def test_edits_and_deletions_of_a_later_dump_are_taken_over(command, tmp_path):
    first = {"id": "a", "body": "Grok is slow", "link_id": "t3_s", "created_utc": CREATED}
    (tmp_path / "one").write_text("".join(json.dumps(first | {"id": name}) + "\n" for name in "abc"))
    later = [
        first | {"body": "Grok is fast now", "edited": CREATED + 500},
        first | {"id": "b", "_meta": {"was_deleted_later": True}},
        first | {"id": "c"},
    ]
    (tmp_path / "two").write_text("".join(json.dumps(record) + "\n" for record in later))
    _, out, _ = command("one", "two", "--json")
    told = json.loads(out)
    assert (told["new"], told["changed"], told["same"], told["tombstones"]) == (3, 2, 1, 1)
    assert one("grokwatch.db", "SELECT text FROM posts WHERE source_id = 't1_a'") == "Grok is fast now"
    assert one("grokwatch.db", "SELECT text, author_key FROM posts WHERE source_id = 't1_b'") == (None, None)


def test_all_files_are_looked_into_before_the_first_is_read(command, tmp_path):
    (tmp_path / "good").write_bytes(comments(10))
    (tmp_path / "empty").touch()
    (tmp_path / "picture").write_bytes(bytes(range(256)))
    code, out, err = command("good", "missing", "empty", tmp_path, "picture", "--json")
    assert (code, out) == (2, "")
    assert json.loads(err)["error"] == (
        f"there is no file missing; empty is empty; {tmp_path} is a folder; picture is not a text file"
    )
    assert one("grokwatch.db", "SELECT count(*) FROM posts") == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["own.csv"], "Say which columns hold them: --map text=Body,created_at=Day"),
        (["own.csv", "--map", "text"], "Write it as in --map text=Body,created_at=Date"),
        (["own.csv", "--map", "words=Body"], "a post has no field 'words'"),
        (["own.csv", "--map", "text=Body,created_at=Nope"], "has no column 'Nope'; it has Body, Day"),
        (["good", "--rejects", "good"], "good is a file to import"),
        (["good", "--source", "x" * 40], "the source must have 1 to 32 characters"),
        ([], "FILE"),
    ],
)
def test_wrong_usage_is_told_in_one_sentence(command, tmp_path, monkeypatch, words, told):
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "own.csv").write_text("Body,Day\nGrok,2025-11-17\n")
    (tmp_path / "good").write_bytes(comments(10))
    code, _, err = command(*words)
    assert code == 2
    assert told in err.replace("created_at=COLUMN", "created_at=Day")


def test_a_truncated_file_is_kept_as_far_as_it_goes_and_the_others_are_read(command, tmp_path):
    whole = gzip.compress(comments(5_000), mtime=0)
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "good").write_bytes(comments(100).replace(b'"c', b'"d'))
    code, out, err = command("cut.gz", "good")
    assert code == 1
    assert "cut.gz is not whole: it ends early" in err
    assert "good: 100 lines read" in out
    assert one("grokwatch.db", "SELECT status FROM runs ORDER BY id") == "failed"
    (tmp_path / "cut.gz").write_bytes(whole)
    code, out, _ = command("cut.gz")
    assert code == 0
    assert "continued at line" in out
    assert one("grokwatch.db", "SELECT count(*) FROM posts WHERE source_id LIKE 't1_c%'") == 2_500
    assert one("grokwatch.db", "SELECT sum(read) FROM runs WHERE detail LIKE '%cut.gz%'") == 5_000


def test_lines_that_are_all_broken_say_why(command, tmp_path):
    (tmp_path / "own.csv").write_text("text,created_at\nGrok,17.11.2025\n")
    _, out, _ = command("own.csv")
    assert "line 2: a time that can't be read: '17.11.2025', write it as in 2025-11-17T08:00:00Z" in out
    assert "No post names" not in out
    assert "taken as X" not in out


def test_a_window_that_takes_much_memory_is_told(command, tmp_path):
    parameters = zstandard.ZstdCompressionParameters(window_log=29)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    (tmp_path / "dump").write_bytes(packer.compress(comments(100)) + packer.flush())
    _, out, _ = command("dump")
    assert "Packed with a window of 512 MiB" in out


@pytest.mark.parametrize("pack", [bytes, zstandard.compress])
def test_odd_characters_reach_either_database(engine, tmp_path, pack):
    odd = r'{"id": "a", "body": "Grok \ud83d \u0000 😂", "link_id": "t3_s", "created_utc": 1763337600, "author": "\udc00"}'
    (tmp_path / "dump").write_bytes(pack(odd.encode() + b"\n" + comments(2_000)))
    archive = Archive(look_into(str(tmp_path / "dump"), OwnFormat()), terms=TermMatcher(["grok"]))
    done = store(engine, archive, kind="import", clock=lambda: NOW, author_hash=lambda name: name[:8])
    assert (done.new, done.broken) == (1_001, 20)
    with engine.begin() as connection:
        assert connection.scalar(select(Post.text).where(Post.source_id == "t1_a")) == "Grok \ufffd  😂"
    again = Archive(look_into(str(tmp_path / "dump"), OwnFormat()), terms=TermMatcher(["grok"]))
    assert store(engine, again, kind="import", clock=lambda: NOW, author_hash=lambda name: name[:8]).read == 0


def start(folder, *words: object, stdin=subprocess.DEVNULL) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "grokwatch", "import", *map(str, words)],
        cwd=folder,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_standard_input_is_read(tmp_path):
    process = start(tmp_path, "-", "--json", stdin=subprocess.PIPE)
    out, err = process.communicate(zstandard.compress(comments(2_000)))
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)["kept"] == 1_000


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_after_the_page_in_hand(tmp_path, number, code):
    (tmp_path / "dump").write_bytes(comments(100_000, every=1, size=100))
    process = start(tmp_path, "dump")
    wait_for_rows(tmp_path / "grokwatch.db", process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert b"Stopped. What was read is stored; run the same command again to go on." in err
    assert b"posts kept" in out
    assert one(tmp_path / "grokwatch.db", "SELECT status FROM runs") == "interrupted"
    assert one(tmp_path / "grokwatch.db", "SELECT kept FROM runs") == one(
        tmp_path / "grokwatch.db", "SELECT count(*) FROM posts"
    )


def test_a_signal_stops_a_silent_pipe(tmp_path):
    process = start(tmp_path, "-", stdin=subprocess.PIPE)
    process.stdin.write(comments(20_000))
    process.stdin.flush()
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130


def wait_for_rows(database, process, rows_at_least: int = 1) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if one(database, "SELECT count(*) FROM posts") >= rows_at_least:
            return
        time.sleep(0.02)


def killed_and_resumed(tmp_path, data: bytes, rounds: int, seed: int) -> None:
    """Kill an import at random moments, finish it, and compare it with one that was let be."""
    chance = random.Random(seed)
    (tmp_path / "RC").write_bytes(data)
    (tmp_path / "author-hash.key").write_text("0" * 64)
    calm, rough = tmp_path / "calm.db", tmp_path / "grokwatch.db"
    engine = open_engine(f"sqlite:///{calm}")
    schema.upgrade(engine)
    engine.dispose()
    os.environ["GROKWATCH_HASH_KEY"] = "a key of the tests"
    os.environ["GROKWATCH_DATABASE_URL"] = f"sqlite:///{calm}"
    began = time.monotonic()
    process = start(tmp_path, "RC")
    wait_for_rows(calm, process)
    start_up = time.monotonic() - began
    process.communicate()
    assert process.returncode == 0
    os.environ["GROKWATCH_DATABASE_URL"] = f"sqlite:///{rough}"
    killed = 0
    for number in range(rounds):
        process = start(tmp_path, "RC")
        if number % 4 == 3:
            time.sleep(chance.random() * start_up)
        else:
            wait_for_rows(rough, process, one(rough, "SELECT count(*) FROM posts") + 1)
            time.sleep(chance.random() / 10)
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    before = one(rough, "SELECT count(*) FROM posts")
    process = start(tmp_path, "RC")
    process.communicate()
    assert process.returncode == 0
    assert killed > 0
    assert rows(rough) == rows(calm)
    counts = "SELECT sum(read), sum(kept), sum(new), sum(changed), sum(broken) FROM runs WHERE kind = 'import'"
    assert one(rough, counts) == one(calm, counts)
    assert one(rough, "SELECT count(*) FROM runs WHERE status = 'running'") == 0
    told = (
        f"{killed} kills, {before} rows after the last of them; then {len(rows(rough))}, as in the undisturbed import"
    )
    print(told)  # noqa: T201 - `pytest -s` shows it


@pytest.mark.parametrize("pack", [bytes, zstandard.compress], ids=["plain", "zst"])
def test_kill_9_loses_nothing_and_doubles_nothing(tmp_path, monkeypatch, pack):
    for name in ("GROKWATCH_HASH_KEY", "GROKWATCH_DATABASE_URL"):
        monkeypatch.setenv(name, "")
    killed_and_resumed(tmp_path, pack(comments(20_000, every=4, size=800)), rounds=3, seed=1)


@pytest.mark.slow
def test_kill_9_twenty_times_loses_nothing_and_doubles_nothing(tmp_path, monkeypatch):
    for name in ("GROKWATCH_HASH_KEY", "GROKWATCH_DATABASE_URL"):
        monkeypatch.setenv(name, "")
    killed_and_resumed(tmp_path, zstandard.compress(comments(60_000, every=4, size=1_000)), rounds=20, seed=2)


@pytest.mark.slow
def test_memory_stays_bounded_whatever_the_size(tmp_path):
    block = comments(20_000, every=200, size=1_000)
    with (tmp_path / "RC.zst").open("wb") as raw, zstandard.ZstdCompressor().stream_writer(raw) as out:
        for number in range(60):  # more than a gigabyte when unpacked
            out.write(block.replace(b'"id": "c', b'"id": "c%d_' % number))
    measure = (
        "import resource, subprocess, sys; subprocess.run([sys.executable, '-m', 'grokwatch', 'import', 'RC.zst'], check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    said = subprocess.run([sys.executable, "-c", measure], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(said.stdout.split()[-1]) < 300_000
    assert one(tmp_path / "grokwatch.db", "SELECT count(*) FROM posts") == 60 * 100
