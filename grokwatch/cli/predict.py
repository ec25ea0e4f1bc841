"""`grokwatch predict`: JSON lines in, one labelled JSON line each out, in the same order."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer

from classifiers.base import Classifier, Document, Label
from grokwatch.cli.session import UsageError, complain, load_classifier, load_settings

app = typer.Typer(add_completion=False)

_LINES: Final = 1_024
_BYTES: Final = 16_000_000
"""At most this much is held at a time."""
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A line as it was read: a document to label, or the reason why it can't be."""

    line: int
    id: object
    document: Document | None
    error: str | None = None


@dataclass(slots=True, kw_only=True)
class Tally:
    """How many lines were answered, how many could not be read, and which was the first of those.

    `unanswered` lines were read, but the model gave no usable answer.
    """

    labelled: int = 0
    unanswered: int = 0
    broken: int = 0
    first_broken: int | None = None


@app.command(
    help="Label JSON lines, without a database.\n\n"
    'Each line is {"id": …, "text": "…", "lang": "…"}; id and lang may be left out. Each answer holds id, lang, relevant, '
    "p_relevant, category (null where not relevant), probabilities (of the six categories, given that the post is "
    "relevant), polarity, aspects, mentions and model. A line that can't be read or labelled is answered by id, error and line in "
    "its place; the exit code is then 1.\n\n"
    "Example: grokwatch predict posts.jsonl > labels.jsonl"
)
def predict(
    file: Annotated[str, typer.Argument(help="File of JSON lines; - for standard input.")] = "-",
    text: Annotated[str | None, typer.Option(help="Label this text instead of a file.")] = None,
    lang: Annotated[str | None, typer.Option(help="Language tag of --text, if known.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Errors as JSON too; the answers always are.")] = False,
) -> None:
    """Label every line."""
    if lang is not None and text is None:
        raise UsageError("--lang goes with --text", mend='give the language in each line as "lang"')
    if text is not None and file != "-":
        raise UsageError("a file and --text were both given", mend="give one of them")
    with ExitStack() as opened:
        lines: Iterable[bytes]
        if text is not None:
            lines = [json.dumps({"text": text, "lang": lang}).encode()]
        else:
            lines = opened.enter_context(_open(file)) if file != "-" else sys.stdin.buffer
        if file == "-" and text is None and sys.stdin.isatty():
            typer.echo("Reading JSON lines from the terminal; Ctrl-D ends them.", err=True)
        tally = answer(lines, load_classifier(load_settings()), sys.stdout.buffer)
    if tally.unanswered:
        complain(
            f"the model gave no usable answer for {tally.unanswered} of the lines",
            'ask for them again; the answers name them under "error"',
            as_json=as_json,
        )
    if tally.broken:
        complain(
            f"{tally.broken} of {tally.broken + tally.labelled + tally.unanswered} lines could not be read, the first is line {tally.first_broken}",
            'give one JSON object a line with a string "text"; the answers name the reasons under "error"',
            as_json=as_json,
        )
    if tally.broken or tally.unanswered:
        raise typer.Exit(1)


def answer(lines: Iterable[bytes], classifier: Classifier, out: BinaryIO) -> Tally:
    """Label lines and write the answers in the order of the lines, holding a bounded number of them."""
    model, tally = classifier.card.version, Tally()
    for chunk in _chunks(_questions(lines)):
        labels = classifier.label(question.document for question in chunk if question.document is not None)
        for question in chunk:
            if question.document is None:
                tally.broken += 1
                tally.first_broken = tally.first_broken or question.line
                fields: dict[str, Any] = {"id": question.id, "error": question.error, "line": question.line}
            elif (label := next(labels)) is None:
                tally.unanswered += 1
                error = "the model gave no usable answer"
                fields = {"id": question.id, "error": error, "line": question.line}
            else:
                tally.labelled += 1
                fields = {"id": question.id, **_fields(label), "model": model}
            # A lone surrogate in an id has no UTF-8 form; its escape is what JSON writes for it.
            out.write(json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
        out.flush()
    return tally


def _fields(label: Label) -> dict[str, Any]:
    return {
        "lang": label.lang,
        "relevant": label.relevant,
        "p_relevant": round(label.p_relevant, _DIGITS),
        "category": label.category.value if label.category is not None else None,
        "probabilities": {category.value: round(p, _DIGITS) for category, p in label.probabilities.items()},
        "polarity": label.polarity.value if label.polarity is not None else None,
        "aspects": [aspect.value for aspect in label.aspects],
        "mentions": [rival.value for rival in label.mentions],
    }


def _questions(lines: Iterable[bytes]) -> Iterator[tuple[Question, int]]:
    for number, line in enumerate(lines, start=1):
        stripped = (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip()
        if stripped:
            yield _question(number, stripped), len(stripped)


def _question(number: int, line: bytes) -> Question:
    try:
        # Not orjson: it refuses lone surrogates in a text and rounds an id of more than 64 bits.
        fields = json.loads(line, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        return Question(line=number, id=None, document=None, error="the line is not UTF-8")
    except (ValueError, RecursionError) as error:
        return Question(line=number, id=None, document=None, error=f"the line is not JSON: {error}")
    if not isinstance(fields, dict):
        return Question(line=number, id=None, document=None, error="the line is not a JSON object")
    text, lang = fields.get("text"), fields.get("lang")
    error = None
    if "text" not in fields:
        error = 'the field "text" is missing'
    elif not isinstance(text, str):
        error = '"text" is not a string'
    elif lang is not None and not isinstance(lang, str):
        error = '"lang" is not a string'
    document = Document(text=text, lang=lang or None) if isinstance(text, str) and error is None else None
    return Question(line=number, id=fields.get("id"), document=document, error=error)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON value")


def _chunks(questions: Iterable[tuple[Question, int]]) -> Iterator[list[Question]]:
    chunk: list[Question] = []
    held = 0
    for question, size in questions:
        chunk.append(question)
        held += size
        if len(chunk) == _LINES or held >= _BYTES:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk


def _open(name: str) -> BinaryIO:
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise UsageError(
            f"{name} can't be read: {error.strerror or error}",
            mend="name a file of JSON lines, or - for standard input",
        ) from error
