r"""Finds the names of Grok in raw bytes, long before anything is parsed, and in the texts that were.

A block of a dump is searched whole, by comparisons over all its bytes at once: for the first four letters of an ASCII name
with the case bit set, for the `\u` of JSON's escapes, and for bytes beyond ASCII. What looks like the beginning of a name is
then held against an exact pattern, so that what is reported is a name in one of its spellings. The comparisons look at pairs
of bytes, once from the first byte and once from the second, because numpy is several times faster on aligned words.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

from collectors.base import CollectorError

Positions = npt.NDArray[np.int64]

WATCHED_CHANNELS: Final = ("grok",)
"""Subreddits about Grok: what is posted there counts as naming it."""

CASE_BIT: Final = 0x20
NEWLINE: Final = 0x0A
SPACE: Final = 0x20
WORD: Final = 8
NAME_HEAD: Final = 3
"""Bytes of a name beyond ASCII that are compared before its pattern is tried."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a block holds: offsets of its newlines, and of the names in it, both in order."""

    newlines: Positions
    hits: Positions


@dataclass(frozen=True, slots=True)
class _Name:
    """The exact pattern of a name and how many ASCII bytes stand before the place at which it is noticed."""

    prefix: int
    pattern: re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class _Ascii:
    """An ASCII name: a pair of its bytes with their offset, the pair before that where there is one, and its pattern."""

    pair: int
    offset: int
    before: int | None
    pattern: re.Pattern[bytes]


class TermMatcher:
    """Terms and watched channels, ready to be found.

    Parameters
    ----------
    terms
        Names of two characters or more, matched anywhere in a text, without regard to case, in UTF-8 and as JSON escapes, in
        composed and decomposed form.
    channels
        Subreddits whose posts count whatever they say; matched whole, without regard to case.
    keys
        Names of JSON fields; a line with one of them is worth a look whatever it says.

    Raises
    ------
    CollectorError
        There is no term, or a term is too short to mean anything.
    """

    def __init__(
        self, terms: Iterable[str], channels: Iterable[str] = WATCHED_CHANNELS, *, keys: Iterable[str] = ()
    ) -> None:
        names = _distinct(terms)
        self._channels = frozenset(channel.casefold().removeprefix("r/") for channel in channels if channel)
        self._names = tuple(names)
        others = [*keys, *sorted(channel for channel in self._channels if not self.names(channel))]
        self.spec = "\n".join([*names, "", *others, "", *sorted(self._channels)])
        self._ascii = [_ascii(json.dumps(name)[1:-1]) for name in names if name.isascii()]
        self._ascii += [_ascii(json.dumps(other)) for other in others if other.isascii()]
        foreign = [name for name in [*names, *others] if not name.isascii()]
        self._escaped = [_foreign(name, _escape) for name in foreign]
        self._escape_heads = np.array(sorted({h for name in foreign for h in _escape_heads(name)}), dtype=np.uint32)
        self._utf8 = [_foreign(name, _utf8) for name in foreign]
        self._utf8_heads = np.array(sorted({h for name in foreign for h in _utf8_heads(name)}), dtype=np.uint32)
        self._lowered = np.empty(0, np.uint8)
        self._flags = np.empty(0, np.bool_)

    def names(self, text: str) -> bool:
        """Tell whether a text names a term."""
        folded = text.casefold()
        return any(name in folded for name in self._names)

    def watches(self, channel: str | None) -> bool:
        """Tell whether a channel counts as a whole."""
        return channel is not None and channel.casefold() in self._channels

    def scan(self, block: bytes | memoryview) -> Scan:
        """Give the offsets of a block's newlines, and those at which it names a term or a watched channel."""
        raw = np.frombuffer(block, np.uint8)
        stride = (raw.size + 2) // 2 * 2
        if self._lowered.size < 2 * stride:
            self._lowered = np.empty(2 * stride, np.uint8)
            self._flags = np.empty(stride + WORD, np.bool_)
        # One comparison finds newlines and bytes beyond ASCII alike: both are less than a space when taken as signed.
        np.less(raw.view(np.int8), SPACE, out=self._flags[: raw.size])
        special = _where(self._flags, raw.size)
        values = raw[special]
        hits = set(self._find_utf8(block, raw, special[values >= 0x80]))  # noqa: PLR2004 - where ASCII ends
        if raw.size:
            hits.update(self._find_in_pairs(block, raw, stride))
        return Scan(special[values == NEWLINE], np.array(sorted(hits), dtype=np.int64))

    def _find_utf8(self, block: bytes | memoryview, raw: npt.NDArray[np.uint8], places: Positions) -> Iterator[int]:
        places = places[places < raw.size - NAME_HEAD + 1]
        if not places.size or not self._utf8:
            return
        heads = raw[places].astype(np.uint32)
        for following in range(1, NAME_HEAD):
            heads = heads << np.uint32(8) | raw[places + following]
        yield from _verified(block, places[_among(heads, self._utf8_heads)], self._utf8)

    def _find_in_pairs(self, block: bytes | memoryview, raw: npt.NDArray[np.uint8], stride: int) -> Iterator[int]:
        """Compare pairs of bytes: those from the first byte on, and behind them those from the second on."""
        lowered = self._lowered[: 2 * stride]
        for shift in range(2):
            row = lowered[shift * stride : (shift + 1) * stride]
            np.bitwise_or(raw[shift:], CASE_BIT, out=row[: raw.size - shift])
            row[raw.size - shift :] = 0
        pairs = lowered.view("<u2")
        for name in self._ascii:
            found = self._pairs_equal(pairs, name.pair)
            if name.before is not None:
                found = found[pairs[found - 1] == name.before]
            for place in _places(found, stride, name.offset).tolist():
                if place >= 0 and name.pattern.match(block, place):
                    yield place
        if self._escaped:
            found = self._pairs_equal(pairs[:-2], ESCAPE)
            heads = pairs[found + 1].astype(np.uint32) << np.uint32(16) | pairs[found + 2]
            yield from _verified(block, _places(found[_among(heads, self._escape_heads)], stride, 0), self._escaped)

    def _pairs_equal(self, pairs: npt.NDArray[np.uint16], pair: int) -> Positions:
        np.equal(pairs, pair, out=self._flags[: pairs.size])
        return _where(self._flags, pairs.size)


