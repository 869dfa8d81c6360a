"""Log scale: the same random numbers as learning rates, even in the value or in its logarithm.

A search draws its tries twice from one range, trains every one of them for real, takes the best on
validation digits and tells what it reads of test digits. SEARCHES searches, each with splits, first
weights and batches of its own, share nothing but the digits.
"""

from collections.abc import Generator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.experiments.hpo.trials import (
    BATCH,
    DECAY,
    MOMENTUM,
    TRAIN,
    accuracy_on_test,
    draw_network,
    split_digits,
    train_trials,
)
from core.lab.columns import crossed
from core.lab.finding import Finding
from core.lab.knobs import Checked, numbers, seed
from core.lab.parts import portion
from core.lab.say import NEVER
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, decided
from core.nn.search import log_uniform, uniform
from core.nn.training import Hyper

Array = np.ndarray

COST = "training"
DRAWS = {"in value": uniform, "in logarithm": log_uniform}  # even in which scale
KINDS = tuple(DRAWS)
SEARCHES = 20
EPOCHS = 5
SPREADS = 4  # standard deviations by which a counted share may be off the law


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The range of learning rates, and how many are tried."""

    low: float = numbers(1e-4, [1e-6, 1e-5, 1e-4])
    high: float = numbers(100.0, [1e-3, 0.01, 0.1, 1.0, 10.0, 100.0])
    tries: int = numbers(12, [6, 12, 24])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Every try of every search, in the order of drawing.

    rate, val: (KINDS, SEARCHES, tries) learning rates and validation accuracies after EPOCHS; test:
    of the same shape, what each network reads of the test digits.
    """

    config: Config
    rate: Array
    val: Array
    test: Array

    @property
    def edges(self) -> Array:
        """Return (decades + 1,) the powers of ten that part the range."""
        low, high = np.rint(np.log10([self.config.low, self.config.high])).astype(int)
        return 10.0 ** np.arange(low, high + 1)

    @property
    def shares(self) -> Array:
        """Return (KINDS, decades) of all tries, counted."""
        counts = [np.histogram(rates, self.edges)[0] for rates in self.rate]
        return np.array(counts) / self.rate[0].size

    @property
    def law(self) -> Array:
        """Return (KINDS, decades) shares that are to be expected: by length on either scale."""
        lengths = np.array([np.diff(self.edges), np.diff(np.log10(self.edges))])
        return lengths / lengths.sum(axis=-1, keepdims=True)

    @property
    def found(self) -> Array:
        """Return (KINDS, SEARCHES, tries) test accuracy of the best on validation so far."""
        ahead = np.maximum.accumulate(self.val, axis=-1)
        before = np.concatenate([np.full((*self.val.shape[:-1], 1), -1.0), ahead[..., :-1]], -1)
        number = np.where(self.val > before, np.arange(self.config.tries), 0)
        best = np.maximum.accumulate(number, axis=-1)
        return np.take_along_axis(self.test, best, axis=-1)


def steps(config: Config) -> Generator[float, None, Result]:
    """Train the tries of one search after the other as a stack; yield the share done."""
    names = ("rates", "splits", "weights", "batches")
    rngs = [stream.spawn(SEARCHES) for stream in streams(config.seed, *names)]
    found = []
    for search, (rates, splits, weights, batches) in enumerate(zip(*rngs)):
        drawn = np.stack(
            [
                draw(config.low, config.high, config.tries, rng=deepcopy(rates))
                for draw in DRAWS.values()
            ]
        )
        split = split_digits(splits)
        training = train_trials(
            draw_network(drawn.size, weights),
            split.data,
            Hyper(learning_rate=drawn.ravel(), momentum=MOMENTUM, decay=DECAY),
            epochs=EPOCHS,
            rng=batches,
            record_every=EPOCHS * TRAIN // BATCH,
            abandon=False,
        )
        trials = yield from portion(training, search / SEARCHES, 1 / SEARCHES)
        test = accuracy_on_test(trials.network, split)
        found.append((drawn, *(a.reshape(drawn.shape) for a in (trials.val_accuracy[:, -1], test))))
    return Result(config, *(np.stack(part, axis=1) for part in zip(*found)))


def findings(result: Result) -> tuple[Finding, ...]:
    """H1: which of the two finds more. H1b: the share per decade. E28: fewer tries."""
    value, logarithm = result.found[..., -1]
    sooner = np.flatnonzero(result.found[1].mean(axis=0) >= value.mean())
    shares, law = result.shares, result.law
    spread = np.sqrt(law[1] * (1 - law[1]) / result.rate[0].size)
    return (
        Finding(
            claim="H1",
            outcome=above_over_seeds(logarithm - value),
            values={"log": logarithm.mean(), "value": value.mean(), "searches": SEARCHES},
        ),
        Finding(
            claim="H1b",
            outcome=decided((np.abs(shares[1] - law[1]) <= SPREADS * spread).all()),
            values={
                "log": shares[1, -1],
                "value": shares[0, -1],
                "log_law": law[1, -1],
                "value_law": law[0, -1],
                "drawn": result.rate[0].size,
                "decades": len(law[0]),
            },
        ),
        Finding(
            claim="E28",
            outcome=decided(result.rate[1].size < result.rate[0].size),
            because="sooner" if len(sooner) and sooner[0] + 1 < result.config.tries else "",
            misreading=True,
            identity=True,
            values={
                "each": law[1, -1],
                "decades": len(law[0]),
                "sooner": sooner[0] + 1 if len(sooner) else NEVER,
                "found": value.mean(),
            },
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return every try, the share of tries per decade, and what is found after so many tries."""
    numbered = np.arange(1, result.config.tries + 1)
    return {
        "tries": {
            **crossed(drawn=KINDS, search=np.arange(1, SEARCHES + 1), number=numbered),
            "rate": result.rate.ravel(),
            "validation accuracy": result.val.ravel(),
            "test accuracy": result.test.ravel(),
        },
        "decades": {
            **crossed(drawn=KINDS, start=result.edges[:-1]),
            "share": result.shares.ravel(),
            "law": result.law.ravel(),
        },
        "found": {
            **crossed(drawn=KINDS, tries=numbered),
            "accuracy": result.found.mean(axis=1).ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "ten": Config(high=10.0),
    "level": Config(high=1.0),
    "top": Config(high=0.01),
    "low": Config(low=1e-6, high=1e-3),
}
SMALL = Config(tries=6)
SHOWN = (uniform, log_uniform)
