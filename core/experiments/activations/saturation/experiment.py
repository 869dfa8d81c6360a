"""Saturation: how much gradient a chain of units lets through, and how many units are saturated.

A chain of scalar units y <- f(weight * y) is fed draws from N(0, scale^2); the gradient of its
output with respect to its input is the product of weight * f'(z) along the chain.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.finding import Finding
from core.lab.knobs import Checked, integer, log_spaced, real, seed, several
from core.lab.streams import streams
from core.lab.verdict import above, both
from core.nn.activations import ACTIVATIONS
from core.nn.layers import activation_backward, activation_forward

COST = "instant"
FUNCTIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu")
SAMPLES = 8000
SCALES = np.geomspace(0.1, 20, 12)
LOW_SHARE = 0.0591  # of a function's best slope: tanh' where |tanh| = 0.97
POINTS = (0.0, 5.0, 10.0)  # where the lecture reads off sigmoid'

GONE = 1e-3  # A3: mean gradient left that counts as killed
CENTRED = 0.05  # A6: mean output of tanh; its own scatter is 0.007
DECAY = 0.1  # A6: gradient left at input scale 10 over that at 0.1
SCATTER = 0.1  # of a mean over the samples, relative: the margin of GONE and DECAY


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The functions that are drawn, and the chain."""

    functions: tuple[str, ...] = several(("sigmoid", "tanh", "relu"), FUNCTIONS)
    depth: int = integer(10, 1, 30)
    scale: float = log_spaced(1.0, 0.1, 20.0)
    weight: float = real(1.0, 0.25, 5.0, 0.25)
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Per drawn function.

    gradient, low: (functions, depth) mean absolute gradient left after so many units, and share of
    units up to there that pass less than LOW_SHARE of their best; gradient_by_scale, low_by_scale:
    (functions, SCALES) of the whole chain; mean: (functions,) output of the first unit; slopes:
    (3,) sigmoid' at POINTS.
    """

    config: Config
    gradient: np.ndarray
    low: np.ndarray
    gradient_by_scale: np.ndarray
    low_by_scale: np.ndarray
    mean: np.ndarray
    slopes: np.ndarray


def chain(
    x: np.ndarray, name: str, weight: float, depth: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Send x (..., samples) through a chain; yield output, slope and gradient of unit after unit.

    slope: f' of the unit; gradient: of its output with respect to x; all in the shape of x.
    """
    gradient, y = np.ones_like(x), x
    for _ in range(depth):
        y, cache = activation_forward(weight * y, ACTIVATIONS[name])
        slope = activation_backward(np.ones_like(y), cache)
        gradient = weight * slope * gradient
        yield y, slope, gradient


def best_slope(name: str) -> float:
    """Return the greatest derivative of a function, looked for on a grid."""
    z = np.linspace(-10, 10, 2001)
    return float(ACTIVATIONS[name].derivative(z).max())


def measure(
    x: np.ndarray, name: str, weight: float, depth: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (depth, ...) gradients left and shares of low slopes, and (...) the first mean output.

    Only means are kept of a chain, whatever its length.
    """
    low = LOW_SHARE * best_slope(name)
    rows = [
        (y.mean(axis=-1), (slope < low).mean(axis=-1), np.abs(gradient).mean(axis=-1))
        for y, slope, gradient in chain(x, name, weight, depth)
    ]
    means, lows, lefts = (np.array(values) for values in zip(*rows))
    units = np.arange(1, depth + 1).reshape(-1, *[1] * (x.ndim - 1))
    return lefts, lows.cumsum(axis=0) / units, means[0]


def run(config: Config) -> Result:
    """Measure every drawn function's chain at the chosen input scale and at a range of them."""
    (inputs,) = streams(config.seed, "inputs")
    z = inputs.standard_normal(SAMPLES)
    at_scale = [
        measure(config.scale * z, name, config.weight, config.depth) for name in config.functions
    ]
    by_scale = [
        measure(SCALES[:, None] * z, name, config.weight, config.depth) for name in config.functions
    ]
    return Result(
        config=config,
        gradient=np.array([left for left, _, _ in at_scale]),
        low=np.array([low for _, low, _ in at_scale]),
        mean=np.array([mean for _, _, mean in at_scale]),
        gradient_by_scale=np.array([left[-1] for left, _, _ in by_scale]),
        low_by_scale=np.array([low[-1] for _, low, _ in by_scale]),
        slopes=ACTIVATIONS["sigmoid"].derivative(np.array(POINTS)),
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """A3: sigmoids kill gradients. A6: tanh is zero-centred and still saturates."""
    functions = result.config.functions
    left = dict(zip(functions, result.gradient[:, -1].tolist()))
    found = []
    if "sigmoid" in functions:
        found.append(_sigmoid(result, left))
    if "tanh" in functions:
        found.append(_tanh(result, functions.index("tanh")))
    return tuple(found) or (_others(left),)


def _sigmoid(result: Result, left: dict[str, float]) -> Finding:
    other = "relu" if "relu" in left else max(left, key=lambda name: left[name])
    by_units = np.array([1.0, *result.gradient[result.config.functions.index("sigmoid")]])
    return Finding(
        claim="A3",
        outcome=above(GONE, left["sigmoid"], SCATTER * GONE),
        because=_why(result.config, left),
        values={
            **{f"slope{point:.0f}": s for point, s in zip(POINTS, result.slopes)},
            "left": left["sigmoid"],
            "other": left[other],
            "other_name": other,
            "passed": by_units[-1] / by_units[-2],
            "bar": GONE,
        },
    )


def _why(config: Config, left: dict[str, float]) -> str:
    """Name what is special about a sigmoid's chain."""
    if left["sigmoid"] > 1:
        return "grows"
    if config.weight > 1:
        return "weight"
    return "alone" if len(left) == 1 else ""


def _tanh(result: Result, row: int) -> Finding:
    """Hold tanh's mean output against 0, and what large inputs leave against what small ones do."""
    small, large = np.exp(
        np.interp(
            np.log([0.1, 10.0]), np.log(SCALES), np.log(result.gradient_by_scale[row] + 1e-300)
        )
    )
    mean = float(result.mean[row])
    return Finding(
        claim="A6",
        outcome=both(
            above(CENTRED, abs(mean), CENTRED / 5),
            above(DECAY, large / small, SCATTER * DECAY),
        ),
        because="" if abs(mean) < CENTRED else "mean",
        values={
            "mean": mean,
            "left": result.gradient[row, -1],
            "decay": large / small,
            "bar": DECAY,
        },
    )


def _others(left: dict[str, float]) -> Finding:
    """A7, its first half: what has slope 1 on a whole side passes gradients on."""
    worst = min(left, key=lambda name: left[name])
    return Finding(
        claim="A7",
        outcome=above(left[worst], GONE, SCATTER * GONE),
        values={"left": left[worst], "name": worst, "bar": GONE},
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per drawn function and number of units, and per function and input scale."""
    units, functions = np.arange(1, result.config.depth + 1), result.config.functions
    return {
        "chain": {
            **crossed(function=functions, units=units),
            "gradient": result.gradient.ravel(),
            "low": result.low.ravel(),
        },
        "scales": {
            **crossed(function=functions, scale=SCALES),
            "gradient": result.gradient_by_scale.ravel(),
            "low": result.low_by_scale.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "one": Config(depth=1),
    "large_inputs": Config(scale=10.0),
    "weight4": Config(weight=4.0, scale=0.1),
    "all": Config(functions=FUNCTIONS),
}
SMALL = Config(depth=3)
SHOWN = (activation_forward, activation_backward, chain)
