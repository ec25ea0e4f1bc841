"""`grokwatch purge`: remove posts everywhere, or make the stored authors untraceable."""

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grokwatch.cli.dates import first_moment
from grokwatch.cli.session import UsageError, complain, database, load_settings, now

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from db.retention import Choice, Holdings
    from grokwatch.exported_files import Cleaned
    from grokwatch.settings import Settings

app = typer.Typer(add_completion=False)
KIND = "purge"

HELP = (
    "Remove posts everywhere: text, title, link, author and labels, the sums of the charts, rows of exported files, and every byte "
    "in the database file.\n\n"
    "Says what it would remove and asks; --yes does not ask. What is given must all be true of a post. A mark without text stays, "
    "so that a removed post is not stored again.\n\n"
    "--rotate-key gives all stored authors new keys that nobody can trace back to names, and makes a new secret for those to come.\n\n"
    "Example: grokwatch purge --post reddit:t1_abc123\n\n"
    "Example: grokwatch purge --source x --before 2025-11-01 --yes --json"
)


@app.command(help=HELP)
def purge(
    post: Annotated[
        str | None, typer.Option("--post", metavar="SOURCE:ID", help="One post, such as reddit:t1_abc123 or x:1990…")
    ] = None,
    author: Annotated[
        str | None,
        typer.Option("--author", metavar="NAME", help="All posts of an author; on X the account's number."),
    ] = None,
    before: Annotated[
        str | None, typer.Option("--before", metavar="DATE", help="Posts written before this day (UTC).")
    ] = None,
    source: Annotated[str | None, typer.Option("--source", metavar="NAME", help="Posts of one platform.")] = None,
    rotate_key: Annotated[
        bool, typer.Option("--rotate-key", help="Make stored authors untraceable and take a new secret.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object: what was removed. Needs --yes.")] = False,
) -> None:
    """Remove posts, or rotate the key."""
    chosen = any(option is not None for option in (post, author, before, source))
    if rotate_key == chosen:
        raise UsageError(
            "there is nothing to remove" if not chosen else "--rotate-key removes no posts",
            mend="name posts by --post, --author, --before or --source; see: grokwatch purge --help"
            if not chosen
            else "give it alone",
        )
    settings = load_settings()
    choice = None if rotate_key else _choice(settings, post, author, before, source)
    if not yes and (as_json or not sys.stdin.isatty()):
        raise UsageError("nobody is there to be asked", mend="add --yes")
    with database(settings) as engine:
        if choice is None:
            _rotate(engine, settings, yes=yes, as_json=as_json)
        else:
            named = {word for word in (choice.post[1] if choice.post else "", _name(author or "")) if word}
            _purge(engine, choice, named, yes=yes, as_json=as_json)


def _choice(
    settings: "Settings", post: str | None, author: str | None, before: str | None, source: str | None
) -> "Choice":
    from db.retention import Choice
    from grokwatch.privacy import author_hash

    named = None
    if post is not None:
        platform, colon, source_id = post.partition(":")
        if not (colon and platform and source_id):
            raise UsageError(f"--post {post!r} is not SOURCE:ID", mend="write it as reddit:t1_abc123")
        named = (platform, source_id)
    name = None if author is None else _name(author)
    if name == "":
        raise UsageError("--author is empty", mend="give a name")
    return Choice(
        post=named,
        author_key=None if name is None else author_hash(settings)(name),
        before=None if before is None else first_moment(before, "--before"),
        source=source,
    )


def _name(author: str) -> str:
    return author.strip().removeprefix("/").removeprefix("u/").removeprefix("@")


def _purge(engine: "Engine", choice: "Choice", named: set[str], *, yes: bool, as_json: bool) -> None:
    """Remove posts; `named` are the words by which lines of reject files are known that no post was stored from."""
    from db import retention, runs
    from grokwatch import reject_files

    with engine.connect().execution_options(read_only=True) as connection:
        found = retention.holdings(connection, choice)
        known = retention.tombstone_of(connection, *choice.post) if choice.post else None
        unfinished = runs.last_status(connection, KIND) not in {None, "ok"}
    rejected = [file for file in reject_files.look(engine, named) if file.rows] if not found.posts else []
    if not found.posts and choice.post and known is None and not rejected:
        complain(
            f"no post {':'.join(choice.post)} is stored", "look for it: grokwatch sql, view v_posts", as_json=as_json
        )
        raise typer.Exit(1)
    if not found.posts and not unfinished and not rejected:
        when = f": it was removed at {known:%Y-%m-%d %H:%M} UTC" if known else ""
        typer.echo(json.dumps(_as_object(found, [], whole=True)) if as_json else f"Nothing to remove{when}.")
        return
    if not as_json:
        typer.echo(_announced(found, rejected))
    if not yes and (found.posts or rejected):
        typer.confirm("Remove them everywhere? This can't be undone.", abort=True)
    cleaned, whole = _remove(engine, choice, named)
    if as_json:
        typer.echo(json.dumps(_as_object(found, cleaned, whole=whole), ensure_ascii=False))
    else:
        typer.echo("\n".join(_report(found, cleaned, whole=whole)))
    if not whole or any(file.state == "unreadable" for file in cleaned):
        raise typer.Exit(1)


