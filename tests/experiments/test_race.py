"""Claims A7 and A13: what is measured is reported, whatever it is."""

import numpy as np
import pytest

from core.experiments.activations.race import (
    RATES,
    SEEDS,
    SMALL,
    Config,
    Result,
    findings,
    run,
)


def found(result):
    return {f.claim: f for f in findings(result)}


def made_up(epochs):
    """Return a Result in which each function reaches the target after so many epochs."""
    names = tuple(epochs)
    config = Config(functions=names)
    accuracy = np.zeros((len(names), len(RATES), SEEDS, config.epochs + 1))
    for row, count in enumerate(epochs.values()):
        accuracy[row, ..., count:] = 1
    return Result(config=config, val_accuracy=accuracy, data_loss=1 - accuracy)


@pytest.mark.parametrize(
    "epochs, a7, a13",
    [
        ({"sigmoid": 12, "tanh": 6, "relu": 2}, True, True),
        ({"sigmoid": 12, "tanh": 2, "relu": 4}, False, False),
        ({"sigmoid": 3, "tanh": 6, "relu": 2}, True, False),
    ],
)
def test_the_findings_follow_the_epochs(epochs, a7, a13):
    claims = found(made_up(epochs))
    assert claims["A7"].holds is a7 and claims["A13"].holds is a13
    assert claims["A7"].values["sigmoid_ratio"] == epochs["sigmoid"] / epochs["relu"]


def test_a_seed_that_fails_counts_as_one_epoch_more_than_there_are():
    result = made_up({"sigmoid": 2, "tanh": 2, "relu": 2})
    result.val_accuracy[0] = 0
    assert (result.to_target[0] == result.config.epochs + 1).all()


def test_a_good_rate_trains_the_small_race():
    result = run(SMALL)
    assert result.val_accuracy[:, RATES.index(0.1), :, -1].min() > 0.85


@pytest.mark.full
@pytest.mark.parametrize("seed", range(5))
def test_on_digits_sigmoid_is_slower_than_relu_and_tanh_is_not(seed):
    a7 = found(run(Config(functions=("sigmoid", "tanh", "relu"), seed=seed)))["A7"]
    assert not a7.holds
    assert a7.values["sigmoid_ratio"] > 2
    assert a7.values["tanh_ratio"] <= 1
