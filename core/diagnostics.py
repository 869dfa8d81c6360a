"""What is looked at in a network: spread, saturation, dead units, and the deep pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.activations import ACTIVATIONS
from core.pool import WORKERS, in_parallel

Array = np.ndarray
Statistics = dict[str, Any]  # of one layer over some samples

TANH_SATURATED = 0.97  # |output|; Karpathy, makemore part 3
SIGMOID_SATURATED = 0.015  # distance from 0 or 1: the same cut on the sigmoid, (1 - 0.97) / 2
HISTOGRAM_BLOCK = 65_536  # values counted at a time, so that they stay in a processor's own cache
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


def dead_units(out: Array) -> Array:
    """Return (..., units) True where a unit is 0 on every sample of out (..., samples, units)."""
    return ~np.any(out, axis=-2)


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
        """Take the moments of the columns of x (samples, units), in two passes."""
        mean = x.mean(axis=-2)
        deviation = x - mean
        return Moments(x.shape[-2], mean, np.einsum("ij,ij->j", deviation, deviation))

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of both sets of samples together."""
        count = self.count + other.count
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / count)
        return Moments(
            count, mean, self.m2 + other.m2 + delta**2 * (self.count * other.count / count)
        )

    def pooled_std(self) -> float:
        """Return the std over all entries, samples and units alike."""
        return float(np.sqrt(self.m2.mean() / self.count + self.mean.var()))

    def unit_std(self) -> float:
        """Return the std over samples within a unit, averaged over units."""
        return float(np.sqrt(self.m2 / self.count).mean())


@np.errstate(all="ignore")
def bin_counts(values: Array, edges: Array) -> Array:
    """Return (bins + 1,) counts in evenly spaced bins, as np.histogram's; the last entry: outside.

    The last bin includes its right edge, NaN is outside. Several times faster than np.histogram,
    and as exact: values are shifted into place after floor, so that -1e-20 stays left of 0, and in
    float64.
    """
    bins = len(edges) - 1
    scale = bins / (edges[-1] - edges[0])
    first = round(edges[0] * scale, 9)  # the first edge in units of bins
    flat = values.ravel()
    if np.isnan(flat.sum()):
        flat = np.where(np.isnan(flat), np.inf, flat)
    counts = np.zeros(bins + 2, np.intp)
    for start in range(0, flat.size, HISTOGRAM_BLOCK):
        place = np.multiply(flat[start : start + HISTOGRAM_BLOCK], scale, dtype=np.float64)
        if first % 1:
            place -= first % 1
        np.floor(place, out=place)
        place -= first // 1 - 1  # bin 0 is at 1: what lies to the left goes to 0
        np.clip(place, 0, bins + 1, out=place)
        counts += np.bincount(place.astype(np.intp), minlength=bins + 2)
    on_last_edge = np.count_nonzero(values == edges[-1])
    counts[-2] += on_last_edge
    counts[-1] += counts[0] - on_last_edge
    return counts[1:]


@dataclass(frozen=True, eq=False)
class DeepPass:
    """What a pass through a deep net shows; every array has a first axis of layers.

    mean, std: of all outputs of a layer; unit_std: std over samples within a unit, averaged over
    units; zero, saturated: share of outputs; dead: share of units that are 0 on every sample;
    local_gradient: mean of f'(z); counts: (layers, bins + 1), the last one is what lies outside.
    dz_std, dw_std: std of the gradients of preactivations and of weights, empty if not asked for.
    """

    mean: Array
    std: Array
    unit_std: Array
    zero: Array
    dead: Array
    saturated: Array
    local_gradient: Array
    counts: Array
    dz_std: Array
    dw_std: Array


@np.errstate(all="ignore")
def deep_pass(
    x: Array,
    weights: list[Array],
    activation: str,
    edges: Array,
    dout: Array | None = None,
    *,
    weight_gradients: bool = True,
) -> DeepPass:
    """Push samples through layers without biases and, given dout, the gradient back.

    x: (samples, fan_in); weights: one (fan_in, fan_out) per layer; edges: of the histogram; dout:
    (samples, units), the gradient at the top. Samples do not interact, so each thread takes a block
    of them through all layers; block statistics are merged exactly. The gradients of the weights
    cost half as much again as all the rest.
    """
    rows = np.linspace(0, len(x), min(WORKERS, len(x)) + 1).astype(int).tolist()
    passed = in_parallel(
        lambda r: _pass_rows(
            x[r], weights, activation, edges, None if dout is None else dout[r], weight_gradients
        ),
        [slice(start, stop) for start, stop in zip(rows[:-1], rows[1:])],
    )
    layers = [_merged(parts) for parts in zip(*(forward for forward, _ in passed))]
    back = [_merged(parts) for parts in zip(*(backward for _, backward in passed))]
    return _summary(layers, back)


