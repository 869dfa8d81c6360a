"""Symmetry: units that start equal stay equal, whatever they learn.

Three networks descend the same loss, from zero weights, from one constant and from small random
weights. The hidden layer sees digits, so a unit's weights are a picture of 8x8 pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.columns import crossed
from core.datasets import load_digits
from core.finding import Finding
from core.initializers import init_weight
from core.knobs import Checked, choice, integer, log_spaced, numbers, seed
from core.layers import linear_backward, linear_forward
from core.network import init_network, stack_networks
from core.preprocessing import fit_standardizer
from core.training import Hyper, history, loss_and_gradients, train

COST = "instant"
STARTS = ("zero", "constant", "random")
STEPS = 40
SIDE = 8  # px of a unit's picture

EQUAL = 1e-12  # I1: units whose weights differ by less are the same unit


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The hidden layer, the step at which it is looked at, and how it learns."""

    step: int = integer(20, 0, STEPS)
    activation: str = choice("tanh", ["tanh", "relu", "sigmoid"])
    hidden: int = numbers(8, [2, 4, 8])
    learning_rate: float = log_spaced(1.0, 0.05, 5.0)
    weight_scale: float = log_spaced(0.01, 1e-4, 1.0)
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Per start of STARTS, and step where there is a last axis of STEPS + 1.

    weight: (starts, 64, hidden) of the hidden layer at the chosen step; between: (starts, steps)
    greatest difference of a unit's weights from the first unit's; within: (starts, steps) greatest
    difference inside a unit; distinct: (starts, steps) number of different units; gradient:
    (starts, steps) norm of the hidden weights' gradient; data_loss, train_accuracy: the same.
    """

    config: Config
    weight: np.ndarray
    between: np.ndarray
    within: np.ndarray
    distinct: np.ndarray
    gradient: np.ndarray
    data_loss: np.ndarray
    train_accuracy: np.ndarray


def distinct_units(weight: np.ndarray) -> np.ndarray:
    """Return (...): how many columns of (..., fan_in, units) differ by EQUAL or more."""
    apart = np.abs(weight[..., :, None] - weight[..., None, :]).max(axis=-3)  # (..., units, units)
    repeats_earlier = np.tril(apart < EQUAL, -1).any(axis=-1)
    return np.sum(~repeats_earlier, axis=-1)


def run(config: Config) -> Result:
    """Descend from all three starts at once, full batch."""
    digits = load_digits()
    data = digits.map(fit_standardizer(digits.x_train).transform)
    sizes = (SIDE * SIDE, config.hidden, digits.classes)
    network = stack_networks(
        [
            init_network(sizes, scheme, config.activation, rng=np.random.default_rng(config.seed))
            for scheme in ("zero", "constant", config.weight_scale)
        ]
    )
    for layer in network.layers:
        layer["weight"][STARTS.index("constant")] = config.weight_scale
    weights, gradient, records = [], [], []
    for record in train(
        network,
        data,
        Hyper(learning_rate=config.learning_rate),
        batch_size=len(data.x_train),
        epochs=STEPS,
        rng=np.random.default_rng(config.seed),
        measure=("train",),
    ):
        records.append(record)
        weights.append(network.layers[0]["weight"].copy())
        _, gradients, _ = loss_and_gradients(network, data.x_train, data.y_train)
        gradient.append(np.linalg.norm(gradients[0]["weight"], axis=(-2, -1)))
    by_step = np.stack(weights, axis=1)
    return Result(
        config=config,
        weight=by_step[:, config.step],
        between=np.abs(by_step - by_step[..., :1]).max(axis=(-2, -1)),
        within=np.ptp(by_step, axis=-2).max(axis=-1),
        distinct=distinct_units(by_step),
        gradient=np.stack(gradient, axis=-1),
        **history(records, "data_loss", "train_accuracy"),
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """I1: equal units stay equal. I1b: zeros and their gradient. E18: one value everywhere."""
    step = result.config.step
    zero, constant, random = (STARTS.index(start) for start in STARTS)
    distinct, between, within = (
        getattr(result, name)[:, step] for name in ("distinct", "between", "within")
    )
    return (
        Finding(
            claim="I1",
            holds=bool(distinct[zero] == distinct[constant] == 1 < distinct[random]),
            values={
                "constant": distinct[constant],
                "random": distinct[random],
                "between": between[constant],
                "loss_constant": result.data_loss[constant, step],
                "loss_random": result.data_loss[random, step],
            },
        ),
        Finding(
            claim="I1b",
            holds=bool((result.gradient[zero] == 0).all()),
            values={
                "start": result.gradient[zero, 0],
                "most": result.gradient[zero].max(),
                "loss": result.data_loss[zero, step],
            },
        ),
        Finding(
            claim="E18",
            holds=bool(within[constant] < EQUAL),
            values={"within": within[constant], "between": between[constant]},
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per start and step, and the hidden weights at the chosen step."""
    steps, hidden = np.arange(STEPS + 1), result.config.hidden
    pixels = np.arange(SIDE * SIDE)
    return {
        "steps": {
            **crossed(start=STARTS, step=steps),
            **{
                name: getattr(result, name).ravel()
                for name in (
                    *("distinct", "between", "within", "gradient"),
                    *("data_loss", "train_accuracy"),
                )
            },
        },
        "weights": {
            **crossed(start=STARTS, unit=np.arange(1, hidden + 1), pixel=pixels),
            "weight": result.weight.mT.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "first": Config(step=0),
    "relu": Config(activation="relu"),
    "sigmoid": Config(activation="sigmoid"),
    "large": Config(weight_scale=0.5),
}
SMALL = Config(hidden=2)
SHOWN = (init_weight, linear_forward, linear_backward, distinct_units)
