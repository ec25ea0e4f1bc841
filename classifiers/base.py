"""The seam between whoever has posts and whoever labels them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from classifiers.codebook import Aspect, Category, Polarity, Rival


class ClassifierError(Exception):
    """The model can't be used; `mend` says what the user can do about it."""

    def __init__(self, message: str, *, mend: str) -> None:
        super().__init__(message)
        self.mend = mend


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text to label.

    `text` is what people wrote (title and body joined by a blank line); `lang` is the platform's language tag, or None.
    """

    text: str
    lang: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a model says about one text.

    `p_relevant` is the calibrated probability that the text is about Grok. `probabilities` gives every `Category` its
    calibrated probability *given that the text is relevant*; they add up to one. `category` and `polarity` are None and
    `aspects` is empty where `relevant` is false. `lang` is a BCP-47 tag, `und` where it can't be told.
    """

    relevant: bool
    p_relevant: float
    category: Category | None
    probabilities: Mapping[Category, float]
    polarity: Polarity | None
    aspects: tuple[Aspect, ...]
    mentions: tuple[Rival, ...]
    lang: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """Which model labelled: `version` is unique for every set of weights, `sha256` that of the weights file."""

    version: str
    sha256: str
    metrics: Mapping[str, float]


class Classifier(Protocol):
    """Labels texts in order, holding only a bounded number of them at a time."""

    @property
    def card(self) -> ModelCard:
        """The model behind the labels."""
        ...

    def label(self, documents: Iterable[Document]) -> Iterator[Label | None]:
        """Yield one label a document, in the order given; None where the model gave no usable answer.

        Raises
        ------
        ClassifierError
            The model can't go on; the labels that were yielded stand.
        """
        ...
