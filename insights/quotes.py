"""Posts to show beside a number: typical of a category in a period, unlike each other, sure of their label."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from classifiers.codebook import Category
from classifiers.text import normalise
from db.selection import Selection
from insights.candidates import SEED, Drawn, draw
from insights.likeness import Embed, Vectors, copied, opinion, units, wording
from insights.words.masking import masked

CANDIDATES: Final = 400
SURE: Final = 0.7
"""Probability of the label from which a post is shown first."""
LIKELY: Final = 0.5
"""Probability below which no post is shown, even where there is no other."""
DUPLICATE: Final = 0.7
"""What two wordings have in common (`insights.likeness.copied`) from which one of them says nothing new."""
SURENESS: Final = 0.1
"""What a post's own quality weighs against how well it stands for others."""
EXTRACT: Final = 280
SHORT: Final = 30
"""Characters below which a post says too little to stand for others."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A post to show.

    Parameters
    ----------
    text
        The post, or its beginning where `cut`, without handles and links.
    probability
        Calibrated probability that it is about Grok and of this category.
    stands_for
        Part of the category's posts, by weight, that are more like this one than like any other that is shown; the parts add up
        to one.
    sample
        It was written for a first look, not by a real person.
    """

    post_id: int
    source: str
    url: str | None
    lang: str
    created_at: datetime
    text: str
    cut: bool
    category: Category
    polarity: str | None
    aspects: Sequence[str]
    probability: float
    stands_for: float
    sample: bool


def quotes(  # noqa: PLR0913 - every one is a choice of its own, all by keyword
    connection: Connection,
    *,
    start: datetime,
    end: datetime,
    category: Category,
    n: int = 5,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
    mask: bool = False,
    embed: Embed = wording,
    seed: int = SEED,
) -> list[Quote]:
    """Choose posts that are typical of a category and unlike each other.

    Up to 400 posts are drawn by weight and probability; of these the greedy choice for the facility-location function (Nemhauser,
    Wolsey & Fisher 1978; Lin & Bilmes 2011) takes those that leave the fewest posts unlike every chosen one. Near-copies of a
    chosen post and further posts of its thread are passed over; deleted posts are never drawn.

    Parameters
    ----------
    start, end
        Half-open span of time.
    n
        How many at most.
    mask
        Hide profanity (`insights.words.masking`).
    embed
        Gives a vector for each text, such as an encoder's features; their likeness counts beside that of the labels.
    seed
        Of the draw. The same posts give the same quotes.
    """
    selection = Selection(start=start, end=end, sources=sources, langs=langs)
    drawn = draw(
        connection, selection, category, at_most=CANDIDATES, least=LIKELY, surest=SURE, enough=4 * n, seed=seed
    )
    texts = [_text(one) for one in drawn]
    readable = [place for place, text in enumerate(texts) if text]
    drawn, texts = [drawn[place] for place in readable], [texts[place] for place in readable]
    if not drawn or n < 1:
        return []
    said = units(embed(texts))
    chosen, nearest = _choose(drawn, texts, said, n)
    parts = np.bincount(nearest, minlength=len(chosen)) / len(drawn)
    return [
        _quote(drawn[place], texts[place], category, float(part), mask=mask)
        for place, part in zip(chosen, parts, strict=True)
    ]


def _choose(drawn: Sequence[Drawn], texts: Sequence[str], said: Vectors, n: int) -> tuple[list[int], NDArray[np.int64]]:
    """Give the places of the chosen posts, the most telling first, and for every post which of them is nearest."""
    wordings, same = said @ said.T, copied(texts)
    meant = opinion([one.post for one in drawn])
    likeness = 0.5 * np.clip(wordings, 0, 1) + 0.5 * np.clip(meant @ meant.T, 0, 1)
    quality = np.array([one.probability * _weight(text) for one, text in zip(drawn, texts, strict=True)])
    reached = np.zeros(len(drawn))
    free = np.ones(len(drawn), bool)
    chosen: list[int] = []
    while len(chosen) < n and free.any():
        gain = np.maximum(likeness - reached[:, None], 0).mean(axis=0) * quality + SURENESS * quality / len(drawn)
        best = int(np.where(free, gain, -1.0).argmax())
        chosen.append(best)
        reached = np.maximum(reached, likeness[:, best])
        thread = drawn[best].post.source, drawn[best].post.thread_id
        free &= same[:, best] < DUPLICATE
        free &= np.array([(one.post.source, one.post.thread_id) != thread for one in drawn])
        free[best] = False
    return chosen, likeness[:, chosen].argmax(axis=1)


def _weight(text: str) -> float:
    """Tell how well a text can be quoted: what is too short says little, what is cut leaves something out."""
    return min(1.0, len(text) / SHORT) * (1.0 if len(text) <= EXTRACT else 0.8)


def _text(drawn: Drawn) -> str:
    whole = normalise("\n\n".join(part for part in (drawn.post.title, drawn.post.text) if part))
    own = re.sub(r"^> .*$", "", whole, flags=re.MULTILINE)  # what the author quotes is not the author's
    return " ".join(own.replace("[link]", "").split())


def _quote(drawn: Drawn, text: str, category: Category, part: float, *, mask: bool) -> Quote:
    post = drawn.post
    extract = _extract(text)
    return Quote(
        post_id=post.id,
        source=post.source,
        url=post.url,
        lang=post.lang,
        created_at=post.created_at,
        text=masked(extract) if mask else extract,
        cut=extract != text,
        category=category,
        polarity=post.polarity,
        aspects=post.aspects,
        probability=drawn.probability,
        stands_for=part,
        sample=post.sample,
    )


def _extract(text: str) -> str:
    if len(text) <= EXTRACT:
        return text
    cut = text[:EXTRACT]
    space = cut.rfind(" ")
    return f"{cut[:space] if space > EXTRACT * 2 // 3 else cut}…"
