"""What is looked at in a network: spread, saturation, dead units, and the deep pass."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.activations import ACTIVATIONS
from core.pool import WORKERS, in_parallel

Array = np.ndarray

TANH_SATURATED = 0.97  # |output|; Karpathy, makemore part 3
SIGMOID_SATURATED = 0.015  # distance from 0 or 1: the same cut on the sigmoid, (1 - 0.97) / 2


def saturated(out: Array, activation: str) -> Array:
    """Return where outputs of a squashing activation are saturated; nowhere for the others."""
    if activation == "tanh":
        return np.abs(out) > TANH_SATURATED
    if activation == "sigmoid":
        return np.minimum(out, 1 - out) < SIGMOID_SATURATED
    return np.zeros(out.shape, bool)


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


def bin_counts(values: Array, edges: Array) -> Array:
    """Return the counts of evenly spaced bins, as np.histogram does; last entry: outside.

    The last bin includes its right edge. Shape (bins + 1,).
    """
    bins = len(edges) - 1
    place = np.floor((values - edges[0]) * (bins / (edges[-1] - edges[0])))
    place[values == edges[-1]] = bins - 1
    inside = np.where((place >= 0) & (place < bins), place, bins)
    return np.bincount(inside.astype(np.intp).ravel(), minlength=bins + 1)


@dataclass(frozen=True, eq=False)
class DeepPass:
    """What a pass through a deep net shows; every array has a first axis of layers.

    mean, std, unit_std, zero, saturated, local_gradient: (layers,); counts: (layers, bins + 1), the
    last bin counts what lies outside; dz_std, dw_std: (layers,), empty in a forward-only pass.
    """

    mean: Array
    std: Array
    unit_std: Array
    zero: Array
    saturated: Array
    local_gradient: Array
    counts: Array
    dz_std: Array
    dw_std: Array


def deep_pass(
    x: Array, weights: list[Array], activation: str, edges: Array, dout: Array | None = None
) -> DeepPass:
    """Push samples through layers without biases and, given dout, the gradient back.

    x: (samples, fan_in); weights: one (fan_in, fan_out) per layer; edges: of the histogram; dout:
    (samples, units), the gradient at the top. Samples do not interact, so each thread takes a block
    of them through all layers; block statistics are merged exactly.
    """
    rows = np.array_split(np.arange(len(x)), WORKERS)
    blocks = in_parallel(
        lambda r: _pass_block(x[r], weights, activation, edges, None if dout is None else dout[r]),
        [slice(r[0], r[-1] + 1) for r in rows if len(r)],
    )
    layers = [_merge([block[0][i] for block in blocks]) for i in range(len(weights))]
    back = [_merge([block[1][i] for block in blocks]) for i in range(len(blocks[0][1]))]
    share = {
        name: np.array([layer[name] / (len(x) * w.shape[1]) for layer, w in zip(layers, weights)])
        for name in ("zero", "saturated", "local_gradient")
    }
    return DeepPass(
        mean=np.array([layer["moments"].mean.mean() for layer in layers]),
        std=np.array([layer["moments"].pooled_std() for layer in layers]),
        unit_std=np.array([layer["moments"].unit_std() for layer in layers]),
        counts=np.array([layer["counts"] for layer in layers]),
        dz_std=np.array([layer["moments"].pooled_std() for layer in back]),
        dw_std=np.array([layer["dw"].std() for layer in back]),
        **share,
    )


def _merge(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Merge the statistics of a layer over the blocks of samples."""
    total = dict(parts[0])
    for part in parts[1:]:
        for name, value in part.items():
            total[name] = total[name].merge(value) if name == "moments" else total[name] + value
    return total


def _pass_block(
    x: Array, weights: list[Array], activation: str, edges: Array, dout: Array | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Run one block of samples forward and, given dout, backward; return statistics per layer."""
    function = ACTIVATIONS[activation]
    inputs, slopes, forward = [], [], []
    for weight in weights:
        inputs.append(x)
        z = x @ weight
        x = function.value(z)
        slope = function.local_gradient(z, x)
        slopes.append(slope)
        forward.append(
            {
                "moments": Moments.of(x),
                "counts": bin_counts(x, edges),
                "zero": x.size - np.count_nonzero(x),
                "saturated": np.count_nonzero(saturated(x, activation)),
                "local_gradient": slope.sum(),
            }
        )
    backward: list[dict[str, Any]] = []
    for layer in reversed(range(len(weights) if dout is not None else 0)):
        dz = dout * slopes[layer]
        backward.insert(0, {"moments": Moments.of(dz), "dw": inputs[layer].T @ dz})
        if layer:
            dout = dz @ weights[layer].T
    return forward, backward
