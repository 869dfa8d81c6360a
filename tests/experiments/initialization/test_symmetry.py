"""Claim I1 and misreading E18 on fresh seeds: equal units, and the entries inside them."""

from dataclasses import asdict, replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from core.experiments import load
from core.experiments.initialization.symmetry.experiment import (
    CONSTANT,
    PRESETS,
    RANDOM,
    STEPS,
    ZERO,
    Config,
    distinct_units,
    findings,
    run,
    three_starts,
)
from core.experiments.initialization.symmetry.picture import VIEWS, setting
from core.lab.datasets import standardized_digits
from core.lab.finding import Outcome
from core.lab.words import heading, sentence
from core.nn.training import loss_and_gradients
from tests.experiments.seeds import each_seed

WORDS = load("initialization", "symmetry").words


def found(result):
    return {f.claim: f for f in findings(result)}


@cache
def ran(**knobs):
    """Run once for all tests that leave the Result as it is."""
    return run(Config(**knobs))


@each_seed
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_i1_equal_units_stay_equal_and_random_ones_do_not(activation, seed):
    result = ran(activation=activation, seed=seed)
    i1 = found(result)["I1"]
    assert i1.holds and i1.identity and i1.because == "exact"
    assert (result.distinct[[ZERO, CONSTANT]] == 1).all()
    assert (result.distinct[RANDOM] == 8).all()
    assert result.between[[ZERO, CONSTANT]].max() == 0


def test_i1_fails_once_units_drift_apart():
    result = run(Config(hidden=4))
    result.distinct[CONSTANT] = 3
    result.between[CONSTANT] = 0.2
    i1 = found(result)["I1"]
    assert i1.outcome is Outcome.FAILS and not i1.because
    assert "3 of 4" in heading(WORDS, [i1], asdict(result.config))


@each_seed
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_i1_from_zero_the_hidden_layer_never_moves(activation, seed):
    result = ran(activation=activation, seed=seed)
    i1b = found(result)["I1b"]
    assert i1b.holds and (result.weight[ZERO] == 0).all()
    assert "is exactly 0 in every step" in sentence(WORDS, i1b, asdict(result.config))


@each_seed
def test_i1_from_zero_a_sigmoid_layer_moves_after_the_first_step(seed):
    result = ran(activation="sigmoid", seed=seed)
    i1b = found(result)["I1b"]
    assert i1b.holds and i1b.because == "sigmoid"
    assert result.gradient[ZERO, 0] == 0 < result.gradient[ZERO, 1]


def test_i1_a_gradient_from_zero_that_is_not_0_would_be_seen():
    for activation in ("tanh", "sigmoid"):
        result = run(Config(activation=activation))
        result.gradient[ZERO] = 1
        assert found(result)["I1b"].outcome is Outcome.FAILS


@each_seed
def test_e18_entries_inside_a_unit_differ_from_the_second_step_on(seed):
    result = ran(activation="tanh", seed=seed)
    e18 = found(result)["E18"]
    assert e18.misreading and e18.outcome is Outcome.FAILS and e18.values["within"] > 1e-3
    assert result.within[CONSTANT, :2].max() < 1e-12 < result.within[CONSTANT, 2]
    for step, because in ((0, "start"), (1, "")):
        e18 = found(replace_step(result, step))["E18"]
        assert e18.holds and e18.because == because


def replace_step(result, step):
    return replace(result, config=replace(result.config, step=step))


def test_the_step_is_only_looked_at():
    first, later = run(Config(step=3)), run(Config(step=30))
    np.testing.assert_array_equal(first.weight, later.weight)


@each_seed
def test_random_units_learn_more_than_equal_ones(seed):
    zero, constant, random = ran(activation="tanh", seed=seed).data_loss[:, STEPS]
    assert random < constant - 0.3 < zero - 0.6


@pytest.mark.parametrize("hidden", [2, 8])
def test_the_gradient_is_what_a_step_took_off(hidden):
    config, data = Config(hidden=hidden, learning_rate=0.5), standardized_digits()
    sizes = (64, hidden, 10)
    result = run(config)
    network = three_starts(config, sizes, np.random.default_rng(0))
    network.layers[0]["weight"][:] = result.weight[:, 0]
    # Biases start at 0; the output weights of equal starts are known.
    _, gradients, _ = loss_and_gradients(network, data.x_train, data.y_train)
    expected = np.linalg.norm(gradients[0]["weight"], axis=(-2, -1))
    np.testing.assert_allclose(result.gradient[:RANDOM, 0], expected[:RANDOM], atol=1e-14)


def test_three_starts_differ_in_their_weights_alone():
    network = three_starts(Config(weight_scale=0.5), (64, 8, 10), np.random.default_rng(0))
    for layer in network.layers:
        assert (layer["weight"][ZERO] == 0).all() and (layer["weight"][CONSTANT] == 0.5).all()
        assert 0.4 < layer["weight"][RANDOM].std() < 0.6
        assert (layer["bias"] == 0).all()


def test_distinct_units_are_counted_per_run():
    one = np.array([[1.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    other = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    close = np.array([[1.0, 1.0 + 1e-13, 1.0 + 1e-11], [0.0, 0.0, 0.0]])
    assert distinct_units(np.stack([one, other, close])).tolist() == [2, 3, 2]


def test_the_picture_says_what_the_units_are_and_why():
    def heads(**knobs):
        result = ran(**knobs)
        return VIEWS["units"](result, [result]).chart.to_json()

    default = heads()
    for words in (
        "start 0 → 8 identical units: no gradient",
        "start 0.01 → 8 identical units: equal gradients",
        "start random → 8 different units: own gradients",
        "1 image = 1 hidden unit",
        "after 20 steps",
    ):
        assert words in default
    assert "start 0 → 8 identical units: equal gradients" in heads(activation="sigmoid")
    assert "2 identical units" in heads(hidden=2)
    assert "after 1 step" in heads(step=1) and "at the start" in heads(step=0)


def test_the_setting_keeps_the_outcome_to_itself():
    result = ran()
    drawn = setting(result).chart.to_json()
    assert "all weights start at 0.01" in drawn and "identical" not in drawn
    moved = {**asdict(result.config), "step": STEPS}
    assert setting(replace(result, config=Config(**moved))).chart.to_json() == drawn


@pytest.mark.full
@pytest.mark.parametrize("preset", PRESETS)
def test_every_seed_says_the_same(preset):
    shipped = [str(f) for f in findings(run(PRESETS[preset]))]
    for seed in range(101, 121):
        assert [str(f) for f in findings(run(replace(PRESETS[preset], seed=seed)))] == shipped


@pytest.mark.full
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_equal_units_stay_equal_whatever_the_knobs(activation):
    for hidden, rate, scale in product((2, 4, 8), (0.05, 5.0), (1e-4, 1.0)):
        knobs = {"hidden": hidden, "learning_rate": rate, "weight_scale": scale}
        result = run(Config(activation=activation, **knobs))
        assert np.isfinite(result.weight).all()
        assert found(result)["I1"].holds
