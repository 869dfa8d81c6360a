"""Preprocessing against scikit-learn, and in the corners where there is nothing to divide by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from core.lab.datasets import load_digits
from core.nn.preprocessing import FITS, fit_center, fit_pca, fit_standardizer, fit_whitener

tables = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8),
    elements=st.floats(-1e100, 1e100),
)


@pytest.fixture(scope="module")
def digits():
    return load_digits()


@pytest.fixture(scope="module")
def cloud():
    rng = np.random.default_rng(0)
    return rng.standard_normal((200, 5)) @ rng.standard_normal((5, 5)) + rng.uniform(-9, 9, 5)


def test_center_moves_the_mean_and_nothing_else(cloud):
    centered = fit_center(cloud).transform(cloud)
    np.testing.assert_allclose(centered.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.cov(centered.T), np.cov(cloud.T), rtol=1e-9)


def test_center_equals_scikit_learn_s_scaler_without_std(cloud):
    peer = StandardScaler(with_std=False).fit(cloud)
    np.testing.assert_allclose(fit_center(cloud).transform(cloud), peer.transform(cloud))


def test_standardize_equals_scikit_learn_s_scaler(digits):
    peer = StandardScaler().fit(digits.x_train)
    ours = fit_standardizer(digits.x_train)
    for split in (digits.x_train, digits.x_val):
        np.testing.assert_allclose(ours.transform(split), peer.transform(split), atol=1e-9)


def test_constant_pixels_of_the_digits_become_0(digits):
    constant = np.flatnonzero(np.ptp(digits.x_train, axis=0) == 0)
    assert constant.tolist() == [0, 32, 39]
    standardized = fit_standardizer(digits.x_train).transform(digits.x_train)
    assert not standardized[:, constant].any()
    np.testing.assert_allclose(np.delete(standardized, constant, 1).std(axis=0), 1, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.1, 1e6 / 3, -7e-5])
def test_rounding_does_not_make_a_constant_feature_vary(dtype, value):
    x = np.full((1000, 2), value, dtype)
    standardizer = fit_standardizer(x)
    assert standardizer.scale.tolist() == [1, 1]
    assert standardizer.transform(x) == pytest.approx(0, abs=1e-4 * abs(value))


@pytest.mark.parametrize("samples, features", [(300, 6), (4, 6)], ids=["tall", "wide"])
@pytest.mark.parametrize("whiten", [False, True])
def test_components_equal_scikit_learn_s_up_to_sign(samples, features, whiten):
    x = np.random.default_rng(1).standard_normal((samples, features)) * np.arange(1, features + 1)
    kept = min(samples - 1, features)
    peer = PCA(kept, whiten=whiten, svd_solver="full").fit(x)
    ours = fit_whitener(x) if whiten else fit_pca(x, kept)
    less_one = (samples - 1) / samples  # our variances divide by n, theirs by n - 1
    np.testing.assert_allclose(ours.variance, peer.explained_variance_ * less_one, rtol=1e-9)
    np.testing.assert_allclose(np.abs(ours.components.T), np.abs(peer.components_), atol=1e-9)
    scale = np.sqrt(less_one) if whiten else 1
    np.testing.assert_allclose(
        np.abs(ours.transform(x)) * scale, np.abs(peer.transform(x)), atol=1e-9
    )


def test_digits_projected_on_components_equal_scikit_learn_s(digits):
    peer = PCA(20, svd_solver="full").fit(digits.x_train)
    ours = fit_pca(digits.x_train, 20)
    np.testing.assert_allclose(
        np.abs(ours.transform(digits.x_val)), np.abs(peer.transform(digits.x_val)), atol=1e-9
    )


def test_whitened_digits_equal_scikit_learn_s_in_both_splits(digits):
    peer = PCA(61, whiten=True, svd_solver="full").fit(digits.x_train)
    ours = fit_whitener(digits.x_train)
    less_one = np.sqrt((len(digits.x_train) - 1) / len(digits.x_train))
    for split in (digits.x_train, digits.x_val):
        np.testing.assert_allclose(
            np.abs(ours.transform(split)) * less_one, np.abs(peer.transform(split)), atol=1e-6
        )


@pytest.mark.parametrize("whiten", [False, True])
def test_inverse_equals_scikit_learn_s(cloud, whiten):
    peer = PCA(5, whiten=whiten, svd_solver="full").fit(cloud)
    ours = fit_whitener(cloud) if whiten else fit_pca(cloud)
    signs = np.sign((ours.components * peer.components_.T).sum(axis=0))
    less_one = np.sqrt((len(cloud) - 1) / len(cloud)) if whiten else 1
    coordinates = np.random.default_rng(4).standard_normal((10, 5))
    np.testing.assert_allclose(
        ours.inverse_transform(coordinates),
        peer.inverse_transform(coordinates * signs * less_one),
    )


def test_pca_makes_the_covariance_diagonal_and_keeps_distances(cloud):
    pca = fit_pca(cloud)
    rotated = pca.transform(cloud)
    covariance = np.cov(rotated.T, bias=True)
    np.testing.assert_allclose(covariance, np.diag(pca.variance), atol=1e-9)
    assert np.all(np.diff(pca.variance) <= 0)
    np.testing.assert_allclose(
        np.linalg.norm(rotated[1:] - rotated[:-1], axis=1),
        np.linalg.norm(cloud[1:] - cloud[:-1], axis=1),
    )


def test_whitened_digits_have_the_identity_for_covariance_on_61_directions(digits):
    whitened = fit_whitener(digits.x_train).transform(digits.x_train)
    np.testing.assert_allclose(np.cov(whitened.T, bias=True), np.eye(61), atol=1e-9)


def test_statistics_come_from_the_training_split_alone(digits):
    for fit in FITS.values():
        fitted = fit(digits.x_train)
        both = fitted.transform(np.concatenate([digits.x_train, digits.x_val]))
        np.testing.assert_allclose(
            both[len(digits.x_train) :], fitted.transform(digits.x_val), atol=1e-12
        )
        assert np.abs(fitted.transform(digits.x_val).mean(axis=0)).max() > 1e-3


@pytest.mark.parametrize("fit", [fit_pca, fit_whitener])
def test_inverse_brings_the_data_back(cloud, fit):
    fitted = fit(cloud)
    np.testing.assert_allclose(fitted.inverse_transform(fitted.transform(cloud)), cloud, atol=1e-9)


def test_reconstruction_from_few_components_misses_their_variance(digits):
    x = digits.x_train
    kept, everything = fit_pca(x, 10), fit_pca(x)
    missed = ((kept.inverse_transform(kept.transform(x)) - x) ** 2).sum(axis=1).mean()
    assert missed == pytest.approx(everything.variance[10:].sum())


def test_rank_deficiency_leaves_directions_out(cloud):
    doubled = np.hstack([cloud, cloud @ np.ones((5, 2))])
    assert np.count_nonzero(fit_pca(doubled).variance) == 5
    assert fit_whitener(doubled).transform(doubled).shape == (200, 5)


def test_one_sample_has_no_variance():
    x = np.array([[1.0, 2, 3]])
    assert fit_pca(x).variance.tolist() == [0, 0, 0]
    assert fit_whitener(x).transform(x).shape == (1, 0)
    for fit in (fit_center, fit_standardizer, fit_pca):
        np.testing.assert_array_equal(fit(x).transform(x), [[0, 0, 0]])


def test_one_feature_is_whitened_as_it_is_standardized():
    x = np.random.default_rng(2).standard_normal((50, 1)) * 7 + 3
    np.testing.assert_allclose(fit_whitener(x).transform(x), fit_standardizer(x).transform(x))


def test_sign_of_a_component_is_settled(cloud):
    components = fit_pca(cloud).components
    assert (components.max(axis=0) >= -components.min(axis=0)).all()


def test_statistic_per_channel_is_that_of_pixels():
    images = np.random.default_rng(3).standard_normal((10, 4, 4, 3)) * np.array([1, 2, 3])
    per_channel = fit_standardizer(images.reshape(-1, 3))
    standardized = per_channel.transform(images)
    np.testing.assert_allclose(standardized.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(standardized.std(axis=(0, 1, 2)), 1)


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_dtype_is_kept(cloud, fit):
    x = cloud.astype(np.float32)
    assert fit(x).transform(x).dtype == np.float32


@pytest.mark.parametrize("kept", [0, 6])
def test_number_of_components_is_checked(cloud, kept):
    with pytest.raises(ValueError, match=f"^kept must be between 1 and 5, got {kept}$"):
        fit_pca(cloud, kept)


@settings(deadline=None)
@given(tables)
def test_any_table_is_transformed_to_finite_numbers(x):
    for fit in FITS.values():
        assert np.isfinite(fit(x).transform(x)).all()


@settings(deadline=None)
@given(
    hnp.arrays(
        np.int64, st.tuples(st.integers(1, 8), st.integers(1, 8)), elements=st.integers(-99, 99)
    ),
    st.integers(-100, 100),
)
def test_standardized_features_have_std_1_or_do_not_vary_at_any_scale(whole, power):
    """Whole numbers, because a spread that is rounding of a far mean has no exact std."""
    x = whole * 10.0**power
    std = fit_standardizer(x).transform(x).std(axis=0)
    np.testing.assert_allclose(std, np.ptp(whole, axis=0) > 0, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.1, 1e6 / 3, -7e-5])
@pytest.mark.parametrize("samples", [7, 1000])
def test_equal_samples_have_no_directions(value, samples, dtype):
    x = np.full((samples, 3), value, dtype)
    assert fit_pca(x).variance.tolist() == [0, 0, 0]
    assert fit_whitener(x).transform(x).shape == (samples, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8])
def test_digits_have_the_rank_of_float64_in_every_dtype(digits, dtype):
    x = digits.x_train.astype(dtype)
    whitened = fit_whitener(x).transform(x)
    np.testing.assert_allclose(np.cov(whitened.T, bias=True), np.eye(61), atol=1e-3)


def test_rounding_of_float32_is_no_direction(cloud):
    doubled = np.hstack([cloud, cloud @ np.ones((5, 2))]).astype(np.float32)
    assert fit_whitener(doubled).transform(doubled).shape == (200, 5)


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_whole_numbers_are_computed_in_float64(fit):
    x = np.random.default_rng(0).integers(0, 3, (40, 4))
    ours, same = fit(x).transform(x), fit(x.astype(float)).transform(x)
    assert ours.dtype == np.float64
    np.testing.assert_array_equal(ours, same)


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_features_must_be_finite(cloud, fit, bad):
    x = cloud.copy()
    x[3, 2] = bad
    with pytest.raises(ValueError, match=f"^x must be finite, got {bad}$"):
        fit(x)


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
@pytest.mark.parametrize("shape", [(0, 3), (3,), (2, 3, 4)])
def test_samples_must_be_rows(fit, shape):
    with pytest.raises(ValueError, match=r"^x must be samples by features, got shape "):
        fit(np.ones(shape))
