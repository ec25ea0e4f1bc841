"""What a model reads of a post: the artefacts of Reddit, X and odd keyboards taken out, the author's words left alone.

Training and prediction call the same `normalise`, so a model never meets a text in a form that it was not trained on.
"""

import html
import re
import unicodedata
from typing import Final

MAX_CHARACTERS: Final = 20_000
"""Longest text that comes out; a model reads its first few hundred words, people write at most 40,000 characters."""

_READ_CHARACTERS: Final = 2 * MAX_CHARACTERS
_MAX_PASSES: Final = 6
_CODE_CHARACTERS: Final = 200
_QUOTE_CHARACTERS: Final = 300

LINK: Final = "[link]"
USER: Final = "@user"


def normalise(text: str) -> str:
    """Bring a post into the one form that models are trained on and fed with.

    Entities, Markdown, links (`[link]`; a home page of Grok stays by name), handles of private accounts (`@user`),
    `RT @…:`, `[deleted]` and `[removed]`, control, invisible and stacked combining characters, full-width and styled
    letters, and runs of more than three equal characters are evened out; the result is NFC and at most
    `MAX_CHARACTERS` long. Quotes stay as lines that begin with `> `, shortened, because what an author agrees or
    disagrees with is often named only there. Code blocks are shortened likewise.

    Parameters
    ----------
    text : str
        Any string: lone surrogates, NUL and megabytes of it included.

    Returns
    -------
    str
        The text; empty where nothing readable is left. `normalise(normalise(text)) == normalise(text)`.
    """
    text = text[: _READ_CHARACTERS * 8].lstrip()[:_READ_CHARACTERS]
    for _ in range(_MAX_PASSES):
        before, text = text, _cut(_pass(text))
        if text == before:
            return text
    # Markup nested in markup, deeper than people write: without its signs there is nothing left to unfold.
    return _settle(text)


def _settle(text: str) -> str:
    text = _MARKUP_SIGN.sub(" ", text)
    for _ in range(_MAX_PASSES):
        before, text = text, _cut(_pass(text))
        if text == before:
            break
    return text


def _pass(text: str) -> str:
    text = even_characters(text)
    if _TELLTALE.search(text):
        text = _markup(text)
    text = _REPEATED_CLUSTER.sub(r"\1\1\1", _REPEATED.sub(r"\1\1\1", text))
    text = _SPACES.sub(" ", text)
    text = _LINE_EDGES.sub("\n", text)
    return _BLANK_LINES.sub("\n\n", text).strip()


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    head = text[:MAX_CHARACTERS]
    space = max(head.rfind(" "), head.rfind("\n"))
    return head[: space if space > MAX_CHARACTERS // 2 else MAX_CHARACTERS].rstrip()


# --- characters -------------------------------------------------------------------------------------------------------

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_NEWLINE: Final = re.compile("\r\n?|[\x85\u2028\u2029\v\f]")
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\uffff\U000e0000-\U000e0fff]"
)
_LETTER_THAT_JOINS: Final = "\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\u1800-\u18af"
_STRAY_JOINER: Final = re.compile(
    f"(?<![{_LETTER_THAT_JOINS}])\u200c|\u200c(?![{_LETTER_THAT_JOINS}])"
    f"|(?<![{_LETTER_THAT_JOINS}\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d"
    f"|\u200d(?![{_LETTER_THAT_JOINS}\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff])"
)
_STYLED: Final = re.compile(
    "[\u249c-\u24e9\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc\uff01-\uffee\U0001d400-\U0001d7ff\U0001f100-\U0001f10c]+"
)
"""Full-width and half-width forms, letters in circles, Arabic presentation forms, mathematical bold: NFKC makes plain
letters of them. Everything else (½, ™, ㍻, …) keeps its form, because NFKC would change what it says; so do the numbers of a list, because ①ChatGPT
is not 1ChatGPT."""

_DIACRITIC: Final = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MARK: Final = (
    _DIACRITIC
    + "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
    "\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u0f18-\u0f19\u0f71-\u0f84"
)
_MANY_MARKS: Final = re.compile(f"([{_MARK}]{{6}})[{_MARK}]+")
_STACKED: Final = re.compile(f"(.)([{_DIACRITIC}]{{2,}})")
_STRUCK: Final = re.compile("[\u0334-\u0338\u0488\u0489\u20dd-\u20df\u20e1\u20e2]")
_GREEK: Final = re.compile("[\u0370-\u03ff]")
_MOST_MARKS: Final = 2
"""Vietnamese sets two marks on a letter, polytonic Greek three: beyond that they are ornament (Zalgo)."""


