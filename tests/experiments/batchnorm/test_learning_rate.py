"""Claim B5: with batch norm more learning rates and more starting weights learn; gradients."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments import load
from core.experiments.batchnorm.learning_rate.experiment import (
    DEPTHS,
    PRESETS,
    RATES,
    SCALES,
    SEEDS,
    SMALL,
    Config,
    Result,
    findings,
    first_gradients,
    gradients_of,
    growth,
)
from core.lab.datasets import standardized_digits
from core.lab.finding import Outcome
from core.lab.streams import streams

LEARNING_RATE = load("batchnorm", "learning-rate")
HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR


def found(result):
    return {f.claim: f for f in findings(result)}


@pytest.fixture(scope="module")
def gradient():
    (rng,) = streams(5, "deep weights")
    return first_gradients(standardized_digits(), rng)


def made_up(gradient, normed, plain):
    """Return a Result whose maps learn in so many (scales, rates), from the first ones on."""
    accuracy = np.full((2, len(SCALES), len(RATES)), 0.1)
    accuracy[0, : normed[0], : normed[1]] = 1
    accuracy[1, : plain[0], : plain[1]] = 1
    return Result(Config(), accuracy, gradient)


@pytest.mark.parametrize(
    "normed, plain, outcomes",
    [
        ((8, 6), (2, 3), (HOLDS, HOLDS, HOLDS)),
        ((4, 3), (2, 2), (UNCLEAR, UNCLEAR, UNCLEAR)),
        ((8, 4), (8, 4), (FAILS, FAILS, FAILS)),
        ((8, 6), (0, 0), (HOLDS, HOLDS, HOLDS)),
    ],
)
def test_pairs_rates_and_scales_are_counted(gradient, normed, plain, outcomes):
    claims = found(made_up(gradient, normed, plain))
    assert tuple(claims[c].outcome for c in ("B5", "B5b", "B5c")) == outcomes
    assert claims["B5"].values["normed"] == normed[0] * normed[1]
    assert claims["B5"].because == ("none" if plain == (0, 0) else "")


def test_a_run_that_diverged_has_not_learned(gradient):
    result = made_up(gradient, (8, 6), (2, 3))
    result.accuracy[1, 0] = np.nan
    assert found(result)["B5"].values["plain"] == 3


def test_too_small_weights_keep_their_gradient_and_he_s_lose_their_evenness(gradient):
    claims = found(made_up(gradient, (8, 6), (2, 3)))
    assert claims["B5d"].outcome is HOLDS and claims["even"].outcome is FAILS
    result = made_up(gradient, (8, 6), (2, 3))
    for depth in DEPTHS:
        normed, plain = growth(gradients_of(result, "he", depth))
        per_layer = normed.mean() ** (1 / (depth - 1))
        assert per_layer == pytest.approx((np.pi / (np.pi - 1)) ** 0.5, abs=0.06)  # Yang et al.
        assert 0.2 < np.median(plain) < 2


def test_gradients_are_there_for_each_depth_and_no_further(gradient):
    assert gradient.shape[-2:] == (SEEDS, max(DEPTHS))
    for at, depth in enumerate(DEPTHS):
        assert np.isfinite(gradient[:, :, at, :, :depth]).all()
        assert np.isnan(gradient[:, :, at, :, depth:]).all()


def test_what_is_looked_at_does_not_change_the_map():
    result = LEARNING_RATE.run(SMALL)
    other = replace(result, config=replace(SMALL, deep=10, start="small"))
    assert other.shown.shape == (2, SEEDS, 10)
    assert found(other)["B5"] == found(result)["B5"]


@pytest.mark.full
@pytest.mark.parametrize("seed", range(1, 6))
def test_b5_over_seeds(seed):
    claims = found(LEARNING_RATE.run(Config(seed=seed)))
    assert [claims[c].outcome for c in ("B5", "B5b", "B5c", "B5d")] == [HOLDS] * 4
    assert claims["even"].outcome is FAILS
    assert claims["B5"].values["times"] > 4


@pytest.mark.full
def test_one_layer_has_room_without_batch_norm():
    assert found(LEARNING_RATE.run(PRESETS["one"]))["B5"].outcome is FAILS
