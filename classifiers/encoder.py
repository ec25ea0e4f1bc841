"""The shipped model: a multilingual encoder with linear heads in one ONNX file, run on the CPU, nothing downloaded."""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from classifiers import cues, language, rivals
from classifiers.base import ClassifierError, Document, Label, ModelCard
from classifiers.calibration import softmax
from classifiers.codebook import Aspect, Category, Polarity
from classifiers.text import normalise

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

SHIPPED: Final = Path(__file__).parent / "model"
WEIGHTS: Final = "model.onnx"
TOKENIZER: Final = "tokenizer.json"
DESCRIPTION: Final = "model.json"
POOLED: Final = "pooled"
"""The graph's output that is no head: the features that the heads stand on. Folders written before 2026-11-25 lack it."""

WINDOW: Final = 1024
"""Documents that are held at a time; their texts are sorted by length, so that a batch pads little."""
BATCH_TOKENS: Final = 384
"""Tokens of a batch, padding included: more would not fit into a core's cache and be slower."""
REMEMBERED: Final = 8192
"""Texts whose answers are kept, so that a repeated text is labelled once."""

_MEND: Final = "Install Grokwatch again, or name the folder of another model."
_PAD: Final = 1

Answers = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What `model.json` says about the weights beside it.

    `temperatures` divide a head's logits before they become probabilities. A post is called relevant from the probability `relevance_threshold` on,
    an aspect named from `aspect_thresholds` on. `prefix` stands before every text, as the base encoder was trained; `cues` names the numbers that the weights expect
    beside the text.
    """

    version: str
    sha256: str
    max_tokens: int
    prefix: str
    cues: tuple[str, ...]
    temperatures: Mapping[str, float]
    relevance_threshold: float
    aspect_thresholds: tuple[float, ...]
    metrics: Mapping[str, float]


def load(folder: Path | None = None, *, threads: int | None = None) -> "EncoderClassifier":
    """
    Open a model.

    Parameters
    ----------
    folder
        Holds `model.onnx`, `tokenizer.json` and `model.json`; None for the model that Grokwatch ships.
    threads
        How many processor threads may work on a batch; None for all cores.

    Raises
    ------
    ClassifierError
        If a file is missing, damaged or not the one that `model.json` was written for.
    """
    return EncoderClassifier(folder or SHIPPED, threads=threads)


class EncoderClassifier:
    """A `Classifier` on one ONNX file. Use `load`."""

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        self.folder = folder
        self.description = _description(folder / DESCRIPTION)
        weights = _bytes(folder / WEIGHTS)
        if hashlib.sha256(weights).hexdigest() != self.description.sha256:
            raise ClassifierError(f"The model file {folder / WEIGHTS} is damaged", mend=_MEND)
        if self.description.cues != cues.NAMES:
            raise ClassifierError(f"The model in {folder} was made for another version of Grokwatch", mend=_MEND)
        self._encoder = Encoder(
            weights,
            folder / TOKENIZER,
            max_tokens=self.description.max_tokens,
            prefix=self.description.prefix,
            threads=threads,
        )
        self._answered: OrderedDict[str, _Answer] = OrderedDict()

    @property
    def card(self) -> ModelCard:
        """The model behind the labels."""
        about = self.description
        return ModelCard(version=about.version, sha256=about.sha256, metrics=about.metrics)

    def label(self, documents: Iterable[Document]) -> Iterator[Label]:
        """Yield one label a document, in the order given."""
        source = iter(documents)
        while window := list(islice(source, WINDOW)):
            texts = [normalise(document.text) for document in window]
            answers = self._answers(texts)
            for document, text in zip(window, texts, strict=True):
                yield self._label(answers[text], text, document.lang)

    def features(self, texts: Sequence[str]) -> NDArray[np.float64] | None:
        """Give what the heads see of each text, one row a text; None where the weights were written without that output."""
        return self._encoder.features([normalise(text) for text in texts])

    def _answers(self, texts: Sequence[str]) -> dict[str, "_Answer"]:
        known = {text: self._answered[text] for text in texts if text in self._answered}
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        if fresh:
            known.update(zip(fresh, self._interpret(self._encoder.logits(fresh)), strict=True))
        for text in dict.fromkeys(texts):
            # Long texts hardly ever repeat, and would fill the memory.
            if len(text) <= cues.FOCUS_FROM:
                self._answered[text] = known[text]
                self._answered.move_to_end(text)
        while len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)
        return known

    def _interpret(self, logits: Answers) -> Iterator["_Answer"]:
        about = self.description
        relevant = 1 / (1 + np.exp(-logits["relevance"][:, 0] / about.temperatures["relevance"]))
        categories = softmax(logits["category"], temperature=about.temperatures["category"])
        polarities = logits["polarity"].argmax(axis=1)
        aspects = 1 / (1 + np.exp(-logits["aspects"] / about.temperatures["aspects"])) >= np.array(
            about.aspect_thresholds
        )
        for p_relevant, shares, polarity, named in zip(relevant, categories, polarities, aspects, strict=True):
            yield _Answer(
                p_relevant=float(p_relevant),
                probabilities={category: float(share) for category, share in zip(Category, shares, strict=True)},
                polarity=tuple(Polarity)[int(polarity)],
                aspects=tuple(aspect for aspect, is_named in zip(Aspect, named, strict=True) if is_named),
            )

    def _label(self, answer: "_Answer", text: str, hint: str | None) -> Label:
        relevant = bool(text) and answer.p_relevant >= self.description.relevance_threshold
        return Label(
            relevant=relevant,
            # Nothing is about nothing: a text that was only markup or control characters.
            p_relevant=answer.p_relevant if text else 0.0,
            category=max(answer.probabilities, key=lambda category: answer.probabilities[category])
            if relevant
            else None,
            probabilities=answer.probabilities,
            polarity=answer.polarity if relevant else None,
            aspects=answer.aspects if relevant else (),
            mentions=rivals.find(text),
            lang=language.detect(text, hint),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the heads say of a text, once probabilities."""

    p_relevant: float
    probabilities: Mapping[Category, float]
    polarity: Polarity
    aspects: tuple[Aspect, ...]


