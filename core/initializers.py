"""Weight initializers, named by the spread they give a (fan_in, fan_out) weight.

`misread_*` are the lecture's schemes as circulating notes get them wrong.
Sources: the lecture; Glorot and Bengio 2010; He et al. 2015.
"""

from collections.abc import Callable

import numpy as np

from core.activations import ACTIVATIONS

INIT_STD: dict[str, Callable[[int, int], float]] = {
    "small": lambda fan_in, fan_out: 0.01,
    "medium": lambda fan_in, fan_out: 0.05,
    "large": lambda fan_in, fan_out: 1.0,
    "xavier": lambda fan_in, fan_out: fan_in**-0.5,
    "glorot": lambda fan_in, fan_out: (2 / (fan_in + fan_out)) ** 0.5,
    "he": lambda fan_in, fan_out: (2 / fan_in) ** 0.5,
    "zero": lambda fan_in, fan_out: 0.0,
    "misread_times_sqrt": lambda fan_in, fan_out: fan_in**0.5,
    "misread_divided_by_n": lambda fan_in, fan_out: 1 / fan_in,
}


def init_std(scheme: str, fan_in: int, fan_out: int) -> float:
    """Return the std a scheme gives its weights; ValueError names the schemes."""
    if scheme not in INIT_STD:
        raise ValueError(f"scheme must be one of {', '.join(INIT_STD)}, got {scheme!r}")
    return INIT_STD[scheme](fan_in, fan_out)


def init_weight(
    std: float, fan_in: int, fan_out: int, *, rng: np.random.Generator, dtype: type = np.float64
) -> np.ndarray:
    """Draw a (fan_in, fan_out) weight from N(0, std^2)."""
    return (std * rng.standard_normal((fan_in, fan_out))).astype(dtype, copy=False)


def gain(activation: str) -> float:
    """Return 1 / sqrt(E[f(z)^2]) for z ~ N(0, 1), by quadrature.

    A layer with weights of std gain / sqrt(fan_in) keeps the mean square of its inputs. For ReLU
    this is sqrt(2) (He et al. 2015).
    """
    z = np.linspace(-12, 12, 24_001)
    density = np.exp(-z * z / 2)
    value = ACTIVATIONS[activation].value(z)
    return float(np.sqrt(density.sum() / (density * value**2).sum()))
