"""Claims H8 and H3 on fresh seeds: what sorts the runs of a search, and which can be given up."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from core.experiments.hpo.curves.experiment import (
    BINS,
    PRESETS,
    SEARCHES,
    SMALL,
    STEPS,
    TRIALS,
    Result,
    bins_of,
    correlations,
    explained,
    findings,
    shuffled,
)
from core.experiments.hpo.curves.picture import VIEWS
from core.lab.experiment import Experiment
from core.lab.finding import Outcome

EXPERIMENT = Experiment("hpo", "curves")


@cache
def ran(preset="lecture", seed=201):
    """Run once for all tests that leave the Result as it is."""
    return EXPERIMENT.run(replace(PRESETS[preset], seed=seed))


def found(result):
    return {f.claim: f for f in findings(result)}


def made(weight):
    """Return a Result whose accuracy is this much the rate's doing, the rest reg's."""
    rng = np.random.default_rng(0)
    u = rng.random((2, SEARCHES, TRIALS))
    drawn = np.stack([r.at(own) for r, own in zip(SMALL.ranges.values(), u)])
    accuracy = weight * u[0] + (1 - weight) * u[1] + 0.1 * rng.standard_normal(u[0].shape)
    loss = np.full((TRIALS, 11), 1.0)
    exploded = np.full((SEARCHES, TRIALS), -1)
    return Result(SMALL, drawn, accuracy, exploded, loss, loss / 2, np.full(SEARCHES, 0.17))


@pytest.mark.parametrize(
    ("weight", "outcome", "because"),
    [(0.9, Outcome.HOLDS, ""), (0.1, Outcome.FAILS, "reg"), (0.55, Outcome.UNCLEAR, "")],
)
def test_h8_compares_what_each_explains(weight, outcome, because):
    h8 = found(made(weight))["H8"]
    assert (h8.outcome, h8.because) == (outcome, because)


def test_h3_a_run_given_up_from_the_best_tenth_counts():
    result = made(0.9)
    assert "H3" not in found(result)
    worst, best = result.accuracy[0].argmin(), result.accuracy[0].argmax()
    result.exploded[0, worst] = 10
    assert found(result)["H3"].holds
    saved = (STEPS - 10) / (STEPS * SEARCHES * TRIALS)
    assert found(result)["H3"].values["saved"] == pytest.approx(saved)
    result.exploded[0, best] = 40
    assert found(result)["H3"].outcome is Outcome.FAILS
    assert found(result)["H3"].values["lost"] == 1


def test_explained_is_all_of_what_depends_on_the_bin_and_little_of_noise():
    rng = np.random.default_rng(1)
    bins = rng.integers(BINS, size=(3, 4000))
    np.testing.assert_allclose(explained(bins, bins**2.0), 1)
    assert (explained(bins, rng.standard_normal((3, 4000))) < 0.02).all()
    half = bins + np.std(bins) * rng.standard_normal((3, 4000))
    np.testing.assert_allclose(explained(bins, half), 0.5, atol=0.05)


def test_shuffling_keeps_what_chance_explains():
    rng = np.random.default_rng(2)
    bins = rng.integers(BINS, size=(2, 80))
    null = shuffled(bins, rng.standard_normal((2, 80)), rng)
    assert ((null > 0.12) & (null < 0.25)).all()


def test_bins_part_the_range_evenly():
    np.testing.assert_array_equal(bins_of(np.array([0, 0.124, 0.126, 1])), [0, 0, 1, BINS - 1])


def test_the_correlations_of_the_lectures_table():
    assert correlations() == (pytest.approx(0.88, abs=0.005), pytest.approx(-0.11, abs=0.005))


def test_pictures_tell_what_explodes():
    result = made(0.9)
    assert "no run explodes" in VIEWS["best"](result, [result]).chart.to_json()
    result.exploded[0, :3] = 7
    assert "3 of 80 explode" in VIEWS["best"](result, [result]).chart.to_json()
    assert "none of 3 lost" in VIEWS["given_up"](result, [result]).chart.to_json()


@pytest.mark.parametrize("view", ["marginals", "coloured"])
def test_what_explains_no_more_than_chance_is_drawn_as_nothing(view):
    drawn = VIEWS[view](made(0.9), [made(0.9)]).chart.to_json()
    assert "no visible effect" in drawn and "by chance up to 17%)" in drawn
    assert "of the differences" in drawn
    assert ("accuracy about the same" in drawn) == (view == "coloured")


def test_the_first_picture_says_what_goes_wrong_at_both_ends():
    result = made(0.9)
    place = result.positions[0]
    result.accuracy[:] = np.where((place > 0.4) & (place < 0.9), 0.9, 0.1)
    drawn = VIEWS["marginals"](result, [result]).chart.to_json()
    assert "too low" in drawn and "too high" not in drawn
    result.exploded[place > 0.97] = 10
    assert "too high" not in VIEWS["marginals"](result, [result]).chart.to_json()
    result.exploded[place > 0.8] = 10
    assert "too high" in VIEWS["marginals"](result, [result]).chart.to_json()


def test_curves_are_named_by_what_most_runs_of_a_quarter_do():
    result = made(0.9)
    quarter = (result.positions[0, 0] * 4).astype(int)
    result.exploded[0, quarter == 3] = 10
    result.loss[quarter == 2, -1] = 0.1
    drawn = VIEWS["coloured"](result, [result]).chart.to_json()
    assert "too small: flat" in drawn and "too large: explodes" in drawn
    assert "good: falls" not in drawn  # of the quarter that is right most often: the highest here


@pytest.mark.full
def test_a_run_says_what_it_did():
    result = ran()
    exploded = result.exploded[0] >= 0
    assert 5 < exploded.sum() < 30 and result.drawn[0, 0][exploded].min() > 0.1
    assert result.accuracy.max() > 0.95 and result.loss.shape == (TRIALS, 11)
    np.testing.assert_allclose(result.right[:, -1], result.accuracy[0])


@pytest.mark.full
@pytest.mark.parametrize("seed", [201, 202])
def test_importance_belongs_to_the_ranges(seed):
    assert found(ran("lecture", seed))["H8"].holds
    assert found(ran("lecture", seed))["H3"].values["saved"] > 0.1
    narrow = found(ran("narrow", seed))["H8"]
    assert (narrow.outcome, narrow.because) == (Outcome.FAILS, "reg")
