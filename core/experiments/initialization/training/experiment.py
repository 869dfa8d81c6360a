"""Training: the same network from every scheme of starting weights.

All schemes start from the same draws, scaled, and see the same batches at one learning rate; all
seeds of all schemes train as one stack. A run whose loss exceeds three times its first one has
diverged and is given up.
"""

from collections.abc import Generator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import band, crossed
from core.lab.datasets import standardized_digits
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, integer, log_spaced, looks, numbers, seed, several
from core.lab.say import NEVER, arrival, percent
from core.lab.streams import streams
from core.lab.verdict import both, epochs_to, later
from core.lab.words import name_of
from core.nn.initializers import init_std, init_weight
from core.nn.layers import activation_backward, activation_forward, linear_backward, linear_forward
from core.nn.network import Network, forward, init_network, stack_networks
from core.nn.optimizers import momentum_step
from core.nn.record import Record
from core.nn.training import Hyper, history, train_many

Array = np.ndarray

COST = "training"
SCHEMES = ("small", "large", "xavier", "he")
RIGHT = {"relu": "he", "tanh": "xavier", "sigmoid": "xavier"}  # as the lecture recommends
WRONG = {  # as it warns: with ReLU, Xavier's weights are too small
    "relu": ("small", "large", "xavier"),
    "tanh": ("small", "large"),
    "sigmoid": ("small", "large"),
}
SEEDS, FEWER_SEEDS = 5, 3  # paired; fewer where a network takes long
MANY_UNITS = 1_000  # of all hidden layers
BATCH = 64
MOMENTUM = 0.9

