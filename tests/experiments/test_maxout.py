"""Claim A12 and misreading E2 over several seeds."""

import numpy as np
import pytest

from core.experiments.activations.maxout import (
    EQUAL,
    PRESETS,
    Config,
    clipped_line,
    findings,
    run,
)

SEEDS = range(5)


def found(config):
    return {f.claim: f for f in findings(run(config))}


@pytest.mark.parametrize("seed", SEEDS)
def test_a12_maxout_contains_relu_never_dies_and_doubles_the_parameters(seed):
    a12 = found(Config(seed=seed))["A12"]
    assert a12.holds
    assert a12.values["difference"] <= EQUAL
    assert a12.values["ratio"] == 2
    assert a12.values["no_gradient"] == 0 < a12.values["no_gradient_relu"]
    assert a12.values["accuracy"] > 0.95


@pytest.mark.parametrize("seed", SEEDS)
def test_at_a_high_rate_relu_units_die_and_maxout_units_do_not(seed):
    result = run(Config(**{**PRESETS["dies"].__dict__, "seed": seed}))
    assert result.dead[0] == 0 < 0.5 <= result.dead[1]


def test_a_diverged_maxout_network_is_said_not_to_hold():
    assert not found(PRESETS["diverges"])["A12"].holds


@pytest.mark.parametrize("seed", SEEDS)
def test_e2_leaky_relu_adds_no_parameters(seed):
    e2 = found(Config(seed=seed))["E2"]
    assert not e2.holds
    assert e2.values["leaky"] == e2.values["relu"] == e2.values["maxout"] / 2


def test_a_line_is_clipped_to_the_square():
    ends = clipped_line(np.array([1.0, 1.0]), 0.0, 1.0)
    np.testing.assert_allclose(sorted(ends.tolist()), [[-1, 1], [1, -1]])
    assert np.isnan(clipped_line(np.array([1.0, 0.0]), -2.0, 1.0)).all()
