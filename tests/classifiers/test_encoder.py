import json
import logging
import shutil
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifiers import encoder
from classifiers.base import Classifier, ClassifierError, Document, Label
from classifiers.codebook import Category, Polarity, Rival

ODD_TEXTS = [
    "",
    " \n ",
    "\x00",
    "a\x00b",
    "\ud83d",
    "grok \udfff is slow",
    "<s></s><pad><mask>",
    "\u200b\u200d",
    "🤖",
    "́" * 500,
]


@pytest.fixture(scope="module")
def model() -> Classifier:
    return encoder.load(threads=1)


def documents(*texts: str) -> list[Document]:
    return [Document(text=text) for text in texts]


def one(model: Classifier, text: str) -> Label:
    (label,) = model.label(documents(text))
    return label


def copy_of_model(folder: Path) -> Path:
    for path in encoder.SHIPPED.iterdir():
        if path.is_file():
            shutil.copy(path, folder / path.name)
    return folder


@pytest.mark.parametrize(
    ("text", "category"),
    [
        (
            "Grok has been timing out all morning, every answer hangs for a minute and then the app crashes",
            Category.LATENCY,
        ),
        ("Cancelled SuperGrok and deleted the app today, I'm done with it", Category.ABANDONMENT),
        ("Grok just repeats whatever Elon wants, it is propaganda and censors the rest", Category.BIAS),
        ("Grok fixed my whole script on the first try, I use it daily and love what comes out", Category.SATISFACTION),
        ("今日もGrokが重くて全然返ってこない。エラーばかりで使えない", Category.LATENCY),
        ("Me di de baja de Grok y desinstalé la app, no vuelvo", Category.ABANDONMENT),
    ],
)
def test_plain_cases_get_their_category(model: Classifier, text: str, category: Category):
    assert one(model, text).category is category


@pytest.mark.parametrize(
    "text",
    [
        "@grok is this true?",
        "It took me years to grok monads",
        "logstash grok filter fails to parse this nginx line, any pattern?",
        "The weather is lovely in Lisbon today",
    ],
)
def test_posts_that_are_not_about_grok_get_neither_category_nor_stance_nor_aspects(model: Classifier, text: str):
    label = one(model, text)

    assert not label.relevant
    assert label.p_relevant < 0.5
    assert (label.category, label.polarity, label.aspects) == (None, None, ())


def test_label_holds_every_category_language_rivals_and_stance(model: Classifier):
    label = one(model, "Grok beantwortet meine Fragen viel schneller als ChatGPT, ich bin wirklich begeistert davon")

    assert set(label.probabilities) == set(Category)
    assert sum(label.probabilities.values()) == pytest.approx(1)
    assert label.lang == "de"
    assert label.mentions == (Rival.CHATGPT,)
    assert label.polarity is Polarity.POSITIVE


def test_order_is_kept_whatever_the_lengths(model: Classifier):
    texts = [f"Grok {'is slow today ' * (n * 7 % 40 + 1)}number {n}" for n in range(60)]

    together = list(model.label(documents(*texts)))

    assert [label.p_relevant for label in together] == pytest.approx(
        [one(model, text).p_relevant for text in texts], abs=1e-5
    )


def test_a_label_does_not_hang_on_the_posts_beside_it():
    text = "Grok Imagine got the hands right this time"
    alone = one(encoder.load(threads=1), text)

    beside_others = next(
        encoder.load(threads=1).label(documents(text, *(f"{n} " + "長い話です。" * 60 for n in range(30))))
    )

    assert beside_others.p_relevant == pytest.approx(alone.p_relevant, abs=1e-5)


def test_posts_are_taken_in_windows_not_all_at_once(model: Classifier):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield Document(text=f"Grok is down {taken % 5}")

    list(islice(model.label(endless()), 3))

    assert taken <= encoder.WINDOW


def test_a_repeated_text_is_labelled_once():
    fresh = encoder.load(threads=1)
    text = "Grok forgot my whole chat history again and support does not answer, what a mess"
    started = time.process_time()
    list(fresh.label(documents(*(f"{text} {n}" for n in range(300)))))
    different = time.process_time() - started

    started = time.process_time()
    labels = list(fresh.label(documents(text) * 300))

    assert len({(label.p_relevant, label.category) for label in labels}) == 1
    assert time.process_time() - started < different / 2


