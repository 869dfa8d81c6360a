"""The ReLU family: the same network with ReLU, Leaky ReLU, PReLU and ELU.

The inputs are digits that are scaled but not centred, so they are all positive, and one oversized
step throws many units of the first layer off all data. The networks train with and without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.activations import ACTIVATIONS, Activation, elu, leaky_relu
from core.columns import crossed
from core.datasets import Dataset, load_digits
from core.finding import Finding
from core.knobs import Checked, integer, numbers, seed
from core.layers import (
    activation_backward,
    activation_forward,
    linear_forward,
    prelu_backward,
    prelu_forward,
)
from core.network import (
    PRELU_SLOPE,
    Network,
    Trace,
    forward,
    init_network,
    stack_networks,
    take_runs,
)
from core.seeds import band
from core.training import Hyper, descend, loss_and_gradients, train

COST = "normal"
FUNCTIONS = ("relu", "leaky_relu", "elu", "prelu")
SEEDS = 3
UNITS = 50
BATCH = 64
PIXEL_SCALE = 8.0  # brings the digits' 0 to 16 to 0 to 2
PREACTIVATIONS = np.linspace(-8, 2, 41)  # where the output's change under noise is measured
DRAWS = 2000

MOVED = 0.01  # A10: change of PReLU's slope in some layer


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The networks, the step that is too large, and the noise."""

    slope: float = numbers(0.1, [0.01, 0.1, 0.3])
    oversized: float = numbers(1.0, [0.3, 1.0, 3.0])
    noise: float = numbers(0.3, [0.1, 0.3, 1.0])
    learning_rate: float = numbers(0.1, [0.01, 0.03, 0.1, 0.3])
    depth: int = integer(1, 1, 3)
    epochs: int = numbers(15, [5, 10, 15, 20])
    alpha: float = numbers(1.0, [0.5, 1.0, 2.0])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Per function of FUNCTIONS.

    off: (functions, 2) first-layer units of all seeds that are never positive right after the
    oversized step, and those of them that are positive on some data at the end; mean, zero:
    (functions, depth) mean output and share of zero gradients at the end of the plain training;
    slopes: (depth, epochs + 1, SEEDS) mean slope of PReLU; change: (functions, preactivations) rms
    change of one unit's output under noise on its preactivation; logits: (functions,) change of the
    logits under noise on the inputs, relative; accuracy: (functions, 2) of validation, without and
    with the oversized step; diverged: (functions,) runs with it that went non-finite.
    """

    config: Config
    off: np.ndarray
    mean: np.ndarray
    zero: np.ndarray
    slopes: np.ndarray
    change: np.ndarray
    logits: np.ndarray
    accuracy: np.ndarray
    diverged: np.ndarray


def function_of(name: str, config: Config) -> str | Activation:
    """Return a member of the family with the chosen slope or alpha."""
    return {"leaky_relu": leaky_relu(config.slope), "elu": elu(config.alpha)}.get(name, name)


def oversized_step(network: Network, data: Dataset, rates: np.ndarray) -> None:
    """Take one step of plain gradient descent on all data, at each run's own rate."""
    _, gradients, _ = loss_and_gradients(network, data.x_train, data.y_train)
    still = [{name: np.zeros_like(p) for name, p in layer.items()} for layer in network.layers]
    descend(network, gradients, still, Hyper(learning_rate=rates), 0)


def silent(network: Network, x: np.ndarray) -> np.ndarray:
    """Return (runs, units) True where a unit of the first layer is positive on no sample."""
    first = network.layers[0]
    z = linear_forward(x, first["weight"], first["bias"])[0]
    return np.logical_not((z > 0).any(axis=-2))


def local_gradients(trace: Trace) -> np.ndarray:
    """Return f'(z) of a hidden layer, from what its forward pass left."""
    (name,) = trace.caches.keys() & {"activation", "prelu"}
    ones = np.ones_like(trace.z)
    if name == "prelu":
        return prelu_backward(ones, trace.caches[name])[0]
    return activation_backward(ones, trace.caches[name])


def train_function(name: str, data: Dataset, config: Config) -> dict[str, Any]:
    """Train SEEDS networks without and SEEDS with the oversized step; return their numbers."""
    seeds = np.random.SeedSequence(config.seed).generate_state(SEEDS).tolist()
    sizes = (data.x_train.shape[1], *[UNITS] * config.depth, data.classes)
    function = function_of(name, config)
    drawn = [init_network(sizes, "he", function, rng=np.random.default_rng(s)) for s in seeds]
    network = stack_networks(drawn * 2)
    oversized_step(network, data, np.repeat([0.0, config.oversized], SEEDS))
    before, slopes = silent(network, data.x_train), []
    records = train(
        network,
        data,
        Hyper(learning_rate=config.learning_rate),
        batch_size=BATCH,
        epochs=config.epochs,
        rng=np.random.default_rng(config.seed),
        measure=("val",),
    )
    for record in records:
        hidden = network.layers[:-1]
        slopes.append([layer["slope"][:SEEDS, 0, 0].copy() for layer in hidden if "slope" in layer])
        last = record
    plain, pushed = slice(0, SEEDS), slice(SEEDS, None)
    broken = np.isin(np.arange(2 * SEEDS), list(last.divergences))
    back = before & ~silent(network, data.x_train) & ~broken[:, None]
    traces = forward(take_runs(network, plain), data.x_train)[1][:-1]
    return {
        "off": [before[pushed].sum(), back[pushed].sum()],
        "mean": [trace.out.mean() for trace in traces],
        "zero": [(local_gradients(trace) == 0).mean() for trace in traces],
        "slopes": np.swapaxes(slopes, 0, 1),
        "change": output_change(function, float(np.mean(slopes[-1] or 0.0)), config),
        "logits": logits_change(take_runs(network, plain), data.x_val, config),
        "accuracy": last.val_accuracy.reshape(2, SEEDS).mean(axis=-1),
        "diverged": broken[pushed].sum(),
    }


