"""What the base encoder can do before it is trained on posts: two contenders that need its checkpoint.

`frozen_e5_linear` leaves the encoder as it came and fits linear heads over its features on the training posts; it was this project's first
model. `zero_shot_e5` has seen no labelled post at all: an outcome is the likelier, the nearer the post lies to what the codebook says
about it, in English.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from classifiers import cues, encoder
from classifiers.base import Document, Label
from classifiers.calibration import softmax
from classifiers.codebook import IRRELEVANT, OUTCOMES, Category
from classifiers.gold import GoldPost
from classifiers.text import normalise

if TYPE_CHECKING:
    from classifiers.training.base_encoder import Base
    from classifiers.training.corpus import Example

Progress = Callable[[str], None]

TEMPERATURE: Final = 0.01
"""What the encoder's cosines were divided by when it was trained (Wang et al., arXiv 2212.03533)."""

DESCRIPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    Category.EXCITEMENT: (
        "I am curious about Grok and looking forward to the next version",
        "Impressed by the news, the demo or the benchmark of a new Grok release, I want to try it",
    ),
    Category.LATENCY: (
        "Grok is slow, times out, hangs or loops in its thinking",
        "Grok is down, fails to load, crashes, loses chats, or a feature is broken",
    ),
    Category.BIAS: (
        "Grok is politically slanted, spreads propaganda or follows Elon Musk's opinions",
        "Grok is censored, moderates too much or too little, or refuses",
        "Grok puts out unsafe or hateful content, flatters, or makes sexual images of people without consent",
    ),
    Category.SATISFACTION: (
        "I used Grok and I am pleased with its answer, its writing, its code or its images",
        "Grok is great, it works well for me",
    ),
    Category.ABANDONMENT: (
        "I cancelled Grok, uninstalled it or switched to another assistant",
        "I do not care about Grok at all, nobody uses it",
    ),
    Category.OTHER: (
        "Neutral news about Grok, without an opinion",
        "A question how to do something with Grok",
        "Grok got facts wrong, wrote bad code, became dumber or draws ugly pictures",
        "A complaint about the price, the limits or the access of Grok",
        "A joke about Grok",
    ),
    IRRELEVANT: (
        "A post that asks @grok something without saying anything about Grok itself: @grok is this true?",
        "The English verb to grok, a log filter, the Groq chip company or a pistol, not the assistant",
        "An advertisement, a giveaway or coin spam that only carries the name",
        "News about xAI, Elon Musk or X that has nothing to do with Grok",
        "An answer or a picture made by Grok, pasted without a word about Grok",
    ),
}
"""Sections 1 and 2 of the codebook in short sentences; the nearest one counts for its outcome."""


class CanNotRunError(Exception):
    """A contender lacks something here; the message says what."""


def frozen_linear(
    gold: Sequence[GoldPost], *, corpus: Path, base: Path, cache: Path, tokenizer: Path, progress: Progress
) -> list[Label]:
    """Answer with linear heads that were fitted on the training part of the corpus, once for each state of both.

    Parameters
    ----------
    gold
        The posts to answer for.
    corpus
        Folder of the training posts; what is kept for validation is not trained on.
    base, tokenizer
        The encoder's checkpoint, and the pruned tokenizer that says which of its pieces are kept.
    cache
        Where features and fitted heads are kept.
    progress
        Hears what is done: the first time takes minutes.

    Raises
    ------
    CanNotRunError
        There is no checkpoint, a library is missing, or the corpus can't be read or does not suffice.
    """
    _require(base)
    from classifiers.training import corpus as corpus_files  # noqa: PLC0415 - only with the extra `train`

    try:
        examples = corpus_files.load(corpus)
    except corpus_files.CorpusError as error:
        raise CanNotRunError(f"the training corpus can't be read: {error}") from error
    folder = cache / f"frozen-{_state(examples, base, tokenizer)}"
    if not (folder / encoder.DESCRIPTION).is_file():
        checkpoint = _read(base, tokenizer)
        try:
            _fit(examples, folder, base=checkpoint, cache=cache, progress=progress)
        except (ValueError, ZeroDivisionError) as error:  # too few posts, or not all outcomes
            raise CanNotRunError(f"the training corpus does not suffice: {error}") from error
    documents = (Document(text=post.text, lang=post.lang) for post in gold)
    return list(encoder.load(folder).label(documents))


