"""`grokwatch init`: a commented `.env` with every setting and a key for the authors' hash."""

import json
import os
import secrets
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from grokwatch.cli.session import UsageError

app = typer.Typer(add_completion=False)
HASH_KEY: Final = "GROKWATCH_HASH_KEY"
DATA_DIR: Final = "GROKWATCH_DATA_DIR"

HELP = """Write a commented .env with every setting into this folder, readable by you alone.

Example: grokwatch init"""


@app.command(help=HELP)
def init(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path(".env"),
    force: Annotated[
        bool,
        typer.Option("--force", help="Write it anew: what it sets stays set, the old file is kept beside it."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell what was written as one JSON object.")] = False,
) -> None:
    """Write the file."""
    from grokwatch import env_file

    if output.exists() and not force:
        raise UsageError(
            f"{output} exists already", mend="edit it, or add --force to write it anew and keep the old one beside it"
        )
    backup = None
    try:
        values = env_file.read(output) if output.exists() else {}
        kept = sorted(values)
        values.setdefault(HASH_KEY, _hash_key(values))
        if output.exists():
            backup = _free_name(output)
            env_file.write_private(backup, output.read_text(encoding="utf-8"))
        env_file.write_private(output, env_file.render(values))
    except OSError as error:
        raise UsageError(f"{output} can't be written ({error.strerror})", mend="choose another folder") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{output} is not UTF-8", mend="save it as UTF-8, or remove it") from error
    if as_json:
        typer.echo(json.dumps({"path": str(output), "backup": str(backup) if backup else None, "kept": kept}))
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"{output} written, with a key of its own for the authors' hash.", markup=False)
    if backup is not None:
        console.print(f"Kept: {', '.join(kept) or 'no setting'}; the old file is {backup}.", markup=False)
    console.print("Next: grokwatch up", markup=False)


def _hash_key(values: dict[str, str]) -> str:
    """Give the key that is in use, so that authors already stored stay the same, else a new one."""
    from grokwatch.privacy import KEY_FILE
    from grokwatch.settings import Settings

    default = str(Settings.model_fields["data_dir"].get_default())
    folder = Path(os.environ.get(DATA_DIR) or values.get(DATA_DIR) or default)
    in_use = folder / KEY_FILE
    if in_use.is_file() and (key := in_use.read_text(encoding="utf-8").strip()):
        return key
    return secrets.token_hex(32)


def _free_name(path: Path) -> Path:
    number, name = 1, path.with_name(f"{path.name}.bak")
    while name.exists():
        number += 1
        name = path.with_name(f"{path.name}.bak{number}")
    return name
