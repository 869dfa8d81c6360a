"""Claim P7 on fresh seeds: what each step of preprocessing does for the range of learning rates."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments import load
from core.experiments.preprocessing.effect.experiment import (
    CASES,
    FINE,
    PRESETS,
    RATES,
    SEEDS,
    WIDER,
    Config,
    Result,
    at_best,
    findings,
    prepare,
    rms,
)
from core.lab.datasets import load_digits
from core.lab.finding import Outcome
from tests.experiments.seeds import each_seed

EXPERIMENT = load("preprocessing", "effect")
HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR


def found(result):
    return {f.claim: f for f in findings(result)}


def made_up(first=(4, 4, 4, 4, 4), last=(6, 10, 14, 14, 12), epochs=(8, 8, 1, 1, 1)):
    """Return a Result in which cases reach 0.95 from one rate to another, after so many epochs.

    Seeds differ a little, as the accuracy beside the range does.
    """
    accuracy = np.zeros((len(CASES), len(RATES), SEEDS, 11))
    for case, (low, high, needed) in enumerate(zip(first, last, epochs)):
        accuracy[case, low : high + 1, :, needed:] = 0.95
        accuracy[case, low - 1, :, -1] = np.linspace(0.5, 0.6, SEEDS)
    return Result(Config(), accuracy)


def test_widths_are_lengths_on_the_log_axis():
    widths = made_up().widths.mean(axis=1)
    steps = np.array([2, 6, 10, 10, 8]) * 0.25
    assert (steps < widths).all() and (widths < steps + 0.1).all()
    assert FINE[0] == np.log10(RATES[0]) and np.isclose(FINE[-1], np.log10(RATES[-1]))


@pytest.mark.parametrize(
    "last, outcomes",
    [
        ((6, 10, 14, 14, 12), (HOLDS, HOLDS, FAILS, FAILS)),
        ((6, 14, 14, 14, 16), (HOLDS, FAILS, FAILS, HOLDS)),
        ((14, 14, 14, 16, 14), (HOLDS, FAILS, HOLDS, FAILS)),
        ((14, 14, 14, 14, 14), (FAILS, FAILS, FAILS, FAILS)),
    ],
)
def test_claims_follow_the_widths(last, outcomes):
    claims = found(made_up(last=last))
    assert tuple(claims[c].outcome for c in ("P7", "P7c", "P7d", "P7e")) == outcomes


def test_a_difference_that_seeds_do_not_agree_on_is_not_clear():
    result = made_up(last=(6, 10, 14, 14, 12))
    result.accuracy[3, 15:17, :2] = 0.95  # two seeds only
    assert result.widths[3].mean() - result.widths[2].mean() < WIDER
    assert found(result)["P7d"].outcome is UNCLEAR


def test_p7b_follows_the_epochs():
    assert found(made_up())["P7b"].outcome is HOLDS
    assert found(made_up(epochs=(1, 1, 1, 1, 1)))["P7b"].outcome is FAILS
    never = found(made_up(first=(4, 4, 4, 4, 4), last=(3, 10, 14, 14, 12)))
    assert never["P7b"].values["raw"] == "never" and never["P7"].because == "never"


def test_a_seeds_rate_is_chosen_by_the_others():
    score = np.zeros((1, len(RATES), SEEDS))
    score[0, 5, 0] = 100  # one seed is best at rate 5 by far, the others all at rate 2
    score[0, 2, 1:] = 1
    accuracy = np.broadcast_to(np.arange(len(RATES))[:, None, None], (1, len(RATES), SEEDS, 1))
    assert at_best(accuracy, score)[0, :, 0].tolist() == [2, 5, 5, 5, 5]


def test_all_cases_but_raw_have_one_size_and_whitening_leaves_61():
    prepared = prepare(load_digits())
    sizes = {case: rms(data.x_train) for case, data in prepared.items()}
    assert tuple(sizes) == CASES and f"{sizes.pop('raw'):.1f}" == "7.8"
    assert all(0.97 < size < 1.001 for size in sizes.values())
    assert prepared["whitened"].x_train.shape[1] == 61
    brighter = prepare(load_digits().map(lambda x: x + 16))
    for case in ("centred", "normalized", "whitened"):
        np.testing.assert_allclose(brighter[case].x_val, prepared[case].x_val, atol=1e-9)


@pytest.mark.full
@each_seed
@pytest.mark.parametrize("preset", PRESETS)
def test_the_presets_over_seeds(preset, seed):
    result = EXPERIMENT.run(replace(PRESETS[preset], seed=seed))
    claims = found(result)
    assert claims["P7"].holds and claims["P7b"].outcome is not FAILS
    assert not claims["P7d"].holds and not claims["P7e"].holds
    width = dict(zip(CASES, result.widths.mean(axis=1)))
    assert width["raw"] <= width["scaled"] < width["centred"]
    assert (width["raw"] == 0) == (preset == "bright") or preset == "high_target"
