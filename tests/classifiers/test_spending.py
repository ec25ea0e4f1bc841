"""A model's money: a ceiling for the month that holds for any number of processes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from classifiers.base import ClassifierError
from classifiers.spending import Spending

NOVEMBER, DECEMBER = datetime(2026, 11, 30, 23, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def books(folder, *, ceiling=1.0, now=NOVEMBER):
    return Spending(folder / "books.db", ceiling_usd=ceiling, clock=lambda: now)


def test_what_is_set_aside_counts_until_it_is_settled(tmp_path):
    spending = books(tmp_path)
    reserved = spending.reserve(0.8)
    with pytest.raises(ClassifierError, match=r"\$0\.8000 are spent, and the next request may cost \$0\.3000"):
        spending.reserve(0.3)

    spending.settle(reserved, 0.1)

    assert spending.reserve(0.3).usd == 0.3
    assert spending.spent() == pytest.approx(0.4)


def test_a_process_that_is_killed_leaves_its_money_counted(tmp_path):
    books(tmp_path).reserve(0.8)

    assert books(tmp_path).spent() == pytest.approx(0.8)


def test_a_new_month_begins_with_nothing(tmp_path):
    reserved = books(tmp_path).reserve(0.9)
    december = books(tmp_path, now=DECEMBER)
    december.reserve(0.9)
    december.settle(reserved, 0.2)

    assert (books(tmp_path).spent(), december.spent()) == (pytest.approx(0.2), pytest.approx(0.9))


def test_many_at_once_never_pass_the_ceiling(tmp_path):
    def take(_):
        try:
            return books(tmp_path).reserve(0.1).usd
        except ClassifierError:
            return 0.0

    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(take, range(24)))

    assert 0.89 < taken <= 1.0001


def test_books_that_are_none_are_named(tmp_path):
    (tmp_path / "books.db").write_text("x" * 5000)

    with pytest.raises(ClassifierError, match=r"books\.db") as refused:
        books(tmp_path).reserve(0.1)

    assert refused.value.mend
