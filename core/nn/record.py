"""What training tells about one moment, and putting together records of parts of a stack."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from core.nn.divergence import Divergence

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Record:
    """The state after `step` updates; every array has the runs in front.

    data_loss, reg_loss and train_accuracy are of the training split, val_loss and val_accuracy of
    the validation split, NaN for a split that is not measured. (A run that is not finite has NaN
    logits, of which argmax picks the first: its accuracy is the share of class 0.)
    update_ratio: (..., layers) norm of each weight's last update over norm of the weight before it,
    NaN at step 0. dead, saturated: (..., hidden layers) share of units that are 0 on every
    training sample, and of outputs that are saturated.
    counts: (..., hidden layers, bins + 1) how many outputs on the training split lie in each bin,
    the last entry is what lies outside; (..., hidden layers, 0) without histograms.
    batch_loss: (..., steps since the last record) data loss of the batches, each before its update.
    steps: (...) updates that each run has had: `step`, but for abandoned runs.
    exploded: (...) first step whose batch loss is above 3 times the run's first, or -1 (NaN is
    above nothing).
    divergences: by run (0 for a single network), for runs whose batch loss or a parameter is not
    finite, the first number that was not.
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
    counts: Array
    batch_loss: Array
    exploded: Array
    steps: Array
    divergences: Mapping[int, Divergence]

    @property
    def loss(self) -> Array:
        """Return the loss that is descended: data_loss + reg_loss."""
        return self.data_loss + self.reg_loss

    @property
    def has_exploded(self) -> Array:
        """Return (...) True for the runs whose loss has been above 3 times the first."""
        return np.asarray(self.exploded > 0)

    @property
    def is_finite(self) -> Array:
        """Return (...) True for the runs whose losses and parameters have all been finite."""
        finite = np.full(np.shape(self.exploded), True)
        finite.flat[list(self.divergences)] = False
        return finite

    @property
    def has_failed(self) -> Array:
        """Return (...) True for the runs that have exploded or are not finite."""
        return self.has_exploded | ~self.is_finite


def arrays_of(record: Record) -> dict[str, Array]:
    """Return the fields that have the runs in front."""
    values = {f.name: getattr(record, f.name) for f in fields(Record)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def merge(records: list[Record]) -> Record:
    """Join the records that chunks of a stack made of one moment."""
    parts = [arrays_of(record) for record in records]
    arrays: dict[str, Any] = {n: np.concatenate([p[n] for p in parts]) for n in parts[0]}
    starts = np.cumsum([0, *(len(r.exploded) for r in records)]).tolist()
    divergences = {
        start + run: divergence
        for start, record in zip(starts, records)
        for run, divergence in record.divergences.items()
    }
    return replace(records[0], **arrays, divergences=divergences)


def with_abandoned(record: Record, live: Array, last: Record) -> Record:
    """Return the record of all runs, of which `record` has the live (...) ones only.

    Of the others, `exploded`, `steps` and `divergences` stay as in `last`; all else is NaN, the
    counts 0.
    """
    arrays: dict[str, Any] = {}
    for name, values in arrays_of(record).items():
        if name in ("exploded", "steps"):
            whole = getattr(last, name).copy()
        else:
            nothing = np.nan if values.dtype.kind == "f" else 0
            whole = np.full((*live.shape, *values.shape[1:]), nothing, values.dtype)
        whole[live] = values
        arrays[name] = whole
    runs = np.flatnonzero(live).tolist()
    new = {runs[run]: divergence for run, divergence in record.divergences.items()}
    return replace(record, **arrays, divergences={**last.divergences, **new})


def none_live(record: Record, last: Record) -> Record:
    """Return the record, at the moment of `record`, of a chunk whose runs are all abandoned."""
    arrays: dict[str, Any] = {name: values[:0] for name, values in arrays_of(record).items()}
    return with_abandoned(
        replace(record, **arrays, divergences={}), np.zeros(len(last.steps), bool), last
    )
