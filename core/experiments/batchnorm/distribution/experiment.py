"""Distribution: what layers put out with and without batch norm, whatever the weight scale.

The deep network of the initialization chapter, on one batch of random inputs. Networks at every
weight scale, with batch norm and without, share the inputs and the N(0, 1) draws of their weights;
batch norm takes mean and variance from this batch, as in training.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, looks, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above, both, decided
from core.nn.layers import batchnorm_forward, linear_forward
from core.nn.network import Network, Trace, forward, init_network, stack_networks
from core.nn.statistics import layer_statistics

Array = np.ndarray

COST = "instant"
CASES = ("without", "with")
SCALES = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0)
SAMPLES, WIDTH = 200, 100
RANGES = {"tanh": (-1.0, 1.0), "relu": (0.0, 3.0), "sigmoid": (0.0, 1.0)}  # of the histograms
BINS = 30

UNIT = {"tanh": 0.63, "relu": 0.58, "sigmoid": 0.21}  # std of f(z) for z from N(0, 1)
SPREAD = 0.5  # B2: share of UNIT that every layer keeps
SCATTER = 0.05  # of UNIT; over 40 seeds the least std of ten layers has a std of 0.01
GONE, FADED, EXPLODED, SATURATED = 1e-3, 0.5, 3.0, 0.5  # of UNIT; share of outputs
ROUNDING = 1e-6  # B2b: deep networks enlarge 1e-16 to about 1e-12
NEAR = 3.0  # eps: measured over predicted scale; over 40 seeds 0.7 to 2.1


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The scale that is looked at, and the network."""

    weight_scale: float = looks(numbers(0.01, SCALES))
    eps: float = numbers(1e-5, [1e-7, 1e-6, 1e-5, 1e-4, 1e-3])
    placement: str = choice("before", ["before", "after"])
    activation: str = choice("tanh", list(RANGES))
    depth: int = numbers(10, [2, 5, 10, 20])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What the nonlinearities put out; the first axes are CASES and SCALES.

    unit_std (over samples within a unit, averaged over units), zero, saturated (shares of outputs):
    (2, scales, layers); counts: (2, scales, layers, BINS + 1), the last outside the range;
    scale_free: with eps 0, the greatest difference between outputs at 1.0 and at 0.01.
    """

    config: Config
    unit_std: Array
    zero: Array
    saturated: Array
    counts: Array
    scale_free: float

    @property
    def chosen(self) -> int:
        """Return the place of the scale that is looked at."""
        return SCALES.index(self.config.weight_scale)


def edges_of(config: Config) -> Array:
    """Return the edges of the histograms' bins."""
    return np.linspace(*RANGES[config.activation], BINS + 1)


def at_scales(network: Network, scales: tuple[float, ...]) -> Network:
    """Stack copies of a network drawn from N(0, 1), its weights times one scale in each."""
    return stack_networks(
        [
            replace(
                network,
                layers=[{**layer, "weight": scale * layer["weight"]} for layer in network.layers],
            )
            for scale in scales
        ]
    )


def outputs(
    config: Config, batch_norm: str, eps: float, scales: tuple[float, ...] = SCALES
) -> list[Trace]:
    """Send the batch through the network at every scale; return what each hidden layer did.

    batch_norm: "none", or "before" or "after" the nonlinearity.
    """
    inputs, weights = streams(config.seed, "inputs", "weights")
    x = inputs.standard_normal((SAMPLES, WIDTH))
    sizes = (*[WIDTH] * (config.depth + 1), 1)
    network = init_network(
        sizes, 1.0, config.activation, rng=weights, batch_norm=batch_norm, eps=eps
    )
    _, traces = forward(at_scales(network, scales), x, training=True)
    return traces[:-1]


def run(config: Config) -> Result:
    """Look at all layers at every scale, without batch norm and with it."""
    seen = [
        layer_statistics(outputs(config, batch_norm, config.eps), edges_of(config))
        for batch_norm in ("none", config.placement)
    ]
    large, small = outputs(config, config.placement, 0.0, (1.0, 0.01))[-1].out
    return Result(
        config=config,
        scale_free=float(np.abs(large - small).max()),
        **{
            name: np.stack([getattr(statistics, name) for statistics in seen])
            for name in ("unit_std", "zero", "saturated", "counts")
        },
    )