def _announced(found: "Holdings", rejected: list["Cleaned"]) -> str:
    if found.posts:
        return f"To be removed: {_told(found)}."
    if rejected:
        lines = sum(file.rows for file in rejected)
        return f"To be removed: {lines:,} line{'' if lines == 1 else 's'} of reject files; no such post is stored."
    return "The last purge did not end; it is finished now."


def _remove(engine: "Engine", choice: "Choice", named: set[str]) -> tuple[list["Cleaned"], bool]:
    """Bury the posts, clean the exports, write the database anew; in this order a kill is mended by the same call."""
    from rich.console import Console

    from db import retention, runs
    from db.errors import DatabaseError
    from grokwatch import exported_files, reject_files
    from grokwatch.pipeline import opened_run

    console = Console(stderr=True)
    with opened_run(engine, KIND, source=choice.source, clock=now) as run, console.status("removing") as status:
        removed = retention.purge(
            engine, choice, now=now(), on_batch=lambda done: status.update(f"removing: {done:,} posts")
        )
        with engine.begin() as connection:
            runs.add_counts(connection, run.id, read=removed, changed=removed)
        status.update("cleaning exported files")
        cleaned = exported_files.clean(engine)
        cleaned += reject_files.clean(engine, named=named)
        status.update("writing the database anew")
        try:
            whole = retention.rewrite(engine)
        except DatabaseError as error:
            complain(f"the posts are removed, but {error}", error.mend, as_json=False)
            whole = False
        run.status = "ok" if whole else "failed"
        run.error = None if whole else "the database file still holds traces of what was removed"
    return cleaned, whole


def _told(found: "Holdings") -> str:
    posts = "1 post" if found.posts == 1 else f"{found.posts:,} posts"
    platforms = ", ".join(f"{number:,} of {source}" for source, number in found.sources.items())
    span = f", written {_day(found.first)} to {_day(found.last)}" if found.first else ""
    labels = "1 label" if found.labels == 1 else f"{found.labels:,} labels"
    return f"{posts} ({platforms}){span}, with {labels}"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""


def _report(found: "Holdings", cleaned: list["Cleaned"], *, whole: bool) -> list[str]:
    lines = [f"Removed: {_told(found)}; their hours were counted anew."] if found.posts else []
    for file in cleaned:
        match file.state:
            case "cleaned":
                lines.append(f"{file.path}: {file.rows:,} row{'' if file.rows == 1 else 's'} taken out.")
            case "unreadable":
                lines.append(f"{file.path} could not be cleaned ({file.reason}): look through it yourself.")
            case "gone":
                lines.append(f"{file.path} is not there any more: if it was moved, look through it yourself.")
            case _:
                pass
    if whole:
        lines.append(
            "The database was written anew: nothing of them is left in its files. Backups, and what grokwatch sql wrote into files, are yours to clean."
        )
    else:
        lines.append(
            "The database still holds traces, because another program reads it: close that, and run the same command again."
        )
    return lines


def _as_object(found: "Holdings", cleaned: list["Cleaned"], *, whole: bool) -> dict[str, Any]:
    return {
        "posts": found.posts,
        "labels": found.labels,
        "sources": found.sources,
        "first": found.first.isoformat() if found.first else None,
        "last": found.last.isoformat() if found.last else None,
        "exports": [
            {"path": file.path, "state": file.state.value, "rows": file.rows, "reason": file.reason} for file in cleaned
        ],
        "clean": whole,
    }


def _rotate(engine: "Engine", settings: "Settings", *, yes: bool, as_json: bool) -> None:
    from db import retention
    from grokwatch.pipeline import opened_run
    from grokwatch.privacy import new_key, untraceable

    if not yes:
        typer.echo("Stored authors get keys that no name leads to: purge --author will not find their posts any more,")
        typer.echo("and whoever writes again counts as somebody new.")
        typer.confirm("Go on? This can't be undone.", abort=True)
    with opened_run(engine, "rotate_key", source=None, clock=now) as run:
        posts = retention.rename_authors(engine, untraceable())
        whole = retention.rewrite(engine)
        secret = new_key(settings)
        run.status = "ok"
    if as_json:
        typer.echo(json.dumps({"posts": posts, "clean": whole, "set_hash_key": secret}))
        return
    typer.echo(f"The authors of {posts:,} post{'' if posts == 1 else 's'} have new keys.")
    if secret is None:
        typer.echo("The secret for authors to come is new as well.")
    else:
        typer.echo(f"Put a new secret into .env or the environment before you collect on: GROKWATCH_HASH_KEY={secret}")
