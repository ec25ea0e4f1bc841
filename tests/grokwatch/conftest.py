"""The command line as a person calls it."""

import sys
from dataclasses import dataclass

import pytest

from grokwatch.cli.main import main


@dataclass(frozen=True)
class Called:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def grokwatch(monkeypatch, capsys):
    """Call `grokwatch …` and give its exit code, standard output and standard error."""

    def call(*arguments: str) -> Called:
        monkeypatch.setattr(sys, "argv", ["grokwatch", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return Called(code=stopped.value.code, out=printed.out, err=printed.err)

    return call
