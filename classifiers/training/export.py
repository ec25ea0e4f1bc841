"""One ONNX file of an encoder and its heads, in float32 for comparison or in eight bits for shipping.

The graph is written by hand: the same few operators for every model, of kinds that onnxruntime has had for years, and with a choice
that exporters do not offer: activations are quantised by token, not by batch. So a post gets the same label whatever posts stand beside
it, and no padding widens anybody's scale.

A few channels of this encoder's activations are twenty times as large as the others and would leave these hardly any of the 256 steps. They are
divided, and the weights that meet them multiplied, by the same numbers before both are rounded (Xiao et al., "SmoothQuant", ICML 2023), and the very
loudest are multiplied in float32 beside the rest (Dettmers et al., "LLM.int8()", NeurIPS 2022).

The rows of the vocabulary are kept in blocks of 32 four-bit weights with one scale each. This is the very form in which the base encoder is
distributed, so nothing is lost as long as the rows stay frozen, and twice as many pieces fit than in eight bits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from classifiers import encoder

Array = NDArray[np.float32]
Precision = Literal["float32", "int8"]
_TOKENS: Final[dict[str, list[Any]]] = {"input_ids": ["batch", "tokens"], "attention_mask": ["batch", "tokens"]}
OPSET: Final = 18
IR_VERSION: Final = 8
MICROSOFT: Final = "com.microsoft"
BLOCK: Final = 32
"""Weights of a vocabulary row that share a scale."""
LARGEST: Final = 127
"""Quantised weights lie between minus and plus this."""
EASE: Final = 0.5
"""How much of the unevenness of activations goes over to the weights: 0 nothing, 1 all."""
QUIETEST: Final = 0.2
"""The least loudness of a channel, as a part of the mean of all."""
LOUD: Final = 32
"""One channel in this many, the loudest ones, is multiplied in float32 beside the others."""


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
    peaks: Mapping[str, Array] | None = None,
) -> onnx.ModelProto:
    """
    Write the graph `input_ids, attention_mask, named, cues -> one output of logits for each head, and the features (`POOLED`)`.

    Parameters
    ----------
    weights
        A `state_dict` of transformers' BertModel, without pooler.
    heads
        Name of the output -> its layer. The features are the mean over the tokens of each pooled layer, one after the other, the mean of
        the last of them over the tokens that `named` marks, and then the cues.
    pooled_layers
        Layers to take the means of; 0 is the embeddings, `shape.layers` the last.
    cues
        How many numbers a post has beside its text (`classifiers.cues`).
    peaks
        What `observe` found, to round activations with less loss; used by "int8" only.
    """
    graph = _Graph(weights, shape, precision, peaks or {})
    states = graph.states()
    features = graph.features([states[layer] for layer in pooled_layers])
    outputs: dict[str, list[Any]] = {
        graph.head(name, head, features): ["batch", len(head.bias)] for name, head in heads.items()
    }
    outputs[features] = ["batch", (len(pooled_layers) + 1) * shape.hidden + cues]
    return graph.model({**_TOKENS, "named": ["batch", "tokens"], "cues": ["batch", cues]}, outputs)


def observe(weights: Mapping[str, Array], shape: Shape, texts: Iterable[Sequence[int]]) -> dict[str, Array]:
    """
    Find the largest magnitude of every channel that meets a weight matrix, over the tokens of some texts.

    Parameters
    ----------
    texts
        Numbers of pieces, with the special ones.

    Returns
    -------
    dict
        Name of the product in the graph -> one magnitude for each row of its matrix.
    """
    graph = _Graph(weights, shape, "float32", {})
    graph.states()
    peaks: dict[str, str] = {}
    for product in [node for node in graph.nodes if node.op_type == "MatMul"]:
        size = graph.node("Abs", [product.input[0]], f"{product.name}.size")
        peaks[product.name] = graph.node(
            "ReduceMax", [size, graph.constant("tokens_only", np.array([0, 1]))], f"{product.name}.peak", keepdims=0
        )
    model = graph.model(_TOKENS, {peak: ["channels" + peak] for peak in peaks.values()})
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found: dict[str, Array] = {}
    for text in texts:
        ids = np.array([text], np.int64)
        outputs = session.run(list(peaks.values()), {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        for name, values in zip(peaks, outputs, strict=True):
            found[name] = np.maximum(found.get(name, 0), values)
    return found


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


def _ease(peaks: Array, matrix: Array) -> Array:
    """Divide the difficulty of rounding between the channels of the activations and the rows of the weights that they meet."""
    rows = np.abs(matrix).max(1)
    # A channel that was silent on the observed texts may speak up on others: none counts as much quieter than the mean.
    peaks, rows = (np.maximum(values, QUIETEST * values.mean() + 1e-9) for values in (peaks, rows))
    ease = peaks**EASE / rows ** (1 - EASE)
    return (ease / np.exp(np.log(ease).mean())).astype(np.float32)


def _quantise(matrix: Array) -> tuple[NDArray[np.int8], Array]:
    scale = np.maximum(np.abs(matrix).max(0) / LARGEST, 1e-12).astype(np.float32)
    return np.round(matrix / scale).astype(np.int8), scale


class _Graph:
    """Nodes and constants of a graph while it is written."""

    def __init__(
        self, weights: Mapping[str, Array], shape: Shape, precision: Precision, peaks: Mapping[str, Array]
    ) -> None:
        self.weights = weights
        self.peaks = peaks
        self.shape = shape
        self.precision = precision
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(
        self, operator: str, inputs: Sequence[str], output: str, *, domain: str = "", **attributes: float | list[int]
    ) -> str:
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, domain=domain, **attributes))
        return output

    def model(self, inputs: Mapping[str, list[Any]], outputs: Mapping[str, list[Any]]) -> onnx.ModelProto:
        kinds = {name: TensorProto.INT64 if name in _TOKENS else TensorProto.FLOAT for name in inputs}
        written = helper.make_graph(
            self.nodes,
            "grokwatch",
            [helper.make_tensor_value_info(name, kinds[name], sizes) for name, sizes in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in outputs.items()],
            self.constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(written, opset_imports=opsets, ir_version=IR_VERSION, producer_name="grokwatch")
        onnx.checker.check_model(model)
        return model

    def states(self) -> dict[int, str]:
        """Write the encoder; what comes out of each layer, 0 being the embeddings."""
        hidden = self.embeddings()
        found = {0: hidden}
        for layer in range(self.shape.layers):
            hidden = found[layer + 1] = self.layer(layer, hidden)
        return found

    def constant(self, name: str, value: NDArray[Any]) -> str:
        if all(name != known.name for known in self.constants):
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self.weights[name].astype(np.float32))

    def half(self, name: str, value: Array) -> str:
        """Keep a constant in two bytes a number; onnxruntime widens it once, when it loads the file."""
        return self.node("Cast", [self.constant(f"{name}.half", value.astype(np.float16))], name, to=TensorProto.FLOAT)

    def embeddings(self) -> str:
        words = self.weights["embeddings.word_embeddings.weight"]
        if self.precision == "int8":
            word = self.packed_rows(words)
        else:
            word = self.node("Gather", [self.constant("words", words.astype(np.float32)), "input_ids"], "word")
        kinds = self.weights["embeddings.token_type_embeddings.weight"]
        table = self.weights["embeddings.position_embeddings.weight"] + kinds[0]
        places = self.constant("places", table) if self.precision == "float32" else self.half("places", table)
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
        narrow = self.multiply(bent, self.weights[f"{at}.output.dense.weight"].T, f"{to}.narrow")
        return self.norm(narrow, hidden, f"{at}.output", f"{to}.end")

    def norm(self, value: str, skip: str, at: str, output: str) -> str:
        """Layer normalisation of the sum of two values and the bias of the dense layer at `at`."""
        # Not SkipLayerNormalization, which does just this, six times as slowly.
        biased = self.node("Add", [value, self.weight(f"{at}.dense.bias")], f"{output}.biased")
        both = self.node("Add", [biased, skip], f"{output}.sum")
        gamma, beta = self.weight(f"{at}.LayerNorm.weight"), self.weight(f"{at}.LayerNorm.bias")
        return self.node("LayerNormalization", [both, gamma, beta], output, epsilon=self.shape.epsilon)

    def multiply(self, value: str, matrix: Array, name: str) -> str:
        matrix = matrix.astype(np.float32)
        if self.precision == "float32":
            return self.node("MatMul", [value, self.constant(f"{name}.weight", matrix)], name)
        peaks = self.peaks.get(name)
        if peaks is None:
            return self.multiply_bytes(value, matrix, name)
        ease = _ease(peaks, matrix)
        loud = np.sort(np.argsort(-peaks / ease, kind="stable")[: len(matrix) // LOUD])
        quiet = np.ones(len(matrix), np.float32)
        quiet[loud] = 0
        eased = self.node("Mul", [value, self.constant(f"{name}.ease", quiet / ease)], f"{name}.eased")
        most = self.multiply_bytes(eased, matrix * (quiet * ease)[:, None], f"{name}.most")
        picked = self.node("Gather", [value, self.constant(f"{name}.loud", loud)], f"{name}.picked", axis=-1)
        rest = self.node("MatMul", [picked, self.half(f"{name}.loud_weight", matrix[loud])], f"{name}.rest")
        return self.node("Add", [most, rest], name)

    def multiply_bytes(self, value: str, matrix: Array, name: str) -> str:
        """Multiply in integers; each token's values are divided by their largest magnitude first."""
        quantised, scale = _quantise(matrix)
        peak = self.peak(value, name)
        unit = self.node("Div", [value, peak], f"{name}.unit")
        step = self.constant("step", np.array(1 / LARGEST, np.float32))
        origin = self.constant("origin", np.array(LARGEST + 1, np.uint8))
        inputs = [
            self.node("QuantizeLinear", [unit, step, origin], f"{name}.bytes"),
            self.constant(f"{name}.weight", quantised),
            step,
            self.constant(f"{name}.scale", scale),
            origin,
            self.constant(f"{name}.origin", np.zeros(len(scale), np.int8)),
        ]
        product = self.node("MatMulIntegerToFloat", inputs, f"{name}.product", domain=MICROSOFT)
        return self.node("Mul", [product, peak], name)

    def peak(self, value: str, name: str) -> str:
        """Largest magnitude of each token's values."""
        axes = self.constant("last", np.array([-1]))
        top = self.node("ReduceMax", [value, axes], f"{name}.top", keepdims=1)
        bottom = self.node("ReduceMin", [value, axes], f"{name}.bottom", keepdims=1)
        depth = self.node("Neg", [bottom], f"{name}.depth")
        return self.node("Max", [top, depth, self.constant("tiny", np.array(1e-6, np.float32))], f"{name}.peak")

    def features(self, states: Sequence[str]) -> str:
        every = self.node("Cast", ["attention_mask"], "mask_float", to=TensorProto.FLOAT)
        pools = [self.mean(state, every, "mean") for state in states]
        return self.node(
            "Concat", [*pools, self.mean(states[-1], "named", "named_mean"), "cues"], encoder.POOLED, axis=-1
        )

    def mean(self, state: str, members: str, name: str) -> str:
        """Mean of a state over the tokens that `members` marks with one."""
        middle, output = self.constant("middle", np.array([1])), f"{state}.{name}"
        row = self.node("Unsqueeze", [members, middle], f"{output}.members")
        count = self.node("ReduceSum", [row, self.constant("last", np.array([-1]))], f"{output}.count", keepdims=1)
        share = self.node("Div", [row, count], f"{output}.share")
        mean = self.node("MatMul", [share, state], f"{output}.row")
        return self.node("Squeeze", [mean, middle], output)

    def head(self, name: str, head: Head, features: str) -> str:
        weight = self.constant(f"head.{name}.weight", head.weight.astype(np.float32))
        return self.node(
            "Gemm", [features, weight, self.constant(f"head.{name}.bias", head.bias.astype(np.float32))], name
        )
