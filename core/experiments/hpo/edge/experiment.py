"""Edge: do the best trials of a search lie at an end of its range, and is that a warning?

A search of a few dozen short trials, or the lecture's fine table. Where the best rate truly lies,
and how often a warning is right, is known from many other trials over all learning rates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.experiments.hpo import printed
from core.experiments.hpo.trials import (
    DECAY,
    MOMENTUM,
    Trials,
    draw_network,
    split_digits,
    watch_trials,
)
from core.lab.datasets import DataError
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, numbers, seed, span
from core.lab.results import reference
from core.lab.streams import streams
from core.lab.verdict import above, both, decided, opposite
from core.nn.search import Range, random_search
from core.nn.training import Hyper

Array = np.ndarray

COST = "instant"
EPOCHS = 5
REGS = (1e-5, 0.1)  # reg matters little there
TOP, ENOUGH = 5, 4  # warn if so many of the best lie in one outer quarter
QUARTER, CLOSE = 0.25, 0.05  # of the range, on its log axis
RULES = ("four of five", "best alone")

SEARCHES, TRIALS, WIDE = 10, 600, (1e-7, 10.0)  # of the reference, all learning rates
DRAWS, SIZE, DECADES = 30, 30, 2  # searches of 30 trials over 2 factors of ten, taken from these
DISTANCES = np.linspace(-1, 4, 21)  # decades from the upper end of a range up to the best rate
BIN = 0.25  # decades

FALSE, FALSE_MARGIN = 0.05, 0.02  # H5r: share of the searches whose best rate is in the middle
POWER, POWER_MARGIN = 0.7, 0.05  # H5r: of those whose best rate is up to NEAR decades outside
NEAR = 1.3


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """Which range is searched, with how many trials; or the lecture's own table."""

    learning_rates: tuple[float, float] = span(1e-8, 100.0, (1e-4, 1e-2))
    trials: int = numbers(30, [10, 30, 100])
    source: str = choice("ours", ["ours", "lecture"])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """The trials (n,) of a search: learning rate, reg, accuracy on validation data, given up.

    seen: what side() says of the best five learning rates.
    """

    config: Config
    rate: Array
    reg: Array
    accuracy: Array
    abandoned: Array
    seen: int

    @property
    def rates(self) -> Range:
        """Return the range of learning rates that was searched."""
        return rates_of(self.config)

    @property
    def regs(self) -> Range:
        """Return the range of reg."""
        low, high = REGS if self.config.source == "ours" else printed.FINE_RANGES[1]
        return Range(low, high, log=True)

    @property
    def top(self) -> Array:
        """Return the best five trials, the best one first."""
        return best(self.accuracy, self.abandoned)


def rates_of(config: Config) -> Range:
    """Return the range of learning rates that is searched."""
    low, high = config.learning_rates
    if config.source == "lecture":
        low, high = printed.FINE_RANGES[0]
    return Range(low, high, log=True)


def best(accuracy: Array, abandoned: Array) -> Array:
    """Return the best five of trials, the best one first; those given up come last."""
    return np.lexsort((-accuracy, abandoned))[:TOP]


def train(rate: Array, reg: Array, seed: int) -> Trials:
    """Train a trial for each learning rate and reg for a few epochs."""
    data, weights, batches = streams(seed, "data", "weights", "batches")
    hyper = Hyper(learning_rate=rate, reg=reg, momentum=MOMENTUM, decay=DECAY)
    *_, last = watch_trials(
        draw_network(len(rate), weights),
        split_digits(data).data,
        hyper,
        epochs=EPOCHS,
        rng=batches,
        measure=("val",),
    )
    return last


def run(config: Config) -> Result:
    """Search the range, or take the lecture's fine table."""
    rates = rates_of(config)
    if config.source == "lecture":
        accuracy, rate, reg = printed.FINE.T
        abandoned = np.zeros(len(rate), bool)
    else:
        (draws,) = streams(config.seed, "draws")
        ranges = {"rate": rates, "reg": Range(*REGS, log=True)}
        drawn = random_search(ranges, config.trials, rng=draws)
        rate, reg = drawn["rate"], drawn["reg"]
        trials = train(rate, reg, config.seed)
        accuracy, abandoned = known(trials), trials.failed
    seen = side(rates.position(rate[best(accuracy, abandoned)]))
    return Result(config, rate, reg, accuracy, abandoned, seen)


