"""Cross-validation: the winner of one split, of several folds, and of as much work on one split.

REPEATS searches, each with digits, folds, configurations, weights and batches of its own. What is
chosen is trained anew on all digits of the folds and read on test digits that took no part.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.experiments.hpo.trials import BATCH, MOMENTUM, draw_network, train_trials
from core.lab.columns import crossed
from core.lab.datasets import all_digits
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, numbers, seed
from core.lab.parts import portion
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, decided
from core.nn.dataset import Dataset
from core.nn.preprocessing import fit_standardizer
from core.nn.search import Range, random_search
from core.nn.training import Hyper

Array = np.ndarray
Rng = np.random.Generator

COST = "training"
FOLDS = 5
REPEATS = 12
STEPS = 30  # at the least, of every training
STARTS = 5  # from which a winner is trained anew
TEST = 700  # digits
RANGES = {
    "learning rate": Range(0.01, 0.5, log=True),
    "regularization": Range(1e-4, 0.1, log=True),
}
RULES = ("folds", "split", "more")  # five folds; one split; one split, FOLDS times the trials
GAIN = 0.005  # of the test digits: a smaller difference is none that matters
AHEAD = 5  # the best of a search, held against each other


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """How many digits the folds share, and how many configurations are compared."""

    examples: int = numbers(300, [100, 300, 1000])
    trials: int = numbers(20, [5, 10, 20])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What each configuration has right of each fold, and what the chosen ones have of the test.

    drawn: (2, REPEATS, FOLDS * trials) values of RANGES; fold: (REPEATS, trials, FOLDS) accuracy on
    a fold of networks trained on the others, of the first `trials` drawn; split: (REPEATS,
    FOLDS * trials) accuracy of all on the first fold; chosen, test: (RULES, REPEATS) the number of
    the configuration, and the share of the test digits it has right when trained anew on all folds,
    the mean of STARTS networks.
    """

    config: Config
    drawn: Array
    fold: Array
    split: Array
    chosen: Array
    test: Array

    @property
    def changed(self) -> Array:
        """Return (REPEATS,) True where one split chooses another configuration than the folds."""
        return self.chosen[0] != self.chosen[1]


