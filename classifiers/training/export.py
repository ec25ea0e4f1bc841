"""One ONNX file of an encoder and its heads, in float32 for comparison or in eight bits for shipping.

The graph is written by hand: the same few operators for every model, of kinds that onnxruntime has had for years, and with a choice
that exporters do not offer: activations are quantised by token, not by batch. So a post gets the same label whatever posts stand beside
it, and no padding widens anybody's scale.

The rows of the vocabulary are kept in blocks of 32 four-bit weights with one scale each. This is the very form in which the base encoder is
distributed, so nothing is lost as long as the rows stay frozen, and twice as many pieces fit than in eight bits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[np.float32]
Precision = Literal["float32", "int8"]
OPSET: Final = 18
IR_VERSION: Final = 8
MICROSOFT: Final = "com.microsoft"
BLOCK: Final = 32
"""Weights of a vocabulary row that share a scale."""
LARGEST: Final = 127
"""Quantised weights lie between minus and plus this."""
GELU_ZERO: Final = 28
"""Where zero lies in the quantised output of GELU, which never falls below -0.17: most of the range is for what is above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A linear layer over the features: `weight` (features, answers), `bias` (answers,)."""

    weight: Array
    bias: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of a BERT encoder, as in its config.json."""

    layers: int
    hidden: int
    heads: int
    epsilon: float

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Shape":
        """Read the sizes from a configuration of `transformers`."""
        return cls(
            layers=config["num_hidden_layers"],
            hidden=config["hidden_size"],
            heads=config["num_attention_heads"],
            epsilon=config["layer_norm_eps"],
        )


def build(
    weights: Mapping[str, Array],
    shape: Shape,
    heads: Mapping[str, Head],
    *,
    pooled_layers: Sequence[int],
    cues: int,
    precision: Precision,
) -> onnx.ModelProto:
    """
    Write the graph `input_ids, attention_mask, cues -> one output of logits for each head`.

    Parameters
    ----------
    weights
        A `state_dict` of transformers' BertModel, without pooler.
    heads
        Name of the output -> its layer. The features are the mean over the tokens of each pooled layer, one after the other, and then the cues.
    pooled_layers
        Layers to take the means of; 0 is the embeddings, `shape.layers` the last.
    cues
        How many numbers a post has beside its text (`classifiers.cues`).
    """
    graph = _Graph(weights, shape, precision)
    hidden = graph.embeddings()
    states = {0: hidden}
    for layer in range(shape.layers):
        hidden = states[layer + 1] = graph.layer(layer, hidden)
    features = graph.features([states[layer] for layer in pooled_layers])
    outputs = [graph.head(name, head, features) for name, head in heads.items()]
    graph_inputs = [
        helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"]),
        helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "tokens"]),
        helper.make_tensor_value_info("cues", TensorProto.FLOAT, ["batch", cues]),
    ]
    graph_outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", len(heads[name].bias)]) for name in outputs
    ]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "grokwatch", graph_inputs, graph_outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)],
        ir_version=IR_VERSION,
        producer_name="grokwatch",
    )
    onnx.checker.check_model(model)
    return model


def pack_rows(rows: Array) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """
    Pack rows into four bits a weight.

    Returns
    -------
    packed : (rows, columns / 2)
        Low nibbles hold the first half of a row, high nibbles the second, each weight plus eight.
    scales : (rows, columns / 32)
        What a block of 32 weights is multiplied by.
    """
    blocks = rows.reshape(len(rows), -1, BLOCK)
    # A row that was in four bits before is found again exactly: its largest weight is then -8 or +-7 times the scale.
    peak = np.take_along_axis(blocks, np.abs(blocks).argmax(2)[..., None], 2)[..., 0]
    best_scale = np.zeros(peak.shape, np.float32)
    best_error = np.full(peak.shape, np.inf)
    for steps in (-8.0, -7.0, 7.0):
        scale = (peak / steps).astype(np.float16).astype(np.float32)
        step = np.where(scale == 0, 1, scale)[..., None]
        error = ((np.clip(np.round(blocks / step), -8, 7) * scale[..., None] - blocks) ** 2).sum(2)
        best_scale = np.where(error < best_error, scale, best_scale)
        best_error = np.minimum(error, best_error)
    step = np.where(best_scale == 0, 1, best_scale)[..., None]
    nibbles = (np.clip(np.round(blocks / step), -8, 7) + 8).astype(np.uint8).reshape(len(rows), -1)
    half = nibbles.shape[1] // 2
    return nibbles[:, :half] | (nibbles[:, half:] << 4), best_scale.astype(np.float16)


