"""Clouds as their knobs say, and what prepares them against scikit-learn."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from core.experiments.preprocessing.clouds import cloud, prepared


def test_a_cloud_has_the_moments_of_its_knobs():
    z = np.random.default_rng(0).standard_normal((200_000, 2))
    x = cloud(z, offset=2.0, scale=3.0, correlation=0.6)
    np.testing.assert_allclose(x.mean(axis=0), [2, 6], atol=0.03)
    np.testing.assert_allclose(x.std(axis=0), [1, 3], rtol=0.01)
    assert np.corrcoef(x.T)[0, 1] == pytest.approx(0.6, abs=0.01)


def test_stages_equal_scikit_learn_s():
    x = cloud(np.random.default_rng(1).standard_normal((100, 2)), 1.0, 3.0, 0.5)
    ours = prepared(x)
    assert ours["raw"] is x
    for stage, scaler in {
        "centred": StandardScaler(with_std=False),
        "normalized": StandardScaler(),
    }.items():
        np.testing.assert_allclose(ours[stage], scaler.fit_transform(x), atol=1e-12)
    peer = PCA(whiten=True, svd_solver="full").fit_transform(x) * np.sqrt(100 / 99)
    np.testing.assert_allclose(np.abs(ours["whitened"]), np.abs(peer), atol=1e-12)
