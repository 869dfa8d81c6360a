"""Claims B4, B8 and B9 and misreading E7 on fresh seeds: saturation, the identity, angles."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from core.experiments import load
from core.experiments.batchnorm.gamma_beta.experiment import (
    COMPARED,
    CUT,
    GAMMAS,
    OUTPUT,
    PRESETS,
    Config,
    angles_at,
    batchnorm,
    beyond,
    bin_edges,
    findings,
    preactivations,
    run,
    undoing,
)
from core.experiments.batchnorm.gamma_beta.picture import VIEWS, setting
from core.lab.finding import Outcome
from core.lab.words import heading
from tests.experiments.seeds import each_seed

WORDS = load("batchnorm", "gamma-beta").words


def found(result):
    return {f.claim: f for f in findings(result)}


@each_seed
def test_b9_shares_are_near_those_of_a_bell_curve(seed):
    result = run(Config(seed=seed))
    shares = np.interp([1, 2, 5], GAMMAS, result.by_gamma[1])
    np.testing.assert_allclose(shares, [0.036, 0.30, 0.68], atol=0.03)
    assert result.saturated[OUTPUT] == shares[1] and result.saturated[COMPARED] == shares[0]
    assert found(result)["B9"].holds


@each_seed
@pytest.mark.parametrize("beta", [-2.0, 0.0, 1.5])
def test_b9_more_gamma_never_saturates_less_while_beta_is_in_the_middle(seed, beta):
    assert found(run(Config(seed=seed, beta=beta)))["B9"].holds


@each_seed
@pytest.mark.parametrize("beta", [-3.0, 2.5, 3.0])
def test_b9_fails_where_beta_alone_saturates(seed, beta):
    b9 = found(run(Config(seed=seed, beta=beta)))["B9"]
    assert b9.outcome is Outcome.FAILS
    assert b9.values["none"] == 1 and 0.4 < b9.values["least"] < 0.75


@each_seed
@pytest.mark.parametrize("batch_size", [8, 64])
def test_b4_gamma_and_beta_undo_it_on_their_own_batch_only(seed, batch_size):
    result = run(Config(seed=seed, batch_size=batch_size))
    b4, b4b = found(result)["B4"], found(result)["B4b"]
    assert b4.holds and b4.identity and result.own < 1e-12
    assert b4b.outcome is Outcome.FAILS
    low, high = {8: (0.4, 1.2), 64: (0.12, 0.35)}[batch_size]
    assert low < result.other < high


def test_b4_recovered_comes_first_and_shows_the_input():
    result = run(Config(recover=True, gamma=-2.0))
    assert findings(result)[0].claim == "B4"
    np.testing.assert_array_equal(*result.counts)
    result = replace(result, own=0.5)
    assert "off by 0.5" in heading(WORDS, findings(result), asdict(result.config))


def test_b4_weights_ten_times_as_large_are_the_same_function():
    z, one = preactivations(Config())[0], np.ones((1, 50))
    np.testing.assert_allclose(batchnorm(z, one, one), batchnorm(10 * z, one, one), atol=1e-4)
    gamma, _ = undoing(z)
    np.testing.assert_allclose(undoing(10 * z)[0], 10 * gamma, rtol=1e-4)


@each_seed
def test_b8_order_and_correlations_stay_for_positive_gamma(seed):
    for knobs in ({"gamma": 0.5, "beta": -1.0}, {"gamma": 10.0}, {"recover": True}):
        b8 = found(run(Config(seed=seed, **knobs)))["B8"]
        assert b8.holds and b8.identity and not b8.because


@each_seed
def test_b8_a_negative_gamma_flips_and_none_collapses(seed):
    flipped, collapsed = run(Config(seed=seed, gamma=-1.0)), run(Config(seed=seed, gamma=0.0))
    assert flipped.correlation < 1e-10  # all units are flipped, so they still vary together
    for result, because in ((flipped, "flipped"), (collapsed, "collapsed")):
        b8 = found(result)["B8"]
        assert b8.outcome is Outcome.FAILS and b8.because == because and result.in_order == 0
    assert "E7" not in found(collapsed)


@each_seed
def test_e7_angles_turn_where_stds_differ(seed):
    e7 = found(run(Config(seed=seed)))["E7"]
    assert e7.misreading and e7.outcome is Outcome.FAILS and 13 < e7.values["turned"] < 30
    assert run(Config(seed=seed, ratio=1.0)).turned < 10 < run(Config(seed=seed, ratio=10.0)).turned
    e7 = found(run(Config(seed=seed, recover=True)))["E7"]
    assert e7.holds and e7.because == "recover" and e7.values["turned"] < 1e-6


def test_e7_is_unclear_near_the_bar():
    assert found(replace(run(Config()), turned=11.0))["E7"].outcome is Outcome.UNCLEAR


def test_the_ratio_of_stds_is_what_the_knob_says():
    z = preactivations(Config(ratio=10.0, batch_size=512)).reshape(-1, 50)
    assert z[:, 1].std() / z[:, 0].std() == pytest.approx(10, rel=0.1)


def test_angles_and_shares_are_those_of_their_definitions():
    corners = np.array([[[0.0, 0], [1, 0], [0, 2]], [[1.0, 1], [2, 2], [3, 3]]])
    np.testing.assert_allclose(angles_at(corners), [90, 0], atol=1e-5)
    assert beyond(np.array([[-3.0, 2.0, 2.1, 0.0]])) == 0.5


@pytest.mark.parametrize("largest", [0.3, 2.0, 7.7, 40.0])
def test_bins_meet_at_the_cut_and_cover_everything(largest):
    edges = bin_edges(largest)
    assert edges[-1] >= largest and len(edges) < 140
    if largest > CUT:
        assert np.abs(edges - CUT).min() < 1e-9


def test_the_picture_says_why():
    for preset, why in (
        ("lecture", "γ stretches the values"),
        ("narrow", "γ squeezes the values"),
        ("shifted", "β moves the middle"),
        ("recover", "output = input"),
    ):
        result = run(PRESETS[preset])
        assert why in VIEWS["histogram"](result, [result]).chart.to_json()


def test_the_setting_keeps_the_outcome_to_itself():
    drawn = setting(run(Config())).chart.to_json()
    assert "3% saturated" in drawn and "31%" not in drawn
