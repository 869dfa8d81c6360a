"""Maxout: the greatest of two affine maps, its special cases, its pieces and its price.

A network of one hidden layer of maxout units and one of ReLU units with the same number of units
learn the same two-dimensional data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.activations import ACTIVATIONS
from core.columns import crossed
from core.datasets import PLANE_DATA, Dataset, plane_grid
from core.diagnostics import dead_units
from core.finding import Finding
from core.knobs import Checked, choice, integer, log_spaced, seed
from core.layers import linear_forward, maxout_backward, maxout_forward
from core.network import MAXOUT_PIECES, Network, forward, init_network
from core.training import Hyper, train

COST = "instant"
POINTS = 250
EPOCHS = 60
BATCH = 25
GRID = 36  # cells per side of the drawn plane
LINE = np.linspace(-3, 3, 121)  # inputs of the drawn unit
NETWORKS = ("maxout", "relu")
UNITS = ("relu", "leaky_relu", "prelu", "maxout")  # whose parameters are counted

# The two affine maps (slope, intercept) whose greater one is the function.
SPECIAL = {"relu": ((1.0, 0.0), (0.0, 0.0)), "leaky_relu": ((1.0, 0.0), (0.01, 0.0))}
EQUAL = 1e-12  # A12: greatest difference from the special case


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The data, the size of the hidden layer, the rate, and which special case is drawn."""

    special: str = choice("leaky_relu", list(SPECIAL))
    data: str = choice("moons", ["moons", "xor", "spirals"])
    hidden: int = integer(8, 1, 12)
    learning_rate: float = log_spaced(0.5, 0.001, 5.0)
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What was measured; the networks are maxout and ReLU, in this order.

    unit: (2, 121) the two affine maps on LINE; difference: (special cases,) greatest difference of
    the maxout unit from the function; x, y: (samples, 2) and (samples,) training points; extent:
    half the side of the drawn square; regions: (GRID, GRID) which class the maxout network says;
    edges: (units, 2, 2) where each unit changes pieces, a segment (end, coordinate), NaN outside;
    wins: (units,) share of points on which the first piece wins; parameters: (UNITS,) of the hidden
    layer; no_gradient: (2,) share of (point, unit) pairs that pass no gradient; dead: (2,) share of
    dead units; accuracy: (2, epochs + 1) on the training points;
    diverged: whether the maxout network went non-finite.
    """

    config: Config
    unit: np.ndarray
    difference: np.ndarray
    x: np.ndarray
    y: np.ndarray
    extent: float
    regions: np.ndarray
    edges: np.ndarray
    wins: np.ndarray
    parameters: np.ndarray
    no_gradient: np.ndarray
    dead: np.ndarray
    accuracy: np.ndarray
    diverged: bool


def maxout_unit(x: np.ndarray, lines: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Return the output (samples,) of one maxout unit with one input x (samples,).

    lines: slope and intercept of each piece.
    """
    slopes, intercepts = np.array(lines).T
    z, _ = linear_forward(x[:, None], slopes[None], intercepts[None])
    return maxout_forward(z, len(lines))[0][:, 0]


def hidden_parameters(network: Network) -> int:
    """Return how many numbers the hidden layer learns."""
    return sum(p.size for p in network.layers[0].values())


def switching_lines(network: Network, extent: float) -> np.ndarray:
    """Return (units, 2, 2) the segment where each unit's two pieces are equal, clipped to a square.

    The pieces of unit u are equal where (w1 - w2) . x + b1 - b2 = 0.
    """
    weight, bias = network.layers[0]["weight"], network.layers[0]["bias"][0]
    units = len(bias) // MAXOUT_PIECES
    normal, offset = (weight[:, :units] - weight[:, units:]).T, bias[:units] - bias[units:]
    return np.stack([clipped_line(n, c, extent) for n, c in zip(normal, offset)])


def clipped_line(normal: np.ndarray, offset: float, extent: float) -> np.ndarray:
    """Return (2, 2) the ends of normal . x + offset = 0 in a square, NaN if it misses it."""
    length = np.linalg.norm(normal)
    if not (np.isfinite(length + offset) and length > 0):
        return np.full((2, 2), np.nan)
    point, along = -offset * normal / length**2, np.array([-normal[1], normal[0]]) / length
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = (np.array([[-extent], [extent]]) - point) / along
    start, stop = np.nanmax(reach.min(axis=0)), np.nanmin(reach.max(axis=0))
    inside = start < stop and (np.abs(point + along * (start + stop) / 2) <= extent + 1e-9).all()
    return (
        np.stack([point + start * along, point + stop * along])
        if inside
        else np.full((2, 2), np.nan)
    )