def known(trials: Trials) -> Array:
    """Return each trial's accuracy in the end, 0 for one that was given up."""
    return np.where(trials.failed, 0.0, np.nan_to_num(trials.val_accuracy[:, -1]))


def side(places: Array) -> int:
    """Return 1 if the best lie in the upper quarter, -1 in the lower one, 0 in neither.

    places: (TOP,) of the best trials in the range, 0 at its low end and 1 at its high end.
    """
    high, low = (places > 1 - QUARTER).sum(), (places < QUARTER).sum()
    return int(high >= ENOUGH) - int(low >= ENOUGH)


def is_close(place: float) -> bool:
    """Tell whether a place lies within a twentieth of either end."""
    return min(place, 1 - place) < CLOSE


def proposed(rates: Range, places: Array) -> Range:
    """Return the range moved so that the best five lie around its middle."""
    shift = float(np.median(places)) - 0.5
    return Range(float(rates.at(shift)), float(rates.at(1 + shift)), log=True)


def measure_reference() -> dict[str, Array]:
    """Train over all learning rates; return what is best, and how often each rule warns.

    rate, accuracy: (bins,) middles of bins and the mean accuracy in them. best_rate: (). warned:
    (DISTANCES, RULES) share of searches that end with a warning, when the best rate lies so many
    decades above the range.
    """
    pools = []
    for index in range(SEARCHES):
        (draws,) = streams(1000 + index, "draws")
        ranges = {"rate": Range(*WIDE, log=True), "reg": Range(*REGS, log=True)}
        drawn = random_search(ranges, TRIALS, rng=draws)
        trials = train(drawn["rate"], drawn["reg"], 1000 + index)
        pools.append((np.log10(drawn["rate"]), known(trials), trials.failed))
    decades, accuracy = (np.concatenate(part) for part in list(zip(*pools))[:2])
    edges = np.arange(np.log10(WIDE[0]), np.log10(WIDE[1]) + BIN / 2, BIN)
    bins = np.digitize(decades, edges[1:-1])
    means = np.array([accuracy[bins == index].mean() for index in range(len(edges) - 1)])
    middles = (edges[:-1] + edges[1:]) / 2
    best_rate = middles[means.argmax()]
    (draws,) = streams(0, "searches")
    warned = [
        np.mean([warnings(pool, best_rate - d, draws) for pool in pools for _ in range(DRAWS)], 0)
        for d in DISTANCES
    ]
    return {
        "rate": 10**middles,
        "accuracy": means,
        "best_rate": np.array(10**best_rate),
        "warned": np.array(warned),
    }


def warnings(
    pool: tuple[Array, Array, Array], high: float, rng: np.random.Generator
) -> tuple[bool, bool]:
    """Take a search from a pool of trials; tell by which of the RULES it warns.

    high: logarithm of the upper end of its range, which has DECADES.
    """
    decades, accuracy, abandoned = pool
    inside = np.flatnonzero((decades >= high - DECADES) & (decades <= high))
    chosen = rng.choice(inside, min(SIZE, len(inside)), replace=False)
    top = chosen[best(accuracy[chosen], abandoned[chosen])]
    places = 1 - (high - decades[top]) / DECADES
    return side(places) != 0, is_close(places[0])


def stored() -> Mapping[str, Array]:
    """Return what measure_reference() gave; DataError if its file cannot be used."""
    measured = reference("hpo", "edge")
    if not measured:
        raise DataError("the searches over all learning rates are missing")
    return measured


def findings(result: Result) -> tuple[Finding, ...]:
    """H5: does the warning tell the truth here? H5r: how often? H5n: the best alone. E27."""
    if result.config.source == "lecture":
        return (_printed(result), _here(result), *_rules())
    return (_here(result), *_rules(), _printed(run(Config(source="lecture"))))


