"""Settings: what people write is understood or refused by name, and a secret is never repeated."""

import pytest
from pydantic import ValidationError

from grokwatch.cli.session import UsageError, load_settings
from grokwatch.settings import DEFAULT_TERMS, Settings, explain, fields


@pytest.mark.parametrize("written", ["grok, グロック ,", '["grok", "グロック"]'])
def test_lists_are_words_with_commas_or_json(monkeypatch, written):
    monkeypatch.setenv("GROKWATCH_TERMS", written)
    monkeypatch.setenv("GROKWATCH_DIGEST__RECIPIENTS", "a@example.org,b@example.org")
    settings = load_settings()
    assert settings.terms == ("grok", "グロック")
    assert settings.digest.recipients == ("a@example.org", "b@example.org")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("GROKWATCH_DATABSE_URL", "GROKWATCH_DATABASE_URL"),
        ("GROKWATCH_SMTP__PASWORD", "GROKWATCH_SMTP__PASSWORD"),
        ("GROKWATCH_SMPT__HOST", "GROKWATCH_SMTP__HOST"),
        ("GROKWATCH_PORT__X", "GROKWATCH_PORT"),
        ("grokwatch_prot", "GROKWATCH_PORT"),
    ],
)
@pytest.mark.parametrize("place", ["environment", "file"])
def test_an_unknown_name_is_refused_with_the_nearest(monkeypatch, tmp_path, name, nearest, place):
    if place == "environment":
        monkeypatch.setenv(name, "hush")
    else:
        (tmp_path / ".env").write_text(f"{name}=hush\n")
    with pytest.raises(UsageError) as refused:
        load_settings()
    assert str(refused.value) == f"the setting {name.upper()} is unknown, the nearest is {nearest}"
    assert "hush" not in refused.value.mend


def test_names_of_other_programs_in_the_file_are_none_of_ours(tmp_path):
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=x\nGROKWATCH_PORT=99\n")
    assert load_settings().port == 99


def test_the_environment_goes_before_the_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("GROKWATCH_PORT=99\nGROKWATCH_SMTP__HOST=mail\n")
    monkeypatch.setenv("GROKWATCH_PORT", "77")
    monkeypatch.setenv("GROKWATCH_SMTP__PORT", "25")
    settings = load_settings()
    assert (settings.port, settings.smtp.host, settings.smtp.port) == (77, "mail", 25)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GROKWATCH_PORT", "hush"),
        ("GROKWATCH_PORT", "70000"),
        ("GROKWATCH_SMTP__TLS", "hush"),
        ("GROKWATCH_TERMS", ","),
        ("GROKWATCH_TERMS", '["hush'),
        ("GROKWATCH_DIGEST__QUOTES", "hush"),
    ],
)
def test_a_value_that_cannot_be_is_refused_without_being_repeated(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=f"the setting {name} can't be used: it (should|must)") as refused:
        load_settings()
    assert value not in str(refused.value)


def test_an_address_without_its_beginning_is_told_in_words(monkeypatch):
    monkeypatch.setenv("GROKWATCH_X__BASE_URL", "localhost:8080")
    with pytest.raises(UsageError, match=r"GROKWATCH_X__BASE_URL is no address: it must begin with http://"):
        load_settings()


def test_a_group_is_no_setting(monkeypatch):
    monkeypatch.setenv("GROKWATCH_SMTP", "{}")
    with pytest.raises(UsageError, match="is a group of settings") as refused:
        load_settings()
    assert "GROKWATCH_SMTP__HOST" in refused.value.mend


def test_an_empty_value_is_none(monkeypatch):
    monkeypatch.setenv("GROKWATCH_HASH_KEY", "")
    monkeypatch.setenv("GROKWATCH_TERMS", "")
    assert load_settings().hash_key is None
    assert load_settings().terms == DEFAULT_TERMS


def test_a_file_that_is_not_utf8_is_told(tmp_path):
    (tmp_path / ".env").write_bytes(b"GROKWATCH_MODEL=\xff\xfe\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        load_settings()


def test_secrets_are_not_shown(monkeypatch):
    monkeypatch.setenv("GROKWATCH_HASH_KEY", "hush-1")
    monkeypatch.setenv("GROKWATCH_SMTP__PASSWORD", "hush-2")
    monkeypatch.setenv("GROKWATCH_DATABASE_URL", "postgresql://a:hush-3@b/c")
    assert "hush" not in repr(load_settings())


def test_unknown_arguments_are_refused():
    with pytest.raises(ValidationError) as refused:
        Settings(prot=1)
    assert explain(refused.value)[0] == "the setting GROKWATCH_PROT is unknown, the nearest is GROKWATCH_PORT"


def test_every_setting_says_what_it_is():
    assert [name for name, field in fields() if not (field.description or "").endswith(".")] == []
