"""Curves: every run of a random search at once, and which of two hyper-parameters sorts them.

SEARCHES searches of TRIALS networks, each with splits, draws, weights and batches of its own. No
run is stopped, so that it is known what would have become of those that a search gives up.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.experiments.hpo.printed import FINE
from core.experiments.hpo.trials import (
    BATCH,
    DECAY,
    MOMENTUM,
    TRAIN,
    draw_network,
    split_digits,
    train_trials,
)
from core.lab.columns import crossed
from core.lab.finding import Finding
from core.lab.knobs import Checked, looks, numbers, seed
from core.lab.parts import portion
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, decided
from core.nn.search import Range, random_search
from core.nn.training import Hyper

Array = np.ndarray

COST = "training"
SEARCHES, TRIALS = 8, 80
EPOCHS = 5
STEPS = EPOCHS * TRAIN // BATCH
EVERY = 5  # steps from one moment of a drawn curve to the next
LOWEST_REG = 1e-5
SEARCHED = ("learning rate", "regularization")
BINS = 8  # of a range, even in the logarithm
SHUFFLES = 100
TIMES = 1.5  # H8: what the one must explain of what the other does
GOOD = 0.9  # share of the validation digits


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The ranges, even in the logarithm, and how many of the best are shown."""

    low: float = numbers(1e-4, [1e-5, 1e-4, 1e-3, 0.01])
    high: float = numbers(10.0, [0.1, 0.3, 1.0, 10.0])
    reg_high: float = numbers(0.1, [0.01, 0.1, 1.0, 10.0])
    top: int = looks(numbers(3, [1, 3, 5]))
    seed: int = seed()

    @property
    def ranges(self) -> dict[str, Range]:
        """Return the range of each of SEARCHED."""
        ends = (self.low, self.high), (LOWEST_REG, self.reg_high)
        return {name: Range(*pair, log=True) for name, pair in zip(SEARCHED, ends)}


