"""Collect random worlds from platforms with random faults, by processes that are killed (SIGKILL) at random moments.

    python bench/collect_faults.py [--quick] [--json] [--kills N] [--seed N]

The servers play Reddit and X over real HTTP (`tests/platforms/`), the database is a real SQLite file, every process is real and killed
while it fetches, parses or stores; the clock is simulated. After the last kill one process finishes its work, and the
database is compared with what the platforms show. `ours` counts what is wrong: posts lost outside recorded holes, posts stored twice,
posts still standing a day after they went, requests beyond a limit, dollars beyond the budget or beyond the books. It must be 0.
"""

import argparse
import json
import logging
import resource
import sys
import time
from collections import Counter
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

KILLS_A_WORLD = 10
BUDGETS = (400.0, 400.0, 1.0)
"""Every third world has less money than its posts cost."""


def main() -> None:
    """Besiege world after world and print the counts."""
    from platforms.siege import besiege  # noqa: PLC0415 - after the path is set

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="ten kills")
    parser.add_argument("--json", action="store_true", help="the object alone")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=100)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    kills = 10 if given.quick else given.kills
    began, sums, faults, seed = time.monotonic(), Counter[str](), Counter[str](), given.seed
    while sums["kills"] < kills:
        budget = BUDGETS[(seed - given.seed) % len(BUDGETS)]
        found = besiege(seed, kills=min(KILLS_A_WORLD, kills - sums["kills"]), faults=0.35, budget=budget)
        wrong = {
            "lost": len(found.lost),
            "ghosts": len(found.ghosts),
            "doubled": found.doubled,
            "beyond_rate": max(0, found.busiest_minute - 100) + found.refused,
            "beyond_money": int(found.spent_usd > budget + 1e-9) + int(found.billed_usd > found.spent_usd + 1e-9),
            "runs_left_open": found.left_running,
        }
        sums.update(wrong)
        sums.update(
            {
                name: getattr(found, name)
                for name in ("kills", "visits", "requests", "visible", "stored", "buried", "holes")
            }
        )
        sums["worlds"] += 1
        sums["busiest_minute"] = max(sums["busiest_minute"], found.busiest_minute)
        faults.update({fault.value: number for fault, number in found.faults.items()})
        if not given.json:
            print(
                f"world {seed}: {found.kills} kills, {found.faults.total()} faults, {found.requests} requests, "
                f"{found.visible} visible, {found.stored} stored, {found.buried} buried, {found.holes} holes, "
                f"{found.spent_usd:.2f} of {budget:.2f} USD (billed {found.billed_usd:.2f}); "
                f"wrong: {sum(wrong.values()) or 'nothing'}",
                flush=True,
            )
        seed += 1
    names = ("lost", "ghosts", "doubled", "beyond_rate", "beyond_money", "runs_left_open")
    result = {
        "bench": "collect_faults",
        "ours": sum(sums[name] for name in names),
        "rival": None,
        "rival_name": None,
        "ratio": None,
        "goal": 0,
        "unit": "things wrong",
        **{name: sums[name] for name in names},
        **{
            name: sums[name]
            for name in (
                "worlds",
                "kills",
                "visits",
                "requests",
                "busiest_minute",
                "visible",
                "stored",
                "buried",
                "holes",
            )
        },
        "faults": sum(faults.values()),
        "faults_by_kind": dict(faults.most_common()),
        "seconds": round(time.monotonic() - began, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
