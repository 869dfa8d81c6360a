"""Claims A8 and A9 and misreadings E10, E12, E13 over several seeds."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.activations.dead_relu import (
    EPOCHS,
    PRESETS,
    RATES,
    Config,
    build,
    epochs_of_death,
    findings,
    make_data,
    run,
    states,
    step_too_far,
)
from core.layers import linear_forward
from core.training import loss_and_gradients

seeds = pytest.mark.parametrize("seed", range(5))


def found(config):
    return {f.claim: f for f in findings(run(config))}


@seeds
def test_a9_a_high_rate_kills_and_a_low_one_does_not(seed):
    a9 = found(Config(seed=seed))["A9"]
    assert a9.holds
    assert a9.values["highest"] > 0.9 and a9.values["lowest"] < 0.05


@seeds
def test_a9_a_bad_start_is_dead_from_step_0_and_stays_dead(seed):
    result = run(replace(PRESETS["bad_start"], seed=seed))
    assert result.share[0, :, :, :, 0].min() >= 0.9
    assert (result.death == 0).all()


@seeds
def test_a9_with_a_slope_no_unit_is_dead_and_units_come_back(seed):
    a9 = found(replace(PRESETS["cure"], seed=seed))["A9"]
    assert not a9.holds
    relu = found(replace(PRESETS["cure"], slope=0.0, seed=seed))["A9"]
    assert a9.values["off"] < relu.values["off"]


@seeds
def test_a8_half_of_the_gradients_are_0(seed):
    a8 = found(Config(units=10, seed=seed))["A8"]
    assert a8.holds
    assert a8.values["mean"] == pytest.approx(0.40, abs=0.01)


@seeds
def test_misreadings_do_not_hold(seed):
    claims = found(Config(learning_rate=1.0, seed=seed))
    assert not any(claims[claim].holds for claim in ("E10", "E12", "E13"))
    assert 0.3 < claims["E13"].values["half"] < claims["E13"].values["one"]


def test_units_off_on_all_data_get_no_gradient_and_the_others_do():
    config = Config(offset=2.0)
    data, network = make_data(config), build(config, 3)
    step_too_far(network, data)
    first = network.layers[0]
    z = linear_forward(data.x_train, first["weight"], first["bias"])[0]
    _, gradients, _ = loss_and_gradients(network, data.x_train, data.y_train)
    moved = np.abs(gradients[0]["weight"]).max(axis=-2) > 0
    off = states(z > 0) == 0
    assert off.any() and not moved[off].any()
    assert moved[~off].mean() > 0.99


def test_dead_units_stay_dead_while_others_train():
    result = run(Config())
    off = result.state == 0
    assert (off[1:] >= off[:-1]).mean() > 0.99  # others moving cannot bring a dead unit back
    assert result.share.sum(axis=-1) == pytest.approx(1)


def test_epoch_of_death_is_the_first_of_the_last_stretch_off():
    on, off = 1, 0
    units = np.array([[on, off, on, off, off], [on, on, on, on, off], [on, on, on, on, on]]).T
    assert epochs_of_death(units[None, None]).tolist() == [3.5]
    assert np.isnan(epochs_of_death(np.ones((1, 1, 4, 2), int))).all()


def test_the_higher_the_rate_the_earlier_and_the_more():
    off = np.mean([run(Config(seed=s)).share[0, :, :, EPOCHS, 0] for s in range(5)], axis=(0, 2))
    assert (np.diff(off[RATES.index(0.3) :]) > 0).all()
