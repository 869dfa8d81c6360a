"""Claim B2 over fresh seeds: what batch norm keeps, after the nonlinearity, and below eps."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.batchnorm.distribution.experiment import (
    PRESETS,
    SCALES,
    SPREAD,
    UNIT,
    Config,
    fates,
    findings,
    half_scale,
    run,
    takes_over,
)
from core.lab.finding import Outcome
from core.nn.activations import ACTIVATIONS

HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR


def found(config):
    return {f.claim: f for f in findings(run(config))}


@pytest.mark.parametrize("seed", range(201, 203))
def test_b2_every_layer_stays_spread_whatever_the_scale(seed):
    result = run(Config(seed=seed))
    for scale in SCALES[2:]:
        looked = replace(result, config=replace(result.config, weight_scale=scale))
        b2, identity, eps = findings(looked)
        assert b2.outcome is HOLDS and b2.values["least"] > 0.58
        assert identity.identity and identity.values["difference"] < 1e-12
        assert eps.outcome is HOLDS
    assert (result.unit_std[0, :5, -1] < 1e-9).all() and (result.saturated[0, -1] > 0.8).all()


@pytest.mark.parametrize(
    ("preset", "claim", "outcome", "without", "normalized"),
    [
        ("lecture", "B2", HOLDS, "collapses", "spread"),
        ("large", "B2", HOLDS, "saturates", "spread"),
        ("eps_wins", "B2", FAILS, "collapses", "collapses"),
        ("small_eps", "B2", HOLDS, "collapses", "spread"),
        ("after", "B2c", FAILS, "collapses", "fades"),
        ("relu", "B2", HOLDS, "explodes", "spread"),
    ],
)
def test_what_becomes_of_the_outputs(preset, claim, outcome, without, normalized):
    result = run(PRESETS[preset])
    first = findings(result)[0]
    assert (first.claim, first.outcome) == (claim, outcome)
    assert fates(result) == {"without": without, "with": normalized}


def test_after_the_nonlinearity_outputs_neither_die_nor_forget_the_scale():
    result = run(Config(placement="after"))
    std = result.unit_std[1]
    np.testing.assert_allclose(std[4], 0.1, rtol=0.1)  # the same in every layer
    np.testing.assert_allclose(std[2] / std[4], 0.1, rtol=0.1)  # and as large as the weights
    assert [f.claim for f in findings(result)] == ["B2c"]
    large = found(Config(placement="after", weight_scale=1.0))["B2c"]
    assert large.outcome is FAILS and large.because == "saturates"
    assert found(Config(placement="after", weight_scale=0.1))["B2c"].outcome is HOLDS


@pytest.mark.parametrize("eps", [1e-5, 1e-3])
def test_eps_takes_over_where_it_exceeds_the_variance_of_the_sums(eps):
    result = run(Config(eps=eps))
    half = half_scale(result)
    assert half == pytest.approx(takes_over(result.config), rel=0.5)
    assert found(Config(eps=eps))["B2"].outcome is HOLDS
    assert half_scale(run(Config(eps=1e-7, depth=2))) is None


def test_a_std_near_the_bar_is_not_clear():
    result = run(Config(depth=2))
    near = result.unit_std.copy()
    near[1, result.chosen, 0] = 1.02 * SPREAD * UNIT["tanh"]
    assert findings(replace(result, unit_std=near))[0].outcome is UNCLEAR


def test_scales_share_the_draws():
    result = run(Config(depth=2, activation="relu"))
    np.testing.assert_allclose(result.unit_std[0, -1] / result.unit_std[0, 0], [1e4, 1e8])


@pytest.mark.parametrize("name", UNIT)
def test_the_std_of_a_function_of_unit_gaussians(name):
    z = np.random.default_rng(0).standard_normal(200_000)
    assert ACTIVATIONS[name].value(z).std() == pytest.approx(UNIT[name], rel=0.02)
