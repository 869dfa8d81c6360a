"""Preprocessing as fit / transform pairs: statistics come from the training split alone."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Standardizer:
    """Per-feature mean and scale, each (features,)."""

    mean: np.ndarray
    scale: np.ndarray

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Return (x - mean) / scale for x of shape (samples, features)."""
        return (x - self.mean) / self.scale


def fit_standardizer(x: np.ndarray) -> Standardizer:
    """Learn mean and standard deviation of each feature; a constant feature keeps scale 1."""
    std = x.std(axis=-2)
    return Standardizer(x.mean(axis=-2), np.where(std > 0, std, 1.0))


def fit_center(x: np.ndarray) -> Standardizer:
    """Learn the mean of each feature only."""
    return Standardizer(x.mean(axis=-2), np.ones(x.shape[-1]))