def zero_shot(texts: Sequence[str], *, base: Path, cache: Path, tokenizer: Path) -> list[dict[str, float]]:
    """Give each text a probability for every outcome, from the cosines to its `DESCRIPTIONS`.

    Parameters
    ----------
    texts
        The posts as they were written.
    base, cache, tokenizer
        As for `frozen_linear`.

    Raises
    ------
    CanNotRunError
        There is no checkpoint, or a library is missing.
    """
    _require(base)
    from classifiers.training import features, train  # noqa: PLC0415 - as above

    checkpoint = _read(base, tokenizer)
    sentences = [(outcome, sentence) for outcome in OUTCOMES for sentence in DESCRIPTIONS[outcome]]
    matrix = features.compute(
        checkpoint,
        [*(sentence for _, sentence in sentences), *texts],
        max_tokens=train.MAX_TOKENS,
        peaks={},
        cache=cache,
        precision="float32",
        progress=lambda _: None,
    )
    hidden = int(checkpoint.config["hidden_size"])
    last = int(checkpoint.config["num_hidden_layers"]) * hidden
    vectors = matrix[:, last : last + hidden]
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    cosines = vectors[len(sentences) :] @ vectors[: len(sentences)].T
    nearest = np.stack(
        [cosines[:, [place for place, row in enumerate(sentences) if row[0] == name]].max(axis=1) for name in OUTCOMES],
        axis=1,
    )
    return [dict(zip(OUTCOMES, map(float, row), strict=True)) for row in softmax(nearest, temperature=TEMPERATURE)]


def _require(base: Path) -> None:
    for package in ("onnx", "safetensors"):
        if find_spec(package) is None:
            raise CanNotRunError(f"{package} is not installed; it comes with the extra train")
    if not all((base / name).is_file() for name in ("config.json", "model.safetensors", "tokenizer.json")):
        raise CanNotRunError(
            f"there is no base encoder in {base}; `make build/base/config.json` brings one, --base names another folder"
        )


def _read(base: Path, tokenizer: Path) -> "Base":
    from safetensors import SafetensorError  # noqa: PLC0415 - as above

    from classifiers.training import base_encoder  # noqa: PLC0415 - as above

    try:
        return base_encoder.read(base).with_vocabulary(json.loads(tokenizer.read_text("utf-8")))
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise CanNotRunError(f"the base encoder in {base} can't be read: {error}") from error


def _fit(examples: "Sequence[Example]", folder: Path, *, base: "Base", cache: Path, progress: Progress) -> None:
    from classifiers.training import package, train  # noqa: PLC0415 - as above

    model = train.train(base, examples, cache=cache, threads=None, progress=progress)
    # A folder that was only half written must never be taken for a model.
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as unfinished:
        package.write(model, Path(unfinished) / "model", metrics={})
        shutil.rmtree(folder, ignore_errors=True)
        (Path(unfinished) / "model").rename(folder)


def _state(examples: "Sequence[Example]", base: Path, tokenizer: Path) -> str:
    """Name everything that the fitted heads depend on."""
    from classifiers.training import heads, train  # noqa: PLC0415 - as above

    state = hashlib.sha256(repr((train.VERSION, train.MAX_TOKENS, train.POOLED_LAYERS)).encode())
    state.update(repr((heads.PENALTY, heads.REAL_LIFE, heads.BALANCED_WEIGHT, heads.FOLDS, heads.STEPS)).encode())
    for path in (base / "config.json", base / "model.safetensors", tokenizer):
        with path.open("rb") as file:
            state.update(hashlib.file_digest(file, "sha256").digest())
    for example in examples:
        text = normalise(example.text)
        told = (example.file, example.outcome, example.polarity, sorted(example.aspects))
        state.update(repr((told, text, cues.of(text), cues.focus(text))).encode())
    return state.hexdigest()[:16]
