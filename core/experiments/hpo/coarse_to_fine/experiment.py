"""Coarse to fine: many short trials in a wide range, then fewer and longer ones where it is good.

Each stage draws its trials from the range of the best tenth of the stage before. Besides, all
coarse trials are trained on, nobody given up, to see what a few epochs did know of the end.
"""

from collections.abc import Generator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from math import comb
from typing import Any

import numpy as np

from core.experiments.hpo import printed
from core.experiments.hpo.trials import (
    DECAY,
    MOMENTUM,
    Trials,
    accuracy_on_test,
    draw_network,
    split_digits,
    watch_trials,
)
from core.lab.columns import crossed
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, numbers, seed, span
from core.lab.results import reference
from core.lab.streams import streams
from core.lab.verdict import above, above_over_seeds, both, decided, opposite
from core.nn.search import Range, random_search
from core.nn.training import Hyper

Array = np.ndarray
Ranges = Array  # (2, 2): low and high end of the learning rate and of reg

COST = "training"
STAGES = ("coarse", "fine", "finer")
EPOCHS = (5, 15, 30)
FEWER = (1, 2, 4)  # times fewer trials than in the coarse stage
SHORT, LONG = EPOCHS[:2]
ENDS = (1e-8, 1e5)  # that a range can have

RISE, RISE_MARGIN = 0.1, 0.05  # H2: of the typical trial's accuracy
ORDER, ORDER_MARGIN = 0.7, 0.05  # H2r: rank correlation
NARROW, NARROW_MARGIN = 0.5, 0.15  # H4: decades of the best tenth over those of a random tenth
GOOD = 0.8  # of the best trial: where a typical one leaves little to gain
MOVED = 0.03  # of the best accuracy: one validation digit is 0.003
REPEATS = range(1000, 1060)  # H2g: the seeds of other searches
STRATEGIES = ("one stage", "two stages", "rerun")
RERUN = 10


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The first range, how often it is narrowed, and where to if not to the best tenth."""

    learning_rates: tuple[float, float] = span(*ENDS, (1e-5, 10.0))
    regs: tuple[float, float] = span(*ENDS, (1e-5, 100.0))
    stages: int = numbers(2, [1, 2, 3])
    fine_learning_rates: tuple[float, float] | None = span(*ENDS)
    fine_regs: tuple[float, float] | None = span(*ENDS)
    trials: int = numbers(100, [20, 50, 100])
    source: str = choice("ours", ["ours", "lecture"])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Stage:
    """The trials (n,) of one stage: what they are, and how right they were when last measured.

    early: after SHORT epochs. ranges: (2, 2) that they were drawn from.
    """

    rate: Array
    reg: Array
    accuracy: Array
    early: Array
    abandoned: Array
    ranges: Ranges

    @property
    def order(self) -> Array:
        """Return the trials, the best one first; those given up come last."""
        return np.lexsort((-self.accuracy, self.abandoned))

    @property
    def top(self) -> Array:
        """Return the best tenth, at least two trials."""
        return self.order[: max(2, round(len(self.order) / 10))]

    @property
    def best(self) -> int:
        """Return the best trial."""
        return int(self.order[0])

    @property
    def rates(self) -> Range:
        """Return the range of the learning rates."""
        low, high = self.ranges[0].tolist()
        return Range(low, high, log=True)

    @property
    def box(self) -> Ranges:
        """Return the range of the best tenth: the next one to search."""
        return np.array([[v[self.top].min(), v[self.top].max()] for v in (self.rate, self.reg)])


@dataclass(frozen=True, eq=False)
class Result:
    """All stages, of which those to come, and trials that a stage has not, are NaN.

    rate, reg, accuracy, early, abandoned, steps: (STAGES, trials); ranges: (STAGES, 2, 2). later:
    (trials,) accuracy of the coarse trials after LONG epochs, none given up; NaN if not measured.
    """

    config: Config
    rate: Array
    reg: Array
    accuracy: Array
    early: Array
    abandoned: Array
    steps: Array
    ranges: Array
    later: Array

    @property
    def stages(self) -> list[Stage]:
        """Return the stages that there are."""
        found = []
        for index in range(int(np.isfinite(self.ranges[:, 0, 0]).sum())):
            there = np.isfinite(self.rate[index])
            parts = (self.rate, self.reg, self.accuracy, self.early, self.abandoned)
            rate, reg, accuracy, early, abandoned = (part[index, there] for part in parts)
            found.append(Stage(rate, reg, accuracy, early, abandoned, self.ranges[index]))
        return found


def nothing_yet(config: Config, trials: int) -> Result:
    """Return a Result without any stage."""
    empty = np.full((len(STAGES), trials), np.nan)
    none, ranges = np.zeros(empty.shape, bool), np.full((len(STAGES), 2, 2), np.nan)
    return Result(config, empty, empty, empty, empty, none, empty, ranges, empty[0])


def put(result: Result, stage: int, **values: Array) -> Result:
    """Return the Result with a stage's values, a row per field, put in."""
    filled = {}
    for name, own in values.items():
        rows = getattr(result, name).copy()
        rows[stage, : len(own)] = own
        filled[name] = rows
    return replace(result, **filled)


