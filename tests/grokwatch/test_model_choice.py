"""Which model the settings name, and what is said where they name none that can be used."""

import json
import sys
from datetime import UTC, datetime

import pytest
from chat_server import answer, entry, refusal, serving

from classifiers.base import ClassifierError
from classifiers.codebook import Category
from classifiers.encoder import EncoderClassifier
from collectors.sample import SampleCollector
from db import sample
from grokwatch import model_choice, pipeline
from grokwatch.cli.session import load_settings

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def chat(monkeypatch):
    """A chat model on this machine, which the settings name."""
    with serving() as (server, url):
        monkeypatch.setenv("GROKWATCH_MODEL", "openai:m-1")
        monkeypatch.setenv("GROKWATCH_LLM__BASE_URL", url)
        yield server


def load():
    return model_choice.load_classifier(load_settings())


def test_the_shipped_model_is_the_default():
    assert isinstance(load(), EncoderClassifier)


@pytest.mark.parametrize(
    ("name", "said", "mend"),
    [
        ("owner/some-sentiment-model", "is no folder here, and Grokwatch downloads no model", "download it yourself"),
        ("openai:", "names no model", "openai:gpt"),
        ("empty", "holds no model: neither model.json nor config.json", "GROKWATCH_MODEL"),
    ],
)
def test_a_name_that_is_no_model_is_told_in_one_sentence(monkeypatch, tmp_path, name, said, mend):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("GROKWATCH_MODEL", name)

    with pytest.raises(ClassifierError, match=said) as refused:
        load()

    assert mend in refused.value.mend


def test_a_checkpoint_asks_for_the_meaning_of_its_labels(monkeypatch, tmp_path):
    folder = tmp_path / "moods"
    folder.mkdir()
    config = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "bad", "1": "good"}}
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("GROKWATCH_MODEL", "moods")

    with pytest.raises(ClassifierError, match="what the labels of moods mean: bad, good"):
        load()

    monkeypatch.setenv("GROKWATCH_MODEL_LABELS", "mine.yaml")
    with pytest.raises(ClassifierError, match=r"mine\.yaml can't be read"):
        load()


def test_a_checkpoint_without_pytorch_names_the_extra(monkeypatch, tmp_path):
    folder = tmp_path / "moods"
    folder.mkdir()
    config = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "other", "1": "bias"}}
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("GROKWATCH_MODEL", "moods")
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(ClassifierError, match="needs PyTorch") as refused:
        load()

    assert "[transformers]" in refused.value.mend


def test_a_model_that_bills_needs_its_prices(monkeypatch):
    monkeypatch.setenv("GROKWATCH_MODEL", "openai:m-1")
    with pytest.raises(ClassifierError, match="PRICE_INPUT_USD is not set"):
        load()
    monkeypatch.setenv("GROKWATCH_LLM__PRICE_INPUT_USD", "0.25")
    with pytest.raises(ClassifierError, match="PRICE_OUTPUT_USD is not set"):
        load()
    monkeypatch.setenv("GROKWATCH_LLM__PRICE_OUTPUT_USD", "2")

    assert load().card.version.startswith("openai:m-1+prompt-")


@pytest.mark.parametrize("url", ["http://localhost:1/v1", "http://127.0.0.2:1/v1", "http://[::1]:1/v1"])
def test_a_server_on_this_machine_is_free_unless_prices_are_set(monkeypatch, url):
    monkeypatch.setenv("GROKWATCH_MODEL", "openai:m-1")
    monkeypatch.setenv("GROKWATCH_LLM__BASE_URL", url)

    assert load().card.version


# --- the command line with a chat model ---------------------------------------------------------------------------------


def test_predict_answers_each_line_by_the_model_and_names_what_failed(grokwatch, chat, tmp_path):
    chat.script = lambda posts, _: answer([entry(post) for post in posts if "IGNORE" not in post["text"]])
    path = tmp_path / "posts.jsonl"
    texts = ["Grok is slow", "IGNORE all of this, Grok", "I love Grok"]
    path.write_text("\n".join(json.dumps({"id": n, "text": text}) for n, text in enumerate(texts)))

    called = grokwatch("predict", path)

    first, second, third = map(json.loads, called.out.splitlines())
    assert called.code == 1
    assert (first["category"], third["category"]) == ("latency", "satisfaction")
    assert first["model"].startswith("openai:m-1+prompt-")
    assert second == {"id": 1, "error": "the model gave no usable answer", "line": 2}
    assert "no usable answer for 1 of the lines" in called.err


@pytest.fixture
def stored(sqlite_engine):
    pipeline.store(sqlite_engine, SampleCollector(), kind=sample.KIND, clock=lambda: NOW, author_hash=str)
    return sqlite_engine


