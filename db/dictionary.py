"""The data dictionary, made of the models and of what is written about the views: `python -m db.dictionary FILE`."""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, Float, Integer, LargeBinary, String, Table

from db import public
from db.models import Base, UtcDateTime

INTRODUCTION: Final = """\
# Data dictionary

Made by `python -m db.dictionary docs/data-dictionary.md` from the models and from `db/views/meanings.toml`; don't edit it by hand.

What people ask about stands in the **views**, which are the same on SQLite and PostgreSQL. They are listed first and will
stay as they are. The **tables** below them may be read as well, but may change with a new version. All times are UTC. On SQLite
times are text such as `2025-11-17 08:00:00.000000`, and true and false are 1 and 0. Worked questions: [sql.md](sql.md).
"""


def meanings() -> dict[str, Any]:
    """Read what is written about views, tables and columns."""
    return tomllib.loads(files("db.views").joinpath("meanings.toml").read_text(encoding="utf-8"))


def view_columns(known: Mapping[str, Any], name: str) -> dict[str, str]:
    """Give the columns of a view in their order, with their meanings."""
    view = known["views"][name]
    if "same_as" not in view:
        return view["columns"]
    inherited: dict[str, str] = known["views"][view["same_as"]]["columns"]
    own: dict[str, str] = view["columns"]
    new = {column: meaning for column, meaning in own.items() if column not in inherited}
    columns: dict[str, str] = {}
    for column, meaning in inherited.items():
        if column in view.get("without", ()):
            columns |= new  # a column of another name in the same place
        else:
            columns[column] = own.get(column, meaning)
    return columns


def dictionary() -> str:
    """Write the data dictionary as Markdown."""
    known = meanings()
    parts = [INTRODUCTION, "## Views\n"]
    parts.extend(
        f"### `{name}`\n\n{known['views'][name]['about']}\n\n{_lines(view_columns(known, name))}"
        for name in public.VIEWS
    )
    readable = public.tables()
    parts.append("## Tables\n")
    parts.extend(_table(Base.metadata.tables[name], known) for name in readable)
    parts.append("## Tables of Grokwatch's own\n\nThey can't be read in ad-hoc SQL.\n")
    parts.extend(_table(table, known) for name, table in sorted(Base.metadata.tables.items()) if name not in readable)
    return "\n".join(parts).rstrip() + "\n"


def _lines(columns: Mapping[str, str]) -> str:
    rows = "".join(f"| `{column}` | {meaning} |\n" for column, meaning in columns.items())
    return f"| column | meaning |\n|---|---|\n{rows}"


def _table(table: Table, known: Mapping[str, Any]) -> str:
    about = " ".join(_about(table.name).split())
    hidden = public.PRIVATE.get(table.name, frozenset())
    rows = "".join(
        f"| `{column.name}` | {_type(column)} | {'; '.join(_meaning(column, known, column.name in hidden))} |\n"
        for column in table.columns
    )
    return f"### `{table.name}`\n\n{about}\n\n| column | type | meaning |\n|---|---|---|\n{rows}"


def _about(name: str) -> str:
    return next(
        mapper.class_.__doc__ or "" for mapper in Base.registry.mappers if mapper.local_table.description == name
    )


def _meaning(column: "Column[Any]", known: Mapping[str, Any], hidden: bool) -> Iterator[str]:  # noqa: FBT001 - private
    meaning = column.comment or known["tables"].get(column.table.name, {}).get(column.name)
    yield meaning or known["columns"][column.name]
    for key in column.foreign_keys:
        yield f"→ `{key.target_fullname}`"
    if column.primary_key:
        yield "part of the key" if len(column.table.primary_key) > 1 else "key"
    if hidden:
        yield "hidden from ad-hoc SQL"


def _type(column: "Column[Any]") -> str:
    names = {
        UtcDateTime: "time",
        Boolean: "true or false",
        JSON: "JSON",
        Integer: "whole number",
        BigInteger: "whole number",
        Double: "number",
        Float: "number",
        LargeBinary: "bytes",
    }
    name = next((name for kind, name in names.items() if isinstance(column.type, kind)), None)
    if name is None:
        length = column.type.length if isinstance(column.type, String) else None
        name = f"text, up to {length}" if length else "text"
    return f"{name}, may be empty" if column.nullable else name


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(dictionary(), encoding="utf-8")
    else:
        sys.stdout.write(dictionary())
