"""X's language codes as BCP-47 tags."""

import re
from typing import Final

RENAMED: Final = {
    "in": "id",
    "iw": "he",
    "ji": "yi",
    "jw": "jv",
    "mo": "ro",
    "sh": "sr-Latn",
    "zh-cn": "zh-Hans",
    "zh-tw": "zh-Hant",
    "msa": "ms",
}
"""Codes that ISO 639 has withdrawn, or that X spells in its own way."""

NO_LANGUAGE: Final = frozenset({"und", "zxx", "mis", "mul", "art", "qam", "qct", "qht", "qme", "qst"})
"""Undetermined, no words at all, and X's private codes: only mentions, cashtags, hashtags, media, or a very short text."""

_TAG: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def bcp47(code: str | None) -> str | None:
    """Give the BCP-47 tag of a language code, None where it names no language.

    Examples
    --------
    >>> bcp47("iw"), bcp47("qme"), bcp47("ja"), bcp47("pt-BR")
    ('he', None, 'ja', 'pt-BR')
    """
    if not code:
        return None
    code = code.strip().replace("_", "-")
    primary, dash, rest = code.partition("-")
    code = primary.lower() + dash + rest
    code = RENAMED.get(code.lower(), code)
    return code if _TAG.fullmatch(code) and len(code) <= 35 and code not in NO_LANGUAGE else None  # noqa: PLR2004 - RFC 5646
