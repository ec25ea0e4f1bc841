"""`grokwatch version`: three versions, whether or not there is a model."""

import json
from importlib.metadata import version

from db import schema
from grokwatch.cli import version as command


def test_versions(grokwatch):
    told = json.loads(grokwatch("version", "--json").out)
    assert list(told) == ["grokwatch", "schema", "model"]
    assert told["grokwatch"] == version("grokwatch")
    assert told["schema"] == schema.newest_revision()
    assert grokwatch("version").out.splitlines()[0] == f"grokwatch {version('grokwatch')}"


def test_the_model_is_that_of_its_card(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "files", lambda _package: tmp_path)
    assert command._model_version() is None
    (tmp_path / "model").mkdir()
    card = tmp_path / "model" / "model.json"
    for content, found in (("{", None), ("[]", None), ('{"version": "e5-1"}', "e5-1")):
        card.write_text(content)
        assert command._model_version() == found
