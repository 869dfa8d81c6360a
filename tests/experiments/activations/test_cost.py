"""Claim A5: what is measured, not how long it takes on the machine that runs the tests."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.activations.cost.experiment import (
    BLOCKS,
    COMPARED,
    FUNCTIONS,
    SMALL,
    Config,
    Result,
    findings,
    least_times,
    run,
)
from core.lab.finding import Outcome

HOLDS, FAILS, UNCLEAR = Outcome
RELU, ELU = FUNCTIONS.index("relu"), FUNCTIONS.index("elu")


@pytest.fixture(scope="module")
def measured() -> Result:
    return run(SMALL)


def test_every_time_is_positive_and_relu_is_the_unit(measured):
    assert measured.activation.shape == (BLOCKS, len(FUNCTIONS))
    assert (measured.activation > 0).all() and (measured.product > 0).all()
    assert (measured.ratio[:, RELU] == 1).all() and (measured.slowdown[:, RELU] == 1).all()
    assert ((measured.share > 0) & (measured.share < 1)).all()


def test_what_does_more_takes_longer():
    z = np.zeros(100_000)

    def once():
        np.exp(z)

    def ten_times():
        for _ in range(10):
            np.exp(z)

    one, ten = least_times([once, ten_times], 1).T
    assert np.median(ten) > 3 * np.median(one)


def made_up(exp, product, scatter=0.0):
    """Return a Result: functions with exp() take `exp`, others 1, the products `product`."""
    times = np.ones((BLOCKS, len(FUNCTIONS)))
    noise = 1 + scatter * np.linspace(-1, 1, BLOCKS)
    for name in ("sigmoid", "tanh", "elu"):
        times[:, FUNCTIONS.index(name)] = exp * noise
    return Result(config=Config(), activation=times, product=np.full(BLOCKS, float(product)))


@pytest.mark.parametrize(
    "exp, scatter, outcome",
    [(3.0, 0.2, HOLDS), (1.05, 0.01, HOLDS), (1.02, 0.2, UNCLEAR), (0.8, 0.05, FAILS)],
)
def test_a5_needs_more_than_the_timings_scatter(exp, scatter, outcome):
    assert findings(made_up(exp, 20, scatter))[1].outcome is outcome


def test_a5_needs_every_function_and_no_average_hides_one():
    result = made_up(3.0, 20)
    for tanh, outcome in ((1.0, UNCLEAR), (0.9, FAILS)):
        times = result.activation.copy()
        times[:, FUNCTIONS.index("tanh")] = tanh
        assert findings(replace(result, activation=times))[1].outcome is outcome


@pytest.mark.parametrize(
    "product, scatter, outcome", [(30, 0.1, FAILS), (7, 0.6, UNCLEAR), (2, 0.1, HOLDS)]
)
def test_whether_exp_matters_depends_on_the_matrix_product(product, scatter, outcome):
    slow, a5 = findings(made_up(3.0, product, scatter))
    assert slow.outcome is outcome and slow.misreading and a5.holds


def test_shares_and_slowdown():
    result = made_up(3.0, 7)
    assert result.share[0, ELU] == pytest.approx(0.3)
    assert result.slowdown[0, ELU] == pytest.approx(10 / 8)
    slowest = replace(result, activation=result.activation * np.where(np.arange(9) == ELU, 2, 1))
    values = findings(slowest)[0].values
    assert values["name"] == "elu" and values["rest"] == pytest.approx(7 / 13)


def test_a_function_that_the_lecture_does_not_have_decides_nothing():
    result = made_up(1.5, 30)
    other = np.where(np.array(FUNCTIONS) == "softplus", 50, 1)
    slow = findings(replace(result, activation=result.activation * other))[0]
    assert slow.outcome is FAILS and slow.values["name"] in COMPARED


@pytest.mark.full
def test_a_wide_layers_time_is_the_products():
    wide, narrow = (findings(run(Config(width=w, batch_size=64)))[0] for w in (1000, 20))
    assert wide.outcome is FAILS and narrow.outcome is HOLDS
