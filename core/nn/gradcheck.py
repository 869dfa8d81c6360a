"""Gradient checks: is what backpropagation returns the slope of what forward computes?

Numerical gradients are centered differences, (f(x + h) - f(x - h)) / 2h: their error falls with
h squared. Read the relative error as the course notes do (neural-networks-3): above 1e-2 the
gradient is wrong, below 1e-7 it is right; a kink (ReLU at 0) between the two sides of a difference
may give more. All checks are meant for float64.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray

H = 1e-5  # smaller steps lose more digits to rounding than they gain


def numerical_gradient(function: Callable[[Array], float], x: Array, h: float = H) -> Array:
    """Return the gradient of a function at x, any shape, one entry after the other.

    This calls `function` twice for every entry; x is left as it is.
    """
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        gradient[index] = (function(x + step) - function(x - step)) / (2 * h)
    return gradient


def relative_error(analytic: Array | float, numeric: Array | float) -> Array:
    """Return |a - n| / (|a| + |n|) entry by entry, between 0 and 1; 0 where both are 0."""
    scale = np.abs(analytic) + np.abs(numeric)
    return np.abs(np.subtract(analytic, numeric)) / np.where(scale == 0, 1, scale)


def direction_error(
    forward: Callable[..., tuple[Array, Any]],
    backward: Callable[[Array, Any], Sequence[Array]],
    inputs: Sequence[Array],
    *,
    rng: np.random.Generator,
    h: float = H,
) -> float:
    """Return the relative error of a layer's gradients along one random direction of its inputs.

    forward(*inputs) gives (out, cache), and backward(dout, cache) the gradient of each input, in
    order. Two forward passes check any number of entries: a wrong one goes unseen only by chance.
    """
    out, cache = forward(*inputs)
    dout = rng.standard_normal(out.shape)
    direction = [rng.standard_normal(x.shape) for x in inputs]
    above, below = (
        forward(*(x + side * d for x, d in zip(inputs, direction)))[0] for side in (h, -h)
    )
    analytic = sum((g * d).sum() for g, d in zip(backward(dout, cache), direction, strict=True))
    numeric = ((above - below) * dout).sum() / (2 * h)
    return float(relative_error(analytic, numeric))
