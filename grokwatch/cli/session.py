"""What every command needs: settings, an open database with the right schema, a console, errors in one sentence."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import ValidationError
from rich.console import Console
from sqlalchemy import Engine

from classifiers.base import Classifier
from db import schema
from db.engine import open_engine
from grokwatch.settings import Settings, explain


class UsageError(Exception):
    """The command was called with something it can't work with; exit code 2."""

    def __init__(self, message: str, *, mend: str) -> None:
        super().__init__(message)
        self.mend = mend


def complain(message: str, mend: str, *, as_json: bool) -> None:
    """Tell an error and its mend on stderr, as a sentence or, where a machine reads, as JSON."""
    if as_json:
        print(json.dumps({"error": message, "mend": mend}, ensure_ascii=False), file=sys.stderr)  # noqa: T201
    else:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[red]Error:[/red] {_escape(message)}. {_escape(mend[:1].upper() + mend[1:])}.")


def _escape(text: str) -> str:
    return text.replace("[", "\\[").rstrip(".")


def load_settings() -> Settings:
    """Read the settings.

    Raises
    ------
    UsageError
        A setting is unknown or has a value that can't be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        message, mend = explain(error)
        raise UsageError(message, mend=mend) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise UsageError(f"the file .env can't be read: {reason}", mend="correct or remove it") from error


@contextmanager
def database(settings: Settings, *, create: bool = False) -> Generator[Engine]:
    """Open the database, check its schema, and close it at the end; `create` makes the tables in an empty one."""
    engine = open_engine(settings.database_url)
    try:
        if create and schema.stored_revision(engine) is None:
            schema.upgrade(engine)
        schema.check_schema(engine)
        yield engine
    finally:
        engine.dispose()


def log_to_stderr(*, quiet: bool = False) -> None:
    """Send the log to stderr, which leaves standard output to what was asked for; `quiet` leaves errors alone in it."""
    import logging

    import structlog

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            # Not the library's own tracebacks, which show all variables: keys, and what people wrote.
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR if quiet else logging.INFO),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # that a long visit leaves out the next one is no news


def load_classifier(settings: Settings) -> Classifier:
    """Load the model that the settings name (`grokwatch.model_choice`).

    Raises
    ------
    ClassifierError
        There is no usable model there.
    """
    from grokwatch import model_choice

    return model_choice.load_classifier(settings, clock=now)


def now() -> datetime:
    """Give the present moment; the one place where the command line reads the clock."""
    return datetime.now(UTC)
