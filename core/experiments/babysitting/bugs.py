"""Bugs of a backward pass: what they multiply gradients by, and networks that learn with them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from core.nn.network import Layer, backward


def gradient_factors(bug: str, layer: Layer, rng: np.random.Generator) -> Layer:
    """Return what a bug multiplies the gradients of the hidden layer by, parameter by parameter."""
    match bug:
        case "flipped":
            return {name: np.array(-1.0) for name in layer}
        case "frozen":
            return {name: np.array(0.0) for name in layer}
        case "halved":
            return {name: np.array(0.5) for name in layer}
        case "shuffled":
            return {name: rng.choice([-1.0, 1.0], size=p.shape[-2:]) for name, p in layer.items()}
        case "no_bias":
            return {"weight": np.array(1.0), "bias": np.array(0.0)}
    return {name: np.array(1.0) for name in layer}


def broken_backward(*factors: Layer) -> Callable[..., list[Layer]]:
    """Return a backward pass whose gradients are multiplied by factors, from the first layer on."""

    def wrong_backward(dlogits: np.ndarray, traces: list[Any]) -> list[Layer]:
        gradients = backward(dlogits, traces)
        wrong = [
            {name: gradient * own[name] for name, gradient in layer.items()}
            for layer, own in zip(gradients, factors)
        ]
        return [*wrong, *gradients[len(factors) :]]

    return wrong_backward
