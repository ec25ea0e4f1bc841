"""Words that say nothing by themselves, by language (stopwords-iso), and those that every post here holds."""

from functools import cache

TOPIC = frozenset({"grok", "グロック", "그록", "грок", "جروك", "ग्रोक", "xai", "elon", "musk", "x"})
"""What the search was for."""

_PAIRS = {"pt-br": "pt", "zh-hans": "zh", "zh-hant": "zh", "nb": "no", "nn": "no", "fil": "tl"}


@cache
def stop_words(lang: str) -> frozenset[str]:
    """Give the stop words of a language, with the English ones; a language without a list has those alone."""
    import stopwordsiso  # noqa: PLC0415 - reads its lists at import

    tag = _PAIRS.get(lang.lower(), lang.lower().split("-")[0])
    own = stopwordsiso.stopwords(tag) if stopwordsiso.has_lang(tag) else frozenset[str]()
    return frozenset(word.casefold() for word in (*own, *stopwordsiso.stopwords("en"))) | TOPIC
