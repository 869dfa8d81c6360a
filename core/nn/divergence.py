"""Noticing that a run fails, in one of two ways that are told apart.

It explodes when its loss rises above three times the first one, and it diverges when its loss or a
parameter is not finite. A run may do one without the other.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from core.nn.network import Layer, Trace

Array = np.ndarray
Computed = Iterable[tuple[int, int, str, Array]]  # step, layer, quantity, value (runs in front)

EXPLODED = 3  # times the first loss: the lecture's rule to abandon a run


@dataclass(frozen=True)
class Divergence:
    """The first number of a run that was not finite: at which step, in which layer (from 1)."""

    step: int
    layer: int
    quantity: str


@dataclass(eq=False)
class Watch:
    """What has been noticed about each run of a stack so far.

    limit: (...) 3 times the first loss, NaN where that is not finite; exploded: (...) first step
    with a loss above the limit, or -1; divergences: by run, for the runs that went non-finite.
    """

    limit: Array
    exploded: Array
    divergences: dict[int, Divergence] = field(default_factory=dict)

    @staticmethod
    def over(runs: tuple[int, ...]) -> "Watch":
        """Return the watch over runs that have not taken a step."""
        return Watch(np.full(runs, np.inf), np.full(runs, -1))

    def take(self, runs: Array) -> "Watch":
        """Return the watch over some runs, a mask (...), that have not failed."""
        return Watch(self.limit[runs], self.exploded[runs])

    @np.errstate(all="ignore")
    def look(
        self,
        step: int,
        loss: Array,
        layers: list[Layer],
        gradients: list[Layer],
        traces: list[Trace],
    ) -> None:
        """Notice what is new in the forward pass of a step; gradients: those of the last update."""
        if step == 1:
            most = np.finfo(loss.dtype).max
            self.limit = np.where(np.isfinite(loss), np.minimum(EXPLODED * loss, most), np.nan)
        sample = first_sample(traces)
        if (loss + 0 * sample <= self.limit).all():  # False for NaN, which 0 * inf is
            return
        self.exploded = np.where((self.exploded < 0) & (loss > self.limit), step, self.exploded)
        broken = ~np.isfinite(loss)
        if not (broken | np.isfinite(sample)).all():
            broken = broken | broken_runs(layers)
        self.locate(broken, computed_in(step, layers, gradients, traces, loss))

    def locate(self, broken: Array, computed: Computed) -> None:
        """Note where the runs marked in broken (...) went non-finite, unless that is known."""
        new = set(np.flatnonzero(broken).tolist()) - self.divergences.keys()
        if new:
            values = list(computed)
            self.divergences |= {run: first_non_finite(run, broken.size, values) for run in new}


def first_sample(traces: list[Trace]) -> Array | float:
    """Return (...) the squares, summed, of the preactivations of one sample.

    A parameter that is not finite makes preactivations of every sample so, in its layer or in the
    next, though the loss may not show it: ReLU puts out 0 for -inf.
    """
    squares = 0.0
    for trace in traces:
        row = trace.z[..., 0, :]
        squares = squares + np.vecdot(row, row)
    return squares


def broken_runs(layers: list[Layer]) -> Array:
    """Return (...) True for runs that have a parameter which is not finite."""
    parameters = [p for layer in layers for p in layer.values()]
    return ~np.all([np.isfinite(p).all(axis=(-2, -1)) for p in parameters], axis=0)


def first_non_finite(run: int, runs: int, computed: Computed) -> Divergence:
    """Return where the first value that is not finite stands in a list of what was computed."""
    return next(
        Divergence(step, layer, quantity)
        for step, layer, quantity, value in computed
        if not np.isfinite(value.reshape(runs, -1)[run]).all()
    )


def computed_in(
    step: int,
    layers: list[Layer],
    gradients: list[Layer],
    traces: list[Trace],
    loss: Array | None = None,
) -> Iterator[tuple[int, int, str, Array]]:
    """Yield what the last update (step - 1) and this step's forward pass computed, in that order.

    gradients: those of the last update, which left the parameters as they are in `layers`. Before
    the forward pass there are no traces and no loss.
    """
    last = len(layers)
    for layer in range(last, 0, -1):
        for name, gradient in gradients[layer - 1].items():
            yield step - 1, layer, f"{name} gradient", gradient
    for layer in range(1, last + 1):
        for name, parameter in layers[layer - 1].items():
            yield step - 1, layer, name, parameter
    for layer, trace in enumerate(traces, 1):
        yield step, layer, "preactivation", trace.z
        if layer < last:
            yield step, layer, "activation", trace.out
    if loss is not None:
        yield step, last, "loss", loss
