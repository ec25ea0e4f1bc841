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
from classifiers.training import rounding

Array = NDArray[np.float32]
Precision = Literal["float32", "int8"]
_TOKENS: Final[dict[str, list[Any]]] = {"input_ids": ["batch", "tokens"], "attention_mask": ["batch", "tokens"]}
OPSET: Final = 18
IR_VERSION: Final = 8
MICROSOFT: Final = "com.microsoft"


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
            "ReduceMax", [size, graph.constant("tokens_only", np.array([0]))], f"{product.name}.peak", keepdims=0
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
        self,
        operator: str,
        inputs: Sequence[str],
        output: str,
        *,
        domain: str = "",
        **attributes: float | list[int] | onnx.TensorProto,
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
        """Write the encoder; what comes out of each layer, 0 being the embeddings, a row for each token of the batch."""
        embedded = self.embeddings()
        last = self.constant("last", np.array([-1]))
        self.node("Concat", [self.node("Shape", ["input_ids"], "sizes"), last], "by_text", axis=0)
        hidden = self.rows(embedded, "rows")
        if self.precision == "int8":
            origin = numpy_helper.from_array(np.array([rounding.ORIGIN], np.uint8))
            self.node(
                "ConstantOfShape", [self.node("Shape", [hidden], "row_count", end=1)], "row_origins", value=origin
            )
        found = {0: hidden}
        for layer in range(self.shape.layers):
            hidden = found[layer + 1] = self.layer(layer, hidden)
        return found

    def rows(self, value: str, output: str) -> str:
        """Put the tokens of all texts below each other."""
        return self.node(
            "Reshape", [value, self.constant("as_rows_of_tokens", np.array([-1, self.shape.hidden]))], output
        )

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
        packed, scales = rounding.pack_rows(words)
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
        blocks = self.node(
            "Reshape", [signed, self.constant("as_blocks", np.array([0, 0, -1, rounding.BLOCK]))], "blocks"
        )
        scaled = self.node("Mul", [blocks, scale], "scaled")
        return self.node("Reshape", [scaled, self.constant("as_rows", np.array([0, 0, self.shape.hidden]))], "word")

    def layer(self, number: int, hidden: str) -> str:
        at, to = f"encoder.layer.{number}", f"l{number}"
        parts = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
        matrices = [self.matrix(part) for part in parts]
        biases = [self.weights[f"{part}.bias"].astype(np.float32) for part in parts]
        outward = self.matrix(f"{at}.attention.output.dense")
        if self.precision == "int8" and (peaks := self.peaks.get(f"{to}.out")) is not None:
            # What attention gives out is a mean of values: easing the values eases it, at no cost.
            ease = rounding.ease(peaks, outward)
            matrices[2], biases[2], outward = matrices[2] / ease, biases[2] / ease, outward * ease[:, None]
        (projected,) = self.ease_and_multiply(hidden, {f"{to}.qkv": np.concatenate(matrices, axis=1)})
        projected = self.node("Reshape", [projected, "by_text"], f"{to}.qkv.by_text")
        split = [f"{to}.q", f"{to}.k", f"{to}.v"]
        self.nodes.append(helper.make_node("Split", [projected], split, name=f"{to}.split", axis=-1, num_outputs=3))
        bias = self.constant(f"{to}.qkv.bias", np.concatenate(biases))
        attended = self.node(
            "MultiHeadAttention", [*split, bias, "mask"], f"{to}.attended", domain=MICROSOFT, num_heads=self.shape.heads
        )
        out = self.multiply(self.rows(attended, f"{to}.attended.rows"), outward, f"{to}.out")
        hidden = self.norm(out, hidden, f"{at}.attention.output", f"{to}.middle")
        narrow = self.feed_forward(hidden, at, to)
        return self.norm(narrow, hidden, f"{at}.output", f"{to}.end")

    def feed_forward(self, hidden: str, at: str, to: str) -> str:
        wide, bias = self.matrix(f"{at}.intermediate.dense"), self.weights[f"{at}.intermediate.dense.bias"]
        narrow = self.matrix(f"{at}.output.dense")
        peaks = self.peaks.get(f"{to}.narrow") if self.precision == "int8" else None
        if peaks is None:
            (product,) = self.ease_and_multiply(hidden, {f"{to}.wide": wide})
            return self.multiply(self.bend(product, bias, to), narrow, f"{to}.narrow")
        # The loudest neurons are computed beside the others from the start, so that nothing has to be picked out.
        ease = rounding.ease(peaks, narrow)
        loud = rounding.loudest(peaks / ease)
        quiet = np.setdiff1d(np.arange(len(peaks)), loud)
        most, rest = self.ease_and_multiply(hidden, {f"{to}.wide": wide[:, quiet], f"{to}.wide_loud": wide[:, loud]})
        beside = (self.bend(rest, bias[loud], f"{to}.loud"), narrow[loud])
        bent = self.bend(most, bias[quiet], to)
        eased = self.node("Mul", [bent, self.constant(f"{to}.narrow.ease", 1 / ease[quiet])], f"{to}.narrow.eased")
        return self.multiply(eased, narrow[quiet] * ease[quiet, None], f"{to}.narrow", beside)

    def bend(self, value: str, bias: Array, to: str) -> str:
        """Add the bias and bend."""
        constant = self.constant(f"{to}.bias", bias.astype(np.float32))
        return self.node("BiasGelu", [value, constant], f"{to}.gelu", domain=MICROSOFT)

    def matrix(self, name: str) -> Array:
        return self.weights[f"{name}.weight"].T.astype(np.float32)

    def norm(self, value: str, skip: str, at: str, output: str) -> str:
        """Layer normalisation of the sum of two values and the bias of the dense layer at `at`."""
        # Not SkipLayerNormalization, which does just this, six times as slowly.
        biased = self.node("Add", [value, self.weight(f"{at}.dense.bias")], f"{output}.biased")
        both = self.node("Add", [biased, skip], f"{output}.sum")
        gamma, beta = self.weight(f"{at}.LayerNorm.weight"), self.weight(f"{at}.LayerNorm.bias")
        return self.node("LayerNormalization", [both, gamma, beta], output, epsilon=self.shape.epsilon)

    def ease_and_multiply(self, value: str, matrices: Mapping[str, Array]) -> list[str]:
        """Multiply one value with several matrices, its channels eased and the loudest ones split off; the first matrix names the peaks."""
        name, whole = next(iter(matrices)), np.concatenate(list(matrices.values()), axis=1)
        peaks = self.peaks.get(name)
        if self.precision == "float32" or peaks is None:
            shared = None if self.precision == "float32" else self.bytes(value, name)
            return [self.multiply(value, matrix, each, shared=shared) for each, matrix in matrices.items()]
        ease = rounding.ease(peaks, whole)
        loud = rounding.loudest(peaks / ease)
        quiet = np.ones(len(whole), np.float32)
        quiet[loud] = 0
        eased = self.node("Mul", [value, self.constant(f"{name}.ease", quiet / ease)], f"{name}.eased")
        picked = self.node("Gather", [value, self.constant(f"{name}.loud", loud)], f"{name}.picked", axis=-1)
        shared = self.bytes(eased, name)
        return [
            self.multiply(eased, matrix * (quiet * ease)[:, None], each, (picked, matrix[loud]), shared=shared)
            for each, matrix in matrices.items()
        ]

    def multiply(
        self,
        value: str,
        matrix: Array,
        name: str,
        beside: tuple[str, Array] | None = None,
        *,
        shared: tuple[str, str] | None = None,
    ) -> str:
        """Multiply in the graph's precision, and add a product in float32 beside it; `shared` is what `bytes` made of the value."""
        if self.precision == "float32":
            return self.node("MatMul", [value, self.constant(f"{name}.weight", matrix)], name)
        quantised, scale = rounding.quantise(matrix)
        rounded, step = shared or self.bytes(value, name)
        inputs = [
            rounded,
            self.constant(f"{name}.weight", quantised),
            self.constant("one_step", np.array(1, np.float32)),
            self.constant(f"{name}.scale", scale),
            self.constant("origin", np.array(rounding.ORIGIN, np.uint8)),
            self.constant(f"{name}.origin", np.zeros(len(scale), np.int8)),
        ]
        product = self.node("MatMulIntegerToFloat", inputs, f"{name}.product", domain=MICROSOFT)
        if beside is None:
            return self.node("Mul", [product, step], name)
        most = self.node("Mul", [product, step], f"{name}.most")
        return self.node("Gemm", [beside[0], self.half(f"{name}.loud_weight", beside[1]), most], name)

    def bytes(self, value: str, name: str) -> tuple[str, str]:
        """Round each token's values to steps of its own; give the bytes, and a column of the steps."""
        axes = self.constant("last", np.array([-1]))
        top = self.node("ReduceMax", [value, axes], f"{name}.top", keepdims=0)
        bottom = self.node("ReduceMin", [value, axes], f"{name}.bottom", keepdims=0)
        depth = self.node("Neg", [bottom], f"{name}.depth")
        peak = self.node("Max", [top, depth, self.constant("tiny", np.array(1e-6, np.float32))], f"{name}.peak")
        step = self.node(
            "Mul", [peak, self.constant("per_step", np.array(1 / rounding.LARGEST, np.float32))], f"{name}.step"
        )
        rounded = self.node("QuantizeLinear", [value, step, "row_origins"], f"{name}.bytes", axis=0)
        return rounded, self.node("Unsqueeze", [step, axes], f"{name}.steps")

    def features(self, states: Sequence[str]) -> str:
        every = self.node("Cast", ["attention_mask"], "mask_float", to=TensorProto.FLOAT)
        states = [self.node("Reshape", [state, "by_text"], f"{state}.by_text") for state in states]
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
