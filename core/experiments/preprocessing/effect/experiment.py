"""Effect: the same network on digits prepared in five ways, over a wide range of learning rates.

Raw digits; all of them divided by one number; centred and divided by one number; normalized; and
whitened. All but the raw ones have the same size (rms 1), so that they differ in what was done and
not in scale. Statistics come from the training split. A rate at which a seed is judged is chosen by
the other seeds.
"""

from collections.abc import Generator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import band, crossed
from core.lab.datasets import load_digits
from core.lab.finding import Finding
from core.lab.knobs import Checked, choice, looks, numbers, seed
from core.lab.parts import portion
from core.lab.say import arrival
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, epochs_to, later
from core.nn.dataset import Dataset
from core.nn.layers import linear_forward
from core.nn.network import init_network, stack_networks
from core.nn.optimizers import momentum_step
from core.nn.preprocessing import fit_center, fit_standardizer, fit_whitener
from core.nn.statistics import rms
from core.nn.training import Hyper, collect, train_many

Array = np.ndarray

COST = "training"
CASES = ("raw", "scaled", "centred", "normalized", "whitened")
RATES = 10.0 ** np.arange(-3, 1.26, 0.25)
SEEDS = 5
UNITS, BATCH = 50, 64
SCHEME = {"relu": "he", "tanh": "xavier"}
FINE = np.linspace(-3, 1.25, 86)  # of log10 of the rate, to measure a range on

WIDER = 0.25  # decades that count: one step of the rates
TIMES = 2.0  # P7b
STEPS = {  # claim -> a step of preprocessing and the one before it
    "P7c": ("centred", "scaled"),
    "P7d": ("normalized", "centred"),
    "P7e": ("whitened", "centred"),
}


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The network, when a rate counts as usable, and how bright the digits are."""

    activation: str = choice("relu", ("relu", "tanh"))
    target: float = looks(numbers(0.9, [0.8, 0.9, 0.95]))
    offset: int = numbers(0, [0, 4, 16])
    epochs: int = numbers(10, [5, 10])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Validation accuracy, (CASES, RATES, SEEDS, epochs + 1); 0 throughout for a run that failed.

    A run fails when its loss exceeds three times its first one, or is no number.
    """

    config: Config
    accuracy: Array

    @property
    def usable(self) -> Array:
        """Return (CASES, SEEDS, FINE) True for the rates that end at the target or above."""
        final = np.moveaxis(self.accuracy[..., -1], 1, -1)
        return finely(final) >= self.config.target

    @property
    def widths(self) -> Array:
        """Return (CASES, SEEDS): how many decades of rates are usable."""
        return self.usable.mean(axis=-1) * (FINE[-1] - FINE[0])

    @property
    def starts(self) -> Array:
        """Return (CASES, SEEDS) log10 of the least usable rate, the least of all if none is."""
        return FINE[self.usable.argmax(axis=-1)]

    @property
    def at_best(self) -> Array:
        """Return (CASES, SEEDS, epochs + 1) accuracies at the rate that suits the other seeds."""
        return at_best(self.accuracy, self.accuracy[..., -1])

    @property
    def at_fastest(self) -> Array:
        """Return (CASES, SEEDS, epochs + 1) accuracies at the rate that is fastest for others."""
        epochs = epochs_to(self.config.target, self.accuracy)
        return at_best(self.accuracy, -np.minimum(epochs, 2 * self.config.epochs))

    @property
    def epochs(self) -> Array:
        """Return (CASES, SEEDS) epochs to the target at the fastest rate, inf for never."""
        return epochs_to(self.config.target, self.at_fastest)


def finely(final: Array) -> Array:
    """Return accuracies (..., RATES) on the FINE grid, straight between two rates."""
    rows = final.reshape(-1, len(RATES))
    fine = np.array([np.interp(FINE, np.log10(RATES), row) for row in rows])
    return fine.reshape(*final.shape[:-1], len(FINE))


def at_best(accuracy: Array, score: Array) -> Array:
    """Return (CASES, SEEDS, moments): every seed at the rate with the best mean of all others.

    accuracy: (CASES, RATES, SEEDS, moments); score: (CASES, RATES, SEEDS), the more the better.
    """
    others = score.sum(axis=-1, keepdims=True) - score
    best = others.argmax(axis=1)  # (CASES, SEEDS)
    return np.take_along_axis(accuracy, best[:, None, :, None], axis=1)[:, 0]


