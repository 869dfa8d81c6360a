"""Claim A2 and misreadings E1, E14, E15, E19: properties computed from the functions."""

import numpy as np
import pytest

from core.experiments.activations.gallery import experiment
from core.experiments.activations.gallery.experiment import (
    FLAT,
    FUNCTIONS,
    STATED,
    Config,
    findings,
    function_of,
    operations,
    probe,
    run,
    tables,
)
from core.lab.finding import Outcome
from core.nn.activations import Activation


def found(**knobs):
    return {f.claim: f for f in findings(run(Config(**knobs)))}


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("slope", [0.01, 0.1, 0.5])
def test_a2_the_computed_properties_are_the_stated_ones(slope, alpha):
    assert found(slope=slope, alpha=alpha)["A2"].holds


@pytest.mark.parametrize("name", STATED)
def test_a2_another_statement_does_not_hold(name, monkeypatch):
    low, high, centred, left, right, dies = STATED[name]
    for wrong in ((low - 1, high), (low, high - 0.5 if np.isfinite(high) else 5.0)):
        monkeypatch.setitem(STATED, name, (*wrong, centred, left, right, dies))
        if np.isfinite([low, high]).all() or wrong[1] != high:
            assert found()["A2"].outcome is Outcome.FAILS
    for swapped in ((not centred, left, right, dies), (centred, left, right, not dies)):
        monkeypatch.setitem(STATED, name, (low, high, *swapped))
        assert found()["A2"].outcome is Outcome.FAILS


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_misreadings_do_not_hold_for_the_alpha_that_is_chosen(alpha):
    claims = found(alpha=alpha)
    assert all(claims[claim].outcome is Outcome.FAILS for claim in ("E1", "E14", "E15", "E19"))
    assert claims["E1"].values["low"] == pytest.approx(-alpha)
    assert claims["E14"].values["deep"] == pytest.approx(4.54e-5 * alpha, rel=1e-2)
    assert 0 < claims["E14"].values["deep"] < FLAT
    assert claims["E19"].values["turned"] < 1e-12 < 0.9 < claims["E19"].values["mirrored"]


def test_the_heading_names_what_passes_least_and_most():
    values = found(functions=("sigmoid", "tanh", "relu"), x=2.0)["A2b"].values
    assert (values["least_name"], values["most_name"]) == ("tanh", "relu")
    assert values["least"] == pytest.approx(1 - np.tanh(2) ** 2) and values["most"] == 1
    assert found(functions=("relu",))["A2b"].because == "alone"
    assert found(functions=("relu", "leaky_relu"), x=5.0)["A2b"].because == "same"


@pytest.mark.parametrize("x", [-10.0, -5.0, 0.0, 2.0])
def test_a2b_the_slope_is_what_passes_back(x, monkeypatch):
    config = Config(functions=FUNCTIONS, x=x)
    result = run(config)
    assert findings(result)[0].claim == "A2b" and findings(result)[0].holds
    output, slopes = probe(config)
    monkeypatch.setattr(experiment, "probe", lambda _: (output, slopes + 0.01))
    assert findings(result)[0].outcome is Outcome.FAILS


def test_properties_of_the_other_functions():
    rows = tables(run(Config(functions=FUNCTIONS)))["properties"]
    dies = dict(zip(rows["function"], rows["can die"]))
    assert [name for name in FUNCTIONS if dies[name]] == ["relu"]
    low = dict(zip(rows["function"], rows["range from"]))
    assert low["silu"] == pytest.approx(-0.278, abs=1e-3)
    assert low["gelu"] == pytest.approx(-0.17, abs=1e-2)


def test_operations_are_counted_and_only_the_exponential_functions_need_exp():
    rows = tables(run(Config(functions=FUNCTIONS)))["properties"]
    exponential = {name for name, count in zip(rows["function"], rows["exponentials"]) if count}
    assert exponential == set(FUNCTIONS) - {"relu", "leaky_relu", "linear"}
    counts = dict(zip(rows["function"], rows["operations"]))
    assert counts["tanh"] == 3  # tanh, y * y, 1 - that
    assert counts["gelu"] > counts["sigmoid"] > counts["relu"]


def test_a_choice_between_arrays_is_an_operation():
    def halved(z, y):
        return np.where(z > 0, y, 0.5 * np.exp(z))  # greater, multiply, exp, where

    assert operations(Activation("halved", lambda z: z, halved)) == (4, 1)


@pytest.mark.parametrize("x", [-5.0, -0.25, 0.25, 5.0])
def test_the_probe_reads_the_numerical_slope(x):
    config, h = Config(x=x, functions=FUNCTIONS), 1e-6
    for name, slope in zip(FUNCTIONS, probe(config)[1]):
        down, up = function_of(name, config).value(np.array([x - h, x + h]))
        assert (up - down) / (2 * h) == pytest.approx(slope, rel=1e-6, abs=1e-9), name


def test_what_is_only_looked_at_is_not_computed(monkeypatch):
    one, other = run(Config()), run(Config(functions=("elu",), x=-3.0, upstream=2.0))
    for name in ("value", "slope", "low", "operations"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert experiment.LINE[::-1] == pytest.approx(-experiment.LINE)
