"""Activation functions and their derivatives, element by element.

`value(z)` takes the preactivation; `derivative(z, y)` takes it together with y = value(z), since
several derivatives are cheapest in terms of the output (sigmoid' = y (1 - y)). Both keep shape and
dtype and are stable for large |z|. Sources: the lecture; Klambauer et al. 2017 (SELU); Hendrycks
and Gimpel 2016 (GELU, in its tanh form); Elfwing et al. 2017 (SiLU).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

Array = np.ndarray

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
GELU_C, GELU_CUBIC = 0.7978845608028654, 0.044715  # sqrt(2 / pi), and the paper's fit


@dataclass(frozen=True)
class Activation:
    """An element-wise function and its derivative."""

    value: Callable[[Array], Array]
    derivative: Callable[[Array, Array], Array]


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)); exp overflows to inf for z < -709, which gives the right 0."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))


def leaky(z: Array, slope: float) -> Array:
    """Return z where positive and slope * z elsewhere, for 0 <= slope <= 1."""
    return np.maximum(z, slope * z)


def leaky_derivative(z: Array, y: Array, slope: float) -> Array:
    """Return 1 where z is positive and slope elsewhere, 0 included."""
    positive = (z > 0).astype(z.dtype)
    return positive if slope == 0 else positive + slope * (1 - positive)


def elu(z: Array, alpha: float = 1.0) -> Array:
    """Return z where positive and alpha (exp(z) - 1) elsewhere."""
    return np.maximum(z, 0) + alpha * np.expm1(np.minimum(z, 0))


def elu_derivative(z: Array, y: Array, alpha: float = 1.0) -> Array:
    """Return 1 where z is positive and alpha exp(z) elsewhere."""
    return np.where(z > 0, 1, alpha * np.exp(np.minimum(z, 0))).astype(z.dtype)


def _gelu_tanh(z: Array) -> Array:
    bounded = np.clip(z, -30, 30)  # tanh is +-1 long before; the cube would overflow float32
    return np.tanh(GELU_C * (bounded + GELU_CUBIC * bounded**3))


def gelu_derivative(z: Array, y: Array) -> Array:
    """Return the derivative of z (1 + t) / 2, t = tanh(c (z + 0.044715 z^3))."""
    t = _gelu_tanh(z)
    bounded = np.clip(z, -30, 30)
    inner = GELU_C * (1 + 3 * GELU_CUBIC * bounded**2)
    return 0.5 * (1 + t) + 0.5 * bounded * (1 - t**2) * inner


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(lambda z: z, lambda z, y: np.ones_like(z)),
    "sigmoid": Activation(sigmoid, lambda z, y: y * (1 - y)),
    "tanh": Activation(np.tanh, lambda z, y: 1 - y * y),
    "relu": Activation(lambda z: np.maximum(z, 0), partial(leaky_derivative, slope=0.0)),
    "leaky_relu": Activation(partial(leaky, slope=0.01), partial(leaky_derivative, slope=0.01)),
    "elu": Activation(elu, elu_derivative),
    "selu": Activation(
        lambda z: SELU_SCALE * elu(z, SELU_ALPHA),
        lambda z, y: SELU_SCALE * elu_derivative(z, y, SELU_ALPHA),
    ),
    "gelu": Activation(lambda z: 0.5 * z * (1 + _gelu_tanh(z)), gelu_derivative),
    "silu": Activation(lambda z: z * sigmoid(z), lambda z, y: sigmoid(z) + y * (1 - sigmoid(z))),
    "softplus": Activation(lambda z: np.logaddexp(z, 0).astype(z.dtype), lambda z, y: sigmoid(z)),
}
