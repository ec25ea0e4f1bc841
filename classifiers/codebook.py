"""The labels of the codebook as enumerations, in the order of the report of November 2025."""

from enum import StrEnum
from typing import Final


class Category(StrEnum):
    """What a relevant post mainly expresses; `OTHER` where none of the report's five does."""

    EXCITEMENT = "excitement"
    LATENCY = "latency"
    BIAS = "bias"
    SATISFACTION = "satisfaction"
    ABANDONMENT = "abandonment"
    OTHER = "other"


FIVE: Final = (Category.EXCITEMENT, Category.LATENCY, Category.BIAS, Category.SATISFACTION, Category.ABANDONMENT)
"""The report's five categories, whose shares add up to one."""

IRRELEVANT: Final = "irrelevant"
"""The seventh outcome in evaluations: the post is not about Grok."""

OUTCOMES: Final = (*(category.value for category in Category), IRRELEVANT)


class Polarity(StrEnum):
    """The author's stance towards Grok."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    MIXED = "mixed"


class Aspect(StrEnum):
    """What the post talks about; none, one or several."""

    SPEED = "speed"
    RELIABILITY = "reliability"
    CODING = "coding"
    WRITING = "writing"
    ACCURACY = "accuracy"
    EMOTION = "emotion"
    MEDIA = "media"
    SEARCH = "search"
    CONTEXT = "context"
    PRICE = "price"
    BIAS = "bias"
    SAFETY = "safety"


class Rival(StrEnum):
    """Assistants named beside Grok."""

    CHATGPT = "chatgpt"
    CLAUDE = "claude"
    GEMINI = "gemini"
    DEEPSEEK = "deepseek"
    COPILOT = "copilot"
    LLAMA = "llama"
    MISTRAL = "mistral"
    PERPLEXITY = "perplexity"
    QWEN = "qwen"
