"""`grokwatch doctor`: each ailment is named with its mend, and the exit code tells whether one is grave."""

import json
import os
import shutil
import socket
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import text

from classifiers.codebook import Category
from db import health, runs, schema
from db.engine import open_engine
from grokwatch import doctor
from grokwatch.cli.session import load_settings

AILING = set() if (files("classifiers") / "model" / "model.json").is_file() else {"model"}
"""What fails in a checkout where the model was not trained yet."""


@pytest.fixture
def check(grokwatch):
    """Call the doctor and give exit code and findings by name."""

    def call():
        called = grokwatch("doctor", "--json")
        told = json.loads(called.out)
        assert told["ok"] == (called.code == 0)
        assert all(set(found) == {"name", "status", "message", "mend"} for found in told["checks"])
        assert all(found["mend"] for found in told["checks"] if found["status"] != "ok")
        return called.code, {found["name"]: found for found in told["checks"]}

    return call


def test_a_sound_installation_has_no_failure(check, sqlite_archive):
    sqlite_archive.add(3, Category.BIAS)
    _, found = check()
    assert list(found) == [
        "python", "settings", "data folder", "disk", "hash key", "database", "model", "clock", "labels", "runs",
        "scheduler", "deletions", "mail", "alerts", "keys",
    ]  # fmt: skip
    assert "3 posts" in found["database"]["message"]
    assert {name for name, one in found.items() if one["status"] == "fail"} == AILING


def test_lines_for_people_have_status_name_and_mend(grokwatch, sqlite_archive):
    sqlite_archive.add(2, Category.BIAS, labelled=False)
    lines = grokwatch("doctor").out.splitlines()
    assert "warn  labels: 2 posts wait for a label. Run: grokwatch classify." in lines
    assert any(line.startswith("ok    database: ") for line in lines)


def test_no_database_yet(check, tmp_path):
    code, found = check()
    assert code == 1
    assert found["database"]["status"] == "fail"
    assert found["database"]["mend"] == "run: grokwatch up"
    assert not (tmp_path / "grokwatch.db").exists()


@pytest.mark.parametrize(("content", "said"), [(b"", "is empty"), (b"x" * 5000, "not a database")])
def test_a_file_that_is_no_database(check, tmp_path, content, said):
    (tmp_path / "grokwatch.db").write_bytes(content)
    code, found = check()
    assert code == 1
    assert said in found["database"]["message"]


def test_a_damaged_file(check, sqlite_archive, tmp_path):
    sqlite_archive.add(2000, Category.BIAS)
    sqlite_archive.engine.dispose()
    file = tmp_path / "grokwatch.db"
    data = bytearray(file.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 40960] = b"\xa5" * 40960
    file.write_bytes(data)
    code, found = check()
    assert code == 1
    assert found["database"]["status"] == "fail"
    assert "backup" in found["database"]["mend"]


def test_an_older_schema(check, sqlite_url):
    engine = open_engine(sqlite_url)
    schema.upgrade(engine, "0001")
    engine.dispose()
    code, found = check()
    assert code == 1
    assert found["database"]["mend"] == "run: grokwatch db upgrade"


def test_postgresql_is_examined_too(check, archive, database_url, monkeypatch):
    monkeypatch.setenv("GROKWATCH_DATABASE_URL", database_url)
    archive.add(3, Category.BIAS)
    _, found = check()
    assert {name for name, one in found.items() if one["status"] == "fail"} == AILING
    assert "3 posts" in found["database"]["message"]
    with archive.engine.connect() as connection:
        assert health.size_bytes(connection) > 10_000


def test_a_server_that_does_not_answer(check, monkeypatch):
    monkeypatch.setenv("GROKWATCH_DATABASE_URL", "postgresql://someone:hush@127.0.0.1:1/x")
    code, found = check()
    assert code == 1
    assert found["database"]["status"] == "fail"
    assert "hush" not in str(found)


def test_settings_that_cannot_be_used(check, monkeypatch):
    monkeypatch.setenv("GROKWATCH_PROT", "1")
    code, found = check()
    assert code == 1
    assert "GROKWATCH_PORT" in found["settings"]["message"]


