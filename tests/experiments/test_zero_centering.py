"""Claim A4 and misreading E9 over several seeds."""

import numpy as np
import pytest

from core.experiments.activations.zero_centering import (
    BATCHES,
    MEANS,
    TARGET,
    Config,
    findings,
    run,
    squared_error_gradient,
)

SEEDS = range(5)


def found(**knobs):
    return {f.claim: f for f in findings(run(Config(**knobs)))}


@pytest.mark.parametrize("seed", SEEDS)
def test_a4_positive_inputs_force_one_sign_and_a_detour(seed):
    a4 = found(seed=seed)["A4"]
    assert a4.holds
    assert a4.values["agreement"] == 1
    assert abs(a4.values["centred"] - 0.5) < 0.03
    assert a4.values["steps_ratio"] > 1.5
    assert a4.values["path"] > a4.values["path_centred"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a4_does_not_hold_for_zero_centred_inputs(seed):
    assert not found(inputs="shifted", mean=0.0, seed=seed)["A4"].holds


@pytest.mark.parametrize("seed", SEEDS)
def test_agreement_rises_with_the_mean_as_the_lecture_says(seed):
    result = run(Config(seed=seed))
    single = result.by_mean[BATCHES.index(1)]
    for mean, share in {0.0: 0.5, 0.25: 0.52, 0.5: 0.59, 1.0: 0.73, 2.0: 0.95}.items():
        assert abs(single[np.flatnonzero(mean == MEANS)[0]] - share) < 0.04


@pytest.mark.parametrize("seed", SEEDS)
def test_e9_a_batch_softens_it(seed):
    shares = [found(batch_size=b, seed=seed)["E9"].values["updates"] for b in BATCHES]
    assert shares[0] == 1
    assert all(share < 0.95 for share in shares[1:])


def test_positive_inputs_reach_two_sign_patterns_of_any_dimension():
    result = run(Config())
    dimension = np.arange(2, 11)
    np.testing.assert_array_equal(result.patterns[1], 2.0 ** (1 - dimension))
    assert (result.patterns[0] > 0.99).all()


def test_gradient_is_the_numerical_one():
    rng = np.random.default_rng(0)
    x, weight, direction = (rng.standard_normal(s) for s in ((5, 2), (2, 1), (2, 1)))
    target = TARGET[:, None]

    def loss(w):
        return 0.5 * ((x @ (w - target)) ** 2).mean()

    h = 1e-6
    numerical = (loss(weight + h * direction) - loss(weight - h * direction)) / (2 * h)
    analytic = (squared_error_gradient(x, weight, target) * direction).sum()
    assert abs(analytic - numerical) < 1e-6 * abs(numerical)
