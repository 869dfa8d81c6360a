"""Ranges and the two layouts of a search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.nn.search import Range, grid_search, log_uniform, random_search, uniform

LR, REG = Range(1e-6, 1e-3, log=True), Range(1e-5, 1e5, log=True)


def share_per_decade(values, low, high):
    edges = 10.0 ** np.arange(np.log10(low), np.log10(high) + 0.5)
    return np.histogram(values, edges)[0] / len(values)


def test_log_uniform_gives_every_decade_the_same_share():
    values = log_uniform(1e-6, 1e-3, 30_000, rng=np.random.default_rng(0))
    np.testing.assert_allclose(share_per_decade(values, 1e-6, 1e-3), 1 / 3, atol=0.01)


def test_uniform_gives_nine_tenths_to_the_largest_decade():
    values = uniform(1e-6, 1e-3, 30_000, rng=np.random.default_rng(0))
    np.testing.assert_allclose(share_per_decade(values, 1e-6, 1e-3), [0.009, 0.09, 0.9], atol=0.005)


@settings(deadline=None)
@given(
    low=st.floats(1e-12, 1e12),
    factor=st.floats(1.001, 1e12),
    log=st.booleans(),
    position=st.floats(0, 1),
)
def test_values_stay_in_the_range_and_are_found_again(low, factor, log, position):
    values = Range(low, low * factor, log)
    value = values.at(position)
    assert low * (1 - 1e-12) <= value <= low * factor * (1 + 1e-12)
    assert values.position(value) == pytest.approx(position, abs=1e-9)


def test_ends_of_a_range():
    np.testing.assert_allclose(LR.at(np.array([0, 0.5, 1])), [1e-6, 10**-4.5, 1e-3], rtol=1e-12)
    np.testing.assert_allclose(Range(-1, 3).at(np.array([0, 0.5, 1])), [-1, 1, 3])


def test_position_of_the_lecture_s_best_run():
    best = Range(1e-4, 1e-3, log=True), Range(1e-4, 1, log=True)
    assert best[0].position(9.471549e-04) == pytest.approx(0.976, abs=5e-4)
    assert best[1].position(1.433895e-03) == pytest.approx(0.289, abs=5e-4)


def test_position_outside_of_the_range():
    assert LR.position(1e-2) > 1
    assert LR.position(1e-7) < 0


def test_nine_trials_try_nine_values_at_random_and_three_on_a_grid():
    ranges = {"learning_rate": LR, "reg": REG}
    grid = grid_search(ranges, 3)
    random = random_search(ranges, 9, rng=np.random.default_rng(0))
    for name in ranges:
        assert len(grid[name]) == len(random[name]) == 9
        assert len(np.unique(grid[name])) == 3
        assert len(np.unique(random[name])) == 9


def test_grid_has_every_combination_once_inside_the_ranges():
    ranges = {"a": Range(0, 1), "b": Range(0, 10), "c": LR}
    grid = grid_search(ranges, 2)
    assert len(set(zip(*(values.tolist() for values in grid.values())))) == 8
    assert set(grid["a"].tolist()) == {0.25, 0.75}
    assert set(grid["b"].tolist()) == {2.5, 7.5}


def test_one_point_is_the_middle():
    assert grid_search({"a": Range(0, 1)}, 1)["a"].tolist() == [0.5]


def test_random_search_draws_hyper_parameters_independently():
    trials = random_search(
        {"a": Range(0, 1), "b": Range(0, 1)}, 5_000, rng=np.random.default_rng(0)
    )
    assert abs(np.corrcoef(trials["a"], trials["b"])[0, 1]) < 0.05


def test_same_seed_same_trials():
    first, second = (random_search({"a": LR}, 5, rng=np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first["a"], second["a"])


@pytest.mark.parametrize(
    "low, high, log, sentence",
    [
        (1, 1, False, "low must be less than high, got 1 and 1"),
        (2, 1e-3, True, "low must be less than high, got 2 and 0.001"),
        (float("nan"), 1, False, "low must be less than high, got nan and 1"),
        (0, 1, True, "low must be positive on a log range, got 0"),
    ],
)
def test_impossible_ranges(low, high, log, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        Range(low, high, log)
