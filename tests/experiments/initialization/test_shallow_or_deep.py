"""Claim I2, trained: small weights are enough for a shallow network and not for a deep one."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments import load
from core.experiments.initialization.shallow_or_deep.experiment import (
    PRESETS,
    SEEDS,
    Config,
    Result,
    findings,
)
from core.lab.finding import Outcome

EXPERIMENT = load("initialization", "shallow-or-deep")
HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR


def found(result):
    return {f.claim: f for f in findings(result)}


def made_up(shallow, deep, scatter=0.01):
    """Return a Result that ends with such accuracies from small weights, and 0.95 from Xavier's."""
    final = np.array([[shallow, 0.95], [deep, 0.95]])[..., None]
    accuracy = final + scatter * np.linspace(-1, 1, SEEDS)
    return Result(Config(), accuracy[..., None], np.full((2, 2), 3.3e-12))


@pytest.mark.parametrize(
    "shallow, deep, outcome, because",
    [
        (0.96, 0.1, HOLDS, ""),
        (0.96, 0.95, FAILS, "both"),
        (0.1, 0.1, FAILS, "neither"),
        (0.96, 0.5, FAILS, ""),
        (0.901, 0.1, UNCLEAR, ""),  # at the bar of 0.9
        (0.96, 0.2, UNCLEAR, ""),  # at twice the chance
    ],
)
def test_i2_follows_the_accuracies(shallow, deep, outcome, because):
    i2 = found(made_up(shallow, deep))["I2"]
    assert (i2.outcome, i2.because) == (outcome, because)
    assert i2.values["signal"] == "0.000000000003"


@pytest.mark.parametrize("seed", range(2))
def test_three_layers_are_enough_to_stall(seed):
    result = EXPERIMENT.run(replace(PRESETS["three"], seed=seed, epochs=5))
    final = result.val_accuracy[..., -1].mean(axis=-1)
    assert final[1, 0] < 0.2 < 0.9 < min(final[0, 0], final[1, 1])
    assert result.signal[1, 0] < 1e-3 < result.signal[0, 0]


@pytest.mark.full
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize(
    "preset, i2",
    [("lecture", HOLDS), ("relu", HOLDS), ("three", HOLDS), ("medium", FAILS), ("tiny", FAILS)],
)
def test_the_presets_over_seeds(preset, i2, seed):
    claims = found(EXPERIMENT.run(replace(PRESETS[preset], seed=seed)))
    assert claims["I2"].outcome is i2
    # Ten ReLU layers at Xavier scatter around 0.94: four networks cannot always clear the bar.
    assert claims["I2b"].outcome in ((HOLDS, UNCLEAR) if preset == "relu" else (HOLDS,))
    assert claims["I2b"].values["many"] > claims["I2b"].values["bar"]


def test_ten_layers_leave_nothing_of_the_signal():
    result = EXPERIMENT.run(Config(epochs=5))
    assert 1e-12 < result.signal[1, 0] < 1e-11  # the 11th or 12th decimal
    assert result.val_accuracy[1, 0, :, -1].max() < 0.2
