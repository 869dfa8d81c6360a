"""Claims A3 and A6 over several seeds."""

import numpy as np
import pytest

from core.experiments.activations.saturation import FUNCTIONS, PRESETS, Config, chain, findings, run

SEEDS = range(5)


def found(config):
    return {f.claim: f for f in findings(run(config))}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("preset", ["lecture", "large_inputs", "weight4"])
def test_a3_ten_sigmoids_kill_the_gradient(preset, seed):
    a3 = found(Config(**{**PRESETS[preset].__dict__, "seed": seed}))["A3"]
    assert a3.holds
    assert a3.values["slope0"] == 0.25
    assert 0.0066 <= a3.values["slope5"] <= 0.0067 and a3.values["slope10"] < 1e-4
    assert a3.values["most"] <= 0.25**10


@pytest.mark.parametrize("seed", SEEDS)
def test_a3_one_sigmoid_does_not_kill_it_and_ten_relus_do_not_either(seed):
    assert not found(Config(depth=1, seed=seed))["A3"].holds
    assert found(Config(seed=seed))["A3"].values["relu"] > 0.4


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("scale", [0.1, 1.0, 20.0])
def test_a6_tanh_is_centered_and_still_saturates(scale, seed):
    a6 = found(Config(scale=scale, seed=seed))["A6"]
    assert a6.holds
    assert a6.values["mean_sigmoid"] > 0.4


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradient_of_a_chain_is_the_numerical_one(name):
    x, h = np.random.default_rng(0).standard_normal(50), 1e-6
    x = x[np.abs(x) > 0.01]  # away from the kink
    _first, gradients, _ = chain(x, name, 1.5, 4)

    def output(x):
        y = x
        for _ in range(4):
            y = chain(y, name, 1.5, 1)[0]
        return y

    numerical = (output(x + h) - output(x - h)) / (2 * h)
    np.testing.assert_allclose(gradients[-1], numerical, rtol=1e-6, atol=1e-9)
