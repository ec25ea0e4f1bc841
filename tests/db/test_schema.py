"""The schema: it moves up and down with data in it, and a database of another version is refused in one sentence."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from db import rollups, schema
from db.engine import open_engine
from db.errors import DatabaseError
from db.models import Base

REVISIONS = sorted(script.revision for script in ScriptDirectory(schema.migrations_folder()).walk_revisions())


@pytest.fixture
def opened(database_url):
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def fill(engine):
    """Write rows in plain SQL as of the first schema: later code would not know it."""
    on_postgres = engine.dialect.name == "postgresql"
    moment = "'2025-11-17 08:10:00+00'" if on_postgres else "'2025-11-17 08:10:00.000000'"
    hour = moment.replace(":10:", ":00:")
    true = "true" if on_postgres else "1"
    with engine.begin() as connection:
        for statement in (
            f"INSERT INTO runs (id, kind, started_at, status) VALUES (1, 'import', {moment}, 'ok')",
            (
                "INSERT INTO posts (id, source, source_id, kind, thread_id, lang, created_at, collected_at, text, run_id,"
                " inclusion_probability)"
                f" VALUES (1, 'x', '1', 'post', '1', 'ja', {moment}, {moment}, 'グロック', 1, 0.5)"
            ),
            (
                "INSERT INTO models (id, version, sha256, metrics, created_at, active)"
                f" VALUES (1, 'm', '0', '{{}}', {moment}, {true})"
            ),
            (
                "INSERT INTO labels (post_id, model_id, relevant, p_relevant, category, p_excitement, p_latency, p_bias,"
                " p_satisfaction, p_abandonment, p_other, aspects, mentions, labelled_at)"
                f" VALUES (1, 1, {true}, 1, 'bias', 0, 0, 1, 0, 0, 0, '[]', '[]', {moment})"
            ),
            (
                "INSERT INTO rollups_hourly (model_id, hour, source, lang, n_posts, n_relevant, n_excitement, n_latency,"
                " n_bias, n_satisfaction, n_abandonment, n_other, w_posts, w_relevant, w_excitement, w_latency, w_bias,"
                f" w_satisfaction, w_abandonment, w_other) VALUES (1, {hour}, 'x', 'ja', 1, 1, 0, 0, 1, 0, 0, 0,"
                " 2, 2, 0, 0, 2, 0, 0, 0)"
            ),
            f"INSERT INTO rollups_dirty (hour) VALUES ({hour})",
            f"INSERT INTO events (starts_at, name) VALUES ({moment}, 'Mine')",
        ):
            connection.execute(text(statement))


def test_models_and_migrations_describe_the_same_schema(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        views = set(inspect(connection).get_view_names())
        differences = [
            difference
            for difference in compare_metadata(context, Base.metadata)
            if not (difference[0] == "remove_table" and difference[1].name in views)
        ]
    assert differences == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_upgrade_from_every_earlier_schema_keeps_the_data(opened, revision):
    schema.upgrade(opened, "0001")
    fill(opened)
    schema.upgrade(opened, revision)
    schema.upgrade(opened)
    schema.check_schema(opened)
    with opened.begin() as connection:
        assert rollups.refresh(connection) == 1
        assert connection.scalar(text("SELECT text FROM posts")) == "グロック"
        row = connection.execute(text("SELECT * FROM v_weekly_shares WHERE category = 'bias'")).mappings().one()
        assert (row["posts"], row["weighted"], row["effective_five"]) == (1, 2.0, 1.0)
        assert connection.scalar(text("SELECT count(*) FROM events")) == 4
        assert connection.scalar(text("SELECT count(*) FROM v_baseline")) == 5


def test_schema_goes_down_step_by_step_and_up_again_with_data(opened):
    schema.upgrade(opened, "0001")
    fill(opened)
    schema.upgrade(opened)
    for revision in reversed(REVISIONS[:-1]):
        schema.downgrade(opened, revision)
        assert schema.stored_revision(opened) == revision
    assert inspect(opened).get_view_names() == []
    with opened.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM posts")) == 1
        assert connection.scalars(text("SELECT name FROM events")).all() == ["Mine"]
    schema.upgrade(opened)
    schema.downgrade(opened, "base")
    assert set(inspect(opened).get_table_names()) <= {"alembic_version"}


def test_seeding_leaves_what_people_wrote(opened):
    schema.upgrade(opened, "0002")
    with opened.begin() as connection:
        connection.execute(
            text("INSERT INTO baseline (category, name_ja, share, reported) VALUES ('bias', 'x', 0.21, '2025-12')")
        )
    schema.upgrade(opened)
    with opened.connect() as connection:
        assert connection.scalar(text("SELECT share FROM baseline WHERE category = 'bias'")) == 0.21
        assert connection.scalar(text("SELECT count(*) FROM baseline")) == 5


@pytest.mark.parametrize(
    ("stored", "message", "mend"),
    [
        (None, "is empty", "grokwatch db upgrade"),
        ("0001", "is at 0001", "grokwatch db upgrade"),
        ("9999", "9999 is newer", "update Grokwatch"),
    ],
)
def test_another_schema_is_refused_in_one_sentence(opened, stored, message, mend):
    if stored == "0001":
        schema.upgrade(opened, stored)
    elif stored:
        schema.upgrade(opened)
        with opened.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :stored"), {"stored": stored})
    with pytest.raises(DatabaseError, match=message) as refused:
        schema.check_schema(opened)
    assert mend in refused.value.mend
