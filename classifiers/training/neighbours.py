"""The sketch of the training posts that ships beside a model, so that a label can be explained by the posts it was learned from.

    python -m classifiers.training.neighbours --model classifiers/model

A post takes 80 bytes for its features and a few for where it stands: 17,000 posts fit into 1.7 MB. Run it whenever the weights were written anew.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifiers import encoder, neighbours
from classifiers.neighbours import Sketch
from classifiers.training import corpus
from classifiers.training.corpus import Example

DIMENSIONS: Final = 80
LARGEST_FILE: Final = 2_000_000
"""Bytes that the sketch may add to what ships."""
CHUNK: Final = 1024


def sketch(
    examples: Sequence[Example],
    features: NDArray[np.float32],
    *,
    sha256: str,
    dimensions: int = DIMENSIONS,
) -> Sketch:
    """
    Turn the features of posts to their principal axes and round them.

    Parameters
    ----------
    features : (posts, features)
    sha256
        Of the weights that gave the features.
    """
    mean = features.mean(axis=0)
    centred = (features - mean).astype(np.float64)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, ::-1][:, :dimensions].astype(np.float16)
    files = sorted({example.file for example in examples})
    return Sketch(
        sha256=sha256,
        mean=mean,
        axes=axes,
        points=neighbours.rounded(((features - mean) @ axes.astype(np.float32)).astype(np.float32)),
        files=np.array(files),
        file_number=np.array([files.index(example.file) for example in examples], np.uint16),
        line=np.array([example.line for example in examples], np.uint32),
        checksum=np.array([neighbours.checksum(example.text) for example in examples], np.uint32),
    )


def build(
    folder: Path, examples: Sequence[Example], *, threads: int | None = None, progress: Callable[[str], None]
) -> Path:
    """
    Write the sketch of these posts beside the model in a folder.

    Raises
    ------
    ValueError
        The model was written without the output of its features, or the file grows too large.
    """
    model = encoder.load(folder, threads=threads)
    found: list[NDArray[np.float32]] = []
    for start in range(0, len(examples), CHUNK):
        part = model.features([example.text for example in examples[start : start + CHUNK]])
        if part is None:
            raise ValueError(f"the model in {folder} gives out no features: export it anew")
        found.append(part.astype(np.float32))
        progress(f"features of {min(start + CHUNK, len(examples)):,} of {len(examples):,} posts")
    path = neighbours.write(sketch(examples, np.concatenate(found), sha256=model.card.sha256), folder)
    if path.stat().st_size > LARGEST_FILE:
        size = path.stat().st_size
        path.unlink()
        raise ValueError(f"the sketch takes {size:,} bytes: lower DIMENSIONS")
    return path


def main() -> None:
    """Run on the training part of the corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=encoder.SHIPPED, help="folder of the model")
    parser.add_argument("--corpus", type=Path, default=corpus.FOLDER)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    examples = corpus.split(corpus.load(arguments.corpus))["train"]
    path = build(
        arguments.model,
        examples,
        threads=arguments.threads,
        progress=lambda what: print(what, file=sys.stderr),  # noqa: T201 - a program
    )
    sys.stdout.write(json.dumps({"file": str(path), "posts": len(examples), "bytes": path.stat().st_size}) + "\n")


if __name__ == "__main__":
    main()
