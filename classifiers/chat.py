"""A chat model behind an OpenAI-compatible endpoint as a classifier: the codebook is its prompt.

Its probabilities are confidences that it was asked for, not calibrated on anything.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from classifiers import chat_questions, cues, language, rivals
from classifiers.base import ClassifierError, Document, Label, ModelCard
from classifiers.chat_client import ChatAccess, ChatClient
from classifiers.chat_questions import Verdict
from classifiers.codebook import Category
from classifiers.text import normalise

PREFIX: Final = "openai:"
"""What stands before the model's name in GROKWATCH_MODEL."""
READ: Final = 4_000
"""Characters of a post that are sent."""
SINGLE_TRIES: Final = 2
"""How often a post is asked for alone after its batch brought no usable answer for it."""
GIVE_UP: Final = 20
"""Posts without a usable answer in a row after which the model is not asked for more: it would only cost."""
RELEVANT_FROM: Final = 0.5
REMEMBERED: Final = 8192
_NAME: Final = 100


class ChatClassifier:
    """A `Classifier` that asks a chat model.

    Parameters
    ----------
    batch
        Posts in a request.
    tokens
        The most that the model may write for a post.
    """

    def __init__(self, client: ChatClient, *, batch: int, tokens: int) -> None:
        self._client = client
        self._batch = batch
        self._tokens = tokens
        self._verdicts: OrderedDict[str, Verdict | None] = OrderedDict()
        self._in_vain = 0
        self._card = _card(client.access)

    @property
    def card(self) -> ModelCard:
        """The model behind the labels; its version changes with the prompt."""
        return self._card

    def label(self, documents: Iterable[Document]) -> Iterator[Label | None]:
        """
        Yield one label a document, in the order given; None where the model gave no usable answer.

        Raises
        ------
        ClassifierError
            The money does not reach, or the model can't be asked; the labels that were yielded stand.
        """
        source = iter(documents)
        while window := list(islice(source, self._batch)):
            texts = [cues.focus(normalise(document.text))[:READ] for document in window]
            trouble = self._learn([text for text in dict.fromkeys(texts) if text and text not in self._verdicts])
            for document, text in zip(window, texts, strict=True):
                if text and text not in self._verdicts and trouble is not None:
                    raise trouble
                yield self._label(document, text)
            if trouble is not None:
                raise trouble
            while len(self._verdicts) > REMEMBERED:
                self._verdicts.popitem(last=False)

    def _learn(self, texts: Sequence[str]) -> ClassifierError | None:
        """Ask for verdicts; the trouble that ended it is given back, for what was paid for is not to be lost."""
        try:
            found, trouble = self._ask(texts) if texts else ({}, "")
            self._keep(found)
            for text in texts:
                tries = SINGLE_TRIES if text not in found else 0
                while tries and text not in self._verdicts:
                    alone, trouble = self._ask([text])
                    self._keep(alone)
                    tries -= 1
                if text not in self._verdicts:
                    # Remembered, so that the next pass of this process does not pay for it again.
                    self._verdicts[text] = None
                    self._in_vain += 1
                if self._in_vain >= GIVE_UP:
                    self._in_vain = 0
                    raise ClassifierError(  # noqa: TRY301 - one way out for all troubles
                        f"{self._client.access.model} gave no usable answer for {GIVE_UP} posts in a row: {trouble}",
                        mend="take a model that follows a JSON schema; the labels so far are kept",
                    )
        except ClassifierError as error:
            return error
        return None

    def _keep(self, found: dict[str, Verdict]) -> None:
        if found:
            self._in_vain = 0
            self._verdicts.update(found)

    def _ask(self, texts: Sequence[str]) -> tuple[dict[str, Verdict], str]:
        question = chat_questions.ask(texts)
        reply = self._client.ask(
            question.messages,
            schema_name=chat_questions.SCHEMA_NAME,
            schema=chat_questions.schema(),
            tokens=self._tokens * len(texts),
        )
        if reply.text is None:
            return {}, reply.trouble
        return chat_questions.verdicts(reply.text, question), "its answer does not fit the schema"

    def _label(self, document: Document, text: str) -> Label | None:
        mentions, lang = rivals.find(text), language.detect(text, document.lang)
        if not text:
            even = dict.fromkeys(Category, 1 / len(Category))
            return Label(
                relevant=False, p_relevant=0.0, category=None, probabilities=even, polarity=None, aspects=(),
                mentions=mentions, lang=lang,
            )  # fmt: skip
        verdict = self._verdicts[text]
        if verdict is None:
            return None
        relevant = verdict.p_relevant >= RELEVANT_FROM
        return Label(
            relevant=relevant,
            p_relevant=verdict.p_relevant,
            category=max(Category, key=lambda category: verdict.probabilities[category]) if relevant else None,
            probabilities=verdict.probabilities,
            polarity=verdict.polarity if relevant else None,
            aspects=verdict.aspects if relevant else (),
            mentions=mentions,
            lang=lang,
        )


def _card(access: ChatAccess) -> ModelCard:
    """Name the model by all that its answers hang on and that can be known from here: the weights can't."""
    facts = [access.base_url, access.model, chat_questions.instructions(), chat_questions.schema()]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return ModelCard(version=f"{PREFIX}{access.model[:_NAME]}+prompt-{digest[:8]}", sha256=digest, metrics={})
