"""Random worlds, random faults, processes killed at random moments: what is stored is what could be seen, once, inside all limits."""

import pytest
from platforms.siege import besiege


def assert_sound(found):
    assert found.lost == set()
    assert found.ghosts == set()
    assert found.doubled == 0
    assert found.busiest_minute <= 100
    assert found.refused == 0
    assert found.billed_usd <= found.spent_usd + 1e-9
    assert found.spent_usd <= found.budget_usd + 1e-9
    assert found.left_running == 0


def test_faults_and_kills_lose_nothing_double_nothing_and_keep_the_limits():
    found = besiege(1, kills=4)
    assert_sound(found)
    assert found.kills == 4
    assert found.visible > 300


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
def test_many_worlds_and_kills(seed):
    found = besiege(seed, kills=8, faults=0.35)
    assert_sound(found)
    assert found.faults.total() > 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", [21, 22])
def test_a_small_budget_is_kept_however_often_the_collector_is_killed(seed):
    found = besiege(seed, kills=10, budget=1.0, faults=0.35)
    assert_sound(found)


@pytest.mark.slow
def test_faults_and_kills_on_postgresql(postgres_url):
    assert_sound(besiege(31, kills=8, database_url=postgres_url))
