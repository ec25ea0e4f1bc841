"""The words in the HTML of Reddit's feeds, in lines as a reader sees them."""

import re
from html.parser import HTMLParser
from typing import Final

BLOCKS: Final = frozenset({
    "p", "div", "ul", "ol", "li", "blockquote", "pre", "table", "tr", "hr", "h1", "h2", "h3", "h4", "h5", "h6",
})  # fmt: skip


def said_in(html: str) -> str:
    """Give the text of a post from an entry's HTML, without the lines that Reddit adds around it; empty where there is none."""
    parser = _Words()
    parser.feed(html)
    parser.close()
    lines = [re.sub(r"[ \t\r\f\v]+", " ", line).strip() for line in "".join(parser.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Words(HTMLParser):
    """Collects what stands in the block of class `md`: there lie the words of the author."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "div":
            self._depth += bool(self._depth) or "md" in (dict(attrs).get("class") or "").split()
        if not self._depth:
            return
        if tag == "br":
            self.parts.append("\n")
        elif tag in BLOCKS:
            self.parts.append("\n- " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        if self._depth and tag in BLOCKS:
            self.parts.append("\n")
        if tag == "div" and self._depth:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.parts.append(data)
