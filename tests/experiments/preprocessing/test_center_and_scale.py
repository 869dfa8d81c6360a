"""Claim P1 over several seeds, and on tables of a visitor's own."""

from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from core.experiments import load
from core.experiments.preprocessing.center_and_scale.experiment import (
    EXAMPLES,
    MOST_POINTS,
    PRESETS,
    STAGES,
    Config,
    Result,
    evenly,
    findings,
    run,
    stages_of,
)
from core.lab.finding import Outcome
from core.lab.table import Table
from core.lab.words import heading, sentence

HOLDS, FAILS, UNCLEAR = Outcome
SEEDS = range(11, 16)
RAW, CENTRED, NORMALIZED, WHITENED = range(len(STAGES))


def found(result):
    return {f.claim: f for f in findings(result)}


def table(x, labels=None, classes=()):
    names = tuple(f"col {j}" for j in range(x.shape[1]))
    return Table("mine.csv", names, np.asarray(x, float), labels, classes)


def draws(rows, columns=2):
    return np.random.default_rng(0).standard_normal((rows, columns))


@pytest.fixture(scope="module")
def default() -> Result:
    return run(Config())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("preset", PRESETS)
def test_claims_over_seeds(preset, seed):
    result = run(replace(PRESETS[preset], seed=seed))
    said = found(result)
    assert [said[c].outcome for c in ("P1", "P1b", "P1c", "P1d")] == [HOLDS, HOLDS, FAILS, HOLDS]
    assert said["P1c"].misreading and 0.3 < said["P1c"].values["beyond"] < 0.65
    assert 2 < said["P1c"].values["furthest"] < 5
    assert abs(said["P1b"].values["before"] - result.config.correlation) < 0.2


def test_stages_equal_scikit_learn_s():
    x = draws(60) @ [[2, 1], [0, 3]] + [5, -7]
    ours = stages_of(x)
    np.testing.assert_allclose(ours[CENTRED], StandardScaler(with_std=False).fit_transform(x))
    np.testing.assert_allclose(ours[NORMALIZED], StandardScaler().fit_transform(x), atol=1e-12)
    peer = PCA(whiten=True, svd_solver="full").fit_transform(x) * np.sqrt(60 / 59)
    np.testing.assert_allclose(np.abs(ours[WHITENED]), np.abs(peer), atol=1e-12)


def test_what_each_stage_sets_and_leaves(default):
    std, correlation = default.std, default.correlation
    np.testing.assert_allclose(std[CENTRED], std[RAW])
    np.testing.assert_allclose(std[[NORMALIZED, WHITENED]], 1)
    np.testing.assert_allclose(correlation[[CENTRED, NORMALIZED]], correlation[RAW])
    assert abs(correlation[WHITENED]) < 1e-9 and not default.table
    np.testing.assert_allclose(default.mean[1:], 0, atol=1e-12)


def test_pixels_that_never_vary_are_named(default):
    said = found(default)["P1d"]
    assert said.values["constant"] == "pixel 0, pixel 32, pixel 39" and said.because == "constant"
    assert said.values["largest_name"] == "pixel 31"
    assert said.values["largest"] == pytest.approx(26.8, abs=0.1)


def test_identities_can_fail(default):
    assert found(replace(default, mean=default.mean + 1e-6))["P1"].outcome is FAILS
    assert found(replace(default, std=default.std * (1 + 1e-6)))["P1"].outcome is FAILS
    correlation = default.correlation + 1e-6 * np.eye(4)[NORMALIZED]
    assert found(replace(default, correlation=correlation))["P1b"].outcome is FAILS
    assert found(replace(default, sizes=default.sizes + 1))["P1d"].outcome is FAILS


@pytest.mark.parametrize("beyond, outcome", [(0.0, HOLDS), (0.04, UNCLEAR), (0.2, FAILS)])
def test_p1c_near_its_bar(default, beyond, outcome):
    assert found(replace(default, beyond=beyond))["P1c"].outcome is outcome


