"""`grokwatch db upgrade|downgrade|check`: the version of the database's schema."""

import json
import sys
from typing import Annotated

import typer

from grokwatch.cli.session import UsageError, load_settings

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Bring the database's schema up or down, or check it."
)
JSON_OPTION = typer.Option("--json", help="One JSON object.")
EMPTY = "empty"


@app.command(
    help="Bring the schema to the newest version; what is stored stays. Does nothing where it is there already.\n\n"
    "Example: grokwatch db upgrade"
)
def upgrade(as_json: Annotated[bool, JSON_OPTION] = False) -> None:
    """Migrate to the newest revision."""
    from db import rollups, schema
    from db.engine import open_engine

    engine = open_engine(load_settings().database_url)
    try:
        before, newest = schema.stored_revision(engine), schema.newest_revision()
        if before is not None:
            schema.refuse_unknown(before)
        if before != newest:
            schema.upgrade(engine)
            with engine.begin() as connection:
                rollups.refresh(connection)  # a migration may have changed what is added up
    finally:
        engine.dispose()
    _tell(before, newest, as_json=as_json)


@app.command(
    help="Take the schema back to an earlier version, by default the one before; `base` removes everything.\n\n"
    "Example: grokwatch db downgrade 0001"
)
def downgrade(
    revision: Annotated[str | None, typer.Argument(help="An earlier revision, or base.", show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before stored posts are removed.")] = False,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Migrate down."""
    from db import schema
    from db.engine import open_engine

    engine = open_engine(load_settings().database_url)
    try:
        before = schema.stored_revision(engine)
        if before is None:
            raise UsageError("the database is empty already", mend="to fill it, run: grokwatch db upgrade")
        schema.refuse_unknown(before)
        earlier = ["base", *(known for known in schema.revisions() if known < before)]
        target = earlier[-1] if revision is None else revision
        if target not in earlier:
            raise UsageError(
                f"the schema is at {before}, {target!r} is not before it", mend=f"choose one of: {', '.join(earlier)}"
            )
        if target == "base" and not yes:
            _ask_before_removal(schema.count_posts(engine))
        schema.downgrade(engine, target)
        after = schema.stored_revision(engine)
    finally:
        engine.dispose()
    _tell(before, after, as_json=as_json)


@app.command(
    help="Check that the schema is the one that this version of Grokwatch needs; exit code 1 where it is not.\n\n"
    "Example: grokwatch db check"
)
def check(as_json: Annotated[bool, JSON_OPTION] = False) -> None:
    """Compare the stored with the newest revision."""
    from db import schema
    from grokwatch.cli.session import database

    with database(load_settings()):
        revision = schema.newest_revision()
    if as_json:
        typer.echo(json.dumps({"stored": revision, "newest": revision}))
    else:
        typer.echo(f"The database schema is at {revision}, as this version of Grokwatch needs it.")


def _ask_before_removal(posts: int) -> None:
    if not posts:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"this would remove all {posts:,} stored posts", mend="if that is what you want, add --yes")
    typer.confirm(f"This removes all {posts:,} stored posts. Go on?", abort=True)


def _tell(before: str | None, after: str | None, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"from": before, "to": after}))
    elif before == after:
        typer.echo(f"The database schema is at {after} already.")
    else:
        typer.echo(f"Database schema: {before or EMPTY} → {after or EMPTY}")
