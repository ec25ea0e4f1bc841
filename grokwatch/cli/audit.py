"""`grokwatch audit draw|export|import|report`: people label a sample of posts, and the shares are corrected by it."""

import json
import shlex
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from db.errors import DatabaseError
from grokwatch.cli import destination
from grokwatch.cli.dates import span_of_days
from grokwatch.cli.filters import parts, sources_of
from grokwatch.cli.session import UsageError, database, load_settings, now

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from grokwatch.audit_sheet import Filled

app = typer.Typer(
    add_completion=False, help="Let people label a sample of posts; shares are then corrected by what they say."
)
JSON_OPTION = typer.Option("--json", help="JSON.")
LONGEST_NAME: Final = 64
PROBLEMS_SHOWN: Final = 20
LARGEST_SHEET: Final = 50_000_000

LangOption = Annotated[list[str] | None, typer.Option("--lang", help="Only this language (BCP-47); repeatable.")]
SourceOption = Annotated[list[str] | None, typer.Option("--source", help="Only this platform; repeatable.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day, such as 2025-11-17, UTC.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day, which is included.")]


@app.command(
    help="Draw posts for people to label: a probability sample, by the model's answer, week and language, with more of it where "
    "the model is unsure.\n\nExample: grokwatch audit draw --n 100 --from 2025-11-17 --to 2025-11-23 --name week-47"
)
def draw(
    n: Annotated[int, typer.Option("--n", min=1, help="How many posts; 100 and more correct the shares well.")] = 100,
    from_: FromOption = None,
    to: ToOption = None,
    lang: LangOption = None,
    source: SourceOption = None,
    name: Annotated[str | None, typer.Option(help="Name of the draw (default: the day).")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed draws the same posts.")] = None,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Draw a sample."""
    from insights.audit import draw_audit

    if name is not None:
        name = _named(name, "--name")
    start, end = span_of_days(from_, to)
    with database(load_settings()) as engine:
        drawn = draw_audit(
            engine, n=n, now=now(), name=name, start=start, end=end, sources=sources_of(source),
            langs=parts(lang), seed=seed,
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(asdict(drawn), ensure_ascii=False))
        return
    posts = "1 post" if drawn.posts == 1 else f"{drawn.posts:,} posts"
    typer.echo(f"Drew {posts} of {drawn.frame:,} as {drawn.name} (seed {drawn.seed}).")
    typer.echo(
        "By the model's answer: " + ", ".join(f"{name} {count}" for name, count in drawn.outcomes.items() if count)
    )
    typer.echo(
        f"Label them in the dashboard, or in a spreadsheet: grokwatch audit export --draw {shlex.quote(drawn.name)} posts.csv"
    )


@app.command(
    help="Write the posts of a draw into a CSV file to fill in; what the model says of them is not in it.\n\n"
    "Fill in relevant (true, false), category, polarity and aspects as the codebook says, then run: grokwatch audit import.\n\n"
    "Example: grokwatch audit export --draw week-47 posts.csv"
)
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="The file, or - for standard output.")],
    name: Annotated[str | None, typer.Option("--draw", metavar="NAME", help="The draw (default: the newest).")] = None,
    auditor: Annotated[
        str | None, typer.Option(help="Leave out the posts that this auditor has labelled already.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell what was written as JSON on stderr.")] = False,
) -> None:
    """Export a draw."""
    from db import runs
    from db.audits import drawn_posts
    from grokwatch import audit_sheet

    output = None if file == Path("-") else file
    destination.refuse_existing(output, force=force)
    with database(load_settings()) as engine:
        with engine.begin() as connection:
            chosen = _chosen_draw(connection, name)
            posts = drawn_posts(connection, chosen, without=auditor)
            # Noted like every export, so that a post deleted later leaves the file as well.
            path = str(output.absolute()) if output else "-"
            detail = {"path": path, "format": "csv", "draw": chosen}
            run = runs.start_run(connection, "export", source=None, now=now(), detail=detail)
        status = "failed"
        try:
            with destination.text_stream(output) as stream:
                audit_sheet.write(stream, posts)
            status = "ok"
        finally:
            with engine.begin() as connection:
                runs.add_counts(connection, run, read=len(posts), kept=len(posts) if status == "ok" else 0)
                runs.finish_run(connection, run, now=now(), status=status)
    told = {"rows": len(posts), "draw": chosen, "path": path}
    number = "1 post" if len(posts) == 1 else f"{len(posts):,} posts"
    typer.echo(json.dumps(told) if as_json else f"{number} of the draw {chosen} in {path}", err=True)


