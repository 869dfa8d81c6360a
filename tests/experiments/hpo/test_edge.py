"""Claim H5 and error E27: what the best five say of a range, and how often that is right."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.hpo.edge.experiment import (
    DISTANCES,
    NEAR,
    PRESETS,
    Config,
    _judged,
    best,
    findings,
    is_close,
    proposed,
    run,
    side,
    stored,
)
from core.experiments.hpo.edge.picture import rate
from core.lab.finding import Outcome
from core.nn.search import Range

HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR


def found(result):
    return {finding.claim: finding for finding in findings(result)}


@pytest.mark.parametrize(
    "places, seen",
    [
        ([0.9, 0.8, 0.76, 0.99, 0.1], 1),
        ([0.9, 0.8, 0.74, 0.99, 0.1], 0),
        ([0.1, 0.2, 0.24, 0.0, 0.9], -1),
        ([0.1, 0.2, 0.26, 0.0, 0.9], 0),
    ],
)
def test_four_of_five_in_one_outer_quarter_warn(places, seen):
    assert side(np.array(places)) == seen


@pytest.mark.parametrize("place, close", [(0.976, True), (0.94, False), (0.04, True), (0.5, False)])
def test_within_a_twentieth_of_an_end_is_close(place, close):
    assert is_close(place) == close


def test_what_was_given_up_is_never_among_the_best_of_enough_others():
    top = best(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.9]), np.array([False] * 5 + [True]))
    assert top.tolist() == [4, 3, 2, 1, 0]


def test_the_next_range_is_as_wide_and_has_the_best_five_around_its_middle():
    rates, places = Range(1e-4, 1e-2, log=True), np.array([0.9, 0.95, 0.8, 0.99, 0.3])
    moved = proposed(rates, places)
    assert moved.high / moved.low == pytest.approx(100)
    assert float(moved.position(rates.at(0.9))) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "seen, place, outcome, because",
    [
        (0, 0.5, HOLDS, "inside"),
        (1, 0.5, FAILS, "false"),
        (1, 1.4, HOLDS, ""),
        (-1, -0.4, HOLDS, ""),
        (0, 1.4, FAILS, "missed"),
        (-1, 1.4, FAILS, "missed"),
        (1, 0.9, HOLDS, ""),
        (0, 0.9, UNCLEAR, ""),
    ],
)
def test_a_warning_is_judged_by_where_the_best_rate_lies(seen, place, outcome, because):
    assert _judged(seen, place) == (outcome, because)


def test_half_of_what_is_said_of_the_lecture_s_best_trial_is_right():
    said = found(run(PRESETS["lecture"]))
    assert next(iter(said)) == "E27" and said["E27"].outcome is FAILS and said["E27"].misreading
    assert said["E27"].values["rate_place"] == pytest.approx(0.976, abs=5e-4)
    assert said["E27"].values["reg_place"] == pytest.approx(0.289, abs=5e-4)
    assert said["E27"].values["upper"] == 3
    assert said["H5"].outcome is UNCLEAR


def test_the_warning_moves_a_search_step_by_step_to_the_best_rate():
    config = Config(learning_rates=(1e-5, 1e-3), seed=4)
    for _ in range(6):
        result = run(config)
        places = result.rates.position(result.rate[result.top])
        if not side(places):
            break
        moved = proposed(result.rates, places)
        config = replace(config, learning_rates=(moved.low, moved.high))
    assert result.rates.low < stored()["best_rate"] < result.rates.high
    assert result.accuracy.max() > 0.9


def test_many_searches_say_how_far_the_rules_can_be_relied_on():
    four, alone = stored()["warned"].T
    near = (DISTANCES > 0) & (DISTANCES <= NEAR)
    assert four[DISTANCES == -1] < 0.03 and four[near].min() > 0.85
    assert alone[near].mean() < four[near].mean() - 0.1
    assert four[-1] < 0.4


def test_near_is_the_20_times_that_the_words_speak_of():
    assert round(10**NEAR) == 20


@pytest.mark.parametrize(
    "rates, said",
    [
        ((1e-4, 1e-2), ["all five best", "8 times higher, still below the best rate"]),
        ((2e-3, 0.2), ["all five best", "7 times higher, and the best rate is in it"]),
        ((1e-2, 1.0), ["searched: none of the five best in an outer quarter"]),
    ],
)
def test_the_picture_says_whether_the_next_range_reaches_the_best_rate(rates, said):
    result = run(Config(learning_rates=rates))
    drawn = rate(result, [result]).spec()["datasets"].values()
    written = " ".join(str(value) for data in drawn for value in data.to_numpy().ravel())
    for words in said:
        assert words in written.replace("\n", " ")


def test_the_curve_is_drawn_to_its_fall():
    result = run(Config(trials=10))
    spec = rate(result, [result]).spec()
    known = stored()
    (line,) = (d for d in spec["datasets"].values() if set(d) == {"x", "y"} and len(d) > 5)
    assert line["x"].max() > 10 * known["best_rate"] and line["y"].iloc[-1] < 0.1
    assert line["y"].max() == known["accuracy"].max()


@pytest.mark.full
def test_presets_on_five_fresh_seeds():
    wanted = {"outside": HOLDS, "inside": HOLDS, "far": FAILS}
    for name, outcome in wanted.items():
        said = [found(run(replace(PRESETS[name], seed=seed)))["H5"] for seed in range(301, 306)]
        assert sum(f.outcome is outcome for f in said) >= 4, name
