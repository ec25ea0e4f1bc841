"""What a look at the spelling tells a model about a post, beside what the encoder makes of it.

Whether a post is about Grok hangs on how the name is used: as a handle that is only summoned, as a verb, as part of another
product's name. These are facts about characters, which an average over all words blurs.
"""

import math
import re
from itertools import islice
from typing import Final

NAMES: Final = (
    "named", "mentions", "first_at", "invoked", "only_invoked", "named_outside_handles", "look_alike", "verb",
    "company", "owner", "product", "link", "length", "several_lines", "rival", "question", "exclamation",
)  # fmt: skip
"""Meaning of each number that `of` gives, in order."""

FOCUS_FROM: Final = 700
"""A text whose first mention of Grok comes later than this many characters is read from near that mention."""
_FEW_LINES: Final = 3
_KEPT_HEAD: Final = 160
_BEFORE_MENTION: Final = 240
_COUNTED_MENTIONS: Final = 64

_GROK: Final = re.compile(
    r"gr[o0óôố]k|gr[oó]qu|grốc|グロッ?ク|ぐろっく|그[록락]|그로크|[\u0433\u0491]\u0440\u043e+\u043a|[جغقگ]رو?[كکاق]|ग्रो?[कॉ]|গ্র[কো]|กร[็อ]|格[罗羅洛]克|גרוק|γκρο[κ]",
    re.IGNORECASE,
)
_INVOKED: Final = re.compile(r"\s*(?:@\w+\s+)*@grok\b", re.IGNORECASE)
_HANDLE: Final = re.compile(r"@\w+")
_LOOK_ALIKE: Final = re.compile(
    r"groq\b|grokk|grok(?:king|ked|s)\b|logstash|grok (?:filter|pattern|parser)|grokparse|glock|pistol|\$grok|拳銃|ピストル|銃",
    re.IGNORECASE,
)
_VERB: Final = re.compile(r"\bgrok (?:a|the|this|that|it|how|what|why)\b|to grok\b", re.IGNORECASE)
_OWNER: Final = re.compile(r"musk|elon|маск|илон|マスク|马斯克|馬斯克|머스크|ماسك|ماسک|मस्क", re.IGNORECASE)
_PRODUCT: Final = re.compile(r"supergrok|grok\W?[345]|imagine|\bani\b|companion", re.IGNORECASE)
_RIVAL: Final = re.compile(r"gpt|claude|gemini|deepseek|openai", re.IGNORECASE)


def of(text: str) -> tuple[float, ...]:
    """
    Give the cues of a normalised text.

    Returns
    -------
    tuple of float
        One number between 0 and about 1.5 for each of `NAMES`.
    """
    mentions = list(_GROK.finditer(text))
    invoked = _INVOKED.match(text) is not None
    outside = _GROK.search(_HANDLE.sub("", text)) is not None
    length = max(len(text), 1)
    facts = (
        bool(mentions),
        min(len(mentions), 4) / 4,
        mentions[0].start() / length if mentions else 1.0,
        invoked,
        invoked and not outside,
        outside,
        _LOOK_ALIKE.search(text) is not None,
        _VERB.search(text) is not None,
        "xai" in text.lower(),
        _OWNER.search(text) is not None,
        _PRODUCT.search(text) is not None,
        "[link]" in text,
        math.log(length) / 7,
        text.count("\n") > _FEW_LINES,
        _RIVAL.search(text) is not None,
        "?" in text or "\uff1f" in text,
        "!" in text or "\uff01" in text,
    )
    return tuple(map(float, facts))


def mentions(text: str) -> list[tuple[int, int]]:
    """Give where the first mentions of Grok begin and end, in any script."""
    return [found.span() for found in islice(_GROK.finditer(text), _COUNTED_MENTIONS)]


def focus(text: str) -> str:
    """Move a late first mention of Grok into the part that the encoder reads: the beginning, then what stands around the mention."""
    found = _GROK.search(text)
    if found is None or found.start() < FOCUS_FROM:
        return text
    return f"{text[:_KEPT_HEAD]} … {text[found.start() - _BEFORE_MENTION :]}"
