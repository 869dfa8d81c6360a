"""The ReLU family: the same network with ReLU, Leaky ReLU, PReLU and ELU.

The inputs are digits that are scaled but not centred, so none is negative, and one oversized step
puts many units of the first layer off on all data. Networks train with and without it.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.experiments.activations.units import oversized_step, where_on
from core.lab.columns import band, crossed
from core.lab.datasets import Dataset, load_digits
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, integer, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, both, decided, interval
from core.nn.activations import ACTIVATIONS, Activation, elu, leaky_relu
from core.nn.layers import activation_forward, prelu_backward, prelu_forward
from core.nn.network import (
    PRELU_SLOPE,
    Network,
    forward,
    init_network,
    stack_networks,
    take_runs,
)
from core.nn.training import Hyper, accuracy, train

COST = "normal"
FUNCTIONS = ("relu", "leaky_relu", "elu", "prelu")
RELU, LEAKY, ELU, PRELU = range(len(FUNCTIONS))
NETWORKS = 14  # that take the oversized step, with draws of their own
PLAIN = 6  # the first of these again, without the step
UNITS = 50
BATCH = 64
PIXEL_SCALE = 8.0  # brings the digits' 0 to 16 to 0 to 2
PREACTIVATIONS = np.linspace(-8, 2, 41)  # where the output's change under noise is measured
DRAWS = 2000

HARDLY = 0.03  # A10: share of the units that come back, which is none to speak of
SURELY = 3  # units more than were counted may come back: the rule of three for rare events
FEW = 20  # A10: units off on all data that are too few to tell
MOVED = 0.01  # A10: change of PReLU's slope in some layer
NEAR = -0.25  # A11: a preactivation near 0, on its negative side


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The networks, the step that is too large, and the noise."""

    slope: float = numbers(0.1, [0.01, 0.1, 0.3])
    oversized: float = numbers(1.0, [0.3, 1.0, 3.0])
    learning_rate: float = numbers(0.1, [0.01, 0.03, 0.1, 0.3])
    depth: int = integer(1, 1, 3)
    noise: float = numbers(0.3, [0.1, 0.3, 1.0])
    epochs: int = numbers(15, [5, 10, 15, 20])
    alpha: float = numbers(1.0, [0.5, 1.0, 2.0])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Per function of FUNCTIONS.

    off, back: (functions, NETWORKS) first-layer units that are off on all data right after the
    oversized step, and those of them that are on for some at the end; diverged: (functions,
    NETWORKS) runs with a number that is not finite, which count nowhere.
    Without the step: mean, zero: (functions, depth, PLAIN) mean output and share of zero gradients
    at the end; slopes: (depth, epochs + 1, PLAIN) of PReLU; logits: (functions, PLAIN) change of
    the logits under noise on the inputs, relative; broken: (functions, PLAIN) as diverged.
    change: (functions, PREACTIVATIONS) rms change of one unit's output under noise on its
    preactivation; accuracy: (functions, 2) of validation, without and with the oversized step, 0
    if every run diverged; inputs: mean of the training inputs.
    """

    config: Config
    off: np.ndarray
    back: np.ndarray
    diverged: np.ndarray
    mean: np.ndarray
    zero: np.ndarray
    slopes: np.ndarray
    logits: np.ndarray
    broken: np.ndarray
    change: np.ndarray
    accuracy: np.ndarray
    inputs: float

    def counts(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (finite networks,) units of a function that were off, and that came back."""
        finite = ~self.diverged[row]
        return self.off[row, finite], self.back[row, finite]

    def recovery(self, row: int) -> float:
        """Return the share of a function's units that came back, 0 if none was off."""
        off, back = self.counts(row)
        return float(back.sum() / max(off.sum(), 1))

    def paired(self, row: int, other: int) -> np.ndarray:
        """Return (PLAIN,) True where a network without the step stays finite in both functions."""
        return ~(self.broken[row] | self.broken[other])