def test_a_data_folder_that_cannot_be(check, monkeypatch, tmp_path):
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("GROKWATCH_DATA_DIR", str(tmp_path / "taken"))
    code, found = check()
    assert code == 1
    assert "GROKWATCH_DATA_DIR" in found["data folder"]["mend"]


@pytest.mark.parametrize(("gib", "status"), [(50, "ok"), (1, "warn"), (0.1, "fail")])
def test_room_on_the_disk(monkeypatch, tmp_path, gib, status):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(100, 0, gib * doctor.GIB))
    assert doctor.check_disk(tmp_path).status == status


def test_the_key_of_the_authors_hash(check, monkeypatch, tmp_path, sqlite_engine):
    file = tmp_path / "data" / "author-hash.key"
    file.parent.mkdir()
    file.write_text("k" * 64)
    file.chmod(0o644)
    assert "chmod 600" in check()[1]["hash key"]["mend"]
    file.chmod(0o600)
    assert check()[1]["hash key"]["status"] == "ok"
    monkeypatch.setenv("GROKWATCH_HASH_KEY", "hush" * 8)
    found = check()[1]["hash key"]
    assert (found["status"], "hush" in str(found)) == ("warn", False)
    monkeypatch.setenv("GROKWATCH_HASH_KEY", "k" * 64)
    assert check()[1]["hash key"]["status"] == "ok"
    monkeypatch.setenv("GROKWATCH_HASH_KEY", "short")
    assert "short" in check()[1]["hash key"]["message"]


def test_a_post_from_the_future_makes_the_clock_doubtful(check, sqlite_archive):
    sqlite_archive.add(1, Category.BIAS, at=datetime.now(UTC) + timedelta(days=2))
    assert check()[1]["clock"]["status"] == "warn"


def test_runs_that_did_not_end_well(grokwatch, sqlite_engine):
    now = datetime.now(UTC)
    with sqlite_engine.begin() as connection:
        for kind, status, error, at in (
            ("import", "ok", None, now),
            ("collect", "failed", "an old failure", now - timedelta(days=3)),
            ("collect", "failed", "the platform said no", now),
            ("classify", "interrupted", None, now),
        ):
            run = runs.start_run(connection, kind, source=None, now=at)
            runs.finish_run(connection, run, now=at, status=status, error=error)
        runs.start_run(connection, "digest", source=None, now=now - timedelta(days=2))
        runs.start_run(connection, "export", source=None, now=now)
    said = [line for line in grokwatch("doctor").out.splitlines() if " runs: " in line]
    assert len(said) == 3
    assert "collect" in said[0]
    assert "the platform said no" in said[0]
    assert "classify" in said[1]
    assert "has not ended" in said[2]


def test_the_mail_server_is_called_but_nothing_is_sent(check, monkeypatch, sqlite_engine):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("GROKWATCH_SMTP__HOST", "127.0.0.1")
        monkeypatch.setenv("GROKWATCH_SMTP__PORT", str(server.getsockname()[1]))
        assert "GROKWATCH_DIGEST__SENDER" in check()[1]["mail"]["message"]
        monkeypatch.setenv("GROKWATCH_DIGEST__SENDER", "a@example.org")
        monkeypatch.setenv("GROKWATCH_DIGEST__RECIPIENTS", "b@example.org")
        assert check()[1]["mail"]["status"] == "ok"
    code, found = check()
    assert code == 1
    assert found["mail"]["status"] == "fail"


def test_a_model_that_is_not_there(check, monkeypatch, sqlite_engine):
    monkeypatch.setenv("GROKWATCH_MODEL", "absent")
    code, found = check()
    assert code == 1
    assert found["model"]["status"] == "fail"
    assert "absent" in found["model"]["message"]


def test_weights_that_are_not_those_that_labelled(check, sqlite_archive):
    card, _ = doctor.check_model(load_settings())
    if card is None:
        pytest.skip("no classifier is installed")
    sqlite_archive.add(1, Category.BIAS, model=card.version)
    with sqlite_archive.engine.begin() as connection:
        connection.execute(text("UPDATE models SET sha256 = 'other'"))
    assert check()[1]["model"]["status"] == "fail"


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
def test_a_folder_of_somebody_else(tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o500)
    assert doctor.check_folder(Path(folder) / "data").status == "fail"