def _quantise(matrix: Array) -> tuple[NDArray[np.int8], Array]:
    scale = np.maximum(np.abs(matrix).max(0) / LARGEST, 1e-12).astype(np.float32)
    return np.round(matrix / scale).astype(np.int8), scale


class _Graph:
    """Nodes and constants of a graph while it is written."""

    def __init__(self, weights: Mapping[str, Array], shape: Shape, precision: Precision) -> None:
        self.weights = weights
        self.shape = shape
        self.precision = precision
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(
        self, operator: str, inputs: Sequence[str], output: str, *, domain: str = "", **attributes: float | list[int]
    ) -> str:
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, domain=domain, **attributes))
        return output

    def constant(self, name: str, value: NDArray[Any]) -> str:
        if all(name != known.name for known in self.constants):
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self.weights[name].astype(np.float32))

    def embeddings(self) -> str:
        words = self.weights["embeddings.word_embeddings.weight"]
        if self.precision == "int8":
            word = self.packed_rows(words)
        else:
            word = self.node("Gather", [self.constant("words", words.astype(np.float32)), "input_ids"], "word")
        kinds = self.weights["embeddings.token_type_embeddings.weight"]
        places = self.constant("places", self.weights["embeddings.position_embeddings.weight"] + kinds[0])
        zero, one = self.constant("zero", np.array([0])), self.constant("one", np.array([1]))
        size = self.node("Shape", ["input_ids"], "tokens", start=1)
        place = self.node("Slice", [places, zero, size, zero, one], "place")
        gamma, beta = self.weight("embeddings.LayerNorm.weight"), self.weight("embeddings.LayerNorm.bias")
        self.node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
        placed = self.node("Add", [word, place], "placed")
        return self.node("LayerNormalization", [placed, gamma, beta], "embedded", epsilon=self.shape.epsilon)

    def packed_rows(self, words: Array) -> str:
        packed, scales = pack_rows(words)
        taken = self.node("Gather", [self.constant("words", packed), "input_ids"], "packed")
        scale = self.node("Gather", [self.constant("word_scales", scales), "input_ids"], "scale_half")
        scale = self.node("Cast", [scale], "scale_flat", to=TensorProto.FLOAT)
        scale = self.node("Unsqueeze", [scale, self.constant("last", np.array([-1]))], "scale")
        sixteen = self.constant("sixteen", np.array(16, np.uint8))
        high = self.node("Div", [taken, sixteen], "high")
        low = self.node("Mod", [taken, sixteen], "low")
        both = self.node("Concat", [low, high], "nibbles", axis=-1)
        whole = self.node("Cast", [both], "nibbles_float", to=TensorProto.FLOAT)
        signed = self.node("Sub", [whole, self.constant("eight", np.array(8, np.float32))], "signed")
        blocks = self.node("Reshape", [signed, self.constant("as_blocks", np.array([0, 0, -1, BLOCK]))], "blocks")
        scaled = self.node("Mul", [blocks, scale], "scaled")
        return self.node("Reshape", [scaled, self.constant("as_rows", np.array([0, 0, self.shape.hidden]))], "word")

    def layer(self, number: int, hidden: str) -> str:
        at, to = f"encoder.layer.{number}", f"l{number}"
        parts = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
        matrix = np.concatenate([self.weights[f"{part}.weight"].T for part in parts], axis=1)
        bias = self.constant(
            f"{to}.qkv.bias", np.concatenate([self.weights[f"{part}.bias"] for part in parts]).astype(np.float32)
        )
        projected = self.multiply(hidden, matrix, f"{to}.qkv")
        split = [f"{to}.q", f"{to}.k", f"{to}.v"]
        self.nodes.append(helper.make_node("Split", [projected], split, name=f"{to}.split", axis=-1, num_outputs=3))
        attended = self.node(
            "MultiHeadAttention", [*split, bias, "mask"], f"{to}.attended", domain=MICROSOFT, num_heads=self.shape.heads
        )
        out = self.multiply(attended, self.weights[f"{at}.attention.output.dense.weight"].T, f"{to}.out")
        hidden = self.norm(out, hidden, f"{at}.attention.output", f"{to}.middle")
        wide = self.multiply(hidden, self.weights[f"{at}.intermediate.dense.weight"].T, f"{to}.wide")
        bent = self.node(
            "BiasGelu", [wide, self.weight(f"{at}.intermediate.dense.bias")], f"{to}.gelu", domain=MICROSOFT
        )
        narrow = self.multiply(bent, self.weights[f"{at}.output.dense.weight"].T, f"{to}.narrow", after_gelu=True)
        return self.norm(narrow, hidden, f"{at}.output", f"{to}.end")

    def norm(self, value: str, skip: str, at: str, output: str) -> str:
        """Layer normalisation of the sum of two values and the bias of the dense layer at `at`."""
        # Not SkipLayerNormalization, which does just this, six times as slowly.
        biased = self.node("Add", [value, self.weight(f"{at}.dense.bias")], f"{output}.biased")
        both = self.node("Add", [biased, skip], f"{output}.sum")
        gamma, beta = self.weight(f"{at}.LayerNorm.weight"), self.weight(f"{at}.LayerNorm.bias")
        return self.node("LayerNormalization", [both, gamma, beta], output, epsilon=self.shape.epsilon)

    def multiply(self, value: str, matrix: Array, name: str, *, after_gelu: bool = False) -> str:
        if self.precision == "float32":
            return self.node("MatMul", [value, self.constant(f"{name}.weight", matrix.astype(np.float32))], name)
        quantised, scale = _quantise(matrix.astype(np.float32))
        zero = GELU_ZERO if after_gelu else 128
        peak = self.peak(value, name, signed=not after_gelu)
        unit = self.node("Div", [value, peak], f"{name}.unit")
        step = self.constant(f"step.{zero}", np.array(1 / (255 - zero), np.float32))
        origin = self.constant(f"origin.{zero}", np.array(zero, np.uint8))
        bytes_ = self.node("QuantizeLinear", [unit, step, origin], f"{name}.bytes")
        inputs = [
            bytes_, self.constant(f"{name}.weight", quantised), step, self.constant(f"{name}.scale", scale),
            origin, self.constant(f"{name}.origin", np.zeros(len(scale), np.int8)),
        ]  # fmt: skip
        product = self.node("MatMulIntegerToFloat", inputs, f"{name}.product", domain=MICROSOFT)
        return self.node("Mul", [product, peak], name)

    def peak(self, value: str, name: str, *, signed: bool) -> str:
        """Largest magnitude of each token's values."""
        axes = self.constant("last", np.array([-1]))
        top = self.node("ReduceMax", [value, axes], f"{name}.top", keepdims=1)
        if signed:
            bottom = self.node("ReduceMin", [value, axes], f"{name}.bottom", keepdims=1)
            top = self.node("Max", [top, self.node("Neg", [bottom], f"{name}.depth")], f"{name}.span")
        return self.node("Max", [top, self.constant("tiny", np.array(1e-6, np.float32))], f"{name}.peak")

    def features(self, states: Sequence[str]) -> str:
        weight = self.node("Cast", ["attention_mask"], "mask_float", to=TensorProto.FLOAT)
        wide = self.node("Unsqueeze", [weight, self.constant("middle", np.array([1]))], "mask_row")
        count = self.node("ReduceSum", [wide, self.constant("last", np.array([-1]))], "mask_count", keepdims=1)
        share = self.node("Div", [wide, count], "mask_share")
        pools: list[str] = []
        for state in states:
            mean = self.node("MatMul", [share, state], f"{state}.mean_row")
            pools.append(self.node("Squeeze", [mean, self.constant("middle", np.array([1]))], f"{state}.mean"))
        return self.node("Concat", [*pools, "cues"], "head_input", axis=-1)

    def head(self, name: str, head: Head, features: str) -> str:
        weight = self.constant(f"head.{name}.weight", head.weight.astype(np.float32))
        return self.node(
            "Gemm", [features, weight, self.constant(f"head.{name}.bias", head.bias.astype(np.float32))], name
        )
