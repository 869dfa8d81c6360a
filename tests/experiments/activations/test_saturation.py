"""Claims A3, A6 and A7 on fresh seeds: what is left of the gradient after a chain of units."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from core.experiments import load
from core.experiments.activations.saturation.experiment import (
    DECAY,
    FUNCTIONS,
    GONE,
    LOW_SHARE,
    PRESETS,
    Config,
    best_slope,
    chain,
    findings,
    run,
)
from core.experiments.activations.saturation.picture import VIEWS
from core.lab.finding import Outcome
from core.lab.words import heading, sentence
from tests.experiments.seeds import each_seed

WORDS = load("activations", "saturation").words


def found(config):
    return {f.claim: f for f in findings(run(config))}


@each_seed
@pytest.mark.parametrize("preset", ["lecture", "large_inputs", "weight4"])
def test_a3_ten_sigmoids_kill_the_gradient(preset, seed):
    result = run(replace(PRESETS[preset], seed=seed))
    a3 = findings(result)[0]
    assert a3.claim == "A3" and a3.holds
    assert a3.values["left"] <= 1e-6
    assert result.gradient[result.config.functions.index("relu"), -1] > 0.4


@each_seed
def test_a3_a_weight_of_1_leaves_at_most_a_quarter_per_unit(seed):
    for scale in (0.1, 1, 20):
        sigmoid = run(Config(functions=("sigmoid",), depth=30, scale=scale, seed=seed)).gradient[0]
        assert (sigmoid <= 0.25 ** np.arange(1, 31)).all()


def test_a3_the_lectures_slopes_of_a_sigmoid():
    values = found(Config())["A3"].values
    assert values["slope0"] == 0.25
    assert 0.0066 <= values["slope5"] <= 0.0067
    assert 0 < values["slope10"] < 1e-4


@each_seed
def test_a3_one_sigmoid_does_not_kill_the_gradient(seed):
    assert found(Config(depth=1, seed=seed))["A3"].outcome is Outcome.FAILS


def test_a3_a_weight_can_make_a_sigmoids_gradient_grow():
    a3 = found(Config(depth=1, weight=5, scale=0.1))["A3"]
    assert a3.outcome is Outcome.FAILS and a3.because == "grows" and a3.values["left"] > 1


@pytest.mark.parametrize(
    ("left", "outcome"),
    [
        (0.8 * GONE, Outcome.HOLDS),
        (0.95 * GONE, Outcome.UNCLEAR),
        (1.05 * GONE, Outcome.UNCLEAR),
        (1.2 * GONE, Outcome.FAILS),
    ],
)
def test_a3_is_not_clear_near_its_bar(left, outcome):
    result = run(Config())
    result.gradient[0, -1] = left
    assert findings(result)[0].outcome is outcome


@each_seed
@pytest.mark.parametrize("knobs", [{}, {"scale": 0.1}, {"scale": 20.0}, {"weight": 4.0}])
def test_a6_tanh_is_zero_centred_and_saturates(knobs, seed):
    a6 = found(Config(**knobs, seed=seed))["A6"]
    assert a6.holds
    assert abs(a6.values["mean"]) < 0.04 and a6.values["decay"] < 0.9 * DECAY


@each_seed
def test_a6_the_mean_of_a_sigmoid_is_not_zero(seed):
    assert 0.48 < run(Config(functions=("sigmoid",), seed=seed)).mean[0] < 0.52


def test_a6_fails_for_the_part_that_fails():
    result = run(Config(functions=("tanh",)))
    result.gradient_by_scale[:] = 1
    a6 = findings(result)[0]
    assert a6.outcome is Outcome.FAILS and a6.because == ""
    result.mean[:] = 0.2
    a6 = findings(result)[0]
    assert a6.outcome is Outcome.FAILS and a6.because == "mean"


@each_seed
def test_a7_what_does_not_saturate_passes_gradients_on(seed):
    assert found(Config(functions=("relu", "leaky_relu", "elu"), seed=seed))["A7"].holds
    assert not found(Config(functions=("relu",), weight=0.25, seed=seed))["A7"].holds


def test_headings_name_only_what_is_drawn():
    for functions, names in {
        ("sigmoid",): ("sigmoids",),
        ("sigmoid", "tanh"): ("sigmoids", "tanh"),
        ("tanh",): ("tanh",),
        ("elu",): ("ELU",),
    }.items():
        result = run(Config(functions=functions))
        said = heading(WORDS, findings(result), asdict(result.config))
        assert all(name in said for name in names), said
        assert "ReLU" not in said


def test_what_is_said_of_a_weight_of_4_is_so():
    result = run(PRESETS["weight4"])
    a3 = findings(result)[0]
    said = sentence(WORDS, a3, asdict(result.config))
    assert "the last one passes 8%" in said
    *_, (y, slope, _) = chain(np.random.default_rng(0).normal(0, 0.1, 1000), "sigmoid", 4, 10)
    assert y.min() > 0.9 and 0.06 < 4 * slope.mean() < 0.09


def test_a_low_slope_is_that_of_a_saturated_tanh():
    assert abs(LOW_SHARE - (1 - 0.97**2)) < 1e-12
    assert best_slope("sigmoid") == 0.25 and best_slope("tanh") == best_slope("relu") == 1


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradient_of_a_chain_is_the_numerical_one(name):
    x, h = np.random.default_rng(0).standard_normal(50), 1e-6
    x = x[np.abs(x) > 0.01]  # away from the kink

    def last(x):
        return list(chain(x, name, 1.5, 4))[-1]

    numerical = (last(x + h)[0] - last(x - h)[0]) / (2 * h)
    np.testing.assert_allclose(last(x)[2], numerical, rtol=1e-6, atol=1e-9)


def test_the_reason_is_written_only_where_it_is_the_reason():
    def says(config):
        result = run(config)
        return "at most a quarter" in VIEWS["chain"](result, [result]).chart.to_json()

    assert says(Config())
    assert not says(Config(weight=2)) and not says(Config(functions=("relu",)))