@dataclass(frozen=True, eq=False)
class Result:
    """Every run of every search; the curves are those of the first search.

    drawn: (2, SEARCHES, TRIALS) values of SEARCHED; accuracy: (SEARCHES, TRIALS) on the validation
    digits in the end; exploded: (SEARCHES, TRIALS) the step at which the loss was above 3 times the
    first, or -1. loss, right: (TRIALS, moments) training loss and validation accuracy every EVERY
    steps, NaN for a loss that is not finite. null: (SEARCHES,) what binned values explain of
    shuffled accuracies, exceeded in one shuffle of 20.
    """

    config: Config
    drawn: Array
    accuracy: Array
    exploded: Array
    loss: Array
    right: Array
    null: Array

    @property
    def positions(self) -> Array:
        """Return (2, SEARCHES, TRIALS) where the drawn values lie in their ranges, 0 to 1."""
        return np.stack([r.position(v) for r, v in zip(self.config.ranges.values(), self.drawn)])

    @property
    def explained(self) -> Array:
        """Return (2, SEARCHES) share of the accuracy's variance that each of SEARCHED explains."""
        return explained(bins_of(self.positions), self.accuracy)

    @property
    def in_top(self) -> Array:
        """Return (SEARCHES, TRIALS) True for the best tenth of each search."""
        return self.accuracy >= np.sort(self.accuracy, axis=-1)[:, [-(TRIALS // 10)]]

    @property
    def work(self) -> float:
        """Return the share of all steps that is left if runs are given up when they explode."""
        return float(np.where(self.exploded < 0, STEPS, self.exploded).mean() / STEPS)


def bins_of(positions: Array) -> Array:
    """Return in which of BINS equal parts positions between 0 and 1 lie."""
    return np.minimum((positions * BINS).astype(int), BINS - 1)


def explained(bins: Array, accuracy: Array) -> Array:
    """Return (...) the share of the variance of accuracy (..., trials) that bins explain.

    It is the variance of the bins' means, each trial having that of its bin. bins: (..., trials).
    """
    inside = bins[..., None] == np.arange(BINS)  # (..., trials, BINS)
    counts = np.maximum(inside.sum(axis=-2), 1)
    means = (inside * accuracy[..., None]).sum(axis=-2) / counts
    of_trials = np.take_along_axis(np.broadcast_to(means, (*bins.shape[:-1], BINS)), bins, axis=-1)
    return of_trials.var(axis=-1) / accuracy.var(axis=-1)


def shuffled(bins: Array, accuracy: Array, rng: np.random.Generator) -> Array:
    """Return (...) what bins explain of shuffled accuracies, exceeded in one shuffle of 20."""
    orders = rng.random((SHUFFLES, *accuracy.shape)).argsort(axis=-1)
    accuracies = np.take_along_axis(accuracy[None], orders, axis=-1)
    bins = np.broadcast_to(bins, accuracies.shape)
    return np.quantile(explained(bins, accuracies), 0.95, axis=0)


def steps(config: Config) -> Generator[float, None, Result]:
    """Train one search after the other as a stack; yield the share done."""
    names = ("values", "splits", "weights", "batches")
    rngs = [stream.spawn(SEARCHES) for stream in streams(config.seed, *names)]
    found = []
    for search, (values, splits, weights, batches) in enumerate(zip(*rngs)):
        drawn = np.stack([*random_search(config.ranges, TRIALS, rng=values).values()])
        training = train_trials(
            draw_network(TRIALS, weights),
            split_digits(splits).data,
            Hyper(learning_rate=drawn[0], reg=drawn[1], momentum=MOMENTUM, decay=DECAY),
            epochs=EPOCHS,
            rng=batches,
            record_every=STEPS if search else EVERY,
            abandon=False,
        )
        trials = yield from portion(training, search / SEARCHES, 1 / SEARCHES)
        if search == 0:
            loss = np.where(np.isfinite(trials.data_loss), trials.data_loss, np.nan)
            curves = {"loss": loss, "right": trials.val_accuracy}
        found.append((drawn, trials.val_accuracy[:, -1], trials.exploded))
    drawn = np.stack([d for d, *_ in found], axis=1)
    accuracy, exploded = (np.stack(part) for part in [*zip(*found)][1:])
    rates = config.ranges[SEARCHED[0]].position(drawn[0])
    null = shuffled(bins_of(rates), accuracy, *streams(config.seed, "shuffles"))
    return Result(config, drawn, accuracy, exploded, null=null, **curves)


def findings(result: Result) -> tuple[Finding, ...]:
    """H8: the learning rate matters most, here and in the lecture's table. H3: giving up."""
    rate, reg = result.explained
    of_rate, of_reg = correlations()
    ranges = {
        "low": result.config.low,
        "high": result.config.high,
        "reg_low": LOWEST_REG,
    }
    found = [
        Finding(
            claim="H8",
            outcome=above_over_seeds(rate - TIMES * reg),
            because="reg" if reg.mean() > rate.mean() else "",
            values={
                "rate": rate.mean(),
                "reg": reg.mean(),
                "null": result.null.mean(),
                "bar": TIMES,
                "searches": SEARCHES,
                **ranges,
            },
        ),
        Finding(
            claim="H8b",
            outcome=decided(abs(of_rate) > TIMES * abs(of_reg)),
            values={"rate": of_rate, "reg": of_reg, "rows": len(FINE)},
        ),
    ]
    given_up = result.exploded >= 0
    if given_up.any():
        lost = given_up & result.in_top
        found.append(
            Finding(
                claim="H3",
                outcome=decided(not lost.any()),
                values={
                    "given_up": given_up.sum(),
                    "runs": given_up.size,
                    "saved": 1 - result.work,
                    "good": (result.accuracy[given_up] >= GOOD).sum(),
                    "lost": lost.sum(),
                },
            )
        )
    return tuple(found)


def correlations() -> tuple[float, float]:
    """Return those of accuracy with the logarithms of rate and reg in the lecture's fine table."""
    accuracy, *searched = FINE.T
    rate, reg = (float(np.corrcoef(np.log(values), accuracy)[0, 1]) for values in searched)
    return rate, reg


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return every run, what is explained in every search, and the lecture's fine table."""
    numbered = np.arange(1, SEARCHES + 1)
    return {
        "runs": {
            **crossed(search=numbered, run=np.arange(1, TRIALS + 1)),
            **{name: values.ravel() for name, values in zip(SEARCHED, result.drawn)},
            "validation accuracy": result.accuracy.ravel(),
            "exploded at step": result.exploded.ravel(),
        },
        "explained": {
            "search": numbered,
            **dict(zip(SEARCHED, result.explained)),
            "shuffled": result.null,
        },
        "printed": {
            "accuracy (slide)": [f"{value:.3f}" for value in FINE[:, 0]],
            "learning rate (slide)": [f"{value:.6e}" for value in FINE[:, 1]],
            "regularization (slide)": [f"{value:.6e}" for value in FINE[:, 2]],
        },
    }


PRESETS = {
    "lecture": Config(),
    "narrow": Config(low=0.01, high=0.3, reg_high=10.0),
    "both": Config(reg_high=10.0),
    "safe": Config(high=0.1),
}
SMALL = Config(top=1)
SHOWN = (random_search, bins_of, explained)
