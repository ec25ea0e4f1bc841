"""The design of the sample: every post has a chance, the chances are what they are said to be, unsure posts are drawn more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights.audit_design import Cell, allocate, collapse, draw


def cell(outcome="bias", week="2025-11-17", lang="en", posts=10, unsure=0.5):
    return Cell(outcome=outcome, week=week, lang=lang, posts=posts, spread=posts * unsure)


cells_strategy = st.lists(
    st.builds(
        cell,
        outcome=st.sampled_from(["bias", "latency", "irrelevant"]),
        week=st.sampled_from(["2025-11-10", "2025-11-17", "2025-11-24"]),
        lang=st.sampled_from(["en", "ja", "ko"]),
        posts=st.integers(1, 60),
        unsure=st.floats(0.1, 1.0),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda one: (one.outcome, one.week, one.lang),
)


@settings(max_examples=80, deadline=None)
@given(cells=cells_strategy, n=st.integers(1, 150), seed=st.integers(0, 99))
def test_draws_give_n_posts_once_each_with_chances_that_add_up(cells, n, seed):
    cell_of = np.repeat(np.arange(len(cells)), [one.posts for one in cells])
    places, chances = draw(cells, cell_of, n, np.random.default_rng(seed))
    assert len(places) == len(set(places.tolist())) == min(n, len(cell_of))
    assert ((chances > 0) & (chances <= 1)).all()
    strata = collapse(cells, n)
    assert sorted(one for stratum in strata for one in stratum) == list(range(len(cells)))
    assert (1 / chances).sum() == pytest.approx(len(cell_of))  # each stratum stands for its posts


def test_every_post_is_drawn_as_often_as_its_chance_says():
    cells = [cell(posts=40, unsure=1.0), cell("latency", posts=60, unsure=0.1), cell("latency", lang="ja", posts=3)]
    cell_of = np.repeat(np.arange(3), [40, 60, 3])
    times, said = np.zeros(103), np.zeros(103)
    for seed in range(2_000):
        places, chances = draw(cells, cell_of, 20, np.random.default_rng(seed))
        times[places] += 1
        said[places] = chances
    assert (said > 0).all()
    assert times / 2_000 == pytest.approx(said, abs=0.05)
    assert said[0] > 2 * said[50]  # unsure posts are drawn more


def test_small_strata_are_taken_together_and_no_answer_is_left_out():
    cells = [cell(lang=f"l{number}", posts=5) for number in range(30)] + [cell("abandonment", posts=4)]
    strata = collapse(cells, 20)
    assert len(strata) < 5
    assert sum(allocate([1.0] * 3, [100, 100, 2], 50)) == 50
    assert allocate([1.0, 1.0], [3, 4], 100) == [3, 4]
    assert allocate([9.0, 1.0, 0.1], [100, 100, 100], 22)[2] == 2


def test_the_sample_spreads_over_weeks():
    weeks = [f"2025-{1 + number // 4:02}-{1 + 7 * (number % 4):02}" for number in range(40)]
    cells = [cell(week=week, posts=25) for week in weeks]
    places, _ = draw(cells, np.repeat(np.arange(40), 25), 40, np.random.default_rng(3))
    assert np.bincount(places // 25, minlength=40).max() <= 2
