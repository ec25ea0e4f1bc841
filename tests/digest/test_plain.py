"""The table of the plain-text part: columns in line, whatever the script."""

from hypothesis import given
from hypothesis import strategies as st

from digest.plain import display_width, table

CELL = st.text(st.sampled_from("abc %→好奇心・バグ、ｱ가"), min_size=1, max_size=12).map(
    lambda text: text.strip() or "x"
)


def test_full_width_letters_take_two_columns():
    assert [display_width(text) for text in ("abc", "好奇心・興奮", "ｱｲ", "\uff21", "e\u0301")] == [3, 12, 2, 2, 1]


@given(st.integers(1, 5).flatmap(lambda columns: st.lists(st.tuples(*[CELL] * columns), min_size=2, max_size=6)))
def test_columns_start_in_line(rows):
    lines = table(rows)
    rule = lines[1]
    starts = [0] + [at + 1 for at, letter in enumerate(rule[:-1]) if letter == " " and rule[at + 1] == "-"]
    assert len(lines) == len(rows) + 1
    for row, line in zip(rows, [lines[0], *lines[2:]], strict=True):
        for cell, start in zip(row, starts, strict=True):
            before = next(n for n in range(len(line) + 1) if display_width(line[:n]) == start)
            assert line[before:].startswith(cell)


def test_figures_are_set_to_the_right():
    assert table([["a", "share"], ["b", "5%"]], right=(1,)) == ["a  share", "-  -----", "b     5%"]