def even_characters(text: str) -> str:
    """Take out control, invisible, stacked and styled characters; what `normalise` does before it looks at markup."""
    if text.isascii() and text.isprintable():
        return text
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = _NEWLINE.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    text = _STRAY_JOINER.sub("", text)
    # Before NFC, whose ordering of marks takes quadratic time on a long run of them.
    text = _MANY_MARKS.sub(r"\1", text)
    text = _STYLED.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    text = unicodedata.normalize("NFC", text)
    return _STACKED.sub(_take_off_ornament, _STRUCK.sub("", text))


def _take_off_ornament(found: re.Match[str]) -> str:
    signs = unicodedata.normalize("NFD", found[0])
    letter = "".join(sign for sign in signs if not unicodedata.combining(sign))
    most = _MOST_MARKS + bool(_GREEK.match(letter))
    return unicodedata.normalize("NFC", letter) if len(signs) - len(letter) > most else found[0]


# --- markup -----------------------------------------------------------------------------------------------------------

_TELLTALE: Final = re.compile(
    r"[&<>*_`~\[\]#@\\^|/]|www\.|\bRT\b|^[-=+.]|\.(?:co|com|me)/", re.MULTILINE | re.IGNORECASE
)
_MARKUP_SIGN: Final = re.compile(r"[&<>*_`~\[\]()#@\\^|/!]|www\.")
_ENTITY_CHAIN: Final = re.compile(r"&(?:amp;)+", re.IGNORECASE)
_TAG_BREAK: Final = re.compile(r"<(?:/?p|br|/?div|/?li|hr)(?:\s[^<>]{0,300})?/?>", re.IGNORECASE)
_TAG: Final = re.compile(
    r"</?(?:a|abbr|b|blockquote|code|del|em|font|h[1-6]|i|img|ins|kbd|mark|ol|pre|q|s|small|span|strike|strong|sub|sup"
    r"|table|tbody|td|th|thead|tr|u|ul)(?:\s[^<>]{0,500})?/?>",
    re.IGNORECASE,
)
_FENCE: Final = re.compile(
    r"(?:^|\n)[ ]{0,3}(`{3,}|~{3,})([^\n`]{0,40})\n(.{0,20000}?)(?:\n[ ]{0,3}\1[`~]*(?=\n|$)|\Z)", re.DOTALL
)
_TICKS: Final = re.compile(r"`+")
_GONE: Final = re.compile(
    r"^[ ]*\[\s*(?:deleted|removed|deleted by user|removed by (?:reddit|moderators?)[^\]\n]{0,60})\s*\][ ]*$",
    re.IGNORECASE | re.MULTILINE,
)
_RETWEET: Final = re.compile(r"\A\s*(?:RT|QT)\s*:?\s*@\w{1,30}\s*:?\s*", re.IGNORECASE)
_ADDRESS_SIGN: Final = (
    r"[^\s<>\"'`()\[\]{}|\\^\u2018-\u201f\u3000-\u303f\uff00-\uffef\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]"
)
_ADDRESS: Final = rf"(?:https?://|(?<![A-Za-z0-9])www\.)(?:{_ADDRESS_SIGN}|\({_ADDRESS_SIGN}{{0,200}}\)){{1,2000}}"
_IMAGE: Final = re.compile(r"!\[([^\[\]\n]{0,300})\]\(([^()\s]{1,2000})(?:\s\"[^\"\n]{0,200}\")?\)")
_MARKDOWN_LINK: Final = re.compile(
    r"\[((?:[^\[\]\n]|\[[^\[\]\n]{0,100}\]){0,300})\]\(\s?((?:[^()\s]|\([^()\s]{0,200}\)){1,2000})(?:\s\"[^\"\n]{0,200}\")?\s?\)"
)
_REFERENCE: Final = re.compile(r"^\[[^\[\]\n]{1,40}\]:\s*https?://\S{1,2000}.{0,200}$", re.MULTILINE)
_URL: Final = re.compile(_ADDRESS, re.IGNORECASE)
_BARE_URL: Final = re.compile(
    r"(?<![\w@./-])(?:t\.co|pic\.(?:twitter|x)\.com|youtu\.be|redd\.it|i\.redd\.it|v\.redd\.it|bit\.ly|(?:old\.|www\.)?reddit\.com"
    r"|(?:m\.)?youtube\.com|(?:mobile\.)?(?:twitter|x)\.com)/[^\s<>\"'()\[\]]{1,500}",
    re.IGNORECASE,
)
_GROK_HOME: Final = re.compile(r"(?:https?://)?(?:www\.)?((?:[a-z]{1,20}\.)?(?:grok\.com|x\.ai))/?", re.IGNORECASE)
_LINKS: Final = re.compile(r"\[link\](?:[ \t]*\[link\])+")
_KNOWN_HANDLE: Final = (
    r"grok|xai|elon|x\b|openai|chatgpt|claude|anthropic|gemini|google|deepmind|deepseek|copilot|github|microsoft|meta|llama|mistral"
    r"|perplexity|qwen|alibaba|user\b"
)
_HANDLE: Final = re.compile(
    rf"(?<![\w@./])@(?!\w{{0,15}}(?:{_KNOWN_HANDLE}))[A-Za-z0-9_]{{2,30}}(?![\w@.-]*@)", re.IGNORECASE
)
_REDDITOR: Final = re.compile(r"(?<![\w/.])/?u/(?!user\b)[A-Za-z0-9_-]{2,30}")
_RULE: Final = re.compile(r"^[ ]{0,3}(?:[-*_=+][ ]?){3,}$", re.MULTILINE)
_TABLE_RULE: Final = re.compile(r"^[ ]*\|?[ ]*:?-{2,}:?[ ]*(?:\|[ ]*:?-{2,}:?[ ]*){1,40}\|?[ ]*(?:\n|\Z)", re.MULTILINE)
_HEADING: Final = re.compile(r"^[ ]{0,3}#{1,6}[ ]+(.{0,500}?)[ ]*#*[ ]*$", re.MULTILINE)
_SPOILER: Final = re.compile(r">!(.{1,500}?)!<", re.DOTALL)
_QUOTE: Final = re.compile(r"^[ ]{0,3}>[> ]*(.*)$", re.MULTILINE)
_EMPHASIS: Final = (
    re.compile(r"\*\*\*(?=\S)([^*\n]{1,1000}?)(?<=\S)\*\*\*"),
    re.compile(r"\*\*(?=\S)([^*\n]{1,1000}?)(?<=\S)\*\*"),
    re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,1000}?)(?<=[^\s*])\*(?![\w*])"),
    re.compile(r"(?<![\w_])_{1,3}(?=[^\s_])([^\n]{1,200}?)(?<=[^\s_])_{1,3}(?![\w_])"),
    re.compile(r"~~(?=\S)([^~\n]{1,1000}?)(?<=\S)~~"),
)
_SUPERSCRIPT: Final = re.compile(r"\^\(([^()\n]{1,500})\)|\^(?=\w)")
_BACKSLASH: Final = re.compile(r"\\([\\`*_{}\[\]()#+.!>~|^-])")


