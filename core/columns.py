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
