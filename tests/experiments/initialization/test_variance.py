"""The map, claim I8 over several seeds, the gain, and the theory."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.initialization.variance.experiment import (
    MAP_SCALES,
    PRESETS,
    Config,
    findings,
    run,
    strip,
    theory,
)
from core.lab.finding import Outcome
from core.nn.activations import ACTIVATIONS
from core.nn.initializers import gain, mean_square

FAST = replace(Config(), width=100, depth=5)


def found(config):
    return {f.claim: f for f in findings(run(config))}


@pytest.mark.parametrize("seed", range(101, 106))
def test_relus_strip_lies_around_he_and_excludes_xavier(seed):
    result = run(replace(FAST, depth=1, seed=seed))
    low, high = strip(result)
    root = result.config.width**0.5
    assert 1 < low * root < 2**0.5 < high * root < 2.2
    assert findings(result)[0].outcome is Outcome.HOLDS


@pytest.mark.parametrize(
    ("scheme", "activation", "because"),
    [
        ("small", "relu", "vanishes"),
        ("xavier", "relu", "vanishes"),
        ("large", "relu", "explodes"),
        ("large", "tanh", "saturates"),
        ("he", "sigmoid", "vanishes"),
    ],
)
def test_weights_outside_the_strip_fail_for_their_own_reason(scheme, activation, because):
    config = replace(FAST, depth=1, scheme=scheme, activation=activation)
    first = findings(run(config))[0]
    assert first.outcome is Outcome.FAILS and first.because == because


@pytest.mark.parametrize("seed", range(101, 106))
def test_weights_at_the_edge_of_the_strip_are_not_clear(seed):
    result = run(replace(FAST, depth=1, seed=seed))
    low, _ = strip(result)
    for factor, outcome in ((1.05, "unclear"), (0.95, "unclear"), (0.85, "fails"), (1.15, "holds")):
        first = findings(replace(result, scale=low * factor))[0]
        assert first.outcome == outcome, factor


def test_no_weight_survives_where_all_signals_are_gone():
    result = run(replace(FAST, depth=1))
    first = findings(replace(result, signal=0 * result.signal))[0]
    assert first.outcome is Outcome.FAILS and first.because == "none"


@pytest.mark.full
@pytest.mark.parametrize("seed", range(101, 106))
@pytest.mark.parametrize("preset", ["lecture", "tanh_xavier", "small"])
def test_i8_the_mean_of_40_networks_is_the_predicted_variance(preset, seed):
    assert found(replace(PRESETS[preset], seed=seed))["I8"].holds


@pytest.mark.full
@pytest.mark.parametrize("seed", range(101, 106))
def test_i8_single_relu_networks_leave_5_percent_often(seed):
    assert found(Config(seed=seed))["I8"].values["single"] > 0.1


@pytest.mark.parametrize("seed", range(101, 106))
def test_i8_never_fails_at_a_fifth_of_the_width(seed):
    i8 = found(replace(FAST, seed=seed))["I8"]
    assert i8.outcome is not Outcome.FAILS and i8.values["single"] > 0.2


def test_i8_fails_where_the_prediction_is_a_tenth_off_and_is_not_clear_at_the_bar():
    result = run(replace(FAST, activation="tanh", scheme="xavier"))
    exact = replace(
        result, predicted=result.predicted * (result.measured / result.predicted).mean(0)
    )
    outcomes = {
        factor: findings(replace(exact, predicted=exact.predicted / factor))[1].outcome
        for factor in (1.0, 1.049, 1.1)
    }
    assert outcomes == {1.0: "holds", 1.049: "unclear", 1.1: "fails"}


@pytest.mark.parametrize("activation", ["tanh", "relu", "leaky_relu", "elu", "linear"])
def test_the_computed_gain_keeps_the_variance(activation):
    config = replace(FAST, activation=activation, depth=10)
    assert found(replace(config, scheme="gain"))["gain"].outcome is not Outcome.FAILS
    assert found(replace(config, scheme="small"))["gain"].outcome is Outcome.FAILS


def test_tanh_keeps_a_variance_of_1_only_and_relu_any():
    tanh = found(replace(FAST, activation="tanh", scheme="gain", depth=10))["gain"].values
    assert tanh["first"] == pytest.approx(2.53, rel=0.1)
    assert tanh["last"] == pytest.approx(1, rel=0.1)
    two = found(replace(FAST, activation="tanh", scheme="gain", depth=2))["gain"]
    assert two.outcome is Outcome.FAILS and two.because == "own"
    relu = found(replace(FAST, scheme="gain"))["gain"].values
    assert relu["first"] == pytest.approx(2, rel=0.1) and relu["last"] == pytest.approx(2, rel=0.2)


def test_one_layer_has_no_factor_per_layer():
    assert set(found(replace(FAST, depth=1))) == {"strip", "I8"}


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "elu"])
def test_theory_knows_the_mean_of_the_networks_before_they_run(activation):
    result = run(replace(FAST, activation=activation, scheme="he"))
    np.testing.assert_allclose(result.measured.mean(axis=0), result.theory, rtol=0.12)


def test_theory_of_relu_and_linear_networks_is_a_power():
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
    last = result.signal[:, -1]
    assert last[0.5 * he > MAP_SCALES].max() < 1e-6
    assert last[2 * he < MAP_SCALES].min() > 1e6
    assert 0.01 < last[np.abs(np.log(MAP_SCALES / he)).argmin()] < 100
