"""Overfit a tiny set: can a network memorize twenty digits, and can a broken one?

Pairs of networks start from the same weights and see the same few digits, a set of its own for each
pair. One of a pair is correct; in the other the hidden layer's gradient or the labels are wrong.
"""

from collections.abc import Callable, Generator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.experiments.babysitting.bugs import broken_backward, gradient_factors
from core.lab.columns import crossed
from core.lab.datasets import load_digits, standardized_digits
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, integer, log_spaced, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds
from core.nn.dataset import Dataset
from core.nn.layers import (
    activation_backward,
    activation_forward,
    cross_entropy_backward,
    cross_entropy_forward,
    first_linear_backward,
    linear_backward,
    linear_forward,
)
from core.nn.network import Layer, Network, backward, forward, init_network, stack_networks
from core.nn.optimizers import momentum_step
from core.nn.training import Hyper, collect, train

Training = Generator[float, None, dict[str, np.ndarray]]

COST = "training"
NETWORKS = ("correct", "broken")
CORRECT, BROKEN = range(2)
BUGS = ("flipped", "frozen", "shuffled", "no_bias", "random_labels")
SETS = 10  # of digits; all 100 of another measurement came out as these do
SHOWN_IMAGES = 20

LOSS = 0.01  # T3: a set is memorized at accuracy 1 and a data loss below this
ENOUGH = 0.9  # of the sets must come out alike to decide a claim

# The lecture's own run (CIFAR-10, learning rate 1e-3, 20 examples): epoch -> printed cost.
PRINTED_COST = {1: 2.302603, 19: 1.421527, 195: 0.002694, 200: 0.002597}


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The tiny set, the network and what is broken in the second one."""

    bug: str = choice("flipped", BUGS)
    examples: int = integer(20, 5, 100, step=5)
    learning_rate: float = log_spaced(0.1, 0.001, 1.0)
    reg: float = log_spaced(0.0, 1e-4, 1.0, zero=True)
    epochs: int = numbers(200, [50, 100, 200, 500])
    hidden: int = numbers(50, [10, 20, 50, 100])
    weight_scale: float = log_spaced(0.01, 1e-4, 1.0)
    momentum: float = numbers(0.9, [0.0, 0.5, 0.9])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Both NETWORKS on every set.

    data_loss, train_accuracy: (2, SETS, epochs + 1) after every epoch, the first one before
    training; failed: (2, SETS) whose loss exploded, to 3 times the first: they were stopped there,
    have no loss from then on, and keep their accuracy; val_accuracy: (2, SETS) at the end; images:
    (shown, 8, 8) of the first set, labels, predicted: (2, shown) what each network was taught of
    them and says at the end, -1 where it says nothing.
    """

    config: Config
    data_loss: np.ndarray
    train_accuracy: np.ndarray
    failed: np.ndarray
    val_accuracy: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray


def tiny_sets(config: Config, digits: Dataset) -> tuple[tuple[Dataset, Dataset], np.ndarray]:
    """Return the data of both networks, and which training digits (SETS, examples) are in each set.

    x_train: (SETS, examples, 64). The broken network may be taught random labels.
    """
    choices, labels = streams(config.seed, "data", "labels")
    count = len(digits.x_train)
    chosen = np.array([rng.permutation(count)[: config.examples] for rng in choices.spawn(SETS)])
    true = replace(digits, x_train=digits.x_train[chosen], y_train=digits.y_train[chosen])
    if config.bug != "random_labels":
        return (true, true), chosen
    drawn = labels.integers(digits.classes, size=chosen.shape)
    return (true, replace(true, y_train=drawn)), chosen


def steps(config: Config) -> Generator[float, None, Result]:
    """Train all correct networks, then all broken ones; yield the share done, return the Result."""
    weights, signs = streams(config.seed, "weights", "signs")
    digits = standardized_digits()
    sets, chosen = tiny_sets(config, digits)
    sizes = digits.x_train.shape[1], config.hidden, digits.classes
    first = stack_networks(
        [init_network(sizes, config.weight_scale, "relu", rng=rng) for rng in weights.spawn(SETS)]
    )
    wrong = broken_backward(gradient_factors(config.bug, first.layers[0], signs))
    seen = []
    for done, (data, used) in enumerate(zip(sets, (backward, wrong))):
        training = _memorize(config, deepcopy(first), data, used)
        seen.append((yield from _part(training, done, len(sets))))
    shown = slice(0, SHOWN_IMAGES)
    return Result(
        config=config,
        images=load_digits().x_train[chosen[0, shown]].reshape(-1, *digits.image_shape),
        labels=np.stack([data.y_train[0, shown] for data in sets]),
        **{name: np.stack([measured[name] for measured in seen]) for name in seen[0]},
    )


def _part(training: Training, done: int, parts: int) -> Training:
    """Pass on a training as one of several parts: yield the share done of all of them."""
    while True:
        try:
            yield (done + next(training)) / parts
        except StopIteration as stop:
            return stop.value


