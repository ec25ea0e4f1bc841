"""Posts as people write them, to measure labelling on: length, languages, artefacts and repeats of real life, no text that exists.

    python bench/posts.py OUT.json [--posts N] [--seed N]

Each is a post of the training corpus, used once. Every other one keeps only its first half and ends as another post of its language ends; three in
ten get an artefact of a platform (a link, a handle, a quote, an entity, bold type); one in fifty is an exact copy of an earlier one, as in a
stream of Reddit submissions. Their mean is about 60 tokens and half of them are under 45, as on X. The same seed gives the same posts.
"""

import argparse
import json
import random
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from classifiers.training import corpus

REPEATED = 0.02
DECORATED = 0.3


def compose(count: int, seed: int) -> list[str]:
    """Give posts as the head of this file says."""
    draw = random.Random(seed)
    examples = corpus.load()
    by_language: defaultdict[str, list[str]] = defaultdict(list)
    for example in examples:
        by_language[example.lang].append(example.text)
    posts: list[str] = []
    while len(posts) < count:
        draw.shuffle(examples)
        for number, example in enumerate(examples[: count - len(posts)]):
            if posts and draw.random() < REPEATED:
                posts.append(draw.choice(posts))
                continue
            text = example.text
            if number % 2:
                text = crossed(text, like(text, by_language[example.lang], draw))
            posts.append(decorated(text, draw) if draw.random() < DECORATED else text)
    return posts


def like(text: str, others: Sequence[str], draw: random.Random) -> str:
    """Of a few other posts, the one whose length is nearest."""
    return min(draw.choices(others, k=20), key=lambda other: (other == text, abs(len(other) - len(text))))


def crossed(first: str, second: str) -> str:
    """Join the first half of one text and the second half of another, cut at a space where there is one."""
    return first[: _middle(first)] + second[_middle(second) :]


def _middle(text: str) -> int:
    space = text.find(" ", len(text) // 2)
    return len(text) // 2 if space < 0 else space


def decorated(text: str, draw: random.Random) -> str:
    name = f"{draw.choice(('anna', 'kenji', 'luz', 'omar'))}_{draw.randrange(1000)}"
    return draw.choice(
        (
            f"{text} https://t.co/{draw.randrange(10**9):x}",
            f"@{name} {text}",
            f"> {text[:120]}\n\n{text}",
            text.replace(" and ", " &amp; ") + " &lt;3",
            re.sub(r"(\w{4,})", r"**\1**", text, count=1),
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--posts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=6)
    options = parser.parse_args()
    options.out.write_text(json.dumps(compose(options.posts, options.seed)), "utf-8")


if __name__ == "__main__":
    main()
