"""Learning rates: the loss from a rate that is far too low to one that ends in NaN.

All rates of the ladder, SEEDS times each, train as one stack: the same starting weights, the same
batches. Beside it a pair from larger starting weights at a good rate, which differ only in how the
loss is computed.
"""

from collections.abc import Generator, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from core.lab.datasets import load_digits, read_only
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, numbers, seed
from core.lab.say import number
from core.lab.streams import streams
from core.lab.verdict import decided
from core.nn.dataset import Dataset
from core.nn.layers import (
    cross_entropy_backward,
    cross_entropy_forward,
    linear_backward,
    linear_forward,
    naive_cross_entropy_forward,
    softmax,
)
from core.nn.network import Network, forward, init_network, stack_networks, take_runs
from core.nn.optimizers import momentum_step
from core.nn.record import Record
from core.nn.training import Hyper, Loss, Number, accuracy, quietly, train_many

Array = np.ndarray

COST = "training"
CASES = ("low", "good", "high", "highest")
LOW, GOOD, HIGH, HIGHEST = range(4)
GOOD_RATE = 0.05
SEEDS = 10
DRAWN = 7  # the start that is drawn; at the default its high rate is the middle one of all
EPOCHS, BATCH, MOMENTUM, HIDDEN = 10, 200, 0.9, 50
LOSSES = {"stable": cross_entropy_forward, "naive": naive_cross_entropy_forward}
QUANTITIES = (
    *("weight gradient", "bias gradient", "weight", "bias"),
    *("preactivation", "activation", "loss"),
)
SIZES = ("weights of layer 1", "weights of layer 2", "scores")
LARGER = 0.3  # std of the starting weights of the pair that differs in its loss
SHIFT = 100.0  # added to all scores

ENOUGH = 0.7  # of the starts must come out alike to decide a claim
CHANGE, RISE = 0.005, 0.1  # T4: 0.0007 to 0.0012 and 0.24 or more over 40 seeds
STRAIGHT = 0.9  # T6: R^2 of a line through the losses by epoch; 0.99
STEEP = 0.8  # T6: of the whole fall that happens in the first half; 0.97, a straight line has 0.5
SITS = 3.0  # T6: a high rate's loss over the good one's, last half; 9 of 10 starts lie above

