"""Questions to SQLite: handed to `sqlite_reader.py` in a process of its own, with an end to its time and memory."""

import json
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from db import public, refusals, schema
from db.engine import parse_url
from db.errors import DatabaseError
from db.readonly import Answer, Limits

READER: Final = Path(__file__).with_name("sqlite_reader.py")
GRACE_SECONDS: Final = 4.0
"""What the process may take past its own time-out, to start and to hand over, before it is ended from outside."""
DESCRIBE: Final = Limits(max_rows=1, timeout_seconds=10)


def ask(url: str, statement: str, limits: Limits) -> Answer:
    """Answer a question; see `db.readonly.ask`."""
    lines = _run(url, statement, limits)
    last: dict[str, Any] = json.loads(lines[-1])
    if "error" in last:
        kind, about = last["error"]
        raise _refusal(url, kind, about, limits)
    columns: list[str] = json.loads(lines[1])["columns"]
    rows = tuple(tuple(_value(value) for value in json.loads(line)) for line in lines[2:-1])
    return Answer(columns=tuple(columns), rows=rows, cut=last["cut"])


def readable(url: str) -> dict[str, tuple[str, ...]]:
    """Give what can be read; see `db.readonly.readable`."""
    last: dict[str, Any] = json.loads(_run(url, None, DESCRIBE)[-1])
    if "error" in last:
        kind, about = last["error"]
        raise _refusal(url, kind, about, DESCRIBE)
    return {name: tuple(columns) for name, columns in last["tables"].items()}


def _run(url: str, statement: str | None, limits: Limits) -> list[str]:
    path = parse_url(url).database
    if not path or path == ":memory:":
        raise DatabaseError(
            "SQL needs a database in a file", mend="set GROKWATCH_DATABASE_URL to sqlite:///FILE or postgresql://…"
        )
    if not Path(path).is_file():
        raise DatabaseError(f"there is no database {path}", mend="run: grokwatch up")
    question = {
        "path": path,
        "statement": statement,
        "tables": public.tables(),
        "shadowed": sorted(public.PRIVATE),
        "views": public.VIEWS,
        "booleans": sorted(public.TRUTHS),
        "max_rows": limits.max_rows,
        "max_bytes": limits.max_bytes,
        "timeout_seconds": limits.timeout_seconds,
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own program; what people wrote goes through its standard input
            [sys.executable, "-I", str(READER)],
            input=json.dumps(question),
            capture_output=True,
            encoding="utf-8",
            timeout=limits.timeout_seconds + GRACE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise refusals.too_slow(limits) from error
    if done.returncode < 0:  # ended by the operating system: processor time or memory
        raise refusals.too_much()
    lines = done.stdout.splitlines()
    if done.returncode > 0 or not lines:
        if "MemoryError" in done.stderr:
            raise refusals.too_much()
        raise DatabaseError(
            f"the reader stopped: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}",
            mend="report this statement",
        )
    head: dict[str, Any] = json.loads(lines[0])
    if "revision" in head:
        schema.check_revision(head["revision"])
    return lines


def _value(value: object) -> object:
    match value:
        case {"utc": str(text)}:
            return datetime.fromisoformat(text)
        case {"date": str(text)}:
            return date.fromisoformat(text)
        case {"json": held}:
            return held
        case {"hex": held}:
            return held
        case _:
            return value


def _refusal(url: str, kind: str, about: str, limits: Limits) -> DatabaseError:
    if kind == "sql":
        return refusals.wrong(about, readable(url) if about.startswith("no such column") else {})
    if kind == "open":
        return DatabaseError(
            f"the database {parse_url(url).database} can't be read: {about}", mend="run: grokwatch doctor"
        )
    named = {"table": refusals.table, "column": refusals.private_column, "function": refusals.function}
    if kind in named:
        return named[kind](about)
    if kind == "time":
        return refusals.too_slow(limits)
    return {"memory": refusals.too_much, "several": refusals.several, "statement": refusals.statement}[kind]()
