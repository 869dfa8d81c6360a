"""Claims I2 to I7 over several seeds, and the lecture's printed numbers."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.experiments.initialization.depth import (
    PRESETS,
    PRINTED,
    PRINTED_INPUT,
    Config,
    band_of,
    findings,
    from_inputs,
    run,
)
from core.results import reference

ROOT = Path(__file__).parents[2]
SEEDS = range(5)


def found(config):
    return {f.claim: f for f in findings(run(config))}


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS)
def test_i2_i3_i4_tanh_dies_saturates_or_keeps_its_spread(seed):
    claims = found(Config(seed=seed))
    assert claims["I2"].holds and claims["I3"].holds and claims["I4"].holds
    assert not claims["E8"].holds and claims["E8"].values["backward"] > 1
    assert not claims["E17"].holds


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS)
def test_i5_i6_relu_fades_with_xavier_and_keeps_with_he(seed):
    claims = found(Config(activation="relu", schemes=("xavier", "he"), seed=seed))
    assert claims["I5"].holds and claims["I6"].holds
    e16 = claims["E16"]
    assert not e16.holds  # the same draws, scaled, have the same signs
    assert e16.values["dead"] == e16.values["he_dead"] and e16.values["zero"] < 0.6


@pytest.mark.parametrize("seed", SEEDS)
def test_i7_sigmoid_piles_up_or_loses_its_power(seed):
    config = PRESETS["sigmoid"]
    claims = found(Config(**{**config.__dict__, "seed": seed}))
    assert claims["I7"].holds


def test_i2_does_not_hold_in_a_shallow_net():
    assert not found(PRESETS["shallow"])["I2"].holds


def test_every_printed_number_lies_in_the_band_of_40_seeds():
    rounding = 5e-7  # the slide prints six digits
    checked = 0
    for name, cases in PRINTED.items():
        for (activation, scheme), slide in cases.items():
            band = band_of(Config(activation=activation), scheme, name)
            slide = np.array([PRINTED_INPUT.get((activation, name), np.nan), *slide])
            low, high = band[:, : len(slide)]
            inside = (low - rounding <= slide) & (slide <= high + rounding)
            assert inside[~np.isnan(slide)].all(), (name, activation, scheme)
            checked += inside.sum()
    assert checked == 10 + 10 + 1 + 1 + 10 + 5  # layers, and the inputs of each


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
            for name in PRINTED:
                mean, deviation = measured[f"{activation}.{scheme}.{name}"]
                seen = from_inputs(result, name, row)
                assert (np.abs(seen - mean) <= 4 * deviation).all()


def test_schemes_share_their_draws():
    one, other = (run(Config(depth=3, width=20, schemes=s)) for s in (("he",), ("xavier", "he")))
    np.testing.assert_array_equal(one.std[0], other.std[1])


def test_the_unit_range_hides_half_of_tanh():
    result = run(Config(depth=3, width=100, schemes=("xavier",), range="unit"))
    outside = result.counts[..., -1] / result.counts.sum(-1)
    assert outside == pytest.approx(0.5, abs=0.02)


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS)
def test_a_wide_net_fades_saturates_or_keeps_its_spread(seed):
    result = run(replace(PRESETS["wide"], seed=seed))
    std = dict(zip(result.config.schemes, result.std[:, -1]))
    assert result.layers == 6
    assert std["small"] < 0.1 and std["xavier"] > 0.25 and std["he"] > std["xavier"]
    assert result.saturated[result.of("medium"), -1] > 0.1
    assert np.isnan(result.dz_std).all()
    assert not findings(result)[0].holds


@pytest.mark.full
def test_a_wide_net_stops_at_six_layers_and_takes_no_more_than_500_mb():
    code = (
        "import resource; from core.experiments.initialization.depth import Config, run;"
        "print(run(Config(width=4096, depth=30)).layers);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    layers, peak = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT).split()
    assert int(layers) == 6
    assert int(peak) < 500_000  # KiB