@app.command(
    "import",
    help="Read a CSV file that somebody has filled in. Nothing is stored unless every line is right; reading it again "
    "changes nothing.\n\nExample: grokwatch audit import posts.csv --auditor yuki",
)
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="The file.")],
    auditor: Annotated[str, typer.Option(help="Who filled it in; a name or initials.")],
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Import labels."""
    from grokwatch import audit_sheet

    auditor = _named(auditor, "--auditor")
    try:
        filled, problems, empty = audit_sheet.read(_content(file))
    except audit_sheet.SheetError as error:
        raise UsageError(
            f"{file} can't be read: {error}", mend="give a file that `grokwatch audit export` wrote"
        ) from error
    with database(load_settings()) as engine:
        counts, unknown, changed = _store(engine, filled, auditor, dry=bool(problems))
    problems += [f"line {line.line}: the post {line.post_id} is in no draw" for line in unknown]
    if problems:
        more = f"; and {len(problems) - PROBLEMS_SHOWN} more" if len(problems) > PROBLEMS_SHOWN else ""
        raise DatabaseError(
            f"nothing was stored from {file}: {'; '.join(problems[:PROBLEMS_SHOWN])}{more}",
            mend="correct these lines, then import the file again",
        )
    told = {"auditor": auditor, **{key: counts[key] for key in ("labelled", "unchanged", "deleted")}}
    told |= {"changed_text": len(changed), "empty": empty}
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    labels = "1 new label" if counts["labelled"] == 1 else f"{counts['labelled']:,} new labels"
    typer.echo(f"{labels} by {auditor}, {counts['unchanged']:,} as before, {empty:,} lines still empty.")
    if counts["deleted"]:
        typer.echo(f"Left out: {counts['deleted']:,} of posts that were deleted meanwhile.", err=True)
    if changed:
        lines = ", ".join(str(line.line) for line in changed[:PROBLEMS_SHOWN])
        typer.echo(
            f"Left out: {len(changed):,} of posts whose text has changed since the export (line {lines}). Export them "
            "again and label them anew.",
            err=True,
        )


def _store(
    engine: "Engine", filled: "list[Filled]", auditor: str, *, dry: bool
) -> "tuple[Counter[str], list[Filled], list[Filled]]":
    """Store labels in one transaction; nothing where a line can't be used, or `dry`."""
    from db import audits
    from grokwatch.audit_sheet import same_text

    counts: Counter[str] = Counter()
    changed: list[Filled] = []
    with engine.connect() as connection, connection.begin() as transaction:
        texts = audits.texts(connection, [line.post_id for line in filled])
        drawn = audits.is_drawn(connection, [line.post_id for line in filled])
        unknown = [line for line in filled if line.post_id not in drawn and texts.get(line.post_id, "") is not None]
        if dry or unknown:
            transaction.rollback()
            return counts, unknown, changed
        for line in filled:
            text = texts[line.post_id]
            if text is None:
                counts["deleted"] += 1
            elif not same_text(line.text, text):
                changed.append(line)
            else:
                new = audits.label(connection, line.post_id, auditor, line.verdict, now=now())
                counts["labelled" if new else "unchanged"] += 1
    return counts, unknown, changed


def _content(file: Path) -> str:
    try:
        if file.stat().st_size > LARGEST_SHEET:
            raise UsageError(f"{file} is too large for a sheet of audits", mend="name another file")
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}", mend="name another file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8", mend="save it as CSV UTF-8, then import it again") from error


@app.command(
    help="Tell how far the model agrees with people: by outcome and language, its calibration, and how far people agree with each "
    "other.\n\nExample: grokwatch audit report --lang ja --json"
)
def report(
    from_: FromOption = None,
    to: ToOption = None,
    lang: LangOption = None,
    source: SourceOption = None,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Print the agreement."""
    from db.selection import Selection
    from grokwatch.cli.audit_table import as_rows, print_report
    from insights.agreement import report as compare

    start, end = span_of_days(from_, to)
    selection = Selection(start=start, end=end, sources=sources_of(source), langs=parts(lang))
    with database(load_settings()) as engine, engine.connect().execution_options(read_only=True) as connection:
        found = compare(connection, selection)
    if as_json:
        typer.echo(json.dumps(as_rows(found), ensure_ascii=False))
    elif not found.draws:
        typer.echo("Nothing was drawn yet. Draw posts: grokwatch audit draw --n 100")
    else:
        print_report(found)


def _chosen_draw(connection: "Connection", name: str | None) -> str:
    from db.audits import draws

    known = draws(connection)
    if not known:
        raise DatabaseError("nothing was drawn yet", mend="run: grokwatch audit draw --n 100")
    names = [summary.name for summary in known]
    if name is not None and name not in names:
        raise UsageError(f"there is no draw {name}", mend=f"choose among {', '.join(names[:PROBLEMS_SHOWN])}")
    return name or names[0]


def _named(name: str, option: str) -> str:
    bare = name.strip()
    if not 0 < len(bare) <= LONGEST_NAME or not bare.isprintable():
        raise UsageError(f"{option} has 1 to {LONGEST_NAME} printable characters", mend="give another name")
    return bare
