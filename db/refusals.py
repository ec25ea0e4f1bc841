"""What a question in SQL can fail at, as sentences, the same for both databases."""

import re

from db import public
from db.errors import DatabaseError
from db.readonly import Limits

Readable = dict[str, tuple[str, ...]]
_COLUMN = re.compile(r"no such column: (?P<sqlite>\S+)|column \"?(?P<postgres>[^\"\s]+)\"? does not exist")
_TABLE = re.compile(r"no such table: (?P<sqlite>\S+)|relation \"(?P<postgres>[^\"]+)\" does not exist")
_FUNCTION = re.compile(r"no such function: (?P<sqlite>\S+)")
VIEWS_MEND = f"read one of {', '.join(public.VIEWS)}; see all: grokwatch sql --tables"


def table(name: str) -> DatabaseError:
    """Refuse a table or view that is not public, or is not there."""
    near = public.nearest(name.rpartition(".")[2], public.names())
    mend = f"did you mean {near[0]}? See all: grokwatch sql --tables" if near else VIEWS_MEND
    return DatabaseError(f"there is no table or view {name!r} open to SQL", mend=mend)


def private_column(name: str) -> DatabaseError:
    """Refuse a column that is private."""
    return DatabaseError(f"the column {name} is not open to SQL", mend="leave it out")


def function(name: str) -> DatabaseError:
    """Refuse a function that is not on the list."""
    return DatabaseError(f"the function {name} is not open to SQL, or there is none", mend="leave it out")


def word(text: str) -> DatabaseError:
    """Refuse a word that is no keyword, function or type on the lists."""
    return DatabaseError(f"{text!r} is not open to SQL", mend="leave it out, or put a name into double quotes")


def data_type(name: str) -> DatabaseError:
    """Refuse a type that is not on the list."""
    return DatabaseError(f"the type {name} is not open to SQL", mend="use text, numeric, timestamptz or their like")


def statement() -> DatabaseError:
    """Refuse a statement that does more than read."""
    return DatabaseError("the statement does more than read", mend="write one SELECT over the views")


def several() -> DatabaseError:
    """Refuse several statements at once."""
    return DatabaseError("only one statement runs at a time", mend="ask them one by one")


def too_slow(limits: Limits) -> DatabaseError:
    """Say that the time is over."""
    return DatabaseError(
        f"the answer took longer than {limits.timeout_seconds:g} seconds",
        mend="ask for a shorter period, or raise GROKWATCH_SQL__TIMEOUT_SECONDS",
    )


def too_much() -> DatabaseError:
    """Say that the memory is over."""
    return DatabaseError(
        "the answer needs more memory than a question may take", mend="ask for fewer rows, or for sums over them"
    )


def wrong(message: str, readable: Readable) -> DatabaseError:
    """Tell what the database found wrong with the statement, and the nearest name where a name is unknown."""
    if found := _COLUMN.search(message):
        name = (found["sqlite"] or found["postgres"]).rpartition(".")[2]
        for owner, hidden in public.PRIVATE.items():
            if name.lower() in hidden:
                return private_column(f"{owner}.{name.lower()}")
        near = public.nearest(name, (column for columns in readable.values() for column in columns))
        mend = f"did you mean {' or '.join(near)}? See all" if near else "see all columns"
        return DatabaseError(f"there is no column {name!r} here", mend=f"{mend}: grokwatch sql --tables")
    if found := _TABLE.search(message):
        return table(found["sqlite"] or found["postgres"])
    if found := _FUNCTION.search(message):
        return function(found["sqlite"])
    return DatabaseError(f"the statement is wrong: {message}", mend="correct it")
