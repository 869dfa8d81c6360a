"""Sanity checks: five checks before a long training, held against correct code and eight bugs.

Ten networks each learn 20 digits of their own with every code. All codes start from the same
weights and see the same digits: they differ in one bug.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.experiments.babysitting.bugs import broken_backward, gradient_factors
from core.lab.columns import crossed
from core.lab.datasets import standardized_digits
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, log_spaced, looks, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import both, decided, opposite
from core.nn.dataset import Dataset
from core.nn.layers import cross_entropy_forward, l2_forward
from core.nn.network import Layer, Network, forward, init_network, stack_networks
from core.nn.training import Hyper, accuracy, loss_and_gradients, train

Array = np.ndarray

COST = "normal"
BUGS = (
    *("summed", "no_penalty", "flipped", "frozen"),
    *("halved", "no_bias", "out_of_step", "random_labels"),
)
CODES = ("correct", *BUGS)
CHECKS = ("first_loss", "rise", "gradient", "overfit", "new_digits")
NETWORKS = 10  # of each code
EXAMPLES = 20
EPOCHS = 100
RATE, MOMENTUM = 0.1, 0.9
ENTRIES = 50  # of each weight matrix and bias vector whose slope is measured, at most

FIRST = 0.01  # from ln C; at weights of .01 it is at most .0034 in 300 networks
RISE = 1e-9  # a loss that rises by less has not risen
SLOPE = 1e-4  # relative error; at h = 1e-7 correct code has at most 7e-7, a bug .33 or more
MEMORIZED = 0.01  # loss of a memorized set, all of it right
BETTER = 0.3  # than chance, on new digits; correct code is .33 to .6, random labels at most .2
UP = 1.0  # what reg is turned up by
ENOUGH = 9  # of the NETWORKS must come out alike to decide a cell
ROUNDING = 1e-9  # relative, of the identity

# The lecture's own run, with weights of .0001 on CIFAR-10: reg -> loss.
PRINTED = {0: "2.3026", 1000: "3.06859716482"}


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The settings that are checked."""

    weight_scale: float = numbers(0.01, [0.001, 0.01, 0.02, 0.05, 0.2, 1.0])
    reg: float = log_spaced(0.0, 0.001, 10.0, per_decade=(1,), zero=True)
    h: float = log_spaced(1e-7, 1e-7, 1e-3, per_decade=(1,))
    hidden: int = numbers(50, [5, 20, 50, 100])
    classes: int = numbers(10, [3, 5, 10])
    code: str = looks(choice("correct", CODES))
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What each check measures.

    measured: (CODES, CHECKS, NETWORKS) the first loss, what it rises by, the relative error of the
    gradient, the share of the examples that are right in the end, that of new digits; loss: (CODES,
    NETWORKS) in the end, NaN or infinite where it has exploded; squares: (NETWORKS,) sum of all
    squared weights at the start.
    """

    config: Config
    measured: Array
    loss: Array
    squares: Array


@dataclass(frozen=True, eq=False)
class Codes:
    """What each code does wrong, run by run (CODES x NETWORKS); a factor of 1 is correct.

    labels: (runs, EXAMPLES) that it is given; loss, reg: (runs,) factors of data loss and penalty;
    gradients: of each layer's parameters, (runs, 1, 1); reshuffled: (runs,) where images and labels
    are shuffled apart at every step.
    """

    labels: Array
    loss: Array
    reg: Array
    gradients: list[Layer]
    reshuffled: Array
    rng: np.random.Generator

    def data_loss(self, logits: Array, labels: Array) -> tuple[Array, Any]:
        """Return the data loss (runs,) as each code computes it, and the cache."""
        loss, cache = cross_entropy_forward(logits, labels)
        return self.loss * loss, cache

    def training_loss(self, logits: Array, labels: Array) -> tuple[Array, Any]:
        """Return the data loss of a step of training, before which the examples are shuffled."""
        labels = labels.copy()
        labels[self.reshuffled] = self.rng.permuted(labels[self.reshuffled], axis=-1)
        return self.data_loss(logits, labels)


def write_codes(labels: Array, network: Network, rng: np.random.Generator) -> Codes:
    """Write correct code and all bugs, for the true labels (NETWORKS, EXAMPLES)."""
    own = {code: slice(i * NETWORKS, (i + 1) * NETWORKS) for i, code in enumerate(CODES)}
    given = np.tile(labels, (len(CODES), 1))
    given[own["random_labels"]] = rng.integers(labels.max() + 1, size=labels.shape)
    loss, reg = np.ones((2, len(given)))
    loss[own["summed"]] = EXAMPLES
    reg[own["no_penalty"]] = 0
    reshuffled = np.zeros(len(given), bool)
    reshuffled[own["out_of_step"]] = True
    gradients = [{name: loss[:, None, None].copy() for name in layer} for layer in network.layers]
    for code, runs in own.items():
        for name, factor in gradient_factors(code, network.layers[0], rng).items():
            gradients[0][name][runs] *= factor
    return Codes(given, loss, reg, gradients, reshuffled, rng)


def first_losses(codes: Codes, network: Network, x: Array, reg: float) -> Array:
    """Return (runs,) the whole loss of each code; the codes share the networks' logits."""
    logits, _ = forward(network, x)
    data_loss, _ = codes.data_loss(np.tile(logits, (len(CODES), 1, 1)), codes.labels)
    penalties = [l2_forward(layer["weight"], reg)[0] for layer in network.layers]
    return data_loss + codes.reg * np.tile(np.sum(penalties, axis=0), len(CODES))


