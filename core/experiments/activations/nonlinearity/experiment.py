"""Nonlinearity: a stack of linear layers is one linear layer, whatever its depth.

The same networks, from the same weights and on the same batches, are trained without and with a
nonlinearity between their layers. The linear ones are then multiplied out to single affine maps.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.lab.columns import band, crossed
from core.lab.datasets import PLANE_DATA, plane_grid
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, integer, log_spaced, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, decided
from core.nn.activations import ACTIVATIONS
from core.nn.dataset import Dataset
from core.nn.layers import activation_forward, linear_forward
from core.nn.network import Network, forward, init_network, stack_networks
from core.nn.record import Record
from core.nn.training import Hyper, train

COST = "instant"
POINTS = 250
EPOCHS = 40
BATCH = 25
STARTS = 9  # networks that differ in their starting weights; an odd number has a middle one
GRID = 64  # cells per side of the drawn plane
STACKS = ("linear", "nonlinear")

DIFFERENCE = 1e-9  # A1: of the stack's output from the collapsed map's, of the largest output
GAIN = 0.05  # A1b: by how much the nonlinear stack must be better
SPREAD = 0.1  # between the best start and the worst: then it is luck which one is met


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The data and the stack."""

    data: str = choice("xor", ["xor", "spirals", "moons"])
    activation: str = choice("relu", ["relu", "tanh", "sigmoid", "leaky_relu", "elu"])
    depth: int = integer(3, 1, 6)
    width: int = numbers(16, [4, 8, 16, 32])
    learning_rate: float = log_spaced(0.05, 0.001, 0.5)
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Both kinds of stack, the linear one first, from STARTS starting weights.

    x, y: (samples, 2), (samples,) training points; extent: half the side of the drawn square;
    accuracy: (2, STARTS, epochs + 1) on the training points, NaN of a stack that diverged;
    difference: greatest difference of a linear stack's logits from its collapsed map's, over points
    and plane and all starts that did not diverge, relative to the largest logit above 1; drawn: the
    start whose nonlinear stack ends in the middle; best: the epoch in which its linear stack is
    most accurate; weight, bias: (2, classes), (classes,) of the map that it collapses to then;
    logits: (GRID, GRID, classes) of the nonlinear one in the end.
    """

    config: Config
    x: np.ndarray
    y: np.ndarray
    extent: float
    accuracy: np.ndarray
    difference: float
    drawn: int
    best: int
    weight: np.ndarray
    bias: np.ndarray
    logits: np.ndarray


def collapse(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """Return the one affine map that a linear stack is.

    weight: (..., inputs, classes), bias: (..., 1, classes).
    """
    first, *others = network.layers
    weight, bias = first["weight"], first["bias"]
    for layer in others:
        weight, bias = weight @ layer["weight"], bias @ layer["weight"] + layer["bias"]
    return weight, bias


def starts(classes: int, config: Config, rng: np.random.Generator) -> Network:
    """Draw a stack of STARTS networks, still without a nonlinearity."""
    sizes = (2, *[config.width] * config.depth, classes)
    return stack_networks(
        [init_network(sizes, "xavier", "linear", rng=start) for start in rng.spawn(STARTS)]
    )


def learn(
    network: Network, data: Dataset, config: Config, rng: np.random.Generator
) -> Iterator[Record]:
    """Train networks in place; yield a record after every epoch."""
    return train(
        network,
        data,
        Hyper(learning_rate=config.learning_rate, momentum=0.9),
        batch_size=BATCH,
        epochs=EPOCHS,
        rng=rng,
        measure=("train",),
    )


@np.errstate(all="ignore")  # of a rate at which training diverges
def run(config: Config) -> Result:
    """Train both kinds of stack and collapse the linear ones."""
    points, weights, batches = streams(config.seed, "data", "weights", "batches")
    data = PLANE_DATA[config.data](POINTS, rng=points)
    linear = starts(data.classes, config, weights)
    nonlinear = replace(deepcopy(linear), activation=ACTIVATIONS[config.activation])
    after = [r.train_accuracy for r in learn(nonlinear, data, config, deepcopy(batches))]
    before, maps = zip(
        *((r.train_accuracy, collapse(linear)) for r in learn(linear, data, config, batches))
    )
    extent = float(np.abs(data.x_train).max() * 1.05)
    seen = np.concatenate([data.x_train, plane_grid(extent, GRID)])
    logits = np.stack([forward(network, seen)[0] for network in (linear, nonlinear)])
    collapsed, _ = linear_forward(seen, *maps[-1])
    finite = np.isfinite(logits).all(axis=(-2, -1))
    accuracy = np.where(finite[..., None], np.stack([before, after]).swapaxes(1, 2), np.nan)
    drawn = int(np.argsort(accuracy[1, :, -1])[STARTS // 2])  # NaN comes last
    best = int(accuracy[0, drawn, 1:].argmax()) + 1
    weight, bias = maps[best]
    return Result(
        config=config,
        x=data.x_train,
        y=data.y_train,
        extent=extent,
        accuracy=accuracy,
        difference=greatest_difference(logits[0, finite[0]], collapsed[finite[0]]),
        drawn=drawn,
        best=best,
        weight=weight[drawn],
        bias=bias[drawn, 0],
        logits=logits[1, drawn, len(data.x_train) :].reshape(GRID, GRID, -1),
    )


def greatest_difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return the greatest difference of two arrays' entries, in units of the largest above 1."""
    return float(np.abs(one - other).max(initial=0) / np.abs(one).max(initial=1))


