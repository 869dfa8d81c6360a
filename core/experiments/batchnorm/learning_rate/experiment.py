"""Learning rate: which pairs of learning rate and weight scale learn, with batch norm and without.

A map of networks, each from the same draws, multiplied by its weight scale, on the same batches. A
run whose loss exceeds three times its first one has diverged and is given up. Beside it, before any
training: the gradient of every layer of deep networks, ten seeds.
"""

from collections.abc import Generator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.datasets import standardized_digits
from core.lab.finding import Finding
from core.lab.knobs import Checked, choice, looks, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above, above_over_seeds
from core.nn.dataset import Dataset
from core.nn.layers import (
    batchnorm_backward,
    batchnorm_forward,
    linear_backward,
    linear_forward,
)
from core.nn.network import init_network, stack_networks
from core.nn.statistics import gradient_std
from core.nn.training import Hyper, loss_and_gradients, train_many

Array = np.ndarray

COST = "training"
CASES = {"with": "before", "without": "none"}  # batch norm stands before the nonlinearity
RATES = np.logspace(-2.5, 0.5, 7)  # 0.0032 to 3.2
SCALES = np.logspace(0, -3.5, 8)  # 1 to 0.00032
UNITS, BATCH = 50, 50
EVERY = 2  # epochs from one record to the next

DEPTHS = (5, 10, 30)  # of the networks whose gradients are looked at
STARTS = ("he", "small")
SEEDS = 10
WIDE_UNITS, WIDE_BATCH = 100, 100

TIMES, TIMES_MARGIN = 3, 0.5  # B5: pairs with over pairs without
STEPS, STEPS_MARGIN = 1, 1  # B5b: of the rates, each 3.2 times the one before
MORE, MORE_MARGIN = 2, 1  # B5c: weight scales
FLOWS = 100  # B5d: gradient of the first layer, with over without, from too small weights


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The networks of the map; and what is looked at."""

    depth: int = numbers(5, [1, 3, 5])
    target: float = looks(numbers(0.9, [0.5, 0.8, 0.9, 0.95]))
    deep: int = looks(numbers(30, DEPTHS))
    start: str = looks(choice("he", STARTS))
    epochs: int = numbers(10, [4, 10])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Per case (with, without).

    accuracy: (2, SCALES, RATES) on the training digits after the last epoch, NaN for runs that
    diverged; gradient: (2, STARTS, DEPTHS, SEEDS, layers) std of the gradient of each hidden
    layer's weights before training, NaN beyond the last one.
    """

    config: Config
    accuracy: Array
    gradient: Array

    @property
    def learns(self) -> Array:
        """Return (2, SCALES, RATES) True where a run ends above the target."""
        return self.accuracy > self.config.target

    @property
    def shown(self) -> Array:
        """Return (2, SEEDS, layers) the gradients of the networks that are looked at."""
        return gradients_of(self, self.config.start, self.config.deep)


def gradients_of(result: Result, start: str, depth: int) -> Array:
    """Return (2, SEEDS, layers) the gradients of networks of one start and depth."""
    return result.gradient[:, STARTS.index(start), DEPTHS.index(depth), :, :depth]


