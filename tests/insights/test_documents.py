"""The examples of docs/insights/quotes.md, rivals.md and changes.md run as they stand."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import MONDAY

from classifiers.codebook import Aspect, Category, Polarity, Rival
from grokwatch.cli.main import COMMANDS

FOLDER = Path(__file__).parents[2] / "docs" / "insights"
PAGES = ("quotes.md", "rivals.md", "changes.md")
SAYS = {"quotes.md": "Grok, number", "rivals.md": "2025-11-17 claude", "changes.md": "2025-11-17 latency unknown"}


@pytest.mark.parametrize("page", PAGES)
def test_examples_in_python_run_and_find_something(sqlite_archive, capsys, page):
    sqlite_archive.add(
        40, Category.LATENCY, at=MONDAY, lang="ja", polarity=Polarity.NEGATIVE, aspects=(Aspect.SPEED,), mentions=(Rival.CLAUDE,)
    )  # fmt: skip
    sqlite_archive.add(1, Category.LATENCY, at=MONDAY - timedelta(days=3))
    examples = re.findall(r"^```python\n(.+?)^```$", (FOLDER / page).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    names = {"engine": sqlite_archive.engine}
    for example in examples:
        exec(compile(example, page, "exec"), names)
    said = capsys.readouterr().out
    assert SAYS[page] in said


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_are_named_exist(page):
    named = set(re.findall(r"^grokwatch (\w+)", (FOLDER / page).read_text("utf-8"), flags=re.MULTILINE))
    assert named
    assert named <= set(COMMANDS)
