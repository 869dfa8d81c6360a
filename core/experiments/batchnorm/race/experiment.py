"""Race: 16 sizes of the starting weights, each trained with batch norm and without it.

All 32 networks start from the same draws, multiplied by their weight scale, and see the same
batches at one learning rate. They train in float32: the counts are those of float64.
"""

from collections.abc import Generator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.datasets import standardized_digits
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, log_spaced, looks, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above, decided, epochs_to
from core.nn.layers import (
    batchnorm_backward,
    batchnorm_forward,
    linear_backward,
    linear_forward,
)
from core.nn.network import Network, init_network, stack_networks
from core.nn.record import Record
from core.nn.training import Hyper, history, train_many

Array = np.ndarray

COST = "training"
CASES = {"with": "before", "without": "none"}  # batch norm stands before the nonlinearity
SCALES = np.logspace(0, -4, 16)
UNITS = 100
BATCH = 100
EVERY = 2  # epochs from one moment to the next: measuring takes as long as training for one

MORE, MORE_MARGIN = 4, 1  # B7: scales; 20 seeds at learning rates .01 to 1: 5 to 15
MOST, MOST_MARGIN = len(SCALES) / 2, 2  # B7b: scales; at .01 they scatter by 1
ANY = 2  # epochs of the slowest over the fastest that would still be "whatever the size"


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The networks and how they learn."""

    learning_rate: float = numbers(0.1, [0.01, 0.03, 0.1, 0.3, 1.0])
    eps: float = log_spaced(1e-5, 1e-12, 1e-2, per_decade=(1,))
    depth: int = numbers(5, [1, 3, 5])
    target: float = looks(numbers(0.9, [0.5, 0.8, 0.9, 0.95]))
    epochs: int = numbers(20, [4, 10, 20])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Per case (with, without) and weight scale.

    accuracy: (2, 16, moments) on the training digits, the first one before training, one every
    EVERY epochs. diverged: (2, 16) runs that are no longer finite. step: (2, 16) length of a weight
    update over that of the weights, geometric mean of the hidden layers at the first moment of
    training; NaN before.
    """

    config: Config
    accuracy: Array
    diverged: Array
    step: Array

    @property
    def final(self) -> Array:
        """Return (2, 16) accuracies at the end, NaN for runs that diverged."""
        return np.where(self.diverged, np.nan, self.accuracy[..., -1])

    @property
    def learns(self) -> Array:
        """Return (2, 16) True where a run ends above the target."""
        return self.final > self.config.target

    @property
    def epoch(self) -> int:
        """Return how many epochs have been trained."""
        return EVERY * (self.accuracy.shape[-1] - 1)


def build(config: Config, batch_norm: str, rng: np.random.Generator) -> Network:
    """Draw a network for every weight scale; they share the draws."""
    sizes = (64, *[UNITS] * config.depth, 10)
    return stack_networks(
        [
            init_network(
                sizes,
                scale,
                rng=deepcopy(rng),
                batch_norm=batch_norm,
                dtype=np.float32,
                eps=config.eps,
            )
            for scale in SCALES.tolist()
        ]
    )


def steps(config: Config) -> Generator[tuple[float, Result], None, Result]:
    """Train both stacks side by side; yield the share done and the Result so far."""
    weights, batches = streams(config.seed, "weights", "batches")
    data = standardized_digits()
    trainings = [
        train_many(
            build(config, batch_norm, weights),
            data,
            Hyper(learning_rate=config.learning_rate),
            batch_size=BATCH,
            epochs=config.epochs,
            rng=deepcopy(batches),
            record_every=EVERY * -(-len(data.y_train) // BATCH),
            measure=("train",),
        )
        for batch_norm in CASES.values()
    ]
    seen: list[Sequence[Record]] = []
    for records in zip(*trainings):
        seen.append(records)
        result = so_far(config, seen)
        yield result.epoch / config.epochs, result
    return result


def so_far(config: Config, seen: Sequence[Sequence[Record]]) -> Result:
    """Return what the records of both trainings give, a pair for every moment."""
    cases = [history(records, "train_accuracy", "update_ratio") for records in zip(*seen)]
    moment = min(1, len(seen) - 1)
    with np.errstate(divide="ignore"):  # an update of 0 has the log -inf, and the mean 0
        ratios = np.log([case["update_ratio"][:, :-1, moment] for case in cases])
    return Result(
        config=config,
        accuracy=np.stack([case["train_accuracy"] for case in cases]),
        diverged=~np.stack([record.is_finite for record in seen[-1]]),
        step=np.exp(ratios.mean(axis=-1)),
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """B7: many more scales learn with batch norm. B7b: most of all do. any: do all, alike?"""
    normed, plain = result.learns.sum(axis=-1).tolist()
    values = {"normed": normed, "plain": plain, "scales": len(SCALES), "bar": MORE}
    return (
        Finding(
            claim="B7",
            outcome=above(normed - plain, MORE, MORE_MARGIN),
            because="all" if normed == len(SCALES) else "",
            values=values,
        ),
        Finding(claim="B7b", outcome=above(normed, MOST, MOST_MARGIN), values=values),
        _any_size(result, values),
    )


def _any_size(result: Result, shared: Mapping[str, Any]) -> Finding:
    """Misreading: with batch norm the size of the starting weights does not matter at all."""
    needed = epochs_to(result.config.target, result.accuracy[0], EVERY)
    needed = np.where(result.learns[0], needed, np.inf)
    arrived = needed[np.isfinite(needed)]
    values = {**shared, "never": int(np.isinf(needed).sum()), "any": ANY}
    if len(arrived) < len(needed):
        outcome, because = Outcome.FAILS, "never"
    else:
        outcome, because = decided(arrived.max() < ANY * arrived.min()), ""
        values |= {
            "fast": arrived.min(),
            "slow": arrived.max(),
            "at": SCALES[arrived.argmin()],
            "slow_at": SCALES[arrived.argmax()],
        }
    return Finding(claim="any", outcome=outcome, because=because, values=values, misreading=True)


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per case and weight scale, and one for each of their moments."""
    moments = np.arange(result.accuracy.shape[-1]) * EVERY
    return {
        "scales": {
            **crossed(case=tuple(CASES), scale=SCALES),
            "accuracy": result.final.ravel(),
            "learns": result.learns.ravel(),
            "diverged": result.diverged.ravel(),
            "step": result.step.ravel(),
        },
        "epochs": {
            **crossed(case=tuple(CASES), scale=SCALES, epoch=moments),
            "accuracy": result.accuracy.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "slow": Config(learning_rate=0.01),
    "tiny_eps": Config(learning_rate=0.01, eps=1e-12),
    "fast": Config(learning_rate=1.0),
    "shallow": Config(depth=1),
}
SMALL = Config(depth=1, epochs=4)
SHOWN = (
    build,
    linear_forward,
    batchnorm_forward,
    batchnorm_backward,
    linear_backward,
)
