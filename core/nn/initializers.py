"""Weight initializers, named by the spread they give a (fan_in, fan_out) weight.

`misread_*` are the lecture's schemes as circulating notes get them wrong.
Sources: the lecture; Glorot and Bengio 2010; He et al. 2015.
"""

from collections.abc import Callable

import numpy as np

from core.nn.activations import Activation

INIT_STD: dict[str, Callable[[int, int], float]] = {
    "small": lambda fan_in, fan_out: 0.01,
    "medium": lambda fan_in, fan_out: 0.05,
    "large": lambda fan_in, fan_out: 1.0,
    "xavier": lambda fan_in, fan_out: fan_in**-0.5,
    "glorot": lambda fan_in, fan_out: (2 / (fan_in + fan_out)) ** 0.5,
    "he": lambda fan_in, fan_out: (2 / fan_in) ** 0.5,
    "misread_times_sqrt": lambda fan_in, fan_out: fan_in**0.5,
    "misread_divided_by_n": lambda fan_in, fan_out: 1 / fan_in,
}
CONSTANTS = {"zero": 0.0, "constant": 0.01}
SCHEMES = (*INIT_STD, *CONSTANTS, "misread_rand")


def init_std(scheme: str | float, fan_in: int, fan_out: int) -> float:
    """Return the std a normal scheme gives its weights; a number is its own std."""
    if not isinstance(scheme, str):
        return scheme
    if scheme not in INIT_STD:
        raise ValueError(f"scheme must be one of {', '.join(INIT_STD)}, got {scheme!r}")
    return INIT_STD[scheme](fan_in, fan_out)


def init_weight(
    scheme: str | float,
    fan_in: int,
    fan_out: int,
    *,
    rng: np.random.Generator,
    dtype: type = np.float64,
) -> np.ndarray:
    """Return a (fan_in, fan_out) weight drawn by a scheme, or from N(0, scheme^2) for a number.

    "misread_rand" is uniform on [0, 1) over sqrt(fan_in): all positive. Other schemes take the
    same normal draws, so with equal seeds they differ in scale alone. ValueError names the schemes.
    """
    shape = fan_in, fan_out
    if isinstance(scheme, str) and scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}")
    if scheme == "misread_rand":
        return (fan_in**-0.5 * rng.random(shape)).astype(dtype, copy=False)
    draw = rng.standard_normal(shape)
    if scheme in CONSTANTS:
        return np.full(shape, CONSTANTS[str(scheme)], dtype)
    return (init_std(scheme, fan_in, fan_out) * draw).astype(dtype, copy=False)


def mean_square(activation: Activation, variance: float = 1.0) -> float:
    """Return E[f(z)^2] for z ~ N(0, variance), integrated with each side of the kink at 0 apart."""
    nodes, shares = np.polynomial.legendre.leggauss(200)
    unit = 6 * (nodes + 1)  # [0, 12]; the Gaussian beyond it is below 1e-32
    density = 6 * shares * np.exp(-unit * unit / 2) / np.sqrt(2 * np.pi)
    z = np.sqrt(variance) * unit
    return float(density @ (activation.value(z) ** 2 + activation.value(-z) ** 2))


def gain(activation: Activation) -> float:
    """Return 1 / sqrt(E[f(z)^2]) for z ~ N(0, 1).

    A layer with weights of std gain / sqrt(fan_in) keeps the mean square of its inputs. For ReLU
    this is sqrt(2) (He et al. 2015).
    """
    return mean_square(activation) ** -0.5
