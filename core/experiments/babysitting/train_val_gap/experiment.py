"""Train/validation gap: when to regularize, when to stop, and what no gap says.

Twelve networks, each with a split of its own, train at five strengths of regularization; where to
stop and which strength to take is chosen on validation digits and reported on a third split.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import band, crossed
from core.lab.datasets import all_digits
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, looks, numbers, seed
from core.lab.parts import portion
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds
from core.nn.dataset import Dataset
from core.nn.layers import l2_backward
from core.nn.network import forward, init_network, stack_networks
from core.nn.preprocessing import fit_standardizer
from core.nn.training import Hyper, accuracy, train_many

Array = np.ndarray

COST = "training"
SEEDS = 12
REGS = (0.0, 0.003, 0.01, 0.03, 0.1)
SPLITS = ("train", "val", "test")
EPOCHS = 40
VAL, TEST = 300, 600
RATE, MOMENTUM, BATCH = 0.05, 0.9, 25
WIDER = 4  # times the hidden units

SMALL_GAP = 0.1  # T8c: of accuracy, in the mean over the networks
GAIN = 0.02  # T8c: on test digits; from 50 units to 200 it is at most .007 in 20 seeds
POINTS = 100


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The training digits, the network, and what is held against overfitting."""

    examples: int = numbers(300, [50, 100, 300, 600])
    noise: float = numbers(0.2, [0.0, 0.1, 0.2, 0.4])
    hidden: int = numbers(50, [1, 5, 20, 50])
    reg: float = looks(numbers(0.0, REGS))
    dropout: float = numbers(0.0, [0.0, 0.25, 0.5])
    patience: int = looks(numbers(5, [1, 3, 5, 10, 20]))
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Accuracies after every epoch, the first before training.

    by_epoch: (SPLITS, REGS, SEEDS, EPOCHS + 1); wider: (SPLITS, SEEDS) at the end, without
    regularization, of networks with WIDER times the hidden units; NaN unless there is little gap.
    """

    config: Config
    by_epoch: Array
    wider: Array

    @property
    def own(self) -> Array:
        """Return (SPLITS, SEEDS, EPOCHS + 1) at the strength of regularization that is set."""
        chosen: Array = self.by_epoch[:, REGS.index(self.config.reg)]
        return chosen


def split_digits(config: Config, x: Array, y: Array, rng: np.random.Generator) -> tuple[Array, ...]:
    """Draw training, validation and test digits; a share of the training labels is redrawn.

    A redrawn label is one of the nine wrong ones. Pixels are standardized by the training digits.
    """
    order = rng.permutation(len(y))
    chosen = np.split(
        order[: config.examples + VAL + TEST], [config.examples, config.examples + VAL]
    )
    standardize = fit_standardizer(x[chosen[0]]).transform
    wrong = rng.random(config.examples) < config.noise
    labels = y[chosen[0]]
    labels = np.where(wrong, (labels + rng.integers(1, 10, len(labels))) % 10, labels)
    inputs = [standardize(x[part]).astype(np.float32) for part in chosen]
    return (*inputs, labels, y[chosen[1]], y[chosen[2]])


def splits(config: Config) -> tuple[Array, ...]:
    """Return inputs (SEEDS, digits, 64) of the three SPLITS, then their labels (SEEDS, digits)."""
    (data,) = streams(config.seed, "data")
    x, y = all_digits()
    drawn = [split_digits(config, x, y, rng) for rng in data.spawn(SEEDS)]
    return tuple(np.stack(part) for part in zip(*drawn))


def accuracies(
    config: Config, parts: tuple[Array, ...], hidden: int, regs: tuple[float, ...]
) -> Generator[float, None, Array]:
    """Train a network per split and strength as one stack; yield the share done.

    Return (SPLITS, regs, SEEDS, EPOCHS + 1).
    """
    weights, batches = streams(config.seed, "weights", "batches")
    drawn = [
        init_network((64, hidden, 10), "he", rng=rng, dtype=np.float32, dropout=config.dropout)
        for rng in weights.spawn(SEEDS)
    ]
    network = stack_networks(drawn * len(regs))
    tiled = [np.concatenate([part] * len(regs)) for part in parts]
    (x_train, x_val, _), (y_train, y_val, _) = inputs, labels = tiled[:3], tiled[3:]
    records = train_many(
        network,
        Dataset("digits", x_train, y_train, x_val, y_val, classes=10, image_shape=(8, 8)),
        Hyper(learning_rate=RATE, momentum=MOMENTUM, reg=np.repeat(regs, SEEDS)),
        batch_size=BATCH,
        epochs=EPOCHS,
        rng=batches,
        measure=(),
    )
    seen = []
    for record in records:
        seen.append([accuracy(forward(network, x)[0], y) for x, y in zip(inputs, labels)])
        yield record.epoch / EPOCHS
    return np.moveaxis(np.array(seen), 0, -1).reshape(len(SPLITS), len(regs), SEEDS, -1)


def steps(config: Config) -> Generator[float, None, Result]:
    """Train at all strengths of regularization, then the wider networks without any."""
    parts = splits(config)
    by_epoch = yield from portion(accuracies(config, parts, config.hidden, REGS), 0, 0.6)
    wider = np.full((len(SPLITS), SEEDS), np.nan)
    if has_little_gap(by_epoch):
        training = accuracies(config, parts, WIDER * config.hidden, REGS[:1])
        wider = (yield from portion(training, 0.6, 0.4))[:, 0, :, -1]
    return Result(config=config, by_epoch=by_epoch, wider=wider)


def has_little_gap(by_epoch: Array) -> bool:
    """Tell whether networks without regularization end with a small gap."""
    train, val, _ = by_epoch[:, 0, :, -1]
    return above_over_seeds(train - val, SMALL_GAP) is Outcome.FAILS


def stop_early(score: Array, patience: int) -> Array:
    """Return (SEEDS,) the epoch that early stopping goes back to: the best score so far, once
    `patience` epochs have brought no better one.

    score: (SEEDS, EPOCHS + 1); the untrained network does not count.
    """
    best = np.ones(len(score), int)
    waiting = np.full(len(score), True)
    for epoch in range(2, score.shape[-1]):
        waiting &= epoch - best <= patience
        before = np.take_along_axis(score, best[:, None], -1)[:, 0]
        best = np.where(waiting & (score[:, epoch] > before), epoch, best)
    return best


def at_epoch(accuracy: Array, epochs: Array) -> Array:
    """Return (SEEDS,) the accuracies (SEEDS, EPOCHS + 1) at an epoch of each network."""
    return np.take_along_axis(accuracy, epochs[:, None], -1)[:, 0]


def rules(result: Result) -> dict[str, Array]:
    """Return (SEEDS,) the accuracy on test digits that each rule ends with, by its name."""
    train, val, test = result.own
    patience, seeds = result.config.patience, np.arange(SEEDS)
    best_reg = result.by_epoch[1, :, :, -1].argmax(axis=0)
    return {
        "end": test[:, -1],
        "stop": at_epoch(test, stop_early(val, patience)),
        "gap": at_epoch(test, stop_early(val - train, patience)),
        "reg": result.by_epoch[2, best_reg, seeds, -1],
        "plain": result.by_epoch[2, 0, :, -1],
        "wider": result.wider[2],
    }


def findings(result: Result) -> tuple[Finding, ...]:
    """T8: stop early. T8r: regularize. T8c: what no gap calls for. E26: what stopping watches."""
    by_rule = rules(result)
    train, val, _ = result.own
    values = {name: by_rule[name].mean() for name in ("end", "stop", "reg", "plain")} | {
        "gap_rule": by_rule["gap"].mean(),
        "gap": POINTS * (train - val)[:, -1].mean(),
        "last": EPOCHS,
    }
    stopping = Finding(
        claim="T8", outcome=above_over_seeds(by_rule["stop"] - by_rule["end"]), values=values
    )
    strength = Finding(
        claim="T8r", outcome=above_over_seeds(by_rule["reg"] - by_rule["plain"]), values=values
    )
    watching = Finding(
        claim="E26",
        outcome=above_over_seeds(by_rule["gap"] - by_rule["stop"]),
        values=values,
        misreading=True,
    )
    no_gap = _no_gap(result, by_rule)
    found = (stopping, *no_gap, strength, watching)
    return tuple(sorted(found, key=lambda f: not (f.claim == "T8c" and f.holds)))


def _no_gap(result: Result, by_rule: Mapping[str, Array]) -> tuple[Finding, ...]:
    """T8c: no gap without regularization, so more units: do they help?"""
    if not has_little_gap(result.by_epoch):
        return ()
    train, val, _ = result.by_epoch[:, 0, :, -1].mean(axis=-1)
    units = result.config.hidden
    return (
        Finding(
            claim="T8c",
            outcome=above_over_seeds(by_rule["wider"] - by_rule["plain"], GAIN),
            values={
                "gap": POINTS * (train - val),
                "train": train,
                "plain": by_rule["plain"].mean(),
                "wider": by_rule["wider"].mean(),
                "units": units,
                "more": WIDER * units,
                "bar": POINTS * GAIN,
            },
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return accuracies by epoch and by regularization, with the range of the networks."""
    epochs = np.arange(EPOCHS + 1)
    return {
        "epochs": {
            **crossed(split=SPLITS, epoch=epochs),
            **band("accuracy", result.own, axis=1),
        },
        "reg": {
            **crossed(split=SPLITS, reg=REGS),
            **band("accuracy", result.by_epoch[..., -1], axis=2),
        },
    }


PRESETS = {
    "lecture": Config(),
    "clean": Config(noise=0.0),
    "regularized": Config(reg=0.01),
    "dropout": Config(dropout=0.5),
    "few": Config(noise=0.0, examples=50),
    "one_unit": Config(noise=0.0, examples=600, hidden=1),
}
SMALL = Config(examples=50, hidden=1)
SHOWN = (split_digits, accuracies, forward, l2_backward)