def learn(kind: str, data: Dataset, config: Config, init_seed: int) -> tuple[Network, np.ndarray]:
    """Train a network with one hidden layer; return it and its accuracy after every epoch."""
    sizes = (2, config.hidden, data.classes)
    network = init_network(sizes, "he", kind, rng=np.random.default_rng(init_seed))
    records = train(
        network,
        replace(data, x_val=data.x_val[:1], y_val=data.y_val[:1]),
        Hyper(learning_rate=config.learning_rate, momentum=0.9),
        batch_size=BATCH,
        epochs=EPOCHS,
        rng=np.random.default_rng(init_seed + 1),
        measure=("train",),
    )
    return network, np.array([record.train_accuracy for record in records])


def run(config: Config) -> Result:
    """Compare the special cases, train both networks and look into the maxout one."""
    streams = np.random.SeedSequence(config.seed).spawn(2)
    data = PLANE_DATA[config.data](POINTS, rng=np.random.default_rng(streams[0]))
    init_seed = int(streams[1].generate_state(1)[0])
    trained = [learn(kind, data, config, init_seed) for kind in NETWORKS]
    extent = float(np.abs(data.x_train).max() * 1.1)
    plane = plane_grid(extent, GRID)
    with np.errstate(all="ignore"):  # of a rate at which training diverges
        traces = [forward(network, data.x_train)[1][0] for network, _ in trained]
        says = forward(trained[0][0], plane)[0].argmax(axis=-1)
    winner = traces[0].caches["maxout"]
    passes = (
        maxout_backward(np.ones_like(traces[0].out), winner).reshape(*winner.shape).any(axis=-2)
    )
    return Result(
        config=config,
        unit=np.array([slope * LINE + shift for slope, shift in SPECIAL[config.special]]),
        difference=np.array(
            [
                np.abs(maxout_unit(LINE, lines) - ACTIVATIONS[name].value(LINE)).max()
                for name, lines in SPECIAL.items()
            ]
        ),
        x=data.x_train,
        y=data.y_train,
        extent=extent,
        regions=says.reshape(GRID, GRID),
        edges=switching_lines(trained[0][0], extent),
        wins=winner[:, 0].mean(axis=0),
        parameters=np.array(
            [
                hidden_parameters(
                    init_network((2, config.hidden, 2), "he", n, rng=np.random.default_rng(0))
                )
                for n in UNITS
            ]
        ),
        no_gradient=np.array([(~passes).mean(), (traces[1].z <= 0).mean()]),
        dead=np.array([(~passes).all(axis=0).mean(), dead_units(traces[1].out).mean()]),
        accuracy=np.stack([history for _, history in trained]),
        diverged=not np.isfinite(trained[0][0].layers[0]["weight"]).all(),
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """A12: the special cases, no dead units, twice the parameters. E2: Leaky ReLU doubles them."""
    relu, leaky, _, maxout = result.parameters
    difference = float(result.difference.max())
    return (
        Finding(
            claim="A12",
            holds=bool(
                difference <= EQUAL
                and maxout == 2 * relu
                and result.no_gradient[0] == 0
                and not result.diverged
            ),
            values={
                "difference": difference,
                "bar": EQUAL,
                "ratio": maxout / relu,
                "no_gradient": result.no_gradient[0],
                "no_gradient_relu": result.no_gradient[1],
                "dead_relu": result.dead[1],
                "accuracy": result.accuracy[0, -1],
                "accuracy_relu": result.accuracy[1, -1],
            },
        ),
        Finding(
            claim="E2",
            holds=bool(leaky == 2 * relu),
            values={"leaky": float(leaky), "relu": float(relu), "maxout": float(maxout)},
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return the drawn unit, the points, where units switch, parameters, and the accuracies."""
    epochs = np.arange(result.accuracy.shape[1])
    units = np.arange(1, len(result.edges) + 1)
    return {
        "unit": {"x": LINE, "piece 1": result.unit[0], "piece 2": result.unit[1]},
        "points": {"x1": result.x[:, 0], "x2": result.x[:, 1], "class": result.y},
        "switches": {
            "unit": units,
            "x1": result.edges[:, 0, 0],
            "x2": result.edges[:, 0, 1],
            "x1 end": result.edges[:, 1, 0],
            "x2 end": result.edges[:, 1, 1],
            "first piece wins": result.wins,
        },
        "parameters": {"unit": list(UNITS), "parameters": result.parameters},
        "epochs": {
            **crossed(network=NETWORKS, epoch=epochs),
            "accuracy": result.accuracy.ravel(),
        },
    }


PRESETS = {
    "leaky": Config(),
    "relu": Config(special="relu"),
    "one": Config(hidden=1),
    "spirals": Config(data="spirals", hidden=12),
    "dies": Config(data="xor", learning_rate=2.0),
    "diverges": Config(learning_rate=5.0),
}
SMALL = Config(hidden=2)
SHOWN = (linear_forward, maxout_forward, maxout_backward)
