"""Many parameters: six of them drawn at random, and how much of the accuracy each explains.

The same draws are trained twice: with a wide range of learning rates, and with a tuned one. How
important a parameter is: trials are put into BINS bins by its value, equally many in each; the
share of the variance of the accuracy that lies between the bins.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.experiments.hpo.trials import draw_network, split_digits, train_trials
from core.lab.columns import crossed
from core.lab.finding import Finding
from core.lab.knobs import Checked, choice, looks, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above
from core.nn.layers import linear_backward, linear_forward
from core.nn.network import backward
from core.nn.optimizers import momentum_step
from core.nn.search import Range
from core.nn.training import Hyper

Array = np.ndarray

COST = "training"
BINS = 6
SHUFFLES = 500
LEARNING_RATES = {"wide": Range(1e-4, 10, log=True), "tuned": Range(0.05, 0.5, log=True)}
OTHERS = {
    "weight_scale": Range(0.01, 3, log=True),  # a factor on He's weights
    "hidden": Range(4, 64, log=True),
    "momentum": Range(0.01, 1, log=True),  # of 1 - momentum, the largest first
    "decay": Range(0.5, 1),
    "reg": Range(1e-5, 0.1, log=True),
}
PARAMETERS = ("learning_rate", *OTHERS)
STEP = "step"  # learning rate / (1 - momentum): how far a gradient that lasts moves a weight
RATED = (*PARAMETERS, STEP)

ABOVE_CHANCE = 3  # times: an importance that is more than chance
MOST_TRIALS = 180
# Margins with MOST_TRIALS, over twice the scatter of seeds; with fewer, larger as 1 over the root.
APART, OTHER, GAIN, CHANGE = 0.15, 0.06, 0.15, 0.12
DEPENDS = 0.15  # a change of importance that is one


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The search, and the ranges whose trials are looked at."""

    searched: str = looks(choice("wide", [*LEARNING_RATES]))
    trials: int = numbers(MOST_TRIALS, [60, 120, MOST_TRIALS])
    epochs: int = numbers(5, [2, 5, 10])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Trials and importances, by LEARNING_RATES.

    places: (trials, PARAMETERS) where in its range each value was drawn, 0 to 1; accuracy: (2,
    trials) on validation digits in the end; importance: (2, RATED); chance: (2,) mean importance
    of values in random order.
    """

    config: Config
    places: Array
    accuracy: Array
    importance: Array
    chance: Array

    @property
    def row(self) -> int:
        """Return which of LEARNING_RATES is looked at."""
        return list(LEARNING_RATES).index(self.config.searched)


def values_at(places: Array, rates: Range) -> dict[str, Array]:
    """Return (trials,) values of what is RATED, at places (trials, PARAMETERS) of the ranges."""
    ranges = {"learning_rate": rates, **OTHERS}
    values = {name: ranges[name].at(places[:, i]) for i, name in enumerate(PARAMETERS)}
    values["hidden"] = np.rint(values["hidden"]).astype(int)
    left = OTHERS["momentum"].at(1 - places[:, PARAMETERS.index("momentum")])
    values["momentum"] = 1 - left
    values[STEP] = values["learning_rate"] / left
    return values


def steps(config: Config) -> Generator[float, None, Result]:
    """Train all trials with both ranges of learning rates, as one stack; yield the share done."""
    draws, splits, weights, batches, shuffles = streams(
        config.seed, "draws", "split", "weights", "batches", "shuffles"
    )
    places = draws.random((config.trials, len(PARAMETERS)))
    searched = [values_at(places, rates) for rates in LEARNING_RATES.values()]
    values = {name: np.concatenate([part[name] for part in searched]) for name in RATED}
    trials = yield from train_trials(
        draw_network(2 * config.trials, weights, values["weight_scale"], values["hidden"]),
        split_digits(splits).data,
        Hyper(**{name: values[name] for name in ("learning_rate", "reg", "momentum", "decay")}),
        epochs=config.epochs,
        rng=batches,
        abandon=False,
    )
    accuracy = trials.val_accuracy[:, -1].reshape(2, -1)
    rated = [[importance(part[n], a) for n in RATED] for part, a in zip(searched, accuracy)]
    return Result(
        config=config,
        places=places,
        accuracy=accuracy,
        importance=np.array(rated),
        chance=np.array([chance(a, shuffles) for a in accuracy]),
    )


def importance(values: Array, accuracy: Array) -> float:
    """Return the share of the variance of accuracies (trials,) that is between bins of values."""
    bins = accuracy[np.argsort(values, kind="stable")].reshape(BINS, -1)
    return float(bins.mean(axis=1).var() / max(accuracy.var(), 1e-12))


def chance(accuracy: Array, rng: np.random.Generator) -> float:
    """Return the mean importance of values in random order: what one without any gets."""
    shuffled = [importance(rng.random(accuracy.size), accuracy) for _ in range(SHUFFLES)]
    return float(np.mean(shuffled))


def findings(result: Result) -> tuple[Finding, ...]:
    """H8: the learning rate explains most. H9: others matter, too. How does that depend?"""
    rated = dict(zip(RATED, result.importance[result.row].tolist()))
    others = {name: rated[name] for name in OTHERS}
    best = max(others, key=lambda name: others[name])
    either = max(rated["learning_rate"], rated["momentum"])
    wide, tuned = result.importance[:, 0].tolist()
    wider = (MOST_TRIALS / result.config.trials) ** 0.5
    bar = ABOVE_CHANCE * float(result.chance[result.row])
    values = {
        "rate": rated["learning_rate"],
        "other": rated[best],
        "other_name": best,
        "chance": result.chance[result.row],
        "bar": bar,
        "step": rated[STEP],
        "momentum_alone": rated["momentum"],
        "wide": wide,
        "tuned": tuned,
    }
    outcomes = {
        "H8": above(rated["learning_rate"], rated[best], APART * wider),
        "H9": above(rated[best], bar, OTHER * wider),
        "step": above(rated[STEP], either, GAIN * wider),
        "ranges": above(abs(wide - tuned), DEPENDS, CHANGE * wider),
    }
    return tuple(
        Finding(claim=claim, outcome=outcome, because=result.config.searched, values=values)
        for claim, outcome in outcomes.items()
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per trial of the ranges looked at, and per rated parameter and ranges."""
    values = values_at(result.places, LEARNING_RATES[result.config.searched])
    return {
        "trials": {**values, "val_accuracy": result.accuracy[result.row]},
        "importance": {
            **crossed(ranges=list(LEARNING_RATES), parameter=RATED),
            "importance": result.importance.ravel(),
            "chance": np.repeat(result.chance, len(RATED)),
        },
    }


PRESETS = {
    "lecture": Config(),
    "tuned": Config(searched="tuned"),
    "few": Config(searched="tuned", trials=60),
}
SMALL = Config(trials=60, epochs=2)
SHOWN = (linear_forward, linear_backward, backward, momentum_step, values_at, importance)
