"""Claim H6 on fresh seeds, what decides it, the misreading of spacing, and the real surface."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core.experiments.hpo.grid_vs_random.experiment import (
    KEPT,
    LAYOUTS,
    PRESETS,
    REPEATS,
    WINDOWS,
    Config,
    findings,
    run,
)
from core.experiments.hpo.grid_vs_random.surface import (
    FILE,
    LEARNING_RATE,
    REG,
    load_surface,
    middles,
    settings,
    train_cells,
)
from core.lab.finding import Outcome
from tests.experiments.seeds import each_seed


def found(config):
    return {f.claim: f for f in findings(run(config))}


@each_seed
@pytest.mark.parametrize("preset", ["lecture", "wider", "digits"])
def test_h6_random_points_win_where_one_parameter_matters(preset, seed):
    said = found(replace(PRESETS[preset], seed=seed))
    assert said["H6"].outcome is Outcome.HOLDS
    assert said["E29"].outcome is Outcome.FAILS and said["E29"].misreading


@each_seed
@pytest.mark.parametrize("preset", ["wide", "both", "digits_narrow", "digits_both"])
def test_h6_the_grid_wins_where_most_is_good_or_both_matter(preset, seed):
    said = found(replace(PRESETS[preset], seed=seed))
    assert said["H6"].outcome is Outcome.FAILS and "E29" not in said


@pytest.mark.parametrize("band", [0.05, 0.1, 0.2, 0.3])
def test_rates_are_those_that_can_be_computed(band):
    result = run(Config(band=band, second=0.0))
    expected = {"grid": 3 * band, "random": 1 - (1 - band) ** 9, "latin": min(9 * band, 1)}
    for layout, rate in expected.items():
        assert result.rate(layout) == pytest.approx(rate, abs=4 * 0.5 / REPEATS**0.5)


def test_h6_equal_rates_are_not_clear():
    result = run(Config())
    best = result.best.copy()
    best[0] = best[1][::-1]
    assert findings(replace(result, best=best))[0].outcome is Outcome.UNCLEAR


def test_e29_would_hold_if_equally_spaced_values_did_worse_than_a_grid():
    result = run(Config())
    best = result.best.copy()
    best[list(LAYOUTS).index("latin")] = 0
    assert findings(replace(result, best=best))[2].outcome is Outcome.HOLDS
    best[list(LAYOUTS).index("latin")] = best[0]
    assert findings(replace(result, best=best))[2].outcome is Outcome.UNCLEAR


@pytest.mark.parametrize("values", [2, 3, 5])
def test_layouts_have_as_many_points_and_try_few_or_many_values(values):
    result = run(Config(values=values))
    points = dict(zip(LAYOUTS, result.points))
    for layout, places in points.items():
        assert places.shape == (KEPT, values**2, 2)
        assert places.min() >= 0 and places.max() <= 1
        distinct = values if layout in ("grid", "uneven") else values**2
        for axis in (0, 1):
            assert all(len(np.unique(s[:, axis].round(9))) == distinct for s in places), layout
    spacing = np.diff(np.sort(points["latin"], axis=1), axis=1)
    np.testing.assert_allclose(spacing, values**-2, atol=1e-9)
    assert result.distinct.tolist() == [values, values**2, values**2, values**2, values]


def test_the_drawn_search_changes_nothing_else():
    first, other = (run(Config(search=search)) for search in (1, 2))
    np.testing.assert_array_equal(first.best, other.best)


def test_the_surface_says_how_it_was_trained():
    with np.load(FILE) as stored:
        assert json.loads(str(stored["settings"])) == settings()
        np.testing.assert_allclose(stored["learning_rate"], middles(LEARNING_RATE))
        np.testing.assert_allclose(stored["reg"], middles(REG))
    assert load_surface().shape == (60, 60)
    for first, second in WINDOWS.values():
        assert LEARNING_RATE.low <= first.low and first.high <= LEARNING_RATE.high
        assert REG.low <= second.low and second.high <= REG.high


def retrained(cells, rng):
    """Return stored and retrained accuracies of some cells, where training is not chaotic."""
    calm = np.argwhere(load_surface()[:, LEARNING_RATE.at(np.arange(60) / 60) < 0.3] > 0.2)
    row, column = rng.choice(calm, cells, replace=False).T
    again = train_cells(middles(LEARNING_RATE)[column], middles(REG)[row])
    return load_surface()[row, column], again


def test_a_sample_of_the_surface_is_what_training_gives():
    stored, again = retrained(6, np.random.default_rng(0))
    np.testing.assert_allclose(stored, again, atol=0.01)


@pytest.mark.full
def test_a_larger_sample_of_the_surface_is_what_training_gives():
    stored, again = retrained(100, np.random.default_rng(1))
    assert np.abs(stored - again).mean() < 0.002
