"""The posts that the model learns from, all written for this project, and the checks that they pass before anything is trained on them."""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from classifiers.codebook import IRRELEVANT, Aspect, Category, Polarity

FOLDER: Final = Path(__file__).parent / "corpus"
OTHER_HAND: Final = "val-"
"""Files with these names are for validation alone."""
TEXT_FIRST: Final = ("add-first-", "val-first-")
"""Files with these names hold posts that were written without a label in mind, and labelled afterwards by others. They are the nearest to
real posts that writing comes: vaguer, and as hard for a model."""
PLAIN: Final = "add-plain-"
"""Files with these names hold posts as most people write them: blunt, in everyday words, without a twist."""
REAL_LIFE: Final = ("life-", "register-", "add-", OTHER_HAND)
"""Files with these names hold the categories in about the shares of real life; the others hold the five categories alike."""
HELD_OUT: Final = 10
"""One in this many real-life posts is kept for validation."""
SHINGLE: Final = 10
NEAR: Final = 0.7
"""Two texts that share this part of their shingles (Jaccard) are one text for our purposes."""

Split = Literal["train", "validation"]


class CorpusError(Exception):
    """A line of the corpus breaks the schema or the codebook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A written post with its labels, as the codebook defines them."""

    file: str
    line: int
    text: str
    lang: str
    source: str
    relevant: bool
    category: Category | None
    polarity: Polarity | None
    aspects: frozenset[Aspect]

    @property
    def outcome(self) -> str:
        """One of the seven outcomes of the evaluation."""
        return self.category.value if self.category else IRRELEVANT

    @property
    def real_life(self) -> bool:
        """Whether the post belongs to a file with the class shares of real life."""
        return self.file.startswith(REAL_LIFE)

    @property
    def text_first(self) -> bool:
        """Whether the post was written before anybody thought of its label."""
        return self.file.startswith(TEXT_FIRST)

    @property
    def digest(self) -> str:
        """A stable name for the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def load(folder: Path | None = None) -> list[Example]:
    """
    Read and check all posts of a folder, in the order of file names and lines.

    Raises
    ------
    CorpusError
        If a line does not follow the schema or contradicts the codebook; the message names file and line.
    """
    examples = [example for path in sorted((folder or FOLDER).glob("*.jsonl")) for example in _read(path)]
    if not examples:
        raise CorpusError(f"No posts in {folder or FOLDER}")
    return examples


def split(examples: Iterable[Example]) -> dict[Split, list[Example]]:
    """
    Keep a tenth of the real-life posts for validation, and those that were written for it.

    Which posts are kept follows from their text alone, so the split stays the same when posts are added. A training post that nearly
    repeats a kept one is left out.
    """
    parts: dict[Split, list[Example]] = {"train": [], "validation": []}
    for example in examples:
        tenth = example.real_life and int(example.digest[:8], 16) % HELD_OUT == 0
        held_out = tenth or example.file.startswith(OTHER_HAND)
        parts["validation" if held_out else "train"].append(example)
    repeated = near_duplicates(
        [example.text for example in parts["train"]], [example.text for example in parts["validation"]]
    )
    parts["train"] = [example for number, example in enumerate(parts["train"]) if number not in repeated]
    return parts


def near_duplicates(texts: list[str], others: list[str]) -> dict[int, int]:
    """
    Find the texts that nearly repeat one of the others.

    Parameters
    ----------
    texts, others
        Where they are the same list, each text is compared with the earlier ones only.

    Returns
    -------
    dict
        Position in `texts` -> position in `others` of the first one it repeats.
    """
    same = texts is others
    where: dict[int, list[int]] = defaultdict(list)
    other_shingles = [shingles(text) for text in others]
    for position, found in enumerate(other_shingles):
        for shingle in found:
            where[shingle].append(position)
    repeats: dict[int, int] = {}
    for number, text in enumerate(texts):
        mine = shingles(text)
        shared: dict[int, int] = defaultdict(int)
        for shingle in mine:
            for position in where.get(shingle, ()):
                shared[position] += 1
        for position in sorted(shared):
            if same and position >= number:
                break
            if shared[position] >= NEAR * (len(mine) + len(other_shingles[position]) - shared[position]):
                repeats[number] = position
                break
    return repeats


def shingles(text: str) -> frozenset[int]:
    """Return the hashed runs of `SHINGLE` letters or digits of a text, case and spaces ignored; a short text is one shingle."""
    bare = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())
    return frozenset(hash(bare[start : start + SHINGLE]) for start in range(max(len(bare) - SHINGLE + 1, 1)))


def _read(path: Path) -> Iterator[Example]:
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            row: dict[str, Any] = orjson.loads(line)
            example = Example(
                file=path.name,
                line=number,
                text=row["text"],
                lang=row["lang"],
                source=row["source"],
                relevant=row["relevant"],
                category=None if row["category"] is None else Category(row["category"]),
                polarity=None if row["polarity"] is None else Polarity(row["polarity"]),
                aspects=frozenset(map(Aspect, row["aspects"])),
            )
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise CorpusError(f"{path.name}:{number}: {error}") from error
        if contradiction := _contradiction(example, row):
            raise CorpusError(f"{path.name}:{number}: {contradiction}")
        yield example


def _contradiction(example: Example, row: dict[str, Any]) -> str | None:
    if not example.text.strip():
        return "the text is empty"
    if row["origin"] != "written":
        return "only posts written for this project may be trained on"
    if unicodedata.normalize("NFC", example.text) != example.text:
        return "the text is not in NFC"
    if example.relevant != (example.category is not None) or example.relevant != (example.polarity is not None):
        return "category and polarity are given exactly where the post is relevant"
    if example.aspects and not example.relevant:
        return "a post that is not relevant has no aspects"
    return None