def prepare(digits: Dataset) -> dict[str, Dataset]:
    """Return the digits in all cases; scaled and centred ones are divided by one number."""
    centred = digits.map(fit_center(digits.x_train).transform)
    size, centred_size = rms(digits.x_train), rms(centred.x_train)
    return {
        "raw": digits,
        "scaled": digits.map(lambda x: x / size),
        "centred": centred.map(lambda x: x / centred_size),
        "normalized": digits.map(fit_standardizer(digits.x_train).transform),
        "whitened": digits.map(fit_whitener(digits.x_train).transform),
    }


def steps(config: Config) -> Generator[float, None, Result]:
    """Train a stack of all rates and seeds for every case; yield the share done."""
    weights, order = streams(config.seed, "weights", "batches")
    rngs = weights.spawn(SEEDS)
    accuracy = np.zeros((len(CASES), len(RATES) * SEEDS, config.epochs + 1), np.float32)
    prepared = prepare(load_digits().map(lambda x: x + config.offset))
    for done, data in enumerate(prepared.values()):
        sizes = (data.x_train.shape[1], UNITS, 10)
        drawn = [
            init_network(
                sizes, SCHEME[config.activation], config.activation, rng=rng, dtype=np.float32
            )
            for rng in deepcopy(rngs)
        ]
        records = train_many(
            stack_networks(drawn * len(RATES)),
            data,
            Hyper(learning_rate=np.repeat(RATES, SEEDS)),
            batch_size=BATCH,
            epochs=config.epochs,
            rng=deepcopy(order),
            measure=("val",),
            abandon=True,
        )
        work = collect(records, "val_accuracy", epochs=config.epochs)
        seen = yield from portion(work, done / len(CASES), 1 / len(CASES))
        accuracy[done, :, : seen["val_accuracy"].shape[-1]] = seen["val_accuracy"]
        accuracy[done, seen["non_finite"] | seen["exploded"]] = 0
    return Result(config, accuracy.reshape(len(CASES), len(RATES), SEEDS, -1))


def findings(result: Result) -> tuple[Finding, ...]:
    """P7: a wider range of rates. P7b: faster. P7c to P7e: what each step adds to the range."""
    width, epochs = dict(zip(CASES, result.widths)), dict(zip(CASES, result.epochs))
    final = dict(zip(CASES, result.at_best[..., -1].mean(axis=-1)))
    means: dict[str, Any] = {case: w.mean() for case, w in width.items()}
    return (
        Finding(
            claim="P7",
            outcome=above_over_seeds(width["normalized"] - width["raw"], WIDER),
            because="" if means["raw"] else "never",
            values=means,
        ),
        Finding(
            claim="P7b",
            outcome=later(epochs["raw"], epochs["normalized"], result.config.epochs, TIMES),
            values={**{case: arrival(e) for case, e in epochs.items()}, "bar": TIMES},
        ),
        *(
            Finding(
                claim=claim,
                outcome=above_over_seeds(width[case] - width[before], WIDER),
                values={
                    "width": means[case],
                    "before": means[before],
                    "final": final[case],
                    "final_before": final[before],
                    "bar": WIDER,
                },
            )
            for claim, (case, before) in STEPS.items()
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per case, per case and rate, and per case and epoch at its fastest rate."""
    best = result.at_best[..., -1]
    return {
        "cases": {
            "case": list(CASES),
            **band("width", result.widths, axis=1),
            **band("accuracy", best, axis=1),
            "epochs": [arrival(row) for row in result.epochs],
        },
        "rates": {
            **crossed(case=CASES, rate=RATES.round(6)),
            **band("accuracy", result.accuracy[..., -1], axis=2),
        },
        "epochs": {
            **crossed(case=CASES, epoch=np.arange(result.config.epochs + 1)),
            **band("accuracy", result.at_fastest, axis=1),
        },
    }


PRESETS = {
    "lecture": Config(),
    "tanh": Config(activation="tanh"),
    "bright": Config(offset=16),
    "high_target": Config(target=0.95),
}
SMALL = Config(epochs=5)
SHOWN = (prepare, fit_center, fit_standardizer, fit_whitener, linear_forward, momentum_step)
