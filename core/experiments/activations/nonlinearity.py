"""Nonlinearity: a stack of linear layers is one linear layer, whatever its depth.

The same network, from the same weights and on the same batches, is trained without and with a
nonlinearity between its layers. The linear one is then multiplied out to a single affine map.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.columns import crossed
from core.datasets import PLANE_DATA, Dataset, plane_grid
from core.finding import Finding
from core.knobs import Checked, choice, integer, log_spaced, numbers, seed
from core.layers import activation_forward, linear_forward
from core.network import Network, forward, init_network
from core.training import Hyper, train

COST = "instant"
POINTS = 250
EPOCHS = 80
BATCH = 25
GRID = 30
STACKS = ("linear", "nonlinear")

DIFFERENCE = 1e-9  # A1: of the stack's output from the collapsed map's
LINEAR_XOR, NONLINEAR_XOR = 0.78, 0.95  # A1: accuracy at most, at least
GAIN = 0.05  # on other data: by how much the nonlinear stack must be better


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
    """Both stacks, the linear one first.

    x, y: (samples, 2), (samples,) training points; extent: half the side of the drawn square;
    regions: (2, GRID, GRID) which class a stack says; accuracy: (2, epochs + 1) on the training
    points; difference: greatest difference of the linear stack's logits from the collapsed map's
    over points and plane; weight, bias: (2, classes), (classes,) of that map.
    """

    config: Config
    x: np.ndarray
    y: np.ndarray
    extent: float
    regions: np.ndarray
    accuracy: np.ndarray
    difference: float
    weight: np.ndarray
    bias: np.ndarray


def collapse(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """Return weight (inputs, classes) and bias (1, classes) of the one map a linear stack is."""
    first, *others = network.layers
    weight, bias = first["weight"], first["bias"]
    for layer in others:
        weight, bias = weight @ layer["weight"], bias @ layer["weight"] + layer["bias"]
    return weight, bias


def learn(activation: str, data: Dataset, config: Config, seeds: list[int]) -> tuple[Any, ...]:
    """Train one stack; return it and its training accuracy after every epoch."""
    sizes = (2, *[config.width] * config.depth, data.classes)
    network = init_network(sizes, "xavier", activation, rng=np.random.default_rng(seeds[0]))
    records = train(
        network,
        data,
        Hyper(learning_rate=config.learning_rate, momentum=0.9),
        batch_size=BATCH,
        epochs=EPOCHS,
        rng=np.random.default_rng(seeds[1]),
        measure=("train",),
    )
    return network, np.array([record.train_accuracy for record in records])


def run(config: Config) -> Result:
    """Train both stacks and collapse the linear one."""
    data_seed, *seeds = np.random.SeedSequence(config.seed).generate_state(3).tolist()
    data = PLANE_DATA[config.data](POINTS, rng=np.random.default_rng(data_seed))
    (linear, before), (nonlinear, after) = (
        learn(activation, data, config, seeds) for activation in ("linear", config.activation)
    )
    extent = float(np.abs(data.x_train).max() * 1.1)
    seen = np.concatenate([data.x_train, plane_grid(extent, GRID)])
    weight, bias = collapse(linear)
    with np.errstate(all="ignore"):  # of a rate at which training diverges
        logits = [forward(network, seen)[0] for network in (linear, nonlinear)]
        difference = float(np.abs(logits[0] - linear_forward(seen, weight, bias)[0]).max())
    says = np.stack([out[len(data.x_train) :].argmax(axis=-1) for out in logits])
    return Result(
        config=config,
        x=data.x_train,
        y=data.y_train,
        extent=extent,
        regions=says.reshape(2, GRID, GRID),
        accuracy=np.stack([before, after]),
        difference=difference,
        weight=weight,
        bias=bias[0],
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """A1: without a nonlinearity any depth is one linear layer."""
    linear, nonlinear = result.accuracy[:, -1]
    if result.config.data == "xor":
        better = linear <= LINEAR_XOR and nonlinear >= NONLINEAR_XOR
    else:
        better = nonlinear >= linear + GAIN
    return (
        Finding(
            claim="A1",
            holds=bool(result.difference <= DIFFERENCE and better),
            values={
                "difference": result.difference,
                "bar": DIFFERENCE,
                "linear": linear,
                "nonlinear": nonlinear,
            },
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return accuracy by epoch, the points, and the map that the linear stack collapses to."""
    epochs = np.arange(result.accuracy.shape[1])
    return {
        "epochs": {
            **crossed(stack=STACKS, epoch=epochs),
            "accuracy": result.accuracy.ravel(),
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
