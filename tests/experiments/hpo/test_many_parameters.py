"""Claims H8 and H9 on fresh seeds, the method of bins, and what is drawn."""

from dataclasses import fields, replace

import numpy as np
import pytest

from core.experiments import load
from core.experiments.hpo.many_parameters.experiment import (
    BINS,
    LEARNING_RATES,
    PARAMETERS,
    RATED,
    SMALL,
    Config,
    chance,
    findings,
    importance,
    values_at,
)
from core.lab.finding import Outcome

EXPERIMENT = load("hpo", "many-parameters")


@pytest.fixture(scope="module")
def result():
    return EXPERIMENT.run(SMALL)


def outcomes(result, **rated):
    """Return claim -> outcome where the parameters have these importances, the others none."""
    row = [[rated.get(name, 0.0) for name in RATED]] * 2
    config = Config(searched=result.config.searched)
    said = findings(
        replace(result, config=config, importance=np.array(row), chance=np.array([0.03] * 2))
    )
    return {f.claim: f.outcome for f in said}


def test_what_decides_everything_explains_nearly_all_and_noise_what_chance_does():
    rng = np.random.default_rng(0)
    values, noise = rng.random((2, 180))
    assert importance(values, 2 * values - 1) > 0.95
    assert importance(values, np.abs(values - 0.5)) > 0.8  # a peak inside, no straight line
    mean = np.mean([importance(rng.random(180), noise) for _ in range(200)])
    assert mean == pytest.approx((BINS - 1) / 179, rel=0.1)
    assert chance(noise, rng) == pytest.approx((BINS - 1) / 179, rel=0.1)
    assert importance(values, np.full(180, 0.5)) == 0


@pytest.mark.parametrize("searched", LEARNING_RATES)
def test_values_lie_in_their_ranges(searched):
    rates = LEARNING_RATES[searched]
    ends = values_at(np.repeat([[0.0], [1.0]], len(PARAMETERS), axis=1), rates)
    assert ends["learning_rate"].tolist() == pytest.approx([rates.low, rates.high])
    assert ends["momentum"].tolist() == pytest.approx([0, 0.99])
    assert ends["hidden"].tolist() == [4, 64]
    assert ends["step"].tolist() == pytest.approx([rates.low, 100 * rates.high])
    assert tuple(ends) == RATED


def test_only_the_ranges_that_are_looked_at_differ(result):
    other = EXPERIMENT.run(replace(SMALL, searched="tuned"))
    for field in fields(result):
        if field.name != "config":
            np.testing.assert_array_equal(getattr(result, field.name), getattr(other, field.name))
    assert result.accuracy.shape == (2, SMALL.trials) and np.isfinite(result.accuracy).all()


def test_claims_come_out_as_the_importances_say(result):
    said = outcomes(result, learning_rate=0.7, step=0.9, reg=0.2)
    assert [said[claim] for claim in ("H8", "H9", "step")] == [Outcome.HOLDS] * 3
    said = outcomes(result, learning_rate=0.4, hidden=0.6, momentum=0.5, step=0.2)
    assert said["H8"] is Outcome.FAILS and said["step"] is Outcome.FAILS
    assert said["ranges"] is Outcome.FAILS  # the same in both
    said = outcomes(result, learning_rate=0.3, hidden=0.25, step=0.35)
    assert said["H8"] is said["step"] is Outcome.UNCLEAR
    assert outcomes(result, learning_rate=0.9)["H9"] is Outcome.FAILS


def test_fewer_trials_need_larger_differences(result):
    few = replace(result.config, trials=60)
    rated = np.zeros((2, len(RATED)))
    rated[:, 0] = 0.2
    assert findings(replace(result, config=few, importance=rated))[0].outcome is Outcome.UNCLEAR
    assert outcomes(result, learning_rate=0.2)["H8"] is Outcome.HOLDS


@pytest.mark.full
def test_wide_ranges_leave_the_learning_rate_alone_and_tuned_ones_do_not():
    together = []
    for seed in range(201, 205):
        wide = EXPERIMENT.run(Config(seed=seed))
        said = {f.claim: f for f in findings(wide)}
        assert said["H8"].holds and said["ranges"].holds
        tuned = replace(wide, config=replace(wide.config, searched="tuned"))
        said = {f.claim: f for f in findings(tuned)}
        assert not said["H8"].holds and said["H9"].holds
        rate, momentum, step = (
            wide.importance[1, RATED.index(name)] for name in ("learning_rate", "momentum", "step")
        )
        together.append(step - max(rate, momentum))
    assert np.mean(together) > 0
