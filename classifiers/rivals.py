"""Which other assistants a post names, by their names in the scripts of the codebook (section 5)."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from classifiers.codebook import Rival

_LETTER: Final = "A-Za-z0-9_\u00c0-\u024f"
"""What may not touch a Latin name. Kana, Han and Hangul may: there, words are written without spaces."""


def _latin(names: str) -> str:
    return rf"(?<![{_LETTER}])(?:{names})(?![{_LETTER}])"


_NAMES: Final[Mapping[Rival, str]] = {
    Rival.CHATGPT: "|".join(
        (
            r"chat\s?-?gpt\w*",
            _latin(
                r"(?:open\s?ai\w*|gpt(?:s|[-\s]?\d[\w.]*|[-\s]?oss)?|o[134](?:[-\s](?:mini|pro|high|preview))|codex|sora(?:\s?2)?)"
            ),
            "チャットGPT|チャッピー|チャトジピ|オープンAI|챗\\s?GPT|챗지피티|지피티|오픈AI|чат\\s?-?(?:гпт|джипити)|гпт|опенаи|جي بي تي|چت\\s?جی\\s?پی\\s?تی|चैट\\s?जीपीटी",
        )
    ),
    Rival.CLAUDE: "|".join(
        (
            _latin(r"claude(?:ai)?|anthropic\w*|opus|sonnet|haiku"),
            "クロード|克劳德|克勞德|클로드|клод[ауеом]{0,2}|антропик|كلود|کلاود|क्लॉड|קלוד",
        )
    ),
    Rival.GEMINI: "|".join(
        (
            _latin(r"gemini\w*|google\s?ai|bard|nano[-\s]?banana|veo(?:[-\s]?\d[\w.]*)?"),
            "ジェミニ|ジェミナイ|제미나이|제미니|гемини|джемини|جيميني|جمینی|जेमिनी|ג'מיני|双子座AI",
        )
    ),
    Rival.DEEPSEEK: "|".join(
        (_latin(r"deep\s?-?seek\w*"), "ディープシーク|深度求索|딥시크|дипсик|ديب سيك|دیپ‌سیک|डीपसीक")
    ),
    Rival.COPILOT: "|".join(
        (_latin(r"(?:github|ms|microsoft)?\s?copilots?"), "コパイロット|코파일럿|копайлот|копилот")
    ),
    Rival.LLAMA: "|".join((_latin(r"llama[-\s]?\d[\w.]*|llama|meta\s?ai"), "메타\\s?AI|라마\\s?\\d")),
    Rival.MISTRAL: "|".join((_latin(r"mistral\w*|mixtral|le\s?chat"), "ミストラル|미스트랄|мистраль")),
    Rival.PERPLEXITY: "|".join((_latin(r"perplexity\w*"), "パープレキシティ|퍼플렉시티|перплексити")),
    Rival.QWEN: "|".join((_latin(r"qwen\w*|tongyi"), "通义千问|通義千問|千问|千問|큐원")),
}


def find(text: str) -> tuple[Rival, ...]:
    """Name the assistants that a text mentions beside Grok, each once, in the order of the codebook."""
    text = unicodedata.normalize("NFKC", text[:20_000])
    return tuple(rival for rival, names in _NAMES.items() if re.search(names, text, re.IGNORECASE))