def _places(pairs: Positions, stride: int, offset: int) -> Positions:
    """Turn indices of pairs into offsets in the block, less the offset at which the pair stands in what was looked for."""
    shift, index = np.divmod(pairs, stride // 2)
    return index * 2 + shift - offset


def _where(flags: npt.NDArray[np.bool_], size: int) -> Positions:
    """Give the places that are true among the first `size`; quick where they are few, which they mostly are.

    Eight flags are looked at as one number. What follows them is set to false.
    """
    room = -(-size // WORD) * WORD
    flags[size:room] = False
    words = np.flatnonzero(flags[:room].view(np.uint64) != 0)
    if words.size * 4 > room // WORD:
        return np.flatnonzero(flags[:size])
    rows, columns = flags[:room].reshape(-1, WORD)[words].nonzero()
    return words[rows] * WORD + columns


def _among(values: npt.NDArray[np.uint32], known: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Tell which values are known; `numpy.isin` takes far longer to get going."""
    return known[np.minimum(known.searchsorted(values), known.size - 1)] == values


def _verified(block: bytes | memoryview, places: Positions, names: Sequence[_Name]) -> Iterator[int]:
    for place in places.tolist():
        for name in names:
            if place >= name.prefix and name.pattern.match(block, place - name.prefix):
                yield place - name.prefix
                break


def _distinct(terms: Iterable[str]) -> list[str]:
    """Fold case, add the decomposed forms, and drop a term that another one is part of: it can't find anything more."""
    folded = {unicodedata.normalize("NFC", term.strip()).casefold() for term in terms}
    folded.discard("")
    if not folded:
        raise CollectorError(
            "there is no search term", mend="set GROKWATCH_TERMS, or leave it out for the names of Grok"
        )
    for term in folded:
        if len(term) < 2:  # noqa: PLR2004 - one letter is in every line
            raise CollectorError(f"the search term {term!r} is too short", mend="use terms of two characters or more")
    forms = folded | {unicodedata.normalize("NFD", term) for term in folded}
    return sorted(term for term in forms if not any(other in term for other in forms if other != term))


def _pair(raw: bytes) -> int:
    return int.from_bytes(bytes(byte | CASE_BIT for byte in raw), "little")


ESCAPE: Final = _pair(b"\\u")


def _ascii(text: str) -> _Ascii:
    raw = text.encode()
    if len(raw) < 4:  # noqa: PLR2004 - two pairs
        return _Ascii(_pair(raw[:2]), 0, None, re.compile(re.escape(raw), re.IGNORECASE))
    # The second pair is looked for: the `ok` of Grok is rarer than its `gr`.
    return _Ascii(_pair(raw[2:4]), 2, _pair(raw[:2]), re.compile(re.escape(raw), re.IGNORECASE))


def _cases(character: str) -> tuple[str, ...]:
    """Give the spellings of a character in either case."""
    return tuple(sorted({character, character.lower(), character.upper(), character.title()}))


def _utf8(text: str) -> bytes:
    return re.escape(text.encode())


def _escape(text: str) -> bytes:
    """Give the pattern of a text as JSON escapes it, with hexadecimal digits in either case."""
    pattern = b""
    for character in text:
        if character.isascii():
            pattern += re.escape(json.dumps(character)[1:-1].encode())
            continue
        for unit in _units(character):
            digits = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in unit)
            pattern += rb"\\u" + digits.encode()
    return pattern


def _units(character: str) -> list[str]:
    """Give the UTF-16 units of a character as the hexadecimal digits of its JSON escapes."""
    raw = character.encode("utf-16-be").hex()
    return [raw[index : index + 4] for index in range(0, len(raw), 4)]


def _foreign(name: str, spell: Callable[[str], bytes]) -> _Name:
    prefix = next(index for index, character in enumerate(name) if not character.isascii())
    pattern = b"".join(b"(?:" + b"|".join(spell(case) for case in _cases(character)) + b")" for character in name)
    return _Name(len(json.dumps(name[:prefix])[1:-1]), re.compile(pattern))


def _from_first_foreign(name: str) -> str:
    return name[next(index for index, character in enumerate(name) if not character.isascii()) :]


def _utf8_heads(name: str) -> Iterator[int]:
    """Yield the first bytes beyond ASCII of a name in all its cases."""
    for cases in product(*(_cases(character) for character in _from_first_foreign(name)[:NAME_HEAD])):
        raw = "".join(cases).encode()
        head, missing = int.from_bytes(raw[:NAME_HEAD]), max(NAME_HEAD - len(raw), 0)
        yield from range(head << 8 * missing, (head + 1) << 8 * missing)


def _escape_heads(name: str) -> Iterator[int]:
    """Yield the digits of a name's first escape, two pairs as they are compared."""
    for case in _cases(_from_first_foreign(name)[0]):
        digits = _units(case)[0].encode()
        yield _pair(digits[:2]) << 16 | _pair(digits[2:])