def _markup(text: str) -> str:
    text = html.unescape(_ENTITY_CHAIN.sub("&", text))
    text = _BACKSLASH.sub(r"\1", _RETWEET.sub("", text))
    text = _FENCE.sub(_shorten_code, text)
    text = _TICKS.sub("`", text).replace("`", "")
    text = _TAG.sub("", _TAG_BREAK.sub("\n", text))
    text = _REFERENCE.sub(LINK, text)
    text = _IMAGE.sub(_unfold_link, text)
    text = _MARKDOWN_LINK.sub(_unfold_link, text)
    text = _BARE_URL.sub(LINK, _URL.sub(_name_link, text))
    text = _LINKS.sub(LINK, text)
    text = _REDDITOR.sub("u/user", _HANDLE.sub(USER, text))
    text = _GONE.sub("", text)
    text = _TABLE_RULE.sub("", _RULE.sub("", text))
    text = _HEADING.sub(r"\1", text)
    text = _SPOILER.sub(r"\1", text)
    text = _QUOTE.sub(_shorten_quote, text)
    for emphasis in _EMPHASIS:
        text = emphasis.sub(r"\1", text)
    return _SUPERSCRIPT.sub(lambda found: " " + (found[1] or ""), text)


def _shorten(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = text[:limit]
    space = head.rfind(" ")
    return (head[:space] if space > limit // 2 else head).rstrip(" …") + " …"


def _shorten_code(found: re.Match[str]) -> str:
    return "\n" + _shorten(found[3].strip(), _CODE_CHARACTERS)


def _shorten_quote(found: re.Match[str]) -> str:
    quoted = found[1].strip()
    return "> " + _shorten(quoted, _QUOTE_CHARACTERS) if quoted else ""


def _unfold_link(found: re.Match[str]) -> str:
    label, address = found[1].strip(), found[2]
    if not label or label.casefold() == "link" or _URL.fullmatch(label):
        return _name_address(address)
    return f"{label} {LINK}"


def _name_link(found: re.Match[str]) -> str:
    address = found[0]
    bare = address.rstrip(".,;:!?*_~…")
    return _name_address(bare) + address[len(bare) :]


def _name_address(address: str) -> str:
    home = _GROK_HOME.fullmatch(address)
    return home[1].lower() if home else LINK


# --- runs and spaces --------------------------------------------------------------------------------------------------

_REPEATED: Final = re.compile(r"([^\d\s])\1{3,}")
_REPEATED_CLUSTER: Final = re.compile("([^\\s\ufe0f][\ufe0f\U0001f3fb-\U0001f3ff])\\1{3,}")
_SPACES: Final = re.compile(r"[^\S\n]+")
_LINE_EDGES: Final = re.compile(r" *\n *")
_BLANK_LINES: Final = re.compile(r"\n{3,}")
