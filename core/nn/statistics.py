"""What is looked at in a network: spread, saturation, dead units, and the passes that look.

Statistics take what layers put out, whoever computed it: layer_statistics() the traces of any
network, deep_pass() and wide_pass() layers that are too many or too wide to be kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial, reduce
from typing import Any

import numpy as np

from core.nn.activations import ACTIVATIONS, Activation
from core.nn.layers import (
    activation_forward,
    first_linear_backward,
    frozen_linear_backward,
    linear_backward,
    linear_forward,
)
from core.nn.network import Trace
from core.nn.pool import WORKERS, in_parallel

Array = np.ndarray

TANH_SATURATED = 0.97  # |output|; Karpathy, makemore part 3
SIGMOID_SATURATED = 0.015  # distance from 0 or 1: the same cut on the sigmoid, (1 - 0.97) / 2
HISTOGRAM_BLOCK = 32_768  # values counted at a time, so that they stay in a processor's own cache
WIDE_COLUMNS = 512  # of a weight that exist at a time, in each thread of a wide pass


def saturated(out: Array, activation: str) -> Array:
    """Return where outputs of a squashing activation are saturated; nowhere for the others."""
    if activation == "tanh":
        return np.abs(out) > TANH_SATURATED
    if activation == "sigmoid":
        return np.minimum(out, 1 - out) < SIGMOID_SATURATED
    return np.zeros(out.shape, bool)


def saturated_share(out: Array, activation: str) -> Array:
    """Return (...): the share of saturated outputs (..., samples, units)."""
    if activation not in ("tanh", "sigmoid"):
        return np.zeros(out.shape[:-2])
    return saturated(out, activation).mean(axis=(-2, -1))


def rms(x: Array) -> float:
    """Return the root of the mean square of all entries."""
    return float(np.sqrt((x * x).mean()))


def dead_units(out: Array) -> Array:
    """Return (..., units) True where a unit is 0 on every sample of out (..., samples, units)."""
    return ~(out != 0).any(axis=-2)  # on booleans `any` is faster


def update_ratio(update: Array, weight: Array) -> Array:
    """Return (...): norm of a weight's update over norm of the weight; NaN for 0 / 0."""
    squares = [(w * w).sum(axis=(-2, -1)) for w in (update, weight)]
    return np.sqrt(squares[0] / squares[1])


