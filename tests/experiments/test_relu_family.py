"""Claims A10 and A11 over several seeds, and the numerical gradient of PReLU's slope."""

import numpy as np
import pytest

from core.datasets import load_digits
from core.experiments.activations.relu_family import FUNCTIONS, PRESETS, Config, findings, run
from core.network import init_network
from core.training import loss_and_gradients

seeds = pytest.mark.parametrize("seed", range(5))


def found(**knobs):
    return {f.claim: f for f in findings(run(Config(**knobs)))}


@seeds
def test_a10_silent_relus_stay_and_some_leaky_and_prelus_come_back(seed):
    claims = found(seed=seed)
    assert claims["A10"].holds and claims["A10"].values["relu"] == 0
    assert claims["A10b"].holds and claims["A10b"].values["first"] > 0.3


@seeds
def test_a10_a_slope_of_a_hundredth_brings_hardly_any_back(seed):
    assert found(slope=0.01, seed=seed)["A10"].values["leaky_relu"] < 0.1


@seeds
def test_a11_elu_is_nearer_zero_mean_and_not_steadier_in_the_network(seed):
    claims = found(seed=seed)
    assert claims["A11"].holds
    assert not claims["A11b"].holds


@pytest.mark.parametrize("slope", [0.01, 0.1, 0.3])
def test_a11_elu_is_steadier_than_leaky_only_below_ln_of_its_slope(slope):
    a11 = found(slope=slope, noise=0.1, epochs=5)["A11b"]
    assert a11.values["crossing"] == pytest.approx(np.log(slope), abs=0.3)


@seeds
def test_relu_alone_has_zero_gradients(seed):
    zero = dict(zip(FUNCTIONS, run(Config(seed=seed, epochs=5)).zero))
    assert zero.pop("relu").min() > 0.2
    assert max(z.max() for z in zero.values()) == 0


def test_a_run_that_diverged_brings_nothing_back():
    result = run(PRESETS["too_far"])
    prelu = FUNCTIONS.index("prelu")
    assert result.diverged[prelu] == 3 and result.off[prelu, 1] == 0


def test_the_gradient_of_the_slope_is_the_numerical_one():
    digits, h = load_digits(), 1e-6
    x, y = digits.x_train[:20] / 16, digits.y_train[:20]
    network = init_network((64, 20, 10), "he", "prelu", rng=np.random.default_rng(0))
    _, gradients, _ = loss_and_gradients(network, x, y)
    losses = []
    for step in (h, -2 * h):
        network.layers[0]["slope"] += step
        losses.append(loss_and_gradients(network, x, y)[0])
    numerical = (losses[0] - losses[1]) / (2 * h)
    assert gradients[0]["slope"].item() == pytest.approx(numerical, rel=1e-6)
