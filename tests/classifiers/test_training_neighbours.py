"""The sketch of the training posts, made with a small encoder of random weights that reads the shipped vocabulary."""

import hashlib
import json
import shutil

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the train extra")

from classifiers import cues, encoder, neighbours
from classifiers.base import Document
from classifiers.codebook import Aspect, Category, Polarity
from classifiers.explain import explain
from classifiers.training import export
from classifiers.training import neighbours as training
from classifiers.training.corpus import Example

PIECES, HIDDEN = 151_000, 32
SIZES = {"relevance": 1, "category": len(Category), "polarity": len(Polarity), "aspects": len(Aspect)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder as the shipped one, whose weights are small and random."""
    place = tmp_path_factory.mktemp("model")
    rng = np.random.default_rng(0)

    def matrix(*shape):
        return rng.normal(0, 0.2, shape).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": matrix(PIECES, HIDDEN),
        "embeddings.position_embeddings.weight": matrix(200, HIDDEN),
        "embeddings.token_type_embeddings.weight": matrix(2, HIDDEN),
        "embeddings.LayerNorm.weight": np.ones(HIDDEN, np.float32),
        "embeddings.LayerNorm.bias": matrix(HIDDEN),
    }
    features = 2 * HIDDEN + len(cues.NAMES)
    heads = {name: export.Head(weight=matrix(features, size), bias=matrix(size)) for name, size in SIZES.items()}
    shape = export.Shape(layers=0, hidden=HIDDEN, heads=2, epsilon=1e-12)
    graph = export.build(
        weights, shape, heads, pooled_layers=(0,), cues=len(cues.NAMES), precision="int8"
    ).SerializeToString()
    (place / encoder.WEIGHTS).write_bytes(graph)
    shutil.copy(encoder.SHIPPED / encoder.TOKENIZER, place)
    description = {
        "version": "small-1", "sha256": hashlib.sha256(graph).hexdigest(), "max_tokens": 64, "prefix": "query: ", "cues": cues.NAMES,
        "temperatures": dict.fromkeys(SIZES, 1.0), "relevance_threshold": 0.5, "aspect_thresholds": dict.fromkeys(Aspect, 0.5),
        "metrics": {},
    }  # fmt: skip
    (place / encoder.DESCRIPTION).write_text(json.dumps(description))
    return place


@pytest.fixture(scope="module")
def examples():
    things = ["the train", "my garden", "a recipe for soup", "Grok", "the weather in Lisbon", "this football match"]
    return [
        Example(
            file=f"{number % 2}.jsonl", line=number // 2 + 1, text=f"{things[number % 6]} was number {number} of all that I saw",
            lang="en", source="x", relevant=False, category=None, polarity=None, aspects=frozenset(),
        )
        for number in range(60)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, examples):
    place = tmp_path_factory.mktemp("corpus")
    for name in ("0.jsonl", "1.jsonl"):
        rows = [{"text": one.text, "lang": "en", "category": None} for one in examples if one.file == name]
        (place / name).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def model(folder, examples):
    training.build(folder, examples, threads=1, progress=lambda _: None)
    return encoder.load(folder, threads=1)


def test_a_training_post_is_its_own_nearest_neighbour(model, examples, corpus):
    sketch = neighbours.read(model.folder, model.card.sha256)
    for one in examples[::7]:
        (features,) = model.features([one.text])
        found = neighbours.nearest(features, sketch, corpus=corpus).posts

        assert found[0].text == one.text
        assert found[0].similarity > 0.99


def test_eighty_axes_in_eight_bits_keep_the_neighbours(model, examples):
    exact = model.features([one.text for one in examples])
    centred = exact - exact.mean(0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    sketch = training.sketch(examples, exact.astype(np.float32), sha256="0" * 64)
    turned = sketch.points.astype(np.float32)
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)

    assert turned @ turned.T == pytest.approx(unit @ unit.T, abs=0.03)


def test_an_explanation_shows_them(model, monkeypatch, corpus):
    monkeypatch.setattr(neighbours.nearest, "__kwdefaults__", neighbours.nearest.__kwdefaults__ | {"corpus": corpus})

    found = explain(model, Document(text="the train was late"), nearest=lambda text: neighbours.of(model, text))

    assert len(found.neighbourhood.posts) == 3
    assert "the train" in found.neighbourhood.posts[0].text


def test_seventeen_thousand_posts_stay_under_two_megabytes(tmp_path, examples):
    rng = np.random.default_rng(0)
    many = [examples[number % 60] for number in range(17_000)]
    features = rng.normal(0, 1, (17_000, 785)).astype(np.float32)

    path = neighbours.write(training.sketch(many, features, sha256="0" * 64), tmp_path)

    assert path.stat().st_size < training.LARGEST_FILE


def test_weights_without_the_output_still_label_and_say_so(folder, examples, tmp_path):
    import onnx

    graph = onnx.load(str(folder / encoder.WEIGHTS))
    kept = [output for output in graph.graph.output if output.name != encoder.POOLED]
    del graph.graph.output[:]
    graph.graph.output.extend(kept)
    older = tmp_path / "older"
    shutil.copytree(folder, older)
    weights = graph.SerializeToString()
    (older / encoder.WEIGHTS).write_bytes(weights)
    description = json.loads((folder / encoder.DESCRIPTION).read_text())
    (older / encoder.DESCRIPTION).write_text(json.dumps(description | {"sha256": hashlib.sha256(weights).hexdigest()}))

    model = encoder.load(older, threads=1)
    (label,) = model.label([Document(text="Grok is slow")])

    assert 0 < label.p_relevant < 1
    assert model.features(["Grok is slow"]) is None
    assert "other weights" in neighbours.of(model, "Grok is slow").missing
    with pytest.raises(ValueError, match="gives out no features"):
        training.build(older, examples[:1], threads=1, progress=lambda _: None)
