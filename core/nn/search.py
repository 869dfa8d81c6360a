"""Hyper-parameter search: ranges, and the two ways to place trials in them.

Sources: the lecture; Bergstra and Bengio 2012 (random search against grids).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Range:
    """The values of one hyper-parameter from low to high, even in the value or in its logarithm."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"low must be less than high, got {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"low must be positive on a log range, got {self.low:g}")

    def at(self, position: Array | float) -> Array:
        """Return the values at positions between 0 (low) and 1 (high), any shape."""
        if self.log:
            return self.low ** (1 - np.asarray(position)) * self.high**position
        return self.low * (1 - np.asarray(position)) + self.high * position

    def position(self, value: Array | float) -> Array:
        """Return where values lie: 0 at low, 1 at high, beyond these outside of the range."""
        if self.log:
            return np.log(np.asarray(value) / self.low) / np.log(self.high / self.low)
        return (np.asarray(value) - self.low) / (self.high - self.low)


def uniform(low: float, high: float, size: int, *, rng: np.random.Generator) -> Array:
    """Return (size,) values drawn evenly between low and high."""
    return Range(low, high).at(rng.random(size))


def log_uniform(low: float, high: float, size: int, *, rng: np.random.Generator) -> Array:
    """Return (size,) values 10^U(log10 low, log10 high): every decade gets the same share."""
    return Range(low, high, log=True).at(rng.random(size))


def random_search(
    ranges: Mapping[str, Range], trials: int, *, rng: np.random.Generator
) -> dict[str, Array]:
    """Return (trials,) values of each hyper-parameter, drawn independently from its range."""
    return {name: r.at(rng.random(trials)) for name, r in ranges.items()}


def grid_search(ranges: Mapping[str, Range], points: int) -> dict[str, Array]:
    """Return (points^n,) values of each of n hyper-parameters: every combination of `points` each.

    The points are the middles of equal parts of a range, as the lecture draws them.
    """
    middles = (np.arange(points) + 0.5) / points
    axes = np.meshgrid(*(r.at(middles) for r in ranges.values()), indexing="ij")
    return {name: axis.ravel() for name, axis in zip(ranges, axes)}