def steps(config: Config) -> Generator[float, None, Result]:
    """Train both maps side by side, yielding the share done."""
    weights, deep_weights, batches = streams(config.seed, "weights", "deep weights", "batches")
    data = standardized_digits()
    gradient = first_gradients(data, deep_weights)
    trainings = [
        train_many(
            stack_networks(
                [
                    init_network(
                        (64, *[UNITS] * config.depth, 10),
                        scale,
                        rng=deepcopy(weights),
                        batch_norm=batch_norm,
                        dtype=np.float32,
                    )
                    for scale in np.repeat(SCALES, len(RATES)).tolist()
                ]
            ),
            data,
            Hyper(learning_rate=np.tile(RATES, len(SCALES))),
            batch_size=BATCH,
            epochs=config.epochs,
            rng=deepcopy(batches),
            record_every=EVERY * -(-len(data.y_train) // BATCH),
            measure=("train",),
            abandon=True,
        )
        for batch_norm in CASES.values()
    ]
    for records in zip(*trainings):
        yield records[0].epoch / config.epochs
    accuracy = [np.where(last.has_failed, np.nan, last.train_accuracy) for last in records]
    shape = len(CASES), len(SCALES), len(RATES)
    return Result(config=config, accuracy=np.reshape(accuracy, shape), gradient=gradient)


def first_gradients(data: Dataset, rng: np.random.Generator) -> Array:
    """Return Result.gradient: one batch through networks that have not been trained."""
    found = np.full((len(CASES), len(STARTS), len(DEPTHS), SEEDS, max(DEPTHS)), np.nan)
    rngs = rng.spawn(SEEDS)
    for case, start, depth in np.ndindex(found.shape[:3]):
        sizes = (64, *[WIDE_UNITS] * DEPTHS[depth], 10)
        networks = [
            init_network(sizes, STARTS[start], rng=r, batch_norm=list(CASES.values())[case])
            for r in deepcopy(rngs)
        ]
        _, gradients, _ = loss_and_gradients(
            stack_networks(networks), data.x_train[:WIDE_BATCH], data.y_train[:WIDE_BATCH]
        )
        stds = gradient_std(layer["weight"] for layer in gradients[:-1])
        found[case, start, depth, :, : DEPTHS[depth]] = stds
    return found


def findings(result: Result) -> tuple[Finding, ...]:
    """B5: more pairs. B5b: higher rates. B5c: more scales. B5d: gradient flow. even: is it even?"""
    normed, plain = result.learns.sum(axis=(1, 2)).tolist()
    times = normed / max(plain, 1)
    highest = [np.flatnonzero(case.any(axis=0)).max(initial=-1) for case in result.learns]
    scales = result.learns.any(axis=2).sum(axis=-1).tolist()
    rates = {case: RATES[i] if i >= 0 else "none" for case, i in zip(CASES, highest)}
    return (
        Finding(
            claim="B5",
            outcome=above(times, TIMES, TIMES_MARGIN),
            because="" if plain else "none",
            values={
                "normed": normed,
                "plain": plain,
                "pairs": result.learns[0].size,
                "times": times,
                "bar": TIMES,
            },
        ),
        Finding(
            claim="B5b",
            outcome=above(highest[0] - highest[1], STEPS, STEPS_MARGIN),
            values={"normed": rates["with"], "plain": rates["without"]},
        ),
        Finding(
            claim="B5c",
            outcome=above(scales[0] - scales[1], MORE, MORE_MARGIN),
            values={"normed": scales[0], "plain": scales[1], "scales": len(SCALES)},
        ),
        _flow(result),
        _even(result),
    )


def _flow(result: Result) -> Finding:
    """B5d: does more gradient arrive at the first layer, from weights that are too small?"""
    normed, plain = gradients_of(result, "small", result.config.deep)[..., 0]
    with np.errstate(divide="ignore"):
        outcome = above_over_seeds(np.log(normed / plain), float(np.log(FLOWS)))
    values = {"normed": normed.mean(), "plain": plain.mean(), "bar": FLOWS}
    return Finding(claim="B5d", outcome=outcome, values=values)


def _even(result: Result) -> Finding:
    """Misreading: batch norm makes gradients as large in the first layers as in the last."""
    normed, plain = growth(gradients_of(result, "he", result.config.deep))
    uneven = np.abs(np.log(plain)) - np.abs(np.log(normed))
    return Finding(
        claim="even",
        outcome=above_over_seeds(uneven),
        values={"normed": np.exp(np.log(normed).mean()), "plain": np.exp(np.log(plain).mean())},
        misreading=True,
    )


def growth(gradient: Array) -> Array:
    """Return (2, SEEDS) how many times the last layer's gradient the first one has."""
    ratio: Array = gradient[..., 0] / gradient[..., -1]
    return ratio


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per pair of the map, and the gradients that are looked at, layer by layer."""
    layers = np.arange(1, result.config.deep + 1)
    return {
        "map": {
            **crossed(case=tuple(CASES), scale=SCALES, rate=RATES),
            "accuracy": result.accuracy.ravel(),
            "learns": result.learns.ravel(),
        },
        "gradient": {
            **crossed(case=tuple(CASES), seed=np.arange(SEEDS), layer=layers),
            "gradient": result.shown.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "one": Config(depth=1),
    "short": Config(epochs=4),
}
SMALL = Config(depth=1, epochs=4)
SHOWN = (
    *(linear_forward, batchnorm_forward, batchnorm_backward, linear_backward),
    first_gradients,
)