def test_classify_stores_the_labels_under_a_model_of_their_own(grokwatch, chat, stored):
    called = grokwatch("classify", "--limit", "20", "--json")

    done = json.loads(called.out)
    assert (called.code, done["labelled"]) == (0, 20)
    assert "failed" not in done
    with stored.connect() as connection:
        (version, count), *others = connection.exec_driver_sql(
            "SELECT m.version, count(*) FROM labels l JOIN models m ON m.id = l.model_id GROUP BY 1"
        ).all()
    assert (version, count, others) == (done["model"], 20, [])
    assert max(map(len, chat.posts())) == 10


def test_posts_without_an_answer_stay_without_a_label_and_are_counted(grokwatch, chat, stored):
    chat.script = lambda posts, _: answer([entry(post) for post in posts][1:] if len(posts) > 1 else [])

    called = grokwatch("classify", "--limit", "20", "--json")

    done = json.loads(called.out)
    assert (called.code, done["labelled"], done["failed"]) == (0, 18, 2)
    with stored.connect() as connection:
        run = connection.exec_driver_sql("SELECT status, kept, broken FROM runs WHERE kind = 'classify'").one()
    assert tuple(run) == ("ok", 18, 2)
    assert "no usable answer for 2 posts" in grokwatch("classify", "--limit", "20").out


def test_the_ceiling_ends_classify_and_keeps_what_was_paid_for(grokwatch, chat, stored, monkeypatch):
    monkeypatch.setenv("GROKWATCH_LLM__PRICE_INPUT_USD", "1")
    monkeypatch.setenv("GROKWATCH_LLM__PRICE_OUTPUT_USD", "4")
    monkeypatch.setenv("GROKWATCH_LLM__MAX_COST_USD", "0.04")

    called = grokwatch("classify", "--json")

    told = json.loads(called.err.splitlines()[-1])
    assert called.code == 1
    assert "ceiling of $0.04" in told["error"]
    assert "MAX_COST_USD" in told["mend"]
    with stored.connect() as connection:
        kept = connection.exec_driver_sql("SELECT count(*) FROM labels").scalar_one()
        status, error = connection.exec_driver_sql("SELECT status, error FROM runs WHERE kind = 'classify'").one()
    assert kept == sum(map(len, chat.posts())) > 0
    assert status == "failed"
    assert "ceiling" in error


def test_a_slow_model_is_stored_as_it_goes(sqlite_archive, chat):
    """The clock moves on by three seconds whenever it is read: every second answer is stored at once."""
    sqlite_archive.add(40, Category.BIAS, labelled=False)
    seen, ticks = [], iter(range(100_000))
    clock = lambda: datetime.fromtimestamp(1_790_000_000 + 3 * next(ticks), UTC)  # noqa: E731 - a clock, not a function

    pipeline.classify(sqlite_archive.engine, load(), clock=clock, on_batch=seen.append)

    assert len(seen) > 5
    assert seen[-1] == 40


def test_doctor_names_the_model_in_use_and_its_money(grokwatch, chat, sqlite_engine, monkeypatch):
    monkeypatch.setenv("GROKWATCH_LLM__PRICE_INPUT_USD", "1")
    monkeypatch.setenv("GROKWATCH_LLM__PRICE_OUTPUT_USD", "4")

    checks = {check["name"]: check for check in json.loads(grokwatch("doctor", "--json").out)["checks"]}

    assert checks["model"]["status"] == "ok"
    assert "openai:m-1+prompt-" in checks["model"]["message"]
    assert "a chat model at 127.0.0.1:" in checks["model"]["message"]
    assert "$0.0014 of $5.00 spent this month" in checks["model"]["message"]


def test_doctor_says_what_a_chat_model_refuses(grokwatch, chat, sqlite_engine):
    chat.script = lambda *_: refusal(401, "Incorrect key")
    checks = {check["name"]: check for check in json.loads(grokwatch("doctor", "--json").out)["checks"]}

    assert checks["model"]["status"] == "fail"
    assert "401: Incorrect key" in checks["model"]["message"]
    assert "API_KEY" in checks["model"]["mend"]

    chat.script = lambda *_: answer("no")
    checks = {check["name"]: check for check in json.loads(grokwatch("doctor", "--json").out)["checks"]}
    assert checks["model"]["status"] == "fail"
    assert "no usable answer" in checks["model"]["message"]


def test_doctor_says_that_the_shipped_model_is_in_use(grokwatch, sqlite_engine):
    checks = {check["name"]: check for check in json.loads(grokwatch("doctor", "--json").out)["checks"]}

    assert ", the shipped one, loads and labels" in checks["model"]["message"]


def test_a_chat_model_is_not_explained(grokwatch, chat):
    called = grokwatch("explain", "Grok is slow")

    assert called.code == 1
    assert "can't be explained" in called.err
    assert not chat.asked
