"""A tiny encoder with random weights stands in for the real one: what is tested is the way, not the quality."""

import json

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the train extra")
pytest.importorskip("safetensors", reason="needs the train extra")

from classifiers import contenders_e5  # after the check for its libraries
from classifiers.codebook import OUTCOMES, Category
from classifiers.contenders import compare
from classifiers.contenders_e5 import DESCRIPTIONS, CanNotRunError
from classifiers.gold import GoldPost
from classifiers.training import heads
from classifiers.training.base_encoder import Base

LAYERS, HIDDEN, WIDE = 12, 32, 64
SAID = {
    "excitement": "can't wait for Grok five", "latency": "Grok hangs again", "bias": "Grok is slanted", "satisfaction": "Grok wrote it well",
    "abandonment": "cancelled Grok for good", "other": "Grok has a new button", "irrelevant": "a recipe for soup",
}  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    words = sorted({word for said in SAID.values() for word in said.split()} | {"query", ":"})
    pieces = [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["▁", -2.0]]
    pieces += [[f"▁{word}", -3.0] for word in words]
    path = tmp_path_factory.mktemp("pieces") / "tokenizer.json"
    special = [{"id": number, "content": name, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
               for number, (name, _) in enumerate(pieces[:4])]  # fmt: skip
    told = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special, "normalizer": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}, "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}},
        "decoder": None, "model": {"type": "Unigram", "unk_id": 3, "vocab": pieces, "byte_fallback": False},
    }  # fmt: skip
    path.write_text(json.dumps(told))
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory, tokenizer):
    rng = np.random.default_rng(0)
    told = json.loads(tokenizer.read_text())

    def matrix(rows, columns):
        return rng.normal(0, 0.5, (rows, columns)).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": matrix(len(told["model"]["vocab"]), HIDDEN),
        "embeddings.position_embeddings.weight": matrix(300, HIDDEN) * 0.1,
        "embeddings.token_type_embeddings.weight": matrix(2, HIDDEN) * 0.1,
        "embeddings.LayerNorm.weight": np.ones(HIDDEN, np.float32),
        "embeddings.LayerNorm.bias": np.zeros(HIDDEN, np.float32),
    }
    dense = {
        "attention.self.query": (HIDDEN, HIDDEN), "attention.self.key": (HIDDEN, HIDDEN), "attention.self.value": (HIDDEN, HIDDEN),
        "attention.output.dense": (HIDDEN, HIDDEN), "intermediate.dense": (WIDE, HIDDEN), "output.dense": (HIDDEN, WIDE),
    }  # fmt: skip
    for layer in range(LAYERS):
        for name, (rows, columns) in dense.items():
            weights[f"encoder.layer.{layer}.{name}.weight"] = matrix(rows, columns)
            weights[f"encoder.layer.{layer}.{name}.bias"] = matrix(1, rows)[0]
        for name in ("attention.output", "output"):
            weights[f"encoder.layer.{layer}.{name}.LayerNorm.weight"] = np.ones(HIDDEN, np.float32)
            weights[f"encoder.layer.{layer}.{name}.LayerNorm.bias"] = np.zeros(HIDDEN, np.float32)
    config = {
        "model_type": "bert", "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": 2, "intermediate_size": WIDE,
        "max_position_embeddings": 300, "layer_norm_eps": 1e-12, "vocab_size": len(told["model"]["vocab"]),
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("base")
    Base(weights=weights, config=config, tokenizer=told).save(folder)
    return folder


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    lines = [
        {"n": number, "text": f"{said} {number}", "lang": "en", "source": "x", "relevant": outcome != "irrelevant",
         "category": None if outcome == "irrelevant" else outcome, "polarity": None if outcome == "irrelevant" else "neutral",
         "aspects": ["speed"] if outcome == "latency" else [], "origin": "written"}
        for number in range(12) for outcome, said in SAID.items()
    ]  # fmt: skip
    (folder / "life-en.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


def gold():
    return [
        GoldPost(line=number, id=None, text=f"{said} today", lang="en", source="x", relevant=outcome != "irrelevant",
                 category=None if outcome == "irrelevant" else Category(outcome), polarity=None, aspects=None)
        for number, (outcome, said) in enumerate(SAID.items())
    ]  # fmt: skip


def test_frozen_heads_learn_what_they_are_shown_and_do_so_anew_only_from_other_posts(
    corpus, base, tokenizer, tmp_path, monkeypatch
):
    monkeypatch.setattr(heads, "STEPS", 20)
    monkeypatch.setattr(heads, "FOLDS", 2)
    steps: list[str] = []
    place = {"corpus": corpus, "base": base, "cache": tmp_path / "cache", "tokenizer": tokenizer}

    first = contenders_e5.frozen_linear(gold(), **place, progress=steps.append)
    taken = len(steps)
    again = contenders_e5.frozen_linear(gold(), **place, progress=steps.append)
    taken_again = len(steps)
    path = corpus / "life-en.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    contenders_e5.frozen_linear(gold(), **place, progress=steps.append)

    assert sum(label.category == post.category for label, post in zip(first, gold(), strict=True)) >= 6
    assert 0 < taken == taken_again < len(steps)
    assert again == first


def test_a_text_that_says_what_a_description_says_gets_its_outcome(base, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(contenders_e5, "DESCRIPTIONS", {outcome: (SAID[outcome],) for outcome in OUTCOMES})

    rows = contenders_e5.zero_shot(list(SAID.values()), base=base, cache=tmp_path, tokenizer=tokenizer)

    assert [max(row, key=row.__getitem__) for row in rows] == list(SAID)
    assert all(sum(row.values()) == pytest.approx(1) for row in rows)


def test_every_outcome_is_described():
    assert set(DESCRIPTIONS) == set(OUTCOMES)


def test_a_checkpoint_that_is_broken_is_a_reason_not_a_crash(corpus, base, tokenizer, tmp_path):
    broken = tmp_path / "base"
    broken.mkdir()
    for path in base.iterdir():
        (broken / path.name).write_bytes(path.read_bytes()[:100])

    with pytest.raises(CanNotRunError, match="can't be read"):
        contenders_e5.zero_shot(["Grok"], base=broken, cache=tmp_path, tokenizer=tokenizer)


def test_a_corpus_that_breaks_the_codebook_is_a_reason_not_a_crash(corpus, base, tmp_path):
    (corpus / "en.jsonl").write_text('{"text": "Grok 5", "relevant": true, "category": "joy"}')

    _, skipped = compare(gold(), corpus=corpus, base=base, cache=tmp_path)

    assert skipped["frozen_e5_linear"].startswith("the training corpus can't be read: en.jsonl:1")
