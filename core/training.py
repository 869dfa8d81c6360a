"""Training as a generator of records; one network or a stack of them goes through the same lines.

All runs of a stack see the same batches. Divergence is data: the record names when and where a run
first went non-finite, its numbers stay non-finite, and there is never an error or a warning.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.datasets import Dataset
from core.diagnostics import dead_units, saturated, update_ratio
from core.layers import cross_entropy_backward, cross_entropy_forward, l2_backward, l2_forward
from core.network import Layer, Network, Trace, backward, forward
from core.optimizers import momentum_step

Array = np.ndarray
Number = float | Array  # one for all runs, or (runs,) with one for each
Backward = Callable[[Array, list[Trace]], list[Layer]]
Loss = Callable[[Array, Array], tuple[Array, Any]]

EXPLODED = 3  # times the first loss: the lecture's rule to abandon a run


@dataclass(kw_only=True)
class Hyper:
    """Hyper-parameters, read anew at every step: set a field between two records to change it."""

    learning_rate: Number
    reg: Number = 0.0
    momentum: Number = 0.0
    decay: Number = 1.0  # factor on the learning rate after every epoch


@dataclass(frozen=True)
class Divergence:
    """The first number of a run that was not finite: at which step, in which layer (from 1)."""

    step: int
    layer: int
    quantity: str


@dataclass(frozen=True, eq=False)
class Record:
    """The state after `step` updates; every array has the runs in front.

    data_loss, reg_loss and train_accuracy are over the training split, val_loss and val_accuracy
    over the validation split, each NaN if the split is not measured. A diverged run's accuracy is
    that of NaN logits: argmax picks class 0.
    update_ratio: (..., layers) norm of each weight's last update over norm of the weight before it;
    NaN at step 0. dead, saturated: (..., hidden layers) share of units that are 0 on every
    training sample, and of saturated outputs.
    batch_loss: (..., steps since the last record) data loss of the batches, each before its update.
    exploded: (...) first step whose batch loss exceeds 3 times the run's first, or -1.
    divergences: run -> Divergence, for runs with a non-finite number (run 0 of a single network).
    """

    step: int
    epoch: float
    data_loss: Array
    reg_loss: Array
    train_accuracy: Array
    val_loss: Array
    val_accuracy: Array
    update_ratio: Array
    dead: Array
    saturated: Array
    batch_loss: Array
    exploded: Array
    divergences: Mapping[int, Divergence]

    @property
    def loss(self) -> Array:
        """Return the loss that is descended: data_loss + reg_loss."""
        return self.data_loss + self.reg_loss


def accuracy(logits: Array, labels: Array) -> Array:
    """Return the share of samples whose largest logit is their label's."""
    return (logits.argmax(axis=-1) == labels).mean(axis=-1)


