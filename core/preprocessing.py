"""Preprocessing as fit / transform pairs: statistics come from the training split alone.

Samples are rows, (samples, features). Variances divide by the number of samples, as np.std and the
course notes do, so one sample has variance 0. (scikit-learn's PCA divides by that number less one.)
A statistic per channel is that of pixels: x.reshape(-1, channels).
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


def fit_center(x: Array) -> Standardizer:
    """Learn the mean of each feature only."""
    return Standardizer(x.mean(axis=-2), np.ones_like(x, shape=x.shape[-1]))


def fit_standardizer(x: Array) -> Standardizer:
    """Learn mean and standard deviation of each feature; a constant feature keeps scale 1."""
    # Rounding gives equal values a mean beside them, and so a tiny std: they are compared instead.
    std = np.where(x.max(axis=-2) > x.min(axis=-2), x.std(axis=-2), 0)
    return Standardizer(x.mean(axis=-2), np.where(std > 0, std, 1).astype(x.dtype))


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
    features = x.shape[-1]
    if kept is not None and not 1 <= kept <= features:
        raise ValueError(f"kept must be between 1 and {features}, got {kept}")
    mean = x.mean(axis=-2)
    centered = x - mean
    variance, components = np.linalg.eigh(centered.T @ centered / len(x))
    variance, components = variance[::-1][:kept], components[:, ::-1][:, :kept]
    rounding = features * np.finfo(x.dtype).eps * variance[0]
    largest = components[np.abs(components).argmax(axis=0), np.arange(components.shape[1])]
    return PCA(
        mean,
        components * np.sign(largest),
        np.where(variance > rounding, variance, 0),
        np.ones_like(variance),
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