def slopes(loss: Callable[[], Array], parameter: Array, entries: Array, h: float) -> Array:
    """Return (runs, entries): centred differences of a loss, entry after entry of a parameter.

    parameter: (networks, rows, columns), left as it is; entries: (2, entries) rows and columns.
    """
    measured = []
    for row, column in entries.T:
        entry = parameter[:, row, column]
        before = entry.copy()
        entry[:] = before + h
        above = loss()
        entry[:] = before - h
        measured.append((above - loss()) / (2 * h))
        entry[:] = before
    return np.stack(measured, axis=-1)


def gradient_errors(
    config: Config, codes: Codes, network: Network, x: Array, rng: np.random.Generator
) -> Array:
    """Return (runs,) the relative error |a - n| / (|a| + |n|) of the worst parameter array.

    a are gradients of a code, n the measured slopes of its loss, of some entries of an array.
    """
    _, gradients, _ = loss_and_gradients(
        tiled(network),
        np.tile(x, (len(CODES), 1, 1)),
        codes.labels,
        config.reg * codes.reg,
        backward=broken_backward(*codes.gradients),
        loss=codes.data_loss,
    )
    errors = []
    for layer, gradient in zip(network.layers, gradients):
        for name, parameter in layer.items():
            shape = parameter.shape[1:]
            entries = np.array(np.unravel_index(rng.permutation(np.prod(shape))[:ENTRIES], shape))
            numeric = slopes(
                lambda: first_losses(codes, network, x, config.reg), parameter, entries, config.h
            )
            analytic = gradient[name][:, *entries]
            norms = [np.linalg.norm(v, axis=-1) for v in (analytic - numeric, analytic, numeric)]
            errors.append(norms[0] / (norms[1] + norms[2]))
    return np.max(errors, axis=0)


def tiled(network: Network, dtype: type = np.float64) -> Network:
    """Return the networks once for each code."""
    layers: list[Layer] = [
        {name: np.tile(p.astype(dtype), (len(CODES), 1, 1)) for name, p in layer.items()}
        for layer in network.layers
    ]
    return Network(layers, network.activation)


def memorize(config: Config, codes: Codes, network: Network, data: Dataset) -> Network:
    """Return the networks of all codes, each trained on its examples by its code."""
    (batches,) = streams(config.seed, "batches")
    learned = tiled(network, np.float32)
    records = train(
        learned,
        replace(data, x_train=np.tile(data.x_train, (len(CODES), 1, 1)), y_train=codes.labels),
        Hyper(learning_rate=RATE, momentum=MOMENTUM, reg=config.reg * codes.reg),
        batch_size=EXAMPLES,
        epochs=EPOCHS,
        record_every=EPOCHS,
        measure=(),
        rng=batches,
        backward=broken_backward(*codes.gradients),
        loss=codes.training_loss,
    )
    for _ in records:
        pass
    return learned