def folds_of(digits: int, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    """Return (train, validation) indices of FOLDS folds: each digit is validated on once."""
    parts = np.array_split(rng.permutation(digits), FOLDS)
    return [(np.concatenate(parts[:k] + parts[k + 1 :]), parts[k]) for k in range(FOLDS)]


def part_of(x: Array, y: Array, train: Array, val: Array) -> Dataset:
    """Return digits to train and to validate on, standardized by the statistics of the first."""
    x = fit_standardizer(x[train]).transform(x).astype(np.float32)
    return Dataset("digits", x[train], y[train], x[val], y[val], classes=10, image_shape=(8, 8))


def choose(fold: Array, split: Array) -> Array:
    """Return (RULES,) which configuration each rule takes; fold: (trials, FOLDS)."""
    trials = len(fold)
    return np.array([fold.mean(axis=-1).argmax(), split[:trials].argmax(), split.argmax()])


def steps(config: Config) -> Generator[float, None, Result]:
    """Search REPEATS times; yield the share done, return the Result."""
    names = ("digits", "values", "weights", "batches")
    rngs = zip(*(stream.spawn(REPEATS) for stream in streams(config.seed, *names)))
    found = []
    for repeat, own in enumerate(rngs):
        found.append((yield from portion(search(config, *own), repeat / REPEATS, 1 / REPEATS)))
    drawn, fold, split, chosen, test = zip(*found)
    return Result(
        config,
        drawn=np.stack(drawn, axis=1),
        fold=np.stack(fold),
        split=np.stack(split),
        chosen=np.stack(chosen, axis=1),
        test=np.stack(test, axis=1),
    )


def search(
    config: Config, digits: Rng, values: Rng, weights: Rng, batches: Rng
) -> Generator[float, None, tuple[Array, ...]]:
    """Compare on one fold after the other, train anew what is chosen; yield the share done.

    Return what a Result has of one search.
    """
    x, y = all_digits()
    order = digits.permutation(len(y))
    used, test = order[: config.examples], order[-TEST:]
    drawn = np.stack([*random_search(RANGES, FOLDS * config.trials, rng=values).values()])
    rngs = [*zip(weights.spawn(FOLDS + STARTS), batches.spawn(FOLDS + STARTS))]
    share = 1 / len(rngs)
    scores: list[Array] = []
    for k, (train, val) in enumerate(folds_of(len(used), digits)):
        tried = drawn if k == 0 else drawn[:, : config.trials]
        training = accuracies(tried, part_of(x, y, used[train], used[val]), *rngs[k])
        scores.append((yield from portion(training, k * share, share)))
    fold = np.stack([of_fold[: config.trials] for of_fold in scores], axis=-1)
    chosen = choose(fold, scores[0])
    anew, right = part_of(x, y, used, test), []
    for k, own in enumerate(rngs[FOLDS:], start=FOLDS):
        training = accuracies(drawn[:, chosen], anew, *own)
        right.append((yield from portion(training, k * share, share)))
    return drawn, fold, scores[0], chosen, np.mean(right, axis=0)


def accuracies(
    tried: Array, data: Dataset, weights: Rng, batches: Rng
) -> Generator[float, None, Array]:
    """Train configurations (2, trials); yield the share done, return (trials,) of validation."""
    per_epoch = -(-data.y_train.shape[-1] // BATCH)
    epochs = -(-STEPS // per_epoch)
    trials = yield from train_trials(
        draw_network(tried.shape[1], weights),
        data,
        Hyper(learning_rate=tried[0], reg=tried[1], momentum=MOMENTUM),
        epochs=epochs,
        rng=batches,
        record_every=epochs * per_epoch,
        measure=("val",),
        abandon=False,
    )
    right: Array = trials.val_accuracy[:, -1]
    return right


def findings(result: Result) -> tuple[Finding, ...]:
    """H7: folds at equal work, on test digits. changed: does one split choose differently."""
    folds, split, more = result.test
    told = {"folds": folds.mean(), "split": split.mean(), "more": more.mean()}
    counts = {"changed": result.changed.sum(), "searches": REPEATS, "times": FOLDS}
    return (
        Finding(claim="H7", outcome=clearly_more(folds, more), values=told | counts),
        Finding(
            claim="changed",
            outcome=decided(result.changed.any()),
            values=counts | scatter(result),
        ),
    )


def clearly_more(one: Array, other: Array) -> Outcome:
    """Tell whether one (searches,) is above the other by more than GAIN; fails if below by it."""
    for ahead, outcome in ((one - other, Outcome.HOLDS), (other - one, Outcome.FAILS)):
        if above_over_seeds(ahead, GAIN) is Outcome.HOLDS:
            return outcome
    return Outcome.UNCLEAR


def scatter(result: Result) -> dict[str, float]:
    """Return of the AHEAD best of a search how far apart a configuration's folds are.

    And the best one's lead over the last of them, both in points and the mean of all searches.
    """
    means = result.fold.mean(axis=-1)
    best = np.argsort(-means, axis=-1)[:, :AHEAD]
    folds = np.take_along_axis(result.fold, best[..., None], axis=1)
    lead = np.take_along_axis(means, best, axis=1)[:, [0, -1]]
    return {
        "apart": 100 * np.ptp(folds, axis=-1).mean(),
        "lead": 100 * float((lead[:, 0] - lead[:, 1]).mean()),
        "ahead": AHEAD,
    }


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return the folds of every configuration of every search, and what was chosen."""
    trials, searches = np.arange(result.config.trials) + 1, np.arange(REPEATS) + 1
    of_trials = result.drawn[:, :, : len(trials)]
    return {
        "configurations": {
            **crossed(search=searches, configuration=trials),
            **{name: own.ravel() for name, own in zip(RANGES, of_trials)},
            **{f"fold {k + 1}": result.fold[..., k].ravel() for k in range(FOLDS)},
        },
        "chosen": {
            **crossed(chosen_by=RULES, search=searches),
            "configuration": result.chosen.ravel() + 1,
            "test accuracy": result.test.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "few": Config(examples=100),
    "large": Config(examples=1000),
}
SMALL = Config(examples=100, trials=5)
SHOWN = (random_search, folds_of, choose)
