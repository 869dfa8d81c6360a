"""Preprocessing as fit / transform pairs: statistics come from the training split alone.

Samples are rows, (samples, features). Variances divide by the number of samples, as np.std and the
course notes do, so one sample has variance 0. (scikit-learn's PCA divides by that number less one.)
A statistic per channel is that of pixels: x.reshape(-1, channels). Whole numbers are taken as
float64. ValueError for features that are NaN or infinite, and for none at all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Standardizer:
    """Per-feature mean and scale, each (features,)."""

    mean: Array
    scale: Array

    def transform(self, x: Array) -> Array:
        """Return (x - mean) / scale for x of shape (samples, features)."""
        return (x - self.mean) / self.scale


def samples_of(x: Array) -> Array:
    """Return (samples, features) in floating point; ValueError for what has no statistics."""
    if x.ndim != 2 or x.size == 0:
        raise ValueError(f"x must be samples by features, got shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"x must be finite, got {x[~np.isfinite(x)][0]}")
    return x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)


def feature_means(x: Array) -> Array:
    """Return the mean of each feature; that of equal values is their value, without rounding."""
    highest = x.max(axis=0)
    return np.where(highest > x.min(axis=0), x.mean(axis=0), highest)


def fit_center(x: Array) -> Standardizer:
    """Learn the mean of each feature only."""
    x = samples_of(x)
    return Standardizer(feature_means(x), np.ones_like(x, shape=x.shape[-1]))


def fit_standardizer(x: Array) -> Standardizer:
    """Learn mean and standard deviation of each feature; a constant feature keeps scale 1."""
    x = samples_of(x)
    mean = feature_means(x)
    std = x.std(axis=0, mean=mean[None])
    return Standardizer(mean, np.where(std > 0, std, 1).astype(x.dtype))


@dataclass(frozen=True, eq=False)
class PCA:
    """Principal components, and what the data projected on them are divided by.

    mean: (features,); components: (features, kept), one direction of length 1 per column, those of
    most variance first; variance: (kept,) of the data along them; scale: (kept,), all 1 unless the
    data are whitened.
    """

    mean: Array
    components: Array
    variance: Array
    scale: Array

    def transform(self, x: Array) -> Array:
        """Return the (samples, kept) coordinates of x (samples, features)."""
        return (x - self.mean) @ self.components / self.scale

    def inverse_transform(self, coordinates: Array) -> Array:
        """Return the (samples, features) that coordinates (samples, kept) stand for."""
        return coordinates * self.scale @ self.components.T + self.mean


def fit_pca(x: Array, kept: int | None = None) -> PCA:
    """Learn the rotation that makes the covariance diagonal, all of it or the first directions.

    The largest entry of each direction is positive, which settles its sign. Directions in which the
    data do not vary come last and have variance 0; any basis of them is as good as another.
    """
    dtype = samples_of(x).dtype
    samples, features = x.shape
    if kept is not None and not 1 <= kept <= features:
        raise ValueError(f"kept must be between 1 and {features}, got {kept}")
    mean = feature_means(x := x.astype(np.float64, copy=False))
    centered = x - mean
    variance, components = np.linalg.eigh(centered.T @ centered / samples)
    variance, components = variance[::-1][:kept], components[:, ::-1][:, :kept]
    # Two kinds of noise look like variance: of the covariance, and of the numbers as stored.
    rounding = np.finfo(np.float64).eps * variance[0]
    stored = (np.finfo(dtype).eps * np.abs(x).max()) ** 2
    varies = variance > features * (rounding + stored)
    largest = components[np.abs(components).argmax(axis=0), np.arange(components.shape[1])]
    return PCA(
        mean.astype(dtype),
        (components * np.sign(largest)).astype(dtype),
        np.where(varies, variance, 0).astype(dtype),
        np.ones_like(variance, dtype),
    )


def fit_whitener(x: Array) -> PCA:
    """Learn the PCA after which each kept direction has variance 1.

    Directions without variance have nothing to divide by and are left out: the whitened data have
    as many columns as the training data have rank, none at all for one sample.
    """
    pca = fit_pca(x)
    rank = np.count_nonzero(pca.variance)
    variance = pca.variance[:rank]
    return PCA(pca.mean, pca.components[:, :rank], variance, np.sqrt(variance))


FITS: dict[str, Callable[[Array], Standardizer | PCA]] = {
    "center": fit_center,
    "standardize": fit_standardizer,
    "pca": fit_pca,
    "whiten": fit_whitener,
}