def output_change(function: str | Activation, slope: float, config: Config) -> np.ndarray:
    """Return (preactivations,) rms change of f(z) when noise is added to z; slope: of PReLU."""
    noise = config.noise * np.random.default_rng(config.seed).standard_normal((DRAWS, 1))

    def value(z: np.ndarray) -> np.ndarray:
        if function == "prelu":
            return prelu_forward(z, np.array([[slope]]))[0]
        known = ACTIVATIONS[function] if isinstance(function, str) else function
        return known.value(z)

    change = value(PREACTIVATIONS + noise) - value(PREACTIVATIONS[None])
    return np.sqrt((change**2).mean(axis=0))


def logits_change(network: Network, x: np.ndarray, config: Config) -> float:
    """Return the norm of the logits' change under noise on the inputs, over that of the logits."""
    noise = config.noise * np.random.default_rng(config.seed).standard_normal(x.shape)
    plain, noisy = forward(network, x)[0], forward(network, x + noise)[0]
    return float(np.linalg.norm(noisy - plain) / np.linalg.norm(plain))


@np.errstate(all="ignore")  # of networks that diverged
def run(config: Config) -> Result:
    """Train all four functions from the same draws, on the same batches."""
    data = load_digits().map(lambda x: x / PIXEL_SCALE)
    rows = {name: train_function(name, data, config) for name in FUNCTIONS}
    columns = {
        key: np.array([row[key] for row in rows.values()])
        for key in ("off", "mean", "zero", "change", "logits", "accuracy", "diverged")
    }
    return Result(config=config, slopes=rows["prelu"]["slopes"], **columns)


def crossing(result: Result) -> float:
    """Return the preactivation below which ELU's output changes less than Leaky ReLU's."""
    leaky, steady = (result.change[FUNCTIONS.index(name)] for name in ("leaky_relu", "elu"))
    below = np.flatnonzero((steady < leaky) & (PREACTIVATIONS < 0))
    return float(PREACTIVATIONS[below.max()]) if below.size else float("nan")


def findings(result: Result) -> tuple[Finding, ...]:
    """A10: which silent units come back, and PReLU's slope. A11: ELU's mean and its noise."""
    off, back = result.off.T
    share = dict(zip(FUNCTIONS, back / np.maximum(off, 1)))
    mean = dict(zip(FUNCTIONS, np.abs(result.mean).mean(axis=1)))
    noise = dict(zip(FUNCTIONS, result.logits))
    relu, elu_row = (FUNCTIONS.index(name) for name in ("relu", "elu"))
    end = result.slopes[:, -1].mean(axis=1)
    cross = crossing(result)
    return (
        Finding(
            claim="A10",
            holds=bool(min(share["leaky_relu"], share["prelu"]) > share["relu"]),
            values={**share, "off": off[relu], "diverged": result.diverged.sum()},
        ),
        Finding(
            claim="A10b",
            holds=bool(np.abs(end - PRELU_SLOPE).max() > MOVED),
            values={"start": PRELU_SLOPE, "first": end[0], "last": end[-1]},
        ),
        Finding(
            claim="A11",
            holds=bool((np.abs(result.mean[elu_row]) < np.abs(result.mean[relu])).all()),
            values=mean,
        ),
        Finding(
            claim="A11b",
            holds=bool(noise["elu"] < noise["relu"]),
            values={**noise, "crossing": cross, "expected": float(np.log(result.config.slope))},
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return silent units, layers, PReLU's slopes and the change under noise, row by row."""
    depth, epochs = result.slopes.shape[:2]
    off, back = result.off.T
    return {
        "units": {
            "function": list(FUNCTIONS),
            "silent": off,
            "came back": back,
            "diverged runs": result.diverged,
            "val_accuracy": result.accuracy[:, 0],
            "val_accuracy, oversized step": result.accuracy[:, 1],
            "change of the logits": result.logits,
        },
        "layers": {
            **crossed(function=FUNCTIONS, layer=np.arange(1, depth + 1)),
            "mean": result.mean.ravel(),
            "zero": result.zero.ravel(),
        },
        "slopes": {
            **crossed(layer=np.arange(1, depth + 1), epoch=np.arange(epochs)),
            **band("slope", result.slopes, axis=-1),
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
SHOWN = (activation_forward, prelu_forward, prelu_backward, oversized_step, silent)
