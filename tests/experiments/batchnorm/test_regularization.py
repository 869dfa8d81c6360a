"""Claim B10: the noise of batch mates, what it gains, and the machinery of groups."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments import load
from core.experiments.batchnorm.regularization.experiment import (
    GROUPS,
    IMAGES,
    PRESETS,
    RATES,
    SEEDS,
    Config,
    best_rates,
    build,
    descend_in_groups,
    findings,
    own_images,
    own_scores,
    regrouped,
    with_statistics_of_all,
)
from core.lab.finding import Outcome
from core.lab.results import shipped
from core.nn.network import forward, take_runs
from core.nn.training import loss_and_gradients
from tests.experiments.seeds import each_seed

HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR
EXPERIMENT = load("batchnorm", "regularization")


def found(result):
    return {f.claim: f for f in findings(result)}


@pytest.fixture(scope="module")
def data():
    return own_images(Config())


@pytest.fixture(scope="module")
def default():
    return shipped(EXPERIMENT, Config()) or EXPERIMENT.run(Config())


@pytest.mark.full
@each_seed
def test_b10_groups_of_10_gain_and_batch_norm_alone_does_not(seed):
    result = EXPERIMENT.run(Config(seed=seed))
    claims = found(result)
    assert claims["B10"].outcome is HOLDS and claims["B10b"].outcome is HOLDS
    assert abs(claims["B10"].values["none"]) < 1.5
    assert (np.diff(result.spread) < 0).all() and result.spread[-1] < 1e-5
    assert claims["B10d"].outcome is HOLDS and (np.diff(result.gap[:-1].mean(axis=1)) > 0).all()


@pytest.mark.full
def test_b10_fails_where_noise_slows_a_short_training_down():
    claims = found(EXPERIMENT.run(PRESETS["short"]))
    assert claims["B10"].outcome is FAILS and claims["B10d"].outcome is HOLDS


def test_a_gain_within_its_scatter_is_not_clear(default):
    val = default.val.copy()
    val[1] = val[-2] + 0.01 * (-1) ** np.arange(SEEDS)
    assert found(replace(default, val=val))["B10"].outcome is UNCLEAR
    assert found(replace(default, gap=default.gap[::-1]))["B10d"].outcome is FAILS
    swapped = replace(default, usual_gap=default.usual_gap + np.array([0.2, 0])[:, None, None])
    assert found(swapped)["B10c"].outcome is HOLDS


def test_the_group_only_looks(default):
    looked = replace(default, config=replace(default.config, group=40))
    assert found(looked)["B10"].values["points"] == pytest.approx(100 * default.gain(2).mean())


def test_groups_deal_every_image_out_once(data):
    rng = np.random.default_rng(0)
    x, y = regrouped(data.x_train, data.y_train, 4, rng)
    assert x.shape == (SEEDS, 50, 4, 64) and y.shape == (SEEDS, 50, 4)
    for run in (0, SEEDS - 1):
        dealt = np.sort(x[run].reshape(IMAGES, 64).sum(axis=1))
        np.testing.assert_allclose(dealt, np.sort(data.x_train[run].sum(axis=1)), rtol=1e-5)


def test_one_group_of_all_is_plain_descent(data):
    config = Config(steps=50, learning_rate=0.1)
    networks, plain = build(config, "before"), take_runs(build(config, "before"), slice(2, 3))
    step = descend_in_groups(networks, data, IMAGES, config)
    next(step)
    _, gradients, _ = loss_and_gradients(plain, data.x_train[2:3], data.y_train[2:3])
    for layer, before, gradient in zip(networks.layers, plain.layers, gradients):
        for name in layer:
            moved = before[name] - 0.1 * gradient[name]
            np.testing.assert_allclose(layer[name][2:3], moved, atol=1e-5)


def test_scores_are_those_of_the_image_among_its_group(data):
    networks = build(Config(), "before")
    scores = own_scores(networks, data, np.random.default_rng(0))
    exact = take_runs(with_statistics_of_all(networks, data.x_train), slice(1))
    logits = forward(exact, data.x_train[:1])[0][0]
    own = logits[np.arange(IMAGES), data.y_train[0]]
    np.testing.assert_allclose(scores[-1], np.tile(own, (len(scores[-1]), 1)), atol=1e-3)
    assert (np.diff(scores.std(axis=1).mean(axis=-1)) < 0).all()
    assert scores.shape[0] == len(GROUPS)


def test_a_seeds_own_result_does_not_choose_its_rate():
    val = np.zeros((len(RATES), 3))
    val[1] = 0.5
    val[2, 0] = 1.0  # best for the first seed alone
    val[3] = np.nan
    np.testing.assert_array_equal(best_rates(val)[..., 0], 1)