def findings(result: Result) -> tuple[Finding, ...]:
    """A1b: what a nonlinearity buys. A1: without one any depth is one linear layer."""
    layers, finite = result.config.depth + 1, np.isfinite(result.accuracy[..., -1])
    gain = _gain(result) if finite.all() else _diverged(finite)
    if not finite[0].any():
        return (gain,)
    collapsed = Finding(
        claim="A1",
        outcome=decided(result.difference <= DIFFERENCE),
        identity=True,
        values={"difference": result.difference, "layers": layers, "bar": DIFFERENCE},
    )
    return gain, collapsed


def reached(result: Result) -> tuple[np.ndarray, np.ndarray]:
    """Return (STARTS,) accuracies: of the linear stacks in their best epoch, of the others last.

    On XOR the loss hardly prefers one line to another, so the linear ones' accuracy wanders.
    """
    return result.accuracy[0, :, 1:].max(axis=-1), result.accuracy[1, :, -1]


def by_luck(nonlinear: np.ndarray) -> bool:
    """Tell whether the start decides how accurate (STARTS,) stacks get."""
    return bool(nonlinear.max() - nonlinear.min() > SPREAD)  # False of NaN


def _gain(result: Result) -> Finding:
    """Hold the nonlinear stacks against the linear ones that started from the same weights."""
    linear, nonlinear = reached(result)
    return Finding(
        claim="A1b",
        outcome=above_over_seeds(nonlinear - linear, GAIN),
        because="luck" if by_luck(nonlinear) else "",
        values={
            "linear": linear[result.drawn],
            "nonlinear": nonlinear[result.drawn],
            "low": nonlinear.min(),
            "high": nonlinear.max(),
            "mean": nonlinear.mean(),
            "mean_linear": linear.mean(),
            "starts": STARTS,
            "bar": GAIN,
        },
    )


def _diverged(finite: np.ndarray) -> Finding:
    """Compare nothing where some stack has no numbers left."""
    return Finding(
        claim="A1b",
        outcome=Outcome.UNCLEAR,
        because="diverged",
        values={"diverged": (~finite).sum(), "stacks": finite.size},
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return accuracy by epoch (with its range over starts), the points, and the collapsed map."""
    epochs = np.arange(result.accuracy.shape[-1])
    return {
        "epochs": {
            **crossed(stack=STACKS, epoch=epochs),
            **band("accuracy", result.accuracy, axis=1),
            "accuracy": result.accuracy[:, result.drawn].ravel(),
        },
        "points": {"x1": result.x[:, 0], "x2": result.x[:, 1], "class": result.y},
        "collapsed": {
            "class": np.arange(len(result.bias)),
            "weight 1": result.weight[0],
            "weight 2": result.weight[1],
            "bias": result.bias,
        },
    }


PRESETS = {
    "xor": Config(),
    "deep": Config(depth=6),
    "spirals": Config(data="spirals", width=32),
    "moons": Config(data="moons"),
    "narrow": Config(depth=1, width=4),
    "sigmoid": Config(activation="sigmoid", depth=6),
}
SMALL = Config(depth=1, width=8)
SHOWN = (linear_forward, activation_forward, collapse)