def fates(result: Result) -> dict[str, str]:
    """Return what becomes of the outputs: saturates, explodes, collapses, fades or spread."""
    at, unit = result.chosen, UNIT[result.config.activation]
    return {
        case: _fate(result.unit_std[row, at, -1] / unit, result.saturated[row, at, -1])
        for row, case in enumerate(CASES)
    }


def _fate(share: float, saturated: float) -> str:
    """Judge the last layer; share: its std over that of f(z) for z from N(0, 1)."""
    if saturated > SATURATED:
        return "saturates"
    if share > EXPLODED:
        return "explodes"
    if share < GONE:
        return "collapses"
    return "fades" if share < FADED else "spread"


def takes_over(config: Config) -> float:
    """Return the weight scale at which the variance of a sum is eps.

    The inputs of a layer have the std that f makes of normalized sums.
    """
    return float((config.eps / WIDTH) ** 0.5 / UNIT[config.activation])


def half_scale(result: Result) -> float | None:
    """Return the scale at which the last layer's std falls to SPREAD of UNIT; None if none does.

    Between two scales the std is taken to be a straight line in logarithms.
    """
    bar = SPREAD * UNIT[result.config.activation]
    last = result.unit_std[1, :, -1]
    below = np.flatnonzero(last < bar)
    if not below.size or below[-1] == len(SCALES) - 1:
        return None
    around = slice(below[-1], below[-1] + 2)
    return float(np.exp(np.interp(np.log(bar), np.log(last[around]), np.log(SCALES[around]))))


def findings(result: Result) -> tuple[Finding, ...]:
    """B2: batch norm keeps every layer spread, whatever the scale, until eps takes over."""
    found = [_spread(result)]
    if result.config.placement == "before":
        found.append(_scale_free(result))
        if (half := half_scale(result)) is not None:
            found.append(_eps(result, half))
    return tuple(found)


def _spread(result: Result) -> Finding:
    """B2, and B2c after the nonlinearity: every layer keeps half of what f makes of N(0, 1)."""
    config, fate = result.config, fates(result)
    unit = UNIT[config.activation]
    without, normalized = result.unit_std[:, result.chosen]
    outcomes = [above(normalized.min(), SPREAD * unit, SCATTER * unit)]
    because = fate["without"]
    if config.placement == "after":
        crowded = result.saturated[1, result.chosen].max()
        outcomes.append(above(SATURATED, crowded, SCATTER))
        because = "" if outcomes[1] is Outcome.HOLDS else "saturates"
    return Finding(
        claim="B2" if config.placement == "before" else "B2c",
        outcome=both(*outcomes),
        because=because,
        values={
            "without": without[-1],
            "with": normalized[-1],
            "least": normalized.min(),
            "bar": SPREAD * unit,
            "scale": config.weight_scale,
            "predicted": takes_over(config),
        },
    )


def _scale_free(result: Result) -> Finding:
    """B2b: but for eps, all weights times a number are the same network."""
    return Finding(
        claim="B2b",
        outcome=decided(result.scale_free < ROUNDING),
        identity=True,
        values={"difference": result.scale_free},
    )


def _eps(result: Result, half: float) -> Finding:
    """Hold the scale below which layers lose their spread against the one eps predicts."""
    predicted = takes_over(result.config)
    off = float(np.exp(abs(np.log(half / predicted))))
    return Finding(
        claim="eps",
        outcome=above(NEAR, off, 0.1 * NEAR),
        values={"half": half, "predicted": predicted, "bar": NEAR},
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per case, scale and layer, and the histograms at the scale looked at."""
    layers, edges = np.arange(1, result.config.depth + 1), edges_of(result.config)
    return {
        "layers": {
            **crossed(case=CASES, weight_scale=SCALES, layer=layers),
            **{n: getattr(result, n).ravel() for n in ("unit_std", "zero", "saturated")},
        },
        "histograms": {
            **crossed(case=CASES, layer=layers, left=edges[:-1]),
            "right": np.tile(edges[1:], len(CASES) * len(layers)),
            "count": result.counts[:, result.chosen, :, :-1].ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "large": Config(weight_scale=1.0),
    "eps_wins": Config(weight_scale=1e-4),
    "small_eps": Config(weight_scale=1e-4, eps=1e-7),
    "after": Config(placement="after"),
    "relu": Config(activation="relu", weight_scale=0.3),
}
SMALL = Config(depth=2)
SHOWN = (linear_forward, batchnorm_forward, outputs, layer_statistics)
