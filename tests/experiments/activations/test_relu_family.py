"""Claims A10 and A11 over several seeds, and the numerical gradient of PReLU's slope."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.activations.relu_family.experiment import (
    ELU,
    LEAKY,
    NETWORKS,
    PRELU,
    PRESETS,
    RELU,
    SMALL,
    Config,
    crossing,
    findings,
    run,
    tables,
)
from core.experiments.activations.relu_family.picture import VIEWS
from core.lab.datasets import load_digits
from core.lab.finding import Outcome
from core.nn.network import init_network
from core.nn.training import loss_and_gradients
from tests.experiments.seeds import each_seed


def claims_of(result):
    return {f.claim: f for f in findings(result)}


@pytest.fixture(scope="module")
def small():
    return run(SMALL)


@pytest.mark.full
@each_seed
def test_relus_stay_off_and_some_leaky_and_prelus_come_back(seed):
    result = run(Config(seed=seed))
    claims = claims_of(result)
    assert claims["A10"].outcome is not Outcome.FAILS
    assert claims["A10c"].holds and result.recovery(RELU) == 0 < result.recovery(LEAKY)
    assert result.recovery(LEAKY) < 0.5, "getting gradient is not being pulled back"
    assert claims["A10b"].holds and claims["A11"].holds
    assert not claims["A11b"].holds  # ELU is not the steadier one in the network


@pytest.mark.full
@each_seed
def test_a_slope_of_a_hundredth_brings_hardly_any_back(seed):
    assert run(Config(slope=0.01, seed=seed)).recovery(LEAKY) < 0.1


@pytest.mark.full
@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("slope", [0.01, 0.1, 0.3])
def test_elu_is_steadier_than_leaky_only_below_ln_of_slope_over_alpha(slope, alpha):
    result = run(Config(slope=slope, alpha=alpha, noise=0.1, epochs=5))
    assert crossing(result) == pytest.approx(np.log(slope / alpha), abs=0.1)
    a11 = claims_of(result)["A11c"]
    assert a11.holds and a11.values["expected"] == pytest.approx(np.log(slope / alpha))


@pytest.mark.full
def test_runs_that_diverged_count_neither_as_off_nor_as_back():
    result = run(PRESETS["too_far"])
    assert result.diverged[PRELU].sum() > NETWORKS / 2
    off, back = result.counts(PRELU)
    assert len(off) == len(back) == NETWORKS - result.diverged[PRELU].sum()
    a10 = claims_of(result)["A10"]
    assert (a10.outcome, a10.because) == (Outcome.UNCLEAR, "diverged")
    assert "diverged" in str(VIEWS["recovery"](result, [result]).spec()["datasets"])


def test_where_every_run_of_a_function_diverged_nothing_is_made_up(small):
    broken = replace(
        small,
        diverged=np.arange(4)[:, None] == PRELU + np.zeros((1, NETWORKS)),
        broken=np.arange(4)[:, None] == PRELU + np.zeros((1, small.broken.shape[1])),
        slopes=np.full_like(small.slopes, np.nan),
    )
    broken.slopes[:, 0] = 0.25
    claims = claims_of(broken)
    assert claims["A10"].values["prelu"] == "not measured" and "A10b" not in claims
    assert "prelu" not in tables(broken)["layers"]["function"]
    for view in VIEWS.values():
        assert not any(
            d.isna().any(axis=None) for d in view(broken, [broken]).spec()["datasets"].values()
        )


def of_counts(small, off, back):
    """Return A10 of a run with these units off and back per network, for Leaky ReLU and PReLU."""
    counts = np.zeros((2, 4, NETWORKS), int)
    counts[0], counts[1, [LEAKY, PRELU]] = off, back
    return claims_of(replace(small, off=counts[0], back=counts[1]))["A10"]


def test_a10_near_its_margins(small):
    some = np.arange(NETWORKS) % 3
    assert of_counts(small, 8, some).outcome is Outcome.HOLDS
    one = np.arange(NETWORKS) == 0
    assert of_counts(small, 8, one).outcome is Outcome.UNCLEAR
    assert of_counts(small, 7, 0).outcome is Outcome.UNCLEAR  # 3 of 98 may have come back
    none = of_counts(small, 8, 0)
    assert (none.outcome, none.because) == (Outcome.FAILS, "leaky_relu")
    few = of_counts(small, 1, 0)
    assert (few.outcome, few.because) == (Outcome.UNCLEAR, "few")


def test_a_bar_ends_at_its_number_and_says_how_much_gradient_is_left(small):
    drawn = VIEWS["recovery"](small, [small]).chart.to_json()
    for words in (
        "ReLU: slope 0, no gradient, never moves",
        "Leaky ReLU: slope 0.1, a little gradient",
        "ELU: slope 1 just below 0, then less and less",
    ):
        assert words in drawn


def test_relu_alone_has_zero_gradients(small):
    assert small.zero[RELU].min() > 0.2
    assert small.zero[[LEAKY, ELU, PRELU]].max() == 0


def test_the_step_puts_units_off_that_relu_keeps(small):
    assert small.off.sum(axis=1).min() > 20
    assert small.back[RELU].sum() == 0
    assert claims_of(small)["A10c"].identity


def test_the_change_under_noise_is_that_of_the_slope(small):
    z, sigma = -4.0, 0.3
    at = np.argmin(np.abs(np.linspace(-8, 2, 41) - z))
    assert small.change[RELU, at] == 0
    assert small.change[LEAKY, at] == pytest.approx(0.1 * sigma, rel=0.05)
    spread = np.exp(2 * sigma**2) - 2 * np.exp(sigma**2 / 2) + 1  # E (e^noise - 1)^2
    assert small.change[ELU, at] == pytest.approx(np.exp(z) * spread**0.5, rel=0.1)


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
