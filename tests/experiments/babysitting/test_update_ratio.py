"""Claim T9 on fresh seeds: where good runs have their update ratio, and who else has it there."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from core.experiments import load
from core.experiments.babysitting.update_ratio.experiment import (
    BAND,
    LEAST,
    PRESETS,
    RATES,
    SEEDS,
    Config,
    findings,
    mean_of_finite,
    per_epoch,
)
from core.experiments.babysitting.update_ratio.picture import EXPLODED, VIEWS
from core.lab.finding import Outcome
from core.lab.say import percent
from tests.experiments.seeds import FIRST, OTHERS, each_seed, first_seed

EXPERIMENT = load("babysitting", "update-ratio")
HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR


@cache
def ran(seed=FIRST, **knobs):
    """Run once for all tests that leave the Result as it is."""
    return EXPERIMENT.run(Config(seed=seed, **knobs))


def found(result):
    return {f.claim: f for f in findings(result)}


@first_seed
def test_t9_good_runs_end_in_the_band_and_slow_ones_do_too(seed):
    result = ran(seed)
    claims = found(result)
    assert {c: f.outcome for c, f in claims.items()} == {
        "T9": HOLDS,
        "early": FAILS,
        "enough": FAILS,
        "rate": HOLDS,
    }
    values = claims["T9"].values
    assert values["late"] > 0.95 and 0.2 < values["early"] < 0.5 and 0.5 < values["enough"] < 0.75
    assert claims["enough"].because == "slow" and result.failed[-1].all()
    last = found(replace(result, config=replace(result.config, layer="last")))
    assert last["T9"].holds and last["early"].values["early"] < values["early"]


@pytest.mark.full
@each_seed
def test_t9_long_runs_with_momentum_fall_below_the_band(seed):
    t9 = found(ran(seed, momentum=0.9, epochs=40))["T9"]
    assert t9.outcome is FAILS and t9.because == "below"


def made_up(good=10, inside=10, bad=0):
    """Return a Result in which so many rates are good; of these, and of the bad, so many in it."""
    shipped = ran()
    accuracy = np.where(np.arange(len(RATES)) < good, 0.95, 0.5)
    late = np.full(len(RATES), 10 * BAND[1])
    late[:inside], late[good : good + bad] = BAND[1], BAND[0]
    return replace(
        shipped,
        accuracy=np.repeat(accuracy[:, None], SEEDS, axis=1),
        late=np.broadcast_to(late[:, None, None], shipped.late.shape).copy(),
    )


@pytest.mark.parametrize(
    ("knobs", "t9", "enough"),
    [
        ({}, HOLDS, HOLDS),
        ({"inside": 9}, UNCLEAR, HOLDS),  # at the bar
        ({"inside": 8}, FAILS, HOLDS),
        ({"bad": 2}, HOLDS, FAILS),
        ({"good": 0, "inside": 0}, UNCLEAR, UNCLEAR),
    ],
)
def test_outcomes_follow_the_shares(knobs, t9, enough):
    claims = found(made_up(**knobs))
    assert (claims["T9"].outcome, claims["enough"].outcome) == (t9, enough)
    assert claims["T9"].because == ""


def test_starts_that_disagree_leave_t9_unclear():
    result = made_up()
    result.late[:5, : SEEDS // 2] = BAND[0] / 10
    t9 = found(result)["T9"]
    assert t9.outcome is UNCLEAR and t9.because == "below" and t9.values["late"] == 0.75


def test_the_first_ratio_is_checked_against_the_rate():
    result = ran()
    first = result.first.copy()
    first[3] *= 1.01
    assert found(replace(result, first=first))["rate"].outcome is FAILS


def test_ratios_are_averaged_geometrically_and_failed_runs_left_out():
    ratio = np.array([[1e-2, 1e-4, 1e-3, 1e-3], [0.0, 0.0, 1.0, np.nan]])
    means = per_epoch(ratio, 2)
    np.testing.assert_allclose(means, [[1e-3, 1e-3], [LEAST, np.nan]])
    by_seed = np.array([[[1e-2, 1e-2], [1e-4, np.nan]], [[np.nan, 1.0], [np.nan, 1.0]]])
    np.testing.assert_allclose(mean_of_finite(by_seed), [[1e-3, 1e-2], [np.nan, 1.0]])


def test_a_failed_run_is_not_good_and_has_no_late_ratio():
    result = ran()
    assert result.failed.any() and not result.good[result.failed].any()
    assert np.isnan(result.late[result.failed]).all()
    assert not result.in_band(result.late)[result.failed].any()


def test_the_pictures_say_the_numbers_and_the_reasons():
    result = ran()
    drawn = VIEWS["course"](result, [result]).chart.to_json()
    for words in (f"3.2: {EXPLODED}", "their gradients fade", "in the band, but too slow"):
        assert words in drawn
    assert f"0.1: {percent(result.accuracy[12].mean())}" in drawn
    values = found(result)["T9"].values
    late = VIEWS["late"](result, [result]).chart.to_json()
    assert f"of runs in the band {percent(values['enough'])} are good" in late
    early = VIEWS["early"](result, [result]).chart.to_json()
    assert f"{percent(values['early'])} of good runs" in early


@pytest.mark.full
@pytest.mark.parametrize("preset", PRESETS)
def test_presets_run_over_seeds(preset):
    for seed in (FIRST, OTHERS[0]):
        claims = found(EXPERIMENT.run(replace(PRESETS[preset], seed=seed)))
        assert claims["rate"].holds and claims["T9"].values["late"] > 0.75
        assert claims["enough"].outcome is not HOLDS
