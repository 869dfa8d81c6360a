"""Claim I10 and misreadings E4, E5 over several seeds."""

from dataclasses import replace

import pytest

from core.experiments.initialization.misread import PRESETS, SCHEMES, Config, findings, run

seeds = pytest.mark.parametrize("seed", range(5))


def found(config):
    return {f.claim: f for f in findings(run(config))}


@pytest.mark.full
@seeds
@pytest.mark.parametrize("preset", ["lecture", "relu"])
def test_i10_each_misreading_ruins_the_net(preset, seed):
    claims = found(replace(PRESETS[preset], seed=seed))
    assert claims["I10"].holds
    assert not claims["E4"].holds and not claims["E5"].holds


@seeds
def test_e4_rand_has_a_mean_and_saturates_every_unit(seed):
    e4 = found(Config(width=200, seed=seed))["E4"]
    assert e4.values["weight_mean"] == pytest.approx(0.5, abs=0.01)
    assert e4.values["saturated"] > 0.99


@seeds
def test_e5_too_large_saturates_and_too_small_vanishes(seed):
    e5 = found(Config(width=200, seed=seed))["E5"]
    assert e5.values["times_saturated"] > 0.9
    assert e5.values["divided"] < 1e-8


@seeds
def test_fans_agree_on_equal_widths_and_differ_on_tapered_ones(seed):
    equal = found(Config(width=200, seed=seed))["I10b"]
    assert equal.holds and equal.values["both"] == pytest.approx(equal.values["fan_in"])
    tapered = found(Config(width=200, taper=5, seed=seed))["I10b"]
    assert not tapered.holds
    assert tapered.values["both"] < 0.5 * tapered.values["fan_in"]


def test_one_layer_forgives_a_division_by_n():
    assert not found(PRESETS["shallow"])["I10"].holds
    assert found(PRESETS["shallow"])["E5"].holds


def test_drawn_schemes_do_not_change_what_is_measured():
    small = Config(width=50, depth=3)
    one, all_ = (findings(run(replace(small, schemes=s))) for s in (("xavier",), SCHEMES))
    assert one == all_
