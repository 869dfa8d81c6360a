"""Claims A8 to A10 and misreadings E10, E12, E13 over several seeds."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.activations.dead_relu.experiment import (
    EPOCHS,
    NETWORKS,
    OFF,
    PRESETS,
    RATES,
    SOME,
    Config,
    build,
    findings,
    make_data,
    other_bias,
    run,
    states,
)
from core.experiments.activations.dead_relu.picture import VIEWS
from core.experiments.activations.units import oversized_step, where_on
from core.lab.finding import Outcome
from core.lab.streams import streams
from core.nn.training import loss_and_gradients
from tests.experiments.seeds import FRESH, each_seed


def found(config):
    return {f.claim: f for f in findings(run(config))}


@pytest.fixture(scope="module")
def default():
    return run(Config())


@pytest.fixture(scope="module")
def cure():
    return run(PRESETS["cure"])


@pytest.mark.full
@each_seed
def test_a9_a_high_rate_kills_and_a_low_one_does_not(seed):
    claims = found(Config(seed=seed))
    assert claims["A9"].holds and claims["A9c"].holds
    assert claims["A9"].values["highest"] > 0.9 and claims["A9"].values["lowest"] < 0.05
    assert not any(claims[claim].holds for claim in ("E10", "E12", "E13"))


@pytest.mark.full
@each_seed
def test_a9_a_bad_start_is_dead_from_step_0_and_stays_dead(seed):
    result = run(replace(PRESETS["bad_start"], seed=seed))
    assert result.share[..., OFF].min() >= 0.7 and result.start.mean() > 0.95
    assert findings(result)[0].because == "start"


@pytest.mark.full
@each_seed
def test_a10_with_a_slope_units_come_back_at_a_rate_that_suits(seed):
    assert found(replace(PRESETS["cure"], seed=seed))["A10"].holds
    assert found(replace(PRESETS["cure"], slope=0.01, seed=seed))["A10"].values["back"] < 0.5


@pytest.mark.full
def test_a9_fails_where_a_step_of_that_size_puts_few_units_off():
    few = {"data": "moons", "oversized": True, "bias": 1.0, "units": 40}
    outcomes = [found(Config(**few, seed=seed))["A9"].outcome for seed in FRESH]
    assert Outcome.FAILS in outcomes and Outcome.HOLDS not in outcomes


@pytest.mark.full
def test_a_bias_is_compared_with_none_on_the_same_draws(default):
    bias = next(f for f in findings(default) if f.claim == "A9b")
    assert bias.values["without"] == default.off(default.chosen)[:, -1].mean()
    other = run(Config(bias=0.1))
    np.testing.assert_array_equal(default.other, other.off(other.chosen)[:, -1])
    np.testing.assert_array_equal(other.other, default.off(default.chosen)[:, -1])
    assert other_bias(Config(bias=-1.0)) is None and "A9b" not in found(Config(bias=-1.0))


@pytest.mark.full
def test_a9b_a_large_bias_costs_units_at_a_high_rate():
    assert found(Config(bias=1.0))["A9b"].outcome is Outcome.FAILS


def test_units_off_on_all_data_get_no_gradient_and_the_others_do():
    config = Config(offset=2.0)
    points, weights = streams(0, "data", "weights")
    data = make_data(config, points)
    network = build(config, data.classes, weights)
    oversized_step(network, data, 30.0)
    off = states(where_on(network, data.x_train)) == OFF
    _, gradients, _ = loss_and_gradients(network, data.x_train, data.y_train)
    moved = np.abs(gradients[0]["weight"]).max(axis=-2) > 0
    assert off.any() and not moved[off].any()
    assert moved[~off].mean() > 0.99


def test_dead_units_stay_dead(default):
    off = default.share[..., OFF]
    assert (np.diff(off, axis=-1) >= 0).all()  # others moving cannot bring a dead unit back
    assert default.share.sum(axis=-1) == pytest.approx(1)
    assert default.fate[..., 1].sum() == 0 < default.fate[..., 0].sum()


@pytest.mark.full
@each_seed
def test_momentum_carries_some_dead_units_back_on(seed):
    carried = found(Config(momentum=0.9, data="moons", seed=seed))["A9c"]
    assert carried.outcome is Outcome.FAILS and not carried.identity
    assert 0 < carried.values["back"] < 0.1 * carried.values["once"]


def test_networks_and_data_are_the_same_at_every_rate_and_draws_are_apart(default):
    assert (default.share[:, :, 0] == default.share[0, :, 0]).all()
    config, (weights,) = Config(), streams(0, "weights")
    network = build(config, 3, weights)
    first = network.layers[0]["weight"].reshape(len(RATES) + 1, NETWORKS, 2, 20)
    assert (first == first[0]).all()
    assert len(np.unique(first[0, :, 0, 0])) == NETWORKS


def test_runs_that_diverged_count_neither_as_off_nor_as_back(cure):
    last = len(RATES) - 1
    assert cure.diverged[last].all() and not cure.diverged[:-1].any()
    assert len(cure.off(last)) == 0
    (a10, *_) = findings(replace(cure, config=replace(cure.config, learning_rate=10.0)))
    assert (a10.outcome, a10.because) == (Outcome.UNCLEAR, "diverged")
    assert a10.values["diverged"] == NETWORKS
    texts = str(VIEWS["rates"](cure, [cure]).spec()["datasets"])
    assert "diverged" in texts


@pytest.mark.full
def test_a10_is_not_clear_where_no_unit_was_ever_off():
    (a10, *_) = findings(run(Config(slope=0.3, data="xor", learning_rate=0.1)))
    assert (a10.outcome, a10.because) == (Outcome.UNCLEAR, "none")


@pytest.mark.full
def test_the_epoch_only_looks(default):
    early = run(Config(epoch=3))
    np.testing.assert_array_equal(default.share, early.share)
    np.testing.assert_array_equal(default.weight, early.weight)


def test_pinned_runs_that_differ_in_rate_draw_different_lines(default):
    other = run(Config(learning_rate=0.1))
    np.testing.assert_array_equal(default.weight[0], other.weight[0])  # the same draw
    assert (default.state[-1] != other.state[-1]).any()
    for name, view in VIEWS.items():
        drawn = [str(view(r, [default, other]).spec()["datasets"]) for r in (default, other)]
        assert name == "rates" or drawn[0] != drawn[1]


def test_the_state_of_the_drawn_network_is_that_of_its_lines(default):
    z = default.x @ default.weight[-1] + default.bias[-1]
    off = (z <= 0).all(axis=0)
    np.testing.assert_array_equal(off, default.state[-1] == OFF)
    some = (z > 0).any(axis=0) & (z <= 0).any(axis=0)
    np.testing.assert_array_equal(some, default.state[-1] == SOME)


def test_a8_follows_from_the_formula_and_e13_only_all_dead_units_stop_a_layer(default):
    claims = {f.claim: f for f in findings(default)}
    assert claims["A8"].identity and claims["A8"].values["mean"] == pytest.approx(0.40, abs=0.01)
    e13 = claims["E13"].values
    assert 0 == e13["all"] < e13["half"] < e13["one"] < 1


@pytest.mark.full
def test_the_higher_the_rate_the_more():
    off = np.mean([run(Config(seed=s)).share[:, :, EPOCHS, OFF] for s in FRESH], axis=(0, 2))
    assert (np.diff(off[RATES.index(0.3) :]) > 0).all()
