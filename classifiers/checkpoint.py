"""Any sequence-classification checkpoint of Hugging Face as a classifier, its labels mapped onto the codebook's.

Its probabilities are its own, not calibrated on posts about Grok. It is read from a folder; nothing is downloaded and no code of a
checkpoint is run. Needs PyTorch (extra `transformers`).
"""

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from classifiers import cues, encoder, language, rivals
from classifiers.base import Classifier, ClassifierError, Document, Label, ModelCard
from classifiers.codebook import Category, Polarity
from classifiers.meanings import Meanings, Relevance, read, standard
from classifiers.text import normalise

CONFIG: Final = "config.json"
MEANINGS: Final = "labels.yaml"
WEIGHTS: Final = ("*.safetensors", "pytorch_model*.bin")
WINDOW: Final = 256
BATCH: Final = 16
LONGEST: Final = 512
RELEVANT_FROM: Final = 0.5
_KIND: Final = "ForSequenceClassification"
_NAME: Final = 64
_MEND: Final = "download the whole checkpoint again, or name another model"


def load(folder: Path, *, meanings: Path | None = None) -> Classifier:
    """
    Open a checkpoint.

    Parameters
    ----------
    folder
        As `save_pretrained` writes it: config, weights, tokenizer.
    meanings
        YAML file with what its labels mean (`classifiers.meanings`); None for `labels.yaml` in the folder, which is not
        needed where the labels bear the codebook's own names.

    Raises
    ------
    ClassifierError
        PyTorch or a file is missing or damaged, or a label has no meaning.
    """
    return CheckpointClassifier(folder, meanings)


