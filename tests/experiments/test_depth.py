"""Claims I2 to I7 over several seeds, and the lecture's printed numbers."""

import numpy as np
import pytest

from core.experiments.initialization.depth import PRESETS, PRINTED_STD, Config, findings, run
from core.results import reference

SEEDS = range(5)


def found(config):
    return {f.claim: f for f in findings(run(config))}


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS)
def test_i2_i3_i4_tanh_dies_saturates_or_keeps_its_spread(seed):
    claims = found(Config(seed=seed))
    assert claims["I2"].holds and claims["I3"].holds and claims["I4"].holds
    assert claims["I3"].values["backward"] > 1  # E8: it grows, it does not vanish


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS)
def test_i5_i6_relu_fades_with_xavier_and_keeps_with_he(seed):
    claims = found(Config(activation="relu", schemes=("xavier", "he"), seed=seed))
    assert claims["I5"].holds and claims["I6"].holds


@pytest.mark.parametrize("seed", SEEDS)
def test_i7_sigmoid_piles_up_or_loses_its_power(seed):
    config = PRESETS["sigmoid"]
    claims = found(Config(**{**config.__dict__, "seed": seed}))
    assert claims["I7"].holds


def test_i2_does_not_hold_in_a_shallow_net():
    assert not found(PRESETS["shallow"])["I2"].holds


def test_the_slides_numbers_lie_in_the_band_of_40_seeds():
    measured = reference("initialization", "depth")
    for (activation, scheme), slide in PRINTED_STD.items():
        mean, deviation = measured[f"{activation}.{scheme}"][:, : len(slide)]
        rounding = 5e-7  # the slide prints six digits
        assert (np.abs(np.array(slide) - mean) <= 4 * deviation + rounding).all()


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_lies_in_the_band_of_40_seeds(seed):
    measured = reference("initialization", "depth")
    for activation, schemes in {
        "tanh": ("small", "large", "xavier"),
        "relu": ("xavier", "he"),
    }.items():
        result = run(Config(activation=activation, schemes=schemes, seed=seed))
        for row, scheme in enumerate(schemes):
            mean, deviation = measured[f"{activation}.{scheme}"]
            assert (np.abs(result.std[row] - mean) <= 4 * deviation).all()


def test_schemes_share_their_draws():
    one, other = (run(Config(depth=3, width=20, schemes=s)) for s in (("he",), ("xavier", "he")))
    np.testing.assert_array_equal(one.std[0], other.std[1])
