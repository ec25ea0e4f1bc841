"""Checks that all is in place, each told as one line with its mend; for `grokwatch doctor`."""

import os
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from classifiers.base import ClassifierError, Document
from db import health, schema
from db.engine import open_engine, parse_url
from db.errors import DatabaseError
from grokwatch.check import Check, Status
from grokwatch.doctor_alerts import check_addresses, check_deliveries
from grokwatch.doctor_platforms import check_keys, check_live
from grokwatch.model_choice import CHAT, describe, load_classifier, spending
from grokwatch.privacy import KEY_FILE
from grokwatch.settings import Settings

GIB: Final = 1024**3
LOW_DISK: Final = 2 * GIB
NO_DISK: Final = GIB // 5
FUTURE: Final = timedelta(hours=1)
"""How far ahead of this machine's clock a post may lie before the clock is doubted."""
HANGING: Final = timedelta(days=1)
SHORT_KEY: Final = 16


def examine(settings: Settings, *, now: datetime, send_test: bool = False) -> Iterator[Check]:
    """Look at everything, the quick things first. A check that can't be made is left out where its reason was told.

    `send_test` sends a test alert to every address; otherwise nothing is sent anywhere.
    """
    yield check_python()
    yield Check(name="settings", status="ok", message="all names known, all values usable")
    yield check_folder(settings.data_dir)
    yield check_disk(settings.data_dir)
    yield check_hash_key(settings)
    yield from check_database(settings, now=now)
    yield check_mail(settings)
    yield from check_addresses(settings, send_test=send_test)
    yield from check_keys(settings, clock=lambda: datetime.now(UTC))


def check_python() -> Check:
    """Tell the versions; Python's is refused by the installer where it is too old."""
    name = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < (3, 11):  # noqa: UP036 - an environment can be carried to another Python
        return Check(name="python", status="fail", message=f"Python {name}", mend="install Python 3.11 or newer")
    return Check(name="python", status="ok", message=f"Python {name}, Grokwatch {version('grokwatch')}")


def check_folder(folder: Path) -> Check:
    """Tell whether the data folder can be written, or made."""
    place = _existing(folder)
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return Check(
            name="data folder",
            status="fail",
            message=f"{folder} can't be written",
            mend="set GROKWATCH_DATA_DIR to a folder of yours, or change its owner",
        )
    state = "can be written" if folder.is_dir() else "will be made"
    return Check(name="data folder", status="ok", message=f"{folder} {state}")


def check_disk(folder: Path) -> Check:
    """Tell how much room is left."""
    free = shutil.disk_usage(_existing(folder)).free
    message = f"{free / GIB:,.1f} GiB free"
    if free < LOW_DISK:
        status: Status = "fail" if free < NO_DISK else "warn"
        return Check(name="disk", status=status, message=message, mend="make room, or set GROKWATCH_DATA_DIR elsewhere")
    return Check(name="disk", status="ok", message=message)


def check_hash_key(settings: Settings) -> Check:
    """Tell where the key for the authors' hash is, and whether it keeps its secret."""
    file = settings.data_dir / KEY_FILE
    stored = file.read_bytes().strip() if file.is_file() and os.access(file, os.R_OK) else None
    if settings.hash_key is not None:
        key = settings.hash_key.get_secret_value()
        if len(key) < SHORT_KEY:
            mend = "take a longer one before posts are stored: grokwatch init makes one"
            return Check(name="hash key", status="warn", message="GROKWATCH_HASH_KEY is short", mend=mend)
        if stored is not None and stored != key.encode():
            return Check(
                name="hash key",
                status="warn",
                message=f"GROKWATCH_HASH_KEY is another key than {file}: authors stored under that one count as new",
                mend="keep the one under which the posts were stored, remove the other",
            )
        return Check(name="hash key", status="ok", message="set by GROKWATCH_HASH_KEY")
    if stored is None:
        return Check(name="hash key", status="ok", message=f"will be made in {file} with the first post")
    if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        mend = f"run: chmod 600 {file}"
        return Check(name="hash key", status="warn", message=f"others on this machine can read {file}", mend=mend)
    return Check(name="hash key", status="ok", message=f"kept in {file}")


def check_database(settings: Settings, *, now: datetime) -> Iterator[Check]:
    """Tell whether the database is there, sound and of this version, and what it says of the work."""
    card, model = check_model(settings)
    try:
        url = parse_url(settings.database_url)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            raise DatabaseError(f"there is no database {url.database}", mend="run: grokwatch up")  # noqa: TRY301
        engine = open_engine(settings.database_url)
        try:
            schema.check_schema(engine)
            with engine.connect().execution_options(read_only=True) as connection:
                yield _soundness(connection, url.render_as_string())
                yield model if card is None else _compare_model(connection, card, model)
                yield _clock(connection, now)
                yield _backlog(connection)
                yield from _runs(connection, now)
                yield from check_live(connection, settings, now=now)
                yield from check_deliveries(connection, now=now)
        finally:
            engine.dispose()
    except DatabaseError as error:
        yield Check(name="database", status="fail", message=str(error), mend=error.mend)
        yield model
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        mend = "restore it from a backup, or move the file away and run: grokwatch up"
        yield Check(name="database", status="fail", message=f"it can't be read: {reason}", mend=mend)
        yield model


