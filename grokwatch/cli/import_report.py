"""What an import did, as one JSON object and as sentences."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from collectors.archive_progress import Tally

LARGE_WINDOW: Final = 128 << 20


@dataclass(slots=True)
class FileReport:
    """What happened to a file; `status` is `imported`, `already imported`, `interrupted` or `damaged`."""

    name: str
    status: str = "interrupted"
    resumed_at: int | None = None
    tally: Tally = field(default_factory=Tally)
    new: int = 0
    changed: int = 0
    same: int = 0
    reject_file: Path | None = None
    seconds: float = 0.0
    damage: str | None = None
    window: int = 0

    def counts(self) -> dict[str, Any]:
        """Give the counts under the names that they have in `--json`."""
        tally = self.tally
        return {
            "lines": tally.lines,
            "read": tally.lines,
            "matched": tally.matched,
            "kept": tally.kept,
            "new": self.new,
            "changed": self.changed,
            "same": self.same,
            "tombstones": tally.tombstones,
            "filtered_out": tally.filtered_out,
            "broken": tally.broken,
        }

    def notices(self, source: str | None) -> list[str]:
        """Say what had to be assumed."""
        guesses, said = self.tally.guesses, list[str]()
        if self.window > LARGE_WINDOW:
            said.append(
                f"Packed with a window of {self.window >> 20:,} MiB (zstd --long): any program needs so much memory to unpack it."
            )
        if guesses.naive_times:
            said.append(f"{_posts(guesses.naive_times)} had a time without a zone: it was taken as UTC.")
        if guesses.missing_ids:
            said.append(
                f"{_posts(guesses.missing_ids)} had no id: one was made of source, time, author and text. "
                "If the file has ids, name their column by --map id=COLUMN."
            )
        if guesses.assumed_source and source is None:
            said.append(f"{_posts(guesses.assumed_source)} named no source: taken as X. Another one: --source NAME.")
        return said


def as_object(reports: Sequence[FileReport], *, status: str, source: str | None) -> dict[str, Any]:
    """Give the summary that `--json` prints."""
    totals: dict[str, Any] = {}
    for report in reports:
        for name, value in report.counts().items():
            totals[name] = totals.get(name, 0) + value
    seconds = sum(report.seconds for report in reports)
    broken = [
        {"file": line.file, "line": line.line, "reason": line.reason}
        for report in reports
        for line in report.tally.broken_lines
    ]
    rejects = [str(report.reject_file) for report in reports if report.reject_file is not None]
    return {
        "status": status,
        "files": [
            {
                "file": report.name,
                "status": report.status,
                "resumed_at": report.resumed_at,
                **report.counts(),
                "reject_file": None if report.reject_file is None else str(report.reject_file),
                "seconds": round(report.seconds, 3),
                "damage": report.damage,
            }
            for report in reports
        ],
        **totals,
        "broken_lines": broken[:10],
        "reject_file": rejects[0] if rejects else None,
        "notices": [notice for report in reports for notice in report.notices(source)],
        "seconds": round(seconds, 3),
        "lines_per_second": round(totals.get("lines", 0) / seconds) if seconds else 0,
    }


def sentences(report: FileReport, terms: Sequence[str], source: str | None) -> list[str]:
    """Tell what happened to a file."""
    tally = report.tally
    if report.status == "already imported":
        return [f"{report.name}: already imported. To read it again: --again."]
    rate = tally.lines / report.seconds if report.seconds else 0.0
    resumed = f"continued at line {report.resumed_at:,}, " if report.resumed_at else ""
    told = [
        f"{report.name}: {resumed}{_number(tally.lines, 'line')} read in {report.seconds:.1f} s ({rate:,.0f} a second)",
        f"  {_posts(tally.kept)} kept: {report.new:,} new, {report.changed:,} changed, {report.same:,} known before"
        + (f"; {tally.tombstones:,} of them deleted by now, kept without text" if tally.tombstones else ""),
        f"  {_number(tally.filtered_out, 'line')} filtered out"
        + (f", {_number(tally.broken, 'broken line')}" if tally.broken else ""),
    ]
    told += [f"    line {line.line:,}: {line.reason}" for line in tally.broken_lines]
    if tally.broken > len(tally.broken_lines):
        told.append(f"    and {tally.broken - len(tally.broken_lines):,} more")
    if report.reject_file is not None:
        told.append(f"  The broken lines are in {report.reject_file}")
    if tally.lines > tally.broken and not tally.kept and report.status == "imported":
        told.append(f"  No post names one of: {', '.join(terms)}. To keep every post: --all --again.")
    return told + [f"  {notice}" for notice in report.notices(source)]


def _posts(count: int) -> str:
    return _number(count, "post")


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
