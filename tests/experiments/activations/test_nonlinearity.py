"""Claims A1 and A1b over several seeds, and the exactly straight borders."""

from dataclasses import replace

import numpy as np
import pytest

from core.charts.plane import affine_borders
from core.experiments.activations.nonlinearity.experiment import (
    DIFFERENCE,
    PRESETS,
    SPREAD,
    STARTS,
    Config,
    collapse,
    findings,
    greatest_difference,
    run,
)
from core.lab.finding import Outcome
from core.lab.say import percent
from core.nn.network import forward, init_network, stack_networks

SEEDS = (11, 12, 13, 14, 15)


def found(config):
    return {f.claim: f for f in findings(run(config))}


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_a1_a_linear_stack_is_the_map_it_collapses_to(depth):
    rng = np.random.default_rng(depth)
    network = stack_networks(
        [init_network((2, *[7] * depth, 3), 0.8, "linear", rng=rng, bias=0.3) for _ in range(2)]
    )
    x = rng.standard_normal((50, 2))
    weight, bias = collapse(network)
    assert weight.shape == (2, 2, 3) and bias.shape == (2, 1, 3)
    assert greatest_difference(forward(network, x)[0], x @ weight + bias) < DIFFERENCE


def test_a1_a_nonlinear_stack_is_no_such_map():
    network = init_network((2, 7, 3), 0.8, "relu", rng=np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((50, 2))
    weight, bias = collapse(network)
    assert greatest_difference(forward(network, x)[0], x @ weight + bias) > 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_on_xor_a_line_stays_below_its_bar_and_relu_learns_it(seed):
    claims = found(Config(seed=seed))
    assert claims["A1"].holds and claims["A1"].identity
    assert claims["A1b"].holds
    values = claims["A1b"].values
    assert values["mean_linear"] <= 0.78 and values["mean"] >= 0.95


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("preset", ["deep", "spirals", "moons", "narrow"])
def test_a1b_a_nonlinearity_learns_more(preset, seed):
    assert found(replace(PRESETS[preset], seed=seed))["A1b"].holds


def test_one_narrow_layer_depends_on_the_start():
    a1b = found(PRESETS["narrow"])["A1b"]
    assert a1b.because == "luck"
    assert a1b.values["high"] - a1b.values["low"] > SPREAD


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_six_sigmoid_layers_do_not_learn_it_but_the_linear_ones_are_still_one(seed):
    claims = found(replace(PRESETS["sigmoid"], seed=seed))
    assert claims["A1b"].outcome is Outcome.FAILS
    assert claims["A1"].holds


def test_where_training_diverges_nothing_is_compared():
    (finding,) = findings(run(Config(depth=6, learning_rate=0.5)))
    assert finding.outcome is Outcome.UNCLEAR and finding.because == "diverged"
    assert 0 < finding.values["diverged"] <= 2 * STARTS


def test_the_drawn_line_parts_what_the_collapsed_map_predicts():
    result = run(Config(seed=3))
    (line,) = affine_borders(result.weight, result.bias, result.extent)
    scores = line @ result.weight + result.bias
    np.testing.assert_allclose(scores[:, 0], scores[:, 1], atol=1e-9)
    predicted = (result.x @ result.weight + result.bias).argmax(axis=-1)
    right = (predicted == result.y).mean()
    assert percent(right) == percent(result.accuracy[0, result.drawn, result.best])
