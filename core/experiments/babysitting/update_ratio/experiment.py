"""Update ratio: how large an update is beside the weights, in runs that end well and in others.

RATES from far too low to too high, SEEDS times each, train as one stack. The lecture's rule, about
1 in 1,000, is taken as a BAND, since published numbers differ.
"""

from collections.abc import Generator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.datasets import standardized_digits
from core.lab.finding import Finding
from core.lab.knobs import Checked, choice, looks, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, decided
from core.nn.layers import linear_backward, linear_forward
from core.nn.network import backward, forward, init_network, stack_networks
from core.nn.optimizers import momentum_step
from core.nn.statistics import update_ratio
from core.nn.training import Hyper, accuracy, collect, train_many

Array = np.ndarray

COST = "training"
RATES = 10.0 ** np.arange(-4, 0.6, 0.25)
SEEDS, HIDDEN = 8, 50
RECORDS = 3  # of an epoch: ratios are measured at so many of its steps, 15 or 72
LAYERS = ("first", "last")
BAND, RULE = (1e-4, 1e-2), 1e-3
LEAST = 1e-9  # a ratio that counts as none: the gradient has faded away

GOOD = 0.9  # of the validation digits right in the end
ENOUGH = 0.9  # of the runs that must do as a claim says
SPREAD = 1e-4  # of first ratios over their rates that are equal, in float32


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The network, how it is trained, and which weights are looked at."""

    layer: str = looks(choice("first", LAYERS))
    momentum: float = numbers(0.0, [0.0, 0.9])
    batch_size: int = numbers(100, [20, 100])
    epochs: int = numbers(20, [5, 20, 40])
    scheme: str = choice("he", ["small", "he"])
    activation: str = choice("relu", ["relu", "tanh"])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Update ratios of both LAYERS; NaN from where a run has failed, its loss exploded.

    first: (RATES, SEEDS, 2) at the first step; early, late: the same in the first and in the last
    epoch (geometric mean of its steps); by_epoch: (RATES, 2, epochs) that of the seeds that have
    not failed; accuracy: (RATES, SEEDS) on validation digits in the end, 0 for a run that failed;
    failed: (RATES, SEEDS).
    """

    config: Config
    first: Array
    early: Array
    late: Array
    by_epoch: Array
    accuracy: Array
    failed: Array

    @property
    def looked_at(self) -> int:
        """Return the place of the layer that is looked at."""
        return LAYERS.index(self.config.layer)

    @property
    def good(self) -> Array:
        """Return (RATES, SEEDS) whether a run ends well."""
        return np.asarray(self.accuracy >= GOOD)

    def in_band(self, ratios: Array) -> Array:
        """Return (RATES, SEEDS) whether ratios (RATES, SEEDS, 2) of the layer lie in the BAND."""
        ratio = ratios[..., self.looked_at]
        return np.asarray((ratio >= BAND[0]) & (ratio <= BAND[1]))


