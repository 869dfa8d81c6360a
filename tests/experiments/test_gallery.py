"""Claim A2 and misreadings E1, E14, E19: properties computed from the functions."""

import numpy as np
import pytest

from core.experiments.activations.gallery import (
    FUNCTIONS,
    Config,
    findings,
    function_of,
    run,
    tables,
)


def found(**knobs):
    return {f.claim: f for f in findings(run(Config(**knobs)))}


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("slope", [0.01, 0.1, 0.5])
def test_a2_the_computed_properties_are_the_stated_ones(slope, alpha):
    assert found(slope=slope, alpha=alpha)["A2"].holds


def test_misreadings_do_not_hold():
    claims = found()
    assert not any(claims[claim].holds for claim in ("E1", "E14", "E19"))
    assert claims["E1"].values["low"] == pytest.approx(-1)
    assert claims["E14"].values["deep"] == pytest.approx(4.54e-5, rel=1e-2)
    assert claims["E19"].values["turned"] < 1e-12


def test_properties_of_the_functions_since_2017():
    rows = tables(run(Config(functions=FUNCTIONS)))["properties"]
    dies = dict(zip(rows["function"], rows["can die"]))
    assert [name for name in FUNCTIONS if dies[name]] == ["relu"]
    low = dict(zip(rows["function"], rows["range from"]))
    assert low["silu"] == pytest.approx(-0.278, abs=1e-3)
    assert low["gelu"] == pytest.approx(-0.17, abs=1e-2)


def test_operations_are_counted_and_only_the_exponential_functions_need_exp():
    rows = tables(run(Config(functions=FUNCTIONS)))["properties"]
    dear = {name for name, count in zip(rows["function"], rows["exponentials"]) if count}
    assert dear == set(FUNCTIONS) - {"relu", "leaky_relu", "linear"}
    counts = dict(zip(rows["function"], rows["operations"]))
    assert counts["tanh"] == 3  # tanh, y * y, 1 - that
    assert counts["gelu"] > counts["sigmoid"] > counts["relu"]


@pytest.mark.parametrize("x", [-5.0, -0.25, 0.25, 5.0])
def test_the_probe_reads_the_numerical_slope(x):
    config, h = Config(x=x), 1e-6
    result = run(config)
    for name, slope in zip(FUNCTIONS, result.local):
        down, up = function_of(name, config).value(np.array([x - h, x + h]))
        assert (up - down) / (2 * h) == pytest.approx(slope, rel=1e-6, abs=1e-9), name
