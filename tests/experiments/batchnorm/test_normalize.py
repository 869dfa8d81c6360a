"""Claim B1 and misreading E21 on fresh seeds: mean 0, variance 1, same shape, and eps."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from core.experiments import load
from core.experiments.batchnorm.normalize.experiment import (
    EXAMPLES,
    NORMALIZED,
    Config,
    batchnorm,
    findings,
    moments,
    moved,
    run,
)
from core.experiments.batchnorm.normalize.picture import VIEWS, setting
from core.lab.finding import Outcome
from core.lab.words import heading
from core.nn.gradcheck import numerical_gradient, relative_error
from core.nn.layers import batchnorm_backward, batchnorm_forward
from tests.experiments.seeds import each_seed

WORDS = load("batchnorm", "normalize").words


def found(result):
    return {f.claim: f for f in findings(result)}


def drawn(result):
    return VIEWS["steps"](result, [result]).chart.to_json()


@each_seed
def test_b1_mean_0_variance_1_same_skewness(seed):
    result = run(Config(seed=seed, eps=0.0))
    before, after = result.moments[[0, NORMALIZED]]
    np.testing.assert_allclose(after[:2], [[0, 0], [1, 1]], atol=1e-12)
    np.testing.assert_allclose(after[2], before[2], atol=1e-9)
    b1 = found(result)["B1"]
    assert b1.holds and b1.identity


@each_seed
def test_b1_the_layers_output_has_mean_beta_and_std_gamma(seed):
    result = run(Config(seed=seed, eps=0.0, gamma=-1.5, beta=0.5))
    mean, variance, skewness = result.moments[-1]
    np.testing.assert_allclose(mean, 0.5)
    np.testing.assert_allclose(variance, 2.25)
    np.testing.assert_allclose(skewness, -result.moments[0, 2])


def test_b1_fails_when_a_shape_changes():
    result = run(Config())
    result.moments[NORMALIZED, 2] += 0.1
    b1 = found(result)["B1"]
    assert b1.outcome is Outcome.FAILS and not b1.because
    assert "0.1" in heading(WORDS, [b1], asdict(result.config))


@each_seed
def test_b1_a_variance_as_small_as_eps_does_not_become_1(seed):
    result = run(Config(seed=seed, spread=0.003))
    b1 = found(result)["B1"]
    assert b1.outcome is Outcome.FAILS and b1.because == "eps" and not b1.identity
    assert 0.05 < b1.values["variance"] < 0.9


def test_b1_an_input_std_of_3_thousandths_comes_out_at_two_thirds():
    x = 0.003 * np.array([[-1.0], [1.0]])
    assert batchnorm(x, 1e-5).std() == pytest.approx(0.69, abs=0.01)


@each_seed
def test_b1_a_constant_column_is_nan_without_eps_and_0_with(seed):
    result = run(Config(seed=seed, spread=0.0, eps=0.0, added=3.0))
    b1, b1c = found(result)["B1"], found(result)["B1c"]
    assert b1.because == "nan" and b1c.holds and b1c.values["without"] == EXAMPLES
    assert np.isnan(result.values[NORMALIZED:, :, 1]).all()
    assert np.isfinite(result.values[..., 0]).all()
    assert findings(result)[0] == b1  # before what the added value moves
    result = run(Config(seed=seed, spread=0.0))
    assert found(result)["B1"].because == "constant" and found(result)["B1c"].holds
    assert (result.values[NORMALIZED, :, 1] == 0).all() and (result.values[-1, :, 1] == 1).all()


def test_b1_other_constants_may_be_rounded_to_1():
    with np.errstate(all="ignore"):
        assert np.abs(batchnorm(np.full((7, 1), 0.1), 0.0)) == pytest.approx(1)


@each_seed
@pytest.mark.parametrize("added", [-6.0, 0.5, 6.0])
def test_b1_one_value_moves_its_whole_column_and_no_other(seed, added):
    result = run(Config(seed=seed, added=added, gamma=0.0))
    b1b = found(result)["B1b"]
    assert b1b.holds and b1b.values["own"] == EXAMPLES and b1b.values["other"] == 0
    assert moved(result).sum(axis=(1, 2)).tolist() == [1, EXAMPLES, EXAMPLES, 0]


def test_b1_nothing_is_said_of_a_value_that_is_not_moved():
    result = run(Config())
    assert "B1b" not in found(result) and not moved(result).any()
    still = replace(run(Config(added=1.0)), values=result.values)
    assert found(still)["B1b"].outcome is Outcome.FAILS


@each_seed
def test_b1_the_backward_pass_is_the_slope_of_the_forward_pass(seed):
    result = run(Config(seed=seed))
    x, rng = result.values[0], np.random.default_rng(seed)
    dout, one = rng.standard_normal(x.shape), np.ones((1, 2))

    def loss(x):
        out, _ = batchnorm_forward(x, one, one, {"mean": 0 * one, "var": one + 0}, training=True)
        return (out * dout).sum()

    running = {"mean": 0 * one, "var": one}
    _, cache = batchnorm_forward(x, one, one, running, training=True)
    assert (
        relative_error(batchnorm_backward(dout, cache)[0], numerical_gradient(loss, x)).max() < 1e-5
    )


@each_seed
def test_e21_a_skewed_column_stays_skewed_and_is_not_bounded(seed):
    result = run(Config(seed=seed))
    e21 = found(result)["E21"]
    assert e21.misreading and e21.outcome is Outcome.FAILS
    assert e21.values["before"] == pytest.approx(e21.values["after"], abs=1e-4)
    assert e21.values["largest"] > 3


def test_e21_holds_for_a_bell_curve_and_is_unclear_near_the_bar():
    for skewness, outcome in ((0.0, Outcome.HOLDS), (0.5, Outcome.UNCLEAR)):
        result = run(Config())
        result.many[:, 2] = skewness
        assert found(result)["E21"].outcome is outcome


def test_moments_are_those_of_the_definition():
    x = np.array([[0.0, 5.0], [0.0, 5.0], [3.0, 5.0]])
    with np.errstate(invalid="ignore"):
        mean, variance, skewness = moments(x)
    assert mean.tolist() == [1, 5] and variance.tolist() == [2, 0]
    assert skewness[0] == pytest.approx(2**-0.5) and np.isnan(skewness[1])


def test_the_picture_says_why():
    for knobs, why in (
        ({}, "its shape (skewness) stays"),
        ({"added": 6.0}, "Marked: what one changed value moves"),
        ({"spread": 0.003}, "is not large beside eps 0.00001"),
        ({"spread": 0.0}, "0/√eps is 0"),
        ({"spread": 0.0, "eps": 0.0}, "0/0 is NaN"),
        ({"gamma": -1.0}, "the column is mirrored"),
    ):
        assert why in drawn(run(Config(**knobs)))


def test_the_setting_keeps_the_outcome_to_itself():
    result = run(Config())
    written = setting(result).chart.to_json()
    assert "divided" in written and "skewness) stays" not in written
    assert len(written) < len(drawn(result)) / 2
