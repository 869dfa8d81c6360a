"""Saturation: how much gradient a chain of units lets through, and how many units are saturated.

A chain of scalar units y <- f(weight * y) is fed draws from N(0, scale^2); the gradient of its
output with respect to its input is the product of weight * f'(z) along the chain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.activations import ACTIVATIONS
from core.columns import crossed
from core.finding import Finding
from core.knobs import Checked, integer, log_spaced, real, seed, several
from core.layers import activation_backward, activation_forward

COST = "instant"
FUNCTIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu")
SAMPLES = 8000
SCALES = np.geomspace(0.1, 20, 12)
LOW_SHARE = 0.0591  # of a function's best slope: tanh' where |tanh| = 0.97
POINTS = (0.0, 5.0, 10.0)  # where the lecture reads off sigmoid'

SIGMOID = {0.0: (0.25, 0.25), 5.0: (0.0066, 0.0067), 10.0: (0.0, 1e-4)}  # A3, at +- these
CHAIN = 10  # A3: units with weight 1, which leave at most 0.25 ** 10
GONE = 1e-3  # A3: mean gradient left that counts as killed
CENTERED = 0.05  # A6: mean output of tanh
DECAY = 0.1  # A6: gradient left at scale 10 over that at scale 0.1


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
    """Per function of FUNCTIONS, drawn or not.

    gradient, saturated: (functions, depth) mean absolute gradient left after so many units, share
    of units up to there that pass less than LOW_SHARE of their best; gradient_by_scale,
    saturated_by_scale: (functions, scales) of the whole chain; mean: (functions,) output of the
    first unit; slopes: (3,) sigmoid' at POINTS, the greater of both signs; most: greatest gradient
    that ten sigmoid units with weight 1 leave.
    """

    config: Config
    gradient: np.ndarray
    saturated: np.ndarray
    gradient_by_scale: np.ndarray
    saturated_by_scale: np.ndarray
    mean: np.ndarray
    slopes: np.ndarray
    most: float


def chain(x: np.ndarray, name: str, weight: float, depth: int) -> tuple[np.ndarray, ...]:
    """Send x (..., samples) through a chain; return its first outputs, gradients and slopes.

    gradients: (depth, ..., samples) of the output after each unit with respect to x; slopes: f'
    of each unit, in the same shape.
    """
    gradient, y = np.ones_like(x), x
    outputs, gradients, slopes = [], [], []
    for _ in range(depth):
        y, cache = activation_forward(weight * y, ACTIVATIONS[name])
        slope = activation_backward(np.ones_like(y), cache)
        gradient = weight * slope * gradient
        outputs.append(y)
        gradients.append(gradient)
        slopes.append(slope)
    return outputs[0], np.stack(gradients), np.stack(slopes)


def best_slope(name: str) -> float:
    """Return the greatest derivative of a function, looked for on a grid."""
    z = np.linspace(-10, 10, 2001)
    return float(ACTIVATIONS[name].derivative(z).max())


def run(config: Config) -> Result:
    """Measure every function's chain at the chosen input scale and at a range of them."""
    z = np.random.default_rng(config.seed).standard_normal(SAMPLES)
    rows: dict[str, list[Any]] = {
        name: []
        for name in ("gradient", "saturated", "gradient_by_scale", "saturated_by_scale", "mean")
    }
    for name in FUNCTIONS:
        low = LOW_SHARE * best_slope(name)
        first, gradients, slopes = chain(config.scale * z, name, config.weight, config.depth)
        rows["mean"].append(first.mean())
        rows["gradient"].append(np.abs(gradients).mean(axis=-1))
        units = np.arange(1, config.depth + 1)
        rows["saturated"].append((slopes < low).mean(axis=-1).cumsum() / units)
        _, gradients, slopes = chain(SCALES[:, None] * z, name, config.weight, config.depth)
        rows["gradient_by_scale"].append(np.abs(gradients[-1]).mean(axis=-1))
        rows["saturated_by_scale"].append((slopes < low).mean(axis=(0, -1)))
    points = np.array([[point, -point] for point in POINTS])
    return Result(
        config=config,
        slopes=ACTIVATIONS["sigmoid"].derivative(points).max(axis=-1),
        most=float(chain(np.linspace(-20, 20, 4001), "sigmoid", 1.0, CHAIN)[1][-1].max()),
        **{name: np.array(values) for name, values in rows.items()},
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """A3: saturated sigmoids kill gradients. A6: tanh is zero-centred and still saturates."""
    sigmoid, tanh = FUNCTIONS.index("sigmoid"), FUNCTIONS.index("tanh")
    told = all(low <= s <= high for s, (low, high) in zip(result.slopes, SIGMOID.values()))
    left = float(result.gradient[sigmoid, -1])
    at_scale = np.interp(
        np.log([0.1, 10.0]), np.log(SCALES), np.log(result.gradient_by_scale[tanh] + 1e-300)
    )
    decay = float(np.exp(at_scale[1] - at_scale[0]))
    return (
        Finding(
            claim="A3",
            holds=bool(told and result.most <= 0.25**CHAIN and left < GONE),
            values={
                **{f"slope{point:.0f}": s for point, s in zip(POINTS, result.slopes)},
                "most": result.most,
                "bound": 0.25**CHAIN,
                "left": left,
                "relu": float(result.gradient[FUNCTIONS.index("relu"), -1]),
                "bar": GONE,
            },
        ),
        Finding(
            claim="A6",
            holds=bool(abs(result.mean[tanh]) < CENTERED and decay < DECAY),
            values={
                "mean": result.mean[tanh],
                "mean_sigmoid": result.mean[sigmoid],
                "decay": decay,
                "bar": DECAY,
            },
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per drawn function and number of units, and per function and input scale."""
    drawn = [FUNCTIONS.index(name) for name in result.config.functions]
    units = np.arange(1, result.config.depth + 1)

    def columns(name: str, values: np.ndarray, **measured: np.ndarray) -> dict[str, Any]:
        return {
            **crossed(**{"function": result.config.functions, name: values}),
            **{key: array[drawn].ravel() for key, array in measured.items()},
        }

    return {
        "chain": columns("units", units, gradient=result.gradient, saturated=result.saturated),
        "scales": columns(
            "scale",
            SCALES,
            gradient=result.gradient_by_scale,
            saturated=result.saturated_by_scale,
        ),
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
