"""Claim A12 in its parts and misreading E2 over several seeds."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.activations.maxout.experiment import (
    DRAWN,
    EQUAL,
    KINDS,
    MANY_DEAD,
    PRESETS,
    STARTS,
    Config,
    blocked,
    findings,
    maxout_unit,
    run,
    switching_lines,
)
from core.lab.finding import Outcome
from core.nn.network import forward, init_network, stack_networks

SEEDS = (21, 22, 23, 24, 25)


def claims_of(result):
    return {f.claim: f for f in findings(result)}


@pytest.mark.parametrize("seed", SEEDS)
def test_a12_maxout_never_blocks_contains_relu_and_doubles_the_parameters(seed):
    claims = claims_of(run(Config(seed=seed)))
    a12 = claims["A12"]
    assert a12.holds and a12.identity and a12.because == ""
    assert a12.values["maxout"] == 0 == a12.values["leaky"] and a12.values["ratio"] == 2
    assert 0.5 < a12.values["relu"] < 0.8
    assert claims["A12b"].holds and claims["A12b"].values["difference"] <= EQUAL
    assert claims["A12c"].holds
    e2 = claims["E2"]
    assert e2.outcome is Outcome.FAILS and e2.misreading
    assert e2.values == {"relu": 24, "leaky_relu": 24, "maxout": 48, "prelu": 25}


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS)
def test_a12d_maxout_gains_where_relu_units_are_off_on_all_data(seed):
    claims = claims_of(run(replace(PRESETS["dies"], seed=seed)))
    assert claims["A12"].because == "dead" and claims["A12"].values["dead"] > MANY_DEAD
    assert claims["A12d"].holds


def test_a12d_no_gain_where_both_learn_everything():
    assert claims_of(run(Config(seed=21)))["A12d"].outcome is Outcome.FAILS


@pytest.mark.parametrize("seed", [0, 102])  # 102 used to warn
def test_a_rate_at_which_maxout_diverges_decides_nothing(seed):
    result = run(replace(PRESETS["diverges"], seed=seed))
    claims = claims_of(result)
    assert claims["A12"].outcome is Outcome.UNCLEAR and claims["A12"].because == "maxout"
    assert "A12d" not in claims
    gone = np.isnan(result.accuracy[KINDS.index("maxout"), :, -1]).sum()
    assert claims["A12"].values["maxout"] == gone > 0 and gone <= STARTS


def test_a12d_is_not_asked_of_a_layer_of_one_unit():
    assert "A12d" not in claims_of(run(PRESETS["one"]))


def test_a_maxout_unit_with_other_lines_is_neither_relu_nor_leaky():
    x = np.linspace(-1, 1, 5)
    np.testing.assert_allclose(maxout_unit(x, ((1.0, 0.0), (-1.0, 0.0))), np.abs(x))


@pytest.mark.parametrize(("kind", "share"), [("relu", 0.5), ("leaky_relu", 0.0), ("maxout", 0.0)])
def test_blocked_counts_slopes_of_zero(kind, share):
    network = init_network((3, 400, 2), "he", kind, rng=np.random.default_rng(0))
    _, traces = forward(network, np.random.default_rng(1).standard_normal((50, 3)))
    seen = blocked(traces[0])
    assert seen.shape == (50, 400)
    assert seen.mean() == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("kind", DRAWN)
def test_units_change_pieces_on_their_lines(kind):
    network = init_network((2, 6, 2), "he", kind, rng=np.random.default_rng(2), bias=0.2)
    network = stack_networks([network])
    normals, offsets = switching_lines(network, 0)
    for unit, (normal, offset) in enumerate(zip(normals, offsets)):
        foot = -offset * normal / (normal @ normal)
        sides = np.stack([foot - 1e-6 * normal, foot + 1e-6 * normal])
        slopes = forward(network, sides)[1][0].local_gradient()[0][:, unit]
        assert slopes[0] != slopes[1]
