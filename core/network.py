"""A fully connected network as plain data: one dictionary of arrays per layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.initializers import init_weight
from core.layers import (
    activation_backward,
    activation_forward,
    linear_backward,
    linear_forward,
)

Array = np.ndarray
Layer = dict[str, Array]  # "weight" (..., fan_in, fan_out), "bias" (..., 1, fan_out)


def init_network(
    sizes: Sequence[int],
    stds: Sequence[float],
    *,
    rng: np.random.Generator,
    dtype: type = np.float64,
) -> list[Layer]:
    """Draw the layers of one network: weights N(0, std^2) with one std per layer, biases 0.

    sizes: units from input to output, e.g. (64, 50, 10), so len(stds) is len(sizes) - 1.
    """
    return [
        {
            "weight": init_weight(std, fan_in, fan_out, rng=rng, dtype=dtype),
            "bias": np.zeros((1, fan_out), dtype),
        }
        for fan_in, fan_out, std in zip(sizes[:-1], sizes[1:], stds, strict=True)
    ]


def stack_networks(networks: Sequence[list[Layer]]) -> list[Layer]:
    """Stack networks of one shape along a leading axis of runs."""
    return [
        {name: np.stack([net[i][name] for net in networks]) for name in layer}
        for i, layer in enumerate(networks[0])
    ]


def network_forward(network: list[Layer], x: Array, activation: str) -> tuple[Array, list[Any]]:
    """Return the logits and the caches; no activation follows the last layer."""
    caches = []
    for layer in network[:-1]:
        z, linear = linear_forward(x, layer["weight"], layer["bias"])
        x, nonlinear = activation_forward(z, activation)
        caches.append((linear, nonlinear))
    logits, linear = linear_forward(x, network[-1]["weight"], network[-1]["bias"])
    return logits, [*caches, (linear, None)]


def network_backward(dlogits: Array, caches: list[Any]) -> list[Layer]:
    """Return the gradients, shaped as the network is, from the gradient of the logits."""
    gradients: list[Layer] = []
    dout = dlogits
    for linear, nonlinear in reversed(caches):
        dz = dout if nonlinear is None else activation_backward(dout, nonlinear)
        dout, dweight, dbias = linear_backward(dz, linear)
        gradients.insert(0, {"weight": dweight, "bias": dbias})
    return gradients
