"""Settings of alerts: addresses and rules as people write them."""

import pytest
from pydantic import ValidationError

from classifiers.codebook import Category
from grokwatch.settings import Settings, explain
from grokwatch.share_rules import ShareRule, parse


def test_addresses_keep_their_commas_and_their_secrets(monkeypatch):
    written = "mailto://u:geheim@example.org?to=a@example.org,b@example.org, json://127.0.0.1:8080/geheim\tslack://geheim/B/C,"
    monkeypatch.setenv("GROKWATCH_ALERTS__URLS", written)
    settings = Settings()
    assert [url.get_secret_value() for url in settings.alerts.urls] == [
        "mailto://u:geheim@example.org?to=a@example.org,b@example.org",
        "json://127.0.0.1:8080/geheim",
        "slack://geheim/B/C",
    ]
    assert "geheim" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("latency > 40%", ShareRule(category=Category.LATENCY, above=True, bound=0.4)),
        ("Bias<3.5", ShareRule(category=Category.BIAS, above=False, bound=0.035)),
        (
            "other > 60% of relevant in pt-BR on X",
            ShareRule(category=Category.OTHER, above=True, bound=0.6, of="relevant", lang="pt-BR", source="x"),
        ),
    ],
)
def test_a_rule_reads_as_a_sentence(text, rule):
    assert parse(text) == rule


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("latncy > 40%", "should name one of the categories excitement"),
        ("latency 40%", "should be rules such as latency > 40%"),
        ("latency > 140%", "at most 100%"),
        ("other > 40%", "none of the five"),
    ],
)
def test_what_is_no_rule_is_refused_in_a_sentence(monkeypatch, text, reason):
    monkeypatch.setenv("GROKWATCH_ALERTS__SHARES", f"bias > 10%, {text}")
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert reason in explain(refused.value)[0]
