"""Claims T4, T5, T6 and errors E24, E25 on fresh seeds: too low, too high, and what NaN means."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from core.experiments import load
from core.experiments.babysitting.learning_rate.experiment import (
    CHANGE,
    DRAWN,
    EPOCHS,
    GOOD,
    HIGH,
    HIGHEST,
    LOW,
    PRESETS,
    QUANTITIES,
    RISE,
    SEEDS,
    Config,
    agreed,
    build,
    findings,
    learned_example,
    shapes,
)
from core.experiments.babysitting.learning_rate.picture import VIEWS
from core.lab.finding import Outcome
from core.lab.say import percent
from tests.experiments.seeds import FIRST, first_seed

EXPERIMENT = load("babysitting", "learning-rate")


@cache
def ran(preset="lecture", seed=FIRST):
    """Run once for all tests that leave the Result as it is."""
    return EXPERIMENT.run(replace(PRESETS[preset], seed=seed))


def found(result):
    return {f.claim: f for f in findings(result)}


@first_seed
def test_the_lectures_three_claims_hold_at_the_default(seed):
    result = ran(seed=seed)
    assert [str(f) for f in findings(result)][:2] == ["T4 holds", "T5 holds"]
    loss, right = result.data_loss[LOW], result.train_accuracy[LOW]
    assert abs(1 - loss[:, -1] / loss[:, 0]).max() < CHANGE / 2
    assert (right[:, -1] - right[:, 0]).min() > RISE
    assert np.abs(result.probabilities - 0.1).max() < 0.01
    assert (result.exploded[HIGHEST] > 0).all() and (result.broken[HIGHEST, :, 0] > 0).all()
    assert (result.broken[[LOW, GOOD]] == -1).all()
    parts = shapes(result)
    assert parts["straight"].all() and parts["steep"].all() and parts["top"].all()


@first_seed
def test_t4_larger_first_weights_learn_and_tiny_ones_stand_still(seed):
    assert str(found(ran("xavier", seed))["T4"]) == "T4 fails"
    assert found(ran("xavier", seed))["T4"].because == "loss"
    flat = found(ran("flat", seed))["T4"]
    assert flat.outcome is Outcome.FAILS and flat.because == ""


@first_seed
def test_t5_an_explosion_may_stay_finite(seed):
    for preset, right in (("finite", 0.1), ("tanh", 0.85)):
        first = findings(ran(preset, seed))[0]
        assert str(first) == "T5 fails" and first.because == "finite"
        assert first.values["broken"] == "never" and first.values["right"] > right


@first_seed
def test_e24_e25_what_is_often_said_is_wrong(seed):
    result = ran("naive", seed)
    first, second, *_ = findings(result)
    assert str(first) == "E25 fails" and str(second) == "T5 fails" and second.because == "jump"
    assert first.values["naive"] == first.values["stable"] == SEEDS
    assert QUANTITIES[result.broken[HIGHEST, DRAWN, 2]] == "loss"
    assert found(result)["E24"].identity and found(result)["E24"].outcome is Outcome.FAILS
    assert result.shifted < 1e-12 and result.doubled[1] > 1.5 * result.doubled[0]


@pytest.mark.parametrize(
    ("changed", "outcome", "because"),
    [(0.9, "holds", ""), (1.1, "fails", "loss"), (-1.1, "fails", "loss")],
)
def test_t4_turns_at_its_bar(changed, outcome, because):
    loss = ran().data_loss.copy()
    loss[LOW, :, -1] = loss[LOW, :, 0] * (1 - changed * CHANGE)
    t4 = found(replace(ran(), data_loss=loss))["T4"]
    assert (t4.outcome, t4.because) == (outcome, because)


def test_t6_names_the_shape_that_is_another_one():
    shipped = ran()
    assert found(shipped)["T6"].because == ""
    exploded = shipped.exploded.copy()
    exploded[HIGH] = 20
    assert found(replace(shipped, exploded=exploded))["T6"].because == "climbs"
    loss = shipped.data_loss.copy()
    loss[HIGH] = loss[GOOD]
    assert found(replace(shipped, data_loss=loss))["T6"].because == "sits"
    loss = shipped.data_loss.copy()
    loss[LOW] = 2.3 * 0.3 ** np.arange(EPOCHS + 1)
    assert found(replace(shipped, data_loss=loss))["T6"].because == "straight"


@pytest.mark.parametrize(
    ("so", "outcome"), [(10, "holds"), (7, "holds"), (6, "unclear"), (4, "unclear"), (3, "fails")]
)
def test_starts_that_disagree_decide_nothing(so, outcome):
    assert agreed(np.arange(SEEDS) < so) == outcome


def test_rates_share_their_starts():
    network = build(0.1, "relu", 2, seed=3)
    for layer in network.layers:
        np.testing.assert_array_equal(layer["weight"][:SEEDS], layer["weight"][SEEDS:])
    assert not np.array_equal(network.layers[0]["weight"][0], network.layers[0]["weight"][1])


def test_the_example_is_one_that_was_learned():
    before = np.eye(3)[[0, 1, 2]]
    after = np.array([[0.2, 0.8, 0.0], [0.0, 0.0, 1.0], [0.1, 0.0, 0.9]])
    assert learned_example(before, after, np.array([1, 0, 2])) == 0
    assert learned_example(after, after, np.array([1, 0, 2])) == 0


def test_the_printed_sequences_are_the_lectures():
    printed = EXPERIMENT.tables(ran())["printed"]
    slide = printed["rate 0.000001 (slide, CIFAR-10): cost"]
    assert slide[0] == "2.302576" and slide[-1] == "2.302420"
    assert printed["accuracy (slide)"][0] == "0.080" and printed["accuracy (slide)"][-1] == "0.190"
    assert list(printed["rate 0.003 (slide): cost"][:5])[-1] == "inf"
    assert printed["rate 1,000,000 (slide): cost"][0] == "NaN"


def test_the_picture_marks_what_happened():
    result = ran()
    drawn = VIEWS["loss"](result, [result]).chart.to_json(ensure_ascii=False)
    step = result.broken[HIGHEST, DRAWN, 0]
    for words in (f"NaN from step {step}", "0.05: good", "0.0002: too low", "stay near 0.1"):
        assert words in drawn
    start, end = result.train_accuracy[LOW].mean(axis=0)[[0, -1]]
    assert f"{percent(start)} → {percent(end)}" in drawn and "3 × the first loss" not in drawn
    finite = ran("finite")
    assert "3 × the first loss" in VIEWS["loss"](finite, [finite]).chart.to_json(ensure_ascii=False)
    drawn = VIEWS["growth"](result, [result]).chart.to_json()
    assert f"step {step}, layer 2" in drawn
    assert "naive" in VIEWS["pair"](result, [result]).chart.to_json()


def test_with_the_naive_loss_the_low_rate_is_not_judged():
    result = EXPERIMENT.run(Config(highest=100.0, lowest=0.002, scheme="0.3", loss="naive"))
    assert "T4" not in found(result) and np.isfinite(result.pair_loss[0]).all()
