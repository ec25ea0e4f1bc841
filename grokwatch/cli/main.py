"""`grokwatch …`: finds the command, runs it, turns every expected failure into one sentence and an exit code."""

import importlib
import os
import sys
from typing import Any, Final

import typer
from rich.console import Console
from sqlalchemy.exc import OperationalError
from typer.core import TyperCommand, TyperGroup

from classifiers.base import ClassifierError
from collectors.base import CollectorError
from db.errors import DatabaseError
from grokwatch.cli.session import UsageError, complain

COMMANDS: Final = {
    "up": "up",
    "run": "run",
    "init": "init",
    "doctor": "doctor",
    "collect": "collect",
    "import": "import_",
    "classify": "classify",
    "predict": "predict",
    "evaluate": "evaluate",
    "explain": "explain",
    "shares": "shares",
    "audit": "audit",
    "changes": "changes",
    "alerts": "alerts",
    "quotes": "quotes",
    "themes": "themes",
    "aspects": "aspects",
    "rivals": "rivals",
    "sql": "sql",
    "export": "export",
    "digest": "digest",
    "events": "events",
    "purge": "purge",
    "db": "db",
    "version": "version",
}
"""Command name -> module in this package whose `app` is the command."""


class LazyGroup(TyperGroup):
    """Imports a command's module when the command is asked for, so that `grokwatch version` stays quick."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - the vendored context has no public type
        """Give the commands in the order in which a new user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:  # noqa: ANN401, ARG002 - as above
        """Import a command."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        app: typer.Typer = importlib.import_module(f"grokwatch.cli.{module}").app
        command: Any = typer.main.get_command(app)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="What people on Reddit and X say about Grok, as five shares over time with honest uncertainty.",
)


@app.callback()
def _root() -> None:
    pass


def main() -> None:
    """Run the command line; exit code 0, 1 (work failed) or 2 (usage)."""
    as_json = "--json" in sys.argv
    try:
        code = app(standalone_mode=False)
    except (DatabaseError, CollectorError, ClassifierError) as error:
        complain(str(error), error.mend, as_json=as_json)
        code = 1
    except OperationalError as error:  # locked, gone or full while the work was under way
        reason = str(error.orig).strip().splitlines()[0]
        complain(f"the database can't be used: {reason}", "see to it, then run the same command again", as_json=as_json)
        code = 1
    except UsageError as error:
        complain(str(error), error.mend, as_json=as_json)
        code = 2
    except typer.TyperException as error:  # a word on the command line that is no command, option or value
        context: typer.Context | None = getattr(error, "ctx", None)
        path = context.command_path if context else "grokwatch"
        message: str = getattr(error, "format_message", error.__str__)().replace(" Value error,", "")
        if message:  # none where a bare call has just printed the help
            complain(message, f"see: {path} --help", as_json=as_json)
        code = 2
    except (typer.Abort, KeyboardInterrupt):
        Console(stderr=True).print("Stopped.")
        code = 130
    except SystemExit as end:
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        # The reader of our output has gone, as with `| head`: Typer would make a failure of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code if isinstance(code, int) else 0)
