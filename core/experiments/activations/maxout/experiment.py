"""Maxout: the greatest of two affine maps, its special cases, what it lets through, its price.

Networks of one hidden layer of ReLU, Leaky ReLU or maxout units, with the same number of units,
learn the same points in the plane.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import band, crossed
from core.lab.datasets import PLANE_DATA, plane_grid
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, integer, log_spaced, looks, seed
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, decided
from core.nn.activations import ACTIVATIONS
from core.nn.dataset import Dataset
from core.nn.layers import linear_forward, maxout_backward, maxout_forward
from core.nn.network import MAXOUT_PIECES, Network, Trace, forward, init_network, stack_networks
from core.nn.training import Hyper, history, train

COST = "instant"
POINTS = 250
EPOCHS = 60
BATCH = 25
STARTS = 7  # networks that differ in their starting weights; an odd number has a middle one
GRID = 64  # cells per side of the drawn plane
LINE = np.linspace(-3, 3, 121)  # inputs of the drawn unit
KINDS = ("relu", "leaky_relu", "maxout")  # that are trained
DRAWN = ("relu", "maxout")  # that are drawn in the plane
UNITS = (*KINDS, "prelu")  # whose parameters are counted

# The two affine maps (slope, intercept) whose greater one is the function.
SPECIAL = {"relu": ((1.0, 0.0), (0.0, 0.0)), "leaky_relu": ((1.0, 0.0), (0.01, 0.0))}
EQUAL = 1e-12  # A12b: greatest difference from the special case
MANY_DEAD = 0.5  # share of ReLU units off on all data that the heading speaks of
GAIN = 0.05  # A12d: by how much maxout must be more accurate than ReLU
LEAST_UNITS = 4  # A12d: with fewer, it is decided by a start or two whose only ReLU is off


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The data, the size of the hidden layer, the rate, and which special case is drawn."""

    special: str = looks(choice("leaky_relu", list(SPECIAL)))
    data: str = choice("moons", ["moons", "xor", "spirals"])
    hidden: int = integer(8, 1, 12)
    learning_rate: float = log_spaced(0.5, 0.001, 5.0)
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What was measured on KINDS, each from STARTS starting weights; NaN where training diverged.

    x, y: (samples, 2) and (samples,) training points; extent: half the side of the drawn square;
    accuracy: (KINDS, STARTS, epochs + 1) on the training points; blocked: (KINDS, STARTS) share of
    pairs (point, unit) whose slope is exactly 0; dead: (KINDS, STARTS) share of units with none
    else; parameters: (UNITS,) of the hidden layer; difference: (special cases,) greatest difference
    of the maxout unit from the function; drawn: the start whose maxout network ends in the middle;
    logits: (DRAWN, GRID, GRID, classes) of it; normals, offsets: (DRAWN, units, 2), (DRAWN, units)
    of the lines normal . x + offset = 0 on which its units change from one piece to the other.
    """

    config: Config
    x: np.ndarray
    y: np.ndarray
    extent: float
    accuracy: np.ndarray
    blocked: np.ndarray
    dead: np.ndarray
    parameters: np.ndarray
    difference: np.ndarray
    drawn: int
    logits: np.ndarray
    normals: np.ndarray
    offsets: np.ndarray


def maxout_unit(x: np.ndarray, lines: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Return the output (samples,) of one maxout unit with one input x (samples,).

    lines: slope and intercept of each piece.
    """
    slopes, intercepts = np.array(lines).T
    z, _ = linear_forward(x[:, None], slopes[None], intercepts[None])
    return maxout_forward(z, len(lines))[0][:, 0]


def hidden_parameters(kind: str, hidden: int) -> int:
    """Return how many numbers a hidden layer of a kind of unit learns, of two inputs."""
    (rng,) = streams(0, "counted, not used")
    network = init_network((2, hidden, 2), "he", kind, rng=rng)
    return sum(p.size for p in network.layers[0].values())


def blocked(trace: Trace) -> np.ndarray:
    """Return (..., samples, units) True where nothing of a gradient passes a unit.

    A maxout unit blocks where none of its pieces gets anything.
    """
    passes = trace.local_gradient() != 0
    pieces = passes.shape[-1] // trace.out.shape[-1]
    return ~passes.reshape(*passes.shape[:-1], pieces, -1).any(axis=-2)


def switching_lines(network: Network, run: int) -> tuple[np.ndarray, np.ndarray]:
    """Return normals (units, 2) and offsets (units,) of the lines on which units change pieces.

    A ReLU's pieces are equal where w . x + b = 0, those of a maxout unit where their difference is.
    """
    weight, bias = network.layers[0]["weight"][run], network.layers[0]["bias"][run, 0]
    if network.activation != "maxout":
        return weight.T, bias
    units = len(bias) // MAXOUT_PIECES
    return (weight[:, :units] - weight[:, units:]).T, bias[:units] - bias[units:]


def learn(
    kind: str,
    data: Dataset,
    config: Config,
    weights: np.random.Generator,
    batches: np.random.Generator,
) -> tuple[Network, np.ndarray]:
    """Train networks of one kind; return them and their (STARTS, epochs + 1) accuracies."""
    sizes = (2, config.hidden, data.classes)
    network = stack_networks(
        [init_network(sizes, "he", kind, rng=start) for start in weights.spawn(STARTS)]
    )
    records = train(
        network,
        data,
        Hyper(learning_rate=config.learning_rate, momentum=0.9),
        batch_size=BATCH,
        epochs=EPOCHS,
        rng=batches,
        measure=("train",),
    )
    return network, history(list(records), "train_accuracy")["train_accuracy"]