def check_model(settings: Settings) -> tuple[Any, Check]:
    """Load the classifier and label one text with it; gives its card, None where it can't be used."""
    try:
        classifier = load_classifier(settings)
        (label,) = classifier.label([Document(text="Grok answers quickly today.", lang="en")])
    except ModuleNotFoundError as error:
        missing = Check(
            name="model", status="warn", message=f"no classifier ({error.name} is missing)", mend="install again"
        )
        return None, missing
    except ClassifierError as error:
        return None, Check(name="model", status="fail", message=str(error), mend=error.mend)
    except Exception as error:  # noqa: BLE001 - a damaged file fails in ways of its own, and the other checks go on
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        mend = "install Grokwatch again"
        return None, Check(name="model", status="fail", message=f"the model can't be loaded: {reason}", mend=mend)
    card = classifier.card
    named = f"{card.version}, {describe(settings)},"
    if label is None:
        mend = "take a model that follows a JSON schema"
        return card, Check(name="model", status="fail", message=f"{named} gave no usable answer", mend=mend)
    message = f"{named} loads and labels (sha256 {card.sha256[:12]}…, p_relevant {label.p_relevant:.2f})"
    if settings.model.startswith(CHAT):
        message += f"; ${spending(settings).spent():,.4f} of ${settings.llm.max_cost_usd:,.2f} spent this month"
    return card, Check(name="model", status="ok", message=message)


def check_mail(settings: Settings) -> Check:
    """Tell whether the mail server answers; nothing is sent."""
    smtp, digest = settings.smtp, settings.digest
    if smtp.host is None:
        return Check(name="mail", status="ok", message="not set up: the digest can be previewed, not sent")
    try:
        with socket.create_connection((smtp.host, smtp.port), timeout=min(smtp.timeout_seconds, 5)):
            pass
    except OSError as error:
        return Check(
            name="mail",
            status="fail",
            message=f"{smtp.host}:{smtp.port} does not answer ({error.strerror or error})",
            mend="correct GROKWATCH_SMTP__HOST and GROKWATCH_SMTP__PORT",
        )
    if digest.sender is None or not digest.recipients:
        missing = "GROKWATCH_DIGEST__SENDER" if digest.sender is None else "GROKWATCH_DIGEST__RECIPIENTS"
        return Check(name="mail", status="warn", message=f"{missing} is not set", mend="set it, or nothing is sent")
    return Check(name="mail", status="ok", message=f"{smtp.host}:{smtp.port} answers")


def _existing(folder: Path) -> Path:
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def _soundness(connection: Connection, name: str) -> Check:
    faults = health.faults(connection)
    if faults:
        mend = "restore it from a backup, or move the file away and run: grokwatch up"
        return Check(name="database", status="fail", message=f"the file is damaged: {faults[0]}", mend=mend)
    size, posts = health.size_bytes(connection), health.count_posts(connection)
    size_text = f"{size / 1024**2:,.1f} MiB" if size < GIB else f"{size / GIB:,.1f} GiB"
    message = f"{name}, schema {schema.newest_revision()}, {posts:,} posts, {size_text}"
    return Check(name="database", status="ok", message=message)


def _compare_model(connection: Connection, card: Any, model: Check) -> Check:  # noqa: ANN401 - of an encoder that may be absent
    stored = health.stored_checksum(connection, card.version)
    if stored is not None and stored != card.sha256:
        return Check(
            name="model",
            status="fail",
            message=f"the weights of {card.version} are not those that labelled the stored posts",
            mend="install Grokwatch again, or give the new weights a version of their own",
        )
    active = health.active_model(connection)
    if active is not None and active[0] != card.version:
        return Check(name="model", status="ok", message=f"{model.message}; the charts show {active[0]}")
    return model


def _clock(connection: Connection, now: datetime) -> Check:
    newest = health.newest_post(connection)
    if newest is not None and newest > now + FUTURE:
        message = f"it is {now:%Y-%m-%d %H:%M} UTC here, but a post was written at {newest:%Y-%m-%d %H:%M}"
        return Check(name="clock", status="warn", message=message, mend="set the clock, or look at that post")
    return Check(name="clock", status="ok", message=f"{now:%Y-%m-%d %H:%M} UTC")


def _backlog(connection: Connection) -> Check:
    waiting = health.count_backlog(connection)
    if waiting:
        return Check(
            name="labels", status="warn", message=f"{waiting:,} posts wait for a label", mend="run: grokwatch classify"
        )
    return Check(name="labels", status="ok", message="every post is labelled")


def _runs(connection: Connection, now: datetime) -> Iterator[Check]:
    runs = health.last_runs(connection)
    bad = [
        run for run in runs
        if run.status in {"failed", "interrupted"} or (run.status == "running" and now - run.started_at > HANGING)
    ]  # fmt: skip
    for run in bad:
        state = "has not ended" if run.status == "running" else f"ended {run.status}"
        reason = f": {run.error}" if run.error else ""
        of = f" of {run.source}" if run.source else ""
        message = f"the last {run.kind}{of} ({run.started_at:%Y-%m-%d %H:%M} UTC) {state}{reason}"
        yield Check(name="runs", status="warn", message=message, mend="run it again; it goes on where it stopped")
    if not bad:
        yield Check(name="runs", status="ok", message="the last ones ended well" if runs else "none yet")
