"""Claim I10 and misreadings E4, E5 over several seeds."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.initialization.misread.experiment import (
    ALIVE,
    PRESETS,
    SCHEMES,
    Config,
    fates,
    findings,
    run,
)
from core.lab.finding import Outcome

seeds = pytest.mark.parametrize("seed", range(101, 106))


def found(config):
    return {f.claim: f for f in findings(run(config))}


@pytest.mark.full
@seeds
@pytest.mark.parametrize("preset", ["lecture", "relu"])
def test_i10_each_misreading_ruins_the_network(preset, seed):
    claims = found(replace(PRESETS[preset], seed=seed))
    assert claims["I10"].outcome is Outcome.HOLDS
    assert claims["E4"].outcome is claims["E5"].outcome is Outcome.FAILS


@seeds
def test_e4_rand_has_a_mean_and_saturates_every_unit(seed):
    e4 = found(Config(width=200, schemes=("misread_rand",), seed=seed))["E4"]
    assert e4.values["weight_mean"] == pytest.approx(0.5, abs=0.01)
    assert e4.values["saturated"] > 0.99


@seeds
def test_e5_too_large_saturates_and_too_small_vanishes(seed):
    schemes = ("misread_times_sqrt", "misread_divided_by_n", "xavier")
    result = run(Config(width=200, schemes=schemes, seed=seed))
    assert list(fates(result).values()) == ["saturates", "vanishes", "alive"]
    (_, e5) = findings(result)
    assert e5.outcome is Outcome.FAILS and e5.values["divided"] < 1e-8


@seeds
def test_fans_agree_by_construction_on_equal_widths_and_differ_on_tapered_ones(seed):
    both = Config(width=200, schemes=("glorot", "xavier"), seed=seed)
    equal = found(both)["I10b"]
    assert equal.identity and equal.outcome is Outcome.HOLDS
    assert equal.values["both"] == equal.values["fan_in"]
    tapered = found(replace(both, taper=5))["I10b"]
    assert not tapered.identity and tapered.outcome is Outcome.FAILS
    assert tapered.values["both"] < 0.5 * tapered.values["fan_in"]


def test_one_layer_forgives_a_division_by_n():
    claims = found(PRESETS["shallow"])
    assert claims["I10"].outcome is Outcome.FAILS
    assert claims["E5"].outcome is Outcome.HOLDS
    assert claims["E5"].values["harmless"] == "misread_divided_by_n"


@pytest.mark.parametrize(
    ("std", "outcome"), [(1.5, Outcome.FAILS), (1.1, Outcome.UNCLEAR), (0.5, Outcome.HOLDS)]
)
def test_a_std_near_the_bar_is_not_clear(std, outcome):
    result = run(Config(width=50, depth=1, schemes=("misread_divided_by_n", "xavier")))
    near = result.std.copy()
    near[0, -1] = std * ALIVE[0]
    assert findings(replace(result, std=near))[0].outcome is outcome


def test_only_what_was_drawn_is_claimed():
    small = Config(width=50, depth=3)
    claims = {
        schemes: set(found(replace(small, schemes=schemes)))
        for schemes in (("xavier",), ("misread_rand",), ("glorot", "xavier"))
    }
    assert list(claims.values()) == [{"alive"}, {"I10", "E4"}, {"I10b"}]
    assert "std" not in found(replace(small, schemes=("misread_rand",)))["I10"].values


def test_schemes_share_their_draws():
    small = Config(width=50, depth=3)
    alone, among = (run(replace(small, schemes=s)) for s in (("xavier",), SCHEMES))
    np.testing.assert_array_equal(alone.std[0], among.std[-1])