@dataclass(frozen=True, eq=False)
class Moments:
    """Count, mean and sum of squared deviations of each column, mergeable (Chan et al. 1979)."""

    count: int
    mean: Array
    m2: Array

    @staticmethod
    def of(x: Array) -> "Moments":
        """Take the moments of the columns of x (..., samples, units), in two passes."""
        mean = x.mean(axis=-2)
        deviation = x - mean[..., None, :]
        return Moments(x.shape[-2], mean, np.einsum("...ij,...ij->...j", deviation, deviation))

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of both sets of samples together."""
        count = self.count + other.count
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / count)
        return Moments(
            count, mean, self.m2 + other.m2 + delta**2 * (self.count * other.count / count)
        )

    def pooled_std(self) -> Array:
        """Return (...) the std over all entries, samples and units alike."""
        return np.sqrt(self.m2.mean(axis=-1) / self.count + self.mean.var(axis=-1))

    def unit_std(self) -> Array:
        """Return (...) the std over samples within a unit, averaged over units."""
        return np.sqrt(self.m2 / self.count).mean(axis=-1)


@np.errstate(all="ignore")
def bin_counts(values: Array, edges: Array) -> Array:
    """Return (bins + 1,) counts in evenly spaced bins, np.histogram's; the last entry: outside.

    The last bin includes its right edge, NaN is outside. Several times as fast as np.histogram and
    equal to it: a value's place is rounded to float32, which puts all that is within rounding of an
    edge on the edge, a whole number; which side of it they are on, the values themselves tell.
    """
    bins = len(edges) - 1
    scale = bins / (edges[-1] - edges[0])
    low, high = np.float32(0.5), np.float32(bins + 1.5)  # outside: the edges are at 1 to bins + 1
    flat = values.ravel()
    if np.isnan(flat.sum()):
        flat = np.where(np.isnan(flat), np.inf, flat)
    total = np.zeros(2 * bins + 4, np.intp)  # of edge k at 2 k, of the bin to its right at 2 k + 1
    for start in range(0, flat.size, HISTOGRAM_BLOCK):
        block = flat[start : start + HISTOGRAM_BLOCK]
        place = np.multiply(block, scale, dtype=np.float64)
        place += 1 - edges[0] * scale
        place = np.clip(place.astype(np.float32), low, high)
        twice = np.floor(place) + np.ceil(place)
        counts = np.bincount(twice.astype(np.int32), minlength=total.size)
        for k in np.flatnonzero(counts[::2]).tolist():
            left = np.less if k <= bins else np.less_equal
            below = np.count_nonzero((place == k) & left(block, edges[k - 1]))
            counts[2 * k - 1 : 2 * k + 2] += below, -counts[2 * k], counts[2 * k] - below
        total += counts
    return np.append(total[3:-1:2], total[1] + total[-1])


@dataclass(frozen=True, eq=False)
class Outputs:
    """What is kept of the outputs of one layer (samples, units): sums, so that they can be merged.

    zeros: (units,) how many are 0; saturated: how many; slope: sum of the local gradients.
    """

    moments: Moments
    counts: Array
    zeros: Array
    saturated: int
    slope: float

    @staticmethod
    def of(out: Array, slope: Array, activation: str, edges: Array) -> "Outputs":
        """Look at outputs and local gradients, (samples, units) each."""
        return Outputs(
            Moments.of(out),
            bin_counts(out, edges),
            (out == 0).sum(axis=0),
            int(np.count_nonzero(saturated(out, activation))),
            slope.sum(),
        )

    def merge(self, other: "Outputs") -> "Outputs":
        """Return what is kept of both sets of samples together."""
        return Outputs(
            self.moments.merge(other.moments),
            self.counts + other.counts,
            self.zeros + other.zeros,
            self.saturated + other.saturated,
            self.slope + other.slope,
        )


@dataclass(frozen=True, eq=False)
class LayerStatistics:
    """What layers put out; every array is (..., layers), runs in front, but for counts.

    mean, std: of all outputs of a layer; unit_std: std over samples within a unit, averaged over
    units; zero, saturated: share of outputs; dead: share of units that are 0 on every sample;
    local_gradient: mean of f'(z); counts: (..., layers, bins + 1), the last one is what lies
    outside.
    """

    mean: Array
    std: Array
    unit_std: Array
    zero: Array
    dead: Array
    saturated: Array
    local_gradient: Array
    counts: Array


@np.errstate(all="ignore")
def layer_statistics(traces: Sequence[Trace], edges: Array) -> LayerStatistics:
    """Return the statistics of layers from their traces: forward(network, x)[1][:-1], for example.

    Any network of network.py will do, and a stack of them. edges: of the histogram, evenly spaced.
    """
    slopes = [trace.local_gradient() for trace in traces]
    runs = traces[0].out.shape[:-2]
    of_runs = [
        summary(
            Outputs.of(trace.out[run], slope[run], trace.nonlinearity, edges)
            for trace, slope in zip(traces, slopes)
        )
        for run in np.ndindex(runs)
    ]
    stacked = {n: np.stack([s[n] for s in of_runs]) for n in of_runs[0]}
    return LayerStatistics(**{n: a.reshape(*runs, *a.shape[1:]) for n, a in stacked.items()})


def summary(layers: Iterable[Outputs]) -> dict[str, Array]:
    """Return the fields of LayerStatistics for the layers of one network."""
    rows = []
    for layer in layers:
        samples, units = layer.moments.count, layer.zeros.size
        rows.append(
            {
                "mean": layer.moments.mean.mean(),
                "std": layer.moments.pooled_std(),
                "unit_std": layer.moments.unit_std(),
                "zero": layer.zeros.sum() / (samples * units),
                "dead": (layer.zeros == samples).mean(),
                "saturated": layer.saturated / (samples * units),
                "local_gradient": layer.slope / (samples * units),
                "counts": layer.counts,
            }
        )
    return {f.name: np.array([row[f.name] for row in rows]) for f in fields(LayerStatistics)}


@np.errstate(all="ignore")
def gradient_std(gradients: Iterable[Array]) -> Array:
    """Return (..., layers): the std over all entries of one gradient per layer, (..., a, b) each.

    Of weights and of preactivations alike: backward(..., with_z=True) has both.
    """
    return np.stack([Moments.of(gradient).pooled_std() for gradient in gradients], axis=-1)


@dataclass(frozen=True, eq=False)
class DeepPass(LayerStatistics):
    """What a pass through a deep net shows; every array has a first axis of layers.

    dz_std, dw_std: std of the gradients of preactivations and of weights, empty if not asked for.
    """

    dz_std: Array
    dw_std: Array


@np.errstate(all="ignore")
def deep_pass(
    x: Array,
    weights: Sequence[Array],
    activation: str,
    edges: Array,
    dout: Array | None = None,
    *,
    stds: Sequence[float] | None = None,
    weight_gradients: bool = True,
) -> DeepPass:
    """Push samples through layers without biases and, given dout, the gradient back.

    x: (samples, fan_in); weights: one (fan_in, fan_out) per layer; edges: of the histogram; dout:
    (samples, units), the gradient at the top. stds: what each weight is multiplied by when its turn
    comes, so that draws shared by several passes are never kept scaled. The gradients of the
    weights cost half as much again as all the rest.
    """
    passing = Passing(x, weights, ACTIVATIONS[activation], stds)
    outputs = passing.forward(edges, keep_inputs=weight_gradients and dout is not None)
    dz_std, dw_std = passing.backward(dout) if dout is not None else ([], [])
    return DeepPass(**summary(outputs), dz_std=np.array(dz_std), dw_std=np.array(dw_std))


class Passing:
    """A pass under way: layer by layer, and each layer's samples split over the threads.

    Samples do not interact, so their statistics are merged exactly. What is kept of a layer is its
    local gradients, which turn into dz, and its inputs if the gradients of the weights are wanted.
    """

    def __init__(
        self,
        x: Array,
        weights: Sequence[Array],
        function: Activation,
        stds: Sequence[float] | None,
    ) -> None:
        rows = np.linspace(0, len(x), min(WORKERS, len(x)) + 1).astype(int).tolist()
        self.rows = [slice(start, stop) for start, stop in zip(rows[:-1], rows[1:])]
        self.weights, self.function, self.stds = weights, function, stds
        self.x = self.split(x)
        self.inputs: list[list[Array]] = []
        self.slopes = [*zip(*(self.room(len(x)) for x in self.x))]  # by layer, by thread

    def split(self, x: Array) -> list[Array]:
        """Return the samples of each thread."""
        return [x[rows] for rows in self.rows]

    def room(self, samples: int) -> list[Array]:
        """Return an empty array (samples, units) for each layer.

        They are one allocation: touching fresh memory per layer costs more than filling it.
        """
        sizes = [samples * weight.shape[1] for weight in self.weights]
        rooms = np.split(np.empty(sum(sizes), self.x[0].dtype), np.cumsum(sizes)[:-1])
        return [room.reshape(samples, -1) for room in rooms]

    def weight(self, layer: int) -> Array:
        """Return the weight of a layer, scaled."""
        weight = self.weights[layer]
        return weight if self.stds is None else float(self.stds[layer]) * weight

    def forward(self, edges: Array, *, keep_inputs: bool) -> list[Outputs]:
        """Push the samples up through all layers; return what they put out."""

        def push(part: tuple[Array, Array], weight: Array) -> tuple[Array, Outputs]:
            x, slope = part
            z, _ = linear_forward(x, weight)
            out, _ = activation_forward(z, self.function)
            slope[:] = self.function.local_gradient(z, out)
            return out, Outputs.of(out, slope, self.function.name, edges)

        outputs = []
        for layer, slopes in enumerate(self.slopes):
            if keep_inputs:
                self.inputs.append(self.x)
            parts = in_parallel(partial(push, weight=self.weight(layer)), zip(self.x, slopes))
            self.x = [out for out, _ in parts]
            outputs.append(reduce(Outputs.merge, [seen for _, seen in parts]))
        return outputs

    def backward(self, dout: Array) -> tuple[list[Array], list[Array]]:
        """Pull the gradient down through all layers; return the stds of dz and of dw."""
        dz_std: list[Array] = []
        dw_std: list[Array] = []
        douts = self.split(dout)
        for layer in range(len(self.weights) - 1, -1, -1):
            slopes = self.slopes.pop()
            inputs = self.inputs.pop() if self.inputs else [None] * len(slopes)
            pull = partial(_pull, weight=self.weight(layer) if layer else None)
            parts = in_parallel(pull, zip(douts, slopes, inputs))
            douts = [dx for _, dx, _ in parts]
            dz_std.insert(0, reduce(Moments.merge, [dz for dz, _, _ in parts]).pooled_std())
            if inputs[0] is not None:
                dw_std.insert(0, Moments.of(sum(dw for _, _, dw in parts)).pooled_std())
        return dz_std, dw_std


def _pull(
    part: tuple[Array, Array, Array | None], weight: Array | None
) -> tuple[Moments, Any, Any]:
    """Return the moments of dz, dx unless there is no weight, and dw if there is an x."""
    dout, dz, x = part
    dz *= dout  # the local gradients, until here
    moments = Moments.of(dz)
    if x is None:
        return moments, None if weight is None else frozen_linear_backward(dz, (x, weight)), None
    dx, dw, _ = (first_linear_backward if weight is None else linear_backward)(dz, (x, weight))
    return moments, dx, dw


@np.errstate(all="ignore")
def wide_pass(
    x: Array,
    stds: Sequence[float] | Array,
    depth: int,
    activation: str,
    edges: Array,
    *,
    rng: np.random.Generator,
    width: int | None = None,
) -> list[DeepPass]:
    """Push samples forward through wide layers, once per std of the weights, with shared draws.

    x: (samples, fan_in); width: units per layer, fan_in if it is not given. stds: (passes,) or, if
    layers differ, (passes, depth). One N(0, 1) draw serves all of them and exists a block of
    columns at a time: the weights of six layers of 4096 units would take 800 MB.
    """
    function, width = ACTIVATIONS[activation], width or x.shape[-1]
    blocks = [min(WIDE_COLUMNS, width - start) for start in range(0, width, WIDE_COLUMNS)]
    out = np.stack([x] * len(stds))
    by_layer = np.broadcast_to(np.reshape(stds, (len(stds), -1)), (len(stds), depth)).T
    layers: list[list[Outputs]] = []
    for layer_rng, std in zip(rng.spawn(depth), by_layer):

        def columns(draw: tuple[np.random.Generator, int], x: Array = out) -> Array:
            weight = draw[0].standard_normal((x.shape[-1], draw[1]))
            return linear_forward(x.reshape(-1, x.shape[-1]), weight)[0]

        parts = in_parallel(columns, zip(layer_rng.spawn(len(blocks)), blocks))
        z = np.concatenate(parts, axis=-1).reshape(*out.shape[:-1], width) * std[:, None, None]
        out, _ = activation_forward(z, function)
        slopes = function.local_gradient(z, out)
        layers.append([Outputs.of(o, s, activation, edges) for o, s in zip(out, slopes)])
    none = np.empty(0)
    return [DeepPass(**summary(parts), dz_std=none, dw_std=none) for parts in zip(*layers)]
