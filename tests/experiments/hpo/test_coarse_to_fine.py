"""Claims H2, H3 and H4: what narrowing gives, what a few epochs know, what giving up costs."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.hpo import printed
from core.experiments.hpo.coarse_to_fine.experiment import (
    PRESETS,
    Config,
    Stage,
    findings,
    from_the_lecture,
    last_known,
    next_ranges,
    random_span,
    rank_correlation,
    ranks,
    strategies,
)
from core.experiments.hpo.coarse_to_fine.picture import stages
from core.lab.experiment import Experiment
from core.lab.finding import Outcome
from tests.experiments.seeds import FRESH

EXPERIMENT = Experiment("hpo", "coarse-to-fine")
HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR


@pytest.fixture(scope="module")
def result():
    return EXPERIMENT.run(Config(trials=20, seed=3))


def found(result):
    return {finding.claim: finding for finding in findings(result)}


def stage(rate, accuracy, abandoned=None):
    rate, accuracy = np.asarray(rate, float), np.asarray(accuracy, float)
    none = np.zeros(len(rate), bool) if abandoned is None else np.asarray(abandoned)
    ranges = np.array([[rate.min(), rate.max()]] * 2)
    return Stage(rate, rate, accuracy, accuracy, none, ranges)


def test_what_was_given_up_comes_last_and_its_accuracy_is_the_last_known():
    trials = stage([1, 2, 3], [0.2, 0.9, 0.5], [False, True, False])
    assert trials.order.tolist() == [2, 0, 1]
    known = last_known(np.array([[0.1, 0.4, np.nan], [0.1, 0.2, 0.3]]))
    np.testing.assert_array_equal(known, [0.4, 0.3])


def test_the_box_holds_the_best_tenth_and_no_better_trial_is_outside():
    rng = np.random.default_rng(0)
    trials = stage(rng.random(100), rng.random(100))
    assert len(trials.top) == 10
    assert trials.accuracy[trials.top].min() > np.delete(trials.accuracy, trials.top).max()
    low, high = trials.box[0]
    assert ((trials.rate[trials.top] >= low) & (trials.rate[trials.top] <= high)).all()


def test_the_span_of_random_ones_is_what_drawing_them_gives():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(40)
    drawn = [np.ptp(rng.choice(values, 4, replace=False)) for _ in range(20_000)]
    assert random_span(values, 4) == pytest.approx(np.mean(drawn), abs=0.02)
    assert random_span(values, 40) == pytest.approx(np.ptp(values))


def test_ranks_of_equal_values_are_shared():
    np.testing.assert_array_equal(ranks(np.array([3.0, 1.0, 3.0, 2.0])), [2.5, 0, 2.5, 1])
    assert rank_correlation(np.arange(5.0), np.arange(5.0) ** 3) == pytest.approx(1)
    assert rank_correlation(np.ones(5), np.arange(5.0)) == 0


def test_the_next_range_is_the_best_tenth_s_or_the_typed_one(result):
    coarse, fine = result.stages
    np.testing.assert_array_equal(fine.ranges, coarse.box)
    assert (fine.rate >= coarse.box[0, 0]).all() and (fine.rate <= coarse.box[0, 1]).all()
    assert len(coarse.rate) == 20 and len(fine.rate) == 10
    typed = replace(result.config, fine_regs=(0.1, 1.0))
    first = replace(
        result, config=typed, ranges=np.where(np.arange(3)[:, None, None], np.nan, result.ranges)
    )
    ranges = next_ranges(first)
    np.testing.assert_array_equal(ranges[0], coarse.box[0])
    np.testing.assert_array_equal(ranges[1], [0.1, 1])


def test_what_survives_is_trained_alike_with_and_without_giving_up(result):
    coarse = result.stages[0]
    kept = ~coarse.abandoned
    assert rank_correlation(coarse.accuracy[kept], result.later[kept]) > 0.6
    assert result.steps[0, :20][kept].min() == result.steps[0, :20].max()


def test_giving_up_holds_fails_or_has_nothing_to_say(result):
    coarse = result.stages[0]
    giving_up = replace(result, abandoned=np.zeros_like(result.abandoned))
    assert found(giving_up)["H3"].because == "none"
    assert found(giving_up)["H3"].outcome is UNCLEAR
    worst = np.argsort(result.later)[:3]
    best = np.argsort(result.later)[-2:]
    for chosen, outcome in ((worst, HOLDS), (best, FAILS), (best[:1], UNCLEAR)):
        abandoned = np.zeros_like(result.abandoned)
        abandoned[0, chosen] = True
        later = result.later + 1e-6 * np.argsort(np.argsort(result.later))  # no ties
        changed = replace(result, abandoned=abandoned, later=later)
        assert found(changed)["H3"].outcome is outcome
    assert len(coarse.rate) == 20


def test_the_lecture_s_tables_are_two_stages_and_say_what_is_printed():
    lecture = from_the_lecture(PRESETS["tables"])
    coarse, fine = lecture.stages
    assert (len(coarse.rate), len(fine.rate)) == (11, 22)
    assert coarse.accuracy[coarse.best] == 0.482 and fine.accuracy[fine.best] == 0.531
    assert fine.ranges.tolist() == np.array(printed.FINE_RANGES).tolist()
    for own, (low, high) in zip((fine.rate, fine.reg), printed.FINE_RANGES):
        assert (own > low).all() and (own < high).all()
    assert list(found(lecture)) == ["H2"] and found(lecture)["H2"].outcome is HOLDS


def test_the_picture_has_the_typical_values_large_and_no_box_that_nothing_searches(result):
    spec = stages(result, [result]).spec(presenting=True)
    large = [part for part in spec["layer"] if part.get("mark", {}).get("style") == "large"]
    assert [part["mark"]["fontSize"] for part in large] == [30]
    texts = spec["datasets"][large[0]["data"]["name"]]["text"].tolist()
    assert [text.split(":")[0] for text in texts] == ["Coarse", "Fine"]
    boxes = [data for data in spec["datasets"].values() if set(data) == {"x", "x2", "y", "y2"}]
    assert sorted(map(len, boxes)) == [1, 2]  # the box, and the frames of both stages


def test_a_winner_at_the_edge_of_its_range_is_pointed_out(result):
    def written(ranges):
        changed = replace(result, ranges=ranges)
        drawn = stages(changed, [changed]).spec()["datasets"].values()
        return " ".join(str(value) for data in drawn for value in data.to_numpy().ravel())

    fine = result.stages[1]
    wide, narrow = result.ranges.copy(), result.ranges.copy()
    wide[1] = [[own[fine.best] / 1e3, own[fine.best] * 1e3] for own in (fine.rate, fine.reg)]
    narrow[1] = wide[1]
    narrow[1, 1, 1] = 1.01 * fine.reg[fine.best]
    assert "at an edge" not in written(wide)
    assert "typical after 5 epochs: " in written(wide)
    assert "; best at an edge" in written(narrow)


@pytest.mark.full
def test_narrowing_lifts_the_typical_trial_on_every_seed():
    for seed in FRESH:
        said = found(EXPERIMENT.run(Config(seed=seed)))
        assert [said[claim].outcome for claim in ("H2", "H4", "H2r")] == [HOLDS] * 3
        assert said["H3"].values["saved"] > 0.05


@pytest.mark.full
def test_a_wrong_place_a_good_range_and_low_rates_are_told():
    for name, because in (("wrong", "worse"), ("narrow", "good")):
        said = found(EXPERIMENT.run(replace(PRESETS[name], seed=7)))["H2"]
        assert (said.outcome, said.because) == (FAILS, because)
    low = found(EXPERIMENT.run(replace(PRESETS["low"], seed=7)))
    assert low["H2"].outcome is not HOLDS
    assert low["H3"].because == "none"


@pytest.mark.full
def test_every_strategy_finds_a_good_network():
    assert min(strategies(5)) > 0.93
