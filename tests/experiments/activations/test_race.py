"""Claims A7 and A13: what is measured is reported, whatever it is."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments import load
from core.experiments.activations.race.experiment import (
    CHOOSING,
    FUNCTIONS,
    PRESETS,
    RACING,
    RATES,
    SMALL,
    TARGETS,
    Config,
    Result,
    best_rates,
    build,
    findings,
)
from core.lab.finding import Outcome
from core.lab.streams import streams

RACE = load("activations", "race")
HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR
EVERY = 0.25
MOMENTS = 41
SCATTER = np.linspace(-0.25, 0.25, RACING)  # in epochs, from seed to seed


def found(result):
    return {f.claim: f for f in findings(result)}


def arriving_at(epochs):
    """Return (seeds, MOMENTS) accuracies that jump from 0 to 1 at so many epochs; inf: never."""
    moments = np.arange(MOMENTS) * EVERY
    return (moments >= np.asarray(epochs)[:, None]).astype(float)


def made_up(epochs, scatter=SCATTER):
    """Return a Result in which each function needs about so many epochs at every rate."""
    choosing = [[arriving_at(np.full(CHOOSING, e))] * len(RATES) for e in epochs.values()]
    racing = [[arriving_at(e + scatter)] * len(TARGETS) for e in epochs.values()]
    names = tuple(name for name in FUNCTIONS if name in epochs)
    assert names == tuple(epochs)
    return Result(Config(functions=names), np.array(choosing), np.array(racing), EVERY)


@pytest.mark.parametrize(
    "epochs, a7, a7b, a13",
    [
        ({"sigmoid": 9, "tanh": 6, "relu": 2}, HOLDS, HOLDS, HOLDS),
        ({"sigmoid": 9, "tanh": 2, "relu": 4}, FAILS, HOLDS, FAILS),
        ({"sigmoid": 3, "tanh": 6, "relu": 2}, HOLDS, HOLDS, FAILS),
        ({"sigmoid": 9, "tanh": 2, "relu": 2}, UNCLEAR, HOLDS, UNCLEAR),
        ({"sigmoid": np.inf, "tanh": 6, "relu": 2}, HOLDS, HOLDS, HOLDS),
        ({"sigmoid": np.inf, "tanh": np.inf, "relu": np.inf}, UNCLEAR, UNCLEAR, UNCLEAR),
    ],
)
def test_the_findings_follow_the_epochs(epochs, a7, a7b, a13):
    claims = found(made_up(epochs))
    assert (claims["A7"].outcome, claims["A7b"].outcome) == (a7, a7b)
    assert claims["A13"].outcome is a13


def test_who_is_first_and_last_is_said_only_where_seeds_decide():
    close = {"sigmoid": 9, "tanh": 2, "relu": 2, "elu": 4}
    values = found(made_up(close))["A13"].values
    assert (values["first"], values["last"]) == ("tanh and ReLU", "Sigmoid")
    assert values["times"] == pytest.approx(9 / 2, rel=0.05)
    wide = np.resize([-1.5, 1.5], RACING)
    opposed = made_up({"tanh": 3, "relu": 3}, wide)
    opposed.racing[1] = opposed.racing[1][:, ::-1]  # pairs that differ now one way, now the other
    assert found(opposed)["A13"].because == "level"


def test_a_run_that_never_arrives_is_no_number_and_leaves_the_order_open():
    result = made_up({"sigmoid": 4, "tanh": 2, "relu": 2})
    result.racing[2, :, 0] = 0  # one ReLU never arrives
    claims = found(result)
    assert claims["A7b"].outcome is UNCLEAR and claims["A7b"].values["relu"] == "never in 1 of 8"
    result.racing[2] = np.nan  # all diverged
    assert found(result)["A7b"].outcome is FAILS
    assert found(result)["A7b"].values["relu"] == "never"


def test_the_best_rate_is_that_of_the_fastest_slowest_seed():
    slow, erratic, lost, good = [3, 3, 3], [0.5, 0.5, 4], [0.5, 0.5, np.inf], [2, 2, 2]
    tried = np.array([arriving_at(e) for e in (slow, erratic, lost, good)])
    assert (best_rates(tried, EVERY) == 3).all()
    tried[:] = 0
    tried[1, :, -1] = 0.3  # nobody arrives: the highest accuracy in the end
    tried[2, :, -1] = np.nan  # diverged
    assert (best_rates(tried, EVERY) == 1).all()


def test_rates_are_chosen_on_other_seeds_than_they_race_on():
    weights = streams(0, "weights")[0].spawn(CHOOSING + RACING)
    choosing = build("relu", 1, weights[:CHOOSING], 1).layers[0]["weight"]
    racing = build("relu", 1, weights[CHOOSING:], 1).layers[0]["weight"]
    assert not np.isclose(choosing[:, None], racing[None]).all(axis=(-2, -1)).any()


def test_what_is_only_looked_at_reads_the_same_result():
    result = RACE.run(SMALL)
    for target in TARGETS:
        for rate in RATES:
            looked = replace(result, config=replace(SMALL, target=target, learning_rate=rate))
            assert findings(looked) and RACE.tables(looked)
    assert result.shared.shape[:2] == (3, CHOOSING) and result.race.shape[:2] == (3, RACING)
    assert np.nanmax(result.race, axis=-1).min() > 0.9


@pytest.mark.full
@pytest.mark.parametrize("seed", range(1, 6))
def test_on_digits_sigmoid_is_slower_than_relu_and_tanh_is_not(seed):
    config = Config(functions=("sigmoid", "tanh", "relu"), seed=seed)
    claims = found(RACE.run(config))
    assert claims["A7"].outcome is FAILS and claims["A7b"].outcome is not FAILS
    assert claims["A13"].outcome is FAILS


@pytest.mark.full
@pytest.mark.parametrize("seed", range(1, 4))
def test_five_sigmoids_in_a_row_never_arrive(seed):
    functions = ("sigmoid", "relu")
    claims = found(RACE.run(replace(PRESETS["deep"], functions=functions, seed=seed)))
    assert claims["A7b"].outcome is HOLDS and claims["A7b"].values["other"] == "never"
