"""Symmetry: units that start equal stay equal, whatever they learn.

Three networks descend the same loss, from zero weights, from one constant and from small random
weights. The hidden layer sees digits, so a unit's weights are a picture of 8x8 pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.datasets import standardized_digits
from core.lab.finding import Finding
from core.lab.knobs import Checked, choice, integer, log_spaced, looks, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import decided
from core.nn.initializers import init_weight
from core.nn.layers import first_linear_backward, linear_forward
from core.nn.network import Network, init_network, stack_networks
from core.nn.training import Hyper, history, train

COST = "instant"
STARTS = ("zero", "constant", "random")
ZERO, CONSTANT, RANDOM = range(len(STARTS))
STEPS = 40
SIDE = 8  # px of a unit's picture

EQUAL = 1e-12  # I1: units whose weights differ by less are the same unit


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The hidden layer, the step at which it is looked at, and how it learns."""

    step: int = looks(integer(20, 0, STEPS))
    activation: str = choice("tanh", ["tanh", "relu", "sigmoid"])
    hidden: int = numbers(8, [2, 4, 8])
    learning_rate: float = log_spaced(1.0, 0.05, 5.0)
    weight_scale: float = log_spaced(0.01, 1e-4, 1.0)
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Per start of STARTS and step, the first one being the start itself.

    weight: (starts, STEPS + 1, 64, hidden) of the hidden layer; between: (starts, STEPS + 1)
    greatest difference of a unit's weights from the first unit's; within: (starts, STEPS + 1)
    greatest difference inside a unit; distinct: (starts, STEPS + 1) number of different units;
    gradient: (starts, STEPS) norm of the hidden weights' gradient in every step; data_loss:
    (starts, STEPS + 1).
    """

    config: Config
    weight: np.ndarray
    between: np.ndarray
    within: np.ndarray
    distinct: np.ndarray
    gradient: np.ndarray
    data_loss: np.ndarray


def three_starts(config: Config, sizes: tuple[int, ...], rng: np.random.Generator) -> Network:
    """Return a stack of STARTS: weights of 0, of one constant, and drawn around 0; biases are 0."""
    schemes = "zero", "constant", config.weight_scale
    network = stack_networks([init_network(sizes, s, config.activation, rng=rng) for s in schemes])
    for layer in network.layers:
        layer["weight"][CONSTANT] = config.weight_scale
    return network


def distinct_units(weight: np.ndarray) -> np.ndarray:
    """Return (...): how many columns of (..., fan_in, units) differ by EQUAL or more."""
    apart = np.abs(weight[..., :, None] - weight[..., None, :]).max(axis=-3)  # (..., units, units)
    repeats_earlier = np.tril(apart < EQUAL, -1).any(axis=-1)
    return np.sum(~repeats_earlier, axis=-1)


def run(config: Config) -> Result:
    """Descend from all three starts at once, all training digits in every step."""
    weights, batches = streams(config.seed, "weights", "batches")
    data = standardized_digits()
    network = three_starts(config, (SIDE * SIDE, config.hidden, data.classes), weights)
    by_step, records = [], []
    for record in train(
        network,
        data,
        Hyper(learning_rate=config.learning_rate),
        batch_size=len(data.x_train),
        epochs=STEPS,
        rng=batches,
        measure=("train",),
    ):
        records.append(record)
        by_step.append(network.layers[0]["weight"].copy())
    weight = np.stack(by_step, axis=1)
    # A step of plain descent is the gradient times the rate.
    gradient = np.linalg.norm(np.diff(weight, axis=1), axis=(-2, -1)) / config.learning_rate
    return Result(
        config=config,
        weight=weight,
        between=np.abs(weight - weight[..., :1]).max(axis=(-2, -1)),
        within=np.ptp(weight, axis=-2).max(axis=-1),
        distinct=distinct_units(weight),
        gradient=gradient,
        **history(records, "data_loss"),
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """I1: equal units stay equal. I1b: zeros and their gradient. E18: one value everywhere."""
    return _equal_units(result), _from_zero(result), _one_value(result)


def _equal_units(result: Result) -> Finding:
    """Count the different units at the chosen step."""
    step = result.config.step
    zero, constant, random = result.distinct[:, step]
    between = result.between[[ZERO, CONSTANT], step].max()
    return Finding(
        claim="I1",
        outcome=decided(zero == constant == 1 and random == result.config.hidden),
        identity=True,
        because="" if between else "exact",
        values={"constant": constant, "random": random, "between": between},
    )


def _from_zero(result: Result) -> Finding:
    """Hold the gradient from zero weights against 0: sigmoid's outputs are 1/2 there, not 0."""
    first, later = result.gradient[ZERO, 0], result.gradient[ZERO, 1:].max()
    sigmoid = result.config.activation == "sigmoid"
    return Finding(
        claim="I1b",
        outcome=decided(first == 0 and (later > 0 if sigmoid else later == 0)),
        because="sigmoid" if sigmoid else "",
        values={"most": max(first, later), "loss": result.data_loss[ZERO, STEPS]},
    )


def _one_value(result: Result) -> Finding:
    """E18: compare the entries inside a unit that started constant."""
    step = result.config.step
    within = result.within[CONSTANT, step]
    return Finding(
        claim="E18",
        outcome=decided(within < EQUAL),
        misreading=True,
        because="" if step else "start",
        values={"within": within},
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per start and step, and the hidden weights at the chosen step."""
    steps, hidden = np.arange(STEPS + 1), result.config.hidden
    by_step = ("distinct", "between", "within", "data_loss")
    return {
        "steps": {
            **crossed(start=STARTS, step=steps),
            **{name: getattr(result, name).ravel() for name in by_step},
        },
        "weights": {
            **crossed(start=STARTS, unit=np.arange(hidden), pixel=np.arange(SIDE * SIDE)),
            "weight": result.weight[:, result.config.step].mT.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "first": Config(step=0),
    "relu": Config(activation="relu"),
    "sigmoid": Config(activation="sigmoid", step=STEPS),
    "large": Config(weight_scale=0.5),
}
SMALL = Config(hidden=2)
SHOWN = (init_weight, three_starts, linear_forward, first_linear_backward, distinct_units)
