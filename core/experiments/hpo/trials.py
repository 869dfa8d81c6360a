"""Trials of a search: configurations of one small network, all trained as one stack.

Every trial starts from the same draws and sees the same batches: trials differ in what is searched
and in nothing else. Three splits of the digits: a search trains on the first and compares on the
second; what its winner is worth is told by the third, which nothing was chosen on.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.datasets import all_digits
from core.nn.dataset import Dataset
from core.nn.network import Network, forward, init_network, stack_networks
from core.nn.preprocessing import fit_standardizer
from core.nn.record import Record
from core.nn.training import Hyper, Number, accuracy, history, quietly, train_many

Array = np.ndarray

UNITS = 50
BATCH = 100
MOMENTUM, DECAY = 0.9, 0.9
TRAIN, VAL = 1000, 300  # digits; the other 497 are for test


@dataclass(frozen=True, eq=False)
class Split:
    """Digits in three splits, float32: training and validation as a Dataset, and test."""

    data: Dataset
    x_test: Array
    y_test: Array


@dataclass(frozen=True, eq=False)
class Trials:
    """What trials have come to; the last axis is the moments, of which `share` of all is over.

    val_accuracy, data_loss: (trials, moments), the first moment before training; NaN for moments
    to come and after a trial was abandoned. exploded: (trials,) the step at which the loss was
    above 3 times the first, -1 for never. failed: (trials,) exploded or not finite. steps:
    (trials,) that each has trained. network: the stack as it is now.
    """

    val_accuracy: Array
    data_loss: Array
    exploded: Array
    failed: Array
    steps: Array
    network: Network
    share: float


def split_digits(rng: np.random.Generator) -> Split:
    """Draw three splits of the digits, standardized by the statistics of the first."""
    x, y = all_digits()
    train, val, test = np.split(rng.permutation(len(y)), [TRAIN, TRAIN + VAL])
    x = fit_standardizer(x[train]).transform(x).astype(np.float32)
    data = Dataset("digits", x[train], y[train], x[val], y[val], classes=10, image_shape=(8, 8))
    return Split(data, x[test], y[test])


def draw_network(
    trials: int, rng: np.random.Generator, scale: Number = 1.0, hidden: int | Array = UNITS
) -> Network:
    """Draw one network by He's rule, and stack it once per trial.

    scale: a factor on its weights, hidden: its units; both one for all or (trials,). A network of
    fewer units has the first ones of the widest: a unit without weights stays without any.
    """
    hidden = np.broadcast_to(hidden, (trials,))[:, None, None]
    widest = int(hidden.max())
    drawn = init_network((64, widest, 10), "he", rng=rng, dtype=np.float32)
    network = stack_networks([drawn] * trials)
    into, out = (layer["weight"] for layer in network.layers)
    has_unit = np.arange(widest) < hidden
    factor = np.broadcast_to(scale, (trials,))[:, None, None]
    into *= factor * has_unit
    out *= factor * has_unit.swapaxes(-1, -2) * np.sqrt(widest / hidden)
    return network


def watch_trials(
    network: Network,
    data: Dataset,
    hyper: Hyper,
    *,
    epochs: int,
    rng: np.random.Generator,
    record_every: int | None = None,
    measure: tuple[str, ...] = ("train", "val"),
    abandon: bool = True,
) -> Iterator[Trials]:
    """Train a stack in place, a trial per run; yield the Trials so far at every moment.

    record_every: steps from one moment to the next, an epoch's if not given. measure: the splits
    that are measured, NaN for the other. abandon: give a trial up at the first moment that finds
    its loss above 3 times the first, or not finite.
    """
    epoch_steps = -(-data.y_train.shape[-1] // BATCH)
    moments = 1 + epochs * epoch_steps // (record_every or epoch_steps)
    records = train_many(
        network,
        data,
        hyper,
        batch_size=BATCH,
        epochs=epochs,
        rng=rng,
        record_every=record_every,
        measure=measure,
        abandon=abandon,
    )
    seen: list[Record] = []
    for record in records:
        seen.append(record)
        yield Trials(
            **_padded(history(seen, "val_accuracy", "data_loss"), moments),
            exploded=record.exploded,
            failed=record.has_failed,
            steps=record.steps,
            network=network,
            share=record.epoch / epochs,
        )


def train_trials(
    network: Network, data: Dataset, hyper: Hyper, **options: Any
) -> Generator[float, None, Trials]:
    """Train as watch_trials() does, options too; yield the share done and return the Trials."""
    for trials in watch_trials(network, data, hyper, **options):
        yield trials.share
    return trials


def _padded(values: dict[str, Array], moments: int) -> dict[str, Array]:
    """Fill (trials, moments so far) up with NaN for the moments to come."""
    return {
        name: np.pad(
            array.astype(float),
            ((0, 0), (0, moments - array.shape[-1])),
            constant_values=np.nan,
        )
        for name, array in values.items()
    }


@quietly
def accuracy_on_test(network: Network, split: Split) -> Array:
    """Return (trials,) shares of the test digits that each network of a stack has right."""
    return accuracy(forward(network, split.x_test)[0], split.y_test)
