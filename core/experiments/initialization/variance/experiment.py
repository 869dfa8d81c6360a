"""Variance: what the scale of the weights does to a signal, mapped, predicted and measured.

A map of weight scale and number of layers shows where signals vanish, stay or explode. Beside it 40
networks of the chosen size are drawn, and each sends one batch through all layers: the variance of
every layer's sums against the one that is predicted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, integer, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above, both, decided, interval
from core.nn.activations import ACTIVATIONS, Activation
from core.nn.initializers import gain, init_std, mean_square
from core.nn.layers import activation_forward, linear_forward
from core.nn.pool import in_parallel
from core.nn.statistics import saturated_share

Array = np.ndarray

COST = "normal"
SEEDS = 40
SAMPLES = 100
MAP_SCALES = np.geomspace(0.004, 1.6, 121)  # neighbours are 5% apart
MAP_DEPTH = 30
MAP_SAMPLES = 20
MAP_WIDTH = 200  # of the widest network of the map; scales are carried over by sqrt(width)

ALIVE = (1e-3, 1e3)  # std of a signal that has neither vanished nor exploded
SATURATED = 0.5  # share of saturated outputs from which a signal counts as saturated
EDGE, SIGMOID_EDGE = 0.1, 0.25  # of a weight scale: over 40 seeds the ends of the strip have a std
# of up to 0.04, those of sigmoids of up to 0.12
CLOSE = 0.05  # I8: measured over predicted, from 1, in the mean over the seeds
BAND = 4  # standard deviations of single networks around that mean
KEPT = 0.1  # change of the variance per layer that still counts as kept


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The networks and how their weights are drawn."""

    activation: str = choice("relu", ["tanh", "relu", "sigmoid", "leaky_relu", "elu", "linear"])
    scheme: str = choice("he", ["small", "xavier", "he", "gain", "large"])
    depth: int = integer(10, 1, 20)
    width: int = numbers(500, [50, 100, 200, 500])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """The map, and variances of preactivations z by seed and layer, the first seed's drawn.

    signal, saturated: (MAP_SCALES, MAP_DEPTH) std over inputs within a unit, averaged over units,
    and share of saturated outputs; measured: (SEEDS, layers); predicted: (SEEDS, layers) fan_in
    Var(w) mean(x^2), x the layer's own inputs; theory: (layers,) from the first inputs alone, each
    z taken as Gaussian; scale: std of the weights; gain: of the activation.
    """

    config: Config
    signal: Array
    saturated: Array
    measured: Array
    predicted: Array
    theory: Array
    scale: float
    gain: float


def scale_of(config: Config) -> float:
    """Return the std of the weights; "gain" computes it from the activation."""
    if config.scheme == "gain":
        return gain(ACTIVATIONS[config.activation]) * config.width**-0.5
    return init_std(config.scheme, config.width, config.width)


def variances(config: Config, scale: float, rng: np.random.Generator) -> Array:
    """Send one batch through one network; return (2, layers) measured and predicted variances."""
    width, function = config.width, ACTIVATIONS[config.activation]
    x = rng.standard_normal((SAMPLES, width), dtype=np.float32)
    rows = []
    for _ in range(config.depth):
        weight = np.float32(scale) * rng.standard_normal((width, width), dtype=np.float32)
        z, _ = linear_forward(x, weight)
        mean_square_of_x = np.square(x, dtype=np.float64).mean()
        rows.append((np.square(z, dtype=np.float64).mean(), width * scale**2 * mean_square_of_x))
        x, _ = activation_forward(z, function)
    return np.array(rows).T


def theory(function: Activation, scale: float, width: int, depth: int) -> Array:
    """Return (depth,) variances of z if every z is Gaussian and inputs are N(0, 1)."""
    rows = [width * scale**2]
    for _ in range(depth - 1):
        rows.append(width * scale**2 * mean_square(function, rows[-1]))
    return np.array(rows)