SLOWER = 1.5  # I9: epochs of a wrong scale over the right one's; Xavier with ReLU: 2.9 +- 0.4


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The network, the schemes it starts from, and how it learns."""

    activation: str = choice("relu", list(RIGHT))
    schemes: tuple[str, ...] = several(SCHEMES, SCHEMES)
    depth: int = integer(10, 1, 30)
    learning_rate: float = log_spaced(0.01, 1e-4, 0.5)
    epochs: int = numbers(15, [5, 10, 15])
    target: float = looks(numbers(0.8, [0.5, 0.8, 0.9, 0.95]))
    width: int = numbers(50, [20, 50, 100])
    seed: int = seed()

    @property
    def seeds(self) -> int:
        """Return how many seeds every scheme trains with."""
        return FEWER_SEEDS if self.depth * self.width > MANY_UNITS else SEEDS


@dataclass(frozen=True, eq=False)
class Result:
    """Per scheme and seed.

    val_accuracy: (schemes, seeds, epochs + 1), epoch 0 being before training; NaN in a run from
    where it diverged. diverged: (schemes, seeds). start: (schemes,) std of the last hidden layer's
    outputs before training, root mean square over the seeds.
    """

    config: Config
    val_accuracy: Array
    diverged: Array
    start: Array

    @property
    def to_target(self) -> Array:
        """Return (schemes, seeds) epochs to the target; inf for a run that never gets there."""
        reached = epochs_to(self.config.target, self.val_accuracy)
        return np.where(self.diverged, np.inf, reached)

    @property
    def ends(self) -> list[str]:
        """Return how each scheme ends: its mean accuracy, or that runs diverge."""
        return [
            _end(last, int(gone.sum()))
            for last, gone in zip(self.val_accuracy[..., -1], self.diverged)
        ]


def _end(accuracy: Array, diverged: int) -> str:
    """Say how a scheme ends, by its final accuracies (seeds,) and how many runs diverged."""
    if diverged == len(accuracy):
        return "diverges"
    return f"diverges in {diverged} of {len(accuracy)}" if diverged else percent(accuracy.mean())


def build(config: Config, rngs: list[np.random.Generator]) -> Network:
    """Draw a network per scheme and seed, (schemes * seeds) in a stack; schemes share the draws."""
    sizes = (64, *[config.width] * config.depth, 10)
    return stack_networks(
        [
            init_network(sizes, scheme, config.activation, rng=rng, dtype=np.float32)
            for scheme in config.schemes
            for rng in deepcopy(rngs)
        ]
    )


def steps(config: Config) -> Generator[tuple[float, Result], None, Result]:
    """Train all schemes and seeds as one stack; yield the share done and the Result so far."""
    weights, batches = streams(config.seed, "weights", "batches")
    data, shape = standardized_digits(), (len(config.schemes), config.seeds)
    network = build(config, weights.spawn(config.seeds))
    start = spread_at_start(network, data.x_val).reshape(shape)
    records: list[Record] = []
    for record in train_many(
        network,
        data,
        Hyper(learning_rate=config.learning_rate, momentum=MOMENTUM),
        batch_size=BATCH,
        epochs=config.epochs,
        rng=batches,
        measure=("val",),
        abandon=True,
    ):
        records.append(record)
        yield record.epoch / config.epochs, so_far(config, records, start, len(records))
    return so_far(config, records, start, config.epochs + 1)


def so_far(config: Config, records: list[Record], start: Array, moments: int) -> Result:
    """Return what the records of a training give, of so many moments.

    start: (schemes, seeds) spread before training. If all runs were given up there are fewer
    records than moments; the accuracies of the rest are NaN.
    """
    accuracy = np.full((*start.shape, moments), np.nan)
    seen = history(records, "val_accuracy")["val_accuracy"]
    accuracy[..., : len(records)] = seen.reshape(*start.shape, len(records))
    last = records[-1]
    return Result(
        config=config,
        val_accuracy=accuracy,
        diverged=(last.has_exploded | ~last.is_finite).reshape(start.shape),
        start=np.sqrt((start**2).mean(axis=-1)),
    )


def spread_at_start(network: Network, x: Array) -> Array:
    """Return (runs,) std of what the last hidden layer puts out for x (samples, features)."""
    _, traces = forward(network, x.astype(network.dtype))
    return traces[-2].out.astype(float).std(axis=(-2, -1))


def findings(result: Result) -> tuple[Finding, ...]:
    """I9: the right scale learns, wrong ones stall. I9b: the right one against its neighbour."""
    config, epochs = result.config, dict(zip(result.config.schemes, result.to_target))
    values: dict[str, Any] = {
        "right_name": RIGHT[config.activation],
        "all": listed(epochs, config.epochs),
    }
    found = [_stalls(config, epochs, values)]
    if {"xavier", "he"} <= set(epochs):
        right = RIGHT[config.activation]
        other = "he" if right == "xavier" else "xavier"
        values |= {"right": arrival(epochs[right]), "other": arrival(epochs[other])}
        ahead = later(epochs[other], epochs[right], config.epochs)
        found.append(Finding(claim="I9b", outcome=ahead, values={**values, "other_name": other}))
    return tuple(found)


def listed(epochs: Mapping[str, Array], end: float) -> str:
    """Write the epochs of all schemes, the fastest first: "He 3.1, Xavier 9.5; never: small"."""
    order = sorted(epochs, key=lambda name: float(np.minimum(epochs[name], end).mean()))
    said = {name: arrival(epochs[name]) for name in order}
    arrived = ", ".join(f"{name_of(name)} {text}" for name, text in said.items() if text != NEVER)
    never = ", ".join(name_of(name) for name, text in said.items() if text == NEVER)
    return "; ".join([arrived] * bool(arrived) + [f"{NEVER}: {never}"] * bool(never))


def _stalls(config: Config, epochs: Mapping[str, Array], shared: Mapping[str, Any]) -> Finding:
    """I9: the right scale arrives, and every wrong one needs twice as long or never does."""
    right = RIGHT[config.activation]
    wrong = [name for name in epochs if name in WRONG[config.activation]]

    def finding(outcome: Outcome, because: str = "", **values: Any) -> Finding:
        return Finding(
            claim="I9", outcome=outcome, because=because, values={**shared, "bar": SLOWER, **values}
        )

    if right not in epochs or not wrong:
        return finding(Outcome.UNCLEAR, "right" if right not in epochs else "wrong")
    never = np.isinf(epochs[right])
    if never.any():
        return finding(Outcome.FAILS if never.all() else Outcome.UNCLEAR, "slow")
    outcomes = {n: later(epochs[n], epochs[right], config.epochs, SLOWER) for n in wrong}
    outcome = both(*outcomes.values())
    named = {"right": arrival(epochs[right])}
    if outcome is Outcome.HOLDS:
        lags = "xavier" in wrong and bool(np.isfinite(epochs["xavier"]).all())
        return finding(outcome, "lag" if lags else "", **named)
    fastest = min(
        (name for name in wrong if outcomes[name] is outcome), key=lambda n: epochs[n].mean()
    )
    beaten = later(epochs[right], epochs[fastest], config.epochs) is Outcome.HOLDS
    named |= {"other_name": fastest, "other": arrival(epochs[fastest])}
    return finding(outcome, "faster" if beaten else "", **named)


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per scheme and epoch with ranges over the seeds, and one per scheme."""
    schemes, epochs = result.config.schemes, np.arange(result.val_accuracy.shape[-1])
    return {
        "epochs": {
            **crossed(scheme=schemes, epoch=epochs),
            **band("accuracy", result.val_accuracy, axis=1),
        },
        "schemes": {
            "scheme": list(schemes),
            "needed": [arrival(row) for row in result.to_target],
            "ends": result.ends,
            "diverged": result.diverged.sum(axis=-1),
            "signal": result.start,
        },
    }


PRESETS = {
    "lecture": Config(),
    "tanh": Config(activation="tanh"),
    "deep30": Config(
        depth=30, width=100, learning_rate=0.002, schemes=("xavier", "he"), target=0.5
    ),
    "shallow": Config(depth=1),
    "sigmoid": Config(activation="sigmoid", depth=3, learning_rate=0.1),
}
SMALL = Config(depth=2, width=20, epochs=5)
SHOWN = (
    *(init_std, init_weight, linear_forward, activation_forward),
    *(activation_backward, linear_backward, momentum_step),
)
