"""Misread: Xavier's scheme as circulating notes get it wrong, beside the right one.

All schemes see the same inputs, and the normal ones share their draws. Layers may alternate between
two widths, since by fan-in and by fan-in plus fan-out differ only then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.columns import crossed
from core.diagnostics import deep_pass
from core.finding import Finding
from core.initializers import init_std, init_weight
from core.knobs import Checked, choice, integer, numbers, seed, several
from core.layers import linear_backward, linear_forward

COST = "normal"
SAMPLES = 500
BINS = 24
RANGES = {"tanh": (-1.0, 1.0), "relu": (0.0, 3.0)}  # of the histograms
SCHEMES = ("misread_rand", "misread_times_sqrt", "misread_divided_by_n", "glorot", "xavier")

ALIVE = (1e-3, 1e3)  # I10: std of the last layer's outputs
SATURATED = 0.5  # I10: share of |h| > 0.97
EQUAL = 0.05  # I10b: relative difference of two std


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The net and the schemes that are drawn."""

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
    """Per scheme of SCHEMES, drawn or not, and layer.

    mean, std, saturated, dz_std: (schemes, layers); counts: (schemes, layers, BINS + 1), the last
    outside the range; weight_mean: (schemes,) mean of the first layer's weights times
    sqrt(fan_in).
    """

    config: Config
    mean: np.ndarray
    std: np.ndarray
    saturated: np.ndarray
    dz_std: np.ndarray
    counts: np.ndarray
    weight_mean: np.ndarray


def edges_of(activation: str) -> np.ndarray:
    """Return the edges of the histogram's bins."""
    return np.linspace(*RANGES[activation], BINS + 1)


def run(config: Config) -> Result:
    """Push one batch through the net, and a gradient back, once per scheme."""
    input_rng, gradient_rng, weight_rng = np.random.default_rng(config.seed).spawn(3)
    narrow = config.width // config.taper
    widths = [(config.width, narrow)[layer % 2] for layer in range(config.depth + 1)]
    x = input_rng.standard_normal((SAMPLES, widths[0]))
    dout = gradient_rng.standard_normal((SAMPLES, widths[-1]))
    seeds = weight_rng.integers(2**32, size=config.depth).tolist()
    passes, weight_mean = [], []
    for scheme in SCHEMES:
        weights = [
            init_weight(scheme, fan_in, fan_out, rng=np.random.default_rng(s))
            for fan_in, fan_out, s in zip(widths, widths[1:], seeds)
        ]
        edges = edges_of(config.activation)
        passes.append(deep_pass(x, weights, config.activation, edges, dout, weight_gradients=False))
        weight_mean.append(weights[0].mean() * widths[0] ** 0.5)
    stacked = {
        name: np.stack([getattr(p, name) for p in passes])
        for name in ("mean", "std", "saturated", "dz_std", "counts")
    }
    return Result(config=config, weight_mean=np.array(weight_mean), **stacked)


def usable(result: Result) -> dict[str, bool]:
    """Tell per scheme whether the last outputs are neither gone, nor huge, nor saturated."""
    std, saturated = result.std[:, -1], result.saturated[:, -1]
    fine = (ALIVE[0] < std) & (std < ALIVE[1]) & (saturated < SATURATED)
    return dict(zip(SCHEMES, fine.tolist()))


def findings(result: Result) -> tuple[Finding, ...]:
    """I10: what the misreadings do. E4: rand. E5: times sqrt(n), divided by n. I10b: the fans."""
    fine, row = usable(result), {scheme: i for i, scheme in enumerate(SCHEMES)}
    std, saturated = result.std[:, -1], result.saturated[:, -1]
    wrong = [scheme for scheme in SCHEMES if scheme.startswith("misread")]
    rand, times, divided, total, right = (row[scheme] for scheme in SCHEMES)
    return (
        Finding(
            claim="I10",
            holds=fine["xavier"] and not any(fine[scheme] for scheme in wrong),
            values={
                "usable": sum(fine[scheme] for scheme in wrong),
                "std": std[right],
                "low": ALIVE[0],
                "high": ALIVE[1],
            },
        ),
        Finding(
            claim="E4",
            holds=fine["misread_rand"],
            values={
                "weight_mean": result.weight_mean[rand],
                "std": std[rand],
                "saturated": saturated[rand],
            },
        ),
        Finding(
            claim="E5",
            holds=fine["misread_times_sqrt"] or fine["misread_divided_by_n"],
            values={
                "times": std[times],
                "times_saturated": saturated[times],
                "divided": std[divided],
            },
        ),
        Finding(
            claim="I10b",
            holds=bool(abs(std[total] / std[right] - 1) < EQUAL),
            values={
                "fan_in": std[right],
                "both": std[total],
                "fan_in_gradient": result.dz_std[right, 0],
                "both_gradient": result.dz_std[total, 0],
            },
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per drawn scheme and layer, and the histograms."""
    schemes = result.config.schemes
    drawn = [SCHEMES.index(scheme) for scheme in schemes]
    layers, edges = np.arange(1, result.config.depth + 1), edges_of(result.config.activation)
    cells = len(schemes) * len(layers)
    return {
        "layers": {
            **crossed(scheme=schemes, layer=layers),
            **{
                name: getattr(result, name)[drawn].ravel()
                for name in ("mean", "std", "saturated", "dz_std")
            },
        },
        "histograms": {
            **crossed(scheme=schemes, layer=layers, left=edges[:-1]),
            "right": np.tile(edges[1:], cells),
            "count": result.counts[drawn, :, :-1].ravel(),
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
SHOWN = (init_std, init_weight, linear_forward, linear_backward)
