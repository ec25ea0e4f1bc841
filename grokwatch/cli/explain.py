"""`grokwatch explain`: the words that carried a post's label, and the training posts that lie nearest."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from grokwatch.cli.session import UsageError, database, load_classifier, load_settings

if TYPE_CHECKING:
    from classifiers.base import Classifier, Document
    from classifiers.explain import Explanation

app = typer.Typer(add_completion=False)

_LARGEST_NUMBER: Final = 2**63 - 1
_CARRIERS: Final = 8
_AGAINST: Final = 3
_LIGHT: Final = 0.05
"""Log-odds below which a word is not worth a line."""
_BAR: Final = 20
_EXTRACT: Final = 160
_DIGITS: Final = 4


@app.command(
    help="Say what carried a post's label: its words by weight, and the three nearest posts that the model learned from.\n\n"
    "A word's weight is what it gives to the log-odds of the label; below zero it spoke against the label. The text is one argument; a stored post is named by the id that v_posts shows.\n\n"
    'Example: grokwatch explain "Grok has been down all morning"\n\n'
    "Example: grokwatch explain --post 42 --json"
)
def explain(
    text: Annotated[str | None, typer.Argument(help="The text to explain.")] = None,
    post: Annotated[
        int | None, typer.Option(help="Number of a stored post.", metavar="ID", min=1, max=_LARGEST_NUMBER)
    ] = None,
    lang: Annotated[str | None, typer.Option(help="Language tag of the text, if known.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Explain one post."""
    from classifiers.base import Document

    if (text is None) == (post is None):
        said = "neither a text nor --post was given" if text is None else "a text and --post were both given"
        raise UsageError(said, mend='give one of them: grokwatch explain "…"')
    if post is not None and lang is not None:
        raise UsageError("--lang goes with a text", mend="leave it out: a stored post knows its language")
    document = Document(text=text, lang=lang) if text is not None else _stored(post or 0)
    classifier = load_classifier(load_settings())
    found = explained(classifier, document)
    if as_json:
        typer.echo(json.dumps({"post": post, **as_fields(found, classifier.card.version)}, ensure_ascii=False))
    else:
        show(found, classifier.card.version)


def explained(classifier: "Classifier", document: "Document") -> "Explanation":
    """Explain a document by the model in use.

    Raises
    ------
    ClassifierError
        The model asks money for every answer, or fails.
    """
    from classifiers import explain as explanations
    from classifiers import neighbours
    from classifiers.base import ClassifierError
    from classifiers.chat import ChatClassifier
    from classifiers.encoder import EncoderClassifier

    if isinstance(classifier, ChatClassifier):
        raise ClassifierError(
            f"{classifier.card.version} can't be explained: every word would be a question that costs money",
            mend="run it by the shipped model: GROKWATCH_MODEL=shipped grokwatch explain …",
        )
    if isinstance(classifier, EncoderClassifier):
        return explanations.explain(classifier, document, nearest=lambda text: neighbours.of(classifier, text))
    return explanations.explain(classifier, document)


def _stored(number: int) -> "Document":
    from classifiers.base import Document
    from db.posts import read_post

    with database(load_settings()) as engine, engine.connect() as connection:
        stored = read_post(connection, number)
    if stored is None:
        raise UsageError(
            f"there is no post {number}", mend='look for one: grokwatch sql "SELECT id, text FROM v_posts LIMIT 20"'
        )
    if stored.text is None:
        raise UsageError(f"post {number} was deleted, and its text with it", mend="name another post")
    return Document(text=stored.text, lang=stored.lang)


def as_fields(found: "Explanation", model: str) -> dict[str, Any]:
    """Give the fields of `--json`."""
    label = found.label
    return {
        "outcome": found.outcome,
        "relevant": label.relevant,
        "p_relevant": round(label.p_relevant, _DIGITS),
        "category": label.category.value if label.category else None,
        "probabilities": {category.value: round(p, _DIGITS) for category, p in label.probabilities.items()},
        "polarity": label.polarity.value if label.polarity else None,
        "aspects": [aspect.value for aspect in label.aspects],
        "lang": label.lang,
        "text": found.text,
        "probability": round(found.probability, _DIGITS),
        "words": [
            {
                "text": word.text,
                "start": word.start,
                "end": word.end,
                "weight": round(word.weight, _DIGITS),
                "names_grok": word.names_grok,
            }
            for word in found.words
        ],
        "neighbours": [
            {
                "similarity": round(near.similarity, _DIGITS),
                "outcome": near.outcome,
                "lang": near.lang,
                "text": near.text,
                "file": near.file,
                "line": near.line,
            }
            for near in found.neighbourhood.posts
        ],
        "neighbours_missing": found.neighbourhood.missing,
        "model": model,
    }


def show(found: "Explanation", model: str) -> None:
    """Print an explanation for people."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{found.outcome}, probability {found.probability:.2f}, by {model}\n", markup=False)
    ranked = sorted(found.words, key=lambda word: -abs(word.weight))
    carried = [word for word in ranked if word.weight >= _LIGHT][:_CARRIERS]
    against = [word for word in ranked if word.weight <= -_LIGHT][:_AGAINST]
    heaviest = max((abs(word.weight) for word in (*carried, *against)), default=1.0)
    for title, words, colour in (("Spoke for it", carried, "green"), ("Spoke against it", against, "red")):
        if not words:
            continue
        console.print(f"{title}:", markup=False)
        for word in words:
            bar = "█" * max(1, round(abs(word.weight) / heaviest * _BAR))
            console.print(
                Text.assemble(
                    f"  {word.weight:+6.2f}  ", (f"{bar:<{_BAR}}", colour),
                    f"  {_one_line(word.text)}",
                )
            )  # fmt: skip
        console.print()
    if not carried and not against:
        console.print("No word carried it: the label stays as sure as it is with any of them missing.\n")
    if found.neighbourhood.missing is not None:
        console.print(f"Nearest training posts: none, {found.neighbourhood.missing}.", markup=False)
        return
    console.print("Nearest training posts: likeness, label")
    for near in found.neighbourhood.posts:
        what = (
            _one_line(near.text)
            if near.text is not None
            else "(its text is not here: the training posts are not installed, or were changed)"
        )
        console.print(
            f"  {near.similarity:.2f}  {near.outcome or 'unknown'}: {what} [{near.file} line {near.line}]", markup=False
        )


def _one_line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _EXTRACT else flat[: _EXTRACT - 1] + "…"
