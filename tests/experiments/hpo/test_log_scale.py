"""Claim H1 and error E28 on fresh seeds: draws even in the value or in its logarithm."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from core.experiments.hpo.log_scale.experiment import (
    EPOCHS,
    PRESETS,
    SEARCHES,
    SMALL,
    Result,
    findings,
    tables,
)
from core.experiments.hpo.log_scale.picture import VIEWS
from core.lab.experiment import Experiment
from core.lab.finding import Outcome

EXPERIMENT = Experiment("hpo", "log-scale")
SEEDS = range(201, 203)


@cache
def ran(preset, seed):
    """Run once for all tests that leave the Result as it is."""
    return EXPERIMENT.run(replace(PRESETS[preset], seed=seed))


def found(result):
    return {f.claim: f for f in findings(result)}


def made(log_ahead, scatter=0.01):
    """Return a Result whose logarithmic searches are ahead by so much, without training."""
    rng = np.random.default_rng(0)
    u = rng.random((SEARCHES, SMALL.tries))
    rate = np.stack([SMALL.low * (1 - u) + SMALL.high * u, SMALL.low ** (1 - u) * SMALL.high**u])
    score = 0.5 + scatter * rng.standard_normal((2, SEARCHES, SMALL.tries))
    score[1] += log_ahead
    return Result(SMALL, rate, score, score)


@pytest.mark.parametrize(
    ("ahead", "outcome"),
    [(0.1, Outcome.HOLDS), (0.0, Outcome.UNCLEAR), (-0.1, Outcome.FAILS)],
)
def test_h1_is_decided_by_the_searches_scatter(ahead, outcome):
    assert found(made(ahead))["H1"].outcome is outcome


def test_h1b_shares_that_are_off_the_law_are_told():
    result = made(0.1)
    assert found(result)["H1b"].holds
    swapped = replace(result, rate=result.rate[::-1])
    assert found(swapped)["H1b"].outcome is Outcome.FAILS


def test_the_law_is_ten_times_per_decade_or_the_same():
    law = made(0).law
    np.testing.assert_allclose(law.sum(axis=1), 1)
    np.testing.assert_allclose(law[0, 1:] / law[0, :-1], 10)
    np.testing.assert_allclose(law[1], 1 / 6)


def test_what_is_found_is_the_test_accuracy_of_the_best_on_validation_so_far():
    result = made(0)
    val = np.tile([0.2, 0.5, 0.4, 0.5, 0.7, 0.1], (2, SEARCHES, 1))
    test = np.tile([0.1, 0.3, 0.9, 0.8, 0.6, 0.2], (2, SEARCHES, 1))
    expected = [0.1, 0.3, 0.3, 0.3, 0.6, 0.6]
    np.testing.assert_array_equal(replace(result, val=val, test=test).found[0, 0], expected)


def test_e28_both_ways_train_as_many():
    e28 = found(made(0.1))["E28"]
    assert e28.identity and e28.misreading and e28.outcome is Outcome.FAILS
    assert (e28.because, e28.values["sooner"]) == ("sooner", 1)
    assert found(made(-0.1))["E28"].because == ""


def test_a_search_trains_both_ways_from_the_same_random_numbers():
    result = EXPERIMENT.run(SMALL)
    low, high = SMALL.low, SMALL.high
    u = (result.rate[0] - low) / (high - low)
    np.testing.assert_allclose(result.rate[1], low ** (1 - u) * high**u, rtol=1e-6)
    assert EPOCHS == 5 and len(np.unique(result.rate[0])) == result.rate[0].size
    assert len(tables(result)["tries"]["rate"]) == result.rate.size
    drawn = VIEWS["tries"](result, [result]).chart.to_json()
    assert "of the tries\\nlearn well" in drawn and "Even in the logarithm" in drawn
    assert f"mean of {SEARCHES} searches" in drawn and drawn.count("one search: ") == 2


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS)
def test_which_way_wins_is_a_matter_of_where_the_good_rates_lie(seed):
    outcomes = {preset: found(ran(preset, seed))["H1"].outcome for preset in ("lecture", "top")}
    assert outcomes == {"lecture": Outcome.HOLDS, "top": Outcome.FAILS}
    gain = np.diff(ran("lecture", seed).found[..., -1].mean(axis=-1))
    assert 0.2 < gain < 0.8
