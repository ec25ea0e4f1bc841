# ruff: noqa: RUF001 - names in every script are what this file holds
"""Which other assistants a post names, by their names in the scripts of the codebook (section 5).

Some names are words as well: Gemini is a sign of the zodiac, Claude a first name, llama an animal and Spanish for "calls",
Veo Spanish for "I see". Those count by what stands beside them: a version, the maker, another assistant.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from classifiers.codebook import Rival
from classifiers.text import even_characters

_READ_CHARACTERS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """How a rival is named.

    `sure` names it whatever stands around. `words` mean it too, except where `instead` finds the other meaning, or, if
    `only_beside` is given, wherever that is not found.
    """

    sure: re.Pattern[str]
    words: re.Pattern[str] | None = None
    only_beside: re.Pattern[str] | None = None
    instead: re.Pattern[str] | None = None


def _latin(names: str) -> str:
    """Bound Latin names by what is no Latin letter or digit: kana, Han and Hangul may touch them."""
    letter = "A-Za-z0-9\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
    return rf"(?<![{letter}])(?:{names})(?![{letter}])"


def _cyrillic(names: str) -> str:
    return rf"(?<![\u0400-\u04ff])(?:{names})(?![\u0400-\u04ff])"


def _arabic(names: str) -> str:
    """Bound Arabic names by what is no Arabic letter, but for the particles that are written onto a word."""
    return rf"(?<![\u0621-\u064a\u0671-\u06d3])[وفبلك]{{0,2}}(?:ال)?(?:{names})(?![\u0621-\u064a\u0671-\u06d3])"


def _pattern(*names: str) -> re.Pattern[str]:
    return re.compile("|".join(names), re.IGNORECASE)


_AI: Final = _latin(
    r"ai|a\.i\.|ki|ia|yz|llms?|chatbots?|models?|modelos?|modèles?|modelle?|openai|chatgpt|gpt\S{0,6}|anthropic|claude|gemini|deepmind|deepseek|mistral"
    r"|qwen|perplexity|copilot|benchmarks?|prompts?|xai|open[- ]?(?:source|weights?)|weights|fine-?tun\w+|\d{1,3}b|veo|sora|groq|lpus?|tok(?:en)?s?/s|ollama|swe-?bench|arc|reasoning"
)
_VIDEO: Final = (
    _latin(
        r"videos?|vídeos?|vidéos?|clips?|imagine|runway|kling|openai|chatgpt|gpt\S{0,6}|prompts?|animat\w+|gen-?ai|ai|deepfakes?|watermarks?|veo|sora|google|midjourney"
    )
    + "|видео|動画|影片|视频|視頻|영상|वीडियो|فيديو"
)

_NAMES: Final[Mapping[Rival, tuple[_Names, ...]]] = {
    Rival.CHATGPT: (
        _Names(
            sure=_pattern(
                r"chat\s?-?gpt",
                _latin(
                    r"open\s?ai\w*|cgpt|gpt[-\s]?(?:\d[\w.]*|oss)|o[134][- ](?:mini|pro|preview|high)|sora\s?2|codex[- ](?:cli|max|mini)"
                ),
                "チャットGPT|チャット?ジーピーティー|チャッピー|ちゃっぴー|チャピー|オープンAI",
                "[챗쳇][\\s-]?(?:gpt|[지쥐]피티)|챗지(?=[는나로도랑가를만의]|보다|한테|[^가-힣]|$)|지피티|쥐피티|오픈\\s?ai",
                _cyrillic(
                    "чат\\s?-?(?:гпт|жпт|джи\\s?пи\\s?ти|джипити)\\w{0,2}|гпт\\w{0,2}|жпт|опен\\s?эйай|опенаи|оупен\\s?(?:ай|эйай|еяй|аї|аями|аях)"
                ),
                "تشات\\s?جي\\s?بي\\s?تي|شات\\s?جي\\s?بي\\s?تي|جي\\s?بي\\s?تي|چت\\s?جی[\\s\u200c]?پی[\\s\u200c]?تی|(?:چیٹ\\s?)?جی\\s?پی\\s?ٹی",
                "चैट\\s?जी\\s?पी\\s?टी|चैटजीपीटी|চ্যাট\\s?জিপিটি|แชท\\s?จีพีที|แชตจีพีที|צ['׳]?אט\\s?(?:gpt|ג['׳]י\\s?פי\\s?טי)|ג['׳]יפיטי",
            ),
            words=_pattern(_latin("gpts?")),
            instead=_pattern(_latin("mbr|uefi|partitions?|gdisk")),
        ),
        _Names(
            sure=_pattern(_latin("openai codex")),
            words=_pattern(_latin("codex")),
            instead=_pattern("alimentarius|warhammer|40k|manuscript|leicester|mayan?|sinaiticus|space marines?"),
        ),
        _Names(
            sure=_pattern(_latin("sora[- ]?(?:ai|app|2)|openai sora")),
            words=re.compile(_latin("Sora(?:['’]s)?|SORA")),
            instead=_pattern("kingdom hearts|keyblade|kairi|riku|大空"),
        ),
        _Names(
            sure=_pattern(_latin("sora[- ]?2")),
            words=_pattern(_latin("sora")),
            only_beside=re.compile(_VIDEO.replace("|veo|sora", "|veo"), re.IGNORECASE),
            instead=_pattern("kingdom hearts|keyblade|kairi|riku|大空"),
        ),
        _Names(
            sure=re.compile(_latin("O[134]-mini")),
            words=_pattern(_latin("o[134]")),
            only_beside=_pattern(_AI, _latin(r"grok[- ]?[3-5](?:\.\d)?|the o[134] (?:days|era)")),
            instead=_pattern(_latin("visas?|ozone|o[12] arena")),
        ),
    ),
    Rival.CLAUDE: (
        _Names(
            sure=_pattern(
                _latin(
                    r"claude+[-_\s]?(?:ai|code|opus|sonnet|haiku|pro|max|api|desktop|cowork|\d[\d.]*)|claudeai|claudee+|an[th]{1,3}ropic\w*"
                    r"|(?:opus|sonnet|haiku)[-\s]?[3-6](?:\.\d)?"
                ),
                "アンソロピック|앤트로픽|앤스로픽",
                _cyrillic("антропик\\w{0,2}|энтропик"),
            ),
            words=_pattern(
                _latin("claud(?:e(?:['’]?s)?|em|owi)"),
                "クロード|克劳德|克勞德|클로드",
                _cyrillic("клод(?:а|у|ом|е|ові|ом)?"),
                _arabic("كلود|کلود|کلاڈ"),
                "क्लॉड|क्लाउड(?=\\s?(?:एआई|ai|कोड))|ক্লড|קלוד|Κλοντ|โคลด",
            ),
            instead=_pattern(
                r"(?<!\w)(?:jean|marie|pierre|anne|paul|saint|st|жан)[-\s.]{1,2}(?:claude|клод)|(?:ジャン|장|尚|让)[=＝・\-\s·]?(?:クロード|클로드|克劳德|克勞德)",
                r"claude\s+(?:monet|debussy|rains|shannon|l[ée]vi|juncker|mak[ée]l[ée]l[ée]|giroux|van damme|cahun|lemieux|puel|chabrol|lelouch|fran[çc]ois"
                r"|bernard|berri|lorrain|mckay|joseph|bessy|sautet|steele|speed|frollo|le roux|brasseur|rich)",
                "クロード[・\\s]?(?:モネ|ドビュッシー|シャノン|レイン|ルルーシュ)|克[劳勞]德[·・\\s]?(?:莫奈|德彪西|香农)|클로드\\s?(?:모네|드뷔시|섀넌)|клод\\s(?:моне|дебюсси|шеннон|леви|ван)",
                r"(?:uncle|aunt|grandpa|grandfather|grandma|monsieur|madame|mr\.?|mrs\.?|named|neighbou?r|cousin|oncle|tonton|tío|onkel|tante|papy|mon voisin|zio)\s+claude",
            ),
        ),
        _Names(
            sure=_pattern(_latin("anthropic")),
            words=_pattern(_latin("opus")),
            instead=_pattern(
                r"magnum opus|opus dei|opus no\.? ?\d|opus number|opus magnum|opus codec|opus audio|his opus|her opus|sonata|symphon|concerto|beethoven|chopin|mozart|brahms"
            ),
        ),
        _Names(
            sure=_pattern(
                _latin(r"claude (?:sonnet|haiku)|grok\S{0,12} (?:from|than|vs\.?|over|to) (?:sonnet|haiku)"),
                _latin(r"(?:from|than|vs\.?|over) (?:sonnet|haiku) (?:to|and|or|is) grok\S{0,12}"),
                r"(?:跟|比|换成|換成)\s?(?:sonnet|haiku)|(?:sonnet|haiku)\s?(?:的位置|差不多|更|比|也|便宜|贵|貴)",
            ),
            words=re.compile(_latin("Sonnet|Haiku")),
            only_beside=_pattern(
                _latin(
                    r"opus|gpt\S{0,6}|gemini|4o|o[34]|flash|kimi|glm\S{0,4}|sonnet\S{0,4}, haiku|grok (?:\d\S{0,3}|code|fast|build)|\d\d\d error"
                )
            ),
            instead=_pattern(
                r"(?:\ba|one|the|this|write|shakespeare\S*|love|compose) (?:\w+ )?(?:sonnet|haiku)|in haiku|haikus|poems?\b|verses?\b|rhym|5-7-5"
            ),
        ),
    ),
    Rival.GEMINI: (
        _Names(
            sure=_pattern(
                _latin(
                    r"google\s(?:gemini|bard|ai\w*|deepmind|veo|labs)|deepmind|gemini[-\s]?(?:\d(?:\.\d)?|pro|flash|ultra|nano|advanced|live|api|cli|app|ai|code|enterprise)"
                    r"|geminiapp|geminiai|nano[-\s]?banana|banana\s(?:pro|2)|veo[-\s]?[1-9](?:\.\d)?|bard ai"
                ),
                "谷歌双子座|谷歌gemini|ナノバナナ|나노\\s?바나나",
            ),
            words=_pattern(
                _latin("gemini(?:['’]?s)?"),
                "ジェミニ|ジェミナイ|제미나이|재미나이|제미니",
                _cyrillic("(?:дж|г)[еэ]м[иі]н(?:и|і|ай|аи)\\w{0,2}"),
                _arabic("جيميني|جيميناي|جمينا?ي|جمنای|جمینی|جمینای|جیمنی|جیمینای"),
                "जेमिनी|जेमिनाई|জেমিনি|জেমিনাই|ג['׳]?י?מיני|Τζ[εέ]μινι|เจมินี|เจมิไน",
            ),
            instead=_pattern(
                _latin(
                    "zodiacs?|horoscopes?|horóscopo|astrolog\\w*|aries|taurus|virgo|libra|scorpios?|sagittarius|capricorns?|aquarius|pisces|star ?signs?|sun sign|moon sign"
                    "|gemini (?:season|sun|moon|rising|men|man|women|woman|girls?|boys?)|winklevoss|project gemini|gemini (?:exchange|viii|xii|program|mission|capsule)"
                ),
                "♊|星座|双子座|雙子座|ふたご座|별자리|쌍둥이자리|близнец|гороскоп|зодиак|الجوزاء|أبراج|राशिफल|मिथुन",
            ),
        ),
        _Names(
            sure=_pattern(_latin("google bard|bard ai")),
            words=re.compile(_latin("Bard")),
            only_beside=_pattern(_latin("google|chatgpt|gpt\\S{0,6}|openai|bing|claude|copilot|chatbots?")),
        ),
        _Names(
            sure=_pattern(
                _latin(r"google veo|(?:imagine|sora|kling|runway|seedance)\s?(?:[,/+x]|vs\.?|or|and|ou|e|y)\s?veo"),
                _latin(r"veo\s?(?:[,/+x]|vs\.?|or|and|ou|e|y)\s?(?:imagine|grok imagine|sora|kling|runway|seedance)"),
            ),
            words=re.compile(_latin("Veo")),
            only_beside=re.compile(_VIDEO.replace("|veo|sora", "|sora"), re.IGNORECASE),
            instead=_pattern(
                _latin(
                    "veo (?:que|la|el|lo|un|una|a|al|los|las|muy|mucho|como|cómo|en|si|esto|esta|este|eso|bien|mal|tu|mi|su|más|todo|todos)"
                )
            ),
        ),
        _Names(
            sure=_pattern(
                "谷歌(?:的)?(?:ai|人工智能|大模型|模型)|グーグルのAI|구글\\s?ai",
                _latin("google['’]s (?:ai|models?|llm|chatbot|nano)"),
            ),
            words=re.compile(
                # The company among its peers; neither its services nor a search on it.
                r"(?:گوگل|جوجل|غوغل|गूगल|(?<![\u0400-\u04ff])(?:гугл|гуґл)(?:а|у|е|ом|ы)?(?![\u0400-\u04ff-]))|"
                r"(?<![A-Za-z0-9])(?<!\b[Oo]n )(?<!\b[Ii]n )(?<!\b[Ee]n )(?<!\b[Ss]ur )(?<!\b[Nn]o )(?<!\b[Cc]on )(?<!Dr\. )Google(?![A-Za-z0-9])(?!(?:['’]s)?[\s-]?(?:Play|Maps?|Drive|Docs?|Sheets?|Slides|Translate|Search|Chrome|Pixel|Accounts?|Analytics|Ads?"
                r"|Scholar|Calendar|Photos?|Meet|Colab|Cloud|Fonts?|Forms?|News|Trends|Pay|Wallet|Store|Home|Fi|Voice|it|search\w*|login|sign|results?|reviews?|translat\w+|maps?|account|Takvim|p[rř]eklad\w*|Tradu\w+)\b)|谷歌(?!地图|搜索|浏览器|翻译|邮箱|账号)"
            ),
            only_beside=_pattern(
                _latin(r"openai|anthropic|deepmind|xai|meta|ai (?:race|labs?|companies|models?)|llms?"),
                "大模型",
                _cyrillic("оупен\\w{1,6}|опенаи|опен\\s?эйай|антропик\\w{0,2}"),
            ),
        ),
    ),
    Rival.DEEPSEEK: (
        _Names(
            sure=_pattern(
                _latin(r"deep[\s-]?seek\w*"),
                "ディープシーク|深度求索|딥시크",
                _cyrillic("д[иі]пс[иі]к\\w{0,2}"),
                "ديب\\s?سيك|دیپ[\\s\u200c]?سیک|ڈیپ\\s?سیک|डीप\\s?सीक|ডিপ\\s?সিক|דיפ\\s?סיק|ดีปซีก|Ντιπσικ",
            )
        ),
    ),
    Rival.COPILOT: (
        _Names(
            sure=_pattern(
                _latin(
                    r"(?:github|gh|ms|microsoft|windows|bing|365|m365|office)\s?co-?pilot|copilot(?:\s?(?:chat|pro|studio|365|agent|cli|plus)|\+)"
                ),
                "コパイロット|코파일럿",
                _cyrillic("коп[аі]й?лот\\w{0,2}|копилот\\w{0,2}"),
                "كوبايلوت|कोपायलट|কোপাইলট|קופיילוט",
            ),
            words=_pattern(_latin("copilot(?:['’]?s|em|owi)?"), r"(?-i:(?<!\w)Copilot[au](?!\w))"),
            instead=_pattern(
                _latin(
                    "pilot (?:and|or|with|saw|took) \\S{0,5}\\s?copilots?|cockpits?|airlines?|airplanes?|aircraft|boeing|airbus|rally"
                )
            ),
        ),
    ),
    Rival.LLAMA: (
        _Names(
            sure=_pattern(
                _latin(
                    r"llama[-\s]?[1-5](?:\.\d)?(?:[-\s]?\d{1,3}b)?|llama[-\s]?\d{1,3}b|llama\.cpp|code\s?llama|llama (?:scout|maverick|guard|models?|api)|meta(?:['’]s)?[-\s]?llama"
                    r"|meta\s?ai|meta['’]s ai|(?:ai|ia|ki) (?:de|von|di|da|of|from) meta"
                ),
                "メタAI|메타\\s?ai|라마\\s?[1-4]|ラマ\\s?[34]|لاما\\s?[234]",
                _cyrillic("л?лам[аы]\\s?[234]"),
            ),
            words=re.compile(_latin("LLaMA|LLAMA|Llama|llama") + "|(?<![\u0621-\u06d3])لاما(?![\u0621-\u06d3])"),
            only_beside=_pattern(
                _AI.replace("|prompts?", ""),
                _latin(r"toke(?:ns?|n)|lokal\w*|flop\w*"),
                "локальн|модел|موديل|نموذج",
                "🦙",
            ),
            instead=_pattern(
                _latin(
                    r"(?:se|me|te|le|nos|os|les|que|lo|la|no|una|quien|quién|cómo|como|así) llama|llama (?:la|el|a|al|de|mucho|que|los|las|así|un|una)|alpacas?|zoos?|farms?|wool"
                    r"|petting|vicuñas?|andes|lamas?|flames?"
                )
            ),
        ),
    ),
    Rival.MISTRAL: (
        _Names(
            sure=_pattern(
                _latin(
                    r"mistral[-_\s]?(?:ai|large|small|medium|nemo|7b|\d[\w.]*)|mixtral|magistral|devstral|mistral['’]s le chat"
                ),
                "ミストラルAI|미스트랄\\s?ai",
            ),
            words=_pattern(_latin("mistral(?:em|owi|u)?"), "ミストラル|미스트랄", _cyrillic("мистрал[ья]")),
            instead=_pattern(
                _latin(r"winds?|wind speed|vents?|souffle|rafales?|provence|warships?|navire|gusts?|viento|wetter")
            ),
        ),
        _Names(
            sure=_pattern(_latin("lechat app")),
            words=re.compile(_latin("Le Chat")),
            only_beside=_pattern(_latin("ai|ia|ki|mistral|chatgpt|claude|gemini|grok")),
        ),
    ),
    Rival.PERPLEXITY: (
        _Names(
            sure=_pattern(
                _latin(r"perplexity[-_\s]?(?:ai|pro|max|comet|labs)|pplx"),
                "パープレキシティ|パープレ|퍼플렉시티",
                _cyrillic("перплекс[иі]т[иі]"),
                "بيربلكسيتي|پرپلکسیتی|पर्प्लेक्सिटी",
            ),
            words=_pattern(_latin("perplexity(?:['’]s)?")),
            instead=re.compile(
                _latin(
                    r"(?:lower|low|high|higher|in|utter|great|complete|the|validation|test|token|of|with|more|less) perplexity|perplexity (?:scores?|of|metric|loss|drops?|curve|on)"
                )
            ),
        ),
    ),
    Rival.QWEN: (
        _Names(
            sure=_pattern(
                _latin(r"qwen[\w.-]*|qwq|tongyi"),
                "通义千问|通義千問|通义|千问|千問|クウェン|큐원|큐웬|квен(?![а-я])",
                "कवेन",
            )
        ),
    ),
}


def find(text: str) -> tuple[Rival, ...]:
    """Name the assistants that a text mentions beside Grok, each once, in the order of the codebook.

    The first 20,000 characters are read.

    >>> find("Switched from ChatGPT to Grok, my Gemini horoscope said so")
    (<Rival.CHATGPT: 'chatgpt'>,)
    """
    text = even_characters(text[:_READ_CHARACTERS])
    return tuple(rival for rival, names in _NAMES.items() if any(_named(text, name) for name in names))


def _named(text: str, names: _Names) -> bool:
    if names.sure.search(text):
        return True
    if names.words is None or not names.words.search(text):
        return False
    if names.only_beside is not None and not names.only_beside.search(text):
        return False
    return names.instead is None or not names.instead.search(text)
