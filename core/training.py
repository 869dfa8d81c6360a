"""Training as a generator of records; one network or a stack of them goes through the same lines.

Momentum is v <- momentum * v + gradient; w <- w - learning_rate * v, as in PyTorch. All runs of a
stack see the same batches. Divergence is data: it shows in the records, never as an error.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.layers import cross_entropy_backward, cross_entropy_forward, l2_backward, l2_forward
from core.network import Layer, network_backward, network_forward

Array = np.ndarray
Backward = Callable[[Array, list[Any]], list[Layer]]


@dataclass(kw_only=True)
class Hyper:
    """What may be changed between steps: a number for all runs, or (runs, 1, 1) for each."""

    learning_rate: Any
    reg: Any = 0.0
    momentum: Any = 0.0
    decay: float = 1.0  # of the learning rate, per epoch


@dataclass(frozen=True, eq=False)
class Record:
    """The state after an epoch, each array with the runs in front.

    loss is data_loss + reg_loss on the training split; update_ratio: (..., layers), norm of the
    last update over norm of the weight.
    """

    epoch: int
    data_loss: Array
    reg_loss: Array
    train_accuracy: Array
    val_accuracy: Array
    update_ratio: Array

    @property
    def loss(self) -> Array:
        """Return the loss that is descended."""
        return self.data_loss + self.reg_loss


def train(
    network: list[Layer],
    splits: tuple[Array, Array, Array, Array],
    hyper: Hyper,
    *,
    activation: str,
    batch_size: int,
    epochs: int,
    rng: np.random.Generator,
    backward: Backward = network_backward,
) -> Iterator[Record]:
    """Train in place; yield a record before the first step and one after every epoch.

    splits: x_train, y_train, x_val, y_val. `backward` computes the gradients; a broken one can be
    given to see what breaks.
    """
    x, y = splits[:2]
    velocity = [{name: np.zeros_like(p) for name, p in layer.items()} for layer in network]
    ratio = np.zeros((*network[0]["weight"].shape[:-2], len(network)))
    yield _record(0, network, splits, hyper, activation, ratio)
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            gradients = gradients_of(network, x[batch], y[batch], hyper.reg, activation, backward)
            sgd_step(network, gradients, velocity, hyper)
        ratio = update_ratios(network, velocity, hyper)
        yield _record(epoch, network, splits, hyper, activation, ratio)
        hyper.learning_rate = hyper.learning_rate * hyper.decay


def gradients_of(
    network: list[Layer], x: Array, y: Array, reg: Any, activation: str, backward: Backward
) -> list[Layer]:
    """Return the gradients of the loss on one batch, regularization of the weights included."""
    logits, caches = network_forward(network, x, activation)
    _, cache = cross_entropy_forward(logits, y)
    gradients = backward(cross_entropy_backward(cache), caches)
    for layer, gradient in zip(network, gradients, strict=True):
        gradient["weight"] += l2_backward(layer["weight"], reg)
    return gradients


def sgd_step(
    network: list[Layer], gradients: list[Layer], velocity: list[Layer], hyper: Hyper
) -> None:
    """Move every parameter one step down its gradient, with momentum, in place."""
    for layer, gradient, speed in zip(network, gradients, velocity, strict=True):
        for name, parameter in layer.items():
            speed[name] *= hyper.momentum
            speed[name] += gradient[name]
            parameter -= hyper.learning_rate * speed[name]


def update_ratios(network: list[Layer], velocity: list[Layer], hyper: Hyper) -> Array:
    """Return (..., layers): norm of each weight's last update over the norm of the weight."""

    def norm(w: Array) -> Array:
        return np.sqrt((w * w).sum(axis=(-2, -1)))

    pairs = zip(network, velocity, strict=True)
    ratios = [norm(hyper.learning_rate * v["weight"]) / norm(w["weight"]) for w, v in pairs]
    return np.stack(ratios, axis=-1)


def accuracy(logits: Array, labels: Array) -> Array:
    """Return the share of samples whose largest logit is their label's."""
    return (logits.argmax(axis=-1) == labels).mean(axis=-1)


def _record(
    epoch: int,
    network: list[Layer],
    splits: tuple[Array, Array, Array, Array],
    hyper: Hyper,
    activation: str,
    ratio: Array,
) -> Record:
    x, y, x_val, y_val = splits
    logits = network_forward(network, x, activation)[0]
    return Record(
        epoch=epoch,
        data_loss=cross_entropy_forward(logits, y)[0],
        reg_loss=l2_forward([layer["weight"] for layer in network], hyper.reg),
        train_accuracy=accuracy(logits, y),
        val_accuracy=accuracy(network_forward(network, x_val, activation)[0], y_val),
        update_ratio=ratio,
    )
