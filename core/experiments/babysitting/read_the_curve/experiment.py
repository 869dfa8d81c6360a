"""Read the curve: what is wrong with a training, told from its curves alone.

For each of seven causes a network is trained with settings drawn from the cause's range; the seed
also draws which of the seven is shown without its name. A few rules read curves of many other
runs, whose cause is known, and are held against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.datasets import DataError, standardized_digits
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, answers, choice, looks, numbers, seed
from core.lab.results import reference
from core.lab.streams import streams
from core.lab.verdict import above, above_over_seeds, both, decided, opposite
from core.nn.dataset import Dataset
from core.nn.layers import cross_entropy_backward, cross_entropy_forward
from core.nn.network import backward, forward, init_network
from core.nn.optimizers import momentum_step
from core.nn.training import Hyper, train

Array = np.ndarray

COST = "normal"
CAUSES = ("low", "high", "far", "good", "bad", "over", "under")
SEEN = ("all", "loss")
EPOCHS = (3, 5, 10, 20)
CURVES = ("loss", "train_accuracy", "val_accuracy")
CLAIMS = dict(zip(CAUSES, ("T6b", "T6c", "T6d", "T6e", "T7", "T8", "T8b")))
OPEN = "open"  # in place of an answer

# What a cause draws, each on a log scale from low to high; the rest is as usual.
USUAL = {"learning_rate": 0.03, "weight_scale": 0.0, "examples": 1437, "width": 50}
RANGES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "low": {"learning_rate": (3e-5, 5e-4)},
    "high": {"learning_rate": (0.3, 0.6)},
    "far": {"learning_rate": (10, 100)},
    "good": {"learning_rate": (0.01, 0.1)},
    "bad": {"learning_rate": (0.03, 0.1), "weight_scale": (0.006, 0.02)},
    "over": {"learning_rate": (0.005, 0.02), "examples": (60, 150)},
    "under": {"learning_rate": (0.01, 0.06), "width": (1.6, 4.4)},
}
STEPS = 15  # in an epoch, at most, whatever the number of digits
MOMENTUM = 0.9

GUESSING = np.log(10)  # the loss of a network that gives all ten digits the same probability
FLAT, PLATEAU = 0.03, 2  # of that loss, and for how many epochs: a bad start
EXPLODES = 3  # times the first loss, within the first epoch
RISE, RISE_MARGIN = 0.3, 0.05  # of the loss above its lowest: the rate is too high
GAP, GAP_MARGIN = 0.07, 0.01  # between the accuracies
LEARNED, LEARNED_LOSS = 0.94, 0.2  # of the training digits; the loss where accuracy is not seen
STRAIGHT, BENT, FIT_MARGIN = 0.9, 0.6, 0.01  # of the loss that a straight line explains
ENOUGH = 0.9  # of the runs must be read right

REFERENCE_SEEDS = range(1000, 1060)
QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The visitor's answer, which run it is about, and how much of it is seen."""

    guess: str = answers(choice(OPEN, (OPEN, *CAUSES)))
    seed: int = seed()
    seen: str = looks(choice("all", SEEN))
    epochs: int = looks(numbers(EPOCHS[-1], EPOCHS))


@dataclass(frozen=True, eq=False)
class Result:
    """A run for each of CAUSES, and which of them is shown.

    loss: (7, epochs + 1) mean over the batches of each epoch, as a training's log has it; the first
    one before training. train_accuracy, val_accuracy: the same shape. learning_rate, weight_scale
    (0 for He's), examples, width: (7,). read_as: (SEEN, EPOCHS, 7) the index of the cause that the
    rules read.
    """

    config: Config
    cause: int
    loss: Array
    train_accuracy: Array
    val_accuracy: Array
    learning_rate: Array
    weight_scale: Array
    examples: Array
    width: Array
    read_as: Array


def draw_settings(cause: str, rng: np.random.Generator) -> dict[str, float]:
    """Return the settings of a run: those of its cause drawn from their range, on a log scale."""
    drawn = {n: float(np.exp(rng.uniform(*np.log(r)))) for n, r in RANGES[cause].items()}
    settings = {**USUAL, **drawn}
    return {**settings, **{n: round(settings[n]) for n in ("examples", "width")}}


