"""Layers as forward / backward pairs.

Axis -1 is features, axis -2 is samples, any leading axis is runs: weights (..., fan_in, fan_out),
vectors (..., 1, units). `forward` returns its output and the cache that `backward` needs.
"""

from typing import Any

import numpy as np

from core.activations import ACTIVATIONS

Array = np.ndarray


def linear_forward(x: Array, weight: Array, bias: Array) -> tuple[Array, Any]:
    """Return x @ weight + bias and the cache; x is (..., samples, fan_in)."""
    return x @ weight + bias, (x, weight)


def linear_backward(dout: Array, cache: Any) -> tuple[Array, Array, Array]:
    """Return the gradients of x, weight and bias."""
    x, weight = cache
    return dout @ weight.mT, x.mT @ dout, dout.sum(axis=-2, keepdims=True)


def activation_forward(z: Array, name: str) -> tuple[Array, Any]:
    """Return f(z) for the activation of that name and the cache."""
    out = ACTIVATIONS[name].value(z)
    return out, (z, out, name)


def activation_backward(dout: Array, cache: Any) -> Array:
    """Return the gradient of z: upstream times local."""
    z, out, name = cache
    return dout * ACTIVATIONS[name].derivative(z, out)


def log_softmax(logits: Array) -> Array:
    """Return log softmax over the last axis by log-sum-exp: no overflow at any scale."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def cross_entropy_forward(logits: Array, labels: Array) -> tuple[Array, Any]:
    """Return the mean over samples of -log p(label), natural log, shape (...), and the cache.

    logits: (..., samples, classes); labels: (samples,) whole numbers.
    """
    log_p = log_softmax(logits)
    picked = log_p[..., np.arange(len(labels)), labels]
    return -picked.mean(axis=-1), (log_p, labels)


def cross_entropy_backward(cache: Any) -> Array:
    """Return the gradient of the logits: (softmax - one hot) / samples."""
    log_p, labels = cache
    dlogits = np.exp(log_p)
    dlogits[..., np.arange(len(labels)), labels] -= 1
    return dlogits / len(labels)


def l2_forward(weights: list[Array], reg: Array | float) -> Array:
    """Return 0.5 * reg * sum of squares over all weights (no biases), one per run."""
    return 0.5 * reg * sum((w * w).sum(axis=(-2, -1)) for w in weights)


def l2_backward(weight: Array, reg: Array | float) -> Array:
    """Return the gradient of one weight; reg is a number or (runs, 1, 1)."""
    return reg * weight
