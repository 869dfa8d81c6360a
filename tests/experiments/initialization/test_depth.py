"""Claims I2 to I7 over several seeds, and the lecture's printed numbers."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.experiments.initialization.depth import printed
from core.experiments.initialization.depth.experiment import (
    DIED,
    PRESETS,
    SCHEMES,
    Config,
    band_of,
    fates,
    findings,
    from_inputs,
    histograms,
    run,
    tables,
)
from core.lab.finding import Outcome
from core.lab.results import reference

ROOT = Path(__file__).parents[3]
SEEDS = range(101, 106)
HOLDS, FAILS, UNCLEAR = Outcome.HOLDS, Outcome.FAILS, Outcome.UNCLEAR
seeds = pytest.mark.parametrize("seed", SEEDS)


def found(config):
    return {f.claim: f for f in findings(run(config))}


@pytest.mark.full
@seeds
def test_i2_i3_i4_tanh_dies_saturates_or_keeps_its_spread(seed):
    claims = found(Config(seed=seed))
    assert all(claims[c].outcome is HOLDS for c in ("I2", "I2b", "I3", "I4"))
    assert claims["E8"].outcome is FAILS and claims["E8"].values["backward"] > 3
    assert claims["E17"].outcome is FAILS


@pytest.mark.full
@seeds
def test_i5_i6_relu_fades_with_xavier_and_keeps_with_he(seed):
    claims = found(Config(activation="relu", schemes=("xavier", "he"), seed=seed))
    assert claims["I5"].outcome is HOLDS and claims["I6"].outcome is not FAILS


@seeds
def test_e16_scaled_draws_have_the_same_zeros_by_construction(seed):
    config = Config(activation="relu", schemes=("xavier", "he"), width=50, seed=seed)
    result = run(config)
    e16 = findings(result)[-1]
    assert e16.identity and e16.outcome is FAILS
    np.testing.assert_array_equal(*result.zero)
    other = result.zero.copy()
    other[0, 2] += 0.01
    assert findings(replace(result, zero=other))[-1].outcome is HOLDS


@seeds
def test_i7_sigmoid_piles_up_loses_its_power_or_spreads_out(seed):
    result = run(replace(PRESETS["sigmoid"], seed=seed))
    claims = {f.claim: f for f in findings(result)}
    assert all(claims[c].outcome is HOLDS for c in ("I7", "I7b", "I7c"))
    assert claims["I7"].values["dz"] > 0.3  # 1.0 does not vanish in five layers
    assert claims["I7c"].values["last"] < 0.05 * claims["I7c"].values["first"]  # Xavier fades
    assert list(fates(result).values()) == ["collapses", "saturates", "fades"]


def test_i7_counts_what_lies_within_a_twentieth_of_the_ends():
    result = run(replace(PRESETS["sigmoid"], schemes=("large",), depth=1))
    rng = np.random.default_rng(0)
    out = rng.random(result.counts.sum())
    counts = np.histogram(out, np.linspace(0, 1, result.counts.shape[-1]))[0]
    edge = replace(result, counts=np.append(counts, 0)[None, None]).edge[0, 0]
    assert edge == ((out < 0.05) | (out >= 0.95)).mean()


def test_i2_does_not_hold_in_a_shallow_network():
    claims = found(PRESETS["shallow"])
    assert claims["I2"].outcome is FAILS and claims["I2b"].outcome is FAILS


@seeds
def test_i2b_is_not_clear_where_it_equals_its_bar_by_construction(seed):
    i2b = found(replace(PRESETS["relu_small"], seed=seed))["I2b"]
    assert i2b.values["dw"] == pytest.approx((0.01 / 0.1) ** 4, rel=1e-6)
    assert i2b.outcome is UNCLEAR


@seeds
def test_i5_i6_one_small_network_scatters_too_much(seed):
    claims = found(replace(PRESETS["relu_small"], seed=seed))
    assert claims["I5"].outcome is claims["I6"].outcome is UNCLEAR


def test_i6_fails_where_the_std_grows_at_every_layer():
    result = run(Config(activation="relu", schemes=("he",), depth=3, width=200))
    growing = replace(result, std=np.array([[1.0, 1.5, 2.25]]))
    assert findings(growing)[0].outcome is FAILS


@pytest.mark.parametrize(("factor", "outcome"), [(0.8, HOLDS), (0.95, UNCLEAR), (1.2, FAILS)])
def test_a_std_near_the_bar_is_not_clear(factor, outcome):
    result = run(Config(depth=3, width=20))
    near = result.std.copy()
    near[0, -1] = factor * DIED
    assert findings(replace(result, std=near))[0].outcome is outcome


def test_i3_fails_where_few_inputs_make_small_sums():
    assert found(Config(width=20, depth=3, schemes=("large",)))["I3"].outcome is FAILS


def test_only_what_was_measured_is_claimed():
    assert set(found(Config(depth=1, width=20, schemes=("small",)))) == {"I2"}
    assert set(found(Config(depth=1, width=20, schemes=("he",)))) == {"alive"}
    deep = found(Config(depth=11, width=20))
    assert "dw" not in deep["I2b"].values and deep["I2b"].because == "dz"
    relu = found(Config(depth=1, width=20, activation="relu", schemes=("xavier", "he")))
    assert list(relu) == ["alive", "E16"]


@pytest.mark.parametrize(
    ("scheme", "activation", "fate"),
    [
        ("small", "tanh", "collapses"),
        ("large", "tanh", "saturates"),
        ("he", "tanh", "alive"),
        ("large", "relu", "explodes"),
        ("xavier", "relu", "fades"),
    ],
)
def test_what_becomes_of_a_scheme(scheme, activation, fate):
    config = Config(activation=activation, schemes=(scheme,), width=200)
    assert fates(run(config)) == {scheme: fate}


def test_every_printed_number_lies_in_the_band_of_40_seeds():
    rounding = 5e-7  # the slide prints six digits
    checked = 0
    for name, cases in printed.PRINTED.items():
        for (activation, scheme), numbers in cases.items():
            band = band_of(Config(activation=activation), scheme, name)
            told = np.array([printed.OF_INPUTS.get((activation, name), np.nan), *numbers])
            low, high = band[:, : len(told)]
            inside = (low - rounding <= told) & (told <= high + rounding)
            assert inside[~np.isnan(told)].all(), (name, activation, scheme)
            checked += inside.sum()
    assert checked == 10 + 10 + 1 + 1 + 10 + 5  # layers, and the inputs of each


@pytest.mark.full
@seeds
def test_a_run_lies_in_the_band_of_40_seeds(seed):
    measured = reference("initialization", "depth")
    for activation, schemes in {
        "tanh": ("small", "large", "xavier"),
        "relu": ("xavier", "he"),
    }.items():
        result = run(Config(activation=activation, schemes=schemes, seed=seed))
        for (scheme, name), seen in from_inputs(result).items():
            mean, deviation = measured[f"{activation}.{scheme}.{name}"]
            assert (np.abs(seen - mean) <= 4 * deviation).all()


def test_printed_numbers_are_shown_at_the_lectures_size_only():
    rows = tables(run(PRESETS["half"]))["printed"]
    assert len(rows["layer"]) == 33 and "0.213081" in rows["printed"]
    assert not tables(run(Config(depth=3, width=20)))["printed"]["layer"]


def test_schemes_share_their_draws():
    one, other = (run(Config(depth=3, width=20, schemes=s)) for s in (("he",), ("xavier", "he")))
    np.testing.assert_array_equal(one.std[0], other.std[1])


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_both_ranges_come_from_one_run_and_count_everything(activation):
    result = run(Config(depth=2, width=50, activation=activation, schemes=("xavier",)))
    for which, top in (("own", {"relu": 3}.get(activation, 1)), ("unit", 1)):
        counts, edges = histograms(replace(result, config=replace(result.config, range=which)))
        assert counts.shape == (1, 2, 31) and edges[-1] == pytest.approx(top)
        assert (counts.sum(axis=-1) == result.counts.sum(axis=-1)).all()
        assert (counts >= 0).all()


def test_the_unit_range_hides_half_of_tanh():
    counts, _ = histograms(run(Config(depth=3, width=100, schemes=("xavier",), range="unit")))
    assert counts[..., -1] / counts.sum(-1) == pytest.approx(0.5, abs=0.02)


@pytest.mark.full
@seeds
def test_a_wide_network_fades_saturates_or_keeps_its_spread(seed):
    result = run(replace(PRESETS["wide"], seed=seed))
    std = dict(zip(result.config.schemes, result.std[:, -1]))
    assert std["small"] < 0.1 and std["xavier"] > 0.25 and std["he"] > std["xavier"]
    assert result.saturated[1, -1] > 0.1
    assert not result.has_gradients
    assert findings(result)[0].outcome is FAILS


@pytest.mark.full
def test_a_wide_network_uses_all_that_it_is_told():
    result = run(Config(width=4096, depth=3, inputs="digits", schemes=("xavier",)))
    assert result.std.shape == (1, 3)
    assert result.input_std < 1.1 and result.std[0, 0] == pytest.approx(0.6, abs=0.1)


@pytest.mark.full
@pytest.mark.parametrize("costliest", ["depth=30", "depth=12, width=4096"])
def test_the_costliest_knobs_take_no_more_than_150_mb(costliest):
    code = (
        "import resource; from core.experiments.initialization.depth.experiment import *;"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; before = peak();"
        f"run(Config(schemes=SCHEMES, {costliest})); print(peak() - before)"
    )
    peak = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT)
    assert int(peak) < 150 * 1024  # KiB
    assert len(SCHEMES) == 5
