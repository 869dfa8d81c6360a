"""Columns of a table, from the axes of an array."""

from collections.abc import Collection
from typing import Any

import numpy as np


def crossed(**axes: Collection[Any]) -> dict[str, np.ndarray]:
    """Return columns with a row for every combination of the axes, the last one fastest.

    They stand beside the ravel() of an array that has these axes.
    """
    grid = np.meshgrid(*map(np.asarray, axes.values()), indexing="ij")
    return {name: values.ravel() for name, values in zip(axes, grid)}


def band(name: str, values: np.ndarray, axis: int) -> dict[str, np.ndarray]:
    """Return columns `name`, `name low` and `name high`: mean, least and greatest along the axis.

    axis: that of the seeds; the others are flattened, the last one fastest.
    """
    return {
        name: values.mean(axis=axis).ravel(),
        f"{name} low": values.min(axis=axis).ravel(),
        f"{name} high": values.max(axis=axis).ravel(),
    }
