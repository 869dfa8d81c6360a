"""Layers as forward / backward pairs.

Axis -1 is features, axis -2 is samples, any leading axis is runs: weights (..., fan_in, fan_out),
vectors (..., 1, units). `x_forward` returns its output and the cache that `x_backward` needs.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from core.nn.activations import Activation

Array = np.ndarray


@lru_cache(64)
def ones(rows: int, columns: int, dtype: np.dtype) -> Array:
    """Return a row or a column of ones: a product with it is a sum, several times as fast."""
    shared = np.ones((rows, columns), dtype)
    shared.flags.writeable = False
    return shared


def sum_samples(x: Array) -> Array:
    """Return the sum (..., 1, units) over samples."""
    return ones(1, x.shape[-2], x.dtype) @ x


def linear_forward(x: Array, weight: Array, bias: Array | None = None) -> tuple[Array, Any]:
    """Return x @ weight + bias and the cache; x is (..., samples, fan_in)."""
    out = x @ weight
    if bias is not None:
        out += bias
    return out, (x, weight)


def linear_backward(dout: Array, cache: Any) -> tuple[Array, Array, Array]:
    """Return the gradients of x, weight and bias."""
    x, weight = cache
    return dout @ weight.mT, x.mT @ dout, sum_samples(dout)


def first_linear_backward(dout: Array, cache: Any) -> tuple[None, Array, Array]:
    """Return the gradients of weight and bias; the data need none."""
    x, _ = cache
    return None, x.mT @ dout, sum_samples(dout)


def frozen_linear_backward(dout: Array, cache: Any) -> Array:
    """Return the gradient of x; parameters that do not learn need none."""
    _, weight = cache
    return dout @ weight.mT


def activation_forward(z: Array, activation: Activation) -> tuple[Array, Any]:
    """Return f(z) and the cache."""
    out = activation.value(z)
    return out, (z, out, activation)


def activation_backward(dout: Array, cache: Any) -> Array:
    """Return the gradient of z: upstream times local."""
    z, out, activation = cache
    return dout * activation.local_gradient(z, out)


def prelu_forward(z: Array, slope: Array) -> tuple[Array, Any]:
    """Return z where positive and slope * z elsewhere, and the cache (He et al. 2015).

    slope is learned: (..., 1, 1) one per layer, or (..., 1, units) one per unit.
    """
    negative = np.minimum(z, 0)
    return np.maximum(z, 0) + slope * negative, (z > 0, negative, slope)


def prelu_backward(dout: Array, cache: Any) -> tuple[Array, Array]:
    """Return the gradients of z and slope."""
    positive, negative, slope = cache
    shared = (-2, -1) if slope.shape[-1] == 1 else -2
    dslope = (dout * negative).sum(axis=shared, keepdims=True)
    return np.where(positive, dout, slope * dout), dslope


def maxout_forward(z: Array, pieces: int = 2) -> tuple[Array, Any]:
    """Return the greatest of `pieces` affine maps and the cache (Goodfellow et al. 2013).

    z: (..., samples, pieces * units), all units of the first piece before those of the second.
    The first piece wins a tie.
    """
    z = z.reshape(*z.shape[:-1], pieces, -1)
    winner = z.argmax(axis=-2)[..., None, :] == np.arange(pieces)[:, None]
    return z.max(axis=-2), winner


def maxout_backward(dout: Array, winner: Array) -> Array:
    """Return the gradient of z: all of it goes to the piece that won."""
    dz = dout[..., None, :] * winner
    return dz.reshape(*dz.shape[:-2], -1)


def batchnorm_forward(
    x: Array,
    gamma: Array,
    beta: Array,
    running: dict[str, Array],
    *,
    training: bool,
    bn_momentum: float = 0.1,
    eps: float = 1e-5,
    allow_batch_of_one: bool = False,
) -> tuple[Array, Any]:
    """Return gamma * (x - mean) / sqrt(var + eps) + beta and the cache (Ioffe and Szegedy 2015).

    x: (..., samples, units); gamma, beta, running["mean"], running["var"]: (..., 1, units).
    Training takes mean and variance of the batch and moves the running ones towards them, in
    place, by the share bn_momentum; otherwise the running ones are used. The variance is the
    biased one (divided by the number of samples) in both places; PyTorch puts the unbiased one
    into the running average.

    A batch of one sample is its own mean, so training would put out beta whatever it is given:
    ValueError, as in PyTorch, unless allow_batch_of_one; an empty batch is always one. With eps 0
    a feature that is constant over the batch comes out NaN (0 / 0), or as numbers of size 1 where
    its mean was rounded: seven times 0.1 gives seven times 1.
    """
    samples = x.shape[-2]
    if samples < (2 if training and not allow_batch_of_one else 1):
        least = "two samples to train on" if samples else "a sample"
        raise ValueError(f"x must have at least {least}, got {samples}")
    mean, var = running["mean"], running["var"]
    if training:
        mean = sum_samples(x) / samples
    centred = x - mean
    if training:
        var = sum_samples(centred * centred) / samples
        running["mean"] += bn_momentum * (mean - running["mean"])
        running["var"] += bn_momentum * (var - running["var"])
    inverse_std = 1 / np.sqrt(var + eps)
    out = centred * (gamma * inverse_std)
    out += beta
    return out, (centred, inverse_std, gamma, training)


def batchnorm_backward(dout: Array, cache: Any) -> tuple[Array, Array, Array]:
    """Return the gradients of x, gamma and beta."""
    centred, inverse_std, gamma, training = cache
    dgamma = inverse_std * sum_samples(dout * centred)
    dbeta = sum_samples(dout)
    dx = dout
    if training:  # every sample moves the mean and the variance that all others are held against
        moved = centred * (inverse_std * dgamma / dout.shape[-2])
        moved += dbeta / dout.shape[-2]
        dx = np.subtract(dout, moved, out=moved)
    return gamma * inverse_std * dx, dgamma, dbeta


def _channels_last(x: Array) -> Array:
    """Turn (..., N, C, H, W) into (..., N * H * W, C): positions are samples, channels units."""
    x = np.moveaxis(x, -3, -1)
    return x.reshape(*x.shape[:-4], -1, x.shape[-1])


def _channels_first(x: Array, shape: tuple[int, ...]) -> Array:
    """Undo _channels_last for the (..., N, C, H, W) that it came from."""
    *runs, n, c, h, w = shape
    return np.moveaxis(x.reshape(*runs, n, h, w, c), -1, -3)


def spatial_batchnorm_forward(
    x: Array, gamma: Array, beta: Array, running: dict[str, Array], **options: Any
) -> tuple[Array, Any]:
    """Return batch norm of feature maps (..., N, C, H, W) and the cache: one mean per channel.

    Vectors are (..., 1, C); options are those of batchnorm_forward. The batch, the height and the
    width are averaged over alike, so that every position is treated alike.
    """
    out, cache = batchnorm_forward(_channels_last(x), gamma, beta, running, **options)
    return _channels_first(out, x.shape), cache


def spatial_batchnorm_backward(dout: Array, cache: Any) -> tuple[Array, Array, Array]:
    """Return the gradients of x, gamma and beta."""
    dx, dgamma, dbeta = batchnorm_backward(_channels_last(dout), cache)
    return _channels_first(dx, dout.shape), dgamma, dbeta


def check_dropout(rate: float) -> None:
    """Raise ValueError unless some outputs would be kept."""
    if not 0 <= rate < 1:
        raise ValueError(f"dropout must be at least 0 and less than 1, got {rate}")


def dropout_forward(x: Array, rate: float, *, rng: np.random.Generator) -> tuple[Array, Any]:
    """Return x with a share `rate` of its entries 0 and the rest divided by 1 - rate (inverted).

    Test time then needs no change (Srivastava et al. 2014). Runs of a stack share the mask.
    ValueError unless 0 <= rate < 1.
    """
    check_dropout(rate)
    mask = (rng.random(x.shape[-2:]) >= rate).astype(x.dtype) / (1 - rate)
    return x * mask, mask


def dropout_backward(dout: Array, mask: Array) -> Array:
    """Return the gradient of x: nothing flows through what was dropped."""
    return dout * mask


def class_max(logits: Array) -> Array:
    """Return the largest logit (..., samples, 1) of each sample.

    Over a short last axis max() is slow: classes are brought to the front of the samples first.
    """
    return np.ascontiguousarray(logits.mT).max(axis=-2)[..., None]


def softmax(logits: Array) -> Array:
    """Return the class probabilities (..., samples, classes); shifted, so nothing overflows."""
    exp = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


@lru_cache(64)
def whole_numbers(count: int) -> Array:
    """Return 0, 1, ..., count - 1."""
    shared = np.arange(count)
    shared.flags.writeable = False
    return shared


def one_hot(labels: Array, classes: int) -> Array:
    """Return (..., samples, classes), True at each sample's label.

    ValueError for a label that is none of 0, 1, ..., classes - 1.
    """
    hot = labels[..., None] == whole_numbers(classes)
    if np.count_nonzero(hot) != labels.size:
        wrong = labels[~hot.any(axis=-1)].flat[0]
        raise ValueError(f"labels must be whole numbers from 0 to {classes - 1}, got {wrong}")
    return hot


def targets(logits: Array, labels: Array) -> Array:
    """Return the one-hot labels of (..., samples, classes) logits.

    ValueError unless there is one label per sample, for all runs or for each.
    """
    samples = logits.shape[:-1]
    if labels.shape not in (samples, samples[-1:]):
        raise ValueError(f"labels must have shape {samples} as the logits, got {labels.shape}")
    return one_hot(labels, logits.shape[-1])


def cross_entropy_forward(logits: Array, labels: Array) -> tuple[Array, Any]:
    """Return the mean over samples of -log p(label), natural log, shape (...), and the cache.

    logits: (..., samples, classes); labels: (..., samples) whole numbers. The logarithm and the
    exponential cancel (log-sum-exp), so no scale of the logits overflows, and a logit of -inf is a
    class that is ruled out. ValueError for labels that are not among the classes.
    """
    hot = targets(logits, labels)
    shifted = logits - class_max(logits)
    p = np.exp(shifted)
    total = p @ ones(p.shape[-1], 1, p.dtype)
    loss = np.where(hot, np.log(total) - shifted, 0).sum(axis=(-2, -1)) / logits.shape[-2]
    p /= total
    return loss, (p, hot)


def naive_cross_entropy_forward(logits: Array, labels: Array) -> tuple[Array, Any]:
    """Return the same loss as it is written on paper: exp overflows and log(0) is infinite."""
    hot = targets(logits, labels)
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
    """Return 0.5 * reg * sum(weight^2), shape (...), and the cache; biases are not regularized.

    reg is a number or (..., 1, 1).
    """
    return 0.5 * (reg * weight * weight).sum(axis=(-2, -1)), (weight, reg)


def l2_backward(dout: Array | float, cache: Any) -> Array:
    """Return the gradient of the weight; dout is a number or (..., 1, 1)."""
    weight, reg = cache
    return dout * reg * weight