def function_of(name: str, config: Config) -> str | Activation:
    """Return a member of the family with the chosen slope or alpha."""
    return {"leaky_relu": leaky_relu(config.slope), "elu": elu(config.alpha)}.get(name, name)


def off_on_all(network: Network, x: np.ndarray) -> np.ndarray:
    """Return (runs, units) True where a unit of the first layer is on for no sample."""
    return np.logical_not(where_on(network, x).any(axis=-2))


def train_function(
    name: str,
    data: Dataset,
    config: Config,
    draws: list[np.random.Generator],
    *,
    batches: np.random.Generator,
    noise: np.random.Generator,
) -> dict[str, Any]:
    """Train networks with the oversized step and without; return their numbers."""
    sizes = (data.x_train.shape[1], *[UNITS] * config.depth, data.classes)
    function = function_of(name, config)
    network = stack_networks(
        [
            init_network(sizes, "he", function, rng=deepcopy(draw), dtype=np.float32)
            for draw in (*draws, *draws[:PLAIN])
        ]
    )
    pushed, plain = slice(0, NETWORKS), slice(NETWORKS, None)
    oversized_step(network, data, np.repeat([config.oversized, 0.0], [NETWORKS, PLAIN]))
    before, slopes = off_on_all(network, data.x_train), []
    records = train(
        network,
        data,
        Hyper(learning_rate=config.learning_rate),
        batch_size=BATCH,
        epochs=config.epochs,
        rng=deepcopy(batches),
        measure=(),
    )
    for record in records:
        finite = record.is_finite
        hidden = network.layers[:-1]
        slopes.append([layer["slope"][plain, 0, 0].copy() for layer in hidden if "slope" in layer])
    back = before & ~off_on_all(network, data.x_train)
    ends = take_runs(network, plain)
    traces = forward(ends, data.x_train)[1][:-1]
    right = accuracy(forward(network, data.x_val)[0], data.y_val)
    return {
        "off": before[pushed].sum(axis=-1),
        "back": back[pushed].sum(axis=-1),
        "diverged": ~finite[pushed],
        "broken": ~finite[plain],
        "mean": [trace.out.mean(axis=(-2, -1)) for trace in traces],
        "zero": [(trace.local_gradient() == 0).mean(axis=(-2, -1)) for trace in traces],
        "slopes": np.swapaxes(slopes, 0, 1),
        "logits": logits_change(ends, data.x_val, config, deepcopy(noise)),
        "accuracy": [
            right[runs][finite[runs]].sum() / max(finite[runs].sum(), 1) for runs in (plain, pushed)
        ],
    }


def output_change(function: str | Activation, slope: float, noise: np.ndarray) -> np.ndarray:
    """Return (preactivations,) rms change of f(z) under noise (draws, 1) on z; slope: of PReLU."""

    def value(z: np.ndarray) -> np.ndarray:
        if function == "prelu":
            return prelu_forward(z, np.array([[slope]]))[0]
        known = ACTIVATIONS[function] if isinstance(function, str) else function
        return known.value(z)

    change = value(PREACTIVATIONS + noise) - value(PREACTIVATIONS[None])
    return np.sqrt((change**2).mean(axis=0))


def logits_change(
    network: Network, x: np.ndarray, config: Config, rng: np.random.Generator
) -> np.ndarray:
    """Return (runs,) norm of the logits' change under noise on the inputs, over the logits'."""
    noise = config.noise * rng.standard_normal(x.shape).astype(x.dtype)
    plain, noisy = forward(network, x)[0], forward(network, x + noise)[0]
    return np.linalg.norm(noisy - plain, axis=(-2, -1)) / np.linalg.norm(plain, axis=(-2, -1))


