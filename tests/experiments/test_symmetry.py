"""Claim I1 and misreading E18 over several seeds."""

import numpy as np
import pytest

from core.experiments.initialization.symmetry import (
    STARTS,
    STEPS,
    Config,
    distinct_units,
    findings,
    run,
)

seeds = pytest.mark.parametrize("seed", range(5))
ZERO, CONSTANT, RANDOM = range(len(STARTS))


def found(result):
    return {f.claim: f for f in findings(result)}


@seeds
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_i1_equal_units_stay_equal_and_random_ones_do_not(activation, seed):
    result = run(Config(activation=activation, seed=seed))
    assert found(result)["I1"].holds
    assert (result.distinct[[ZERO, CONSTANT]] == 1).all()
    assert (result.distinct[RANDOM] == 8).all()
    assert result.between[CONSTANT].max() < 1e-12


@seeds
def test_e18_entries_inside_a_unit_differ(seed):
    result = run(Config(seed=seed))
    assert not found(result)["E18"].holds
    assert result.within[CONSTANT, 0] == 0 and result.within[CONSTANT, 1:].min() >= 0
    assert result.within[CONSTANT, STEPS] > 1e-3


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_i1_from_zero_the_hidden_layer_never_moves(activation):
    result = run(Config(activation=activation))
    assert found(result)["I1b"].holds
    assert (result.weight[ZERO] == 0).all()


def test_i1_from_zero_a_sigmoid_layer_moves_after_the_first_step():
    result = run(Config(activation="sigmoid"))
    assert not found(result)["I1b"].holds
    assert result.gradient[ZERO, 0] < 1e-12 < result.gradient[ZERO, 1]


def test_random_start_learns_more_than_equal_ones():
    loss = run(Config()).data_loss[:, STEPS]
    assert loss[RANDOM] < loss[CONSTANT] - 0.3 < loss[ZERO]


def test_distinct_units_are_counted_per_run():
    one = np.array([[1.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    other = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    assert distinct_units(np.stack([one, other])).tolist() == [2, 3]
