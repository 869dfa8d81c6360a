"""Depth: what the scale of the weights does to activations and gradients, layer by layer.

The lecture's best-known experiment at its own size: 10 hidden layers of 500, no biases, 1,000
inputs. The schemes that are compared share the inputs, the N(0, 1) draws of every layer (each
scaled by its own std) and the gradient that enters at the top. A net of 4,096 units per layer, as
in later years' lecture, goes forward only, with 16 inputs and at most six layers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.columns import crossed
from core.datasets import load_digits
from core.diagnostics import DeepPass, deep_pass, wide_pass
from core.finding import Finding
from core.initializers import init_std
from core.knobs import Checked, choice, integer, numbers, seed, several
from core.layers import linear_backward, linear_forward
from core.preprocessing import fit_standardizer
from core.results import reference

COST = "normal"
SAMPLES = 1000
BINS = 30
RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "relu": (0.0, 3.0)}  # of the histograms
UNIT = (0.0, 1.0)  # the range of some lecture notes, which hides half of tanh
WIDE, WIDE_SAMPLES, WIDE_LAYERS = 4096, 16, 6
SCHEMES = ("small", "medium", "large", "xavier", "he")
BAND_SEEDS = range(1000, 1040)
BAND_WIDTH = 4  # standard deviations around the mean of those seeds

# The lecture's printed numbers (one run of its own): std per layer, and He's mean per layer.
PRINTED_STD = {
    ("tanh", "small"): (
        *(0.213081, 0.047551, 0.010630, 0.002378, 0.000532),
        *(0.000119, 0.000026, 0.000006, 0.000001, 0.000000),
    ),
    ("relu", "he"): (
        *(0.825232, 0.827835, 0.813855, 0.826902, 0.834092),
        *(0.860035, 0.870610, 0.889348, 0.845357, 0.844523),
    ),
    ("tanh", "xavier"): (0.627953,),
    ("relu", "xavier"): (0.582273,),
}
PRINTED_MEAN = {
    ("relu", "he"): (
        *(0.562488, 0.553614, 0.545867, 0.565396, 0.547678),
        *(0.587103, 0.596867, 0.623214, 0.567498, 0.552531),
    ),
}
PRINTED: dict[str, Mapping[tuple[str, str], tuple[float, ...]]] = {
    "std": PRINTED_STD,
    "mean": PRINTED_MEAN,
}
PRINTED_INPUT = {("tanh", "std"): 0.998388, ("relu", "mean"): 0.000501, ("relu", "std"): 0.999444}
BAND_CASES = (*PRINTED_STD, ("tanh", "large"))

DIED = 1e-5  # I2: std of the last layer
DIED_GRADIENT = 1e-4  # I2: dW against Xavier's, dz of the first layer against the last
SATURATED = 0.9  # I3: share of |h| > 0.97
LOCAL_GRADIENT = 0.05  # I3: mean of tanh'
SPREAD = 0.2  # I4: std of the last layer
HALVED = (0.66, 0.75)  # I5: std ratio per layer, about sqrt(1/2)
KEPT = (0.95, 1.05)  # I6: std ratio per layer
EDGE = 0.05  # I7: this close to 0 or 1
AT_EDGES = 0.5  # I7: share of outputs there
CENTERED = 0.05  # E8: mean of a layer's outputs
GAUSSIAN = (0.9, 1.1)  # E17: std of a unit Gaussian
SAME = 0.05  # E16: difference of two shares
NO_POWER = 0.02  # I7: std over examples within a unit
POOLED = 0.05  # I7: std of all outputs of the last layer


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The net, its inputs and the schemes side by side."""

    activation: str = choice("tanh", list(RANGES))
    schemes: tuple[str, ...] = several(("small", "large", "xavier"), SCHEMES)
    depth: int = integer(10, 1, 30)
    width: int = numbers(500, [20, 50, 100, 200, 500, WIDE])
    inputs: str = choice("gaussian", ["gaussian", "digits"])
    range: str = choice("own", ["own", "unit"])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Statistics of every layer; the first axis is the schemes, the second the layers.

    mean, std (over samples and units), unit_std (over samples within a unit), zero, saturated
    (shares of outputs), dead (share of units), local_gradient (mean f'), edge (share within 0.05 of
    0 or 1), dz_std, dw_std (NaN in a wide net): (schemes, layers); counts: (schemes, layers,
    BINS + 1), the last outside the range; xavier_dw: (layers,), Xavier's dw_std on the same draws;
    input_mean, input_std: numbers.
    """

    config: Config
    mean: np.ndarray
    std: np.ndarray
    unit_std: np.ndarray
    zero: np.ndarray
    dead: np.ndarray
    saturated: np.ndarray
    local_gradient: np.ndarray
    edge: np.ndarray
    dz_std: np.ndarray
    dw_std: np.ndarray
    counts: np.ndarray
    xavier_dw: np.ndarray
    input_mean: float
    input_std: float

    @property
    def layers(self) -> int:
        """Return how many layers there are."""
        return self.std.shape[1]

    def of(self, scheme: str) -> int | None:
        """Return the index of a scheme, None if it was not run."""
        schemes = self.config.schemes
        return schemes.index(scheme) if scheme in schemes else None


def inputs_of(config: Config, rng: np.random.Generator) -> np.ndarray:
    """Return (SAMPLES, features): N(0, 1) as wide as the net, or standardized digits."""
    if config.inputs == "gaussian":
        return rng.standard_normal((SAMPLES, config.width))
    digits = load_digits().x_train
    chosen = rng.permutation(len(digits))[:SAMPLES]
    return fit_standardizer(digits).transform(digits)[chosen]


def edges_of(config: Config) -> np.ndarray:
    """Return the edges of the histogram's bins."""
    return np.linspace(*(UNIT if config.range == "unit" else RANGES[config.activation]), BINS + 1)