@np.errstate(all="ignore")  # of a rate at which training diverges
def run(config: Config) -> Result:
    """Compare the special cases, train all networks and look into the hidden layers."""
    points, weights, batches = streams(config.seed, "data", "weights", "batches")
    data = PLANE_DATA[config.data](POINTS, rng=points)
    trained = {
        kind: learn(kind, data, config, deepcopy(weights), deepcopy(batches)) for kind in KINDS
    }
    passed = [forward(network, data.x_train) for network, _ in trained.values()]
    finite = np.array([np.isfinite(logits).all(axis=(-2, -1)) for logits, _ in passed])
    blocks = np.array([blocked(traces[0]) for _, traces in passed])
    accuracy = np.where(finite[..., None], [history for _, history in trained.values()], np.nan)
    drawn = int(np.argsort(accuracy[KINDS.index("maxout"), :, -1])[STARTS // 2])  # NaN is last
    extent = float(np.abs(data.x_train).max() * 1.05)
    shown = [trained[kind][0] for kind in DRAWN]
    plane = np.stack([forward(n, plane_grid(extent, GRID))[0][drawn] for n in shown])
    normals, offsets = zip(*(switching_lines(network, drawn) for network in shown))
    return Result(
        config=config,
        x=data.x_train,
        y=data.y_train,
        extent=extent,
        accuracy=accuracy,
        blocked=np.where(finite, blocks.mean(axis=(-2, -1)), np.nan),
        dead=np.where(finite, blocks.all(axis=-2).mean(axis=-1), np.nan),
        parameters=np.array([hidden_parameters(kind, config.hidden) for kind in UNITS]),
        difference=np.array(
            [
                np.abs(maxout_unit(LINE, lines) - ACTIVATIONS[name].value(LINE)).max()
                for name, lines in SPECIAL.items()
            ]
        ),
        drawn=drawn,
        logits=plane.reshape(len(DRAWN), GRID, GRID, -1),
        normals=np.stack(normals),
        offsets=np.stack(offsets),
    )


def over_starts(values: np.ndarray) -> dict[str, float]:
    """Return the mean of (KINDS, STARTS) over the starts that did not diverge, if there are any."""
    return {
        kind: float(own[np.isfinite(own)].mean())
        for kind, own in zip(KINDS, values)
        if np.isfinite(own).any()
    }


def findings(result: Result) -> tuple[Finding, ...]:
    """A12: maxout never blocks. b: its special cases. c, E2: who doubles the parameters. d: gain.

    All but the last are so by construction; the numbers only check it.
    """
    numbers = dict(zip(UNITS, result.parameters.tolist()))
    difference = float(result.difference.max())
    found = [
        _passes(result, numbers),
        Finding(
            claim="A12b",
            outcome=decided(difference <= EQUAL),
            identity=True,
            values={"difference": difference, "bar": EQUAL},
        ),
        Finding(
            claim="A12c",
            outcome=decided(numbers["maxout"] == MAXOUT_PIECES * numbers["relu"]),
            identity=True,
            values=numbers,
        ),
        Finding(
            claim="E2",
            outcome=decided(numbers["leaky_relu"] == 2 * numbers["relu"]),
            misreading=True,
            identity=True,
            values=numbers,
        ),
    ]
    relu, _, maxout = result.accuracy[..., -1]
    if result.config.hidden >= LEAST_UNITS and np.isfinite(maxout - relu).all():
        found.append(
            Finding(
                claim="A12d",
                outcome=above_over_seeds(maxout - relu, GAIN),
                values={"maxout": maxout.mean(), "relu": relu.mean(), "starts": STARTS},
            )
        )
    return tuple(found)


def _passes(result: Result, numbers: Mapping[str, int]) -> Finding:
    """Count what is blocked; that a greatest of two lines is never flat is no measurement."""
    diverged = np.isnan(result.blocked).any(axis=-1)
    if diverged.any():
        gone = np.isnan(result.blocked).sum(axis=-1).tolist()
        counts = {"all": sum(gone), "networks": result.blocked.size, "starts": STARTS}
        values = {**dict(zip(KINDS, gone)), **counts}
        because = "maxout" if gone[KINDS.index("maxout")] else "others"
        return Finding(claim="A12", outcome=Outcome.UNCLEAR, because=because, values=values)
    blocks, dead = over_starts(result.blocked), over_starts(result.dead)
    return Finding(
        claim="A12",
        outcome=decided(blocks["maxout"] == 0),
        identity=True,
        because="dead" if dead["relu"] > MANY_DEAD else "",
        values={
            "maxout": blocks["maxout"],
            "leaky": blocks["leaky_relu"],
            "relu": blocks["relu"],
            "dead": dead["relu"],
            "ratio": numbers["maxout"] / numbers["relu"],
            "starts": STARTS,
        },
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return what is blocked, parameters, accuracy by epoch, the points and the switching lines."""
    numbers = dict(zip(UNITS, result.parameters.tolist()))
    return {
        "kinds": {
            "unit": list(KINDS),
            **band("blocked", result.blocked, axis=1),
            **band("dead", result.dead, axis=1),
            "parameters": [numbers[kind] for kind in KINDS],
        },
        "epochs": {
            **crossed(unit=KINDS, epoch=np.arange(result.accuracy.shape[-1])),
            **band("accuracy", result.accuracy, axis=1),
        },
        "points": {"x1": result.x[:, 0], "x2": result.x[:, 1], "class": result.y},
        "switches": {
            **crossed(network=DRAWN, unit=np.arange(1, result.config.hidden + 1)),
            "weight 1": result.normals[..., 0].ravel(),
            "weight 2": result.normals[..., 1].ravel(),
            "offset": result.offsets.ravel(),
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
