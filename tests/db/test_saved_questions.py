"""The saved questions of `docs/sql.md`: each runs through the read-only door, on both databases, with the same answer."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from classifiers.codebook import Aspect, Category, Polarity, Rival
from db import readonly, runs
from db.models import Volume

MONDAY = datetime(2025, 11, 17, tzinfo=UTC)
LIMITS = readonly.Limits(max_rows=1000, timeout_seconds=30)
PAGE = (Path(__file__).parents[2] / "docs" / "sql.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"^## (\d+)\. (.+?)$.*?^```sql\n(.+?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def fill(archive):
    """Store something for every question to find."""
    for week in (-1, 0):
        at = MONDAY + timedelta(weeks=week)
        for number, category in enumerate(Category):
            archive.add(
                12 + 3 * number, category, at=at, channel="grok", lang=("en", "ja")[week],
                polarity=Polarity.POSITIVE if category is Category.SATISFACTION else Polarity.NEGATIVE,
                aspects=(Aspect.SPEED, Aspect.CODING), mentions=(Rival.CLAUDE,),
                probabilities={Category.OTHER: 0.2} | {category: 0.8 if category is not Category.OTHER else 1.0}, inclusion=0.5,
            )  # fmt: skip
    with archive.engine.begin() as connection:
        connection.execute(
            Volume.__table__.insert(),
            {"source": "reddit", "query": "grok", "hour": MONDAY, "count": 700, "collected_at": MONDAY},
        )
        run = runs.start_run(connection, "import", source="dump", now=MONDAY)
        runs.add_counts(connection, run, read=5, broken=2)
        runs.finish_run(connection, run, now=MONDAY, status="failed", error="the file ended in the middle")


def answers(archive):
    url = archive.engine.url.render_as_string(hide_password=False)
    found = {}
    for number, title, statement in QUESTIONS:
        answer = readonly.ask(url, statement, LIMITS)
        assert answer.rows, f"question {number} ({title}) finds nothing"
        found[number] = (answer.columns, [[as_shown(value) for value in row] for row in answer.rows])
    return found


def as_shown(value):
    """Give dates as both databases print them, and numbers without regard to their kind or last digits."""
    if isinstance(value, int | float):
        return round(float(value), 6)
    return str(value)


def test_there_are_twelve_in_order():
    assert [int(number) for number, _, _ in QUESTIONS] == list(range(1, 13))
    assert PAGE.count("```sql") == 12


def test_every_question_has_the_same_answer_on_both_databases(make_archive, sqlite_url, postgres_url):
    on_sqlite, on_postgres = (make_archive(url) for url in (sqlite_url, postgres_url))
    for archive in (on_sqlite, on_postgres):
        fill(archive)
    expected = answers(on_sqlite)
    for number, answer in answers(on_postgres).items():
        assert answer == expected[number], f"question {number}"


def test_answers_are_right_where_they_can_be_told(sqlite_archive):
    fill(sqlite_archive)
    found = answers(sqlite_archive)
    assert found["1"][1][:2] == [["2025-11-10", "abandonment", 24, 27], ["2025-11-10", "satisfaction", 21, 23]]
    assert [row[1] for row in found["2"][1]] == [13, 17, 20, 23, 27]
    assert [row[:2] for row in found["10"][1]] == [["before", 90], ["after", 90]]
    assert found["11"][1] == [["reddit", "2025-11-17", 700, 117]]
