"""The training posts that lie near a text, from a small sketch of their features beside the model (`neighbours.npz`).

`classifiers.training.neighbours` writes it: the features on which the heads stand, turned to their principal axes and rounded to eight
bits, with file, line and a checksum of each post instead of its text. The texts are read from the training corpus.
"""

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from classifiers.codebook import IRRELEVANT
from classifiers.encoder import EncoderClassifier
from classifiers.explain import Neighbour, Neighbourhood
from classifiers.leakage import CORPUS

FILE: Final = "neighbours.npz"
SHOWN: Final = 3
LARGEST: Final = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """What stands in the file.

    Parameters
    ----------
    sha256
        Of the weights whose features these are.
    mean, axes
        (features,) and (features, dimensions): what is taken off features, and what they are turned by.
    points : (posts, dimensions)
        The turned features, each post's largest at 127: only directions count.
    file_number, line, checksum : (posts,)
        Where each post stands, as a place in `files`, a line from 1, and the checksum of its text.
    """

    sha256: str
    mean: NDArray[np.float32]
    axes: NDArray[np.float16]
    points: NDArray[np.int8]
    files: NDArray[np.str_]
    file_number: NDArray[np.uint16]
    line: NDArray[np.uint32]
    checksum: NDArray[np.uint32]

    def turn(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """Bring features (texts, features) onto the axes."""
        return ((features - self.mean) @ self.axes.astype(np.float32)).astype(np.float32)


def checksum(text: str) -> int:
    """Give the number by which a training post is known again, 32 bits."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def rounded(points: NDArray[np.float32]) -> NDArray[np.int8]:
    """Keep the direction of each row in eight bits a number."""
    largest = np.maximum(np.abs(points).max(axis=1, keepdims=True), 1e-12)
    return np.round(points / largest * LARGEST).astype(np.int8)


def write(sketch: Sketch, folder: Path) -> Path:
    """Put a sketch beside its model."""
    path = folder / FILE
    with path.open("wb") as out:
        fields: dict[str, Any] = {name: np.asarray(getattr(sketch, name)) for name in Sketch.__dataclass_fields__}
        np.savez_compressed(out, **fields)
    return path


def read(folder: Path, sha256: str) -> Sketch | str:
    """Read the sketch of a model; a sentence on why there is none, where there is none that fits its weights."""
    path = folder / FILE
    if not path.is_file():
        return "the model came without its training posts' features"
    try:
        # Read as a whole: NumPy leaves a file open that turns out to be no archive.
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            fields: dict[str, Any] = {name: kept[name] for name in Sketch.__dataclass_fields__}
        fields["sha256"] = str(fields["sha256"])
        sketch = Sketch(**fields)
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error):
        return f"{path} is damaged"
    if sketch.sha256 != sha256:
        return f"{path} belongs to other weights"
    return sketch


def of(model: EncoderClassifier, text: str) -> Neighbourhood:
    """Find the training posts near a text, or say why there are none."""
    sketch = read(model.folder, model.card.sha256)
    if isinstance(sketch, str):
        return Neighbourhood(missing=sketch)
    features = model.features([text])
    if features is None:
        return Neighbourhood(missing="the model was written without giving out its features")
    return nearest(features[0], sketch)


def nearest(features: NDArray[Any], sketch: Sketch, *, corpus: Path = CORPUS, most: int = SHOWN) -> Neighbourhood:
    """
    Find the training posts whose features point in the direction of a text's.

    Parameters
    ----------
    features : (features,)
    """
    point = sketch.turn(features[None, :])[0]
    points = sketch.points.astype(np.float32)
    sizes = np.linalg.norm(points, axis=1) * np.linalg.norm(point)
    cosines = points @ point / np.maximum(sizes, 1e-12)
    chosen = np.argsort(-cosines, kind="stable")[:most]
    return Neighbourhood(posts=tuple(_neighbour(sketch, int(row), float(cosines[row]), corpus) for row in chosen))


def _neighbour(sketch: Sketch, row: int, similarity: float, corpus: Path) -> Neighbour:
    file, line = str(sketch.files[sketch.file_number[row]]), int(sketch.line[row])
    stored = _line(corpus / file, line)
    text = stored.get("text")
    same = isinstance(text, str) and checksum(text) == int(sketch.checksum[row])
    return Neighbour(
        file=file,
        line=line,
        similarity=similarity,
        text=str(text) if same else None,
        lang=str(stored["lang"]) if same and stored.get("lang") else None,
        outcome=str(stored.get("category") or IRRELEVANT) if same else None,
    )


def _line(path: Path, number: int) -> dict[str, Any]:
    """Read one line of a corpus file, {} where it is not there or not what it was."""
    try:
        found = orjson.loads(path.read_bytes().splitlines()[number - 1])
    except (OSError, IndexError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