def signal_map(config: Config, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return (MAP_SCALES, MAP_DEPTH) each: the signal and the share of saturated outputs.

    All scales share inputs and draws. A narrower network stands in for a wide one: what counts is
    scale * sqrt(width).
    """
    width = min(config.width, MAP_WIDTH)
    scales = (MAP_SCALES * (config.width / width) ** 0.5)[:, None, None].astype(np.float32)
    x = rng.standard_normal((MAP_SAMPLES, width), dtype=np.float32) + 0 * scales
    signal, saturated = [], []
    for _ in range(MAP_DEPTH):
        z, _ = linear_forward(x, rng.standard_normal((width, width), dtype=np.float32))
        x, _ = activation_forward(z * scales, ACTIVATIONS[config.activation])
        signal.append(x.std(axis=-2, dtype=np.float64).mean(axis=-1))
        saturated.append(saturated_share(x, config.activation))
    return np.stack(signal, axis=-1), np.stack(saturated, axis=-1)


@np.errstate(all="ignore")  # where signals explode
def run(config: Config) -> Result:
    """Draw the map and all networks."""
    map_stream, networks = streams(config.seed, "map", "networks")
    scale, function = scale_of(config), ACTIVATIONS[config.activation]
    rows = in_parallel(lambda rng: variances(config, scale, rng), networks.spawn(SEEDS))
    measured, predicted = np.swapaxes(rows, 0, 1)
    signal, saturated = signal_map(config, map_stream)
    return Result(
        config=config,
        signal=signal,
        saturated=saturated,
        measured=measured,
        predicted=predicted,
        theory=theory(function, scale, config.width, config.depth),
        scale=scale,
        gain=gain(function),
    )


def survives(signal: Array, saturated: Array) -> Array:
    """Return where a signal has neither vanished nor exploded nor saturated its units."""
    with np.errstate(invalid="ignore"):
        return (ALIVE[0] < signal) & (signal < ALIVE[1]) & (saturated < SATURATED)


def strip(result: Result) -> tuple[float, float] | None:
    """Return the least and greatest weight scale whose signal survives the whole map, if any."""
    alive = np.flatnonzero(survives(result.signal[:, -1], result.saturated[:, -1]))
    if not alive.size:
        return None
    half = (MAP_SCALES[1] / MAP_SCALES[0]) ** 0.5
    return float(MAP_SCALES[alive[0]] / half), float(MAP_SCALES[alive[-1]] * half)


def column_of(scale: float) -> int:
    """Return the map's weight scale that is nearest to one."""
    return int(np.abs(np.log(MAP_SCALES / scale)).argmin())


def findings(result: Result) -> tuple[Finding, ...]:
    """strip: do these weights carry signals through the map? I8: the formula. gain: is it kept?"""
    found = [_strip(result), _formula(result)]
    if result.config.depth > 1:
        found.append(_kept(result))
    return tuple(found)


def _strip(result: Result) -> Finding:
    scale, ends = result.scale, strip(result)
    left = result.signal[column_of(scale), result.config.depth - 1]
    edge = SIGMOID_EDGE if result.config.activation == "sigmoid" else EDGE
    values = {"scale": scale, "left": left, "layers": MAP_DEPTH, "edge": edge}
    if ends is None:
        return Finding(claim="strip", outcome=Outcome.FAILS, because="none", values=values)
    low, high = ends
    too_large = "saturates" if result.config.activation in ("tanh", "sigmoid") else "explodes"
    return Finding(
        claim="strip",
        outcome=both(above(scale, low, edge * low), above(high, scale, edge * high)),
        because="vanishes" if scale < low else too_large,
        values={**values, "low": low, "high": high},
    )


def _formula(result: Result) -> Finding:
    """I8: hold the mean ratio over the seeds against 1, layer by layer, with its own scatter."""
    ratio = result.measured / result.predicted
    off = np.abs(ratio.mean(axis=0) - 1)
    worst = int(off.argmax())
    scatter = ratio[:, worst].std(ddof=1) / SEEDS**0.5
    return Finding(
        claim="I8",
        outcome=above(CLOSE, off[worst], 2 * scatter),
        values={
            "worst": off[worst],
            "bar": CLOSE,
            "single": (np.abs(ratio - 1) > CLOSE).mean(),
            "networks": SEEDS,
        },
    )


def _kept(result: Result) -> Finding:
    """Hold the factor of Var(z) per layer, over the second half of the layers, against 1."""
    measured, best = result.measured, result.gain / result.config.width**0.5
    layers = result.config.depth
    half = layers // 2
    factors = np.log(measured[:, -1] / measured[:, half - 1]) / (layers - half)
    low, high = np.exp(interval(factors))
    factor = float(np.exp(factors.mean()))
    inside = low > 1 - KEPT and high < 1 + KEPT
    outside = high < 1 - KEPT or low > 1 + KEPT
    return Finding(
        claim="gain",
        outcome=decided(inside) if inside or outside else Outcome.UNCLEAR,
        because="own" if abs(result.scale / best - 1) < CLOSE else "",
        values={
            "factor": factor,
            "first": measured[:, 0].mean(),
            "last": measured[:, -1].mean(),
            "scale": result.scale,
            "gain": result.gain,
            "best": best,
            "bar": KEPT,
            "networks": SEEDS,
        },
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return the map, and variances and their ratio per layer with bands over the seeds."""
    ratio = result.measured / result.predicted
    mean, deviation = ratio.mean(axis=0), ratio.std(axis=0, ddof=1)
    return {
        "map": {
            **crossed(weight_scale=MAP_SCALES, layer=np.arange(1, MAP_DEPTH + 1)),
            "std": result.signal.ravel(),
            "saturated": result.saturated.ravel(),
        },
        "layers": {
            "layer": np.arange(1, result.config.depth + 1),
            "this network": result.measured[0],
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
SHOWN = (linear_forward, activation_forward, variances, theory, mean_square, signal_map)
