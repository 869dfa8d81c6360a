"""Claim I9: the size of the starting weights decides the training."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments import load
from core.experiments.initialization.training.experiment import (
    PRESETS,
    SEEDS,
    Config,
    Result,
    findings,
)
from core.lab.finding import Outcome

TRAINING = load("initialization", "training")
HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR
SCATTER = np.linspace(-0.1, 0.1, SEEDS)


def found(result):
    return {f.claim: f for f in findings(result)}


def made_up(activation, **epochs):
    """Return a Result in which each scheme needs about so many epochs, linearly; inf: never."""
    config = Config(activation=activation, schemes=tuple(epochs))
    moments = np.arange(config.epochs + 1)
    slopes = config.target / (np.array(list(epochs.values()))[:, None] + SCATTER)
    accuracy = np.minimum(1, slopes[..., None] * moments)
    diverged = np.zeros(slopes.shape, bool)
    return Result(config, accuracy, diverged, np.ones(len(epochs)))


NEVER = np.inf


@pytest.mark.parametrize(
    "activation, epochs, outcome, because",
    [
        ("relu", {"small": NEVER, "large": NEVER, "xavier": 9, "he": 3}, HOLDS, "lag"),
        ("relu", {"small": NEVER, "he": 3}, HOLDS, ""),
        ("relu", {"small": 5.5, "xavier": 3.2, "he": 3}, FAILS, ""),
        ("relu", {"large": 2, "he": 3}, FAILS, "faster"),
        ("relu", {"small": NEVER, "he": NEVER}, FAILS, "slow"),
        ("relu", {"small": NEVER, "xavier": 9}, UNCLEAR, "right"),
        ("relu", {"he": 3}, UNCLEAR, "wrong"),
        ("relu", {"xavier": 4.5, "he": 3}, UNCLEAR, ""),  # at the bar of 1.5 times
        ("tanh", {"small": NEVER, "xavier": 2, "he": 1.5}, HOLDS, ""),
        ("tanh", {"xavier": 2, "he": 1.5}, UNCLEAR, "wrong"),
        ("tanh", {"small": NEVER, "he": 1.5}, UNCLEAR, "right"),
    ],
)
def test_i9_names_what_it_is_about(activation, epochs, outcome, because):
    i9 = found(made_up(activation, **epochs))["I9"]
    assert (i9.outcome, i9.because) == (outcome, because)
    assert i9.values["right_name"] == {"relu": "he", "tanh": "xavier"}[activation]


def test_i9b_compares_the_two_where_both_are_shown():
    assert found(made_up("relu", xavier=9, he=3))["I9b"].outcome is HOLDS
    assert found(made_up("tanh", xavier=9, he=3))["I9b"].outcome is FAILS
    assert found(made_up("tanh", xavier=3, he=3))["I9b"].outcome is UNCLEAR
    assert "I9b" not in found(made_up("tanh", small=NEVER, xavier=3))


def test_a_run_that_diverged_never_arrives():
    result = made_up("relu", large=2, he=3)
    result.diverged[0] = True
    i9 = found(result)["I9"]
    assert i9.outcome is HOLDS and i9.values["all"] == "He 3; never: 1.0 · randn"
    assert result.ends[0] == "diverges"
    result.diverged[0, 1:] = False
    assert result.ends[0] == "diverges in 1 of 5"
    assert found(result)["I9"].outcome is not HOLDS


def test_small_weights_of_five_layers_stay_at_chance():
    config = Config(depth=5, epochs=5, schemes=("small", "he"), learning_rate=0.02)
    result = TRAINING.run(config)
    final = result.val_accuracy[..., -1]
    assert final[0].max() < 0.2 and final[1].min() > 0.7
    assert not result.diverged.any()
    assert result.start[0] < 1e-4 < 0.1 < result.start[1]


def test_in_a_shallow_network_no_size_stalls_for_good():
    result = TRAINING.run(replace(PRESETS["shallow"], epochs=10))
    assert result.val_accuracy[..., -1].min() > 0.85
    assert found(result)["I9"].outcome is FAILS


def test_large_relu_weights_diverge_and_that_is_all_that_is_shown():
    result = TRAINING.run(Config(schemes=("large",), epochs=5))
    assert result.diverged.all() and result.val_accuracy.shape == (1, SEEDS, 6)
    assert found(result)["I9"].values["all"] == "never: 1.0 · randn"


def test_schemes_share_batches_and_draws():
    one, two = (
        TRAINING.run(Config(depth=1, epochs=5, schemes=schemes))
        for schemes in (("he",), ("xavier", "he"))
    )
    np.testing.assert_allclose(one.val_accuracy[0], two.val_accuracy[1], atol=0.01)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize(
    "preset, i9, i9b",
    [
        ("lecture", HOLDS, HOLDS),
        ("tanh", HOLDS, FAILS),
        ("sigmoid", FAILS, FAILS),
        ("deep30", HOLDS, HOLDS),
    ],
)
def test_the_lectures_cases_over_seeds(preset, i9, i9b, seed):
    claims = found(TRAINING.run(replace(PRESETS[preset], seed=seed)))
    assert (claims["I9"].outcome, claims["I9b"].outcome) == (i9, i9b)
