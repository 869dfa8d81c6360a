"""Claim P6 on fresh seeds: what decides how many preactivations lie in tanh's linear region."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.preprocessing.linear_region.experiment import (
    CASES,
    LIMITS,
    PRESETS,
    SIZES,
    Config,
    findings,
    prepare,
    rms,
    run,
)
from core.lab.datasets import load_digits
from core.lab.finding import Outcome
from core.nn.activations import ACTIVATIONS
from tests.experiments.seeds import each_seed

HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR


def found(result):
    return {f.claim: f for f in findings(result)}


@each_seed
@pytest.mark.parametrize(
    "preset, outcomes",
    [
        ("lecture", (HOLDS, HOLDS, HOLDS)),
        ("bright", (HOLDS, HOLDS, HOLDS)),
        ("one_mean", (HOLDS, HOLDS, FAILS)),
        ("large", (FAILS, HOLDS, HOLDS)),
        ("small", (HOLDS, HOLDS, HOLDS)),
    ],
)
def test_the_presets_over_seeds(preset, outcomes, seed):
    result = run(replace(PRESETS[preset], seed=seed))
    assert tuple(f.outcome for f in findings(result)) == outcomes
    assert (findings(result)[0].because == "all") == (preset == "small")


@each_seed
def test_the_audited_numbers(seed):
    result = run(Config(seed=seed))
    share, spread = result.linear, dict(zip(CASES, result.spread))
    assert share["raw"] < 0.07 and 0.4 < share["normalized"] < 0.46
    assert abs(share["scaled"] - share["centred"]) < 0.03
    assert 0.32 < spread["scaled"] < 0.37 and 0.6 < spread["centred"] < 0.64


@pytest.mark.parametrize(
    "claim, values, outcome",
    [
        ("P6", (1.7, 1.0), FAILS),
        ("P6", (1.9, 1.0), UNCLEAR),
        ("P6", (2.3, 1.0), HOLDS),
        ("P6b", (0.41, 0.40), HOLDS),
        ("P6b", (0.45, 0.40), UNCLEAR),
        ("P6b", (0.40, 0.47), FAILS),
        ("P6c", (0.40, 0.30), FAILS),
        ("P6c", (0.45, 0.30), UNCLEAR),
        ("P6c", (0.50, 0.30), HOLDS),
    ],
)
def test_verdicts_near_their_bars(claim, values, outcome):
    result = run(Config())
    raw, scaled, centred, normalized = range(4)
    first, second = values
    if claim == "P6":
        result.share[normalized], result.share[raw] = 0.1 * first, 0.1 * second
    elif claim == "P6b":
        result.share[scaled], result.share[centred] = first, second
    else:
        result.spread[centred], result.spread[scaled] = first, second
    assert found(result)[claim].outcome is outcome


def test_all_cases_but_raw_are_made_equally_large_by_the_training_digits():
    digits = load_digits()
    prepared, sizes = prepare(digits.x_train, digits.x_train, 2.0)
    assert sizes == {"raw": rms(digits.x_train), "scaled": 2, "centred": 2, "normalized": 2}
    for case in CASES:
        assert np.isclose(rms(prepared[case]), sizes[case])
    assert np.abs(prepared["centred"].mean(axis=0)).max() < 1e-12
    ratio = prepared["scaled"].sum() / digits.x_train.sum()
    np.testing.assert_allclose(prepared["scaled"], ratio * digits.x_train)


def test_what_is_said_of_the_digits_is_so():
    digits = load_digits()
    assert np.flatnonzero(digits.x_train.std(axis=0) == 0).tolist() == [0, 32, 39]
    assert f"{rms(digits.x_train):.1f}" == "7.8"
    centred = digits.x_train - digits.x_train.mean(axis=0)
    assert f"{rms(centred):.1f}" == "4.3"
    assert 4.5 < digits.x_train.mean() < 5.5


def test_what_is_said_of_tanh_is_so():
    slopes = ACTIVATIONS["tanh"].derivative(np.array(LIMITS))
    assert slopes.round(2).tolist() == [0.79, 0.42]


def test_shares_by_size_are_those_of_inputs_of_that_size():
    at_one, at_two = run(Config()), run(Config(size=2.0))
    np.testing.assert_allclose(at_one.by_size, at_two.by_size, atol=1e-4)
    for case in range(3):
        share = np.interp(np.log(2), np.log(SIZES), at_one.by_size[case, 0])
        assert abs(share - at_two.share[case + 1, 0]) < 0.01


def test_counts_are_of_all_validation_digits():
    assert (run(Config()).counts.sum(axis=-1) == len(load_digits().y_val)).all()