@np.errstate(all="ignore")  # of networks that diverged
def run(config: Config) -> Result:
    """Train all four functions from the same draws, on the same batches."""
    weights, batches, inputs, preactivations = streams(
        config.seed, "weights", "batches", "noise on inputs", "noise on preactivations"
    )
    data = load_digits().map(lambda x: (x / PIXEL_SCALE).astype(np.float32))
    draws = weights.spawn(NETWORKS)
    rows = {
        name: train_function(name, data, config, draws, batches=batches, noise=inputs)
        for name in FUNCTIONS
    }
    slopes = rows["prelu"]["slopes"]
    learned = slopes[:, -1, ~rows["prelu"]["broken"]]
    slope = float(learned.mean()) if learned.size else PRELU_SLOPE
    noise = config.noise * preactivations.standard_normal((DRAWS, 1))
    fields = ("off", "back", "diverged", "mean", "zero", "logits", "broken", "accuracy")
    return Result(
        config=config,
        slopes=slopes,
        change=np.array(
            [output_change(function_of(name, config), slope, noise) for name in FUNCTIONS]
        ),
        inputs=float(data.x_train.mean()),
        **{field: np.array([row[field] for row in rows.values()]) for field in fields},
    )


def crossing(result: Result) -> float | None:
    """Return the preactivation below which ELU's output changes less than Leaky ReLU's."""
    more = result.change[ELU] - result.change[LEAKY]
    less = np.flatnonzero((more < 0) & (PREACTIVATIONS < 0))
    if not less.size:
        return None
    last = less.max()
    around = slice(last, last + 2)
    return float(np.interp(0, more[around], PREACTIVATIONS[around]))


def findings(result: Result) -> tuple[Finding, ...]:
    """A10: which units come back, that a ReLU never does, PReLU's slope. A11: ELU's mean, noise."""
    found = (_recovery(result), _relu(result), _slope(result), _mean(result), _noise(result))
    return tuple(f for f in (*found, _crossing(result)) if f)


def _came_back(result: Result, row: int) -> tuple[Outcome, str]:
    """Tell whether more units came back than ReLU's, which are none; say why if it is not clear.

    It fails if even with some luck hardly any would have.
    """
    off, back = result.counts(row)
    if len(off) < 2:
        return Outcome.UNCLEAR, "diverged"
    if off.sum() < FEW:
        return Outcome.UNCLEAR, "few"
    if back.sum() + SURELY < HARDLY * off.sum():
        return Outcome.FAILS, FUNCTIONS[row]
    return above_over_seeds(back), FUNCTIONS[row]


def _recovery(result: Result) -> Finding:
    """Tell whether units come back with Leaky ReLU and with PReLU."""
    said = [_came_back(result, row) for row in (LEAKY, PRELU)]
    outcome = both(*(o for o, _ in said))
    reasons = [reason for o, reason in said if o is outcome]
    because = "diverged" if "diverged" in reasons else reasons[0]
    if outcome is Outcome.HOLDS:
        because = "diverged" if result.diverged[[LEAKY, PRELU]].any() else ""
    shares = {
        name: result.recovery(row) if not result.diverged[row].all() else "not measured"
        for row, name in enumerate(FUNCTIONS)
    }
    return Finding(
        claim="A10",
        outcome=outcome,
        because=because,
        values={
            **shares,
            "leaky_off": result.counts(LEAKY)[0].sum(),
            "prelu_off": result.counts(PRELU)[0].sum(),
            "leaky_diverged": result.diverged[LEAKY].sum(),
            "prelu_diverged": result.diverged[PRELU].sum(),
            "networks": NETWORKS,
        },
    )


def _relu(result: Result) -> Finding | None:
    """Check that no ReLU comes back: a unit of the first layer that is off gets no gradient."""
    off, back = result.counts(RELU)
    if not off.any():
        return None
    return Finding(
        claim="A10c",
        outcome=decided(not back.any()),
        identity=True,
        values={"off": off.sum(), "back": back.sum()},
    )


def _slope(result: Result) -> Finding | None:
    """Tell whether PReLU's slope has moved in some layer."""
    slopes = result.slopes[:, -1, ~result.broken[PRELU]]
    if slopes.shape[-1] < 2:
        return None
    moved = np.abs(slopes - PRELU_SLOPE).max(axis=0)
    return Finding(
        claim="A10b",
        outcome=above_over_seeds(moved, MOVED),
        values={"start": PRELU_SLOPE, "low": slopes.min(), "high": slopes.max()},
    )