# The lecture's own runs (CIFAR-10), epochs 1 to 10.
PRINTED_COST = (
    *(2.302576, 2.302582, 2.302558, 2.302519, 2.302517),
    *(2.302518, 2.302466, 2.302452, 2.302459, 2.302420),
)
PRINTED_ACCURACY = (0.080, 0.121, 0.119, 0.127, 0.158, 0.179, 0.180, 0.175, 0.206, 0.190)
PRINTED_HIGH = ("2.186654", "2.176230", "1.942257", "1.827868", "inf", "inf", *[""] * 4)
PRINTED_HIGHEST = ("NaN", *[""] * 9)


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The rates around the good one, the starting weights, and how the loss is computed."""

    lowest: float = numbers(0.0002, [0.0001, 0.0002, 0.0005, 0.002])
    highest: float = numbers(3.0, [0.5, 3.0, 100.0, 1e4])
    scheme: str = choice("0.003", ["0.0001", "0.003", "xavier", "0.3"])
    loss: str = choice("stable", list(LOSSES))
    high: float = numbers(0.17, [0.1, 0.17, 0.25, 1.0, 3.0])
    activation: str = choice("relu", ["relu", "tanh"])
    seed: int = seed()

    @property
    def rates(self) -> tuple[float, ...]:
        """Return the learning rate of every case."""
        return self.lowest, GOOD_RATE, self.high, self.highest


@dataclass(frozen=True, eq=False)
class Result:
    """Every one of the CASES from SEEDS starts, of which one is drawn; NaN for what is not finite.

    data_loss, train_accuracy: (4, SEEDS, EPOCHS + 1), the first before training; exploded: (4,
    SEEDS) first step with a loss above 3 times the first, or -1; broken: (4, SEEDS, 3) step, layer
    and index into QUANTITIES of the first number that is not finite, or -1. loss: (4, steps + 1) of
    the drawn start on all training digits; sizes: (3, steps + 1) the largest number of each of
    SIZES in the highest rate's run. label: of a digit that the low rate's run learns,
    probabilities: (2, 10) of its classes before and after. shifted: largest change of any class's
    probability when SHIFT is added to all scores; doubled: the mean loss before and after all
    scores are doubled. pair_loss: (2, steps + 1) of the drawn start at the good rate with each of
    LOSSES; pair_broken: (2, SEEDS) step or -1; pair_good: (SEEDS,) whether the stable one has not
    failed and ends with all but 2% right.
    """

    config: Config
    data_loss: Array
    train_accuracy: Array
    exploded: Array
    broken: Array
    loss: Array
    sizes: Array
    label: int
    probabilities: Array
    shifted: float
    doubled: Array
    pair_loss: Array
    pair_broken: Array
    pair_good: Array


@cache
def centred_digits() -> Dataset:
    """Return the digits, float32, in their own range of 16 grey values, minus the mean image."""
    digits = load_digits()
    mean = digits.x_train.mean(axis=0)
    return read_only(digits.map(lambda x: (x - mean).astype(np.float32)))


def build(scheme: str | float, activation: str, copies: int, seed: int) -> Network:
    """Draw SEEDS starts, and stack so many copies of all of them."""
    (weights,) = streams(seed, "weights")
    starts = [
        init_network((64, HIDDEN, 10), scheme, activation, rng=rng, dtype=np.float32)
        for rng in weights.spawn(SEEDS)
    ]
    return stack_networks([deepcopy(start) for _ in range(copies) for start in starts])


def train(
    network: Network, data: Dataset, rates: Number, batches: np.random.Generator, loss: Loss
) -> Iterator[Record]:
    """Train a stack for EPOCHS; there is a record after every step."""
    return train_many(
        network,
        data,
        Hyper(learning_rate=rates, momentum=MOMENTUM),
        batch_size=BATCH,
        epochs=EPOCHS,
        rng=batches,
        record_every=1,
        measure=(),
        loss=loss,
    )


def steps(config: Config) -> Generator[float, None, Result]:
    """Train the ladder as one stack, then the pair; yield the share done, return the Result."""
    (batches,) = streams(config.seed, "batches")
    data, loss, shape = centred_digits(), LOSSES[config.loss], (len(CASES), SEEDS)
    scheme = config.scheme if config.scheme == "xavier" else float(config.scheme)
    network = build(scheme, config.activation, len(CASES), config.seed)
    low, highest = (take_runs(network, drawn(case)) for case in (LOW, HIGHEST))
    before = class_probabilities(low, data)
    epochs, losses, sizes = [], [], []
    for record in train(network, data, np.repeat(config.rates, SEEDS), batches, loss):
        losses.append(on_all(take_runs(network, slice(DRAWN, None, SEEDS)), data, loss)[0])
        sizes.append(largest(highest, data.x_train[:BATCH]))
        if record.epoch.is_integer():
            epochs.append(on_all(network, data, loss))
            yield record.epoch / EPOCHS
    after = class_probabilities(low, data)
    of_loss, of_accuracy = (np.stack(part, axis=-1) for part in zip(*epochs))
    example = learned_example(before, after, data.y_train)
    return Result(
        config=config,
        data_loss=finite(of_loss).reshape(*shape, -1),
        train_accuracy=of_accuracy.reshape(*shape, -1),
        exploded=record.exploded.reshape(shape),
        broken=first_broken(record).reshape(*shape, 3),
        loss=finite(np.stack(losses, axis=-1)),
        sizes=finite(np.transpose(sizes)),
        label=int(data.y_train[example]),
        probabilities=np.stack([before[example], after[example]]),
        **scores_changed(low, data),
        **train_pair(config.seed, data),
    )


def finite(values: Array) -> Array:
    """Return values with NaN for all that is not finite."""
    return np.where(np.isfinite(values), values, np.nan)


def drawn(case: int) -> slice:
    """Return where the drawn start of a case stands in the stack."""
    return slice(case * SEEDS + DRAWN, case * SEEDS + DRAWN + 1)


def class_probabilities(network: Network, data: Dataset) -> Array:
    """Return (samples, classes) what the one run of a stack gives the training digits."""
    with np.errstate(all="ignore"):
        return softmax(forward(network, data.x_train)[0][0])


@quietly
def on_all(network: Network, data: Dataset, loss: Any) -> tuple[Array, Array]:
    """Return loss and accuracy (runs,) on all training digits."""
    logits, _ = forward(network, data.x_train)
    return loss(logits, data.y_train)[0], accuracy(logits, data.y_train)


@quietly
def largest(network: Network, x: Array) -> Array:
    """Return the largest number, sign aside, of each of SIZES; x: (samples, features)."""
    logits, _ = forward(network, x)
    return np.array([np.abs(a).max() for a in (*(p["weight"] for p in network.layers), logits)])


def learned_example(before: Array, after: Array, labels: Array) -> int:
    """Return a training digit that is wrong before and right after, the middle one of them.

    before, after: (samples, classes). They are ordered by what the right class has in the end.
    """
    learned = np.flatnonzero((before.argmax(axis=-1) != labels) & (after.argmax(axis=-1) == labels))
    order = learned[np.argsort(after[learned, labels[learned]], kind="stable")]
    return int(order[len(order) // 2]) if len(order) else 0


def first_broken(record: Record) -> Array:
    """Return (runs, 3) step, layer and quantity of the first number that is not finite, or -1."""
    broken = np.full((len(record.exploded), 3), -1)
    for run, found in record.divergences.items():
        broken[run] = found.step, found.layer, QUANTITIES.index(found.quantity)
    return broken


def scores_changed(network: Network, data: Dataset) -> dict[str, Any]:
    """Return what adding a number to all scores changes, and doubling them, in float64."""
    scores = forward(network, data.x_train)[0][0].astype(np.float64)
    changed = np.abs(softmax(scores + SHIFT) - softmax(scores)).max()
    doubled = [cross_entropy_forward(times * scores, data.y_train)[0] for times in (1, 2)]
    return {"shifted": float(changed), "doubled": np.array(doubled)}


def train_pair(seed: int, data: Dataset) -> dict[str, Any]:
    """Train from larger weights at the good rate, with the stable and with the naive loss."""
    seen: list[list[Array]] = []
    ends: list[Record] = []
    for loss in LOSSES.values():
        (batches,) = streams(seed, "batches")
        network = build(LARGER, "relu", 1, seed)
        one = take_runs(network, drawn(0))
        records = train(network, data, GOOD_RATE, batches, loss)
        own = [(record, on_all(one, data, loss)[0][0]) for record in records]
        seen.append([value for _, value in own])
        ends.append(own[-1][0])
        if loss is cross_entropy_forward:
            right = on_all(network, data, loss)[1]
    return {
        "pair_loss": finite(np.array(seen)),
        "pair_broken": np.stack([first_broken(end)[:, 0] for end in ends]),
        "pair_good": ~ends[0].has_failed & (right > 0.98),
    }


def agreed(so: Array) -> Outcome:
    """Tell whether what (SEEDS,) says of each start is so from nearly all of them, or none."""
    if 1 - ENOUGH < so.mean() < ENOUGH:
        return Outcome.UNCLEAR
    return decided(so.mean() > 0.5)


def findings(result: Result) -> tuple[Finding, ...]:
    """T4: far too low. T5: far too high. T6: the shapes. E24, E25: what the loss is made of.

    With the naive loss, what the curves show is the loss's doing as much as the rate's.
    """
    of_loss = [_absolute_scores(result)]
    if result.config.loss == "naive":
        return (_always_the_rate(result), _too_high(result), *of_loss)
    t4, t5 = _too_low(result), _too_high(result)
    first = (t4, t5) if t5.holds else (t5, t4)
    return (*first, _shapes(result), *of_loss, _always_the_rate(result))


def _too_low(result: Result) -> Finding:
    """T4: the loss hardly moves, yet accuracy rises."""
    loss, right = result.data_loss[LOW], result.train_accuracy[LOW]
    change, rise = 1 - loss[:, -1] / loss[:, 0], right[:, -1] - right[:, 0]
    still, rises = np.abs(change) < CHANGE, rise >= RISE
    return Finding(
        claim="T4",
        outcome=agreed(still & rises),
        because="" if agreed(still) is Outcome.HOLDS else "loss",
        values={
            "change": change.mean(),
            "start": right[:, 0].mean(),
            "end": right[:, -1].mean(),
            "bar": CHANGE,
            "rise": RISE,
            "seeds": SEEDS,
        },
    )


def _too_high(result: Result) -> Finding:
    """T5: the loss explodes, and then something is not finite."""
    exploded, broken = result.exploded[HIGHEST], result.broken[HIGHEST, :, 0]
    step, layer, quantity = result.broken[HIGHEST, DRAWN]
    reasons = {"jump": agreed(broken >= 0), "finite": agreed(exploded > 0)}
    because = [reason for reason, outcome in reasons.items() if outcome is Outcome.HOLDS]
    outcome = agreed((exploded > 0) & (exploded <= broken))
    return Finding(
        claim="T5",
        outcome=outcome,
        because=because[0] if because and outcome is Outcome.FAILS else "",
        values={
            "exploded": _step(result.exploded[HIGHEST, DRAWN]),
            "broken": _step(step),
            "layer": layer,
            "quantity": QUANTITIES[quantity],
            "right": result.train_accuracy[HIGHEST, :, -1].mean(),
            "of": (broken >= 0).sum(),
            "seeds": SEEDS,
        },
    )


def _step(step: int) -> float | str:
    return float(step) if step >= 0 else "never"


def shapes(result: Result) -> dict[str, Array]:
    """Return what T6 says of each shape, (SEEDS,) whether it is so."""
    loss, epochs = result.data_loss, np.arange(EPOCHS + 1)
    with np.errstate(all="ignore"):
        slope = np.polynomial.polynomial.polyfit(epochs, loss[LOW].T, 1)
        away = loss[LOW] - np.polynomial.polynomial.polyval(epochs, slope)
        straight = 1 - away.var(axis=-1) / loss[LOW].var(axis=-1)
        fall = loss[GOOD, :, 0] - loss[GOOD, :, -1]
        steep = (loss[GOOD, :, 0] - loss[GOOD, :, EPOCHS // 2]) / fall
        good, high = np.log(loss[[GOOD, HIGH], :, EPOCHS // 2 + 1 :]).mean(axis=-1)
        over = np.exp(high - good)
        return {
            "straight": straight > STRAIGHT,
            "steep": (fall > 0) & (steep > STEEP),
            "climbs": result.exploded[HIGH] < 0,
            "sits": over > SITS,
            "top": result.exploded[HIGHEST] > 0,
        }


def _shapes(result: Result) -> Finding:
    """T6: straight, steep then flat, sits high, explodes; `because` names the part that fails."""
    parts = shapes(result)
    outcome = agreed(np.all(list(parts.values()), axis=0))
    least = min(parts, key=lambda name: parts[name].mean())
    end = np.exp(np.log(result.data_loss[[GOOD, HIGH], :, -1]).mean(axis=-1))
    return Finding(
        claim="T6",
        outcome=outcome,
        because="" if outcome is Outcome.HOLDS else least,
        values={"end": end[0], "above": end[1], "of": parts[least].sum(), "seeds": SEEDS},
    )


def _absolute_scores(result: Result) -> Finding:
    """E24, an error: the loss depends on the scores themselves. Adding to all changes nothing."""
    return Finding(
        claim="E24",
        outcome=decided(result.shifted > 1e-12),
        misreading=True,
        identity=True,
        values={"added": SHIFT, "changed": result.shifted}
        | {"once": result.doubled[0], "twice": result.doubled[1]},
    )


def _always_the_rate(result: Result) -> Finding:
    """E25, an error: NaN always means too high a rate. At one that is not, a naive loss does it."""
    stable, naive = result.pair_broken
    return Finding(
        claim="E25",
        outcome=agreed(~((naive >= 0) & (stable < 0) & result.pair_good)),
        misreading=True,
        values={
            "rate": GOOD_RATE,
            "naive": (naive >= 0).sum(),
            "stable": result.pair_good.sum(),
            "first": _step(naive[DRAWN]),
            "seeds": SEEDS,
        },
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per rate and epoch, one per rate, and the lecture's runs beside ours."""
    rates, epochs = result.config.rates, np.arange(EPOCHS + 1)
    loss, right = result.data_loss, result.train_accuracy
    of_case = {
        "case": list(CASES),
        "rate": list(rates),
        "exploded": result.exploded[:, DRAWN],
        "not_finite": result.broken[:, DRAWN, 0],
    }
    ours = f"rate {number(rates[LOW])} (this run, digits)"
    highest = f"rate {number(rates[HIGHEST])} (this run): cost"
    return {
        "epochs": {
            "rate": np.repeat(rates, len(epochs)),
            "epoch": np.tile(epochs, len(rates)),
            "data_loss": loss[:, DRAWN].ravel(),
            "train_accuracy": right[:, DRAWN].ravel(),
        },
        "rates": of_case,
        "probabilities": {
            "class": np.arange(10),
            "before": result.probabilities[0],
            "after": result.probabilities[1],
        },
        "printed": {
            "epoch": epochs[1:],
            "rate 0.000001 (slide, CIFAR-10): cost": [f"{cost:.6f}" for cost in PRINTED_COST],
            "accuracy (slide)": [f"{share:.3f}" for share in PRINTED_ACCURACY],
            f"{ours}: cost": [f"{cost:.6f}" for cost in loss[LOW, DRAWN, 1:]],
            "accuracy (this run)": [f"{share:.3f}" for share in right[LOW, DRAWN, 1:]],
            "rate 0.003 (slide): cost": PRINTED_HIGH,
            "rate 1,000,000 (slide): cost": PRINTED_HIGHEST,
            highest: [f"{cost:.3g}".replace("nan", "NaN") for cost in loss[HIGHEST, DRAWN, 1:]],
        },
    }


PRESETS = {
    "lecture": Config(),
    "xavier": Config(scheme="xavier"),
    "flat": Config(scheme="0.0001"),
    "finite": Config(highest=0.5),
    "tanh": Config(activation="tanh", high=3.0, highest=1e4),
    "naive": Config(scheme="0.3", loss="naive"),
}
SMALL = Config()
SHOWN = (
    *(linear_forward, cross_entropy_forward, naive_cross_entropy_forward),
    *(cross_entropy_backward, linear_backward, momentum_step, softmax),
)
