"""Depth: what the scale of the weights does to activations and gradients, layer by layer.

The lecture's best-known experiment at its own size: 10 hidden layers of 500, no biases, 1,000
inputs. The schemes that are compared share the inputs, the N(0, 1) draws of every layer (each
scaled by its own std) and the gradient that enters at the top. Networks of 4,096 units per layer,
as in later years' lecture, see 16 inputs and go forward only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.experiments.initialization.depth import printed
from core.lab.columns import crossed
from core.lab.datasets import standardized_digits
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, integer, looks, numbers, seed, several
from core.lab.streams import streams
from core.lab.verdict import above, both, decided, opposite
from core.nn.initializers import init_std
from core.nn.layers import activation_forward, linear_backward, linear_forward
from core.nn.statistics import DeepPass, deep_pass, wide_pass

Array = np.ndarray

COST = "normal"
SCHEMES = ("small", "medium", "large", "xavier", "he")
WIDE = 4096
LECTURE_DEPTH = 10  # up to which 1,000 inputs are seen, and gradients of weights
SAMPLES, DEEP_SAMPLES, WIDE_SAMPLES = 1000, 500, 16  # 1,000 in 30 layers would take 315 MB

RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "relu": (0.0, 3.0)}  # of the histograms
BINS = 30  # that are drawn
COUNTED = {"tanh": 60, "sigmoid": 60, "relu": 90}  # so fine that other ranges are made of them

GONE, FADED, EXPLODED = 1e-3, 0.2, 10.0  # std of the last layer's outputs
MOSTLY = 0.5  # share of outputs at the ends from which a layer counts as saturated

SCATTER = 0.1  # relative: the margin of the bars of I2
DIED = 1e-5  # I2: std of the last layer
DIED_GRADIENT = 1e-4  # I2b: dW against Xavier's, dz of the first layer against the last
SATURATED = 0.9  # I3: share of |h| > 0.97; its std over 40 seeds is 0.0002, as of the slope
LOCAL_GRADIENT = 0.05  # I3: mean of tanh'
SPREAD = 0.2  # I4: std of the last layer; its std over 40 seeds is 0.002
HALVED = (0.66, 0.75)  # I5: std ratio per layer, about sqrt(1/2)
KEPT = (0.95, 1.05)  # I6: std ratio per layer
RATIO_SCATTER = 0.8  # of these, over sqrt(width * (layers - 1)); 40 seeds each gave 0.5 to 0.97
EDGE = 0.05  # I7: this close to 0 or 1
EDGE_SCATTER = 0.04  # I7: of that share, 2 std over 40 seeds
NO_POWER = 0.02  # I7b: std over examples within a unit
POOLED = 0.05  # I7c: std of all outputs of the last layer
CENTRED = 0.05  # E8: mean of a layer's outputs
GAUSSIAN = (0.9, 1.1)  # E17: std of a unit Gaussian


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The network, its inputs and the schemes side by side."""

    activation: str = choice("tanh", list(RANGES))
    schemes: tuple[str, ...] = several(("small", "large", "xavier"), SCHEMES)
    depth: int = integer(10, 1, 30)
    width: int = numbers(500, [20, 50, 100, 200, 500, WIDE])
    inputs: str = choice("gaussian", ["gaussian", "digits"])
    range: str = looks(choice("own", ["own", "unit"]))
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Statistics of every layer; the first axis is the schemes, the second the layers.

    mean, std (over samples and units), unit_std (over samples within a unit), zero, saturated
    (shares of outputs), dead (share of units), local_gradient (mean f'): (schemes, layers);
    counts: (schemes, layers, COUNTED + 1), the last outside the range; dz_std: (schemes, layers),
    no layers in a network that goes forward only; small_dw, xavier_dw: (layers,) std of the
    gradients of weights, empty if 0.01 was not asked about; input_mean, input_std: numbers.
    """

    config: Config
    mean: Array
    std: Array
    unit_std: Array
    zero: Array
    dead: Array
    saturated: Array
    local_gradient: Array
    counts: Array
    dz_std: Array
    small_dw: Array
    xavier_dw: Array
    input_mean: float
    input_std: float

    @property
    def signal(self) -> Array:
        """Return (schemes, layers) the std that tells what is left of the inputs.

        A sigmoid unit has a mean of its own, so only the std within a unit does.
        """
        return self.unit_std if self.config.activation == "sigmoid" else self.std

    @property
    def edge(self) -> Array:
        """Return (schemes, layers): share of a sigmoid's outputs within EDGE of 0 or 1."""
        near = round(EDGE * COUNTED["sigmoid"])
        inside = self.counts[..., :-1]
        ends = inside[..., :near].sum(-1) + inside[..., -near:].sum(-1)
        return ends / self.counts.sum(-1)

    @property
    def has_gradients(self) -> bool:
        """Tell whether a gradient went back."""
        return self.dz_std.size > 0


def inputs_of(config: Config, rng: np.random.Generator) -> Array:
    """Return (samples, features): N(0, 1) as wide as the network, or standardized digits."""
    samples = SAMPLES if config.depth <= LECTURE_DEPTH else DEEP_SAMPLES
    if config.width == WIDE:
        samples = WIDE_SAMPLES
    if config.inputs == "gaussian":
        return rng.standard_normal((samples, config.width))
    digits = standardized_digits().x_train
    return digits[rng.permutation(len(digits))[:samples]]


def counted_edges(config: Config) -> Array:
    """Return the edges of the bins that are counted."""
    return np.linspace(*RANGES[config.activation], COUNTED[config.activation] + 1)


def histograms(result: Result) -> tuple[Array, Array]:
    """Return the counts (schemes, layers, BINS + 1) of the chosen range, and the bins' edges."""
    edges, counts = counted_edges(result.config), result.counts
    if result.config.range == "unit" and result.config.activation != "sigmoid":
        start = int(np.searchsorted(edges, -1e-9))
        chosen, edges = counts[..., start : start + BINS], edges[start : start + BINS + 1]
    else:
        many = (counts.shape[-1] - 1) // BINS
        inside = counts[..., :-1]
        chosen = inside.reshape(*inside.shape[:-1], BINS, many).sum(axis=-1)
        edges = edges[::many]
    outside = counts.sum(axis=-1) - chosen.sum(axis=-1)
    return np.concatenate([chosen, outside[..., None]], axis=-1), edges


def run(config: Config) -> Result:
    """Push one batch through the network, and a gradient back, once per scheme."""
    inputs, weights, gradients = streams(config.seed, "inputs", "weights", "gradients")
    x = inputs_of(config, inputs)
    dw: dict[str, Array] = {}
    if config.width == WIDE:
        passes = wide(config, x, weights)
    else:
        passes, dw = deep(config, x, weights, gradients)
    stacked = {
        name: np.stack([getattr(passes[scheme], name) for scheme in config.schemes])
        for name in (
            *("mean", "std", "unit_std", "zero", "dead", "saturated", "local_gradient"),
            *("dz_std", "counts"),
        )
    }
    return Result(
        config=config,
        small_dw=dw.get("small", np.empty(0)),
        xavier_dw=dw.get("xavier", np.empty(0)),
        input_mean=float(x.mean()),
        input_std=float(x.std()),
        **stacked,
    )


def fans_of(config: Config, x: Array) -> list[int]:
    """Return the fan-in of every layer."""
    return [x.shape[1], *[config.width] * (config.depth - 1)]


def deep(
    config: Config, x: Array, weights: np.random.Generator, gradients: np.random.Generator
) -> tuple[dict[str, DeepPass], dict[str, Array]]:
    """Pass forward and backward with every chosen scheme; return what was seen, and std of dW.

    dW of 0.01 and of Xavier, which I2b compares, chosen or not; in deeper networks it takes too
    much memory.
    """
    fans = fans_of(config, x)
    draws = [weights.standard_normal((fan_in, config.width)) for fan_in in fans]
    dout = gradients.standard_normal((len(x), config.width))
    compared = {"small", "xavier"} if "small" in config.schemes else set()
    if config.depth > LECTURE_DEPTH or config.activation == "sigmoid":
        compared = set()
    passes = {
        scheme: deep_pass(
            x,
            draws,
            config.activation,
            counted_edges(config),
            dout,
            stds=[init_std(scheme, fan_in, config.width) for fan_in in fans],
            weight_gradients=scheme in compared,
        )
        for scheme in sorted({*config.schemes, *compared})
    }
    return passes, {scheme: passes[scheme].dw_std for scheme in compared}


def wide(config: Config, x: Array, weights: np.random.Generator) -> dict[str, DeepPass]:
    """Pass forward only, all schemes together: the weights of all layers would not fit."""
    fans = fans_of(config, x)
    stds = np.array([[init_std(s, fan_in, WIDE) for fan_in in fans] for s in config.schemes])
    edges = counted_edges(config)
    passes = wide_pass(
        x, stds, config.depth, config.activation, edges, rng=weights, width=config.width
    )
    return dict(zip(config.schemes, passes))


def per_layer(values: Array) -> float:
    """Return the geometric mean of the ratio from one layer to the next."""
    return float((values[-1] / values[0]) ** (1 / max(len(values) - 1, 1)))


def backward_ratio(dz_std: Array) -> float:
    """Return the mean factor by which the gradient grows per layer on its way down."""
    return per_layer(dz_std[::-1])


def fates(result: Result) -> dict[str, str]:
    """Return what becomes of each scheme: saturates, explodes, collapses, fades or alive."""
    return {scheme: _fate(result, row) for row, scheme in enumerate(result.config.schemes)}


def _fate(result: Result, row: int) -> str:
    """Look at the last layer; a sigmoid's outputs have collapsed where all of them are alike."""
    signal, std = result.signal[row, -1], result.std[row, -1]
    sigmoid = result.config.activation == "sigmoid"
    if (result.edge if sigmoid else result.saturated)[row, -1] > MOSTLY:
        return "saturates"
    if not signal < EXPLODED:
        return "explodes"
    if std < (POOLED if sigmoid else GONE):
        return "collapses"
    return "fades" if signal < FADED else "alive"


def findings(result: Result) -> tuple[Finding, ...]:
    """Answer the claims that the chosen activation and schemes touch."""
    checks = {
        ("tanh", "small"): (_small, _small_gradient),
        ("relu", "small"): (_small, _small_gradient),
        ("tanh", "large"): (_large, _overshoot),
        ("tanh", "xavier"): (_xavier_tanh, _gaussian),
        ("relu", "xavier"): (_xavier_relu,),
        ("relu", "he"): (_he,),
        ("sigmoid", "large"): (_sigmoid_large,),
        ("sigmoid", "small"): (_sigmoid_small,),
        ("sigmoid", "xavier"): (_sigmoid_xavier,),
    }
    activation, schemes = result.config.activation, result.config.schemes
    found = [
        finding
        for row, scheme in enumerate(schemes)
        for check in checks.get((activation, scheme), ())
        for finding in check(result, row)
    ]
    if activation == "relu" and {"xavier", "he"} <= set(schemes):
        found.append(_dead_with_xavier(result))
    found.sort(key=lambda finding: (finding.misreading, finding.claim in ("I2b", "I7b", "I7c")))
    if not found or found[0].misreading:
        found.insert(0, _alive(result, len(schemes) - 1))
    return tuple(found)


def _others(result: Result) -> str:
    """Return "all" if the column beside 0.01 show the rest of the lecture's story."""
    fate = fates(result)
    stories = {
        "tanh": {"small": "collapses", "large": "saturates", "xavier": "alive"},
        "relu": {"small": "collapses", "xavier": "fades", "he": "alive"},
    }
    return "all" if fate == stories[result.config.activation] else ""


def _small(result: Result, row: int) -> Iterator[Finding]:
    """I2, its first half: the outputs of a deep network die."""
    last = float(result.std[row, -1])
    others = _others(result)
    yield Finding(
        claim="I2",
        outcome=above(DIED, last, SCATTER * DIED),
        because=f"{others}_{result.config.activation}" if others else "",
        values={"std": last, "bar": DIED, "factor": per_layer(result.std[row])},
    )


def _small_gradient(result: Result, row: int) -> Iterator[Finding]:
    """I2b, its second half: so do the gradients."""
    if not result.has_gradients or result.config.depth == 1:
        return
    dz = float(result.dz_std[row, 0] / result.dz_std[row, -1])
    values = {"dz": dz, "bar": DIED_GRADIENT}
    outcomes = [above(DIED_GRADIENT, dz, SCATTER * DIED_GRADIENT)]
    if result.small_dw.size:
        values["dw"] = dw = float((result.small_dw / result.xavier_dw).max())
        outcomes.append(above(DIED_GRADIENT, dw, SCATTER * DIED_GRADIENT))
    yield Finding(
        claim="I2b",
        outcome=both(*outcomes),
        because="" if result.small_dw.size else "dz",
        values=values,
    )


def _large(result: Result, row: int) -> Iterator[Finding]:
    """I3: units saturate, and pass almost nothing each."""
    saturated, local = result.saturated[row].min(), result.local_gradient[row].max()
    values = {
        "saturated": saturated,
        "bar": SATURATED,
        "local": local,
        "local_bar": LOCAL_GRADIENT,
    }
    if result.has_gradients and result.config.depth > 1:
        values["backward"] = backward_ratio(result.dz_std[row])
    yield Finding(
        claim="I3",
        outcome=both(above(saturated, SATURATED, 0.01), above(LOCAL_GRADIENT, local, 0.005)),
        because="" if "backward" in values else "forward",
        values=values,
    )


def _xavier_tanh(result: Result, row: int) -> Iterator[Finding]:
    """I4: the spread is kept."""
    std, within = result.std[row], band_of(result.config, "xavier")
    outside = 0 if within is None else int(((std < within[0, 1:]) | (std > within[1, 1:])).sum())
    yield Finding(
        claim="I4",
        outcome=both(above(std[-1], SPREAD, 0.01), decided(outside == 0)),
        because="band" if outside else "",
        values={"first": std[0], "std": std[-1], "bar": SPREAD, "outside": outside},
    )


def _ratio(result: Result, row: int, claim: str, bars: tuple[float, float]) -> Iterator[Finding]:
    """Hold the std ratio per layer between two bars."""
    if result.config.depth == 1:
        return
    ratio, (low, high) = per_layer(result.std[row]), bars
    fate = fates(result)
    pair = fate.get("xavier") == "fades" and fate.get("he") == "alive"
    values = {"ratio": ratio, "low": low, "high": high, "std": result.std[row, -1]}
    if pair:
        values["he"] = result.std[result.config.schemes.index("he"), -1]
    steps = result.config.width * (result.config.depth - 1)
    margin = 2 * RATIO_SCATTER * sum(bars) / 2 / steps**0.5
    yield Finding(
        claim=claim,
        outcome=both(above(ratio, low, margin), above(high, ratio, margin)),
        because="pair" if pair else "",
        values=values,
    )


def _xavier_relu(result: Result, row: int) -> Iterator[Finding]:
    """I5: ReLU takes half of the variance at each layer."""
    return _ratio(result, row, "I5", HALVED)


def _he(result: Result, row: int) -> Iterator[Finding]:
    """I6: twice the variance makes up for it."""
    return _ratio(result, row, "I6", KEPT)


def _sigmoid_large(result: Result, row: int) -> Iterator[Finding]:
    """I7: outputs pile up at 0 and 1, and yet the gradient does not vanish."""
    edges = float(result.edge[row].min())
    values = {"edges": edges, "bar": MOSTLY, "near": EDGE}
    if result.has_gradients and result.config.depth > 1:
        values["dz"] = result.dz_std[row, 0] / result.dz_std[row, -1]
    others = {"small": "collapses", "xavier": "fades"}.items() <= fates(result).items()
    yield Finding(
        claim="I7",
        outcome=above(edges, MOSTLY, EDGE_SCATTER),
        because="all" if others and "dz" in values else "" if "dz" in values else "forward",
        values=values,
    )


def _sigmoid_small(result: Result, row: int) -> Iterator[Finding]:
    """I7b: outputs pile up at one half, whatever comes in."""
    last = float(result.unit_std[row, -1])
    yield Finding(
        claim="I7b",
        outcome=above(NO_POWER, last, SCATTER * NO_POWER),
        values={"unit_std": last, "bar": NO_POWER, "mean": result.mean[row, -1]},
    )


def _sigmoid_xavier(result: Result, row: int) -> Iterator[Finding]:
    """I7c: the pooled histogram is spread out, and still the signal fades."""
    pooled, first, last = result.std[row, -1], result.unit_std[row, 0], result.unit_std[row, -1]
    yield Finding(
        claim="I7c",
        outcome=above(pooled, POOLED, SCATTER * POOLED),
        values={"pooled": pooled, "first": first, "last": last, "bar": POOLED},
    )


def _overshoot(result: Result, row: int) -> Iterator[Finding]:
    """E8, of large weights: mean and std overshoot, or the gradient simply vanishes."""
    if not result.has_gradients or result.config.depth == 1:
        return
    mean, backward = np.abs(result.mean[row]).max(), backward_ratio(result.dz_std[row])
    yield Finding(
        claim="E8",
        outcome=opposite(both(above(CENTRED, mean, 0.01), above(backward, 1, 0.05))),
        misreading=True,
        values={"mean": mean, "std": result.std[row].max(), "backward": backward},
    )


def _gaussian(result: Result, row: int) -> Iterator[Finding]:
    """E17, of tanh with Xavier: every layer is a unit Gaussian."""
    std, (low, high) = result.std[row], GAUSSIAN
    yield Finding(
        claim="E17",
        outcome=both(above(std.min(), low, 0.02), above(high, std.max(), 0.02)),
        misreading=True,
        values={"first": std[0], "std": std[-1]},
    )


def _dead_with_xavier(result: Result) -> Finding:
    """E16, of ReLU with Xavier: it loses its nonlinearity, or units die.

    The same draws, scaled, have the same signs: He's zeros and dead units are Xavier's.
    """
    rows = [result.config.schemes.index(scheme) for scheme in ("xavier", "he")]
    zero, dead = result.zero[rows], result.dead[rows]
    return Finding(
        claim="E16",
        outcome=decided(bool(np.any(zero[0] != zero[1]) or np.any(dead[0] != dead[1]))),
        misreading=True,
        identity=True,
        values={"zero": zero[0, -1], "dead": dead[0, -1]},
    )


def _alive(result: Result, row: int) -> Finding:
    """Where the lecture claims nothing: does this scheme keep its signal?"""
    scheme, std = result.config.schemes[row], float(result.signal[row, -1])
    huge = not std < EXPLODED
    kept = both(
        above(std, FADED, SCATTER * FADED),
        above(EXPLODED, min(std, 2 * EXPLODED), SCATTER * EXPLODED),
    )
    fate = fates(result)[scheme]
    return Finding(
        claim="alive",
        outcome=Outcome.FAILS if fate == "saturates" else kept,
        because=fate,
        values={
            "scheme": scheme,
            "std": std if np.isfinite(std) else "more than a computer can hold",
            "bar": EXPLODED if huge else FADED,
        },
    )


def is_lectures(config: Config) -> bool:
    """Tell whether the network and its inputs have the lecture's size."""
    return replace(config, activation="tanh", schemes=Config().schemes, range="own", seed=0) == (
        Config()
    )


def band_of(config: Config, scheme: str, name: str = "std") -> Array | None:
    """Return the (2, 11) band of inputs and layers; None where the lecture's size is left."""
    return printed.band(config.activation, scheme, name) if is_lectures(config) else None


def measure_reference() -> dict[str, Array]:
    """Return what printed.SEEDS give in printed.CASES, by "activation.scheme.std" (or mean)."""
    measured: dict[str, Array] = {}
    for activation in ("tanh", "relu"):
        schemes = tuple(s for s in SCHEMES if (activation, s) in printed.CASES)
        configs = [Config(activation=activation, schemes=schemes, seed=s) for s in printed.SEEDS]
        seen = [from_inputs(run(config)) for config in configs]
        measured |= {
            f"{activation}.{scheme}.{name}": printed.over_seeds([s[scheme, name] for s in seen])
            for scheme, name in seen[0]
        }
    return measured


def from_inputs(result: Result) -> dict[tuple[str, str], Array]:
    """Return (scheme, "std" or "mean") -> (1 + layers,), the inputs before the layers."""
    return {
        (scheme, name): np.array([getattr(result, f"input_{name}"), *getattr(result, name)[row]])
        for row, scheme in enumerate(result.config.schemes)
        for name in printed.PRINTED
    }


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per scheme and layer, the histograms, and the lecture's printed numbers."""
    config = result.config
    schemes, layers = config.schemes, np.arange(1, config.depth + 1)
    counts, edges = histograms(result)
    names = ["mean", "std", "unit_std", "zero", "dead", "saturated", "local_gradient"]
    if result.has_gradients:
        names.append("dz_std")
    measured = from_inputs(result) if is_lectures(config) else {}
    return {
        "layers": {
            **crossed(scheme=schemes, layer=layers),
            **{name: getattr(result, name).ravel() for name in names},
            "outside": (counts[..., -1] / counts.sum(-1)).ravel(),
        },
        "histograms": {
            **crossed(scheme=schemes, layer=layers, left=edges[:-1]),
            "right": np.tile(edges[1:], len(schemes) * len(layers)),
            "count": counts[..., :-1].ravel(),
        },
        "printed": printed.table(config.activation, measured),
    }


PRESETS = {
    "tanh": Config(),
    "relu": Config(activation="relu", schemes=("xavier", "he")),
    "sigmoid": Config(
        activation="sigmoid", schemes=("small", "large", "xavier"), depth=5, width=100
    ),
    "relu_small": Config(
        activation="relu", schemes=("small", "xavier", "he"), depth=5, width=100, range="unit"
    ),
    "half": Config(range="unit"),
    "wide": Config(width=WIDE, depth=6, schemes=("small", "medium", "xavier", "he")),
    "shallow": Config(depth=2),
    "digits": Config(inputs="digits"),
}
SMALL = Config(depth=3, width=20)
SHOWN = (init_std, linear_forward, activation_forward, linear_backward, deep, deep_pass)
