"""Regularization: does it help that an image's output depends on its batch mates?

Networks are trained on 200 digits by descent on all of them at once. Only the groups over which
batch norm takes mean and variance differ: random groups of 4, 10 or 40, drawn anew at every step,
or all 200 images, which leaves nothing to chance. Validation uses the statistics of all 200 images.
Beside that, training as usual in small batches with batch norm and without, each at its best rate.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.datasets import standardized_digits
from core.lab.finding import Finding
from core.lab.knobs import Checked, looks, numbers, seed
from core.lab.parts import portion
from core.lab.streams import streams
from core.lab.verdict import above, above_over_seeds, both, interval
from core.nn.dataset import Dataset
from core.nn.layers import batchnorm_forward, cross_entropy_forward
from core.nn.network import Network, forward, init_network, stack_networks
from core.nn.training import (
    Hyper,
    accuracy,
    collect,
    descend,
    loss_and_gradients,
    train_many,
)

Array = np.ndarray

COST = "training"
IMAGES, UNITS, SEEDS = 200, 50, 15
GROUPS = (4, 10, 40, IMAGES)
DRAWS = 60  # of batch mates for one image
RATES = (0.03, 0.1, 0.3, 1.0)  # of training as usual
BATCH, EPOCHS = 20, 20
CASES = ("without", "with")

MORE = 1.5  # B10b: spread of a score in groups of 4 over that in groups of 40
SOME = 0.2  # B10b: spread of a score in groups of 40


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The group that is asked about, and the descent."""

    group: int = looks(numbers(10, GROUPS[:-1]))
    learning_rate: float = numbers(0.3, [0.1, 0.3])
    steps: int = numbers(100, [50, 100, 200])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Descent in groups, and training as usual.

    val, gap: (GROUPS + 1, SEEDS) validation accuracy, and validation minus training loss, the last
    without batch norm; outputs: (GROUPS, DRAWS) one image's score for its own class among random
    mates, by one network that was trained on all images at once; spread: (GROUPS,) std of such
    scores over draws, mean over all images; usual_val, usual_gap: (CASES, RATES, SEEDS) as val and
    gap, NaN for a run that diverged.
    """

    config: Config
    val: Array
    gap: Array
    outputs: Array
    spread: Array
    usual_val: Array
    usual_gap: Array

    def gain(self, row: int) -> Array:
        """Return (SEEDS,) the validation accuracy of a row of val minus that of all images."""
        gained: Array = self.val[row] - self.val[GROUPS.index(IMAGES)]
        return gained


def own_images(config: Config) -> Dataset:
    """Return the digits with IMAGES training images for each seed: (SEEDS, IMAGES, features)."""
    (images,) = streams(config.seed, "images")
    data = standardized_digits().map(lambda x: x.astype(np.float32))
    chosen = np.stack([images.permutation(len(data.y_train))[:IMAGES] for _ in range(SEEDS)])
    return replace(data, x_train=data.x_train[chosen], y_train=data.y_train[chosen])


def build(config: Config, batch_norm: str, copies: int = 1) -> Network:
    """Draw a network per seed and stack `copies` of each: (copies * SEEDS) runs."""
    (weights,) = streams(config.seed, "weights")
    drawn = [
        init_network((64, UNITS, UNITS, 10), "he", rng=rng, batch_norm=batch_norm, dtype=np.float32)
        for rng in weights.spawn(SEEDS)
    ]
    return stack_networks(drawn * copies)


def for_groups(networks: Network, count: int) -> Network:
    """Return networks that see `count` groups each: parameters (runs, 1, ...) beside samples
    (runs, count, group, features). The parameters are views of the networks' own.
    """
    return replace(
        networks,
        layers=[{n: values[:, None] for n, values in layer.items()} for layer in networks.layers],
        running=[
            {n: np.repeat(values[:, None], count, axis=1) for n, values in layer.items()}
            for layer in networks.running
        ],
    )


def regrouped(x: Array, y: Array, group: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Deal samples (runs, samples, features) and labels out into random groups, run by run."""
    runs, samples = y.shape
    order = rng.permuted(np.tile(np.arange(samples), (runs, 1)), axis=1)
    shape = runs, samples // group, group
    return (
        np.take_along_axis(x, order[..., None], axis=1).reshape(*shape, -1),
        np.take_along_axis(y, order, axis=1).reshape(shape),
    )


