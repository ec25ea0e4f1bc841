"""Whether the training posts may be trained on: schema and codebook, repeats, languages, and no word taken over from a real post.

    python -m classifiers.training.check [--corpus DIR] [--against FILE|FOLDER ...]

`--against` names JSON lines of real posts (`text`, `body`, or `title` and `selftext`). The platforms' terms forbid training on them, so no
written post may repeat one or hold a sentence of one. Prints a table of languages and outcomes and what was found; exit code 0 where nothing
was, 1 where something has to be mended first, 2 where there was nothing to check.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from classifiers import language, leakage
from classifiers.codebook import OUTCOMES, Category, Polarity
from classifiers.leakage import TrainingText
from classifiers.training import corpus
from classifiers.training.corpus import CorpusError, Example

IMPOSSIBLE: Final = {
    Category.EXCITEMENT: Polarity.NEGATIVE, Category.SATISFACTION: Polarity.NEGATIVE,
    Category.LATENCY: Polarity.POSITIVE, Category.BIAS: Polarity.POSITIVE,
}  # fmt: skip
"""By their definitions in the codebook: a complaint is no praise."""
HINDI: Final = {"hi": "hi-Latn", "hi-Latn": "hi"}
"""Hindi in its own letters and in Latin ones: two tags that writers mix up, and that need different pieces of the vocabulary."""
ENOUGH: Final = 20
"""Posts of a language from which on its tags are held against the detector."""
AGREEMENT: Final = 0.75
"""Part of these posts whose language the detector has to find by itself. Malay has the least, 0.8: short posts of it are Indonesian as well."""
SHOWN: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that has to be mended, and where."""

    place: str
    said: str


class NothingToCheckError(Exception):
    """A file that should hold real posts holds none, or can't be read."""


def find(examples: Sequence[Example], real: Sequence[Path] = ()) -> list[Finding]:
    """Find what has to be mended.

    Parameters
    ----------
    examples
        Posts that follow the schema (`classifiers.training.corpus.load`).
    real
        Files or folders of real posts.

    Raises
    ------
    NothingToCheckError
        One of `real` holds no posts.
    """
    findings = [*_contradictions(examples), *_repeats(examples), *_languages(examples)]
    if real:
        posts = [post for path in real for post in read_real(path)]
        findings.extend(_taken(examples, posts))
    return findings


def table(examples: Sequence[Example]) -> str:
    """Count posts by language and outcome, the most frequent language first."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        counts[example.lang][example.outcome] += 1
    rows = sorted(counts.items(), key=lambda row: -row[1].total())
    rows.append(("all", sum((row for _, row in rows), Counter[str]())))
    lines = [f"{'language':10}" + "".join(f"{outcome:>13}" for outcome in (*OUTCOMES, "posts"))]
    for lang, row in rows:
        lines.append(f"{lang:10}" + "".join(f"{row[outcome]:13,}" for outcome in OUTCOMES) + f"{row.total():13,}")
    return "\n".join(lines)


def read_real(path: Path) -> Iterator[TrainingText]:
    """Give the texts of a file of real posts, or of all JSON-lines files of a folder.

    Raises
    ------
    NothingToCheckError
        There are none.
    """
    files = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
    some = False
    for file in files:
        try:
            lines = file.read_bytes().splitlines()
        except OSError as error:
            raise NothingToCheckError(f"{file} can't be read: {error.strerror or error}") from error
        for number, line in enumerate(lines, start=1):
            if text := _text_of(line):
                some = True
                yield TrainingText(file=file.name, line=number, text=text)
    if not some:
        raise NothingToCheckError(f"{path} holds no posts: JSON lines with text, body, or title and selftext are read")


def _text_of(line: bytes) -> str:
    try:
        fields: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(fields, dict):
        return ""
    parts = (fields.get(name) for name in ("title", "text", "body", "selftext"))
    return "\n\n".join(part for part in parts if isinstance(part, str) and part.strip())


def _place(example: Example) -> str:
    return f"{example.file}:{example.line}"


def _contradictions(examples: Sequence[Example]) -> Iterator[Finding]:
    for example in examples:
        if example.category is not None and IMPOSSIBLE.get(example.category) == example.polarity:
            yield Finding(place=_place(example), said=f"{example.category} can't be {example.polarity}")
        if example.lang in HINDI and language.detect(example.text, example.lang) == HINDI[example.lang]:
            yield Finding(place=_place(example), said=f"is {HINDI[example.lang]}, not {example.lang}")
        if example.lang != "und" and language.canonical(example.lang) is None:
            yield Finding(place=_place(example), said=f'"{example.lang}" is no language tag')


def _repeats(examples: Sequence[Example]) -> Iterator[Finding]:
    texts = [example.text for example in examples]
    for number, first in corpus.near_duplicates(texts, texts).items():
        if not leakage.is_stock_phrase(texts[number]):
            yield Finding(place=_place(examples[number]), said=f"nearly repeats {_place(examples[first])}")


def _languages(examples: Sequence[Example]) -> Iterator[Finding]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for example in examples:
        if (tag := language.canonical(example.lang)) is not None:
            found[_spoken(tag)].append(_spoken(language.detect(example.text)))
    for tag, detected in sorted(found.items()):
        share = detected.count(tag) / len(detected)
        if len(detected) >= ENOUGH and share < AGREEMENT:
            others = ", ".join(f"{other} {count}" for other, count in Counter(detected).most_common(3) if other != tag)
            yield Finding(
                place=f"language {tag}", said=f"only {share:.0%} of {len(detected)} posts read as {tag} ({others})"
            )


def _spoken(tag: str) -> str:
    # Many a Chinese post holds no sign that only one of the two scripts has.
    return "zh" if tag.startswith("zh") else tag


def _taken(examples: Sequence[Example], real: Sequence[TrainingText]) -> Iterator[Finding]:
    texts = [example.text for example in examples]
    leaks = leakage.find(texts, real)
    for leak in leaks:
        repeated = f"repeats {leak.source.file}:{leak.source.line}, overlap {leak.overlap:.2f}"
        yield Finding(place=_place(examples[leak.number]), said=repeated)
    known = {leak.number for leak in leaks}
    for number, run in leakage.borrowed(texts, (post.text for post in real)).items():
        if number not in known:
            yield Finding(place=_place(examples[number]), said=f'holds words of a real post: "{run}"')


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, print, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=corpus.FOLDER, help="folder of the training posts")
    parser.add_argument("--against", type=Path, nargs="+", default=[], help="files or folders of real posts")
    options = parser.parse_args(arguments)
    try:
        examples = corpus.load(options.corpus)
        findings = find(examples, options.against)
    except CorpusError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    except NothingToCheckError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    sys.stdout.write(table(examples) + "\n\n")
    for finding in findings[:SHOWN]:
        sys.stdout.write(f"{finding.place}: {finding.said}\n")
    if len(findings) > SHOWN:
        sys.stdout.write(f"and {len(findings) - SHOWN} more\n")
    against = f", held against {', '.join(path.name for path in options.against)}" if options.against else ""
    sys.stdout.write(f"{len(examples):,} posts{against}: {len(findings) or 'nothing'} to mend\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