def test_two_values_lie_at_one_std():
    result = run(Config(), table(np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 5)))
    assert result.furthest == 1 and found(result)["P1c"].outcome is HOLDS


def test_a_table_takes_the_clouds_place():
    x = draws(1000, 3) * [1, 20, 3] + [100, 0, 5]
    result = run(Config(), table(x))
    assert result.table and result.names == ("col 0", "col 1") and result.classes == ()
    np.testing.assert_allclose(result.mean[RAW], x[:, :2].mean(axis=0))
    np.testing.assert_allclose(result.std[RAW], x[:, :2].std(axis=0))
    assert result.points.shape == (4, MOST_POINTS, 2) and result.features[2] == "col 2"
    np.testing.assert_array_equal(result.points[RAW, [0, -1]], x[[0, -1], :2])
    other = run(Config(offset=-3.0, scale=5, correlation=0.0, seed=9), table(x))
    for field in fields(Result)[1:]:
        np.testing.assert_equal(getattr(result, field.name), getattr(other, field.name))


def test_rows_are_picked_evenly():
    assert evenly(3, 400).tolist() == [0, 1, 2]
    picked = evenly(1000, 400)
    assert len(set(picked.tolist())) == 400 and set(np.diff(picked)) <= {2, 3}
    assert run(Config()).points.shape[1] == EXAMPLES


def test_up_to_three_classes_are_told_apart():
    x, labels = draws(40), np.arange(40) % 4
    told = run(Config(), table(x, labels % 3, ("a", "b", "c")))
    assert told.classes == ("a", "b", "c") and told.labels.tolist() == (labels % 3).tolist()
    many = run(Config(), table(x, labels, ("a", "b", "c", "d")))
    assert many.classes == () and not many.labels.any()


def test_a_column_that_never_varies_is_named_and_not_divided():
    x = np.stack([np.arange(30.0), np.full(30, 0.1), np.full(30, 1e6 / 3)], axis=1)
    result = run(Config(), table(x))
    said = found(result)
    assert np.isfinite(result.points).all() and not result.points[1:, :, 1].any()
    assert "P1b" not in said  # there is no correlation
    assert said["P1"].holds and said["P1"].because == "table_constant"
    assert said["P1"].values["constant"] == "col 1"
    assert said["P1d"].values["constant"] == "col 1, col 2"
    np.testing.assert_allclose(result.std, [[x[:, 0].std(), 0], [x[:, 0].std(), 0], [1, 0], [1, 0]])


ROWS = np.arange(50.0)
TABLES = {
    "three classes": table(draws(150, 4) + 3, np.arange(150) % 3, ("one", "two", "three")),
    "one class": table(draws(9), np.zeros(9, int), ("all",)),
    "far": table(1e14 + 1e13 * draws(3000)),
    "tiny": table(1e-12 * draws(20)),
    "unlike scales": table(draws(60) * [1, 1e6]),
    "on a line": table(np.stack([ROWS, 3 * ROWS + 1], axis=1)),
    "equal columns": table(np.stack([ROWS, ROWS], axis=1)),
    "first constant": table(np.stack([np.ones(50), ROWS, ROWS**2], axis=1)),
    "three rows": table(np.array([[1, 2], [3, 5], [4, 4]])),
    "many columns": table(draws(20, 100)),
    "many constant": table(np.concatenate([draws(20), np.ones((20, 9))], axis=1)),
}


@pytest.mark.parametrize("name", TABLES)
def test_any_table_speaks_and_draws(name):
    experiment, config = load("preprocessing", "center-and-scale"), asdict(Config())
    result = run(Config(), TABLES[name])
    said = findings(result)
    assert said[0].outcome is HOLDS
    words = [sentence(experiment.words, finding, config) for finding in said]
    assert all("nan" not in text and "{" not in text for text in words)
    assert "cloud" not in heading(experiment.words, said, config)
    for view in experiment.views.values():
        frames = view(result, [result]).spec()["datasets"].values()
        assert sum(map(len, frames)) < 2000
