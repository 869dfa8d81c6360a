"""Claim H7 on fresh seeds: winners of five folds, of one split, and of equal work on one split."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from core.experiments.hpo.cross_validation.experiment import (
    FOLDS,
    GAIN,
    PRESETS,
    RANGES,
    REPEATS,
    RULES,
    SMALL,
    Result,
    choose,
    clearly_more,
    findings,
    folds_of,
    part_of,
)
from core.experiments.hpo.cross_validation.picture import VIEWS, promised
from core.lab.datasets import all_digits
from core.lab.experiment import Experiment
from core.lab.finding import Outcome

EXPERIMENT = Experiment("hpo", "cross-validation")


@cache
def ran(preset, seed):
    """Run once for all tests that leave the Result as it is."""
    return EXPERIMENT.run(replace(PRESETS[preset], seed=seed))


def found(result):
    return {f.claim: f for f in findings(result)}


def made(folds_ahead):
    """Return a Result whose winners by folds are ahead by so much, without training."""
    rng = np.random.default_rng(0)
    trials = SMALL.trials
    fold = 0.8 + 0.05 * rng.standard_normal((REPEATS, trials, FOLDS))
    split = np.concatenate([fold[..., 0], rng.random((REPEATS, (FOLDS - 1) * trials))], axis=-1)
    chosen = np.stack([choose(*own) for own in zip(fold, split)], axis=1)
    drawn = rng.random((len(RANGES), REPEATS, FOLDS * trials))
    test = 0.9 + 0.004 * rng.standard_normal((len(RULES), REPEATS))
    test[0] += folds_ahead
    return Result(SMALL, drawn, fold, split, chosen, test)


@pytest.mark.parametrize(
    ("ahead", "outcome"),
    [
        (0.02, Outcome.HOLDS),
        (GAIN, Outcome.UNCLEAR),
        (0.0, Outcome.UNCLEAR),
        (-0.02, Outcome.FAILS),
    ],
)
def test_h7_wants_more_than_half_a_point(ahead, outcome):
    assert found(made(ahead))["H7"].outcome is outcome


def test_a_gain_within_its_scatter_is_not_clear():
    scattered = 0.02 + 0.1 * np.resize([-1, 1], REPEATS)
    assert clearly_more(scattered, np.zeros(REPEATS)) is Outcome.UNCLEAR


def test_winners_that_never_differ_are_told():
    result = made(0.0)
    assert found(result)["changed"].holds and result.changed.any()
    same = replace(result, chosen=result.chosen[[0, 0, 2]])
    assert found(same)["changed"].outcome is Outcome.FAILS


def test_every_digit_is_validated_on_once_and_never_trained_on_then():
    parts = folds_of(103, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(np.concatenate([val for _, val in parts])), range(103))
    for train, val in parts:
        np.testing.assert_array_equal(np.sort(np.concatenate([train, val])), range(103))


def test_digits_are_standardized_by_those_trained_on():
    x, y = all_digits()
    part = part_of(x, y, np.arange(80), np.arange(80, 100))
    np.testing.assert_allclose(part.x_train.mean(axis=0), 0, atol=1e-5)
    assert abs(part.x_val.mean(axis=0)).max() > 0.1


def test_each_rule_chooses_by_its_own_numbers():
    fold = np.array([[0.9, 0.5], [0.8, 0.8], [0.7, 0.7]])
    split = np.array([0.9, 0.8, 0.7, 0.95, 0.1])
    np.testing.assert_array_equal(choose(fold, split), [1, 0, 3])


def test_the_pictures_name_the_winners_and_what_they_are_worth():
    result = made(0.02)
    drawn = VIEWS["test"](result, [result]).chart.to_json()
    folds, split, more = result.test.mean(axis=-1)
    for words in (f"5 folds, 5 settings: {folds:.1%}", f"1 split, 25 settings: {more:.1%}"):
        assert words in drawn
    assert f"1 split, 5 settings: {split:.1%}" in drawn and "points: clear" in drawn
    drawn = VIEWS["configurations"](result, [result]).chart.to_json()
    for words in ("best on 5 folds", "best on 1 split", "mean of 5 folds", "the first fold"):
        assert words in drawn


def test_what_won_by_more_tries_on_one_split_promised_more():
    folds, split, more = promised(made(0.0))
    assert folds < split < more


@pytest.mark.full
@pytest.mark.parametrize("seed", [201, 202])
def test_with_few_digits_folds_lie_far_apart(seed):
    few, large = (found(ran(preset, seed))["changed"].values for preset in ("few", "large"))
    assert few["apart"] > 2 * large["apart"] and few["lead"] > large["lead"]
    assert few["changed"] >= 2 and large["changed"] >= 2
    right = ran("large", seed).test
    assert (right > 0.85).all() and (right.mean(axis=-1) > ran("few", seed).test.mean()).all()