def _mean(result: Result) -> Finding | None:
    """Compare, layer by layer, how far the mean outputs of ReLU and ELU are from 0."""
    finite = result.paired(RELU, ELU)
    if finite.sum() < 2:
        return None
    relu, other = np.abs(result.mean[RELU, :, finite]), np.abs(result.mean[ELU, :, finite])
    return Finding(
        claim="A11",
        outcome=both(*(above_over_seeds(layer) for layer in (relu - other).T)),
        values={"relu": relu.mean(), "elu": other.mean()},
    )


def _noise(result: Result) -> Finding | None:
    """Compare how much noisy inputs change the logits of ReLU's and of ELU's networks."""
    finite = result.paired(RELU, ELU)
    if finite.sum() < 2:
        return None
    relu, other = result.logits[RELU, finite], result.logits[ELU, finite]
    return Finding(
        claim="A11b",
        outcome=above_over_seeds(relu - other),
        values={"relu": relu.mean(), "elu": other.mean(), "networks": finite.sum()},
    )


def _crossing(result: Result) -> Finding:
    """Look up where one ELU unit becomes steadier than one Leaky ReLU unit."""
    at = crossing(result)
    return Finding(
        claim="A11c",
        outcome=decided(at is not None and at < NEAR),
        values={
            "crossing": "no preactivation" if at is None else at,
            "expected": np.log(result.config.slope / result.config.alpha),
        },
    )


def _interval(off: np.ndarray, back: np.ndarray) -> tuple[float, float]:
    """Return the 95% interval of the share of units that came back, over networks (networks,)."""
    share = back.sum() / max(off.sum(), 1)
    if len(off) < 2 or not off.any():
        return share, share
    half = interval(back - share * off)[1] * len(off) / off.sum()
    return max(share - half, 0.0), min(share + half, 1.0)


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return units that came back, layers, PReLU's slopes and the change under noise.

    Runs that diverged are left out. Where all did, so is the function, and PReLU's slopes have the
    start alone.
    """
    counts = [result.counts(row) for row in range(len(FUNCTIONS))]
    low, high = np.array([_interval(off, back) for off, back in counts]).T
    layers = np.arange(1, result.config.depth + 1)
    finite = [~broken for broken in result.broken]
    bands = [
        band("mean", m[:, keep], axis=-1) for m, keep in zip(result.mean, finite) if keep.any()
    ]
    kept = [name for name, keep in zip(FUNCTIONS, finite) if keep.any()]
    slopes = result.slopes[..., finite[PRELU]] if finite[PRELU].any() else result.slopes[:, :1]
    return {
        "units": {
            "function": list(FUNCTIONS),
            "off on all data": [off.sum() for off, _ in counts],
            "came back": [back.sum() for _, back in counts],
            "share": [result.recovery(row) for row in range(len(FUNCTIONS))],
            "share low": low,
            "share high": high,
            "diverged runs": result.diverged.sum(axis=1),
            "val_accuracy": result.accuracy[:, 0],
            "val_accuracy, oversized step": result.accuracy[:, 1],
        },
        "layers": {
            **crossed(function=kept, layer=layers),
            **{name: np.concatenate([b[name] for b in bands]) for name in bands[0]},
            "zero gradients": np.concatenate(
                [z[:, keep].mean(axis=-1) for z, keep in zip(result.zero, finite) if keep.any()]
            ),
        },
        "slopes": {
            **crossed(layer=layers, epoch=np.arange(slopes.shape[1])),
            **band("slope", slopes, axis=-1),
        },
        "noise": {
            **crossed(function=FUNCTIONS, preactivation=PREACTIVATIONS),
            "change": result.change.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "leaky001": Config(slope=0.01),
    "steep": Config(slope=0.3),
    "deep": Config(depth=3, learning_rate=0.03),
    "too_far": Config(oversized=3.0, depth=2),
}
SMALL = Config(depth=1, epochs=5)
SHOWN = (activation_forward, prelu_forward, prelu_backward, oversized_step, off_on_all)
