"""Claim T8 and misreading E26 on fresh seeds: what a gap asks for, and what stopping watches."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from core.experiments.babysitting.train_val_gap.experiment import (
    EPOCHS,
    REGS,
    SEEDS,
    TEST,
    VAL,
    Config,
    Result,
    at_epoch,
    findings,
    rules,
    splits,
    stop_early,
)
from core.experiments.babysitting.train_val_gap.picture import VIEWS
from core.lab.datasets import load_digits
from core.lab.experiment import Experiment
from core.lab.finding import Outcome
from tests.experiments.seeds import FIRST, first_seed

EXPERIMENT = Experiment("babysitting", "train-val-gap")


@cache
def ran(**knobs):
    """Run once for all tests that leave the Result as it is."""
    return EXPERIMENT.run(Config(**knobs))


def said(result):
    return {f.claim: f for f in findings(result)}


def result_of(test, val, train=1.0, wider=np.nan):
    """Return a made-up Result, whose splits (EPOCHS + 1) scatter a little over networks."""
    scatter = np.linspace(-1, 1, SEEDS)[:, None] * 1e-4
    rows = [np.broadcast_to(own, EPOCHS + 1) + scatter for own in (train, val, test)]
    by_epoch = np.repeat(np.array(rows)[:, None], len(REGS), axis=1)
    wide = np.full((3, SEEDS), wider) + scatter[:, 0]
    return Result(config=Config(noise=0.0), by_epoch=by_epoch, wider=wide)


@first_seed
def test_t8_wrong_labels_make_stopping_and_regularization_pay(seed):
    found = said(ran(seed=seed))
    assert found["T8"].holds and found["T8r"].holds and "T8c" not in found
    assert not found["E26"].holds
    values = found["T8"].values
    assert values["gap"] > 20 and values["stop"] - values["end"] > 0.04
    assert values["reg"] - values["plain"] > 0.07


@first_seed
def test_t8_clean_labels_make_stopping_cost(seed):
    found = said(ran(noise=0.0, seed=seed))
    assert found["T8"].outcome is Outcome.FAILS and found["E26"].outcome is Outcome.FAILS
    assert 5 < found["T8"].values["gap"] < 10
    assert not found["T8c"].holds and found["T8c"].values["train"] > 0.99


@first_seed
def test_t8_no_gap_asks_for_units_where_training_accuracy_is_low(seed):
    result = ran(noise=0.0, examples=600, hidden=1, seed=seed)
    first = findings(result)[0]
    assert first.claim == "T8c" and first.holds
    assert first.values["train"] < 0.4 and first.values["wider"] > 2 * first.values["plain"]


def test_early_stopping_goes_back_to_the_best_so_far_and_gives_up_after_its_patience():
    score = np.zeros((4, EPOCHS + 1))
    score[0, [3, 9, 10]] = 0.5, 0.4, 0.6
    score[1, [3, 8]] = 0.5, 0.6
    score[2, 0] = 1  # before training
    score[3] = np.arange(EPOCHS + 1)
    assert stop_early(score, 5).tolist() == [3, 8, 1, EPOCHS]
    assert stop_early(score, 10).tolist() == [10, 8, 1, EPOCHS]
    assert at_epoch(score, np.array([10, 8, 0, 2])).tolist() == [0.6, 0.6, 1, 2]


def test_stop_and_strength_are_chosen_on_validation_and_read_on_test():
    shipped = ran(seed=FIRST)
    wrong = shipped.by_epoch.copy()
    wrong[2] = 0
    changed = rules(replace(shipped, by_epoch=wrong))
    assert all((changed[name] == 0).all() for name in ("stop", "reg", "end", "gap"))
    val = shipped.by_epoch[1, :, :, -1]
    best = shipped.by_epoch[2, :, :, -1][val.argmax(axis=0), np.arange(SEEDS)]
    np.testing.assert_array_equal(rules(shipped)["reg"], best)


@pytest.mark.parametrize(
    ("late", "outcome"), [(0.7, Outcome.HOLDS), (0.8, Outcome.UNCLEAR), (0.9, Outcome.FAILS)]
)
def test_t8_is_decided_by_the_test_digits_alone(late, outcome):
    val = np.where(np.arange(EPOCHS + 1) < 5, 0.1 * np.arange(EPOCHS + 1), 0.3)
    test = np.where(np.arange(EPOCHS + 1) < 10, 0.8, late)
    result = result_of(test, val)
    if outcome is Outcome.UNCLEAR:
        result.by_epoch[2, ..., -1] += 0.01 * np.resize([1, -1], SEEDS)
    assert said(result)["T8"].outcome is outcome
    for view in VIEWS.values():
        view(result, [result]).spec()


@pytest.mark.parametrize(
    ("wider", "outcome"), [(0.85, Outcome.HOLDS), (0.82, Outcome.UNCLEAR), (0.8, Outcome.FAILS)]
)
def test_t8c_more_units_must_help_on_test_digits(wider, outcome):
    result = result_of(test=0.8, val=0.8, train=0.85, wider=wider)
    if outcome is Outcome.UNCLEAR:
        result.wider[2] += 0.01 * np.resize([1, -1], SEEDS)
    assert said(result)["T8c"].outcome is outcome
    assert "T8c" not in said(result_of(test=0.8, val=0.8, train=0.95, wider=wider))


def test_splits_share_no_digit_and_only_training_labels_are_wrong():
    config = Config(noise=0.4)
    x_train, x_val, x_test, y_train, y_val, y_test = splits(config)
    clean = splits(replace(config, noise=0.0))
    assert x_train.shape[1:] == (300, 64) and y_val.shape[1] == VAL and y_test.shape[1] == TEST
    for own, other in zip((x_train, x_val, x_test, y_val, y_test), (*clean[:3], *clean[4:])):
        np.testing.assert_array_equal(own, other)
    assert abs((y_train != clean[3]).mean() - 0.4) < 0.03
    assert y_train.min() == 0 and y_train.max() == 9
    digits = len(np.unique(np.concatenate([x_train[0], x_val[0], x_test[0]]), axis=0))
    assert digits == 300 + VAL + TEST
    assert len(load_digits().y_train) + len(load_digits().y_val) > digits


def test_the_strength_and_the_patience_only_choose_what_is_looked_at():
    assert all(
        EXPERIMENT.Config.__dataclass_fields__[name].metadata.get("looks")
        for name in ("reg", "patience")
    )
    looked = replace(ran(seed=FIRST), config=Config(seed=FIRST, reg=0.03))
    values = said(looked)["T8"].values
    assert values["gap"] < said(ran(seed=FIRST))["T8"].values["gap"] / 2
