"""`.env`: every setting is in it, as it is by default, and nothing that was set gets lost."""

import json
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokwatch import env_file
from grokwatch.cli.session import load_settings
from grokwatch.settings import Settings, fields

CHECKOUT = Path(__file__).resolve().parents[2]


def test_the_example_is_what_the_settings_say():
    assert (CHECKOUT / ".env.example").read_text(encoding="utf-8") == env_file.render()


def test_every_setting_is_shown_with_its_default(tmp_path, monkeypatch):
    shown = re.findall(r"^# (GROKWATCH_\w+)=(.*)$", env_file.render(), re.MULTILINE)
    assert [name for name, _ in shown] == [name for name, _ in fields()]
    monkeypatch.delenv("GROKWATCH_DATABASE_URL")
    monkeypatch.delenv("GROKWATCH_DATA_DIR")
    (tmp_path / ".env").write_text("\n".join(f"{name}={value}" for name, value in shown), encoding="utf-8")
    assert load_settings() == Settings(_env_file=None)


def test_init_writes_a_private_file_with_a_key(grokwatch, tmp_path):
    called = grokwatch("init")
    assert called.code == 0
    file = tmp_path / ".env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = load_settings().hash_key.get_secret_value()
    assert re.fullmatch(r"[0-9a-f]{64}", key)
    assert key not in called.out + called.err


def test_init_never_overwrites(grokwatch, tmp_path):
    (tmp_path / ".env").write_text("GROKWATCH_PORT=99\n")
    called = grokwatch("init")
    assert called.code == 2
    assert "--force" in called.err
    assert (tmp_path / ".env").read_text() == "GROKWATCH_PORT=99\n"


def test_force_keeps_what_was_set_and_the_old_file(grokwatch, tmp_path):
    old = "GROKWATCH_PORT=99\nGROKWATCH_HASH_KEY=old-key\nOTHER=1\n"
    for backup in (".env.bak", ".env.bak2"):
        (tmp_path / ".env").write_text(old)
        called = grokwatch("init", "--force", "--json")
        assert json.loads(called.out) == {
            "path": ".env",
            "backup": backup,
            "kept": ["GROKWATCH_HASH_KEY", "GROKWATCH_PORT"],
        }
        assert (tmp_path / backup).read_text() == old
        assert stat.S_IMODE((tmp_path / backup).stat().st_mode) == 0o600
    assert load_settings().port == 99
    assert load_settings().hash_key.get_secret_value() == "old-key"


def test_a_key_in_use_stays_in_use(grokwatch, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "author-hash.key").write_text("in-use")
    assert grokwatch("init").code == 0
    assert load_settings().hash_key.get_secret_value() == "in-use"


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.sampled_from(" '\"\\#$`{}"), min_size=1)
)
def test_a_secret_comes_back_as_it_went_in(tmp_path_factory, secret):
    value = secret.strip() or "x"
    file = tmp_path_factory.mktemp("env") / ".env"
    env_file.write_private(file, env_file.render({"GROKWATCH_SMTP__PASSWORD": value}))
    assert env_file.read(file) == {"GROKWATCH_SMTP__PASSWORD": value}


@pytest.mark.parametrize("content", [b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_told(grokwatch, tmp_path, content):
    (tmp_path / ".env").write_bytes(content)
    called = grokwatch("init", "--force")
    assert called.code == 2
    assert "not UTF-8" in called.err