def run(config: Config) -> Result:
    """Push one batch through the net, and a gradient back, once per scheme."""
    input_rng, weight_rng, gradient_rng = np.random.default_rng(config.seed).spawn(3)
    if config.width == WIDE:
        x = input_rng.standard_normal((WIDE_SAMPLES, WIDE))
        passes = wide(config, x, weight_rng)
    else:
        x = inputs_of(config, input_rng)
        passes = deep(config, x, weight_rng, gradient_rng)
    stacked = {
        name: np.stack([getattr(passes[scheme], name) for scheme in config.schemes])
        for name in (
            *("mean", "std", "unit_std", "zero", "dead", "saturated", "local_gradient"),
            *("dz_std", "dw_std", "counts"),
        )
    }
    return Result(
        config=config,
        edge=edge_share(stacked["counts"], edges_of(config)),
        xavier_dw=passes["xavier"].dw_std,
        input_mean=float(x.mean()),
        input_std=float(x.std()),
        **stacked,
    )


def deep(
    config: Config, x: np.ndarray, weights: np.random.Generator, gradients: np.random.Generator
) -> dict[str, DeepPass]:
    """Pass forward and backward with every chosen scheme, and Xavier, which I2 compares with."""
    fans = [x.shape[1], *[config.width] * (config.depth - 1)]
    draws = [weights.standard_normal((fan_in, config.width)) for fan_in in fans]
    dout = gradients.standard_normal((len(x), config.width))
    return {
        scheme: deep_pass(
            x,
            [init_std(scheme, len(draw), config.width) * draw for draw in draws],
            config.activation,
            edges_of(config),
            dout,
        )
        for scheme in dict.fromkeys([*config.schemes, "xavier"])
    }


def wide(config: Config, x: np.ndarray, weights: np.random.Generator) -> dict[str, DeepPass]:
    """Pass forward only, all schemes together; there are no gradients, which the NaN say."""
    layers = min(config.depth, WIDE_LAYERS)
    schemes = [*dict.fromkeys([*config.schemes, "xavier"])]
    stds = [init_std(scheme, WIDE, WIDE) for scheme in schemes]
    passes = wide_pass(x, stds, layers, config.activation, edges_of(config), rng=weights)
    none = np.full(layers, np.nan)
    return {s: replace(p, dz_std=none, dw_std=none) for s, p in zip(schemes, passes)}


