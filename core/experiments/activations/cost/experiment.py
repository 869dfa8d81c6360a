"""Cost: what a layer's time goes to, the matrix product or the activation, on this machine.

The one experiment whose result is not determined by its knobs: it measures time. What is timed
takes turns, and the least time of a block of rounds counts, as other work only adds to it; several
blocks tell how far a time can be trusted. float64, one thread.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import get_clock_info, perf_counter, thread_time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from core.lab.finding import Finding
from core.lab.knobs import Checked, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, both
from core.nn.activations import ACTIVATIONS, Activation
from core.nn.layers import (
    activation_backward,
    activation_forward,
    linear_backward,
    linear_forward,
)

Array = np.ndarray

COST = "instant"
FUNCTIONS = ("relu", "leaky_relu", "sigmoid", "tanh", "elu", "selu", "silu", "softplus", "gelu")
NO_EXP = ("relu", "leaky_relu")
LECTURE = ("sigmoid", "tanh", "elu")  # those with exp() in the lecture
COMPARED = (*NO_EXP, *LECTURE)  # that findings speak of
MEASURED = "ratio", "share", "slowdown"  # of a Result
BLOCKS, ROUNDS = 8, 4
ELEMENTS = 8000  # that are timed at once at least: a small layer is passed several times
# The processor's time of this thread, where the system tells it finely enough.
FINE = get_clock_info("thread_time").resolution < 1e-6
CLOCK = thread_time if FINE else perf_counter
SLOW = 1.25  # A5b: time of a layer, as a multiple of one with ReLU, that counts as slow


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The layer whose time is taken: as many inputs as units."""

    width: int = numbers(500, [20, 100, 500, 1000])
    batch_size: int = numbers(64, [16, 64, 256])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Seconds of a forward and a backward pass of one layer, block by block.

    activation: (BLOCKS, FUNCTIONS); product: (BLOCKS,), of the matrix products alone.
    """

    config: Config
    activation: Array
    product: Array

    @property
    def ratio(self) -> Array:
        """Return (BLOCKS, FUNCTIONS): an activation's time as a multiple of ReLU's."""
        return self.activation / self.activation[:, [FUNCTIONS.index("relu")]]

    @property
    def share(self) -> Array:
        """Return (BLOCKS, FUNCTIONS): an activation's share of the layer's time."""
        return self.activation / (self.activation + self.product[:, None])

    @property
    def slowdown(self) -> Array:
        """Return (BLOCKS, FUNCTIONS): the layer's time as a multiple of that with ReLU."""
        layer = self.activation + self.product[:, None]
        return layer / layer[:, [FUNCTIONS.index("relu")]]


def multiply(x: Array, weight: Array) -> None:
    """Do a layer's matrix products: one forward, two backward, for inputs and weights."""
    out, cache = linear_forward(x, weight)
    linear_backward(out, cache)


def activate(z: Array, activation: Activation) -> None:
    """Apply an activation forward and backward; nothing is kept."""
    _, cache = activation_forward(z, activation)
    activation_backward(z, cache)


def least_times(calls: Sequence[Callable[[], None]], repeats: int) -> Array:
    """Return (BLOCKS, calls) the least seconds of each call over the rounds of a block."""
    times = np.empty((BLOCKS, ROUNDS, len(calls)))
    for row in times.reshape(-1, len(calls)):
        for i, call in enumerate(calls):
            start = CLOCK()
            for _ in range(repeats):
                call()
            row[i] = CLOCK() - start
    least: Array = times.min(axis=1) / repeats
    return least


def run(config: Config) -> Result:
    """Time every activation and the matrix products of one layer."""
    data, weights = streams(config.seed, "data", "weights")
    x = data.standard_normal((config.batch_size, config.width))
    weight = weights.standard_normal((config.width, config.width)) / config.width**0.5
    calls = [
        partial(multiply, x, weight),
        *(partial(activate, x, ACTIVATIONS[name]) for name in FUNCTIONS),
    ]
    with threadpool_limits(1, user_api="blas"):
        product, *activation = least_times(calls, max(1, ELEMENTS // x.size)).T
    return Result(config=config, activation=np.stack(activation, axis=-1), product=product)


def findings(result: Result) -> tuple[Finding, ...]:
    """A5b: that exp() makes a network slow. A5: functions with exp() take longer than ReLU.

    A5b is held against the slowest of the lecture's functions; A5 holds only if each of them does.
    """
    places = [FUNCTIONS.index(name) for name in LECTURE]
    middle = {name: np.median(getattr(result, name), axis=0) for name in MEASURED}
    at = max(places, key=lambda place: middle["slowdown"][place])
    values = {
        **{name: middle["ratio"][place] for name, place in zip(LECTURE, places)},
        "name": FUNCTIONS[at],
        **{name: values[at] for name, values in middle.items()},
        "rest": 1 - middle["share"][at],
    }
    return (
        Finding(
            claim="A5b",
            outcome=above_over_seeds(result.slowdown[:, at], SLOW),
            misreading=True,
            values={**values, "bar": SLOW},
        ),
        Finding(
            claim="A5",
            outcome=both(*(above_over_seeds(np.log(result.ratio[:, p])) for p in places)),
            values={**values, "bar": 1.0},
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return the times of every function, medians of the blocks."""
    return {
        "times": {
            "function": list(FUNCTIONS),
            "microseconds": np.median(result.activation, axis=0) * 1e6,
            "matrix product": np.full(len(FUNCTIONS), np.median(result.product) * 1e6),
            "ratio": np.median(result.ratio, axis=0),
            "share": np.median(result.share, axis=0),
            "whole layer": np.median(result.slowdown, axis=0),
        }
    }


PRESETS = {
    "layer": Config(),
    "narrow": Config(width=20),
    "wide": Config(width=1000, batch_size=256),
}
SMALL = Config(width=20, batch_size=16)
SHOWN = (multiply, activate, least_times)