def batches(
    x: Array, y: Array, batch_size: int, *, rng: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    """Yield one epoch of batches in random order, the last one with what is left."""
    order = rng.permutation(y.shape[-1])
    x, y = x[..., order, :], y[..., order]
    for start in range(0, y.shape[-1], batch_size):
        stop = start + batch_size
        yield x[..., start:stop, :], y[..., start:stop]


def train(
    network: Network,
    data: Dataset,
    hyper: Hyper,
    *,
    batch_size: int,
    epochs: int,
    rng: np.random.Generator,
    record_every: int | None = None,
    measure: tuple[str, ...] = ("train", "val"),
    backward: Backward = backward,
    loss: Loss = cross_entropy_forward,
) -> Iterator[Record]:
    """Train in place; yield a record before the first step and one every `record_every` steps.

    Without `record_every` there is one per epoch. Between two records `network` holds the
    parameters of the last one. `backward` and `loss` can be broken or naive ones, to see what
    breaks.
    """
    run = _Run(network, data, hyper, measure, backward, loss)
    steps_per_epoch = -(-data.y_train.shape[-1] // batch_size)
    yield run.record(0.0)
    for epoch in range(epochs):
        for x, y in batches(run.x_train, data.y_train, batch_size, rng=rng):
            run.take_step(x, y, epoch)
            if run.step % (record_every or steps_per_epoch) == 0:
                yield run.record(run.step / steps_per_epoch)


def _per_run(value: Number, dtype: np.dtype) -> Array:
    """Shape a number, or one number per run, so that it multiplies a parameter."""
    return np.asarray(value, dtype)[..., None, None]


@dataclass(eq=False)
class _Run:
    """A training in progress."""

    network: Network
    data: Dataset
    hyper: Hyper
    measure: tuple[str, ...]
    backward: Backward
    loss: Loss
    step: int = 0
    batch_losses: list[Array] = field(default_factory=list)
    divergences: dict[int, Divergence] = field(default_factory=dict)

    def __post_init__(self) -> None:
        layers, dtype = self.network.layers, self.network.dtype
        self.x_train = self.data.x_train.astype(dtype, copy=False)
        self.x_val = self.data.x_val.astype(dtype, copy=False)
        self.velocity = [{n: np.zeros_like(p) for n, p in layer.items()} for layer in layers]
        self.gradients = self.velocity
        self.learning_rate = _per_run(np.nan, dtype)
        self.limit = np.full(self.network.runs, np.nan)
        self.exploded = np.full(self.network.runs, -1)

    @np.errstate(all="ignore")
    def take_step(self, x: Array, y: Array, epoch: int) -> None:
        """Descend on one batch."""
        hyper, dtype = self.hyper, self.network.dtype
        logits, traces = forward(self.network, x)
        loss, cache = self.loss(logits, y)
        self.step += 1
        self._watch(loss, traces)
        self.gradients = self.backward(cross_entropy_backward(1.0, cache), traces)
        self.learning_rate = _per_run(hyper.learning_rate * hyper.decay**epoch, dtype)
        momentum = _per_run(hyper.momentum, dtype)
        for layer, gradient, velocity in zip(self.network.layers, self.gradients, self.velocity):
            gradient["weight"] += l2_backward(1.0, (layer["weight"], hyper.reg))
            for name, parameter in layer.items():
                momentum_step(
                    parameter, gradient[name], velocity[name], self.learning_rate, momentum
                )

    def _watch(self, loss: Array, traces: list[Trace]) -> None:
        """Note the batch loss, runs whose loss exploded and where a run went non-finite."""
        self.batch_losses.append(loss)
        if self.step == 1:
            self.limit = EXPLODED * loss
        calm = loss <= self.limit  # False for NaN
        if calm.all():
            return
        self.exploded = np.where((self.exploded < 0) & ~calm, self.step, self.exploded)
        for run in np.flatnonzero(~np.isfinite(loss)).tolist():
            if run not in self.divergences:
                self.divergences[run] = self._locate(run, loss, traces)

    def _locate(self, run: int, loss: Array, traces: list[Trace]) -> Divergence:
        """Return where a run went non-finite, following the order in which things are computed."""
        runs = max(1, loss.size)
        for step, layer, quantity, value in self._computed(loss, traces):
            if not np.isfinite(value.reshape(runs, -1)[run]).all():
                return Divergence(step, layer, quantity)
        raise AssertionError("the loss itself is among what is looked at")

    def _computed(self, loss: Array, traces: list[Trace]) -> Iterator[tuple[int, int, str, Array]]:
        """Yield (step, layer, quantity, array) of the last update and of this forward pass."""
        layers = list(enumerate(self.network.layers, 1))
        for layer, _ in reversed(layers):
            for name, gradient in self.gradients[layer - 1].items():
                yield self.step - 1, layer, f"{name} gradient", gradient
        for layer, parameters in layers:
            for name, parameter in parameters.items():
                yield self.step - 1, layer, name, parameter
        for (layer, _), trace in zip(layers, traces):
            yield self.step, layer, "preactivation", trace.z
            yield self.step, layer, "activation", trace.out
        yield self.step, len(layers), "loss", loss

    @np.errstate(all="ignore")
    def record(self, epoch: float) -> Record:
        """Measure the network and hand over the batch losses since the last record."""
        weights = [layer["weight"] for layer in self.network.layers]
        steps = [self.learning_rate * velocity["weight"] for velocity in self.velocity]
        ratios = [update_ratio(step, w + step) for step, w in zip(steps, weights)]
        nothing = np.full(self.network.runs, np.nan)
        train = val = nothing, nothing
        dead = shares = np.full((*self.network.runs, len(weights) - 1), np.nan)
        if "train" in self.measure:
            logits, traces = forward(self.network, self.x_train)
            train = self.loss(logits, self.data.y_train)[0], accuracy(logits, self.data.y_train)
            outs = [trace.out for trace in traces[:-1]]
            name = self.network.activation.name
            dead = np.stack([dead_units(out).mean(axis=-1) for out in outs], axis=-1)
            shares = np.stack([saturated(o, name).mean(axis=(-2, -1)) for o in outs], axis=-1)
        if "val" in self.measure:
            logits, _ = forward(self.network, self.x_val)
            val = self.loss(logits, self.data.y_val)[0], accuracy(logits, self.data.y_val)
        losses, self.batch_losses = self.batch_losses, []
        return Record(
            step=self.step,
            epoch=epoch,
            data_loss=train[0],
            reg_loss=np.sum([l2_forward(w, self.hyper.reg)[0] for w in weights], axis=0),
            train_accuracy=train[1],
            val_loss=val[0],
            val_accuracy=val[1],
            update_ratio=np.stack(ratios, axis=-1),
            dead=dead,
            saturated=shares,
            batch_loss=np.stack(losses, axis=-1) if losses else nothing[..., None][..., :0],
            exploded=self.exploded,
            divergences=dict(self.divergences),
        )