class Encoder:
    """Weights and tokenizer: texts in, logits of every head out."""

    def __init__(
        self, weights: bytes, tokenizer: Path, *, max_tokens: int, prefix: str, threads: int | None = None
    ) -> None:
        self._prefix = prefix
        self._tokenizer = read_tokenizer(tokenizer, max_tokens=max_tokens)
        self._session = _session(weights)
        self._threads = threads or _cores()

    @cached_property
    def _inputs(self) -> tuple[str, ...]:
        return tuple(given.name for given in self._session.get_inputs())

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """Names of the heads."""
        return tuple(name for name in self._every_output if name != POOLED)

    @cached_property
    def _every_output(self) -> tuple[str, ...]:
        return tuple(output.name for output in self._session.get_outputs())

    def logits(self, texts: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """Give the logits of normalised texts: one array (texts, answers) for each head, in the order of the texts."""
        return self._run(texts, self.outputs)

    def features(self, texts: Sequence[str]) -> NDArray[np.float64] | None:
        """Give the features of normalised texts, (texts, features); None where the graph does not give them out."""
        if POOLED not in self._every_output:
            return None
        return self._run(texts, (POOLED,))[POOLED] if texts else np.zeros((0, 0))

    def _run(self, texts: Sequence[str], wanted: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        tokens = tokenise(texts, self._tokenizer, prefix=self._prefix)
        hints = np.array([cues.of(text) for text in texts], np.float32).reshape(len(texts), len(cues.NAMES))
        found: dict[str, NDArray[np.float64]] = {}
        batches = list(_batches([len(text.ids) for text in tokens]))

        def answer(members: list[int]) -> Sequence[Any]:
            return self._session.run(wanted, self._feeds([tokens[member] for member in members], hints[members]))

        # A batch a thread, the longest first: threads that share one batch wait for each other at every operator.
        batches.reverse()
        with ThreadPoolExecutor(self._threads) as pool:
            for members, outputs in zip(batches, pool.map(answer, batches), strict=True):
                for name, output in zip(wanted, outputs, strict=True):
                    found.setdefault(name, np.zeros((len(texts), output.shape[1])))[members] = output
        return found

    def _feeds(self, tokens: Sequence["Tokens"], hints: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        width = max(len(text.ids) for text in tokens)
        ids = np.full((len(tokens), width), _PAD, np.int64)
        named = np.zeros((len(tokens), width), np.float32)
        for row, text in enumerate(tokens):
            ids[row, : len(text.ids)] = text.ids
            named[row, text.named] = 1
        feeds = {
            "input_ids": ids,
            "attention_mask": (ids != _PAD).astype(np.int64),
            "named": named,
            "cues": hints,
        }
        return {name: feeds[name] for name in self._inputs}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """A text as the encoder reads it: numbers of its pieces, and which of them belong to a mention of Grok.

    Where no mention is among the pieces, all of them stand for it.
    """

    ids: list[int]
    named: list[int]


def tokenise(texts: Sequence[str], tokenizer: "Tokenizer", *, prefix: str) -> list[Tokens]:
    """Cut normalised texts into pieces, no more than the tokenizer was read for, and find Grok among these."""
    read = [prefix + cues.focus(text) for text in texts]
    encodings = tokenizer.encode_batch(read)
    found: list[Tokens] = []
    for text, encoding in zip(read, encodings, strict=True):
        places = (encoding.char_to_token(at) for start, end in cues.mentions(text) for at in range(start, end))
        named = sorted({place for place in places if place is not None})
        found.append(Tokens(ids=encoding.ids, named=named or list(range(len(encoding.ids)))))
    return found


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Split texts into batches of about equal length, each of at most `BATCH_TOKENS` tokens (or one text)."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[number] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ClassifierError(f"The model file {path} can't be read: {error.strerror}", mend=_MEND) from error


def _description(path: Path) -> Description:
    try:
        fields: dict[str, Any] = orjson.loads(_bytes(path))
        return Description(
            version=str(fields["version"]),
            sha256=str(fields["sha256"]),
            max_tokens=int(fields["max_tokens"]),
            prefix=str(fields["prefix"]),
            cues=tuple(fields["cues"]),
            temperatures={
                name: float(fields["temperatures"][name]) for name in ("relevance", "category", "polarity", "aspects")
            },
            relevance_threshold=float(fields["relevance_threshold"]),
            aspect_thresholds=tuple(float(fields["aspect_thresholds"][aspect]) for aspect in Aspect),
            metrics={str(name): float(value) for name, value in fields["metrics"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClassifierError(f"The model's description {path} is damaged", mend=_MEND) from error


def read_tokenizer(path: Path, *, max_tokens: int) -> "Tokenizer":
    """
    Read what cuts texts into pieces, as labelling and training do it alike; a text gets `max_tokens` pieces at most.

    Raises
    ------
    ClassifierError
        If the file is missing or damaged.
    """
    if not path.is_file():
        raise ClassifierError(f"The model file {path} is missing", mend=_MEND)
    # Not through transformers, which takes half a second to import.
    from tokenizers import Tokenizer  # noqa: PLC0415  # who only reads labels need not wait

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the tokenizers library raises nothing narrower
        raise ClassifierError(f"The model file {path} is damaged", mend=_MEND) from error
    # "<s>" typed by a person is three characters.
    tokenizer.encode_special_tokens = True
    # Once, here: a tokenizer that is changed while another thread uses it fails.
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _session(weights: bytes) -> "onnxruntime.InferenceSession":
    import onnxruntime  # noqa: PLC0415  # as above

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # The graph is written in the operators that are fastest; onnxruntime's own fusions would undo that.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    # A thread that waits must not burn a core which somebody else needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises half a dozen unrelated classes
        raise ClassifierError("The model's weights can't be loaded by this onnxruntime", mend=_MEND) from error
