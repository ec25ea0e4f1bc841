import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the train extra")
ort = pytest.importorskip("onnxruntime")

from classifiers import encoder  # noqa: E402  # after the check for its libraries
from classifiers.training import export, rounding  # noqa: E402  # as above

SHAPE = export.Shape(layers=2, hidden=64, heads=4, epsilon=1e-12)
WIDE, PIECES, PLACES, CUES = 128, 50, 40, 3


def weights(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return rng.normal(0, 0.3, (rows, columns)).astype(np.float32)

    words = rng.integers(-7, 8, (PIECES, 64)).astype(np.float32)
    words[:, :: rounding.BLOCK] = -8  # rows in four bits, as those of the base encoder are
    found = {
        "embeddings.word_embeddings.weight": words / 16,
        "embeddings.position_embeddings.weight": matrix(PLACES, 64),
        "embeddings.token_type_embeddings.weight": matrix(2, 64),
        "embeddings.LayerNorm.weight": np.ones(64, np.float32),
        "embeddings.LayerNorm.bias": matrix(1, 64)[0],
    }
    dense = {
        "attention.self.query": (64, 64), "attention.self.key": (64, 64), "attention.self.value": (64, 64), "attention.output.dense": (64, 64),
        "intermediate.dense": (WIDE, 64), "output.dense": (64, WIDE),
    }  # fmt: skip
    for layer in range(SHAPE.layers):
        for name, (rows, columns) in dense.items():
            found[f"encoder.layer.{layer}.{name}.weight"] = matrix(rows, columns)
            found[f"encoder.layer.{layer}.{name}.bias"] = matrix(1, rows)[0]
        for name in ("attention.output", "output"):
            found[f"encoder.layer.{layer}.{name}.LayerNorm.weight"] = np.ones(64, np.float32)
            found[f"encoder.layer.{layer}.{name}.LayerNorm.bias"] = matrix(1, 64)[0]
    return found


def heads(features: int) -> dict[str, export.Head]:
    rng = np.random.default_rng(1)
    return {
        name: export.Head(
            weight=rng.normal(0, 0.1, (features, size)).astype(np.float32), bias=np.ones(size, np.float32)
        )
        for name, size in (("relevance", 1), ("category", 6))
    }


def session(precision: export.Precision, pooled_layers: tuple[int, ...] = (2,)):
    model = export.build(
        weights(),
        SHAPE,
        heads(64 * (len(pooled_layers) + 1) + CUES),
        pooled_layers=pooled_layers,
        cues=CUES,
        precision=precision,
    )
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def feeds(rows: list[list[int]]) -> dict[str, np.ndarray]:
    width = max(map(len, rows))
    ids = np.array([row + [1] * (width - len(row)) for row in rows])
    mask = np.array([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    named = np.zeros(mask.shape, np.float32)
    named[:, 1] = 1
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "named": named,
        "cues": np.full((len(rows), CUES), 0.5, np.float32),
    }


ROWS = [[0, 7, 9, 30, 2], [0, 5, 2], [0, 11, 12, 13, 14, 15, 16, 17, 49, 2]]


def test_outputs_are_named_after_the_heads():
    relevance, category = session("int8").run(["relevance", "category"], feeds(ROWS))

    assert relevance.shape == (3, 1)
    assert category.shape == (3, 6)


def test_float32_graph_computes_what_transformers_computes():
    torch = pytest.importorskip("torch", reason="needs the train extra")
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=PIECES, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=WIDE,
        max_position_embeddings=PLACES, layer_norm_eps=1e-12, attention_probs_dropout_prob=0, hidden_dropout_prob=0,
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False).eval()
    model.load_state_dict({name: torch.tensor(value) for name, value in weights().items()}, strict=False)
    fed = feeds(ROWS)
    mask = torch.tensor(fed["attention_mask"])
    with torch.inference_mode():
        states = model(
            input_ids=torch.tensor(fed["input_ids"]), attention_mask=mask, output_hidden_states=True
        ).hidden_states
    pooled = [(states[layer] * mask[..., None]).sum(1) / mask.sum(1, keepdim=True) for layer in (2, 0)]
    pooled.append(states[0][:, 1])
    features = np.concatenate([*(pool.numpy() for pool in pooled), fed["cues"]], axis=1)

    (found,) = session("float32", (2, 0)).run(["category"], fed)

    head = heads(64 * 3 + CUES)["category"]
    assert found == pytest.approx(features @ head.weight + head.bias, abs=1e-4)


def test_eight_bits_stay_near_float32():
    exact, rounded = (session(precision).run(["category"], feeds(ROWS))[0] for precision in ("float32", "int8"))

    assert rounded == pytest.approx(exact, abs=0.1)
    assert not np.array_equal(rounded, exact)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_neighbours_and_padding_change_nothing(precision: export.Precision):
    opened = session(precision)
    (together,) = opened.run(["category"], feeds(ROWS))

    alone = np.concatenate([opened.run(["category"], feeds([row]))[0] for row in ROWS])

    assert together == pytest.approx(alone, abs=1e-5)


def test_observed_peaks_are_those_of_the_channels_that_meet_a_matrix():
    peaks = export.observe(weights(), SHAPE, ROWS)

    assert {name: len(values) for name, values in peaks.items() if name.startswith("l1.")} == {
        "l1.qkv": 64, "l1.out": 64, "l1.wide": 64, "l1.narrow": WIDE,
    }  # fmt: skip
    assert all((values >= 0).all() and values.max() > 0 for values in peaks.values())


def rounded_after_observing(peaks: dict[str, np.ndarray]) -> np.ndarray:
    model = export.build(
        weights(), SHAPE, heads(64 * 2 + CUES), pooled_layers=(2,), cues=CUES, precision="int8", peaks=peaks
    )
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(
        ["category"], feeds(ROWS)
    )[0]


def test_rounding_after_observation_stays_near_float32():
    exact = session("float32").run(["category"], feeds(ROWS))[0]

    assert rounded_after_observing(export.observe(weights(), SHAPE, ROWS)) == pytest.approx(exact, abs=0.05)


def test_a_channel_that_was_silent_when_observed_may_speak_up_later():
    observed = export.observe(weights(), SHAPE, ROWS)
    half_silent = {name: np.where(np.arange(len(values)) % 2, values, 0) for name, values in observed.items()}
    exact = session("float32").run(["category"], feeds(ROWS))[0]

    assert rounded_after_observing(half_silent) == pytest.approx(exact, abs=0.1)


def test_rows_that_were_in_four_bits_are_packed_without_loss():
    rng = np.random.default_rng(2)
    scales = rng.uniform(0.01, 0.1, (20, 2, 1)).astype(np.float16).astype(np.float32)
    whole = rng.integers(-7, 8, (20, 2, rounding.BLOCK)).astype(np.float32)
    whole[:, :, 0] = -8
    rows = (whole * scales).reshape(20, -1)

    packed, found = rounding.pack_rows(rows)

    nibbles = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32) - 8
    assert packed.nbytes * 2 == rows.size
    assert (nibbles.reshape(20, 2, -1) * found.astype(np.float32)[..., None]).reshape(20, -1) == pytest.approx(
        rows, abs=1e-6
    )


def test_other_rows_are_packed_to_the_nearest_step():
    rows = np.random.default_rng(3).normal(0, 1, (30, 64)).astype(np.float32)

    packed, scales = rounding.pack_rows(rows)

    nibbles = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32) - 8
    back = (nibbles.reshape(30, 2, -1) * scales.astype(np.float32)[..., None]).reshape(30, -1)
    assert np.abs(back - rows).max() < np.abs(rows).max() / 7


def test_a_row_of_zeros_is_packed():
    packed, scales = rounding.pack_rows(np.zeros((1, 64), np.float32))

    assert (packed == 0x88).all()
    assert (scales == 0).all()


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_the_features_that_the_heads_stand_on_are_given_out(precision: export.Precision):
    category, pooled = session(precision).run(["category", encoder.POOLED], feeds(ROWS))

    head = heads(64 * 2 + CUES)["category"]
    assert pooled.shape == (3, 64 * 2 + CUES)
    assert pooled @ head.weight + head.bias == pytest.approx(category, abs=1e-4)