def tokens(text: str, *, max_tokens: int = 64) -> tuple[encoder.Tokens, list[str]]:
    tokenizer = encoder.read_tokenizer(encoder.SHIPPED / encoder.TOKENIZER, max_tokens=max_tokens)
    (found,) = encoder.tokenise([text], tokenizer, prefix="query: ")
    return found, [tokenizer.id_to_token(found.ids[at]) or "" for at in found.named]


@pytest.mark.parametrize("name", ["Grok", "グロック", "그록", "Грок", "جروك", "ग्रोक", "格罗克"])
def test_pieces_that_name_grok_are_found_in_every_script(name: str):
    found, pieces = tokens(f"😀 today {name} was slow")

    assert "".join(pieces).strip("\u2581") == name
    assert len(found.named) < len(found.ids)


@pytest.mark.parametrize("text", ["it was slow", "", "word " * 100 + "Grok"])
def test_a_text_without_a_mention_in_reach_stands_for_itself(text: str):
    found, _ = tokens(text)

    assert found.named == list(range(len(found.ids)))


@pytest.mark.parametrize("text", ODD_TEXTS, ids=repr)
def test_odd_texts_are_labelled_like_any_other(model: Classifier, text: str):
    label = one(model, text)

    assert 0 <= label.p_relevant <= 1


def test_nothing_is_not_about_grok(model: Classifier):
    assert one(model, "").p_relevant == 0
    assert not one(model, "\x00\u200b").relevant


def test_ten_megabytes_do_not_hang(model: Classifier):
    started = time.perf_counter()

    label = one(model, "Grok is slow today. " * 500_000)

    assert label.relevant
    assert time.perf_counter() - started < 10


def test_a_late_mention_is_read(model: Classifier):
    story = "We drove along the coast and the children slept in the back of the car. " * 60

    assert one(model, story + "Grok crashed again, three timeouts in one hour, it is unusable.").relevant


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=80), max_size=6))
def test_any_text_gets_a_label(model: Classifier, texts: list[str]):
    labels = list(model.label(documents(*texts)))

    assert len(labels) == len(texts)
    for label in labels:
        assert (label.category is None) == (not label.relevant)


def test_card_names_version_weights_and_figures(model: Classifier):
    card = model.card

    assert card.version
    assert len(card.sha256) == 64
    assert 0 < card.metrics["macro_f1"] <= 1


def test_shipped_weights_stay_under_sixty_megabytes():
    assert (encoder.SHIPPED / encoder.WEIGHTS).stat().st_size < 60_000_000


@pytest.mark.parametrize("name", [encoder.WEIGHTS, encoder.TOKENIZER, encoder.DESCRIPTION])
def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path, name: str):
    (copy_of_model(tmp_path) / name).unlink()

    with pytest.raises(ClassifierError, match=name) as caught:
        encoder.load(tmp_path)

    assert caught.value.mend


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (encoder.WEIGHTS, b""),
        (encoder.WEIGHTS, b"version https://git-lfs.github.com/spec/v1\n"),
        (encoder.TOKENIZER, b"{"),
        (encoder.TOKENIZER, b"\xff\xfe"),
        (encoder.DESCRIPTION, b"[]"),
        (encoder.DESCRIPTION, b'{"version": "1"}'),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, content: bytes):
    (copy_of_model(tmp_path) / name).write_bytes(content)

    with pytest.raises(ClassifierError, match=name) as caught:
        encoder.load(tmp_path)

    assert caught.value.mend


def test_weights_that_fit_their_description_but_are_no_model_are_refused(tmp_path: Path):
    import hashlib

    folder = copy_of_model(tmp_path)
    (folder / encoder.WEIGHTS).write_bytes(b"no model")
    description = json.loads((folder / encoder.DESCRIPTION).read_text())
    description["sha256"] = hashlib.sha256(b"no model").hexdigest()
    (folder / encoder.DESCRIPTION).write_text(json.dumps(description))

    with pytest.raises(ClassifierError):
        encoder.load(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ClassifierError, match="nowhere"):
        encoder.load(tmp_path / "nowhere")


def test_loading_says_nothing_and_leaves_the_environment_alone():
    program = (
        "import os; before = dict(os.environ)\n"
        "from classifiers import encoder\n"
        "encoder.load()\n"
        "import sys; assert dict(os.environ) == before; assert 'torch' not in sys.modules"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)

    assert (done.stdout, done.stderr) == ("", "")


def test_importing_the_module_imports_no_heavy_library():
    program = "import sys, classifiers.encoder; assert not {'transformers', 'onnxruntime', 'torch'} & set(sys.modules)"

    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)


def test_labelling_logs_no_warnings(model: Classifier, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        one(model, "Grok " * 5_000)

    assert not caplog.records
