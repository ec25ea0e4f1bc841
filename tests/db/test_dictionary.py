"""The data dictionary: up to date, complete, and true of both databases."""

from pathlib import Path

import pytest
from sqlalchemy import inspect

from db import public
from db.dictionary import dictionary, meanings, view_columns
from db.models import Base

PAGE = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


def test_the_page_is_what_would_be_made_now():
    assert PAGE.read_text(encoding="utf-8") == dictionary(), (
        "run: .venv/bin/python -m db.dictionary docs/data-dictionary.md"
    )


@pytest.mark.parametrize("name", public.VIEWS)
def test_views_have_the_columns_that_are_described(engine, name):
    columns = [column["name"] for column in inspect(engine).get_columns(name)]
    assert list(view_columns(meanings(), name)) == columns


def test_nothing_is_described_that_does_not_exist():
    known = meanings()
    assert set(known["views"]) == set(public.VIEWS)
    for name, columns in known["tables"].items():
        assert set(columns) <= set(Base.metadata.tables[name].columns.keys())


def test_every_table_and_column_has_a_line():
    page = dictionary()
    for name, table in Base.metadata.tables.items():
        section = page.split(f"### `{name}`")[1].split("\n### ")[0]
        for column in table.columns:
            assert f"| `{column.name}` |" in section
    assert page.count("hidden from ad-hoc SQL") == sum(len(columns) for columns in public.PRIVATE.values())
