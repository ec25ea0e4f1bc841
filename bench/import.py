"""How fast an import reads a Reddit dump: lines a second against parsing every line, and against merely unpacking it.

    python bench/import.py [--quick] [--json] [--lines N] [--rounds N] [--window-log 27|31] [--dump FILE]

All read the same generated dump, each in a process of its own, in turns; the best round of each counts. `ours` goes through the
collector up to finished pages of posts. The limit unpacks the dump and splits it into lines, nothing else. Rivals parse every
line and then look for the same terms in title and text. With a 2 GiB window (31) every reader, the limit too, needs the window's
memory on top: it is part of the format.
"""

# ruff: noqa: PLC0415 - each reader runs in a process of its own, whose memory holds only what that reader needs

import argparse
import importlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import zstandard

ROOT = Path(__file__).resolve().parent.parent
GOAL = 0.8
MAX_WINDOW = 1 << 31
QUICK_LINES = 100_000
LINES = 2_000_000
PEAK_GOAL_MB = 300


def split_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as raw, zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).stream_reader(raw) as unpacked:
        yield from io.BufferedReader(unpacked, 1 << 20)


def limit(path: Path, _folder: Path) -> dict[str, int]:
    lines = size = 0
    for line in split_lines(path):
        lines += 1
        size += len(line)
    return {"lines": lines, "bytes": size}


def parse_all(loads: Callable[[bytes], Any], path: Path) -> dict[str, int]:
    from collectors.terms import TermMatcher
    from grokwatch.settings import DEFAULT_TERMS

    terms = TermMatcher(DEFAULT_TERMS)
    lines = kept = 0
    for line in split_lines(path):
        lines += 1
        record = loads(line)
        kept += terms.names(record.get("body") or record.get("selftext") or "") or terms.names(
            record.get("title") or ""
        )
    return {"lines": lines, "kept": kept}


def with_json(path: Path, _folder: Path) -> dict[str, int]:
    return parse_all(json.loads, path)


def with_orjson(path: Path, _folder: Path) -> dict[str, int]:
    return parse_all(orjson.loads, path)


def ours(path: Path, _folder: Path) -> dict[str, int]:
    from collectors.archive import Archive
    from collectors.archive_file import look_into
    from collectors.own_files import OwnFormat
    from collectors.terms import TermMatcher
    from grokwatch.settings import DEFAULT_TERMS

    archive = Archive(look_into(str(path), OwnFormat()), terms=TermMatcher(DEFAULT_TERMS))
    kept = sum(len(page.posts) for page in archive.pages(None))
    return {"lines": archive.tally.lines, "kept": kept}


def ours_with_database(path: Path, folder: Path) -> dict[str, int]:
    from collectors.archive import Archive
    from collectors.archive_file import look_into
    from collectors.own_files import OwnFormat
    from collectors.terms import TermMatcher
    from db import schema
    from db.engine import open_engine
    from grokwatch.pipeline import store
    from grokwatch.settings import DEFAULT_TERMS

    engine = open_engine(f"sqlite:///{folder}/bench-{os.getpid()}.db")
    schema.upgrade(engine)
    archive = Archive(look_into(str(path), OwnFormat()), terms=TermMatcher(DEFAULT_TERMS))
    done = store(engine, archive, kind="import", clock=lambda: datetime.now(UTC), author_hash=lambda name: name[:8])
    engine.dispose()
    return {"lines": archive.tally.lines, "kept": done.new}


READERS: dict[str, Callable[[Path, Path], dict[str, int]]] = {
    "limit": limit,
    "ours": ours,
    "ours_with_database": ours_with_database,
    "orjson": with_orjson,
    "json": with_json,
}


def measure_here(name: str, path: Path, folder: Path) -> dict[str, Any]:
    """Run a reader in this process; imports are done before the clock starts."""
    if name.startswith("ours"):
        importlib.import_module("collectors.archive")
    if name == "ours_with_database":
        importlib.import_module("grokwatch.pipeline")
    began, cpu = time.perf_counter(), time.process_time()
    found = READERS[name](path, folder)
    return found | {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure(name: str, path: Path, folder: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--reader", name, "--dump", str(path), "--folder", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def dump_of(options: argparse.Namespace, folder: Path) -> Iterator[Path]:
    """Give the dump that was named, or a generated one."""
    if options.dump is not None:
        yield options.dump
        return
    path = folder / "RC_2025-11.zst"
    command = [sys.executable, str(Path(__file__).with_name("dump.py")), str(path), "--lines", str(options.lines)]
    subprocess.run([*command, "--window-log", str(options.window_log)], check=True)
    yield path


def compare(path: Path, folder: Path, rounds: int) -> dict[str, dict[str, Any]]:
    best: dict[str, dict[str, Any]] = {}
    for number in range(rounds):
        for name in READERS:
            if number and name in {"json", "ours_with_database"}:
                continue  # far from the limit, and slow
            found = measure(name, path, folder)
            if name not in best or found["seconds"] < best[name]["seconds"]:
                best[name] = found | {"peak_rss_mb": max(found["peak_rss_mb"], best.get(name, found)["peak_rss_mb"])}
    size = best["limit"]["bytes"]
    for found in best.values():
        found["lines_per_second"] = round(found["lines"] / found["seconds"])
        found["mb_per_second"] = round(size / 1e6 / found["seconds"], 1)
        found["of_limit"] = round(best["limit"]["seconds"] / found["seconds"], 3)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the result alone")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_LINES:,} lines, one round")
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--window-log", type=int, default=27)
    parser.add_argument("--dump", type=Path, help="a dump that is there already")
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        print(json.dumps(measure_here(options.reader, options.dump, options.folder)))
        return
    if options.quick:
        options.lines, options.rounds = QUICK_LINES, 1
    with tempfile.TemporaryDirectory(prefix="grokwatch-bench-") as name, dump_of(options, Path(name)) as path:
        best = compare(path, Path(name), options.rounds)
    if not options.json:
        print(f"{best['limit']['lines']:,} lines, {best['limit']['bytes'] / 1e6:,.0f} MB unpacked")
        print(f"{'':20} {'lines/s':>12} {'MB/s':>8} {'of limit':>9} {'CPU s':>7} {'peak MB':>8} {'kept':>8}")
        for reader, found in best.items():
            print(
                f"{reader:20} {found['lines_per_second']:>12,} {found['mb_per_second']:>8,.0f} {found['of_limit']:>9.2f}"
                f" {found['cpu_seconds']:>7.1f} {found['peak_rss_mb']:>8.0f} {found.get('kept', ''):>8}"
            )
    mine = best["ours"]
    result = {
        "bench": "import",
        "ours": mine["lines_per_second"],
        "rival": best["orjson"]["lines_per_second"],
        "rival_name": "orjson.loads on every line",
        "ratio": mine["of_limit"],
        "ratio_of": "unpacking and splitting into lines, nothing else",
        "ratio_to_rival": round(mine["lines_per_second"] / best["orjson"]["lines_per_second"], 2),
        "goal": GOAL,
        "unit": "lines/s",
        "peak_rss_mb": round(max(mine["peak_rss_mb"], best["ours_with_database"]["peak_rss_mb"]), 1),
        "peak_rss_goal_mb": PEAK_GOAL_MB,
        "readers": best,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