def next_ranges(result: Result) -> Ranges:
    """Return what the next stage searches: the first ranges, the typed ones or the best tenth's."""
    config, done = result.config, result.stages
    if not done:
        return np.array([config.learning_rates, config.regs])
    typed = (config.fine_learning_rates, config.fine_regs) if len(done) == 1 else (None, None)
    return np.array([own or box for own, box in zip(typed, done[-1].box.tolist())])


def draw(ranges: Ranges, trials: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw learning rates and regs, each decade with the same share."""
    rates, regs = (Range(low, high, log=True) for low, high in ranges.tolist())
    drawn = random_search({"rate": rates, "reg": regs}, trials, rng=rng)
    return drawn["rate"], drawn["reg"]


def hyper(rate: Array, reg: Array) -> Hyper:
    """Return what trials train with: what was drawn, and the lecture's momentum and decay."""
    return Hyper(learning_rate=rate, reg=reg, momentum=MOMENTUM, decay=DECAY)


def last_known(accuracy: Array) -> Array:
    """Return (trials,) what (trials, moments) were when last measured."""
    last = np.isfinite(accuracy).sum(axis=-1) - 1
    return np.take_along_axis(accuracy, last[:, None], axis=-1)[:, 0]


def steps(config: Config) -> Generator[tuple[float, Result], None, Result]:
    """Search stage by stage, then train the coarse trials on; yield what there is so far."""
    if config.source == "lecture":
        return from_the_lecture(config)
    data, weights, batches, draws = streams(config.seed, "data", "weights", "batches", "draws")
    split, result = split_digits(data), nothing_yet(config, config.trials)
    counts = [config.trials // fewer for fewer in FEWER[: config.stages]]
    work = [c * e for c, e in zip(counts, EPOCHS)] + [config.trials * LONG]
    for stage, (count, rng) in enumerate(zip(counts, draws.spawn(len(STAGES)))):
        ranges = next_ranges(result)
        rate, reg = draw(ranges, count, rng)
        network = draw_network(count, deepcopy(weights))
        for trials in watch_trials(
            network,
            split.data,
            hyper(rate, reg),
            epochs=EPOCHS[stage],
            rng=batches,
            measure=("val",),
        ):
            result = put(result, stage, ranges=ranges, rate=rate, reg=reg, **measured(trials))
            done = sum(work[:stage]) + trials.share * work[stage]
            yield done / sum(work), result
    trained_on = watch_trials(
        draw_network(config.trials, weights),
        split.data,
        hyper(result.rate[0], result.reg[0]),
        epochs=LONG,
        rng=batches,
        measure=("val",),
        abandon=False,
    )
    for trials in trained_on:
        yield 1 - (1 - trials.share) * work[-1] / sum(work), result
    return replace(result, later=trials.val_accuracy[:, -1])


def measured(trials: Trials) -> dict[str, Array]:
    """Return a stage's fields from its trials."""
    return {
        "accuracy": last_known(trials.val_accuracy),
        "early": last_known(trials.val_accuracy[:, : SHORT + 1]),
        "abandoned": trials.failed,
        "steps": trials.steps,
    }


def from_the_lecture(config: Config) -> Result:
    """Return the lecture's two tables as two stages; what it does not print stays NaN."""
    result = nothing_yet(config, len(printed.FINE))
    tables = (printed.COARSE, printed.COARSE_RANGES), (printed.FINE, printed.FINE_RANGES)
    for stage, (table, ranges) in enumerate(tables):
        accuracy, rate, reg = table.T
        result = put(result, stage, rate=rate, reg=reg, accuracy=accuracy, ranges=np.array(ranges))
    return result


def random_span(values: Array, size: int) -> float:
    """Return how far apart, on average, the least and greatest of `size` random ones of values are.

    The j-th smallest is the greatest of comb(j, size - 1) of all comb(n, size) choices.
    """
    ordered = np.sort(values)
    shares = [comb(j, size - 1) / comb(len(values), size) for j in range(len(values))]
    return float(np.dot(shares, ordered) - np.dot(shares[::-1], ordered))


def ranks(values: Array) -> Array:
    """Return each value's rank from 0 up; equal ones share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[place]


def rank_correlation(a: Array, b: Array) -> float:
    """Return Spearman's correlation of two arrays, 0 if one of them is constant."""
    a, b = ranks(a), ranks(b)
    spread = a.std() * b.std()
    return float(np.mean((a - a.mean()) * (b - b.mean())) / spread) if spread else 0.0


def findings(result: Result) -> tuple[Finding, ...]:
    """H2: narrowing finds where trials are good. H4: the best tenth's range. H3: giving up."""
    found = []
    if len(result.stages) > 1:
        found.append(_typical(result))
    if result.config.source == "ours":
        found += [_tenth(result.stages[0]), *_known_early(result), *_gain(result.config)]
    return tuple(found)


def _typical(result: Result) -> Finding:
    """H2: the fine stage's typical trial against the coarse one's, after as many epochs."""
    coarse, fine, *_ = result.stages
    ours = result.config.source == "ours"
    early = np.median(fine.early if ours else fine.accuracy)
    typical = np.median(coarse.accuracy)
    outcome = above(early - typical, RISE, RISE_MARGIN)
    last = result.stages[-1]
    top = coarse.accuracy[coarse.best]
    return Finding(
        claim="H2",
        outcome=outcome,
        because=_because(outcome, typical, top, last.accuracy[last.best]) if ours else "lecture",
        values={
            "coarse": typical,
            "early": early,
            "fine": np.median(last.accuracy),
            "best_coarse": top,
            "best": last.accuracy[last.best],
            "epochs": SHORT,
            "bar": 100 * RISE,
        },
    )


def _because(outcome: Outcome, typical: float, best: float, next_best: float) -> str:
    """Tell what stands out: the best moved, the first range was good, or the next one is worse."""
    if outcome is Outcome.HOLDS:
        return "best" if abs(next_best - best) > MOVED else ""
    if typical > GOOD * best:
        return "good"
    return "worse" if next_best < best - MOVED else ""


def spans(stage: Stage) -> Array:
    """Return (2, 3) decades of learning rate and reg: the range's, the best tenth's, a random
    tenth's."""
    rows = []
    for values, (low, high) in zip((stage.rate, stage.reg), stage.ranges):
        decades = np.log10(values)
        rows.append(
            [np.log10(high / low), np.ptp(decades[stage.top]), random_span(decades, len(stage.top))]
        )
    return np.array(rows)


def _tenth(coarse: Stage) -> Finding:
    """H4: the best tenth's learning rates lie close together, so they can be read off the table."""
    (rates, rate, random_rate), (regs, reg, random_reg) = spans(coarse).tolist()
    return Finding(
        claim="H4",
        outcome=opposite(above(rate / random_rate, NARROW, NARROW_MARGIN)),
        values={
            "rates": rates,
            "rate": rate,
            "random_rate": random_rate,
            "regs": regs,
            "reg": reg,
            "random_reg": random_reg,
            "tenth": len(coarse.top),
        },
    )


def _known_early(result: Result) -> tuple[Finding, ...]:
    """H2r: is the order after a few epochs that of the end? H3: what giving up saves and loses."""
    coarse, later = result.stages[0], result.later
    if not np.isfinite(later).all():  # so far
        return ()
    top = coarse.order[: len(later) // 5]
    values = {
        "order": rank_correlation(coarse.early, later),
        "top_order": rank_correlation(coarse.early[top], later[top]),
        "top": len(top),
        "short": SHORT,
        "long": LONG,
    }
    outcome = above(values["order"], ORDER, ORDER_MARGIN)
    return Finding(claim="H2r", outcome=outcome, values=values), _giving_up(result)


def _giving_up(result: Result) -> Finding:
    """H3: of the trials given up, would any have ended among the best tenth?"""
    coarse, later = result.stages[0], result.later
    abandoned, total = int(coarse.abandoned.sum()), len(later)
    bar = np.sort(later)[-len(coarse.top)]
    lost = int((later[coarse.abandoned] >= bar).sum())
    whole = result.steps[0].max() * total
    outcome = decided(not lost) if lost != 1 else Outcome.UNCLEAR
    return Finding(
        claim="H3",
        outcome=outcome if abandoned else Outcome.UNCLEAR,
        because="" if abandoned else "none",
        values={
            "abandoned": abandoned,
            "of": total,
            "saved": 1 - result.steps[0].sum() / whole,
            "lost": lost,
            "tenth": len(coarse.top),
            "long": LONG,
        },
    )


def _gain(config: Config) -> tuple[Finding, ...]:
    """H2g: what two stages gain on test digits, over one stage of as many epochs and over a rerun.

    Measured on other seeds, for the default alone.
    """
    measured = reference("hpo", "coarse-to-fine").get("test")
    if replace(config, seed=0) != Config() or measured is None:
        return ()
    one, two, rerun = measured.T
    return (
        Finding(
            claim="H2g",
            outcome=both(above_over_seeds(two - one), above_over_seeds(two - rerun)),
            values={
                "gain": 100 * np.mean(two - one),
                "error": 100 * np.std(two - one, ddof=1) / len(two) ** 0.5,
                "over_rerun": 100 * np.mean(two - rerun),
                "rerun_error": 100 * np.std(two - rerun, ddof=1) / len(two) ** 0.5,
                "repeats": len(two),
                "rerun": RERUN,
            },
        ),
    )


def measure_reference() -> dict[str, Array]:
    """Return "test": (REPEATS, STRATEGIES) accuracy on test digits of what each strategy picks.

    One stage of the wide range costs as many epochs as the two; rerunning the best costs fewer.
    """
    return {"test": np.array([strategies(seed) for seed in REPEATS])}


def strategies(seed: int) -> list[float]:
    """Return (STRATEGIES,) accuracy on test digits of each strategy's winner by validation."""
    config = Config(seed=seed)
    data, weights, batches, draws = streams(seed, "data", "weights", "batches", "draws")
    split = split_digits(data)
    coarse_rng, fine_rng, one_rng = draws.spawn(3)

    def trained(rate: Array, reg: Array, epochs: int) -> Trials:
        network = draw_network(len(rate), deepcopy(weights))
        *_, last = watch_trials(
            network,
            split.data,
            hyper(rate, reg),
            epochs=epochs,
            rng=batches,
            measure=("val",),
        )
        return last

    wide = next_ranges(nothing_yet(config, config.trials))
    rate, reg = draw(wide, config.trials, coarse_rng)
    coarse = stage_of(rate, reg, wide, trained(rate, reg, SHORT))
    fewer = config.trials // FEWER[1]
    again = coarse.order[:RERUN]
    searches = (
        draw(wide, config.trials * SHORT // LONG + fewer, one_rng),
        draw(coarse.box, fewer, fine_rng),
        (rate[again], reg[again]),
    )
    found = []
    for rate, reg in searches:
        trials = trained(rate, reg, LONG)
        best = stage_of(rate, reg, wide, trials).best
        found.append(float(accuracy_on_test(trials.network, split)[best]))
    return found


def stage_of(rate: Array, reg: Array, ranges: Ranges, trials: Trials) -> Stage:
    """Return trials as a stage."""
    parts = measured(trials)
    return Stage(rate, reg, parts["accuracy"], parts["early"], parts["abandoned"], ranges)


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return all trials, the range of each stage and of its best tenth, the lecture's tables."""
    return {
        "trials": {
            name: np.concatenate([column(stage) for stage in result.stages])
            for name, column in COLUMNS.items()
        }
        | {"stage": np.repeat(STAGES[: len(result.stages)], [len(s.rate) for s in result.stages])},
        "ranges": {
            **crossed(stage=STAGES[: len(result.stages)], knob=("rate", "reg")),
            **{
                f"{what} {end}": np.array([getattr(s, of)[:, i] for s in result.stages]).ravel()
                for what, of in (("range", "ranges"), ("best tenth", "box"))
                for i, end in enumerate(("low", "high"))
            },
        },
        "printed": {
            "stage": ["coarse"] * len(printed.COARSE) + ["fine"] * len(printed.FINE),
            **dict(
                zip(
                    ("val accuracy", "learning rate", "reg"),
                    np.concatenate([printed.COARSE, printed.FINE]).T,
                )
            ),
        },
    }


COLUMNS = {
    "val accuracy": lambda stage: stage.accuracy,
    "learning rate": lambda stage: stage.rate,
    "reg": lambda stage: stage.reg,
    "given up": lambda stage: stage.abandoned,
}
PRESETS = {
    "lecture": Config(),
    "tables": Config(source="lecture"),
    "finer": Config(stages=3),
    "low": Config(learning_rates=(1e-6, 1e-3), seed=4),
    "narrow": Config(learning_rates=(0.1, 0.2), regs=(1e-5, 1e-3), seed=1),
    "wrong": Config(fine_learning_rates=(1e-4, 1e-3)),
}
SMALL = Config(trials=20)
SHOWN = (draw, next_ranges, draw_network, steps, last_known)
