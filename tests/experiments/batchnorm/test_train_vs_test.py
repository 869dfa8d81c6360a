"""Claim B6 over fresh seeds: the two modes, a batch of one, and running averages that are off."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.batchnorm.train_vs_test.experiment import (
    SIZES,
    Config,
    by_batch,
    findings,
    keeps_start,
    leaves_one,
    run,
    trained,
    with_true_statistics,
)
from core.lab.datasets import standardized_digits
from core.lab.finding import Outcome
from core.nn.network import forward, take_runs
from tests.experiments.seeds import each_seed

HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR


def found(config):
    return {f.claim: f for f in findings(run(config))}


@pytest.mark.parametrize("seed", range(201, 204))
def test_b6_the_difference_falls_with_the_batch_and_running_averages_do(seed):
    result = run(Config(seed=seed))
    claims = {f.claim: f for f in findings(result)}
    assert claims["B6"].outcome is HOLDS and claims["B6d"].outcome is HOLDS
    assert claims["B6c"].outcome is FAILS and claims["E6"].outcome is FAILS
    assert claims["B6b"].identity and claims["B6b"].values["difference"] == 0
    true = result.difference[1].mean(axis=0)
    slope = np.polyfit(np.log(SIZES[2:]), np.log(true[2:]), 1)[0]
    assert slope == pytest.approx(-0.55, abs=0.1)  # about one over the square root


@pytest.mark.full
@each_seed
def test_running_variances_of_pairs_are_half_of_the_true_ones(seed):
    claims = found(Config(batch_size=2, seed=seed))
    assert claims["B6"].outcome is FAILS and claims["B6c"].outcome is HOLDS
    assert claims["B6c"].values["ratio"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("seed", [201, 202])
def test_a_last_batch_of_one_leaves_seven_tenths_of_the_variance(seed):
    config = Config(batch_size=479, epochs=20, seed=seed)
    assert leaves_one(config) and not leaves_one(replace(config, batch_size=256))
    claims = found(config)
    assert claims["B6c"].values["ratio"] == pytest.approx(0.9 * 0.271 / (1 - 0.9**4), abs=0.01)
    assert claims["B6c"].because == claims["B6"].because == "last"
    assert claims["B6"].outcome is FAILS


def test_a_low_momentum_remembers_the_start():
    config = Config(bn_momentum=0.01)
    assert keeps_start(config) == pytest.approx(0.99 ** (5 * 23))
    b6c = found(config)["B6c"]
    assert b6c.outcome is HOLDS and b6c.because == "start"


def test_one_batch_is_normalized_as_in_training_and_leaves_the_averages_alone():
    data = standardized_digits().map(lambda x: x.astype(np.float32))
    networks = trained(Config(batch_size=256), data)
    before = [layer["mean"].copy() for layer in networks.running]
    scores = by_batch(networks, data.x_val[:8].reshape(2, 4, 64))
    exact = with_true_statistics(networks, data.x_train)
    for mean, layer in zip(before, networks.running):
        np.testing.assert_array_equal(mean, layer["mean"])
    one = take_runs(networks, slice(3, 4))
    np.testing.assert_allclose(
        forward(one, data.x_val[4:8], training=True)[0][0], scores[3, 1], atol=1e-4
    )
    z = data.x_train @ exact.layers[0]["weight"][5] + exact.layers[0]["bias"][5]
    np.testing.assert_allclose(exact.running[0]["mean"][5, 0], z.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(exact.running[0]["var"][5, 0], z.var(axis=0), rtol=1e-3)


def test_much_scatter_is_not_clear():
    result = run(Config(batch_size=256))
    ratio = np.linspace(0.6, 1.2, len(result.variance_ratio))
    claims = {f.claim: f for f in findings(replace(result, variance_ratio=ratio))}
    assert claims["B6c"].outcome is UNCLEAR
