"""The schema's version: brought up, taken down, and checked before anything else touches the database."""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from alembic import command
from db.errors import DatabaseError


def migrations_folder() -> Path:
    """Find the migrations: beside the packages in a checkout, inside `db` in an installed wheel."""
    here = Path(__file__).resolve().parent
    checkout = here.parent / "alembic"
    return checkout if (checkout / "env.py").is_file() else here / "_alembic"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str:
    """Give the revision that this version of Grokwatch works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise DatabaseError("the migrations are missing", mend="install Grokwatch again")
    return head


def stored_revision(engine: Engine) -> str | None:
    """Give the revision the database is at, None where it is empty."""
    with connected(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def connected(engine: Engine) -> Connection:
    """Connect, or say in one sentence why not.

    Raises
    ------
    DatabaseError
        The database can't be reached or is not a database.
    """
    try:
        return engine.connect()
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise DatabaseError(
            f"the database {engine.url.render_as_string()} can't be opened: {reason}",
            mend="check GROKWATCH_DATABASE_URL and that the server runs and the file may be written",
        ) from error


def revisions() -> list[str]:
    """Give all revisions that this version knows, oldest first."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return [script.revision for script in scripts][::-1]


def count_posts(engine: Engine) -> int:
    """Count the posts, deleted ones among them, whatever revision the schema is at."""
    with connected(engine) as connection:
        return connection.execute(text("SELECT count(*) FROM posts")).scalar_one()


def check_schema(engine: Engine) -> None:
    """Refuse a database whose schema is not the one that this version works with.

    Raises
    ------
    DatabaseError
        The schema is missing, older or newer.
    """
    check_revision(stored_revision(engine))


def check_revision(stored: str | None) -> None:
    """Refuse a schema at another revision than the one that this version works with.

    Raises
    ------
    DatabaseError
        The schema is missing, older or newer.
    """
    newest = newest_revision()
    if stored == newest:
        return
    if stored is None:
        raise DatabaseError("the database is empty", mend="run: grokwatch db upgrade")
    refuse_unknown(stored)
    raise DatabaseError(
        f"the database schema is at {stored}, this version of Grokwatch needs {newest}",
        mend="run: grokwatch db upgrade",
    )


def refuse_unknown(stored: str) -> None:
    """Refuse a schema that a newer version of Grokwatch made.

    Raises
    ------
    DatabaseError
        This version does not know the revision.
    """
    if stored not in revisions():
        raise DatabaseError(
            f"the database schema {stored} is newer than this version of Grokwatch knows",
            mend="update Grokwatch, or point GROKWATCH_DATABASE_URL to another database",
        )


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema up, by default to the newest revision."""
    _migrate(engine, revision, up=True)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the schema down to a revision, `base` for nothing at all."""
    _migrate(engine, revision, up=False)


def _migrate(engine: Engine, revision: str, *, up: bool) -> None:
    with connected(engine) as connection:
        config = _config(connection)
        try:
            (command.upgrade if up else command.downgrade)(config, revision)
        except CommandError as error:
            raise DatabaseError(
                f"the schema can't be moved to {revision!r}: {error}", mend="run: grokwatch db check"
            ) from error
        connection.commit()
