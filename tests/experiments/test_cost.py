"""Claim A5: what is measured, not how long it takes on the machine that runs the tests."""

import numpy as np
import pytest

from core.experiments.activations.cost import FUNCTIONS, PRESETS, Config, Result, findings, run


@pytest.mark.parametrize("preset", PRESETS.values())
def test_every_time_is_positive_and_relu_is_the_unit(preset):
    result = run(preset)
    assert (result.forward > 0).all() and (result.derivative > 0).all() and result.layer > 0
    assert result.ratio[FUNCTIONS.index("relu")] == 1
    assert ((result.share > 0) & (result.share < 1)).all()


def made_up(sigmoid):
    """Return a Result in which everything takes 1 ns but the functions with exp()."""
    times = dict.fromkeys(FUNCTIONS, 1.0) | dict.fromkeys(("sigmoid", "tanh", "elu"), sigmoid)
    time = np.array(list(times.values()))
    return Result(config=Config(), forward=time, derivative=time, layer=10.0)


@pytest.mark.parametrize("sigmoid, holds", [(3.0, True), (1.0, False)])
def test_a5_holds_only_if_every_function_with_exp_is_dearer(sigmoid, holds):
    (a5,) = findings(made_up(sigmoid))
    assert a5.holds is holds
    assert a5.values["sigmoid"] == sigmoid
    assert a5.values["share"] == pytest.approx(2 * sigmoid / (2 * sigmoid + 30))
