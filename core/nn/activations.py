"""Activation functions with their derivatives, by name.

Element-wise, any shape, dtype kept, and finite and silent for large |z| (tested to +-1000).
Sources: the lecture; Clevert et al. 2015 (ELU); Klambauer et al. 2017 (SELU); Hendrycks and
Gimpel 2016 (GELU); Elfwing et al. 2017 (SiLU).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
GELU_C, GELU_CUBIC = 1.5957691216057308, 0.044715  # 2 sqrt(2 / pi), and the paper's fit


@dataclass(frozen=True)
class Activation:
    """A function y = f(z) of the preactivation z and its local gradient f'(z).

    `local_gradient(z, y)` takes y as well, because a backward pass holds it already and several
    derivatives are cheapest in terms of it: the sigmoid's is y (1 - y), without another exp.
    """

    name: str
    value: Callable[[Array], Array]
    local_gradient: Callable[[Array, Array], Array]

    def derivative(self, z: Array) -> Array:
        """Return f'(z)."""
        return self.local_gradient(z, self.value(z))


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)); exp overflows to inf for z < -709, which gives the right 0."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))


def relu(z: Array) -> Array:
    """Return max(0, z), more than twice as fast as np.maximum does."""
    return z.clip(0, np.inf)


def relu_gradient(z: Array, y: Array) -> Array:
    """Return 1 where z is positive and 0 elsewhere, at 0 by convention."""
    return (z > 0).astype(z.dtype)


def leaky_relu(slope: float = 0.01) -> Activation:
    """Return z where positive and slope * z elsewhere, for 0 <= slope <= 1."""
    return Activation(
        "leaky_relu",
        lambda z: np.maximum(z, slope * z),
        lambda z, y: np.maximum(relu_gradient(z, y), slope),
    )


def elu(alpha: float = 1.0) -> Activation:
    """Return z where positive and alpha (exp(z) - 1) elsewhere."""

    def value(z: Array) -> Array:
        return np.maximum(z, 0) + alpha * np.expm1(np.minimum(z, 0))

    def gradient(z: Array, y: Array) -> Array:
        return np.where(z > 0, z.dtype.type(1), alpha * np.exp(np.minimum(z, 0)))

    return Activation("elu", value, gradient)


def selu() -> Activation:
    """Return the ELU whose scale and alpha keep mean 0 and variance 1 from layer to layer."""
    plain = elu(SELU_ALPHA)
    return Activation(
        "selu",
        lambda z: SELU_SCALE * plain.value(z),
        lambda z, y: SELU_SCALE * plain.local_gradient(z, y),
    )


def gelu() -> Activation:
    """Return z Phi(z), the Gaussian distribution function in the paper's tanh form.

    That form (PyTorch: approximate="tanh") is within 0.0005 of erf's, which NumPy does not have.
    (1 + tanh(u)) / 2 is written as sigmoid(2 u), which stays exact in the far negative.
    """

    def gate(z: Array) -> Array:
        return sigmoid(GELU_C * z * (1 + GELU_CUBIC * z * z))

    def gradient(z: Array, y: Array) -> Array:
        phi = gate(z)
        return phi + z * phi * (1 - phi) * GELU_C * (1 + 3 * GELU_CUBIC * z * z)

    return Activation("gelu", lambda z: z * gate(z), gradient)


def silu_gradient(z: Array, y: Array) -> Array:
    """Return the derivative of z sigmoid(z)."""
    gate = sigmoid(z)
    return gate + y * (1 - gate)


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("linear", lambda z: z, lambda z, y: np.ones_like(z)),
        Activation("sigmoid", sigmoid, lambda z, y: y * (1 - y)),
        Activation("tanh", np.tanh, lambda z, y: 1 - y * y),
        Activation("relu", relu, relu_gradient),
        leaky_relu(),
        elu(),
        selu(),
        gelu(),
        Activation("silu", lambda z: z * sigmoid(z), silu_gradient),
        Activation("softplus", lambda z: np.logaddexp(z, 0), lambda z, y: sigmoid(z)),
    )
}