def edge_share(counts: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the share of values in the bins that lie within EDGE of either end of the range."""
    width = edges[1] - edges[0]
    near = max(1, int(EDGE / width + 1e-9))
    inside = counts[..., :-1]
    return (inside[..., :near].sum(-1) + inside[..., -near:].sum(-1)) / counts.sum(-1)


def per_layer(values: np.ndarray) -> float:
    """Return the geometric mean of the ratio from one layer to the next."""
    return float((values[-1] / values[0]) ** (1 / max(len(values) - 1, 1)))


def backward_ratio(dz_std: np.ndarray) -> float:
    """Return the mean factor by which the gradient grows per layer on its way down."""
    return per_layer(dz_std[::-1])


def findings(result: Result) -> tuple[Finding, ...]:
    """Answer the claims that the chosen activation and schemes touch."""
    if result.config.width == WIDE:
        return (_wide(result),)
    checks = {
        ("tanh", "small"): (_small,),
        ("relu", "small"): (_small,),
        ("tanh", "large"): (_large, _overshoot),
        ("tanh", "xavier"): (_xavier_tanh, _gaussian),
        ("relu", "xavier"): (_xavier_relu,),
        ("relu", "he"): (_he,),
    }
    activation = result.config.activation
    found = [
        check(result, row)
        for row, scheme in enumerate(result.config.schemes)
        for check in checks.get((activation, scheme), ())
    ]
    if activation == "sigmoid":
        found += _sigmoid(result)
    if activation == "relu" and {"xavier", "he"} <= set(result.config.schemes):
        found.append(_dead_with_xavier(result))
    found.sort(key=lambda finding: finding.claim.startswith("E"))  # misreadings come last
    return tuple(found) or (_spread(result, len(result.config.schemes) - 1),)


def _wide(result: Result) -> Finding:
    """Tell whether every scheme keeps its spread in a wide net, without saturating."""
    last, saturated = result.std[:, -1], result.saturated[:, -1].max()
    return Finding(
        claim="wide",
        holds=bool(last.min() > SPREAD and saturated < AT_EDGES),
        values={
            "depth": result.layers,
            "weakest": last.min(),
            "strongest": last.max(),
            "saturated": saturated,
        },
    )


def _overshoot(result: Result, row: int) -> Finding:
    """E8, of large weights: mean and std overshoot, or gradients simply vanish."""
    mean, backward = np.abs(result.mean[row]).max(), backward_ratio(result.dz_std[row])
    return Finding(
        claim="E8",
        holds=bool(mean > CENTERED or result.std[row].max() > 1 or backward < 1),
        values={"mean": mean, "std": result.std[row].max(), "backward": backward},
    )


def _gaussian(result: Result, row: int) -> Finding:
    """E17, of tanh with Xavier: every layer is a unit Gaussian."""
    std = result.std[row]
    return Finding(
        claim="E17",
        holds=bool(((GAUSSIAN[0] < std) & (std < GAUSSIAN[1])).all()),
        values={"first": std[0], "std": std[-1]},
    )


def _dead_with_xavier(result: Result) -> Finding:
    """E16, of ReLU with Xavier: it loses its nonlinearity, or units die. Held against He."""
    rows = [result.config.schemes.index(scheme) for scheme in ("xavier", "he")]
    (zero, he_zero), (dead, he_dead) = result.zero[rows, -1], result.dead[rows, -1]
    return Finding(
        claim="E16",
        holds=bool(max(abs(zero - he_zero), abs(dead - he_dead)) > SAME),
        values={"zero": zero, "dead": dead, "he_zero": he_zero, "he_dead": he_dead},
    )


def _small(result: Result, row: int) -> Finding:
    std, dz = result.std[row], result.dz_std[row]
    dw = float((result.dw_std[row] / result.xavier_dw).max())
    dz_ratio = dz[0] / dz[-1]
    return Finding(
        claim="I2",
        holds=bool(std[-1] < DIED and dw < DIED_GRADIENT and dz_ratio < DIED_GRADIENT),
        values={"std": std[-1], "bar": DIED, "dw": dw, "dz": dz_ratio, "dbar": DIED_GRADIENT},
    )


def _large(result: Result, row: int) -> Finding:
    saturated, local = result.saturated[row].min(), result.local_gradient[row].max()
    return Finding(
        claim="I3",
        holds=bool(saturated > SATURATED and local < LOCAL_GRADIENT),
        values={
            "saturated": saturated,
            "bar": SATURATED,
            "local": local,
            "local_bar": LOCAL_GRADIENT,
            "backward": backward_ratio(result.dz_std[row]),
        },
    )


def _xavier_tanh(result: Result, row: int) -> Finding:
    std, band = result.std[row], band_of(result.config, "xavier")
    outside = 0 if band is None else int(((std < band[0, 1:]) | (std > band[1, 1:])).sum())
    return Finding(
        claim="I4",
        holds=bool(std[-1] > SPREAD and outside == 0),
        values={"first": std[0], "std": std[-1], "bar": SPREAD, "outside": outside},
    )


def _xavier_relu(result: Result, row: int) -> Finding:
    ratio = per_layer(result.std[row])
    return Finding(
        claim="I5",
        holds=HALVED[0] <= ratio <= HALVED[1],
        values={"ratio": ratio, "low": HALVED[0], "high": HALVED[1], "std": result.std[row, -1]},
    )


def _he(result: Result, row: int) -> Finding:
    ratio = per_layer(result.std[row])
    return Finding(
        claim="I6",
        holds=KEPT[0] <= ratio <= KEPT[1],
        values={"ratio": ratio, "low": KEPT[0], "high": KEPT[1], "std": result.std[row, -1]},
    )


def _sigmoid(result: Result) -> list[Finding]:
    """I7 in one finding: each chosen scheme must do what the lecture says of it."""
    large, small, xavier = (result.of(scheme) for scheme in ("large", "small", "xavier"))
    values: dict[str, float] = {}
    holds = []
    if large is not None:
        values["edges"] = result.edge[large].min()
        holds.append(values["edges"] > AT_EDGES)
    if small is not None:
        values["unit_std"] = result.unit_std[small, -1]
        holds.append(values["unit_std"] < NO_POWER)
    if xavier is not None:
        values["pooled"] = result.std[xavier, -1]
        holds.append(values["pooled"] > POOLED)
        values["backward"] = backward_ratio(result.dz_std[xavier])
    if not holds:
        return []
    nan = float("nan")
    missing = dict.fromkeys(("edges", "unit_std", "pooled", "backward"), nan)
    return [Finding(claim="I7", holds=bool(all(holds)), values=missing | values)]


def _spread(result: Result, row: int) -> Finding:
    ratio = per_layer(result.std[row])
    return Finding(
        claim="spread",
        holds=KEPT[0] <= ratio <= KEPT[1],
        values={"ratio": ratio, "low": KEPT[0], "high": KEPT[1], "std": result.std[row, -1]},
    )


def measure_reference() -> dict[str, np.ndarray]:
    """Return mean and standard deviation over BAND_SEEDS of mean and std per layer, for BAND_CASES.

    Keys are "activation.scheme.std" and "....mean", values (2, 11): the inputs come before the
    layers. The app ships them; see core/results.py.
    """
    measured = {}
    for activation in ("tanh", "relu"):
        schemes = tuple(s for s in SCHEMES if (activation, s) in BAND_CASES)
        results = [run(Config(activation=activation, schemes=schemes, seed=s)) for s in BAND_SEEDS]
        for row, scheme in enumerate(schemes):
            for name in PRINTED:
                values = np.stack([from_inputs(result, name, row) for result in results])
                measured[f"{activation}.{scheme}.{name}"] = np.stack(
                    [values.mean(axis=0), values.std(axis=0, ddof=1)]
                )
    return measured


def from_inputs(result: Result, name: str, row: int) -> np.ndarray:
    """Return (1 + layers,) the mean or std of the inputs and of every layer of a scheme."""
    return np.array([getattr(result, f"input_{name}"), *getattr(result, name)[row]])


def band_of(config: Config, scheme: str, name: str = "std") -> np.ndarray | None:
    """Return (2, 11) lowest and highest std (or mean) of the inputs and of every layer.

    None where the lecture's size is left.
    """
    lecture = Config()
    if (config.depth, config.width, config.inputs) != (
        lecture.depth,
        lecture.width,
        lecture.inputs,
    ) or (config.activation, scheme) not in BAND_CASES:
        return None
    stored = reference("initialization", "depth")[f"{config.activation}.{scheme}.{name}"]
    mean, deviation = stored
    return np.stack([mean - BAND_WIDTH * deviation, mean + BAND_WIDTH * deviation])


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per scheme and layer, the histograms, and the lecture's printed numbers."""
    config = result.config
    schemes, layers = config.schemes, np.arange(1, result.layers + 1)
    edges = edges_of(config)
    cells = len(schemes) * len(layers)
    statistics = (
        *("mean", "std", "unit_std", "zero", "dead", "saturated", "local_gradient"),
        *("dz_std", "dw_std"),
    )
    printed = _printed(result)
    return {
        "layers": {
            **crossed(scheme=schemes, layer=layers),
            **{name: getattr(result, name).ravel() for name in statistics},
            "outside": (result.counts[..., -1] / result.counts.sum(-1)).ravel(),
        },
        "histograms": {
            **crossed(scheme=schemes, layer=layers, left=edges[:-1]),
            "right": np.tile(edges[1:], cells),
            "count": result.counts[..., :-1].ravel(),
        },
        **({"printed": printed} if printed["layer"] else {}),
    }


def _printed(result: Result) -> dict[str, list[Any]]:
    """Return the slide's numbers, this run's and the band, for every layer that has a band."""
    names = ("scheme", "of", "layer", "slide", "this run", "band from", "band to")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    activation = result.config.activation
    for row, scheme in enumerate(result.config.schemes):
        for name, printed in PRINTED.items():
            band, slide = band_of(result.config, scheme, name), printed.get((activation, scheme))
            if band is None or (slide is None and name != "std"):
                continue
            printed_numbers = (PRINTED_INPUT.get((activation, name)), *(slide or ()))
            for layer, value in enumerate(from_inputs(result, name, row)):
                number = printed_numbers[layer] if layer < len(printed_numbers) else None
                line = (
                    *(scheme, name, str(layer or "inputs")),
                    "not at hand" if number is None else f"{number:.6f}",
                    *(f"{v:.6f}" for v in (value, *band[:, layer])),
                )
                for column, cell in zip(columns.values(), line):
                    column.append(cell)
    return columns


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
    "wide": Config(width=WIDE, depth=WIDE_LAYERS, schemes=("small", "medium", "xavier", "he")),
    "shallow": Config(depth=2),
    "digits": Config(inputs="digits"),
}
SMALL = Config(depth=3, width=20)
SHOWN = (linear_forward, linear_backward, deep_pass, wide_pass)
