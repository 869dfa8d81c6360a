"""Claim A1 over several seeds."""

import pytest

from core.experiments.activations.nonlinearity import DIFFERENCE, PRESETS, Config, findings, run

SEEDS = range(5)


def a1(config):
    (finding,) = findings(run(config))
    return finding


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("preset", ["xor", "deep", "spirals", "moons", "narrow"])
def test_a1_a_linear_stack_is_one_affine_map_and_a_nonlinear_one_learns(preset, seed):
    finding = a1(Config(**{**PRESETS[preset].__dict__, "seed": seed}))
    assert finding.holds
    assert finding.values["difference"] <= DIFFERENCE


@pytest.mark.parametrize("seed", SEEDS)
def test_a1_on_xor_the_linear_stack_stays_below_its_bar(seed):
    values = a1(Config(seed=seed)).values
    assert values["linear"] <= 0.78 and values["nonlinear"] >= 0.95


@pytest.mark.parametrize("seed", SEEDS)
def test_six_sigmoid_layers_do_not_learn_it_either(seed):
    finding = a1(Config(**{**PRESETS["sigmoid"].__dict__, "seed": seed}))
    assert not finding.holds
    assert finding.values["difference"] <= DIFFERENCE
