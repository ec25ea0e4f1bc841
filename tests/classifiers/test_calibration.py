import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.calibration import expected_calibration_error, fit_temperature, reliability_table, softmax


def test_answers_as_sure_as_they_are_right_have_no_calibration_error():
    assert expected_calibration_error([0.75] * 4, [True, True, True, False]) == 0


def test_bins_weigh_by_their_answers():
    # bin 0.9-1.0: three answers at 0.95, all right; bin 0.5-0.6: one at 0.55, wrong
    assert expected_calibration_error([0.95, 0.95, 0.95, 0.55], [True, True, True, False]) == pytest.approx(
        0.75 * 0.05 + 0.25 * 0.55
    )


def test_no_answers_have_no_error():
    assert expected_calibration_error([], []) == 0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=50), st.integers(1, 20))
def test_every_answer_lies_in_one_bin_and_the_error_stays_within_bounds(answers, bins):
    confidence, correct = [p for p, _ in answers], [right for _, right in answers]

    table = reliability_table(confidence, correct, bins=bins)

    assert len(table) == bins
    assert sum(row.n for row in table) == len(answers)
    assert 0 <= expected_calibration_error(confidence, correct, bins=bins) <= 1


def test_an_empty_bin_claims_nothing():
    first = reliability_table([0.95], [True])[0]

    assert (first.n, first.confidence, first.accuracy) == (0, None, None)


def test_certainty_falls_into_the_last_bin():
    assert reliability_table([1.0], [True])[-1].n == 1


@pytest.mark.parametrize("given_shapes", [([0.5], []), ([[0.5]], [[True]])])
def test_shapes_that_do_not_fit_are_refused(given_shapes):
    with pytest.raises(ValueError):
        reliability_table(*given_shapes)


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_a_model_too_sure_is_found_again(true_temperature):
    random = np.random.default_rng(1)
    honest = random.normal(size=(20_000, 4)) * 2
    drawn = (softmax(honest).cumsum(axis=1) > random.random((20_000, 1))).argmax(axis=1)

    assert fit_temperature(honest * true_temperature, drawn) == pytest.approx(true_temperature, rel=0.05)


def test_scaling_with_the_fitted_temperature_lowers_the_calibration_error():
    random = np.random.default_rng(2)
    honest = random.normal(size=(5_000, 3))
    truth = (softmax(honest).cumsum(axis=1) > random.random((5_000, 1))).argmax(axis=1)
    sure = honest * 4

    def error(temperature):
        probabilities = softmax(sure, temperature=temperature)
        return expected_calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)

    assert error(1.0) > 0.2
    assert error(fit_temperature(sure, truth)) < 0.03


def test_nothing_to_fit_on_leaves_the_model_as_it_is():
    assert fit_temperature(np.empty((0, 3)), []) == 1.0


def test_huge_logits_do_not_overflow():
    assert softmax([[1e4, 0.0]]).tolist() == [[1.0, 0.0]]
    assert 0.05 <= fit_temperature([[1e4, 0.0]], [0]) <= 20
