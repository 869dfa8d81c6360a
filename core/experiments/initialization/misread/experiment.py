"""Misread: Xavier's scheme as circulating notes get it wrong, beside the right one.

All schemes see the same inputs, and the normal ones share their draws. Layers may alternate between
two widths, since by fan-in and by fan-in plus fan-out differ only then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, integer, numbers, seed, several
from core.lab.streams import streams
from core.lab.verdict import above, both, decided, opposite
from core.nn.initializers import init_std, init_weight
from core.nn.layers import activation_forward, frozen_linear_backward, linear_forward
from core.nn.statistics import deep_pass

Array = np.ndarray

COST = "normal"
SAMPLES = 500
BINS = 24
RANGES = {"tanh": (-1.0, 1.0), "relu": (0.0, 3.0)}  # of the histograms
SCHEMES = ("misread_rand", "misread_times_sqrt", "misread_divided_by_n", "glorot", "xavier")

MISREAD = SCHEMES[:3]

ALIVE = (1e-3, 1e3)  # I10: std of the last layer's outputs
SATURATED = 0.5  # I10: share of |h| > 0.97
SCATTER = 0.2  # relative: the margin of these bars
EQUAL = 0.05  # I10b: relative difference of two std; its std over 40 seeds is at most 0.002
ROUNDING = 1e-12  # I10b, where both formulas are the same number


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The network and the schemes that are compared."""

    activation: str = choice("tanh", list(RANGES))
    schemes: tuple[str, ...] = several(
        ("misread_rand", "misread_times_sqrt", "misread_divided_by_n", "xavier"), SCHEMES
    )
    depth: int = integer(10, 1, 12)
    taper: int = numbers(1, [1, 2, 5])
    width: int = numbers(500, [50, 100, 200, 500])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Per chosen scheme and layer.

    std, saturated, zero, dz_std: (schemes, layers), zero being the share of outputs that are 0 and
    dz_std the std of the loss's gradient with respect to z; counts: (schemes, layers, BINS + 1),
    the last outside the range; weight_mean: (schemes,) mean of the first layer's weights times
    sqrt(fan_in).
    """

    config: Config
    std: Array
    saturated: Array
    zero: Array
    dz_std: Array
    counts: Array
    weight_mean: Array


def edges_of(activation: str) -> np.ndarray:
    """Return the edges of the histogram's bins."""
    return np.linspace(*RANGES[activation], BINS + 1)


def run(config: Config) -> Result:
    """Push one batch through the network, and a gradient back, once per scheme."""
    inputs, gradients = streams(config.seed, "inputs", "gradients")
    narrow = config.width // config.taper
    widths = [(config.width, narrow)[layer % 2] for layer in range(config.depth + 1)]
    x = inputs.standard_normal((SAMPLES, widths[0]))
    dout = gradients.standard_normal((SAMPLES, widths[-1]))
    passes, weight_mean = [], []
    for scheme in config.schemes:
        (weights,) = streams(config.seed, "weights")  # anew: the schemes share their draws
        drawn = [
            init_weight(scheme, fan_in, fan_out, rng=rng)
            for fan_in, fan_out, rng in zip(widths, widths[1:], weights.spawn(config.depth))
        ]
        edges = edges_of(config.activation)
        passes.append(deep_pass(x, drawn, config.activation, edges, dout, weight_gradients=False))
        weight_mean.append(drawn[0].mean() * widths[0] ** 0.5)
    stacked = {
        name: np.stack([getattr(p, name) for p in passes])
        for name in ("std", "saturated", "zero", "dz_std", "counts")
    }
    return Result(config=config, weight_mean=np.array(weight_mean), **stacked)


def usable(result: Result) -> dict[str, Outcome]:
    """Tell per scheme whether the last outputs are neither gone, nor huge, nor saturated."""
    return {
        scheme: both(
            above(std, ALIVE[0], SCATTER * ALIVE[0]),
            above(ALIVE[1], min(std, 2 * ALIVE[1]), SCATTER * ALIVE[1]),
            above(SATURATED, saturated, SCATTER * SATURATED),
        )
        for scheme, std, saturated in zip(
            result.config.schemes, result.std[:, -1], result.saturated[:, -1]
        )
    }


def fates(result: Result) -> dict[str, str]:
    """Return what becomes of each scheme's last outputs: vanishes, explodes, saturates or alive."""
    last = zip(result.config.schemes, result.std[:, -1], result.saturated[:, -1])
    return {
        scheme: "vanishes"
        if std < ALIVE[0]
        else "saturates"
        if saturated > SATURATED
        else "alive"
        if std < ALIVE[1]
        else "explodes"
        for scheme, std, saturated in last
    }


