"""Claim P5 on fresh seeds: whose mean and std normalize the new digits."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments import load
from core.experiments.preprocessing.train_only.experiment import (
    MIXED,
    ONE_CLASS,
    PRESETS,
    SPLITS,
    Config,
    Result,
    by_class,
    findings,
    in_sets,
    on_itself,
    split_digits,
)
from core.lab.finding import Outcome
from core.nn.preprocessing import fit_standardizer
from tests.experiments.seeds import each_seed

EXPERIMENT = load("preprocessing", "train-only")
HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR
WOBBLE = np.linspace(-1, 1, SPLITS)


def made_up(own=0.1, change=0.0, one_class=0.2, scatter=0.004, together=1):
    """Return a Result of networks that read 0.97 by training statistics, and others as given."""
    train = np.full(SPLITS, 0.97)
    return Result(
        config=Config(together=together),
        train=train,
        everything=train + change + scatter * WOBBLE,
        own=(own + scatter * WOBBLE)[:, None] + np.zeros(len(MIXED)),
        one_class=(one_class + scatter * WOBBLE)[:, None] + np.zeros(len(ONE_CLASS)),
        images=np.zeros((5, 3, 64)),
    )


@pytest.mark.parametrize(
    "own, outcome, because",
    [
        (0.1, HOLDS, "one"),
        (0.95, HOLDS, "one"),
        (0.96, UNCLEAR, "one"),  # a point less
        (0.97, FAILS, "one"),
        (0.99, FAILS, "own"),
    ],
)
def test_p5_follows_the_accuracies(own, outcome, because):
    p5 = findings(made_up(own))[0]
    assert (p5.outcome, p5.because) == (outcome, because)
    assert findings(made_up(own, together=10))[0].because == because.replace("one", "")


@pytest.mark.parametrize(
    "change, outcome", [(0, FAILS), (-0.02, FAILS), (0.005, UNCLEAR), (0.02, HOLDS)]
)
def test_p5b_asks_for_a_better_score(change, outcome):
    assert findings(made_up(change=change))[1].outcome is outcome


@pytest.mark.parametrize("share, outcome", [(0.2, FAILS), (0.5, UNCLEAR), (0.9, HOLDS)])
def test_p5c_follows_the_sets_of_one_class(share, outcome):
    p5c = findings(made_up(one_class=share))[2]
    assert p5c.misreading and p5c.outcome is outcome


@pytest.mark.parametrize("seed", [201, 202])
def test_the_audited_numbers(seed):
    result = EXPERIMENT.run(Config(seed=seed))
    own = dict(zip(MIXED, result.own.mean(axis=0)))
    assert 0.08 < own[1] < 0.12 and 0.5 < own[2] < 0.7 and 0.9 < own[10] < 0.95
    assert abs(own[359] - result.train.mean()) < 0.01 < 0.95 < result.train.mean()
    assert abs((result.everything - result.train).mean()) < 0.004
    assert result.one_class.mean(axis=0).max() < 0.25


@pytest.mark.full
@each_seed
@pytest.mark.parametrize(
    "preset, outcomes",
    [
        ("lecture", (HOLDS, FAILS, FAILS)),
        ("ten", (HOLDS, FAILS, FAILS)),
        ("hundred", (FAILS, FAILS, FAILS)),
        ("bright", (FAILS, FAILS)),  # all data's statistics are another question there
        ("dim", (FAILS, FAILS)),
    ],
)
def test_the_presets_over_seeds(preset, outcomes, seed):
    found = findings(EXPERIMENT.run(replace(PRESETS[preset], seed=seed)))
    assert tuple(f.outcome for f in found) == outcomes
    assert (found[0].because == "own") == (preset in ("bright", "dim"))


def test_a_set_on_its_own_statistics_is_what_a_standardizer_makes_of_it():
    x = np.random.default_rng(0).integers(0, 17, (12, 5)).astype(float)
    x[:, 2] = 4  # constant
    np.testing.assert_allclose(on_itself(x), fit_standardizer(x).transform(x), atol=1e-12)
    sets, labels = in_sets(x, np.arange(12), 5)
    assert labels.tolist() == list(range(10))
    np.testing.assert_array_equal(sets[5:], on_itself(x[5:10]))
    assert not on_itself(x[:1]).any()  # an image minus itself


def test_sets_of_one_class_have_one_class():
    x, y = np.random.default_rng(0).normal(size=(9, 3)), np.array([0, 1, 0, 1, 0, 1, 0, 1, 1])
    sets, labels = by_class(x, y, 2)
    assert labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    np.testing.assert_array_equal(sets[:2], on_itself(x[[0, 2]]))


def test_what_is_said_of_the_splits_is_so():
    plain, changed = split_digits(Config()), split_digits(Config(shift=2, contrast=0.5))
    for (x, _, new, labels), (same, _, other, _) in zip(plain, changed):
        assert (len(x), len(new)) == (1438, MIXED[-1])
        assert np.bincount(labels).min() >= ONE_CLASS[-1]
        assert set(np.flatnonzero(x.std(axis=0) == 0)) <= {0, 24, 32, 39, 48, 56}
        np.testing.assert_array_equal(x, same)
        np.testing.assert_array_equal(0.5 * new + 2, other)
