"""Rows in every format: whole, exact, and harmless where they are opened."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta, timezone

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokwatch import formats

MOMENT = datetime(2025, 11, 17, 17, 0, tzinfo=timezone(timedelta(hours=9)))


def csv_of(rows, columns=("a",), **options):
    stream = io.StringIO(newline="")
    formats.write_csv(stream, columns, rows, **options)
    return stream.getvalue()


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.integers()), min_size=1))
def test_csv_comes_back_as_it_went_in(rows):
    found = list(csv.reader(io.StringIO(csv_of(rows, ("a", "b"), exact=True), newline="")))
    assert found == [["a", "b"], *([text, str(number)] for text, number in rows)]


def test_csv_is_as_rfc_4180_has_it():
    assert csv_of([('a "b", c',), ("d\ne",)], exact=True) == 'a\r\n"a ""b"", c"\r\n"d\ne"\r\n'


@pytest.mark.parametrize("text", ["=1+1", "+1 for Grok", "-- no", "@grok hi", "\t=1", " =cmd|x", "\uff1d1", "-"])
def test_csv_disarms_formulas(text):
    assert next(csv.reader([csv_of([(text,)]).split("\r\n", 1)[1]]))[0] == "'" + text


@pytest.mark.parametrize("value", ["-5", "+3.5e2", "Grok = slow", "1-1", ""])
def test_csv_leaves_other_texts_alone(value):
    assert csv_of([(value, 0)], ("a", "b")).split("\r\n")[1] == f"{value},0"


def test_csv_values():
    row = (True, False, None, 1.5, MOMENT, date(2025, 11, 17), ["a"], {"b": 1}, -5)
    written = csv_of([row], "abcdefghi").split("\r\n")[1]
    assert written == 'true,false,,1.5,2025-11-17T08:00:00+00:00,2025-11-17,"[""a""]","{""b"":1}",-5'


def test_json_is_one_array_of_objects():
    stream = io.StringIO()
    rows = [(MOMENT, float("nan"), ["a"], 2**70, "速い\ud800"), (None, 1.0, {"x": [MOMENT]}, 1, "")]
    assert formats.write_json(stream, ("t", "n", "n", "big", "s"), rows) == 2
    assert json.loads(stream.getvalue()) == [
        {"t": "2025-11-17T08:00:00+00:00", "n": None, "n_2": ["a"], "big": float(2**70), "s": "速い?"},
        {"t": None, "n": 1.0, "n_2": {"x": ["2025-11-17T08:00:00+00:00"]}, "big": 1, "s": ""},
    ]


def test_json_without_rows_is_an_empty_array():
    stream = io.StringIO()
    formats.write_json(stream, ("a",), [])
    assert json.loads(stream.getvalue()) == []


def test_parquet_keeps_the_types():
    stream = io.BytesIO()
    columns = ("n", "x", "t", "d", "b", "l", "j", "m", "none")
    rows = [
        (1, 1, MOMENT, date(2025, 11, 17), True, ["a"], {"k": 1}, 1, None),
        (None, 0.5, None, None, None, [], None, "x", None),
    ]
    formats.write_parquet(stream, columns, rows)
    table = pq.read_table(io.BytesIO(stream.getvalue()))
    assert [str(kind) for kind in table.schema.types] == [
        "int64", "double", "timestamp[us, tz=UTC]", "date32[day]", "bool", "list<element: string>", "string", "string",
        "string",
    ]  # fmt: skip
    assert table.to_pylist()[0]["t"] == MOMENT.astimezone(UTC)
    assert table.column("m").to_pylist() == ["1", "x"]
    assert table.column("j").to_pylist() == ['{"k":1}', None]


def test_numbers_beyond_64_bits_go_into_parquet_as_text():
    stream = io.BytesIO()
    formats.write_parquet(stream, ("a",), [(2**70,), (1,)])
    assert pq.read_table(io.BytesIO(stream.getvalue())).num_rows == 2


def test_a_table_is_safe_for_the_terminal_and_cuts_long_texts():
    stream = io.StringIO()
    formats.show_table(
        stream, ("text", "n"), [("\x1b[31mred\u202e [bold]x[/bold]\nline", 1.0), ("y" * 500, None)], width=None
    )
    drawn = stream.getvalue()
    assert "\x1b" not in drawn
    assert "\u202e" not in drawn
    assert "[bold]x[/bold] line" in drawn
    assert "y" * 59 + "…" in drawn
    assert "y" * 60 not in drawn