def findings(result: Result) -> tuple[Finding, ...]:
    """I10: what the misreadings do. E4: rand. E5: times sqrt(n), divided by n. I10b: the fans."""
    fine, schemes = usable(result), result.config.schemes
    found = []
    if set(schemes) & set(MISREAD):
        found.append(_misread(result, fine))
    if {"glorot", "xavier"} <= set(schemes):
        found.append(_fans(result))
    if "misread_rand" in schemes:
        found.append(_rand(result, fine))
    if set(schemes) & set(MISREAD[1:]):
        found.append(_scaled(result, fine))
    return tuple(found) or (_alive(result, fine),)


def _last(result: Result, scheme: str) -> float:
    return float(result.std[result.config.schemes.index(scheme), -1])


def _misread(result: Result, fine: Mapping[str, Outcome]) -> Finding:
    """I10: every chosen misreading ruins the network, and the right scheme does not."""
    wrong = [scheme for scheme in MISREAD if scheme in fine]
    right = "xavier" in fine
    values: dict[str, float] = {
        "usable": sum(fine[scheme] is Outcome.HOLDS for scheme in wrong),
        "wrong": len(wrong),
        "low": ALIVE[0],
        "high": ALIVE[1],
    }
    if right:
        values["std"] = _last(result, "xavier")
    return Finding(
        claim="I10",
        outcome=both(
            *(opposite(fine[scheme]) for scheme in wrong), *([fine["xavier"]] if right else [])
        ),
        because="_".join(["one"] * (len(wrong) == 1) + ["alone"] * (not right)),
        values=values,
    )


def _rand(result: Result, fine: Mapping[str, Outcome]) -> Finding:
    row = result.config.schemes.index("misread_rand")
    return Finding(
        claim="E4",
        outcome=fine["misread_rand"],
        because=fates(result)["misread_rand"],
        misreading=True,
        values={
            "weight_mean": result.weight_mean[row],
            "std": result.std[row, -1],
            "saturated": result.saturated[row, -1],
        },
    )


def _scaled(result: Result, fine: Mapping[str, Outcome]) -> Finding:
    """E5: one of the two other formulas would do."""
    names = {"misread_times_sqrt": "times", "misread_divided_by_n": "divided"}
    chosen = [scheme for scheme in names if scheme in fine]
    values: dict[str, Any] = {names[scheme]: _last(result, scheme) for scheme in chosen}
    harmless = [scheme for scheme in chosen if fine[scheme] is Outcome.HOLDS]
    if harmless:
        values |= {"harmless": harmless[-1], "left": _last(result, harmless[-1])}
    return Finding(
        claim="E5",
        outcome=opposite(both(*(opposite(fine[scheme]) for scheme in chosen))),
        because="" if len(chosen) == 2 else names[chosen[0]],
        misreading=True,
        values=values,
    )


def _fans(result: Result) -> Finding:
    """I10b: are Xavier by fan-in and by both fans the same? By construction, at equal widths."""
    fan_in, fans = _last(result, "xavier"), _last(result, "glorot")
    difference = abs(fans / fan_in - 1)
    same = result.config.taper == 1
    return Finding(
        claim="I10b",
        outcome=decided(difference < ROUNDING) if same else above(EQUAL, difference, EQUAL / 2),
        identity=same,
        # ReLU only scales with its weights, so that every draw differs by the same factor.
        because="" if same or result.config.activation == "tanh" else "factor",
        values={
            "fan_in": fan_in,
            "both": fans,
            "narrow": result.config.width // result.config.taper,
        },
    )


def _alive(result: Result, fine: Mapping[str, Outcome]) -> Finding:
    (scheme,) = result.config.schemes
    return Finding(
        claim="alive",
        outcome=fine[scheme],
        values={"std": _last(result, scheme), "low": ALIVE[0], "name": scheme},
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per scheme and layer, and the histograms."""
    schemes, edges = result.config.schemes, edges_of(result.config.activation)
    layers = np.arange(1, result.config.depth + 1)
    return {
        "layers": {
            **crossed(scheme=schemes, layer=layers),
            **{
                name: getattr(result, name).ravel()
                for name in ("std", "saturated", "zero", "dz_std")
            },
            "outside": (result.counts[..., -1] / result.counts.sum(-1)).ravel(),
        },
        "histograms": {
            **crossed(scheme=schemes, layer=layers, left=edges[:-1]),
            "right": np.tile(edges[1:], len(schemes) * len(layers)),
            "count": result.counts[..., :-1].ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "relu": Config(activation="relu"),
    "fans": Config(schemes=("glorot", "xavier"), taper=5),
    "equal": Config(schemes=("glorot", "xavier")),
    "shallow": Config(depth=1),
}
SMALL = Config(depth=3, width=50)
SHOWN = (init_std, init_weight, linear_forward, activation_forward, frozen_linear_backward)