def examples(config: Config, rng: np.random.Generator) -> Dataset:
    """Return the digits of the first classes, of which every network trains on EXAMPLES of its own.

    x_train: (NETWORKS, EXAMPLES, 64).
    """
    digits = standardized_digits()
    known = np.flatnonzero(digits.y_train < config.classes)
    chosen = np.array([rng.permutation(known)[:EXAMPLES] for rng in rng.spawn(NETWORKS)])
    new = digits.y_val < config.classes
    return replace(
        digits,
        x_train=digits.x_train[chosen],
        y_train=digits.y_train[chosen],
        x_val=digits.x_val[new],
        y_val=digits.y_val[new],
        classes=config.classes,
    )


@np.errstate(all="ignore")  # where a loss explodes
def run(config: Config) -> Result:
    """Make all checks with all codes."""
    choices, weights, mistakes, entries = streams(
        config.seed, "data", "weights", "mistakes", "entries"
    )
    data = examples(config, choices)
    sizes = data.x_train.shape[-1], config.hidden, config.classes
    network = stack_networks(
        [init_network(sizes, config.weight_scale, rng=rng) for rng in weights.spawn(NETWORKS)]
    )
    codes = write_codes(data.y_train, network, mistakes)
    first, more = (
        first_losses(codes, network, data.x_train, reg) for reg in (config.reg, config.reg + UP)
    )
    errors = gradient_errors(config, codes, network, data.x_train, entries)
    learned = memorize(config, codes, network, data)
    seen, _ = forward(learned, np.tile(data.x_train, (len(CODES), 1, 1)))
    new, _ = forward(learned, data.x_val)
    by_code = len(CODES), NETWORKS
    measured = [
        first,
        more - first,
        errors,
        accuracy(seen, codes.labels),
        accuracy(new, data.y_val),
    ]
    return Result(
        config=config,
        measured=np.stack([values.reshape(by_code) for values in measured], axis=1),
        loss=codes.training_loss(seen, codes.labels)[0].reshape(by_code),
        squares=np.sum(
            [np.square(layer["weight"]).sum(axis=(-2, -1)) for layer in network.layers], 0
        ),
    )


def passed(result: Result) -> Array:
    """Return (CODES, CHECKS, NETWORKS): which networks pass which check."""
    first, rise, error, right, new = result.measured.swapaxes(0, 1)
    classes = result.config.classes
    return np.stack(
        [
            np.abs(first - np.log(classes)) < FIRST,
            rise > RISE,
            error < SLOPE,
            (right == 1) & (result.loss < MEMORIZED),
            new > 1 / classes + BETTER,
        ],
        axis=1,
    )


def cells(result: Result) -> Array:
    """Return (CODES, CHECKS): 1 where a code passes a check, -1 where it fails, 0 not clear."""
    count = passed(result).sum(axis=-1)
    return np.where(count >= ENOUGH, 1, np.where(count <= NETWORKS - ENOUGH, -1, 0))


def finds(result: Result) -> Array:
    """Return (BUGS, CHECKS): which check finds which bug, as it fails that and no correct code."""
    correct, *broken = cells(result)
    return (np.array(broken) == -1) & (correct == 1)


def findings(result: Result) -> tuple[Finding, ...]:
    """T1: every bug fails a check, correct code none. T2: the first loss. Is one check enough?"""
    correct, *broken = cells(result)
    alone = [
        Finding(
            claim=check,
            outcome=opposite(_outcome(max(of_bugs))),
            values={"slip": (of_bugs == 1).sum(), "bugs": len(BUGS), "networks": NETWORKS},
        )
        for check, of_correct, of_bugs in zip(CHECKS, correct, np.transpose(broken))
        if check in ("gradient", "overfit") and of_correct == 1
    ]
    return (_all_checks(result), _first_loss(result), _penalty(result), *alone)


