"""A Hugging Face checkpoint labels: a tiny one, made here with weights that know two words."""

import json
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch", reason="needs the extra transformers")
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402  # after the check for its library
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast  # noqa: E402  # as above

from classifiers import checkpoint  # noqa: E402  # as above
from classifiers.base import ClassifierError, Document  # noqa: E402  # as above
from classifiers.codebook import Category, Polarity  # noqa: E402  # as above

WORDS = ["[PAD]", "[UNK]", "good", "bad", "grok", "is"]
MOODS = ("negative", "neutral", "positive")
LABELS = """
labels:
  positive: {category: satisfaction, polarity: positive, aspects: [writing]}
  neutral: {category: other, polarity: neutral}
  negative: {category: latency, polarity: negative}
relevance: named
"""


@pytest.fixture
def make(tmp_path):
    """Write a checkpoint whose last layer reads the first word's embedding."""

    def make(names=MOODS, *, labels=LABELS, kind=BertForSequenceClassification, **config):
        folder = tmp_path / "moods"
        given = BertConfig(
            vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
            max_position_embeddings=512, id2label=dict(enumerate(names)), **config,
        )  # fmt: skip
        torch.manual_seed(0)
        model = kind(given)
        if kind is BertForSequenceClassification:
            with torch.no_grad():
                teach(model, names)
        model.save_pretrained(folder)
        words = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
        words.pre_tokenizer = pre_tokenizers.Whitespace()
        PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
        if labels:
            (folder / "labels.yaml").write_text(labels, encoding="utf-8")
        return folder

    return make


def teach(model, names):
    """Let "good" mean the last label, "bad" the first, everything else the one between."""
    for parameter in model.parameters():
        parameter.zero_()
    for name, parameter in model.named_parameters():
        if "LayerNorm.weight" in name:
            parameter.fill_(1)
    words = model.bert.embeddings.word_embeddings.weight
    words[WORDS.index("good"), 0] = words[WORDS.index("bad"), 1] = 4
    torch.nn.init.eye_(model.bert.pooler.dense.weight)
    model.classifier.weight[-1, 0] = model.classifier.weight[0, 1] = 6
    model.classifier.bias[len(names) // 2] += 1


def label(folder, *texts, **given):
    return list(checkpoint.load(folder, **given).label(Document(text=text, lang="en") for text in texts))


def test_labels_become_those_of_the_codebook(make):
    good, bad, plain, elsewhere = label(make(), "good is grok", "bad is grok", "grok is", "good is")

    assert (good.category, good.polarity, [a.value for a in good.aspects]) == (
        Category.SATISFACTION, Polarity.POSITIVE, ["writing"],
    )  # fmt: skip
    assert (bad.category, bad.polarity) == (Category.LATENCY, Polarity.NEGATIVE)
    assert (plain.category, plain.polarity) == (Category.OTHER, Polarity.NEUTRAL)
    assert sum(bad.probabilities.values()) == pytest.approx(1)
    assert (elsewhere.relevant, elsewhere.p_relevant, elsewhere.category) == (False, 0, None)


def test_order_is_kept_whatever_the_lengths(make):
    texts = [("good " if n % 3 else "bad ") + "is " * (n * 7 % 40) + "grok" for n in range(40)]

    found = label(make(), *texts)

    assert [one.category for one in found] == [Category.SATISFACTION if n % 3 else Category.LATENCY for n in range(40)]


def test_a_text_longer_than_the_model_reads_is_labelled(make):
    (found,) = label(make(), "good grok " * 5_000)

    assert found.category is Category.SATISFACTION


def test_nothing_is_not_about_grok(make):
    found = label(make(labels=LABELS.replace("named", "all")), "", "\x00\u200b", "\ud83d", "is")

    assert [one.relevant for one in found] == [False, False, False, True]
    assert found[0].p_relevant == 0


def test_a_label_may_say_that_a_post_is_not_about_grok(make):
    folder = make(labels="labels: {positive: satisfaction, neutral: other, negative: irrelevant}")
    good, bad = label(folder, "good is grok", "bad is grok")

    assert good.relevant
    assert not bad.relevant
    assert bad.p_relevant < 0.1


def test_the_shipped_model_says_what_is_about_grok_unless_told_otherwise(make):
    folder = make(labels=LABELS.replace("relevance: named", ""))
    about, elsewhere = label(folder, "good is Grok, it wrote my whole script", "good weather in Lisbon today")

    assert about.relevant
    assert about.category is Category.SATISFACTION
    assert 0 < elsewhere.p_relevant < 0.5
    assert not elsewhere.relevant


def test_several_labels_at_once_are_shared_out(make):
    folder = make(problem_type="multi_label_classification")
    (found,) = label(folder, "good is grok")

    assert found.category is Category.SATISFACTION
    assert sum(found.probabilities.values()) == pytest.approx(1)


def test_the_version_names_folder_weights_and_meanings(make, tmp_path):
    folder = make()
    first = checkpoint.load(folder).card
    other = tmp_path / "other.yaml"
    other.write_text(LABELS.replace("latency", "bias"), encoding="utf-8")
    second = checkpoint.load(folder, meanings=other).card

    assert first.version.startswith("moods@")
    assert first.sha256 == second.sha256
    assert first.version != second.version
    assert checkpoint.load(folder).card == first


def test_labels_with_the_codebooks_names_need_no_file(make):
    good, bad = label(
        make(("bias", "other", "satisfaction"), labels=""), "good is Grok, it wrote my script", "bad weather"
    )

    assert good.category is Category.SATISFACTION
    assert not bad.relevant


def test_labels_without_a_meaning_are_told_with_the_mend(make):
    with pytest.raises(ClassifierError, match="mean: negative, neutral, positive") as refused:
        checkpoint.load(make(labels=""))

    assert "labels.yaml" in refused.value.mend
    assert "GROKWATCH_MODEL_LABELS" in refused.value.mend


def test_a_checkpoint_for_another_task_is_refused(make):
    with pytest.raises(ClassifierError, match="is a BertModel, not one for sequence classification"):
        checkpoint.load(make(kind=BertModel))


def test_weights_that_lack_the_head_are_refused(make):
    folder = make(kind=BertModel)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["BertForSequenceClassification"]}))

    with pytest.raises(ClassifierError, match="lacks weights, such as"):
        checkpoint.load(folder)


def test_a_model_that_gives_a_score_is_refused(make):
    with pytest.raises(ClassifierError, match="a score"):
        checkpoint.load(make(("score",)))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_damaged_file_is_refused_in_one_sentence(make, name):
    folder = make()
    (folder / name).write_bytes(b"{")

    with pytest.raises(ClassifierError) as refused:
        checkpoint.load(folder)

    assert "\n" not in str(refused.value)
    assert "moods" in str(refused.value)


def test_loading_and_labelling_say_nothing_and_ask_no_network(make):
    program = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('the network')\n"
        "socket.getaddrinfo = socket.create_connection = refuse\n"
        "from pathlib import Path\n"
        "from classifiers import checkpoint\n"
        "from classifiers.base import Document\n"
        "list(checkpoint.load(Path(sys.argv[1])).label([Document(text='good is grok'), Document(text='grok')]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, make()], capture_output=True, text=True, timeout=120, check=True
    )

    assert (done.stdout, done.stderr) == ("", "")