class CheckpointClassifier:
    """A `Classifier` on a checkpoint. Use `load`."""

    def __init__(self, folder: Path, meanings: Path | None) -> None:
        config = _config(folder / CONFIG)
        self._many = config.get("problem_type") == "multi_label_classification"
        names = _names(config, folder)
        self._meanings = _meanings(folder, meanings, names)
        self._order = [self._meanings.labels[name] for name in names]
        self._relevance = encoder.load() if self._meanings.relevance is Relevance.SHIPPED else None
        with _quiet():
            self._model, self._tokenizer = _open(folder)
        self._longest = _longest(config, self._tokenizer)
        self._card = _card(folder, self._meanings, self._relevance.card if self._relevance else None)

    @property
    def card(self) -> ModelCard:
        """The model behind the labels; its version changes with the weights and with what their labels mean."""
        return self._card

    def label(self, documents: Iterable[Document]) -> Iterator[Label]:
        """Yield one label a document, in the order given."""
        source = iter(documents)
        while window := list(islice(source, WINDOW)):
            texts = [normalise(document.text) for document in window]
            scores = self._scores(texts)
            relevance = self._relevance.label(window) if self._relevance else None
            for document, text, row in zip(window, texts, scores, strict=True):
                known = next(relevance) if relevance else None
                p_relevant = 0.0 if not text else known.p_relevant if known else self._p_relevant(text, row)
                # Where the shipped model says what is about Grok, its own threshold counts.
                relevant = known.relevant if known else p_relevant >= RELEVANT_FROM
                yield self._label(row, text, document.lang, relevant=relevant and bool(text), p_relevant=p_relevant)

    def _scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give each text the probability of every label of the checkpoint."""
        torch: Any = import_module("torch")
        read_texts = [cues.focus(text) for text in texts]
        pieces = self._tokenizer(read_texts, truncation=True, max_length=self._longest)["input_ids"]
        # A text of which the tokenizer leaves nothing says nothing for any label.
        found = np.full((len(texts), len(self._order)), 1 / len(self._order))
        order = sorted((n for n in range(len(texts)) if pieces[n]), key=lambda number: len(pieces[number]))
        for start in range(0, len(order), BATCH):
            members = order[start : start + BATCH]
            fed = self._tokenizer.pad({"input_ids": [pieces[member] for member in members]}, return_tensors="pt")
            with torch.inference_mode():
                logits = self._model(**fed).logits.float()
            shares = logits.sigmoid() if self._many else logits.softmax(dim=-1)
            found[members] = (shares / shares.sum(dim=-1, keepdim=True)).numpy()
        return found

    def _p_relevant(self, text: str, row: NDArray[np.float64]) -> float:
        if self._meanings.relevance is Relevance.LABELS:
            shares = [p for p, meaning in zip(row, self._order, strict=True) if meaning.shares]
            return min(1.0, float(sum(shares)))
        return float(self._meanings.relevance is Relevance.ALL or bool(cues.mentions(text)))

    def _label(
        self, row: NDArray[np.float64], text: str, hint: str | None, *, relevant: bool, p_relevant: float
    ) -> Label:
        weighed = [
            (max(float(p), 1e-12), meaning) for p, meaning in zip(row, self._order, strict=True) if meaning.shares
        ]
        total = sum(p for p, _ in weighed)
        probabilities = {
            category: sum(p * meaning.shares.get(category, 0.0) for p, meaning in weighed) / total
            for category in Category
        }
        stances: dict[Polarity, float] = {}
        for p, meaning in weighed:
            if meaning.polarity:
                stances[meaning.polarity] = stances.get(meaning.polarity, 0.0) + p
        _, best = max(weighed, key=lambda pair: pair[0])
        return Label(
            relevant=relevant,
            p_relevant=p_relevant,
            category=max(Category, key=lambda category: probabilities[category]) if relevant else None,
            probabilities=probabilities,
            polarity=max(stances, key=lambda stance: stances[stance]) if relevant and stances else None,
            aspects=best.aspects if relevant else (),
            mentions=rivals.find(text),
            lang=language.detect(text, hint),
        )


def _config(path: Path) -> Mapping[str, Any]:
    try:
        config: Any = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ClassifierError(f"{path} can't be read", mend=_MEND) from error
    kinds = config.get("architectures") if isinstance(config, dict) else None
    if not isinstance(kinds, list) or not any(str(kind).endswith(_KIND) for kind in kinds):
        kind = f"a {kinds[0]}" if isinstance(kinds, list) and kinds else "of no known kind"
        # transformers would put a head of random weights on it and label all the same.
        raise ClassifierError(
            f"the checkpoint in {path.parent} is {kind}, not one for sequence classification",
            mend=f"name a checkpoint whose architecture ends in {_KIND}",
        )
    return config


def _names(config: Mapping[str, Any], folder: Path) -> list[str]:
    given: Any = config.get("id2label") or {
        str(number): f"LABEL_{number}" for number in range(config.get("num_labels", 2))
    }
    try:
        names = [str(given[key]) for key in sorted(given, key=int)]
    except (TypeError, ValueError) as error:
        raise ClassifierError(f"the labels in {folder / CONFIG} can't be read", mend=_MEND) from error
    if len(names) < 2 or len(set(names)) < len(names):  # noqa: PLR2004 - one output is a score, not a choice of labels
        raise ClassifierError(
            f"the checkpoint in {folder} gives a score or labels of one name, not a choice of labels",
            mend="name a model that tells labels apart",
        )
    return names


def _meanings(folder: Path, path: Path | None, names: Sequence[str]) -> Meanings:
    file = path or folder / MEANINGS
    if path is not None or file.is_file():
        return read(file, names)
    if (known := standard(names)) is not None:
        return known
    raise ClassifierError(
        f"nothing says what the labels of {folder} mean: {', '.join(names)}",
        mend=f"write {MEANINGS} into the folder, or name a file by GROKWATCH_MODEL_LABELS; docs/model.md has an example",
    )


@contextmanager
def _quiet() -> Generator[None]:
    """Keep transformers' bars and advice off the terminal."""
    from transformers.utils import logging  # noqa: PLC0415 - a second to import

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _open(folder: Path) -> tuple[Any, Any]:
    try:
        import_module("torch")  # transformers' own message on its absence is a page long
    except ModuleNotFoundError as error:
        raise ClassifierError(
            "a checkpoint from Hugging Face needs PyTorch, which is not installed",
            mend="install Grokwatch with its extra: pip install '.[transformers]'",
        ) from error
    from transformers import AutoModelForSequenceClassification, AutoTokenizer  # noqa: PLC0415 - a second to import

    given: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        model, told = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True, **given)
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, **given)
    except Exception as error:  # transformers and its readers raise a dozen unrelated classes
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ClassifierError(f"the checkpoint in {folder} can't be loaded: {reason}", mend=_MEND) from error
    if told["missing_keys"]:
        raise ClassifierError(
            f"the checkpoint in {folder} lacks weights, such as {min(told['missing_keys'])}", mend=_MEND
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model.eval(), tokenizer


def _longest(config: Mapping[str, Any], tokenizer: Any) -> int:  # noqa: ANN401 - transformers has no one type for it
    places = config.get("max_position_embeddings") or LONGEST
    # RoBERTa's first two places are taken.
    return min(LONGEST, int(tokenizer.model_max_length), places if places == LONGEST else max(places - 2, 8))


def _card(folder: Path, meanings: Meanings, relevance: ModelCard | None) -> ModelCard:
    digest = hashlib.sha256()
    for path in sorted({path for pattern in WEIGHTS for path in folder.glob(pattern)} | {folder / CONFIG}):
        with path.open("rb") as weights:
            digest.update(hashlib.file_digest(weights, "sha256").digest())
    weights_sha = digest.hexdigest()
    state = hashlib.sha256(meanings.canonical.encode())
    if relevance is not None:
        state.update(relevance.sha256.encode())
    name = folder.resolve().name[:_NAME]
    return ModelCard(version=f"{name}@{weights_sha[:8]}+labels-{state.hexdigest()[:8]}", sha256=weights_sha, metrics={})