def _pass_rows(
    x: Array,
    weights: list[Array],
    activation: str,
    edges: Array,
    dout: Array | None,
    weight_gradients: bool,
) -> tuple[list[Statistics], list[Statistics]]:
    """Run some samples forward and, given dout, backward; return statistics of every layer."""
    function, widths = ACTIVATIONS[activation], [weight.shape[1] for weight in weights]
    # One allocation for all layers: touching fresh memory per layer costs more than filling it.
    slopes = np.split(np.empty((len(x), sum(widths)), x.dtype), np.cumsum(widths)[:-1], axis=1)
    inputs, forward = [x], []
    for weight, slope in zip(weights, slopes):
        z = inputs[-1] @ weight
        out = function.value(z)
        slope[:] = function.local_gradient(z, out)
        forward.append(_output_statistics(out, slope, activation, edges))
        inputs = [*inputs, out] if weight_gradients else [out]
    if dout is None:
        return forward, []
    backward: list[Statistics] = []
    for layer in range(len(weights) - 1, -1, -1):
        dz = slopes[layer]
        dz *= dout
        backward.insert(0, {"moments": Moments.of(dz)})
        if weight_gradients:
            backward[0]["dw"] = inputs[layer].T @ dz
        if layer:
            dout = dz @ weights[layer].T
    return forward, backward


def _output_statistics(out: Array, slope: Array, activation: str, edges: Array) -> Statistics:
    """Return what is kept of a layer's outputs (samples, units) and local gradients."""
    return {
        "moments": Moments.of(out),
        "counts": bin_counts(out, edges),
        "zeros": (out == 0).sum(axis=0),
        "saturated": np.count_nonzero(saturated(out, activation)),
        "local_gradient": slope.sum(),
    }


def _merged(parts: Sequence[Statistics]) -> Statistics:
    """Merge the statistics of one layer over blocks of samples."""
    total = dict(parts[0])
    for part in parts[1:]:
        for name, value in part.items():
            total[name] = total[name].merge(value) if name == "moments" else total[name] + value
    return total


def _summary(layers: list[Statistics], back: list[Statistics]) -> DeepPass:
    """Turn the merged statistics of all layers into numbers per layer."""

    def per_layer(number: Callable[[Statistics], Any], of: list[Statistics] = layers) -> Array:
        return np.array([number(layer) for layer in of])

    size = per_layer(lambda s: s["moments"].count * s["zeros"].size)
    return DeepPass(
        mean=per_layer(lambda s: s["moments"].mean.mean()),
        std=per_layer(lambda s: s["moments"].pooled_std()),
        unit_std=per_layer(lambda s: s["moments"].unit_std()),
        zero=per_layer(lambda s: s["zeros"].sum()) / size,
        dead=per_layer(lambda s: (s["zeros"] == s["moments"].count).mean()),
        saturated=per_layer(lambda s: s["saturated"]) / size,
        local_gradient=per_layer(lambda s: s["local_gradient"]) / size,
        counts=per_layer(lambda s: s["counts"]),
        dz_std=per_layer(lambda s: s["moments"].pooled_std(), back),
        dw_std=per_layer(lambda s: s["dw"].std(), [s for s in back if "dw" in s]),
    )


@np.errstate(all="ignore")
def wide_pass(
    x: Array,
    stds: Sequence[float],
    depth: int,
    activation: str,
    edges: Array,
    *,
    rng: np.random.Generator,
) -> list[DeepPass]:
    """Push samples forward through wide layers, once per std of the weights, with shared draws.

    x: (samples, width). One N(0, 1) draw serves all stds and exists a block of columns at a time:
    the weights of six layers of 4096 units would take 800 MB.
    """
    function, width = ACTIVATIONS[activation], x.shape[-1]
    blocks = [min(WIDE_COLUMNS, width - start) for start in range(0, width, WIDE_COLUMNS)]
    out, std = np.stack([x] * len(stds)), np.reshape(stds, (-1, 1, 1))
    layers: list[list[Statistics]] = []
    for layer_rng in rng.spawn(depth):

        def columns(draw: tuple[np.random.Generator, int], x: Array = out) -> Array:
            return x.reshape(-1, width) @ draw[0].standard_normal((width, draw[1]))

        parts = in_parallel(columns, zip(layer_rng.spawn(len(blocks)), blocks))
        z = np.concatenate(parts, axis=-1).reshape(out.shape) * std
        out = function.value(z)
        slopes = function.local_gradient(z, out)
        layers.append([_output_statistics(o, s, activation, edges) for o, s in zip(out, slopes)])
    return [_summary(list(parts), []) for parts in zip(*layers)]
