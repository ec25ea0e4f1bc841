"""From the written posts to the folder that ships: features, heads, calibration, export, measurement, card.

    python -m classifiers.training.train --base build/base --out build/model

The base encoder comes from `classifiers.training.base_encoder`, the vocabulary from the tokenizer that ships
(`classifiers.training.vocabulary` chose it). Two runs on one machine give the same file.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from classifiers import encoder
from classifiers.training import base_encoder, card, corpus, features, heads, package
from classifiers.training.base_encoder import Base
from classifiers.training.corpus import Example

VERSION: Final = "e5s-linear-2026.11"
POOLED_LAYERS: Final = tuple(range(1, 13))
MAX_TOKENS: Final = 256
OBSERVED: Final = 250
"""Posts on which the loudness of channels is observed before rounding."""
METHOD: Final = """\
multilingual-e5-small (MIT, 12 layers, 384 wide), frozen, its vocabulary pruned to {pieces:,} pieces. The features of a post are the means over its
tokens of layers {first} to {last} and {cues} facts about its spelling (is Grok named, only summoned, a look-alike, ...). Four linear heads stand on
them, fitted so that the outcomes count with their shares of real life; temperatures and thresholds come from posts that the heads had not seen.
Weights in eight bits, activations quantised by token, the vocabulary in four bits."""

Progress = Callable[[str], None]


def train(
    base: Base, examples: Sequence[Example], *, cache: Path, threads: int | None, progress: Progress
) -> package.Model:
    """Fit and calibrate the heads over a frozen encoder, on the training part of the posts."""
    part = corpus.split(examples)["train"]
    texts = [example.text for example in part]
    peaks = package.observe(base, texts[:: max(1, len(texts) // OBSERVED)], max_tokens=MAX_TOKENS)
    whole = features.compute(
        base, texts, max_tokens=MAX_TOKENS, peaks=peaks, cache=cache, threads=threads, progress=progress
    )
    matrix = features.of_layers(whole, POOLED_LAYERS, hidden=base.config["hidden_size"])
    real, logits = heads.out_of_fold(matrix, part, progress)
    calibration = heads.calibrate(logits, real)
    progress("all folds together")
    fitted = heads.fit(matrix, part, heads.sample_weights(part))
    return package.Model(
        version=VERSION,
        base=base,
        pooled_layers=POOLED_LAYERS,
        heads=fitted,
        calibration=calibration,
        max_tokens=MAX_TOKENS,
        peaks=peaks,
    )


def ship(
    model: package.Model, examples: Sequence[Example], *, out: Path, card_path: Path, method: str, threads: int | None
) -> dict[str, float]:
    """Write a model's folder, measure it on the validation part and write its card."""
    unseen = corpus.split(examples)["validation"]
    package.write(model, out, metrics={})
    labels = package.label(out, unseen, threads=threads)
    with tempfile.TemporaryDirectory() as folder:
        exact = package.label(package.in_float32(model, Path(folder)), unseen, threads=threads)
    agreement = package.agreement(labels, exact)
    evaluation = package.measure(labels, unseen)
    figures = card.metrics(evaluation)
    package.record(out, figures)
    sizes = {path.name: path.stat().st_size for path in sorted(out.iterdir())}
    card_path.parent.mkdir(parents=True, exist_ok=True)
    card_path.write_text(
        card.write(model, evaluation, examples, method=method, sizes=sizes, agreement=agreement), "utf-8"
    )
    return {**figures, **agreement, "megabytes": round(sum(sizes.values()) / 1e6, 2)}


def main() -> None:
    """Run the whole way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=Path("build/base"), help="checkpoint of the base encoder")
    parser.add_argument(
        "--tokenizer", type=Path, default=encoder.SHIPPED / encoder.TOKENIZER, help="the pruned tokenizer"
    )
    parser.add_argument("--corpus", type=Path, default=corpus.FOLDER)
    parser.add_argument("--cache", type=Path, default=Path("build/features"))
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument(
        "--card", type=Path, help="where the card goes; model-card.md in the folder of the model unless given"
    )
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    started = time.monotonic()

    def progress(what: str) -> None:
        sys.stderr.write(f"{time.monotonic() - started:6.0f} s  {what}\n")

    examples = corpus.load(arguments.corpus)
    progress(f"{len(examples):,} posts")
    base = base_encoder.read(arguments.base).with_vocabulary(json.loads(arguments.tokenizer.read_text("utf-8")))
    model = train(base, examples, cache=arguments.cache, threads=arguments.threads, progress=progress)
    progress("export and measurement")
    method = METHOD.format(
        pieces=base.config["vocab_size"], first=POOLED_LAYERS[0], last=POOLED_LAYERS[-1], cues=len(encoder.cues.NAMES)
    )
    card_path = arguments.card or arguments.out / "model-card.md"
    figures = ship(model, examples, out=arguments.out, card_path=card_path, method=method, threads=arguments.threads)
    sys.stdout.write(json.dumps({"version": model.version, **figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