def descend_in_groups(
    networks: Network, data: Dataset, group: int, config: Config
) -> Iterator[float]:
    """Train in place on all images at once, normalized group by group; yield the share done."""
    (groups,) = streams(config.seed, "groups")
    seen = for_groups(networks, IMAGES // group)
    velocity = [{n: np.zeros_like(p) for n, p in layer.items()} for layer in seen.layers]
    hyper = Hyper(learning_rate=config.learning_rate)
    for step in range(config.steps):
        x, y = regrouped(data.x_train, data.y_train, group, groups)
        _, gradients, _ = loss_and_gradients(seen, x, y)
        mean = [{n: g.mean(axis=1, keepdims=True) for n, g in layer.items()} for layer in gradients]
        descend(seen, mean, velocity, hyper, 0)
        yield (step + 1) / config.steps


def with_statistics_of_all(networks: Network, x: Array) -> Network:
    """Return the networks with mean and variance of all their images as running averages."""
    running = [{n: v.copy() for n, v in layer.items()} for layer in networks.running]
    exact = replace(networks, running=running, bn_momentum=1.0)
    forward(exact, x, training=True)
    return exact


def own_scores(networks: Network, data: Dataset, rng: np.random.Generator) -> Array:
    """Return (GROUPS, DRAWS, images) scores of the first network's images for their own classes.

    Each draw deals the images out into groups anew.
    """
    x, y = data.x_train[:1], data.y_train[:1]
    first = replace(
        networks,
        layers=[{n: v[:1] for n, v in layer.items()} for layer in networks.layers],
        running=[{n: v[:1] for n, v in layer.items()} for layer in networks.running],
    )
    order = rng.permuted(np.tile(np.arange(IMAGES), (DRAWS, 1)), axis=1)
    scores = np.empty((len(GROUPS), DRAWS, IMAGES))
    for row, group in enumerate(GROUPS):
        dealt = x[0, order].reshape(1, -1, group, x.shape[-1])
        logits, _ = forward(for_groups(first, dealt.shape[1]), dealt, training=True)
        own = np.take_along_axis(logits.reshape(DRAWS, IMAGES, -1), y[0, order][..., None], -1)
        np.put_along_axis(scores[row], order, own[..., 0], axis=1)
    return scores


def as_usual(
    config: Config, data: Dataset, batch_norm: str
) -> Generator[float, None, tuple[Array, Array]]:
    """Train in batches of BATCH at every rate; return accuracies and gaps (RATES, SEEDS)."""
    (batches,) = streams(config.seed, "batches")
    copies = len(RATES)
    records = train_many(
        build(config, batch_norm, copies),
        replace(
            data,
            x_train=np.tile(data.x_train, (copies, 1, 1)),
            y_train=np.tile(data.y_train, (copies, 1)),
        ),
        Hyper(learning_rate=np.repeat(RATES, SEEDS)),
        batch_size=BATCH,
        epochs=EPOCHS,
        rng=batches,
        record_every=EPOCHS * IMAGES // BATCH // 4,
    )
    seen = yield from collect(records, "val_accuracy", "val_loss", "data_loss", epochs=EPOCHS)
    failed = seen["non_finite"]
    val = np.where(failed, np.nan, seen["val_accuracy"][:, -1])
    gap = np.where(failed, np.nan, (seen["val_loss"] - seen["data_loss"])[:, -1])
    return val.reshape(copies, SEEDS), gap.reshape(copies, SEEDS)


def steps(config: Config) -> Generator[float, None, Result]:
    """Descend in groups of every size and without batch norm, then train as usual."""
    data = own_images(config)
    val, gap = [], []
    parts = len(GROUPS) + 3
    for done, group in enumerate((*GROUPS, None)):
        networks = build(config, "before" if group else "none")
        for share in descend_in_groups(networks, data, group or IMAGES, config):
            yield (done + share) / parts
        exact = with_statistics_of_all(networks, data.x_train)
        seen, new = forward(exact, data.x_train)[0], forward(exact, data.x_val)[0]
        val.append(accuracy(new, data.y_val))
        fitted, _ = cross_entropy_forward(seen, data.y_train)
        gap.append(cross_entropy_forward(new, data.y_val)[0] - fitted)
        if group == IMAGES:
            (mates,) = streams(config.seed, "mates")
            scores = own_scores(networks, data, mates)
    usual = []
    for done, batch_norm in enumerate(("none", "before"), start=len(GROUPS) + 1):
        training = as_usual(config, data, batch_norm)
        usual.append((yield from portion(training, done / parts, 1 / parts)))
    usual_val, usual_gap = (np.stack(values) for values in zip(*usual))
    return Result(
        config=config,
        val=np.stack(val),
        gap=np.stack(gap),
        outputs=scores[..., 0],
        spread=scores.std(axis=1).mean(axis=-1),
        usual_val=usual_val,
        usual_gap=usual_gap,
    )


def best_rates(val: Array) -> Array:
    """Return (..., SEEDS) for each seed the index of the rate that is best on all other seeds.

    val: (..., RATES, SEEDS).
    """
    known = np.nan_to_num(val)
    best: Array = (known.sum(axis=-1, keepdims=True) - known).argmax(axis=-2)
    return best


def at_best(result: Result) -> tuple[Array, Array]:
    """Return accuracies and gaps (CASES, SEEDS), each seed at the rate that the others chose."""
    best = best_rates(result.usual_val)[:, None]
    val, gap = (
        np.take_along_axis(values, best, axis=1)[:, 0]
        for values in (result.usual_val, result.usual_gap)
    )
    return val, gap


def findings(result: Result) -> tuple[Finding, ...]:
    """B10: small groups help. B10d: they narrow the gap. B10b: they make noise. B10c: as usual."""
    group = result.config.group
    row = GROUPS.index(group)
    gain, none = result.gain(row), result.gain(-1)
    low, high = interval(gain)
    own_gap, wide = result.gap[row], result.gap[GROUPS.index(IMAGES)]
    val, gap = at_best(result)
    noise = dict(zip(GROUPS, result.spread.tolist()))
    return (
        Finding(
            claim="B10",
            outcome=above_over_seeds(gain),
            values={
                "points": 100 * gain.mean(),
                "lost": -100 * gain.mean(),
                "low": 100 * low,
                "high": 100 * high,
                "none": 100 * none.mean(),
                "val": result.val[row].mean(),
                "spread": noise[group],
                "seeds": SEEDS,
            },
        ),
        Finding(
            claim="B10d",
            outcome=above_over_seeds(wide - own_gap),
            values={"own": own_gap.mean(), "all": wide.mean(), "none": result.gap[-1].mean()},
        ),
        Finding(
            claim="B10b",
            outcome=both(
                above(noise[4] / noise[40], MORE, 0.1 * MORE), above(noise[40], SOME, 0.1 * SOME)
            ),
            values={"four": noise[4], "forty": noise[40], "all": noise[IMAGES]},
        ),
        Finding(
            claim="B10c",
            outcome=above_over_seeds(gap[0] - gap[1]),
            values={
                "without": gap[0].mean(),
                "with": gap[1].mean(),
                "points": 100 * (val[1] - val[0]).mean(),
                "batch": BATCH,
                "seeds": SEEDS,
            },
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per group and seed, per group and draw, and per case and seed as usual."""
    names, every = [*map(str, GROUPS), "none"], np.arange(SEEDS)
    val, gap = at_best(result)
    return {
        "groups": {
            **crossed(group=names, seed=every),
            "validation accuracy": result.val.ravel(),
            "gap": result.gap.ravel(),
            "gain": np.ravel([result.gain(row) for row in range(len(names))]),
        },
        "outputs": {
            **crossed(group=GROUPS, draw=np.arange(DRAWS)),
            "score": result.outputs.ravel(),
        },
        "usual": {
            **crossed(case=CASES, seed=every),
            "rate": np.array(RATES)[best_rates(result.usual_val)].ravel(),
            "validation accuracy": val.ravel(),
            "gap": gap.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "four": Config(group=4),
    "short": Config(group=4, steps=50, learning_rate=0.1),
    "slow": Config(learning_rate=0.1, steps=200),
}
SMALL = Config(steps=50)
SHOWN = (batchnorm_forward, regrouped, descend_in_groups, loss_and_gradients, own_scores)