def _memorize(
    config: Config, network: Network, data: Dataset, used: Callable[..., list[Layer]]
) -> Training:
    """Train a stack of networks on a tiny set each; return what Result has of them."""
    (batches,) = streams(config.seed, "batches")
    training = train(
        network,
        data,
        Hyper(learning_rate=config.learning_rate, reg=config.reg, momentum=config.momentum),
        batch_size=config.examples,
        epochs=config.epochs,
        rng=batches,
        measure=("train",),
        abandon=True,
        backward=used,
    )
    measured = yield from collect(training, "data_loss", "train_accuracy", epochs=config.epochs)
    loss, accuracy = (
        _to_the_end(measured[name], config.epochs) for name in ("data_loss", "train_accuracy")
    )
    predicted = predictions(network, data.x_train)
    at_the_end = (predicted == data.y_train).mean(axis=-1, keepdims=True)
    return {
        "data_loss": loss,
        "train_accuracy": np.where(np.isfinite(loss), accuracy, at_the_end),
        "failed": measured["exploded"] | measured["non_finite"],
        "val_accuracy": (predictions(network, data.x_val) == data.y_val).mean(axis=-1),
        "predicted": predicted[0, :SHOWN_IMAGES],
    }


def predictions(network: Network, x: np.ndarray) -> np.ndarray:
    """Return the class (..., samples) that each network predicts, -1 where it is not finite."""
    with np.errstate(all="ignore"):
        logits, _ = forward(network, x)
    return np.where(np.isfinite(logits).all(axis=-1), logits.argmax(axis=-1), -1)


def _to_the_end(values: np.ndarray, epochs: int) -> np.ndarray:
    """Fill up values (runs, moments) of a training that ended early, as all its runs had failed."""
    missing = epochs + 1 - values.shape[-1]
    return np.pad(values, ((0, 0), (0, missing)), constant_values=np.nan)


def memorized(result: Result) -> np.ndarray:
    """Return (2, SETS): which sets are memorized at the end."""
    return (result.data_loss[..., -1] < LOSS) & (result.train_accuracy[..., -1] == 1)


def findings(result: Result) -> tuple[Finding, ...]:
    """T3: a correct network memorizes the set. T1: a broken one does not, and fails the check.

    What a broken network does says nothing while the correct one fails, too.
    """
    correct, broken = memorized(result)
    explodes = "exploded" if result.failed[BROKEN].all() else ""
    t3 = Finding(
        claim="T3",
        outcome=_on_all_sets(correct),
        because=explodes if correct.all() else _why_not(result),
        values={**_numbers(result, CORRECT), "broken": result.train_accuracy[BROKEN, :, -1].mean()},
    )
    if not t3.holds:
        return (t3,)
    t1 = Finding(
        claim="T1",
        outcome=_on_all_sets(~broken),
        because=explodes or result.config.bug,
        values=_numbers(result, BROKEN),
    )
    return (t3, t1) if t1.outcome is Outcome.HOLDS else (t1, t3)


def _on_all_sets(so: np.ndarray) -> Outcome:
    """Tell whether what (SETS,) says of each set is so on nearly all, nearly none, or neither."""
    nearly_all, nearly_none = (above_over_seeds(each, ENOUGH) for each in (so, ~so))
    if nearly_none is Outcome.HOLDS:
        return Outcome.FAILS
    return nearly_all if nearly_all is Outcome.HOLDS else Outcome.UNCLEAR


def _why_not(result: Result) -> str:
    """Name what keeps correct networks from memorizing their sets."""
    if result.failed[CORRECT].any():
        return "exploded"
    return "loss" if (result.train_accuracy[CORRECT, :, -1] == 1).all() else ""


def _numbers(result: Result, network: int) -> dict[str, Any]:
    """Return the means over the sets, and the median of the loss if no run failed."""
    loss = np.median(result.data_loss[network, :, -1])
    return {
        "accuracy": result.train_accuracy[network, :, -1].mean(),
        "val": result.val_accuracy[network].mean(),
        "passed": memorized(result)[network].sum(),
        "sets": SETS,
        "bar": LOSS,
        **({"loss": loss} if np.isfinite(loss) else {}),
    }


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per network, set and epoch, and the lecture's costs beside this run's."""
    epochs = np.arange(result.data_loss.shape[-1])
    typical = np.median(result.data_loss[CORRECT], axis=0)  # NaN once a run has failed
    reached = [e for e in PRINTED_COST if e < len(epochs) and np.isfinite(typical[e])]
    return {
        "epochs": {
            **crossed(network=NETWORKS, set=np.arange(1, SETS + 1), epoch=epochs),
            "data_loss": result.data_loss.ravel(),
            "train_accuracy": result.train_accuracy.ravel(),
        },
        "printed": {
            "epoch": reached,
            "slide (CIFAR-10, rate 0.001)": [f"{PRINTED_COST[epoch]:.6f}" for epoch in reached],
            "this run (digits)": [f"{typical[epoch]:.6f}" for epoch in reached],
        },
    }


PRESETS = {
    "lecture": Config(),
    "frozen": Config(bug="frozen"),
    "missed": Config(bug="shuffled"),
    "larger": Config(bug="frozen", weight_scale=0.2),
    "labels": Config(bug="random_labels"),
    "slow": Config(learning_rate=0.001),
    "regularized": Config(reg=0.1),
}
SMALL = Config(examples=5, epochs=50, hidden=10)
SHOWN = (
    linear_forward,
    linear_backward,
    first_linear_backward,
    activation_forward,
    activation_backward,
    cross_entropy_forward,
    cross_entropy_backward,
    momentum_step,
    gradient_factors,
    broken_backward,
)
