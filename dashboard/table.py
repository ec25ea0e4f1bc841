"""The figures behind the charts as a table to read and as CSV to take away."""

import csv
import io
from collections.abc import Sequence

import pandas as pd

from classifiers.codebook import Category
from dashboard.figures import by_period
from insights.catalogue import Catalogue
from insights.shares import Share
from insights.wording import count, interval, percent, period_name

FIELDS = (
    "period_start", "period_end", "category", "share", "low", "high",
    "posts", "effective_posts", "denominator", "method", "status",
    "simultaneous_low", "simultaneous_high", "corrected", "audited", "extrapolated",
)  # fmt: skip
"""The columns of the CSV file, as `grokwatch shares --json` names them."""


def as_table(shares: Sequence[Share], words: Catalogue) -> pd.DataFrame:
    """Lay out a row a period, newest first, a column a category; a share is never without its interval."""
    rows: list[dict[str, str]] = []
    for period in reversed(by_period(shares)):
        first = period[0]
        row = {
            words("table.period"): period_name(first.period_start, first.period_end, words),
            words("table.effective"): count(first.effective_posts),
        }
        rows.append(row | {_heading(share.category, words): _cell(share, words) for share in period})
    return pd.DataFrame(rows).set_index(words("table.period"))


def as_csv(shares: Sequence[Share]) -> bytes:
    """Write the shares, unrounded, in the order of the charts; empty cells where a share can't be shown."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    for share in shares:
        values = [getattr(share, name) for name in FIELDS]
        values[:2] = [share.period_start.isoformat(), share.period_end.isoformat()]
        writer.writerow(values)
    return text.getvalue().encode("utf-8")


def _heading(category: Category, words: Catalogue) -> str:
    return words(f"category.{category}")


def _cell(share: Share, words: Catalogue) -> str:
    if share.share is None or share.low is None or share.high is None:
        return words(f"status.{share.status}")
    return words("table.share", share=percent(share.share), interval=interval(share.low, share.high, words))
