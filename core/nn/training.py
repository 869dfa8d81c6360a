"""Training as a generator of records; one network or a stack of them goes through the same lines.

All runs of a stack see the same batches. That a run explodes or is no longer finite is data: the
record says when, and where, its numbers stay as they are, and there is never an error or a warning.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from core.nn.dataset import Dataset
from core.nn.divergence import Watch, broken_runs, computed_in
from core.nn.layers import (
    cross_entropy_backward,
    cross_entropy_forward,
    l2_backward,
    l2_forward,
    one_hot,
)
from core.nn.network import (
    Layer,
    Network,
    Runs,
    Trace,
    backward,
    forward,
    layers_of_runs,
    put_runs,
    take_runs,
)
from core.nn.optimizers import momentum_step
from core.nn.pool import WORKERS, in_parallel
from core.nn.record import Record, merge, none_live, with_abandoned
from core.nn.statistics import bin_counts, dead_units, saturated_share, update_ratio

Array = np.ndarray
Number = float | Array  # one for all runs, or (runs,) with one for each
Loss = Callable[[Array, Array], tuple[Array, Any]]
Backward = Callable[[Array, list[Trace]], list[Layer]]

CHUNK_BYTES = 2_000_000  # of parameters; with what a step needs beside them this fits a cache
MEASURED_BYTES = 300_000  # of what the widest layers of all runs put out, at a time: fits a cache

quietly = np.errstate(all="ignore")  # overflow in a diverging run is no warning


@dataclass(kw_only=True)
class Hyper:
    """Hyper-parameters, read anew at every step: set a field between two records to change it."""

    learning_rate: Number
    reg: Number = 0.0
    momentum: Number = 0.0
    decay: Number = 1.0  # factor on the learning rate after every epoch


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
    histograms: Array | None = None,
    abandon: bool = False,
    backward: Backward = backward,
    loss: Loss = cross_entropy_forward,
) -> Iterator[Record]:
    """Train in place; yield a record before the first step and one every `record_every` steps.

    Without `record_every` there is one per epoch. Between two records `network` holds the
    parameters of the last one.
    measure: the splits that a record measures.
    histograms: evenly spaced edges of bins, to count hidden outputs on the training split.
    abandon: stop training a run once a record finds that it has failed. Its parameters stay as they
    are, its numbers are NaN from the next record on, and training ends when no run is left.
    backward, loss: a broken or a naive one can be given to see what breaks.
    ValueError for data that do not fit the network, before the first record.
    """
    check_data(network, data, batch_size)
    batch_rng, dropout_rng = rng.spawn(2)
    data = data.map(lambda x: x.astype(network.dtype, copy=False))
    epoch_steps = -(-data.y_train.shape[-1] // batch_size)
    training = Training(
        network,
        data,
        hyper,
        epoch_steps=epoch_steps,
        dropout_rng=dropout_rng,
        measure=measure,
        histograms=histograms,
        backward=backward,
        loss=loss,
    )
    yield training.record()
    for epoch, x, y in batches(data, batch_size, epochs, rng=batch_rng):
        training.take_step(epoch, x, y)
        if training.step % (record_every or epoch_steps) == 0:
            yield (record := training.record())
            if abandon:
                if record.has_failed.all():
                    return
                training.drop_failed()


def train_many(
    network: Network,
    data: Dataset,
    hyper: Hyper,
    *,
    batch_size: int,
    rng: np.random.Generator,
    **options: Any,
) -> Iterator[Record]:
    """Train a stack of runs in chunks on the pool; the same records as train(), options too.

    Chunks are what fits a processor's cache and are trained side by side. hyper is read once, at
    the start.
    """
    check_data(network, data, batch_size)
    trainings = [
        train(
            take_runs(network, chunk),
            runs_of_data(data, chunk),
            runs_of_hyper(hyper, chunk),
            batch_size=batch_size,
            rng=deepcopy(rng),
            **options,
        )
        for chunk in chunks(network)
    ]
    last: list[Record] = []
    while any(records := in_parallel(lambda t: next(t, None), trainings)):
        moment = next(filter(None, records))
        last = [r or none_live(moment, last[i]) for i, r in enumerate(records)]
        yield merge(last)


class Training:
    """A training under way: what is carried from step to step.

    `network` and `data` are those of all runs, of which `live`, a mask (...), marks the ones that
    drop_failed() has left. The parts and all that changes with a step are of the live runs only.
    """

    def __init__(
        self,
        network: Network,
        data: Dataset,
        hyper: Hyper,
        *,
        epoch_steps: int,
        dropout_rng: np.random.Generator,
        measure: tuple[str, ...],
        histograms: Array | None,
        backward: Backward,
        loss: Loss,
    ) -> None:
        self.hyper, self.epoch_steps, self.dropout_rng = hyper, epoch_steps, dropout_rng
        self.measure, self.histograms = measure, histograms
        self.backward, self.loss = backward, loss
        self.step = 0
        self.network, self.data, self.live = network, data, np.full(network.runs, True)
        self.part, self.part_data = network, data
        self.velocity = [
            {n: np.zeros_like(p) for n, p in layer.items()} for layer in network.layers
        ]
        self.gradients = self.velocity
        self.rate: Number = 0.0  # of the last step
        self.watch = Watch.over(network.runs)
        self.losses: list[Array] = []
        self.last: Record

    def rates(self) -> Hyper:
        """Return the hyper-parameters of the live runs, as they are now."""
        if self.part is self.network:
            return self.hyper
        return runs_of_hyper(self.hyper, self.live)

    def take_step(self, epoch: int, x: Array, y: Array) -> None:
        """Train on a batch."""
        if self.part is not self.network:
            x, y = own_or_shared(x, self.live, 3), own_or_shared(y, self.live, 2)
        self.step, rates = self.step + 1, self.rates()
        loss, gradients, traces = loss_and_gradients(
            self.part,
            x,
            y,
            rates.reg,
            rng=self.dropout_rng,
            backward=self.backward,
            loss=self.loss,
        )
        self.losses.append(loss)
        self.watch.look(self.step, loss, self.part.layers, self.gradients, traces)
        self.gradients = gradients
        self.rate = descend(self.part, gradients, self.velocity, rates, epoch)

    def record(self) -> Record:
        """Return the record of all runs, and bring `network` up to date."""
        part, watch = self.part, self.watch
        watch.locate(
            broken_runs(part.layers), computed_in(self.step + 1, part.layers, self.gradients, [])
        )
        none = np.full((*part.runs, len(part.layers)), np.nan)
        record = Record(
            step=self.step,
            epoch=self.step / self.epoch_steps,
            **measured(
                part, self.part_data, self.rates().reg, self.measure, self.histograms, self.loss
            ),
            update_ratio=update_ratios(part, self.velocity, self.rate) if self.step else none,
            batch_loss=side_by_side(self.losses, part.runs),
            steps=np.full(part.runs, self.step),
            exploded=watch.exploded,
            divergences=dict(watch.divergences),
        )
        if part is not self.network:
            record = with_abandoned(record, self.live, self.last)
            put_runs(self.network, self.live, part)
        self.losses, self.last = [], record
        return record

    def drop_failed(self) -> None:
        """Go on without the runs that have failed by the last record; some have not."""
        stay = ~self.last.has_failed[self.live]
        if stay.all():
            return
        self.live = ~self.last.has_failed
        self.part, self.watch = take_runs(self.part, stay), self.watch.take(stay)
        self.part_data = runs_of_data(self.data, self.live)
        self.velocity = layers_of_runs(self.velocity, stay)
        self.gradients = layers_of_runs(self.gradients, stay)


def check_data(network: Network, data: Dataset, batch_size: int) -> None:
    """Raise ValueError for labels other than one of the network's classes for each sample.

    And for batches of one sample, the last of an epoch too, unless batch norm allows them.
    """
    classes = network.layers[-1]["bias"].shape[-1]
    for name, x, y in (("y_train", data.x_train, data.y_train), ("y_val", data.x_val, data.y_val)):
        samples = x.shape[-2:-1]
        if y.shape not in (samples, network.runs + samples):
            raise ValueError(f"{name} must have shape {samples} as its samples, got {y.shape}")
        one_hot(y, classes)
    samples = data.y_train.shape[-1]
    if network.batch_norm == "none" or network.allow_batch_of_one:
        return
    if 1 in (batch_size, samples % batch_size):
        raise ValueError(
            f"batch_size must not leave batch norm a sample alone, got {batch_size} for {samples}"
        )


def collect(
    records: Iterable[Record], *names: str, epochs: int
) -> Generator[float, None, dict[str, Array]]:
    """Drain a training, yielding the share done, 0 to 1, after each of its records.

    Return the fields named as history() does, and where runs ended: "non_finite" and "exploded",
    (...) each.
    """
    seen = []
    for record in records:
        seen.append(record)
        yield record.epoch / epochs
    return {
        **history(seen, *names),
        "non_finite": ~seen[-1].is_finite,
        "exploded": seen[-1].has_exploded,
    }


def chunks(network: Network) -> list[slice]:
    """Split the runs of a stack evenly, into a multiple of the pool's threads if there are many."""
    (runs,) = network.runs
    size = sum(p.nbytes for layer in network.layers for p in layer.values())
    return evenly(runs, -(-size // (CHUNK_BYTES * WORKERS)) * WORKERS)


def evenly(runs: int, parts: int) -> list[slice]:
    """Split runs into parts of about one size, none of them empty."""
    edges = np.linspace(0, runs, min(parts, runs) + 1).round().astype(int).tolist()
    return [slice(start, stop) for start, stop in zip(edges[:-1], edges[1:])]


def history(records: Sequence[Record], *names: str) -> dict[str, Array]:
    """Return fields of the records by name, the moments of the records as a last axis."""
    return {n: np.stack([getattr(record, n) for record in records], axis=-1) for n in names}


def own_or_shared(array: Array, runs: Runs, axes: int) -> Array:
    """Return some runs of an array; one with fewer than `axes` axes is shared by all runs."""
    return array[runs] if array.ndim == axes else array


def runs_of_data(data: Dataset, runs: Runs) -> Dataset:
    """Return the data of some runs, where runs have their own."""
    return replace(
        data,
        x_train=own_or_shared(data.x_train, runs, 3),
        y_train=own_or_shared(data.y_train, runs, 2),
        x_val=own_or_shared(data.x_val, runs, 3),
        y_val=own_or_shared(data.y_val, runs, 2),
    )


def runs_of_hyper(hyper: Hyper, runs: Runs) -> Hyper:
    """Return the hyper-parameters of some runs, where runs have their own."""
    values = {f.name: getattr(hyper, f.name) for f in fields(hyper)}
    return replace(hyper, **{n: v[runs] if np.ndim(v) else v for n, v in values.items()})


def side_by_side(values: list[Array], runs: tuple[int, ...]) -> Array:
    """Stack arrays of one number per run along a last axis; (..., 0) for none."""
    return np.stack(values, axis=-1) if values else np.empty((*runs, 0))


def batches(
    data: Dataset, batch_size: int, epochs: int, *, rng: np.random.Generator
) -> Iterator[tuple[int, Array, Array]]:
    """Yield epoch, features and labels of batches; each epoch has every training sample once.

    The last batch of an epoch has what is left.
    """
    samples = data.y_train.shape[-1]
    for epoch in range(epochs):
        order = rng.permutation(samples)
        x, y = data.x_train[..., order, :], data.y_train[..., order]
        for start in range(0, samples, batch_size):
            stop = start + batch_size
            yield epoch, x[..., start:stop, :], y[..., start:stop]


def per_run(value: Number, dtype: np.dtype) -> Array | float:
    """Shape one number per run so that it multiplies parameters: (..., 1, 1)."""
    return value.astype(dtype)[..., None, None] if isinstance(value, np.ndarray) else float(value)


@quietly
def loss_and_gradients(
    network: Network,
    x: Array,
    y: Array,
    reg: Number = 0.0,
    *,
    rng: np.random.Generator | None = None,
    backward: Backward = backward,
    loss: Loss = cross_entropy_forward,
) -> tuple[Array, list[Layer], list[Trace]]:
    """Return the data loss of a batch, the gradients of loss + regularization, and the traces."""
    logits, traces = forward(network, x, training=True, rng=rng)
    data_loss, cache = loss(logits, y)
    gradients = backward(cross_entropy_backward(1.0, cache), traces)
    if np.count_nonzero(reg):
        reg = per_run(reg, network.dtype)
        for layer, gradient in zip(network.layers, gradients):
            gradient["weight"] += l2_backward(1.0, (layer["weight"], reg))
    return data_loss, gradients, traces


@quietly
def descend(
    network: Network, gradients: list[Layer], velocity: list[Layer], hyper: Hyper, epoch: int
) -> Array | float:
    """Move every parameter one step down its gradient, in place; return the learning rate."""
    rate = per_run(hyper.learning_rate * hyper.decay**epoch, network.dtype)
    momentum = per_run(hyper.momentum, network.dtype)
    for layer, gradient, v in zip(network.layers, gradients, velocity):
        for n in layer:
            momentum_step(layer[n], gradient[n], v[n], rate, momentum)
    return rate


@quietly
def update_ratios(network: Network, velocity: list[Layer], rate: Number) -> Array:
    """Return (..., layers) of the updates, rate * velocity, just taken off the weights."""
    pairs = [(rate * v["weight"], layer["weight"]) for v, layer in zip(velocity, network.layers)]
    return np.stack([update_ratio(update, weight + update) for update, weight in pairs], axis=-1)


def accuracy(logits: Array, labels: Array) -> Array:
    """Return the share of samples whose largest logit is their label's."""
    return (logits.argmax(axis=-1) == labels).mean(axis=-1)


def output_counts(outs: list[Array], edges: Array) -> Array:
    """Return (..., layers, bins + 1) counts of what each layer put out, run by run."""
    runs = outs[0].shape[:-2]
    counts = np.empty((*runs, len(outs), len(edges)), np.intp)
    for layer, out in enumerate(outs):
        for run in np.ndindex(runs):
            counts[(*run, layer)] = bin_counts(out[run], edges)
    return counts


@quietly
def measured(
    network: Network,
    data: Dataset,
    reg: Number,
    measure: tuple[str, ...],
    edges: Array | None,
    loss: Loss,
) -> dict[str, Array]:
    """Return the fields of a Record that look at the splits, NaN for those not asked for."""
    runs, hidden, reg = network.runs, len(network.layers) - 1, per_run(reg, network.dtype)
    penalties = [l2_forward(layer["weight"], reg)[0] for layer in network.layers]
    unknown = np.full(runs, np.nan)
    values = dict.fromkeys(("data_loss", "train_accuracy", "val_loss", "val_accuracy"), unknown)
    values["dead"] = values["saturated"] = side_by_side([unknown] * hidden, runs)
    values["counts"] = np.empty((*runs, hidden, 0), np.intp)
    values["reg_loss"] = np.sum(penalties, axis=0)
    if "train" in measure:
        logits, of_outputs = measured_outputs(network, data.x_train, edges)
        values |= of_outputs
        values["data_loss"] = loss(logits, data.y_train)[0]
        values["train_accuracy"] = accuracy(logits, data.y_train)
    if "val" in measure:
        logits = np.concatenate([part for part, _ in few_at_a_time(network, data.x_val)], axis=-2)
        values["val_loss"] = loss(logits, data.y_val)[0]
        values["val_accuracy"] = accuracy(logits, data.y_val)
    return values


def few_at_a_time(network: Network, x: Array) -> Iterator[tuple[Array, list[Trace]]]:
    """Yield what forward() returns for x (..., samples, features), some samples at a time."""
    samples = x.shape[-2]
    size = samples * max(layer["bias"].nbytes for layer in network.layers)
    for rows in evenly(samples, -(-size // MEASURED_BYTES)):
        yield forward(network, x[..., rows, :])


def measured_outputs(
    network: Network, x: Array, edges: Array | None
) -> tuple[Array, dict[str, Array]]:
    """Return the logits of x (..., samples, features), and what a Record has of hidden outputs."""
    runs, samples, hidden = network.runs, x.shape[-2], len(network.layers) - 1
    logits: list[Array] = []
    dead: list[Any] = [True] * hidden
    saturated = np.zeros((*runs, hidden))
    counts = np.zeros((*runs, hidden, 0 if edges is None else len(edges)), np.intp)
    for of_few, traces in few_at_a_time(network, x):
        outs = [trace.out for trace in traces[:-1]]
        logits.append(of_few)
        dead = [before & dead_units(out) for before, out in zip(dead, outs)]
        shares = [saturated_share(out, network.activation_name) for out in outs]
        saturated += side_by_side(shares, runs) * (of_few.shape[-2] / samples)
        if edges is not None and outs:
            counts += output_counts(outs, edges)
    return np.concatenate(logits, axis=-2), {
        "dead": side_by_side([units.mean(axis=-1) for units in dead], runs),
        "saturated": saturated,
        "counts": counts,
    }
