"""Answers one question from a SQLite file, in a process of its own that is given up when it takes too much.

`db.readonly_sqlite` runs this file with the question as JSON on standard input; the answer leaves as JSON lines. It stands
alone, on the standard library, so that it starts in a few hundredths of a second. Why a process: neither SQLite's time-out
nor its memory limit reaches everything (a statement of nested CTEs grows while it is being read, a single function call
can't be interrupted), and its memory limit holds for a whole process, which must not be the dashboard's.

What keeps it read-only, each by itself: the file is opened with mode=ro; `query_only`; an authorizer that knows SELECT,
the public tables, columns and functions, and refuses all else, attached files, pragmas and catalogs among it.
"""

import json
import math
import re
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

HEAP_BYTES: Final = 256 * 1024**2
VALUE_BYTES: Final = 1_000_000
"""Longest text of a value or row: above any post's, and short enough that one function call ends in time."""
SPILL_BYTES: Final = 1024**3
STATEMENT_BYTES: Final = 100_000
STORED_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
STORED_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
"""How this database writes times and dates. Only expressions are matched with them; columns say what they hold."""

FUNCTIONS: Final = frozenset(
    """
    -> ->> abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling char coalesce concat concat_ws cos cosh count
    cume_dist current_date current_time current_timestamp date datetime degrees dense_rank exp first_value floor format
    glob group_concat hex if ifnull iif instr json json_array json_array_length json_each json_extract json_group_array
    json_group_object json_object json_quote json_tree json_type json_valid julianday lag last_value lead length like
    likelihood likely ln log log10 log2 lower ltrim max median min mod nth_value ntile nullif octet_length percent_rank
    percentile percentile_cont percentile_disc pi pow power printf quote radians random rank replace round row_number
    rtrim sign sin sinh sqrt strftime string_agg substr substring sum tan tanh time timediff total trim trunc typeof
    unicode unixepoch unlikely upper
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
TABLE_FUNCTIONS: Final = frozenset({"json_each", "json_tree"})


SIGNS: Final = {
    "interrupted": "time",
    "too big": "memory",
    "disk is full": "memory",
    "cannot modify": "statement",
    "readonly database": "statement",
    "one statement": "several",
}
"""Words in SQLite's messages, and the kind of failure that they mean."""


class Declared(str):
    """A text from a column that is declared as text, whatever it looks like."""

    __slots__ = ()


def restrict_process(seconds: float) -> None:
    """Let the operating system stop what SQLite's own limits miss; where it can't, the parent's time-out stands."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return
    wanted = {
        resource.RLIMIT_AS: 4 * HEAP_BYTES,
        resource.RLIMIT_FSIZE: SPILL_BYTES,
        resource.RLIMIT_CPU: math.ceil(seconds) + 10,
    }
    for kind, limit in wanted.items():
        _, hard = resource.getrlimit(kind)
        try:
            resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
        except (ValueError, OSError):
            continue


def connect(path: str) -> sqlite3.Connection:
    """Open the file for reading alone.

    A WAL database in a folder that may not be written can't be opened the ordinary way when no writer has it open; then,
    and only while there is no unmerged WAL, it is opened as a file that nobody changes.
    """
    uri = f"file:{quote(str(Path(path).absolute()))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, detect_types=sqlite3.PARSE_DECLTYPES, isolation_level=None, timeout=5)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        log = Path(f"{path}-wal")
        if not Path(path).is_file() or (log.exists() and log.stat().st_size > 0):
            raise
        connection = sqlite3.connect(
            f"{uri}&immutable=1", uri=True, detect_types=sqlite3.PARSE_DECLTYPES, isolation_level=None
        )
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    return connection


def decoded(raw: bytes) -> str:
    """Read text, even where a byte of it is wrong."""
    return raw.decode("utf-8", "replace")


def register_types() -> None:
    """Give times, booleans and JSON their meaning back, by the type that the column is declared with."""
    for name in ("TEXT", "VARCHAR"):
        sqlite3.register_converter(name, lambda raw: Declared(decoded(raw)))
    for name in ("DATETIME", "TIMESTAMP"):
        sqlite3.register_converter(name, lambda raw: moment(decoded(raw)))
    sqlite3.register_converter("BOOLEAN", lambda raw: raw == b"1" if raw in {b"0", b"1"} else raw.decode())
    sqlite3.register_converter("JSON", lambda raw: {"json": json.loads(raw)})


def moment(text: str) -> object:
    """Mark a stored time as UTC, leave another text as it is."""
    return {"utc": f"{text.replace(' ', 'T')}+00:00"} if STORED_TIME.fullmatch(text) else Declared(text)


def plain(value: object, *, boolean: bool) -> object:
    """Make a value fit for JSON."""
    if boolean and value in {0, 1}:
        return bool(value)
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, str) and not isinstance(value, Declared):
        return {"date": value} if STORED_DATE.fullmatch(value) else moment(value)
    return value


class Guard:
    """The authorizer: says yes to reading what is public, no to everything else, and remembers the first no."""

    def __init__(self, columns: dict[str, set[str]], views: set[str], existing: set[str], deadline: float) -> None:
        self.columns = columns
        self.views = views
        self.existing = existing
        self.deadline = deadline
        self.refused: list[str] | None = None

    def __call__(
        self, action: int, first: str | None, second: str | None, schema: str | None, inner: str | None
    ) -> int:
        """Answer SQLite: which action, on what; `inner`, the view that reads, is not believed: a CTE may bear its name."""
        del schema, inner
        if time.monotonic() > self.deadline:
            self.refused = ["time", ""]
        elif action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}:
            return sqlite3.SQLITE_OK
        elif action == sqlite3.SQLITE_READ:
            table, column = (first or "").lower(), (second or "").lower()
            if self.may_read(table, column):
                return sqlite3.SQLITE_OK
            known = table in self.columns
            self.refused = self.refused or (["column", f"{table}.{column}"] if known else ["table", table])
        elif action == sqlite3.SQLITE_FUNCTION:
            if (second or "").lower() in FUNCTIONS:
                return sqlite3.SQLITE_OK
            self.refused = self.refused or ["function", second or ""]
        else:
            self.refused = self.refused or ["statement", ""]
        return sqlite3.SQLITE_DENY

    def may_read(self, table: str, column: str) -> bool:
        """Tell whether this column may be read; an empty column is a table that is only counted."""
        if table in self.views or table in TABLE_FUNCTIONS:
            return True
        if table in self.columns:
            return column in self.columns[table] or column in {"", "rowid"}
        # Only counted, and nothing that exists: the name of a CTE.
        return not column and table not in self.existing and not table.startswith(("sqlite_", "pragma_"))


def prepare(connection: sqlite3.Connection, question: dict[str, Any], deadline: float) -> Guard:
    """Put private columns out of sight, then lock the connection."""
    existing = {row[0].lower() for row in connection.execute("SELECT name FROM sqlite_schema")}
    existing |= {row[0].lower() for row in connection.execute("SELECT name FROM pragma_module_list")}
    columns: dict[str, list[str]] = {name: given for name, given in question["tables"].items() if name in existing}
    for name in question["shadowed"]:
        if name in columns:  # a temporary view goes before the table of the same name
            listed = ", ".join(f'"{column}"' for column in columns[name])
            connection.execute(f'CREATE TEMP VIEW "{name}" AS SELECT {listed} FROM main."{name}"')  # noqa: S608 - our own names
    for name in TABLE_FUNCTIONS:  # their first use asks the authorizer for leave to change the catalog
        connection.execute(f"SELECT 1 FROM {name}('[]')").fetchall()  # noqa: S608 - our own names
    for pragma in (f"hard_heap_limit = {HEAP_BYTES}", "trusted_schema = OFF", "query_only = ON"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    for limit, value in (
        (sqlite3.SQLITE_LIMIT_LENGTH, VALUE_BYTES),
        (sqlite3.SQLITE_LIMIT_SQL_LENGTH, STATEMENT_BYTES),
        (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
        (sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
        (sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0),
    ):
        connection.setlimit(limit, value)
    guard = Guard({name: set(given) for name, given in columns.items()}, set(question["views"]), existing, deadline)
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    connection.set_authorizer(guard)
    return guard


def describe(connection: sqlite3.Connection, question: dict[str, Any]) -> dict[str, list[str]]:
    """Give the columns of every public view and table that exists."""
    found: dict[str, list[str]] = {}
    for name in (*question["views"], *question["tables"]):
        stored = [row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')]
        public = question["tables"].get(name, stored)
        if stored:
            found[name] = [column for column in stored if column in public]
    return found


def answer(connection: sqlite3.Connection, question: dict[str, Any]) -> None:
    """Write the columns, the rows and whether they were cut."""
    cursor = connection.execute(question["statement"])
    columns = [column[0] for column in cursor.description or ()]
    truths = [column.lower() in question["booleans"] for column in columns]
    say({"columns": columns})
    left, cut = question["max_bytes"], None
    for number, row in enumerate(cursor):
        if number == question["max_rows"]:
            cut = "rows"
            break
        line = json.dumps(
            [plain(value, boolean=truth) for value, truth in zip(row, truths, strict=True)], ensure_ascii=False
        )
        left -= len(line)
        if left < 0:
            cut = "bytes"
            break
        sys.stdout.write(line + "\n")
    say({"cut": cut})


def say(message: dict[str, Any]) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")


def revision(connection: sqlite3.Connection) -> str | None:
    """Give the schema's revision."""
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return None
    return row[0] if row else None


def failure(error: Exception, guard: Guard | None) -> list[str]:
    """Name what went wrong: a kind that the parent knows, and what it is about."""
    if guard is None:
        return ["open", str(error)]
    if guard.refused:
        return guard.refused
    if isinstance(error, MemoryError):
        return ["memory", ""]
    return next(([kind, ""] for words, kind in SIGNS.items() if words in str(error)), ["sql", str(error)])


def main() -> None:
    """Read the question, answer it."""
    question = json.load(sys.stdin)
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr] - a text stream, outside of tests
    deadline = time.monotonic() + question["timeout_seconds"]
    restrict_process(question["timeout_seconds"])
    register_types()
    guard = None
    try:
        connection = connect(question["path"])
        connection.text_factory = decoded
        say({"revision": revision(connection)})
        if question["statement"] is None:
            say({"tables": describe(connection, question)})
            return
        guard = prepare(connection, question, deadline)
        answer(connection, question)
    except (sqlite3.Error, sqlite3.Warning, MemoryError) as error:
        say({"error": failure(error, guard)})


if __name__ == "__main__":
    main()
