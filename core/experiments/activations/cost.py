"""Cost: how long each activation takes, measured on the machine that runs the app.

The one experiment whose result is not determined by its knobs: it measures time. Every contender
is timed in turn, several rounds, and the least time counts: other work only adds to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from core.activations import ACTIVATIONS
from core.finding import Finding
from core.knobs import Checked, numbers, seed
from core.layers import activation_backward, activation_forward

COST = "instant"
FUNCTIONS = ("relu", "leaky_relu", "sigmoid", "tanh", "elu", "selu", "silu", "softplus", "gelu")
DEAR = ("sigmoid", "tanh", "elu")  # A5: those that need exp()
ROUNDS = 30


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The layer whose time is taken."""

    width: int = numbers(500, [20, 100, 500, 1000])
    batch_size: int = numbers(64, [16, 64, 256])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Nanoseconds, per function of FUNCTIONS.

    forward, derivative: (functions,) per element; layer: of the matrix product alone, per output.
    """

    config: Config
    forward: np.ndarray
    derivative: np.ndarray
    layer: float

    @property
    def ratio(self) -> np.ndarray:
        """Return the time of function and derivative as a multiple of ReLU's."""
        time = self.forward + self.derivative
        return time / time[FUNCTIONS.index("relu")]

    @property
    def share(self) -> np.ndarray:
        """Return the activation's share of a layer's forward and backward pass.

        The matrix product counts three times: forward, and backward for inputs and weights.
        """
        time = self.forward + self.derivative
        return time / (time + 3 * self.layer)


def best_time(calls: list[Callable[[], Any]]) -> np.ndarray:
    """Return the least time of each call in seconds, over rounds in which all take turns."""
    times = np.empty((ROUNDS, len(calls)))
    for row in times:
        for i, call in enumerate(calls):
            start = perf_counter()
            call()
            row[i] = perf_counter() - start
    return times.min(axis=0)


def run(config: Config) -> Result:
    """Time every function, its derivative and the matrix product of one layer."""
    rng = np.random.default_rng(config.seed)
    x = rng.standard_normal((config.batch_size, config.width))
    weight = rng.standard_normal((config.width, config.width)) / config.width**0.5
    z = x @ weight
    caches = [activation_forward(z, ACTIVATIONS[name])[1] for name in FUNCTIONS]
    calls: list[Callable[[], Any]] = [partial(np.matmul, x, weight)]
    calls += [partial(activation_forward, z, ACTIVATIONS[name]) for name in FUNCTIONS]
    calls += [partial(activation_backward, z, cache) for cache in caches]
    with threadpool_limits(1, user_api="blas"):
        layer, *times = best_time(calls) / z.size * 1e9
    count = len(FUNCTIONS)
    return Result(
        config=config,
        forward=np.array(times[:count]),
        derivative=np.array(times[count:]),
        layer=float(layer),
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """A5: functions with exp() are dearer than ReLU, and what that is of a layer's time."""
    ratio = dict(zip(FUNCTIONS, result.ratio))
    share = dict(zip(FUNCTIONS, result.share))
    return (
        Finding(
            claim="A5",
            holds=all(ratio[name] > 1 for name in DEAR),
            values={
                **{name: ratio[name] for name in FUNCTIONS},
                "share": share["sigmoid"],
                "share_relu": share["relu"],
                "bar": 1.0,
            },
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return the times of every function."""
    return {
        "times": {
            "function": list(FUNCTIONS),
            "forward ns per element": result.forward,
            "derivative ns per element": result.derivative,
            "ratio to ReLU": result.ratio,
            "share of the layer": result.share,
        }
    }


PRESETS = {
    "layer": Config(),
    "narrow": Config(width=20),
    "wide": Config(width=1000, batch_size=256),
}
SMALL = Config(width=20, batch_size=16)
SHOWN = (activation_forward, activation_backward, best_time)
