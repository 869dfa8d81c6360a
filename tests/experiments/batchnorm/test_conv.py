"""Claim B3 and misreadings E22 and E23 on fresh seeds: means per channel, and a shift."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments.batchnorm.conv.experiment import (
    CONV,
    FULLY_CONNECTED,
    KINDS,
    SIDE,
    Config,
    filtered,
    findings,
    per_channel,
    per_value,
    run,
)
from core.experiments.batchnorm.conv.picture import VIEWS, setting
from core.lab.finding import Outcome
from tests.experiments.seeds import each_seed


def found(result):
    return {f.claim: f for f in findings(result)}


@each_seed
@pytest.mark.parametrize("channels", [1, 3])
def test_b3_one_mean_per_channel_and_the_flattened_table_agrees(seed, channels):
    result = run(Config(seed=seed, channels=channels))
    b3 = found(result)["B3"]
    assert b3.holds and b3.identity and result.flattened < 1e-12
    assert result.means.tolist() == [channels, channels * SIDE * SIDE]
    assert b3.values["shared"] == 16 * SIDE * SIDE


def test_b3_fails_if_the_table_disagrees_or_the_count_is_wrong():
    result = run(Config())
    for other in ({"flattened": 1e-3}, {"means": np.array([192, 192])}):
        assert found(replace(result, **other))["B3"].outcome is Outcome.FAILS


@each_seed
def test_b3_means_are_over_examples_and_over_positions(seed):
    maps = np.random.default_rng(seed).normal(3, 2, (5, 2, SIDE, SIDE))
    out, means = per_channel(maps)
    np.testing.assert_allclose(means[0], maps.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(out.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    out, means = per_value(maps)
    np.testing.assert_allclose(means.reshape(2, SIDE, SIDE), maps.mean(axis=0))
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-12)


@each_seed
@pytest.mark.parametrize("batch_size", [4, 64])
def test_e22_no_other_mean_is_0(seed, batch_size):
    result = run(Config(seed=seed, batch_size=batch_size))
    e22 = found(result)["E22"]
    assert e22.misreading and e22.outcome is Outcome.FAILS
    assert result.channel_mean < 1e-12 < 1e-4 < min(result.map_spread, result.training_mean)
    assert found(replace(result, map_spread=0.0))["E22"].holds


@each_seed
@pytest.mark.parametrize("shift", [1, 4])
def test_e23_a_shift_passes_through_only_if_positions_share_a_mean(seed, shift):
    result = run(Config(seed=seed, shift=shift))
    e23 = found(result)["E23"]
    assert e23.misreading and e23.outcome is Outcome.FAILS
    conv, fully = result.changed
    assert conv < 1e-12 and 0.5 < fully < 3
    np.testing.assert_allclose(*result.shifted[CONV], atol=1e-12)


def test_e23_is_left_out_without_a_shift_and_unclear_near_the_bar():
    assert "E23" not in found(run(Config(shift=0)))
    result = run(Config())
    for fully, outcome in ((0.05, Outcome.HOLDS), (0.25, Outcome.UNCLEAR)):
        result.changed[FULLY_CONNECTED] = fully
        assert found(result)["E23"].outcome is outcome


def test_filters_see_their_neighbours_and_shift_with_the_image():
    rng = np.random.default_rng(0)
    images, filters = rng.random((2, SIDE, SIDE)), rng.standard_normal((3, 3, 3))
    maps = filtered(images, filters)
    around = images[1, 2:5, 3:6][::-1, ::-1]  # a convolution turns its filter around
    assert maps[1, 2, 3, 4] == pytest.approx((filters[2] * around).sum())
    moved = filtered(np.roll(images, 2, axis=2), filters)
    np.testing.assert_allclose(moved, np.roll(maps, 2, axis=3))


def test_the_pictures_say_who_shares_and_what_a_shift_changes():
    result = run(Config())
    groups, shift = (VIEWS[name](result, [result]).chart.to_json() for name in VIEWS)
    for words in ("192 means", "3 means", "one filter slides", "each place is a"):
        assert words in groups
    assert "one mean per channel: changed by" in shift and len(KINDS) == len(result.shifted)
    assert "mean" not in setting(result).chart.to_json()
