"""Features of posts from a frozen encoder: computed once by the very graph that ships, and kept."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifiers import cues, encoder
from classifiers.text import normalise
from classifiers.training import package
from classifiers.training.base_encoder import Base
from classifiers.training.export import Precision

CHUNK: Final = 1024

Matrix = NDArray[np.float32]


def compute(
    base: Base,
    texts: Sequence[str],
    *,
    max_tokens: int,
    peaks: Mapping[str, Matrix],
    cache: Path,
    precision: Precision = "int8",
    threads: int | None = None,
    progress: Callable[[str], None],
) -> Matrix:
    """
    Give each text its features: the means of all layers, from the embeddings to the last, the mean of the last one where Grok is named, and the cues.

    They are kept under `cache`, one file for each state of encoder and settings, and only the texts that it lacks are computed.
    """
    layers = range(base.config["num_hidden_layers"] + 1)
    state = hashlib.sha256(repr((precision, max_tokens, package.PREFIX)).encode())
    for part in (base.weights, peaks):
        for name in sorted(part):
            state.update(part[name].tobytes())
    folder = cache / state.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = folder / encoder.TOKENIZER
    package.write_tokenizer(base, tokenizer)
    known = _read(folder / "features.npz")
    normal = [normalise(text) for text in texts]
    names = [_name(text) for text in normal]
    missing = [(name, text) for name, text in dict(zip(names, normal, strict=True)).items() if name not in known]
    if missing:
        weights = package.graph(base, {}, pooled_layers=layers, precision=precision, peaks=peaks).SerializeToString()
        model = encoder.Encoder(weights, tokenizer, max_tokens=max_tokens, prefix=package.PREFIX, threads=threads)
        for start in range(0, len(missing), CHUNK):
            part = missing[start : start + CHUNK]
            found = np.asarray(model.features([text for _, text in part]), np.float32)
            known.update(zip([name for name, _ in part], found, strict=True))
            progress(f"features of {start + len(part):,} of {len(missing):,} posts")
        np.savez(folder / "features.npz", names=np.array(list(known)), values=np.array(list(known.values())))
    return np.array([known[name] for name in names], np.float32)


def of_layers(features: Matrix, layers: Sequence[int], *, hidden: int) -> Matrix:
    """Keep of the features the means of these layers, in this order, the mean where Grok is named, and the cues."""
    rest = hidden + len(cues.NAMES)
    parts = [features[:, layer * hidden : (layer + 1) * hidden] for layer in layers]
    return np.concatenate([*parts, features[:, -rest:]], axis=1)


def _name(text: str) -> str:
    # The cues are part of the name: when their definition changes, so do the features.
    return hashlib.sha256(repr((text, cues.of(text), cues.focus(text))).encode()).hexdigest()


def _read(path: Path) -> dict[str, Matrix]:
    if not path.exists():
        return {}
    with np.load(path) as kept:
        return dict(zip(kept["names"].tolist(), kept["values"], strict=True))
