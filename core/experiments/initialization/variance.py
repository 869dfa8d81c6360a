"""Variance: what a layer does to the spread of its inputs, predicted and measured.

40 nets of the same size are drawn and each sends one batch through all layers. Beside them a map of
weight scale and depth shows where signals vanish, stay or explode.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.activations import ACTIVATIONS, Activation
from core.columns import crossed
from core.finding import Finding
from core.initializers import gain, init_std, mean_square
from core.knobs import Checked, choice, integer, numbers, seed
from core.layers import linear_forward
from core.pool import in_parallel

COST = "normal"
SEEDS = 40
SAMPLES = 100
MAP_SCALES = np.geomspace(0.003, 1.5, 28)
MAP_DEPTH = 30
MAP_SAMPLES = 50
MAP_WIDTH = 200  # the widest net of the map; weight scales are carried over by sqrt(width)
LEAST, MOST = 1e-8, 1e4  # std that the map tells apart

CLOSE = 0.05  # I8: measured over predicted, from 1, in the mean over the seeds
BAND = 4  # standard deviations around that mean
KEPT = (0.9, 1.1)  # factor of the variance in the last layer that counts as kept


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The nets and how their weights are drawn."""

    activation: str = choice("relu", ["tanh", "relu", "sigmoid", "leaky_relu", "elu", "linear"])
    scheme: str = choice("he", ["small", "xavier", "he", "gain", "large"])
    depth: int = integer(10, 1, 20)
    width: int = numbers(500, [50, 100, 200, 500])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Variances of preactivations, by seed and layer; the first seed is the run that is shown.

    measured: (SEEDS, layers); predicted: (SEEDS, layers) fan_in Var(w) mean(x^2), x the layer's own
    inputs; theory: (layers,) from the first inputs alone, each z taken as Gaussian; scale: std of
    the weights; gain: of the activation; spread: (MAP_SCALES, MAP_DEPTH) std of the outputs.
    """

    config: Config
    measured: np.ndarray
    predicted: np.ndarray
    theory: np.ndarray
    scale: float
    gain: float
    spread: np.ndarray


def scale_of(config: Config) -> float:
    """Return the std of the weights; "gain" computes it from the activation."""
    if config.scheme == "gain":
        return gain(ACTIVATIONS[config.activation]) * config.width**-0.5
    return init_std(config.scheme, config.width, config.width)


def variances(config: Config, scale: float, rng: np.random.Generator) -> np.ndarray:
    """Send one batch through one net; return (2, layers) measured and predicted variances."""
    width, function = config.width, ACTIVATIONS[config.activation]
    x = rng.standard_normal((SAMPLES, width), dtype=np.float32)
    no_bias = np.zeros((1, width), np.float32)
    rows = []
    for _ in range(config.depth):
        weight = np.float32(scale) * rng.standard_normal((width, width), dtype=np.float32)
        z = linear_forward(x, weight, no_bias)[0]
        mean_square_of_x = np.square(x, dtype=np.float64).mean()
        rows.append((np.square(z, dtype=np.float64).mean(), width * scale**2 * mean_square_of_x))
        x = function.value(z)
    return np.array(rows).T


def theory(function: Activation, scale: float, width: int, depth: int) -> np.ndarray:
    """Return (depth,) variances of z if every z is Gaussian and inputs are N(0, 1)."""
    rows = [width * scale**2]
    for _ in range(depth - 1):
        rows.append(width * scale**2 * mean_square(function, rows[-1]))
    return np.array(rows)


def spread_map(config: Config, rng: np.random.Generator) -> np.ndarray:
    """Return (MAP_SCALES, MAP_DEPTH) std of the outputs; all scales share inputs and draws.

    A narrower net stands in for a wide one: what counts is scale * sqrt(width).
    """
    width = min(config.width, MAP_WIDTH)
    scales = (MAP_SCALES * (config.width / width) ** 0.5)[:, None, None].astype(np.float32)
    x = rng.standard_normal((MAP_SAMPLES, width), dtype=np.float32) + 0 * scales
    rows = []
    for _ in range(MAP_DEPTH):
        draw = rng.standard_normal((width, width), dtype=np.float32)
        x = ACTIVATIONS[config.activation].value((x @ draw) * scales)
        rows.append(x.std(axis=(-2, -1), dtype=np.float64))
    return np.stack(rows, axis=-1)


@np.errstate(all="ignore")  # where signals explode
def run(config: Config) -> Result:
    """Draw all nets, and the map."""
    map_rng, *rngs = np.random.default_rng(config.seed).spawn(SEEDS + 1)
    scale, function = scale_of(config), ACTIVATIONS[config.activation]
    rows = in_parallel(lambda rng: variances(config, scale, rng), rngs)
    measured, predicted = np.swapaxes(rows, 0, 1)
    return Result(
        config=config,
        measured=measured,
        predicted=predicted,
        theory=theory(function, scale, config.width, config.depth),
        scale=scale,
        gain=gain(function),
        spread=spread_map(config, map_rng),
    )


@np.errstate(all="ignore")
def findings(result: Result) -> tuple[Finding, ...]:
    """I8: the prediction, in the mean and in single runs. gain: does this scale keep the spread?"""
    ratio = result.measured / result.predicted
    mean, deviation = ratio.mean(axis=0), ratio.std(axis=0, ddof=1)
    off = np.abs(mean - 1)
    by_layer = np.array([np.nan, *result.measured.mean(axis=0)])
    factor = by_layer[-1] / by_layer[-2]
    return (
        Finding(
            claim="I8",
            holds=bool((off < CLOSE).all()),
            values={
                "worst": off.max(),
                "bar": CLOSE,
                "single": (np.abs(ratio - 1) > CLOSE).mean(),
                "inside": (np.abs(ratio[0] - mean) <= BAND * deviation).mean(),
                "last": ratio[0, -1],
            },
        ),
        Finding(
            claim="gain",
            holds=bool(KEPT[0] <= factor <= KEPT[1]),
            values={
                "factor": factor,
                "scale": result.scale,
                "gain": result.gain,
                "best": result.gain / result.config.width**0.5,
            },
        ),
    )


@np.errstate(all="ignore")
def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return variances and their ratio per layer with bands over the seeds, and the map."""
    ratio = result.measured / result.predicted
    mean, deviation = ratio.mean(axis=0), ratio.std(axis=0, ddof=1)
    return {
        "layers": {
            "layer": np.arange(1, result.config.depth + 1),
            "this run": result.measured[0],
            "predicted": result.predicted[0],
            "theory": result.theory,
            "mean": result.measured.mean(axis=0),
            "low": result.measured.min(axis=0),
            "high": result.measured.max(axis=0),
            "ratio": ratio[0],
            "mean ratio": mean,
            "band from": mean - BAND * deviation,
            "band to": mean + BAND * deviation,
        },
        "map": {
            **crossed(weight_scale=MAP_SCALES, layer=np.arange(1, MAP_DEPTH + 1)),
            "std": result.spread.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "relu_xavier": Config(scheme="xavier"),
    "tanh_xavier": Config(activation="tanh", scheme="xavier"),
    "small": Config(activation="tanh", scheme="small"),
    "gain": Config(activation="elu", scheme="gain"),
    "narrow": Config(width=50),
}
SMALL = Config(depth=3, width=50)
SHOWN = (linear_forward, variances, theory, mean_square)
