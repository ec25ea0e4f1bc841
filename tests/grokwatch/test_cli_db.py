"""`grokwatch db`: the schema goes up, down and is checked, and no posts go by accident."""

import json

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from classifiers.codebook import Category
from db import schema
from db.errors import DatabaseError
from grokwatch.cli.db import app
from grokwatch.cli.session import UsageError, database, load_settings


def call(*arguments):
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None:
        raise result.exception
    return result.stdout.strip()


def test_upgrade_tells_from_and_to_and_does_nothing_twice():
    newest = schema.newest_revision()
    assert call("upgrade") == f"Database schema: empty → {newest}"
    assert call("upgrade") == f"The database schema is at {newest} already."
    assert json.loads(call("upgrade", "--json")) == {"from": newest, "to": newest}
    assert json.loads(call("check", "--json")) == {"stored": newest, "newest": newest}


def test_downgrade_goes_one_step_or_to_a_named_one(sqlite_engine):
    *_, before, newest = schema.revisions()
    assert call("downgrade") == f"Database schema: {newest} → {before}"
    with pytest.raises(DatabaseError, match="this version of Grokwatch needs"):
        call("check")
    assert call("downgrade", "0001") == f"Database schema: {before} → 0001"
    assert call("downgrade", "base") == "Database schema: 0001 → empty"
    with pytest.raises(UsageError, match="empty already"):
        call("downgrade")
    with pytest.raises(DatabaseError, match="is empty"):
        call("check")


def test_downgrade_refuses_what_is_not_earlier(sqlite_engine):
    for revision in (schema.newest_revision(), "9999", "x"):
        with pytest.raises(UsageError, match="is not before it"):
            call("downgrade", revision)


def test_posts_are_not_removed_unasked(sqlite_archive):
    sqlite_archive.add(3, Category.BIAS)
    with pytest.raises(UsageError, match="all 3 stored posts"):
        call("downgrade", "base")
    with sqlite_archive.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM posts")) == 3
    assert call("downgrade", "base", "--yes").endswith("→ empty")


def test_upgrade_adds_up_anew_what_an_older_schema_added_up(sqlite_archive):
    sqlite_archive.add(40, Category.BIAS)
    call("downgrade", "0001")
    call("upgrade")
    with sqlite_archive.engine.connect() as connection:
        query = "SELECT effective_five FROM v_weekly_shares WHERE category = 'bias'"
        assert connection.scalar(text(query)) == pytest.approx(40)


def test_newer_schema_is_left_alone(sqlite_engine):
    with sqlite_engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for command in ("upgrade", "downgrade", "check"):
        with pytest.raises(DatabaseError, match="9999 is newer"):
            call(command)
    with pytest.raises(DatabaseError, match="9999 is newer"), database(load_settings()):
        pass


def test_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "grokwatch.db").write_text("no database at all, but long enough to be read as one" * 10)
    with pytest.raises(DatabaseError, match="file is not a database"):
        call("check")
