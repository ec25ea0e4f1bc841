"""`grokwatch digest`: the weekly e-mail, as a preview in a file or on its way to its recipients."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - Typer reads the annotation when the command runs
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grokwatch.cli.session import UsageError, complain, database, load_settings, now

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from digest.compose import Letter
    from digest.findings import Findings
    from digest.week import Week
    from grokwatch.post_office import PostOffice
    from grokwatch.settings import Settings

app = typer.Typer(add_completion=False)
STDOUT = "-"
SUFFIXES = (".html", ".txt", ".eml")


class Language(StrEnum):
    """Languages of the digest."""

    EN = "en"
    JA = "ja"


@app.command(
    help="Write the weekly digest: the week's five shares with intervals, changes and charts, as HTML and plain text.\n\n"
    "--preview writes a file and sends nothing; --send mails it once per week and language.\n\n"
    "Example: grokwatch digest --week 2025-W47 --lang ja --preview digest.html"
)
def digest(
    week: Annotated[
        str | None, typer.Option(help="ISO week in UTC, such as 2025-W47 (default: the last complete one).")
    ] = None,
    lang: Annotated[Language | None, typer.Option(help="Language (default: GROKWATCH_DIGEST__LANGUAGE).")] = None,
    preview: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write it into FILE, replacing it: .html for a browser, .eml for a mail program, .txt for the plain text; "
            "- prints the plain text.",
        ),
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Send it to the recipients.")] = False,
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Recipient, repeatable (default: GROKWATCH_DIGEST__RECIPIENTS)."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Send again, or send a week that is not complete or has no shares.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object about what was done.")] = False,
) -> None:
    """Preview or send the digest."""
    from digest.deliver import DeliveryError

    if (preview is None) == (not send):
        raise UsageError(
            "a digest is either previewed or sent", mend="add --preview FILE to look at it, or --send to mail it"
        )
    settings, moment = load_settings(), now()
    chosen = _week(week, moment)
    language = lang.value if lang else settings.digest_language
    try:
        if preview is not None:
            _check_preview(preview, as_json=as_json)
            with database(settings) as engine:
                findings, letter = _compose(engine, chosen, language, settings, moment)
            done = _preview(letter, preview, settings, to, moment)
        else:
            office = _post_office(settings, to)
            if not force:
                _refuse_running(chosen, moment)
            with database(settings) as engine:
                findings, letter = _compose(engine, chosen, language, settings, moment)
                done = _send(engine, findings, letter, office, force=force)
    except DeliveryError as error:
        complain(str(error), error.mend, as_json=as_json)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps(_facts(findings, letter) | done, ensure_ascii=False))
    elif "sent" in done:
        whom = f"{done['recipients']} recipient{'s' if done['recipients'] != 1 else ''}"
        typer.echo(f"Sent to {whom}: {letter.subject}")
    elif str(preview) != STDOUT:
        typer.echo(f"Written to {preview}, nothing sent: {letter.subject}")


def _week(text: str | None, moment: datetime) -> Week:
    from digest.week import Week

    last = Week.last_complete(moment)
    if text is None:
        return last
    try:
        week = Week.parse(text)
    except ValueError as error:
        raise UsageError(
            str(error), mend=f"write an ISO week such as 2025-W47; the last complete one is {last}"
        ) from error
    if week.start > moment:
        raise UsageError(
            f"the week {week} has not begun", mend=f"write one such as 2025-W47; the last complete one is {last}"
        )
    return week


def _refuse_running(week: Week, moment: datetime) -> None:
    if week.end > moment:
        raise UsageError(
            f"the week {week} is not complete before {week.end:%Y-%m-%d %H:%M} UTC",
            mend="look at it with --preview FILE, or send it as it stands with --force",
        )


def _compose(
    engine: Engine, week: Week, language: str, settings: Settings, moment: datetime
) -> tuple[Findings, Letter]:
    from digest.compose import compose
    from digest.findings import find

    with engine.execution_options(read_only=True).connect() as connection:
        findings = find(connection, week, now=moment)
    return findings, compose(findings, language, dashboard_url=settings.digest.dashboard_url)


def _facts(findings: Findings, letter: Letter) -> dict[str, Any]:
    return {
        "week": letter.period,
        "lang": letter.lang,
        "subject": letter.subject,
        "status": findings.status.value,
        "complete": findings.complete,
        "sample": findings.sample,
        "posts": findings.posts.stored,
        "effective_posts": round(findings.shares[0].effective_posts, 1),
    }


def _check_preview(path: Path, *, as_json: bool) -> None:
    if str(path) == STDOUT:
        if as_json:
            raise UsageError("--json and the letter can't both go to standard output", mend="give --preview a file")
    elif path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"a preview can't be written as {path.suffix or path.name!r}",
            mend="name a file that ends in .html, .eml or .txt",
        )


def _preview(letter: Letter, path: Path, settings: Settings, to: list[str] | None, moment: datetime) -> dict[str, Any]:
    from digest import deliver
    from digest.dispatch import new_message_id

    addresses = [deliver.parse_address(text) for text in to or settings.digest.recipients]
    if str(path) == STDOUT:
        typer.echo(letter.text, nl=False)
        return {}
    match path.suffix.lower():
        case ".html":
            content = letter.standalone_html().encode()
        case ".txt":
            content = letter.text.encode()
        case _:
            sender = deliver.parse_address(settings.digest.sender or "grokwatch@localhost")
            content = deliver.build_message(
                letter,
                sender=sender,
                recipients=addresses or [sender],
                message_id=new_message_id(letter, sender),
                now=moment,
            ).as_bytes()
    try:
        path.write_bytes(content)
    except OSError as error:
        raise deliver.DeliveryError(
            f"the preview {path} can't be written ({error.strerror})",
            mend="choose a file in a folder that may be written to",
        ) from error
    return {"preview": str(path), "recipients": len(addresses)}


def _send(engine: Engine, findings: Findings, letter: Letter, office: PostOffice, *, force: bool) -> dict[str, Any]:
    from digest.deliver import DeliveryError
    from digest.dispatch import dispatch
    from digest.findings import WeekStatus

    if findings.status in {WeekStatus.NO_POSTS, WeekStatus.UNLABELLED} and not force:
        empty = findings.status is WeekStatus.NO_POSTS
        raise DeliveryError(
            f"the week {letter.period} has no {'posts' if empty else 'labelled posts yet'}, so a digest would tell nothing",
            mend=f"{'collect or import posts' if empty else 'run: grokwatch classify'}, or send it all the same with --force",
        )
    sent = dispatch(
        engine, letter, office.server, sender=office.sender, recipients=office.recipients, clock=now, again=force
    )
    return {"sent": True, "sent_at": sent.sent_at.isoformat(), "recipients": sent.recipients}


def _post_office(settings: Settings, to: list[str] | None) -> PostOffice:
    """Read the mail settings, telling all that are missing at once."""
    from grokwatch.post_office import missing, post_office

    addresses = tuple(to or settings.digest.recipients)
    office = post_office(settings, addresses)
    if office is None:
        raise UsageError(
            "a digest can't be sent without a mail server, a sender and recipients",
            mend=f"set {', '.join(missing(settings, addresses))} in .env or the environment",
        )
    return office
