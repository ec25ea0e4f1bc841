"""The words that readers see, in English and Japanese, from the TOML files under `text/`."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final

LANGUAGES: Final = ("en", "ja")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Texts by dotted key, in one language; a call gives one with its values filled in.

    >>> Catalogue("en", {"posts": {"some": "{n} posts"}})("posts.some", n=3)
    '3 posts'
    """

    language: str
    _texts: Mapping[str, Any] = field(repr=False)

    def __call__(self, key: str, /, **values: object) -> str:
        """Give a text; `{name}` in it stands for a value.

        Raises
        ------
        KeyError
            There is no such text, or it needs a value that was not given.
        """
        text: Any = self._texts
        for part in key.split("."):
            text = text.get(part) if isinstance(text, Mapping) else None
        if not isinstance(text, str):
            raise KeyError(f"no text {key!r} in {self.language!r}")
        return text.format(**values)

    def keys(self) -> Iterator[str]:
        """Yield the dotted keys of all texts."""
        return _keys(self._texts, "")


def _keys(texts: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in texts.items():
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def load(language: str, *packages: str) -> Catalogue:
    """Load the words of `insights` and of further packages, such as `dashboard`.

    Every file `text/<language>.toml` and `text/<topic>.<language>.toml` of a package is read.

    Raises
    ------
    ValueError
        The language is not one of `LANGUAGES`, or two files define the same text.
    """
    if language not in LANGUAGES:
        raise ValueError(f"no texts in {language!r}, only in {' and '.join(LANGUAGES)}")
    texts: dict[str, Any] = {}
    for package in ("insights", *packages):
        folder = files(package) / "text"
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if file.name == f"{language}.toml" or file.name.endswith(f".{language}.toml"):
                _merge(texts, tomllib.loads(file.read_text(encoding="utf-8")), f"{package}/text/{file.name}")
    return Catalogue(language, texts)


def _merge(texts: dict[str, Any], more: Mapping[str, Any], origin: str) -> None:
    for name, value in more.items():
        known = texts.get(name)
        if isinstance(value, Mapping) and isinstance(known, dict):
            _merge(known, value, origin)  # pyright: ignore[reportUnknownArgumentType] - TOML's tables are open
        elif known is None:
            texts[name] = value
        else:
            raise ValueError(f"{origin}: the text {name!r} is there already")
