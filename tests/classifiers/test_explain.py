"""Words are weighed; tested with a classifier whose reasons are known."""

import math

import pytest

from classifiers import explain as explanations
from classifiers.base import ClassifierError, Document, Label, ModelCard
from classifiers.codebook import Category
from classifiers.explain import Neighbourhood, explain


class KnowsTrouble:
    """About Grok where it is named; latency by the number of words of trouble, less by "fine"."""

    card = ModelCard(version="trouble-1", sha256="0" * 64, metrics={})
    asked = 0

    def label(self, documents):
        for document in documents:
            self.asked += 1
            yield self.one(document.text.lower())

    def one(self, text):
        score = 2 * any(word in text for word in ("down", "times out", "落ち")) - 1.5 * ("fine" in text)
        p = 1 / (1 + math.exp(-score))
        relevant = "grok" in text
        return Label(
            relevant=relevant,
            p_relevant=0.98 if relevant else 0.02,
            category=(Category.LATENCY if p >= 0.5 else Category.OTHER) if relevant else None,
            probabilities={c: {Category.LATENCY: p, Category.OTHER: 1 - p}.get(c, 0.0) for c in Category},
            polarity=None,
            aspects=(),
            mentions=(),
            lang="en",
        )


def weights(text, model=None):
    return {word.text: word.weight for word in explain(model or KnowsTrouble(), Document(text=text)).words}


def test_the_word_that_carried_the_label_weighs_most():
    found = weights("Sadly Grok is down this morning")

    assert max((word for word in found if word != "Grok"), key=found.__getitem__) == "down"
    assert [found[word] for word in ("Sadly", "is", "this", "morning")] == pytest.approx([0] * 4, abs=1e-9)


def test_two_words_that_say_the_same_share_the_weight():
    found = weights("Grok is down, it times out")
    alone = weights("Grok is down")["down"]

    assert found["down,"] > 0.3 * alone
    assert found["times"] + found["out"] > 0.3 * alone


def test_a_word_may_speak_against_the_label():
    found = weights("Grok is down but ChatGPT works fine")

    assert found["fine"] < -0.5 < 0.5 < found["down"]


def test_weights_add_up_to_what_all_words_together_give():
    text = "Grok is down but fine"
    found = explain(KnowsTrouble(), Document(text=text))
    bare = KnowsTrouble().one("grok")
    gained = math.log(found.probability / (1 - found.probability)) - math.log(
        (p := bare.p_relevant * bare.probabilities[Category.LATENCY]) / (1 - p)
    )

    assert sum(word.weight for word in found.words if not word.names_grok) == pytest.approx(gained)
    assert [word.text for word in found.words if word.names_grok] == ["Grok"]


def test_words_stand_where_they_are_said_to():
    found = explain(KnowsTrouble(), Document(text="**Grok** is\n\ndown, 今日も落ちた"))

    assert found.text == "Grok is\n\ndown, 今日も落ちた"
    assert all(found.text[word.start : word.end] == word.text for word in found.words)
    assert len(found.words) > 4


def test_what_is_not_about_grok_is_explained_as_such():
    found = explain(KnowsTrouble(), Document(text="The weather is fine"))

    assert (found.outcome, found.label.category) == ("irrelevant", None)
    assert found.probability == pytest.approx(0.98)


def test_nothing_has_no_words():
    found = explain(KnowsTrouble(), Document(text=""))

    assert found.words == ()


class Counts(KnowsTrouble):
    words = 0

    def one(self, text):
        self.words += len(text.split())
        return super().one(text)


@pytest.mark.parametrize("length", [10, 23, 45, 60])
def test_the_work_is_bounded(length):
    model = Counts()
    explain(model, Document(text="Grok is down " + "and more " * (length // 2)))

    assert model.words <= explanations.WORK * 1.3


def test_a_long_text_is_looked_at_in_part_and_in_few_parts():
    found = explain(KnowsTrouble(), Document(text="Grok is down. " + "and so on and on, " * 2_000))

    assert len(found.words) == explanations.FEWEST
    assert len(found.text) <= explanations.READ
    assert max(found.words, key=lambda word: word.weight).start == 0


def test_every_word_of_a_short_text_is_weighed_alone():
    text = "Grok is down " + "and so on " * 6

    assert len(weights_in_order(text)) == len(text.split())


def weights_in_order(text):
    return [word.weight for word in explain(KnowsTrouble(), Document(text=text)).words]


def test_the_same_text_is_explained_the_same():
    text = "Grok was down for an hour and then it was fine again, for me at least, who knows for how long"

    assert explain(KnowsTrouble(), Document(text=text)) == explain(KnowsTrouble(), Document(text=text))


def test_neighbours_are_those_of_the_text_as_it_came():
    found = explain(KnowsTrouble(), Document(text="Grok *is* down"), nearest=lambda text: Neighbourhood(missing=text))

    assert found.neighbourhood.missing == "Grok *is* down"


def test_a_model_without_an_answer_is_an_error():
    class Silent(KnowsTrouble):
        def one(self, _):
            return None

    with pytest.raises(ClassifierError, match="no usable answer"):
        explain(Silent(), Document(text="Grok"))