def _outcome(cell: int) -> Outcome:
    return {1: Outcome.HOLDS, 0: Outcome.UNCLEAR, -1: Outcome.FAILS}[int(cell)]


def _all_checks(result: Result) -> Finding:
    """T1: a correct code that fails is told before a bug that is not found."""
    correct, *broken = cells(result)
    found = finds(result)
    worst = int(correct.argmin())
    slips = (np.array(broken) == 1).all(axis=-1)
    if correct[worst] < 1:
        outcome, because = _outcome(correct[worst]), CHECKS[worst] if worst else _too_large(result)
    elif found.any(axis=-1).all():
        outcome, because = Outcome.HOLDS, ""
    else:
        outcome, because = (Outcome.FAILS if slips.any() else Outcome.UNCLEAR), "bug"
    first, _, error, right, new = result.measured[0].mean(axis=-1)
    return Finding(
        claim="T1",
        outcome=outcome,
        because=because,
        values={
            "bugs": len(BUGS),
            "found": found.any(axis=-1).sum(),
            "best": found.sum(axis=0).max(),
            "networks": NETWORKS,
            "passes": passed(result)[0, worst].sum(),
            "first": first,
            "off": abs(first - np.log(result.config.classes)),
            "error": error,
            "right": right,
            "new": new,
        },
    )


def _too_large(result: Result) -> str:
    """Name what lifts the first loss above ln C: "weights", or the penalty alone, "reg"."""
    penalty = 0.5 * result.config.reg * result.squares
    data_loss = (result.measured[0, 0] - penalty).mean()
    return "weights" if abs(data_loss - np.log(result.config.classes)) > FIRST else "reg"


def _first_loss(result: Result) -> Finding:
    config, first = result.config, result.measured[0, 0]
    guess = np.log(config.classes)
    return Finding(
        claim="T2",
        outcome=both(*map(_outcome, cells(result)[0, :2])),
        because=_too_large(result),
        values={
            "first": first.mean(),
            "guess": guess,
            "off": np.abs(first - guess).max(),
            "rise": result.measured[0, 1].mean(),
            "penalty": 0.5 * config.reg * result.squares.mean(),
            "bar": FIRST,
        },
    )


def _penalty(result: Result) -> Finding:
    """T2b: the loss rises by 0.5 * reg * sum of W^2; that is checked to rounding."""
    expected = 0.5 * UP * result.squares
    error = np.abs(result.measured[0, 1] / expected - 1).max()
    return Finding(
        claim="T2b",
        outcome=decided(error < ROUNDING),
        identity=True,
        values={"rise": expected.mean(), "up": UP},
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per code and check, and the lecture's first losses beside this run's."""
    first = (result.measured[0, 0] - 0.5 * result.config.reg * result.squares).mean()
    return {
        "checks": {
            **crossed(code=CODES, check=CHECKS),
            "measured": result.measured.mean(axis=-1).ravel(),
            "passes": passed(result).sum(axis=-1).ravel(),
            "networks": [NETWORKS] * len(CODES) * len(CHECKS),
        },
        "printed": {
            "reg": list(PRINTED),
            "slide (CIFAR-10, weights 0.0001)": list(PRINTED.values()),
            "this run (digits)": [
                f"{first + 0.5 * reg * result.squares.mean():.4f}" for reg in PRINTED
            ],
        },
    }


PRESETS = {
    "lecture": Config(),
    "he": Config(weight_scale=0.2),
    "reg_on": Config(reg=1.0),
    "kinks": Config(h=1e-4),
    "long_step": Config(h=1e-3),
    "narrow": Config(hidden=5),
    "three": Config(classes=3),
}
SMALL = Config(hidden=5, classes=3)
SHOWN = (
    first_losses,
    slopes,
    gradient_errors,
    loss_and_gradients,
    write_codes,
    gradient_factors,
    broken_backward,
    memorize,
)