def steps(config: Config) -> Generator[float, None, Result]:
    """Train all rates from all starts as one stack; yield the share done, return the Result."""
    weights, batches = streams(config.seed, "weights", "batches")
    data = standardized_digits().map(lambda x: x.astype(np.float32))
    sizes = data.x_train.shape[1], HIDDEN, data.classes
    starts = [
        init_network(sizes, config.scheme, config.activation, rng=rng, dtype=np.float32)
        for rng in weights.spawn(SEEDS)
    ]
    network = stack_networks([deepcopy(start) for _ in RATES for start in starts])
    training = partial(
        train_many,
        data=data,
        hyper=Hyper(learning_rate=np.repeat(RATES, SEEDS), momentum=config.momentum),
        batch_size=config.batch_size,
        epochs=config.epochs,
        measure=(),
        abandon=True,
    )
    one_step = training(deepcopy(network), rng=deepcopy(batches), record_every=1)
    _, first = islice(one_step, 2)
    every = -(-len(data.y_train) // config.batch_size) // RECORDS
    records = training(network, rng=batches, record_every=every)
    seen = yield from collect(records, "update_ratio", epochs=config.epochs)
    failed = seen["exploded"] | seen["non_finite"]
    ratio = seen["update_ratio"][..., 1:]  # none before the first step
    by_epoch = per_epoch(ratio.reshape(len(RATES), SEEDS, len(LAYERS), -1), config.epochs)
    with np.errstate(all="ignore"):
        logits, _ = forward(network, data.x_val)
    right = np.where(failed, 0, accuracy(logits, data.y_val))
    return Result(
        config=config,
        first=first.update_ratio.reshape(len(RATES), SEEDS, len(LAYERS)),
        early=by_epoch[..., 0],
        late=by_epoch[..., -1],
        by_epoch=mean_of_finite(by_epoch),
        accuracy=right.reshape(len(RATES), SEEDS),
        failed=failed.reshape(len(RATES), SEEDS),
    )


def per_epoch(ratio: Array, epochs: int) -> Array:
    """Return (..., epochs) the geometric means of ratios (..., steps); NaN for one with a NaN."""
    parts = ratio.reshape(*ratio.shape[:-1], epochs, -1)
    return np.asarray(np.exp(np.log(np.maximum(parts, LEAST)).mean(axis=-1)))


def mean_of_finite(ratio: Array) -> Array:
    """Return (RATES, ...) the geometric mean over seeds that are finite; NaN if there is none."""
    finite = np.isfinite(ratio)
    total = np.where(finite, np.log(ratio), 0).sum(axis=1)
    return np.exp(total / np.where(finite.any(axis=1), finite.sum(axis=1), np.nan))


def findings(result: Result) -> tuple[Finding, ...]:
    """T9: good runs end in the band. In it from the start? Good if in it? Why rates matter."""
    good, late = result.good, result.in_band(result.late)
    early = result.in_band(result.early)
    values = {
        "good": good.sum(),
        "late": share(late, good),
        "early": share(early, good),
        "in_band": late.sum(),
        "enough": share(good, late),
        "bar": ENOUGH,
    }
    ratio = result.first[..., result.looked_at] / RATES[:, None]
    spread = float((np.ptp(ratio, axis=0) / ratio.mean(axis=0)).max())
    t9 = above_over_seeds(shares(late, good), ENOUGH)
    missed = result.late[..., result.looked_at][good & ~late]
    return (
        Finding(
            claim="T9",
            outcome=t9,
            because="below" if 2 * (missed < BAND[0]).sum() > missed.size else "",
            values=values,
        ),
        Finding(
            claim="early",
            outcome=above_over_seeds(shares(early, good), ENOUGH),
            values=values,
        ),
        Finding(
            claim="enough",
            outcome=above_over_seeds(shares(good, late), ENOUGH),
            because="slow" if (late & ~good)[good.all(axis=1).argmax() :].sum() == 0 else "",
            misreading=True,
            values=values,
        ),
        Finding(
            claim="rate",
            outcome=decided(spread < SPREAD),
            identity=True,
            values={"spread": spread, "times": RATES[-1] / RATES[0]},
        ),
    )


def share(so: Array, among: Array) -> float:
    """Return which share of the runs `among` are `so`; 0 if there are none."""
    return float((so & among).sum() / max(among.sum(), 1))


def shares(so: Array, among: Array) -> Array:
    """Return (SEEDS,) which share of each seed's runs `among` are `so`; NaN if there are none."""
    count = among.sum(axis=0)
    return (so & among).sum(axis=0) / np.where(count, count, np.nan)


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per run and layer, and a row per rate, layer and epoch."""
    epochs = np.arange(1, result.config.epochs + 1)
    each = np.broadcast_to(result.accuracy[..., None], result.late.shape)
    return {
        "runs": {
            **crossed(rate=RATES.round(6), start=np.arange(1, SEEDS + 1), layer=LAYERS),
            "first_step": result.first.ravel(),
            "first_epoch": result.early.ravel(),
            "last_epoch": result.late.ravel(),
            "val_accuracy": each.ravel(),
        },
        "epochs": {
            **crossed(rate=RATES.round(6), layer=LAYERS, epoch=epochs),
            "update_ratio": result.by_epoch.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "last": Config(layer="last"),
    "small_batches": Config(batch_size=20),
    "momentum": Config(momentum=0.9),
    "long": Config(momentum=0.9, epochs=40),
    "small": Config(scheme="small"),
}
SMALL = Config(epochs=5)
SHOWN = (linear_forward, linear_backward, backward, momentum_step, update_ratio, per_epoch)
