"""Train only: new digits normalized with the training statistics, with all data's or by themselves.

On each of many random splits two networks are trained once, from the same weights and batches: one
on digits normalized by the training split's mean and std, one by those of all digits. Then the
first one reads the validation digits prepared in other ways; nothing is trained anew for that.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import band
from core.lab.datasets import all_digits, stratified_split
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, looks, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds
from core.nn.dataset import Dataset
from core.nn.network import Network, forward, init_network, stack_networks, take_runs
from core.nn.preprocessing import fit_standardizer
from core.nn.training import Hyper, accuracy, collect, train_many

Array = np.ndarray

COST = "training"
SPLITS = 20
EPOCHS, BATCH = 5, 64
RATE, MOMENTUM = 0.1, 0.9
MIXED = (1, 2, 5, 10, 20, 50, 100, 359)  # images normalized together; 359 are all of a split
ONE_CLASS = (1, 2, 5, 10, 20, 35)  # of one class; no split has more of every class
SEEN = (0, 1, 7)  # digits of which an image is drawn

POINT = 0.01  # of accuracy: P5 asks for a difference larger than that
BETTER = 0.005  # P5b: a gain that would count; the sd of a split's is 0.004
READ = 0.5  # P5c: accuracy under which a set counts as lost


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """How many new images are normalized together, and how they differ from the training ones."""

    together: int = looks(numbers(1, MIXED))
    shift: int = numbers(0, [0, 1, 2, 4])
    contrast: float = numbers(1.0, [0.5, 1.0, 1.5])
    seed: int = seed()

    @property
    def alike(self) -> bool:
        """Tell whether the new images are such as the training ones."""
        return self.shift == 0 and self.contrast == 1


@dataclass(frozen=True, eq=False)
class Result:
    """Validation accuracies, a row per split.

    train, everything: (splits,) of digits normalized with the training split's statistics, and with
    those of all digits, each read by the network that was trained on such; own: (splits, MIXED) of
    sets of mixed classes, one_class: (splits, ONE_CLASS) of sets of one class, normalized by
    themselves; images: (5, SEEN, 64) new images of the first split: raw, by the training
    statistics, each by itself, among all new images, and among those of its class.
    """

    config: Config
    train: Array
    everything: Array
    own: Array
    one_class: Array
    images: Array

    @property
    def chosen(self) -> Array:
        """Return (splits,) accuracies of mixed sets of the chosen number of images."""
        return self.own[:, MIXED.index(self.config.together)]


def on_itself(x: Array) -> Array:
    """Normalize sets (..., samples, features), each by its own mean and std; std 0 becomes 1."""
    mean, std = x.mean(axis=-2, keepdims=True), x.std(axis=-2, keepdims=True)
    return (x - mean) / np.where(std > 0, std, 1)


def in_sets(x: Array, y: Array, size: int) -> tuple[Array, Array]:
    """Normalize runs of `size` samples of x (samples, features) by themselves; drop what is left.

    y: (samples,) labels, cut to the same samples.
    """
    kept = len(x) // size * size
    sets = x[:kept].reshape(-1, size, x.shape[-1])
    return on_itself(sets).reshape(kept, -1), y[:kept]


def by_class(x: Array, y: Array, size: int) -> tuple[Array, Array]:
    """Normalize sets of `size` samples that all have one class; see in_sets."""
    parts = [in_sets(x[y == label], y[y == label], size) for label in np.unique(y)]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def seen_as(x: Array, y: Array, by_training: Array) -> Array:
    """Return (5, SEEN, features): an image of each digit in the five ways of Result.images.

    by_training: x (samples, features) as the training statistics make it.
    """
    at = [int((y == digit).argmax()) for digit in SEEN]
    with_its_class = np.stack([on_itself(x[y == digit])[0] for digit in SEEN])
    return np.stack(
        [x[at], by_training[at], on_itself(x[at, None])[:, 0], on_itself(x)[at], with_its_class]
    )


def read(network: Network, prepared: list[tuple[Array, Array]]) -> Array:
    """Return (splits,) accuracies on each split's own samples and labels.

    network: of whose runs the first read one split each.
    """
    x, y = (np.stack(part) for part in zip(*prepared))
    logits, _ = forward(take_runs(network, slice(len(x))), x.astype(network.dtype))
    return accuracy(logits, y)


def split_digits(config: Config) -> list[tuple[Array, Array, Array, Array]]:
    """Return x_train, y_train, x_val, y_val of every split, the new images changed as chosen."""
    x, y = all_digits()
    splits = []
    for rng in streams(config.seed, "splits")[0].spawn(SPLITS):
        train, val = stratified_split(y, rng=rng)
        val = rng.permutation(val)
        splits.append((x[train], y[train], config.contrast * x[val] + config.shift, y[val]))
    return splits


def steps(config: Config) -> Generator[float, None, Result]:
    """Train the networks of all splits as one stack, then let them read what is prepared."""
    splits = split_digits(config)
    fitted = [fit_standardizer(x) for x, _, _, _ in splits]
    of_all = [fit_standardizer(np.concatenate([x, new])) for x, _, new, _ in splits]
    weights, order = streams(config.seed, "weights", "batches")
    drawn = [
        init_network((64, 50, 10), "he", rng=rng, dtype=np.float32) for rng in weights.spawn(SPLITS)
    ]
    network = stack_networks([*drawn, *drawn])
    pairs = [*zip(fitted, splits), *zip(of_all, splits)]
    data = Dataset(
        "digits",
        np.stack([s.transform(x).astype(np.float32) for s, (x, _, _, _) in pairs]),
        np.stack([y for _, (_, y, _, _) in pairs]),
        np.stack([s.transform(x).astype(np.float32) for s, (_, _, x, _) in pairs]),
        np.stack([y for _, (_, _, _, y) in pairs]),
        classes=10,
        image_shape=(8, 8),
    )
    records = train_many(
        network,
        data,
        Hyper(learning_rate=RATE, momentum=MOMENTUM),
        batch_size=BATCH,
        epochs=EPOCHS,
        rng=order,
        measure=("val",),
    )
    seen = yield from collect(records, "val_accuracy", epochs=EPOCHS)
    train, everything = seen["val_accuracy"][:, -1].reshape(2, SPLITS)
    new = [(x, y) for _, _, x, y in splits]
    return Result(
        config=config,
        train=train,
        everything=everything,
        own=np.stack([read(network, [in_sets(*n, size) for n in new]) for size in MIXED], -1),
        one_class=np.stack(
            [read(network, [by_class(*n, size) for n in new]) for size in ONE_CLASS], -1
        ),
        images=seen_as(*new[0], fitted[0].transform(new[0][0])),
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """P5: statistics of the training split. P5b: those of all data. P5c: a set of one class."""
    ahead = result.train - result.chosen
    p5 = Finding(
        claim="P5",
        outcome=above_over_seeds(ahead, POINT),
        because=_why(result.config, above_over_seeds(-ahead, POINT)),
        values={"train": result.train.mean(), "own": result.chosen.mean(), "point": POINT},
    )
    p5b = Finding(
        claim="P5b",
        outcome=above_over_seeds(result.everything - result.train, BETTER),
        values={"train": result.train.mean(), "everything": result.everything.mean()},
    )
    p5c = Finding(
        claim="P5c",
        outcome=above_over_seeds(result.one_class[:, -1], READ),
        values={
            "one_class": result.one_class[:, -1].mean(),
            "mixed": result.own[:, -1].mean(),
            "most": ONE_CLASS[-1],
            "bar": READ,
        },
        misreading=True,
    )
    return (p5, p5b, p5c) if result.config.alike else (p5, p5c)


def _why(config: Config, own_is_ahead: Outcome) -> str:
    """Name what is special about the comparison."""
    if own_is_ahead is Outcome.HOLDS:
        return "own"
    return "one" if config.together == 1 else ""


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return accuracies by number of images, by statistics, and one image as it is seen."""
    return {
        "sets": {
            "digits": ["mixed"] * len(MIXED) + ["one class"] * len(ONE_CLASS),
            "together": [*MIXED, *ONE_CLASS],
            **band("accuracy", np.concatenate([result.own, result.one_class], axis=1), axis=0),
        },
        "statistics": {
            "of": ["training split", "all data"],
            **band("accuracy", np.stack([result.train, result.everything]), axis=1),
        },
    }


PRESETS = {
    "lecture": Config(),
    "ten": Config(together=10),
    "hundred": Config(together=100),
    "bright": Config(together=100, shift=4),
    "dim": Config(together=100, contrast=0.5),
}
SMALL = Config(together=10)
SHOWN = (fit_standardizer, on_itself, in_sets, by_class, stratified_split)
