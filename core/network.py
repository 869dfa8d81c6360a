"""A fully connected network as plain data: one dictionary of parameters per layer.

A hidden layer is affine, batch norm if wanted, the nonlinearity, dropout if wanted; the last layer
is affine only. Every parameter may have a leading axis of runs, and nothing here looks at it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core.activations import ACTIVATIONS, Activation
from core.initializers import init_weight
from core.layers import (
    activation_backward,
    activation_forward,
    linear_backward,
    linear_forward,
)

Array = np.ndarray
Layer = dict[str, Array]  # "weight" (..., fan_in, fan_out), "bias" (..., 1, fan_out)


@dataclass(eq=False)
class Network:
    """The parameters of a network, or of a stack of runs, and what its layers compute."""

    layers: list[Layer]
    activation: Activation

    @property
    def runs(self) -> tuple[int, ...]:
        """Return the shape of the leading axes: () for one network, (R,) for a stack of R."""
        return self.layers[0]["weight"].shape[:-2]

    @property
    def dtype(self) -> np.dtype:
        """Return the dtype of the parameters."""
        return self.layers[0]["weight"].dtype


@dataclass(eq=False)
class Trace:
    """What one layer did in a forward pass.

    z and out: what entered and left its nonlinearity, (..., samples, units), one array in the last
    layer; caches: what each of its steps left for the backward pass, by name, in order.
    """

    z: Array
    out: Array
    caches: dict[str, Any] = field(default_factory=dict)


def init_network(
    sizes: Sequence[int],
    scheme: str | float,
    activation: str | Activation = "relu",
    *,
    rng: np.random.Generator,
    bias: float = 0.0,
    dtype: type = np.float64,
) -> Network:
    """Draw one network of `sizes` units from input to output, such as (64, 50, 10).

    scheme: a name of core.initializers, or a number, the std of all weights. Biases of hidden
    layers start at `bias`, those of the last layer at 0.
    """
    if isinstance(activation, str):
        activation = ACTIVATIONS[activation]
    layers = [
        {
            "weight": init_weight(scheme, fan_in, fan_out, rng=rng, dtype=dtype),
            "bias": np.full((1, fan_out), bias, dtype),
        }
        for fan_in, fan_out in zip(sizes[:-1], sizes[1:])
    ]
    layers[-1]["bias"][:] = 0
    return Network(layers, activation)


def stack_networks(networks: Sequence[Network]) -> Network:
    """Stack networks of one shape along a leading axis of runs."""
    layers = [
        {name: np.stack([network.layers[i][name] for network in networks]) for name in layer}
        for i, layer in enumerate(networks[0].layers)
    ]
    return replace(networks[0], layers=layers)


def take_runs(network: Network, runs: slice) -> Network:
    """Return some runs of a stack; the arrays are views, so training them trains the stack."""
    layers = [{name: p[runs] for name, p in layer.items()} for layer in network.layers]
    return replace(network, layers=layers)


def forward(network: Network, x: Array) -> tuple[Array, list[Trace]]:
    """Return the logits (..., samples, classes) and one trace per layer; x: (..., samples, d)."""
    traces = []
    for layer in network.layers[:-1]:
        z, linear = linear_forward(x, layer["weight"], layer["bias"])
        x, nonlinear = activation_forward(z, network.activation)
        traces.append(Trace(z, x, {"linear": linear, "activation": nonlinear}))
    logits, linear = linear_forward(x, network.layers[-1]["weight"], network.layers[-1]["bias"])
    return logits, [*traces, Trace(logits, logits, {"linear": linear})]


def backward(dlogits: Array, traces: list[Trace]) -> list[Layer]:
    """Return the gradients, shaped as the layers are, from the gradient of the logits."""
    gradients: list[Layer] = []
    dout = dlogits
    for trace in reversed(traces):
        if "activation" in trace.caches:
            dout = activation_backward(dout, trace.caches["activation"])
        dout, dweight, dbias = linear_backward(dout, trace.caches["linear"])
        gradients.insert(0, {"weight": dweight, "bias": dbias})
    return gradients
