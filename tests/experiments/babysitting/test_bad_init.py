"""Claim T7 on fresh seeds: a bad start is a plateau and a drop; large weights are no plateau."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from core.experiments import load
from core.experiments.babysitting.bad_init.experiment import (
    BAD,
    GOOD,
    PRESETS,
    RATES,
    SEEDS,
    Config,
    build,
    fallen,
    findings,
)
from core.experiments.babysitting.bad_init.picture import VIEWS
from core.lab.finding import Outcome
from tests.experiments.seeds import FIRST, first_seed

EXPERIMENT = load("babysitting", "bad-init")


@cache
def ran(preset="lecture", seed=FIRST):
    """Run once for all tests that leave the Result as it is."""
    return EXPERIMENT.run(replace(PRESETS[preset], seed=seed))


def found(result):
    (t7,) = findings(result)
    return t7.outcome, t7.because


@first_seed
def test_t7_a_bad_start_is_flat_and_then_drops(seed):
    result = ran(seed=seed)
    assert found(result) == (Outcome.HOLDS, "")
    assert (result.plateau[BAD] > 10 * result.plateau[GOOD]).all()
    assert abs(result.loss[BAD, :, 0] - np.log(10)).max() < 0.01
    assert result.accuracy[..., -1].min() > 0.95


@first_seed
def test_t7_large_weights_are_no_plateau(seed):
    result = ran("large", seed)
    assert found(result) == (Outcome.FAILS, "large")
    assert result.loss[BAD, :, 0].min() > 50


@pytest.mark.parametrize(("flat_for", "outcome"), [(2, "fails"), (4, "holds")])
def test_t7_turns_at_three_times(flat_for, outcome):
    loss = np.full((2, SEEDS, 20), 2.3)
    loss[BAD, :, flat_for:], loss[GOOD, :, 1:] = 0.1, 0.1
    assert found(replace(ran(), loss=loss, every=1.0))[0] == outcome


def test_t7_is_not_clear_without_a_drop():
    loss = ran().loss.copy()
    loss[BAD, 0] = 2.3
    assert found(replace(ran(), loss=loss)) == (Outcome.UNCLEAR, "never")
    loss[BAD] = np.linspace(2.3, 1.0, loss.shape[-1])
    assert found(replace(ran(), loss=loss)) == (Outcome.UNCLEAR, "drop")
    loss[GOOD] = 2.3
    assert found(replace(ran(), loss=loss)) == (Outcome.UNCLEAR, "good")


def test_fallen_tells_when_a_share_is_left():
    loss = np.array([[2.0, 2.0, 1.0, 0.5], [2.0, 2.0, 2.0, 2.0], [2.0, np.nan, np.nan, np.nan]])
    np.testing.assert_allclose(fallen(loss, 0.75, 0.5), [0.75, np.inf, np.inf])


def test_both_starts_are_the_same_draws_scaled():
    network = build(Config(), 1, [np.random.default_rng(seed) for seed in range(2)])
    for layer in network.layers:
        bad, good = layer["weight"][:2], layer["weight"][2:]
        np.testing.assert_allclose(good / bad, np.full_like(bad, good.flat[0] / bad.flat[0]), 1e-4)


def test_rates_are_chosen_by_what_is_shown():
    result = ran()
    assert result.rates.tolist() == [RATES[i] for i in result.tried.argmax(axis=-1)]


def test_the_picture_names_the_plateau():
    assert "plateau: " in VIEWS["loss"](ran(), [ran()]).chart.to_json()
    large = ran("large")
    assert "no plateau" in VIEWS["loss"](large, [large]).chart.to_json()