def train_one(config: Config, settings: Mapping[str, float], digits: Dataset) -> dict[str, Array]:
    """Train one network with its settings; return its curves by epoch."""
    choices, weights, batches = streams(config.seed, "data", "weights", "batches")
    count, width = int(settings["examples"]), int(settings["width"])
    used = choices.permutation(len(digits.x_train))[:count]
    data = replace(digits, x_train=digits.x_train[used], y_train=digits.y_train[used])
    scheme = settings["weight_scale"] or "he"
    sizes = digits.x_train.shape[1], width, width, digits.classes
    records = train(
        init_network(sizes, scheme, "relu", rng=weights),
        data,
        Hyper(learning_rate=settings["learning_rate"], momentum=MOMENTUM),
        batch_size=-(-count // STEPS),
        epochs=EPOCHS[-1],
        rng=batches,
    )
    seen = list(records)
    with np.errstate(all="ignore"):
        of_batches = [record.batch_loss.mean() for record in seen[1:]]
    return {
        "loss": np.array([seen[0].data_loss, *of_batches]),
        "train_accuracy": np.array([record.train_accuracy for record in seen]),
        "val_accuracy": np.array([record.val_accuracy for record in seen]),
    }


def run(config: Config) -> Result:
    """Train one network for each cause, and draw the one that is shown."""
    which, drawing = streams(config.seed, "which", "settings")
    digits = standardized_digits()
    settings = [draw_settings(cause, rng) for cause, rng in zip(CAUSES, drawing.spawn(len(CAUSES)))]
    curves = [train_one(config, own, digits) for own in settings]
    rows = [{**own, **curve} for own, curve in zip(settings, curves)]
    return Result(
        config=config,
        cause=int(which.integers(len(CAUSES))),
        read_as=np.array([[[read(c, s, e) for c in curves] for e in EPOCHS] for s in SEEN]),
        **{name: np.array([row[name] for row in rows]) for name in rows[0]},
    )


def straightness(loss: Array) -> float:
    """Return the share of a curve's variance that a straight line explains (R squared)."""
    return float(np.corrcoef(np.arange(len(loss)), loss)[0, 1] ** 2)


def plateau(loss: Array) -> int:
    """Return for how many epochs from the start the loss stays that of guessing."""
    flat = np.abs(loss - GUESSING) < FLAT
    return int(len(loss) if flat.all() else flat.argmin()) - 1


def rise(loss: Array) -> float:
    """Return how far above its lowest a loss stays in its last three epochs."""
    return float(loss[-3:].min() - loss.min())


def read(curves: Mapping[str, Array], seen: str, epochs: int) -> int:
    """Return the index of the cause that curves look like up to an epoch, by the lecture's signs.

    seen: "loss" leaves the accuracies out.
    """
    loss, train, val = (curves[name][: epochs + 1] for name in CURVES)
    if not np.isfinite(loss[:2]).all() or loss[1] > EXPLODES * loss[0]:
        cause = "far"
    elif plateau(loss) >= PLATEAU:
        cause = "bad"
    elif rise(loss) > RISE:
        cause = "high"
    elif seen == "all" and train[-1] - val[-1] > GAP:
        cause = "over"
    elif train[-1] > LEARNED if seen == "all" else loss[-1] < LEARNED_LOSS:
        cause = "good"
    else:
        cause = "low" if straightness(loss) > STRAIGHT else "under"
    return CAUSES.index(cause)


def measure_reference() -> dict[str, Array]:
    """Return what the rules read on other seeds, and what the curves of each cause look like.

    read_as: (seeds, SEEN, EPOCHS, 7); the curves: (QUARTILES, 7, epochs + 1).
    """
    results = [run(Config(seed=seed)) for seed in REFERENCE_SEEDS]
    curves = {n: clipped([getattr(r, n) for r in results]) for n in CURVES}
    return {
        "read_as": np.array([result.read_as for result in results], np.int8),
        **{
            n: np.quantile(each, QUARTILES, axis=0, method="nearest").astype(np.float32)
            for n, each in curves.items()
        },
    }


def clipped(curves: Any) -> Array:
    """Return curves with what has exploded, or is not a number, cut off far above the others."""
    return np.minimum(np.nan_to_num(curves, nan=np.inf, posinf=np.inf), 1e3)


def stored() -> Mapping[str, Array]:
    """Return what measure_reference() gave; DataError if its file cannot be used."""
    measured = reference("babysitting", "read-the-curve")
    if not measured:
        raise DataError("the readings of other runs are missing")
    return measured


def readings(config: Config) -> Array:
    """Return (seeds, 7) what the rules read on other seeds, seeing what a configuration shows."""
    return stored()["read_as"][:, SEEN.index(config.seen), EPOCHS.index(config.epochs)]


def cut(result: Result, cause: str) -> tuple[Array, Array, Array]:
    """Return the loss and both accuracies of a cause's run, as far as they are looked at."""
    row, end = CAUSES.index(cause), result.config.epochs + 1
    return result.loss[row, :end], result.train_accuracy[row, :end], result.val_accuracy[row, :end]


def findings(result: Result) -> tuple[Finding, ...]:
    """T6, T7, T8: whether curves tell the cause, and the sign of each cause on this seed's runs.

    Once it is answered, the sign of the run that is shown comes first, then that of the answer.
    """
    told = [CAUSES[result.cause], result.config.guess] if result.config.guess != OPEN else []
    signs = {cause: _sign(result, cause) for cause in dict.fromkeys((*told, *CAUSES))}
    if told:
        return (*signs.values(), _all_causes(result), _loss_alone(result))
    return (_all_causes(result), _loss_alone(result), *signs.values())


def _all_causes(result: Result) -> Finding:
    """T6: what is seen tells the cause of a run, by the rules' readings of other runs."""
    right = (readings(result.config) == np.arange(len(CAUSES))).mean(axis=-1)
    values = {"right": right.mean(), "runs": right.size * len(CAUSES), "bar": ENOUGH}
    return Finding(claim="T6", outcome=above_over_seeds(right, ENOUGH), values=values)


def _loss_alone(result: Result) -> Finding:
    """T8: the training loss alone, seen to the end, shows overfitting like a good run."""
    seen = readings(replace(result.config, seen="loss", epochs=EPOCHS[-1]))[:, CAUSES.index("over")]
    as_good = (seen == CAUSES.index("good")).astype(float)
    return Finding(
        claim="T8c",
        outcome=above_over_seeds(as_good, ENOUGH),
        values={"alike": as_good.sum(), "runs": as_good.size},
    )


def _sign(result: Result, cause: str) -> Finding:
    """Tell whether the run of a cause shows the sign that the lecture names for it."""
    loss, train, val = cut(result, cause)
    row = CAUSES.index(cause)
    gap, because = train[-1] - val[-1], ""
    values: dict[str, Any] = {"first": loss[0], "rate": result.learning_rate[row]}
    small_gap = opposite(above(gap, GAP, GAP_MARGIN))
    match cause:
        case "low" | "good":
            values |= {"straight": straightness(loss), "end": loss[-1]}
            bar = STRAIGHT if cause == "low" else BENT
            outcome = above(values["straight"], bar, FIT_MARGIN)
            outcome = outcome if cause == "low" else opposite(outcome)
        case "high":
            values |= {"lowest": loss.min(), "end": loss[-1]}
            outcome = above(rise(loss), RISE, RISE_MARGIN)
        case "far":
            values["peak"] = loss[1] if np.isfinite(loss[1]) else "not a number"
            outcome = decided(not loss[1] <= EXPLODES * loss[0])
        case "bad":
            values |= {"plateau": plateau(loss), "end": loss[-1], "scale": result.weight_scale[row]}
            dropped = loss[-1] < GUESSING - RISE
            outcome = decided(values["plateau"] >= PLATEAU) if dropped else Outcome.UNCLEAR
        case "over":
            values |= {"train": train[-1], "val": val[-1], "examples": result.examples[row]}
            outcome = opposite(small_gap)
        case _:
            values |= {"train": train[-1], "val": val[-1], "width": result.width[row]}
            outcome = both(small_gap, opposite(above(train[-1], LEARNED, GAP_MARGIN)))
            because = "gap" if small_gap is not Outcome.HOLDS else ""
    return Finding(claim=CLAIMS[cause], outcome=outcome, values=values, because=because)


def score(result: Result) -> bool | None:
    """Tell whether the visitor's answer is the cause; None while there is no answer."""
    guess = result.config.guess
    return None if guess == OPEN else guess == CAUSES[result.cause]


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return this seed's curves and settings, cause by cause, and what the rules read elsewhere."""
    read_as = readings(result.config)
    counts = (read_as[..., None] == np.arange(len(CAUSES))).sum(axis=0)
    names = ("learning_rate", "weight_scale", "examples", "width")
    return {
        "curves": {
            **crossed(cause=CAUSES, epoch=np.arange(result.loss.shape[-1])),
            **{name: getattr(result, name).ravel() for name in CURVES},
        },
        "settings": {"cause": CAUSES, **{name: getattr(result, name) for name in names}},
        "readings": {**crossed(cause=CAUSES, read_as=CAUSES), "runs": counts.ravel()},
    }


PRESETS = {
    "lecture": Config(),
    "loss": Config(seen="loss"),
    "early": Config(epochs=3),
}
SMALL = Config()
SHOWN = (
    draw_settings,
    train_one,
    forward,
    backward,
    cross_entropy_forward,
    cross_entropy_backward,
    momentum_step,
    straightness,
    plateau,
    rise,
    read,
)
