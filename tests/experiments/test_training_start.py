"""Claims I9 and, trained, I2 over several seeds."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.initialization import shallow_or_deep, training

seeds = pytest.mark.parametrize("seed", range(5))


def found(module, config):
    return {f.claim: f for f in module.findings(module.run(config))}


@pytest.mark.full
@seeds
@pytest.mark.parametrize("preset", ["lecture", "tanh", "sigmoid"])
def test_i9_the_right_scale_learns_and_a_wrong_one_stalls(preset, seed):
    i9 = found(training, replace(training.PRESETS[preset], seed=seed))["I9"]
    assert i9.holds
    assert i9.values["right_final"] > 0.85 and i9.values["worst_final"] < 0.2


@pytest.mark.full
@seeds
def test_i9_he_is_ahead_of_xavier_with_ten_relu_layers(seed):
    i9b = found(training, training.Config(seed=seed, schemes=("xavier", "he")))["I9b"]
    assert i9b.holds and i9b.values["xavier"] > 1.5 * i9b.values["he"]


@pytest.mark.full
@pytest.mark.parametrize("seed", range(3))
def test_i9_with_thirty_relu_layers_only_he_learns(seed):
    i9b = found(training, replace(training.PRESETS["deep30"], seed=seed))["I9b"]
    assert i9b.holds
    assert i9b.values["xavier_final"] < 0.2 and i9b.values["he_final"] > 0.6


def test_i9_small_weights_of_five_layers_stay_at_chance():
    config = training.Config(depth=5, epochs=5, schemes=("small", "he"), learning_rate=0.02)
    result = training.run(config)
    final = result.val_accuracy[..., -1]
    assert final[0].max() < 0.2 and final[1].min() > 0.7
    assert not result.diverged.any()


def test_i9_in_a_shallow_net_no_scheme_stalls_for_good():
    result = training.run(training.PRESETS["shallow"])
    assert result.val_accuracy[..., -1].min() > 0.9


@pytest.mark.full
@seeds
@pytest.mark.parametrize("preset", ["lecture", "relu"])
def test_i2_small_weights_do_in_one_layer_and_not_in_ten(preset, seed):
    claims = found(shallow_or_deep, replace(shallow_or_deep.PRESETS[preset], seed=seed))
    assert claims["I2"].holds and claims["I2b"].holds


@seeds
def test_i2_three_layers_are_enough_to_stall(seed):
    result = shallow_or_deep.run(replace(shallow_or_deep.PRESETS["three"], seed=seed, epochs=5))
    final = result.val_accuracy[..., -1].mean(axis=-1)
    assert final[1, 0] < 0.2 < 0.9 < min(final[0, 0], final[1, 1])
    assert result.spread[1, 0] < 1e-3 < result.spread[0, 0]


def test_i2_does_not_hold_for_weights_of_a_tenth():
    assert not found(shallow_or_deep, shallow_or_deep.PRESETS["medium"])["I2"].holds


def test_schemes_share_batches_and_draws():
    one, two = (
        training.run(training.Config(depth=1, epochs=5, schemes=schemes))
        for schemes in (("he",), ("xavier", "he"))
    )
    np.testing.assert_allclose(one.val_accuracy[0], two.val_accuracy[1], atol=0.01)
