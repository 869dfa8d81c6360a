"""Layers as forward / backward pairs.

Axis -1 is features, axis -2 is samples, any leading axis is runs: weights (..., fan_in, fan_out),
vectors (..., 1, units). `x_forward` returns its output and the cache that `x_backward` needs.
"""

from typing import Any

import numpy as np

from core.activations import Activation

Array = np.ndarray


def linear_forward(x: Array, weight: Array, bias: Array) -> tuple[Array, Any]:
    """Return x @ weight + bias and the cache; x is (..., samples, fan_in)."""
    return x @ weight + bias, (x, weight)


def linear_backward(dout: Array, cache: Any) -> tuple[Array, Array, Array]:
    """Return the gradients of x, weight and bias."""
    x, weight = cache
    return dout @ weight.mT, x.mT @ dout, dout.sum(axis=-2, keepdims=True)


def activation_forward(z: Array, activation: Activation) -> tuple[Array, Any]:
    """Return f(z) and the cache."""
    out = activation.value(z)
    return out, (z, out, activation)


def activation_backward(dout: Array, cache: Any) -> Array:
    """Return the gradient of z: upstream times local."""
    z, out, activation = cache
    return dout * activation.local_gradient(z, out)


def softmax(logits: Array) -> Array:
    """Return the class probabilities (..., samples, classes); shifted, so nothing overflows."""
    exp = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


def one_hot(labels: Array, classes: int) -> Array:
    """Return (..., samples, classes), True at each sample's label."""
    return labels[..., None] == np.arange(classes)


def cross_entropy_forward(logits: Array, labels: Array) -> tuple[Array, Any]:
    """Return the mean over samples of -log p(label), natural log, shape (...), and the cache.

    logits: (..., samples, classes); labels: (..., samples) whole numbers. The logarithm and the
    exponential cancel (log-sum-exp), so no scale of the logits overflows.
    """
    hot = one_hot(labels, logits.shape[-1])
    shifted = logits - logits.max(axis=-1, keepdims=True)
    exp = np.exp(shifted)
    total = exp.sum(axis=-1, keepdims=True)
    loss = np.log(total).sum(axis=(-2, -1)) - (shifted * hot).sum(axis=(-2, -1))
    return loss / logits.shape[-2], (exp / total, hot)


def naive_cross_entropy_forward(logits: Array, labels: Array) -> tuple[Array, Any]:
    """Return the same loss as it is written on paper: exp overflows and log(0) is infinite."""
    hot = one_hot(labels, logits.shape[-1])
    with np.errstate(all="ignore"):
        exp = np.exp(logits)
        p = exp / exp.sum(axis=-1, keepdims=True)
        loss = -np.log((p * hot).sum(axis=-1)).mean(axis=-1)
    return loss, (p, hot)


def cross_entropy_backward(dout: Array | float, cache: Any) -> Array:
    """Return the gradient of the logits, (softmax - one hot) / samples; dout is (...)."""
    p, hot = cache
    return np.asarray(dout / p.shape[-2], p.dtype)[..., None, None] * (p - hot)


def l2_forward(weight: Array, reg: Array | float) -> tuple[Array, Any]:
    """Return 0.5 * reg * sum(weight^2), shape (...), and the cache; biases are not regularized."""
    return 0.5 * reg * (weight * weight).sum(axis=(-2, -1)), (weight, reg)


def l2_backward(dout: Array | float, cache: Any) -> Array:
    """Return the gradient of the weight; dout and reg are numbers or (...)."""
    weight, reg = cache
    return np.asarray(dout * reg, weight.dtype)[..., None, None] * weight
