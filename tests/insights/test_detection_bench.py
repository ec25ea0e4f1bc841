"""A short version of `bench/detection.py`: the watch as it is, on simulated dashboards with threads, cycles and erring labels."""

import importlib.util
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "detection.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_detection", BENCH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_most_five_point_shifts_are_found_within_a_week_and_false_alarms_are_few(bench):
    result = bench.measure_population(bench.POPULATIONS[0], quarters=12, weeks=6)
    # Of 30 shifts 91.5 % are found in the full run: fewer than 23 would come once in a thousand.
    assert result["found_within_a_week"] >= 23 / 30
    # 12 quarters at 0.9 a quarter: more than 21 would come once in a thousand.
    assert result["false_alarms_a_quarter"] <= 21 / 12


def test_alarms_within_a_week_of_each_other_are_one(bench):
    import numpy as np

    days = np.zeros(30, dtype=bool)
    days[[3, 4, 9, 20]] = True
    assert bench.count_alarms(days) == 2
