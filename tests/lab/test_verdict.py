"""Verdicts: three outcomes, and the margin between them."""

import numpy as np
import pytest

from core.lab.finding import Finding, Outcome
from core.lab.verdict import (
    above,
    above_over_seeds,
    both,
    decided,
    epochs_to,
    interval,
    later,
    opposite,
)

HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR


@pytest.mark.parametrize(
    "value, outcome", [(1.2, HOLDS), (1.05, UNCLEAR), (0.95, UNCLEAR), (0.8, FAILS)]
)
def test_within_the_margin_of_the_bar_it_is_not_clear(value, outcome):
    assert above(value, 1.0, 0.1) is outcome


def test_what_was_not_measured_is_not_clear():
    assert above(np.nan, 1.0, 0.1) is UNCLEAR
    assert above_over_seeds(np.array([1.0, np.inf, 1.0])) is UNCLEAR


def test_the_interval_is_students():
    low, high = interval(np.array([1.0, 2.0, 3.0]))  # t(0.975, 2) = 4.303, s = 1
    assert (low, high) == pytest.approx((2 - 4.30 / 3**0.5, 2 + 4.30 / 3**0.5))
    with pytest.raises(ValueError, match="at least two seeds, got 1"):
        interval(np.ones(1))


def test_three_seeds_do_not_crown_a_winner_by_a_little():
    assert above_over_seeds(np.array([0.5, 0.0, 1.0])) is UNCLEAR
    assert above_over_seeds(np.full(3, 0.5)) is HOLDS
    assert above_over_seeds(np.array([-0.5, -0.6, -0.4])) is FAILS


def test_the_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((2000, 5))
    outcomes = [above_over_seeds(draw) for draw in draws]
    assert outcomes.count(UNCLEAR) / 2000 == pytest.approx(0.95, abs=0.02)


def test_a_claim_of_several_parts_fails_with_any_of_them():
    assert both(HOLDS, HOLDS) is HOLDS
    assert both(HOLDS, UNCLEAR) is UNCLEAR
    assert both(UNCLEAR, FAILS) is FAILS
    assert [opposite(o) for o in (HOLDS, FAILS, UNCLEAR)] == [FAILS, HOLDS, UNCLEAR]
    assert decided(True) is HOLDS and decided(np.bool_(False)) is FAILS


def test_a_finding_reads_as_the_conditions_of_questions_do():
    finding = Finding(claim="A4", outcome=UNCLEAR, values={})
    assert str(finding) == "A4 unclear" and not finding.holds


def test_epochs_to_a_target_are_read_between_two_moments_and_never_is_no_number():
    accuracy = np.array([[0.1, 0.5, 0.9], [0.1, 0.2, 0.3], [0.8, 0.2, 0.3], [0.0, 0.6, 0.6]])
    np.testing.assert_allclose(epochs_to(0.7, accuracy), [1.5, np.inf, 0, np.inf])
    np.testing.assert_allclose(epochs_to(0.6, accuracy, every=0.5)[3], 0.5)


@pytest.mark.parametrize(
    "epochs, other, outcome",
    [
        ([3, 4, 5], [1, 1.3, 1.7], HOLDS),
        ([1, 1.3, 1.7], [3, 4, 5], FAILS),
        ([1, 2, 1], [1.1, 1.9, 1], UNCLEAR),
        ([np.inf] * 3, [9, 9.5, 9.9], HOLDS),
        ([9, 9.5, 9.9], [np.inf] * 3, FAILS),
        ([np.inf] * 3, [np.inf] * 3, UNCLEAR),
        ([np.inf, 8, 9], [1, 1, 1], HOLDS),  # it arrives later than counted: no harm
        ([np.inf, 8, 9], [np.inf, 1, 1], UNCLEAR),
        ([8, 8.1, 9], [np.inf, 1, 1], UNCLEAR),  # the other could be later still
        ([1, 1, np.inf], [8, 9, 10], UNCLEAR),
    ],
)
def test_who_is_later_is_decided_by_pairs(epochs, other, outcome):
    assert later(np.array(epochs, float), np.array(other, float), 10) is outcome


def test_later_by_a_factor_is_not_clear_where_training_ended_too_soon():
    never, right = np.array([np.inf, 14, 15]), np.array([8.0, 8, 8.5])
    assert later(never, right, 15) is HOLDS
    assert later(never, right, 15, factor=3) is UNCLEAR
    assert later(np.array([13.0, 14, 15]), right, 15, factor=3) is FAILS
