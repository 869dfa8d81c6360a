"""Claim B7: with batch norm networks learn from many more sizes of their starting weights."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments import load
from core.experiments.batchnorm.race.experiment import (
    PRESETS,
    SCALES,
    SMALL,
    Config,
    Result,
    findings,
    steps,
    tables,
)
from core.lab.finding import Outcome

RACE = load("batchnorm", "race")
HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR


def found(result):
    return {f.claim: f for f in findings(result)}


def made_up(normed, plain, last=1):
    """Return a Result in which so many scales learn; one takes `last` moments, the others 1."""
    accuracy = np.full((2, len(SCALES), 11), 0.1)
    accuracy[0, :normed, 1:] = 1
    accuracy[1, :plain, 1:] = 1
    accuracy[0, 0, 1:last] = 0.1
    return Result(Config(), accuracy, np.zeros((2, 16), bool), np.ones((2, 16)))


@pytest.mark.parametrize(
    "normed, plain, b7, b7b, alike",
    [
        (16, 2, HOLDS, HOLDS, HOLDS),
        (8, 2, HOLDS, UNCLEAR, FAILS),
        (11, 7, UNCLEAR, HOLDS, FAILS),  # four more: just at the bar
        (5, 2, FAILS, FAILS, FAILS),
        (16, 16, FAILS, HOLDS, HOLDS),
    ],
)
def test_scales_that_learn_are_counted(normed, plain, b7, b7b, alike):
    claims = found(made_up(normed, plain))
    assert [claims[c].outcome for c in ("B7", "B7b", "any")] == [b7, b7b, alike]
    assert (claims["B7"].values["normed"], claims["B7"].values["plain"]) == (normed, plain)


def test_that_all_get_there_does_not_make_them_alike():
    finding = found(made_up(16, 2, last=5))["any"]
    assert (finding.outcome, finding.because) == (FAILS, "")
    assert finding.values["slow_at"] == SCALES[0]
    assert finding.values["slow"] > 4 * finding.values["fast"]


def test_a_run_that_diverged_has_not_learned():
    result = made_up(16, 2)
    result.diverged[1, 0] = True
    assert result.learns.sum(axis=-1).tolist() == [16, 1]
    assert np.isnan(tables(result)["scales"]["accuracy"]).sum() == 1


def test_it_is_drawn_while_it_trains():
    shares, so_far = zip(*steps(SMALL))
    assert shares == (0, 0.5, 1)
    assert [r.epoch for r in so_far] == [0, 2, 4]
    assert np.isnan(so_far[0].step).all() and np.isfinite(so_far[1].step).any()


def test_all_scales_share_their_draws():
    start = next(steps(SMALL))[1].accuracy[..., 0]
    assert np.ptp(start[1]) < 0.01  # one layer's scale does not change the order of the logits


def test_one_layer_needs_no_batch_norm():
    assert found(RACE.run(PRESETS["shallow"]))["B7"].outcome is FAILS


@pytest.mark.full
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("preset", ["lecture", "slow", "fast"])
def test_b7_over_seeds(preset, seed):
    result = RACE.run(replace(PRESETS[preset], seed=seed))
    assert found(result)["B7"].outcome is HOLDS
    assert found(result)["any"].outcome is FAILS
    assert result.learns[1].sum() <= 3
