"""Writes a Reddit dump that looks like a monthly one: comments of about forty fields, words of a natural distribution.

Nothing in it was written by anybody: words are drawn from an invented vocabulary whose frequencies follow Zipf's law, so that
the file compresses and scans like the real thing. A set share of the comments names Grok, in several scripts and cases.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import zstandard

MONTH_START = 1_761_955_200  # 2025-11-01T00:00:00Z
MONTH_SECONDS = 30 * 86_400
GROK_SHARE = 0.005
NAMES = ("Grok", "grok", "GROK", "Grok 4.1", "SuperGrok", "グロック", "그록", "Грок", "грок", "جروك", "ग्रोक")
SUBREDDITS = tuple(
    f"{a}{b}" for a in ("Ask", "Data", "Home", "Night", "Retro", "Tiny") for b in ("Cooks", "Games", "Maps", "Radio")
)
SYLLABLES = tuple(c + v + e for c in "bcdfghjlmnprstvwz" for v in "aeiou" for e in ("", "n", "r", "s", "t"))
FOREIGN = (
    "\u2019s",
    "caf\u00e9",
    "\u65e5\u672c\u8a9e",
    "\u043f\u0440\u0438\u0432\u0435\u0442",
    "\U0001f602",
    "\ud55c\uad6d\uc5b4",
    "na\u00efve",
)


def vocabulary(chance: random.Random, size: int = 30_000) -> tuple[list[str], list[float]]:
    """Invent words with Zipf's frequencies."""
    words = ["".join(chance.choices(SYLLABLES, k=chance.choice((1, 1, 2, 2, 2, 3)))) for _ in range(size)]
    return words, list(accumulate(1 / (rank + 2.7) for rank in range(size)))


def comments(lines: int, *, seed: int = 7, grok_share: float = GROK_SHARE) -> Iterator[bytes]:
    """Yield the lines of a dump, each with its newline."""
    chance = random.Random(seed)
    words, weights = vocabulary(chance)
    every = round(1 / grok_share) if grok_share else 0
    for number in range(lines):
        length = min(int(chance.lognormvariate(3.1, 1.1)) + 1, 1_500)
        body = chance.choices(words, cum_weights=weights, k=length)
        if number % 7 == 0:
            body.insert(chance.randrange(length), chance.choice(FOREIGN))
        if every and number % every == every // 2:
            body.insert(chance.randrange(length), NAMES[number // every % len(NAMES)])
        if length > 60:
            body[length // 3] += ".\n\n&gt; "
            body[length // 2] += ' "' + body[0] + '"'
        yield _line(chance, number, " ".join(body))


def _line(chance: random.Random, number: int, body: str) -> bytes:
    identifier = _base36(38_000_000_000 + number)
    link = _base36(1_800_000_000 + int(chance.paretovariate(0.8)) % 4_000_000)
    subreddit = chance.choice(SUBREDDITS)
    created = MONTH_START + number * MONTH_SECONDS // 4_000_000 % MONTH_SECONDS
    parent = f"t3_{link}" if chance.random() < 0.4 else f"t1_{_base36(38_000_000_000 + chance.randrange(number + 1))}"
    author = f"{chance.choice(SYLLABLES)}_{chance.randrange(3_000_000)}"
    record = {
        "all_awardings": [], "approved_at_utc": None, "approved_by": None, "archived": False, "associated_award": None,
        "author": author, "author_flair_background_color": None, "author_flair_css_class": None,
        "author_flair_richtext": [], "author_flair_template_id": None, "author_flair_text": None,
        "author_flair_text_color": None, "author_flair_type": "text", "author_fullname": f"t2_{_base36(chance.randrange(2**36))}",
        "author_is_blocked": False, "author_patreon_flair": False, "author_premium": False, "banned_at_utc": None,
        "banned_by": None, "body": body, "can_gild": False, "can_mod_post": False, "collapsed": False,
        "collapsed_because_crowd_control": None, "collapsed_reason": None, "comment_type": None,
        "controversiality": 0, "created": created, "created_utc": created, "distinguished": None, "downs": 0,
        "edited": created + 60 if number % 33 == 0 else False, "gilded": 0, "gildings": {}, "id": identifier,
        "is_submitter": False, "likes": None, "link_id": f"t3_{link}", "locked": False, "mod_note": None,
        "mod_reason_by": None, "mod_reason_title": None, "mod_reports": [], "name": f"t1_{identifier}",
        "no_follow": True, "num_reports": None, "parent_id": parent,
        "permalink": f"/r/{subreddit}/comments/{link}/{'_'.join(body.split()[:6])[:50]}/{identifier}/",
        "removal_reason": None, "report_reasons": None, "retrieved_on": created + 120, "saved": False,
        "score": int(chance.paretovariate(1.1)), "score_hidden": False, "send_replies": True, "stickied": False,
        "subreddit": subreddit, "subreddit_id": f"t5_{_base36(2_000_000 + SUBREDDITS.index(subreddit))}",
        "subreddit_name_prefixed": f"r/{subreddit}", "subreddit_type": "public", "top_awarded_type": None,
        "total_awards_received": 0, "treatment_tags": [], "ups": 1, "user_reports": [],
    }  # fmt: skip
    # Dumps come in both spellings: escaped to ASCII (Pushshift) and plain UTF-8 (Arctic Shift).
    return json.dumps(record, separators=(",", ":"), ensure_ascii=number % 2 == 0).encode() + b"\n"


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits or "0"


def write_dump(path: Path, lines: int, *, window_log: int = 27, seed: int = 7) -> int:
    """Write a `.zst` dump with a long window; give the number of bytes it holds when decompressed."""
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=window_log, enable_ldm=True, threads=1)
    written = 0
    with path.open("wb") as raw, zstandard.ZstdCompressor(compression_params=parameters).stream_writer(raw) as out:
        batch: list[bytes] = []
        for line in comments(lines, seed=seed):
            batch.append(line)
            if len(batch) == 2_000:
                written += out.write(b"".join(batch))
                batch.clear()
        written += out.write(b"".join(batch))
    return written


def main() -> None:
    """Write a dump from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--window-log", type=int, default=27, help="27 is `zstd --long`, 31 what monthly dumps use")
    options = parser.parse_args()
    written = write_dump(options.file, options.lines, window_log=options.window_log)
    print(f"{options.lines} lines, {written} bytes, {options.file.stat().st_size} compressed", file=sys.stderr)


if __name__ == "__main__":
    main()