def _here(result: Result) -> Finding:
    """H5: hold the warning of this search against where the best rate lies."""
    places = result.rates.position(result.rate[result.top])
    seen = result.seen
    moved = proposed(result.rates, places)
    truth = float(stored()["best_rate"])
    outcome, because = _judged(seen, float(result.rates.position(truth)))
    if result.config.source == "lecture":
        outcome, because = Outcome.UNCLEAR, "lecture"
    return Finding(
        claim="H5",
        outcome=outcome,
        because=because,
        values={
            "inside": int(max((places > 1 - QUARTER).sum(), (places < QUARTER).sum())),
            "top": TOP,
            "end": "upper" if np.median(places) > 0.5 else "lower",
            "way": "up" if np.median(places) > 0.5 else "down",
            "place": float(places[0]),
            "shift": abs(np.log10(moved.low / result.rates.low)),
            "new_low": moved.low,
            "new_high": moved.high,
            "best_rate": truth,
            "best": float(result.accuracy[result.top[0]]),
            "away": abs(np.log10(truth / (result.rates.high if seen >= 0 else result.rates.low))),
        },
    )


def _judged(seen: int, place: float) -> tuple[Outcome, str]:
    """Judge a warning (1 for the upper end, -1 the lower, 0 for none) by where the best rate lies.

    place: of the best rate in the range, below 0 or above 1 outside of it.
    """
    if QUARTER <= place <= 1 - QUARTER:
        return (Outcome.FAILS, "false") if seen else (Outcome.HOLDS, "inside")
    if seen == (1 if place > 0.5 else -1):
        return Outcome.HOLDS, ""
    if 0 <= place <= 1:
        return Outcome.UNCLEAR, ""
    return Outcome.FAILS, "missed"


def _rules() -> tuple[Finding, ...]:
    """H5r, H5n: how often each of the RULES warns for good reason, and without."""
    warned = stored()["warned"]
    near = (DISTANCES > 0) & (DISTANCES <= NEAR)
    found = []
    for claim, (false, power) in zip(
        ("H5r", "H5n"), zip(warned[DISTANCES == -1][0], warned[near].mean(axis=0))
    ):
        outcome = both(
            opposite(above(false, FALSE, FALSE_MARGIN)), above(power, POWER, POWER_MARGIN)
        )
        values = {
            "false": false,
            "power": power,
            "near": NEAR,
            "far": warned[DISTANCES == 3][0, 0],
            "searches": SEARCHES * DRAWS,
        }
        found.append(Finding(claim=claim, outcome=outcome, values=values))
    return tuple(found)


def _printed(lecture: Result) -> Finding:
    """E27: are both numbers of the lecture's best trial at the edge?"""
    top = lecture.top
    rates, regs = lecture.rates.position(lecture.rate[top]), lecture.regs.position(lecture.reg[top])
    return Finding(
        claim="E27",
        outcome=decided(is_close(rates[0]) and is_close(regs[0])),
        values={
            "rate_place": float(rates[0]),
            "reg_place": float(regs[0]),
            "upper": int((rates > 1 - QUARTER).sum()),
            "top": TOP,
        },
        misreading=True,
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return all trials, how often each rule warns, and the lecture's fine table."""
    is_top = np.zeros(len(result.rate), bool)
    is_top[result.top] = True
    return {
        "trials": {
            "val accuracy": result.accuracy,
            "learning rate": result.rate,
            "reg": result.reg,
            "place of the rate": result.rates.position(result.rate),
            "place of reg": result.regs.position(result.reg),
            "best five": is_top,
            "given up": result.abandoned,
        },
        "warnings": {
            "decades outside": DISTANCES,
            **dict(zip(RULES, stored()["warned"].T)),
        },
        "printed": dict(zip(("val accuracy", "learning rate", "reg"), printed.FINE.T)),
    }


PRESETS = {
    "outside": Config(),
    "inside": Config(learning_rates=(1e-2, 1.0)),
    "edge": Config(learning_rates=(2e-3, 0.2)),
    "far": Config(learning_rates=(1e-8, 1e-6)),
    "lecture": Config(source="lecture"),
}
SMALL = Config(trials=10)
SHOWN = (train, best, side)
