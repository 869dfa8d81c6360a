"""Shallow or deep: small random weights in a network of a few layers and in one of many.

Both networks start from the same kind of draws, once small and once scaled as Xavier says, and see
the same batches. In float64: little is left of the signal in a deep network.
"""

from collections.abc import Generator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import band, crossed
from core.lab.datasets import standardized_digits
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, integer, log_spaced, numbers, seed
from core.lab.parts import portion
from core.lab.say import written_out
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, both, opposite
from core.nn.initializers import init_std, init_weight
from core.nn.layers import activation_backward, activation_forward, linear_backward, linear_forward
from core.nn.network import Network, forward, init_network, stack_networks
from core.nn.optimizers import momentum_step
from core.nn.training import Hyper, collect, train_many

Array = np.ndarray

COST = "training"
NETS = ("shallow", "deep")
SCALES = ("small", "xavier")
SEEDS = 4
UNITS = 50
BATCH = 64
MOMENTUM = 0.9

LEARNED = 0.9  # I2: validation accuracy of the shallow network
CHANCE = 0.2  # I2: twice that of guessing ten classes


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The two depths, the small scale, and how the nets learn."""

    weight_scale: float = log_spaced(0.01, 0.001, 1.0)
    shallow: int = integer(1, 1, 5)
    deep: int = integer(10, 2, 20)
    learning_rate: float = log_spaced(0.02, 0.001, 0.5)
    activation: str = choice("tanh", ["tanh", "relu"])
    epochs: int = numbers(15, [5, 10, 15])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Per network of NETS and scale of SCALES.

    val_accuracy: (nets, scales, SEEDS, epochs + 1), epoch 0 being before training, 0 in a run from
    where its numbers are not finite; signal: (nets, scales) std of the last hidden layer's outputs
    before training, root mean square over the seeds.
    """

    config: Config
    val_accuracy: Array
    signal: Array


def build(depth: int, config: Config, rngs: list[np.random.Generator]) -> Network:
    """Draw a network per scale and seed, (SCALES * SEEDS) in a stack; scales share the draws."""
    sizes = (64, *[UNITS] * depth, 10)
    return stack_networks(
        [
            init_network(sizes, scheme, config.activation, rng=rng)
            for scheme in (config.weight_scale, "xavier")
            for rng in deepcopy(rngs)
        ]
    )


def steps(config: Config) -> Generator[float, None, Result]:
    """Train each depth as one stack; yield the share done and return the Result."""
    weights = streams(config.seed, "weights")[0].spawn(SEEDS)
    layers = config.shallow + config.deep
    rows, signal = [], []
    for start, depth in ((0, config.shallow), (config.shallow, config.deep)):
        network = build(depth, config, weights)
        signal.append(signal_at_start(network))
        work = portion(train(network, config), start / layers, depth / layers)
        rows.append((yield from work))
    shape = (len(NETS), len(SCALES), SEEDS, -1)
    return Result(
        config=config,
        val_accuracy=np.stack(rows).reshape(shape),
        signal=np.sqrt((np.stack(signal).reshape(shape[:3]) ** 2).mean(axis=-1)),
    )


def signal_at_start(network: Network) -> Array:
    """Return (runs,) std of what the last hidden layer puts out for the validation digits."""
    _, traces = forward(network, standardized_digits().x_val)
    return traces[-2].out.std(axis=(-2, -1))


def train(network: Network, config: Config) -> Generator[float, None, Array]:
    """Train a stack, yielding the share done; return (runs, epochs + 1) validation accuracies."""
    records = train_many(
        network,
        standardized_digits(),
        Hyper(learning_rate=config.learning_rate, momentum=MOMENTUM),
        batch_size=BATCH,
        epochs=config.epochs,
        rng=streams(config.seed, "batches")[0],
        measure=("val",),
    )
    seen = yield from collect(records, "val_accuracy", "val_loss", epochs=config.epochs)
    return np.where(np.isfinite(seen["val_loss"]), seen["val_accuracy"], 0)


def findings(result: Result) -> tuple[Finding, ...]:
    """I2: small weights do in the shallow net and not in the deep one; I2b: Xavier does in both."""
    (shallow, shallow_xavier), (deep, deep_xavier) = result.val_accuracy[..., -1]
    few, many = above_over_seeds(shallow, LEARNED), above_over_seeds(deep, CHANCE)
    return (
        Finding(
            claim="I2",
            outcome=both(few, opposite(many)),
            because=_because(few, above_over_seeds(deep, LEARNED)),
            values={
                "few": shallow.mean(),
                "many": deep.mean(),
                "signal": written_out(result.signal[1, 0]),
                "bar": LEARNED,
                "chance": CHANCE,
            },
        ),
        Finding(
            claim="I2b",
            outcome=both(*(above_over_seeds(x, LEARNED) for x in (shallow_xavier, deep_xavier))),
            values={"few": shallow_xavier.mean(), "many": deep_xavier.mean(), "bar": LEARNED},
        ),
    )


def _because(shallow_learns: Outcome, deep_learns: Outcome) -> str:
    """Name what else happens than that the shallow network learns and the deep one does not."""
    if shallow_learns is Outcome.HOLDS:
        return "both" if deep_learns is Outcome.HOLDS else ""
    return "neither" if shallow_learns is Outcome.FAILS else ""


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per net, scale and epoch with ranges over seeds, and the signal at the start."""
    epochs = np.arange(result.val_accuracy.shape[-1])
    return {
        "epochs": {
            **crossed(net=NETS, weights=SCALES, epoch=epochs),
            **band("accuracy", result.val_accuracy, axis=2),
        },
        "nets": {
            **crossed(net=NETS, weights=SCALES),
            "accuracy": result.val_accuracy[..., -1].mean(axis=-1).ravel(),
            "signal": result.signal.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "relu": Config(activation="relu"),
    "three": Config(deep=3),
    "medium": Config(weight_scale=0.1),
    "tiny": Config(weight_scale=0.001, shallow=2),
}
SMALL = Config(deep=2, epochs=5)
SHOWN = (
    *(init_std, init_weight, linear_forward, activation_forward),
    *(activation_backward, linear_backward, momentum_step),
)
