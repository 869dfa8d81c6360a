"""Claim I8 over several seeds, the theory, and the map."""

from dataclasses import replace

import numpy as np
import pytest

from core.activations import ACTIVATIONS
from core.experiments.initialization.variance import (
    MAP_SCALES,
    PRESETS,
    Config,
    findings,
    run,
    theory,
)
from core.initializers import gain, mean_square

FAST = replace(Config(), width=100, depth=5)


def found(config):
    return {f.claim: f for f in findings(run(config))}


@pytest.mark.full
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("preset", ["lecture", "tanh_xavier", "small"])
def test_i8_the_mean_of_40_nets_is_the_predicted_variance(preset, seed):
    i8 = found(replace(PRESETS[preset], seed=seed))["I8"]
    assert i8.holds
    assert i8.values["inside"] == 1


@pytest.mark.full
@pytest.mark.parametrize("seed", range(5))
def test_i8_single_relu_nets_leave_5_percent_often(seed):
    assert found(Config(seed=seed))["I8"].values["single"] > 0.1


@pytest.mark.parametrize("seed", range(5))
def test_i8_at_a_fifth_of_the_width(seed):
    i8 = found(replace(FAST, seed=seed))["I8"]
    assert i8.holds and i8.values["single"] > 0.2


@pytest.mark.parametrize("activation", ["tanh", "relu", "leaky_relu", "elu", "linear"])
def test_the_computed_gain_keeps_the_variance(activation):
    claims = found(replace(FAST, activation=activation, scheme="gain"))
    assert claims["gain"].holds
    assert not found(replace(FAST, activation=activation, scheme="small"))["gain"].holds


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "elu"])
def test_theory_knows_the_mean_of_the_nets_before_they_run(activation):
    result = run(replace(FAST, activation=activation, scheme="he"))
    np.testing.assert_allclose(result.measured.mean(axis=0), result.theory, rtol=0.12)


def test_theory_of_relu_and_linear_nets_is_a_power():
    for name, factor in (("linear", 1.0), ("relu", 0.5)):
        variances = theory(ACTIVATIONS[name], 0.1, 100, 6)
        np.testing.assert_allclose(variances, factor ** np.arange(6), rtol=1e-9)


@pytest.mark.parametrize("variance", [0.01, 1.0, 25.0])
def test_the_mean_square_is_that_of_many_draws(variance):
    z = np.sqrt(variance) * np.random.default_rng(0).standard_normal(1_000_000)
    for name in ("tanh", "relu", "elu", "sigmoid"):
        drawn = np.mean(ACTIVATIONS[name].value(z) ** 2)
        assert mean_square(ACTIVATIONS[name], variance) == pytest.approx(drawn, rel=0.01)
    assert gain(ACTIVATIONS["relu"]) == pytest.approx(2**0.5)


def test_the_map_vanishes_left_and_explodes_right_of_he():
    result = run(FAST)
    he = 2**0.5 / FAST.width**0.5
    last = result.spread[:, -1]
    assert last[0.5 * he > MAP_SCALES].max() < 1e-6
    assert last[2 * he < MAP_SCALES].min() > 1e6
    assert 0.01 < last[np.abs(np.log(MAP_SCALES / he)).argmin()] < 100
