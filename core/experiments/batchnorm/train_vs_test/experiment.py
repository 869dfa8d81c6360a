"""Train vs test: outputs normalized by their batch against those of the running averages.

Eight small networks are trained on the digits. Then validation images go through them twice: in
random batches, each normalized by itself as in training, and with fixed statistics: the running
averages that training left behind, or the training set's own, computed with the final weights.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.lab.columns import band, crossed
from core.lab.datasets import standardized_digits
from core.lab.finding import Finding
from core.lab.knobs import Checked, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, decided
from core.nn.dataset import Dataset
from core.nn.layers import batchnorm_forward
from core.nn.network import Network, forward, init_network, stack_networks
from core.nn.training import Hyper, accuracy, train

Array = np.ndarray

COST = "instant"
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # of the batches that predict
EXAMPLE_SIZES, BATCHES = (1, 2, 16, 256), 20  # of one example's scores
NETWORKS, UNITS = 8, 50
RATE = 0.1

QUARTER = 0.25  # B6: difference in batches of 256, over that in batches of 2
NONE = 1e-5  # B6b: difference of outputs, over their std
SMALL_VARIANCE = 0.88  # B6c: running over true variance
WORSE = 0.02  # B6d: share of validation images
STARTED = 0.05  # share of the start values 0 and 1 in a running average


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """How the network was trained and its running averages taken."""

    batch_size: int = numbers(64, [2, 4, 16, 64, 256, 479])
    bn_momentum: float = numbers(0.1, [0.01, 0.1, 0.5, 1.0])
    epochs: int = numbers(5, [5, 20])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """How far the outputs of the two modes are apart, and how well each predicts.

    difference: (2, NETWORKS, SIZES) rms of batch mode minus running averages, and minus true
    statistics, over the std of the scores; alone: greatest difference between scores in batches of
    one, over the same; accuracy: (NETWORKS, SIZES) in batch mode, test_accuracy: (2, NETWORKS) with
    running averages and with true statistics; mean_off: (NETWORKS,) of the running means, in true
    std, variance_ratio: (NETWORKS,) of the running variances to the true ones, both averages over
    the first layer; scores: (EXAMPLE_SIZES, BATCHES, classes) of the first network for one image
    among random others, test_scores: (classes,) with running averages.
    """

    config: Config
    difference: Array
    alone: float
    accuracy: Array
    test_accuracy: Array
    mean_off: Array
    variance_ratio: Array
    scores: Array
    test_scores: Array


def trained(config: Config, data: Dataset) -> Network:
    """Return NETWORKS trained networks, with the running averages that training left behind.

    Each has weights and an order of the samples of its own.
    """
    weights, batches, orders = streams(config.seed, "weights", "batches", "orders")
    sizes = (data.x_train.shape[1], UNITS, UNITS, data.classes)
    networks = stack_networks(
        [
            init_network(
                sizes,
                "he",
                rng=rng,
                batch_norm="before",
                dtype=np.float32,
                bn_momentum=config.bn_momentum,
                allow_batch_of_one=True,  # 479 leaves one sample for the last batch of an epoch
            )
            for rng in weights.spawn(NETWORKS)
        ]
    )
    own = np.stack([orders.permutation(len(data.y_train)) for _ in range(NETWORKS)])
    records = train(
        networks,
        replace(data, x_train=data.x_train[own], y_train=data.y_train[own]),
        Hyper(learning_rate=RATE),
        batch_size=config.batch_size,
        epochs=config.epochs,
        rng=batches,
        measure=(),
    )
    for _ in records:
        pass
    return networks


def with_true_statistics(networks: Network, x: Array) -> Network:
    """Return the networks with mean and variance of all of x in place of running averages."""
    exact = replace(networks, running=deepcopy(networks.running), bn_momentum=1.0)
    forward(exact, x, training=True)
    return exact


def by_batch(networks: Network, x: Array) -> Array:
    """Return scores (networks, batches, samples, classes), each batch normalized by itself.

    x: (batches, samples, features).
    """
    each = replace(
        networks,
        layers=[{n: values[:, None] for n, values in layer.items()} for layer in networks.layers],
        running=[
            {n: np.repeat(values[:, None], len(x), axis=1) for n, values in layer.items()}
            for layer in networks.running
        ],
    )
    return forward(each, x, training=True)[0]


def run(config: Config) -> Result:
    """Train, then predict in batches of all sizes and with fixed statistics."""
    data = standardized_digits().map(lambda x: x.astype(np.float32))
    x, labels = data.x_val, data.y_val
    networks = trained(config, data)
    exact = with_true_statistics(networks, data.x_train)
    fixed = np.stack([forward(networks, x)[0], forward(exact, x)[0]])
    spread = fixed[1].std(axis=1).mean(axis=-1)  # of the scores of each network
    (mates,) = streams(config.seed, "mates")
    order = mates.permutation(len(x))[: SIZES[-1]]
    scores = [
        by_batch(networks, x[order].reshape(-1, size, x.shape[1])).reshape(
            NETWORKS, len(order), data.classes
        )
        for size in SIZES
    ]
    squares = [((batch - fixed[:, :, order]) ** 2).mean(axis=(-2, -1)) for batch in scores]
    first, true = networks.running[0], exact.running[0]
    others = mates.permuted(np.tile(np.arange(1, len(x)), (BATCHES, 1)), axis=1)
    batches = np.concatenate([np.zeros((BATCHES, 1), int), others], axis=1)
    return Result(
        config=config,
        difference=np.sqrt(np.stack(squares, axis=-1)) / spread[:, None],
        alone=float(np.ptp(scores[0], axis=1).max() / spread.min()),
        accuracy=np.stack([accuracy(batch, labels[order]) for batch in scores], axis=-1),
        test_accuracy=accuracy(fixed, labels),
        mean_off=(np.abs(first["mean"] - true["mean"]) / np.sqrt(true["var"])).mean(axis=(1, 2)),
        variance_ratio=(first["var"] / true["var"]).mean(axis=(1, 2)),
        scores=np.stack(
            [by_batch(networks, x[batches[:, :size]])[0, :, 0] for size in EXAMPLE_SIZES]
        ),
        test_scores=fixed[0, 0, 0],
    )


def leaves_one(config: Config) -> bool:
    """Tell whether the last batch of a training epoch is a single sample."""
    return len(standardized_digits().y_train) % config.batch_size == 1


def keeps_start(config: Config) -> float:
    """Return the share of its start values that a running average still has after training."""
    steps = config.epochs * -(-len(standardized_digits().y_train) // config.batch_size)
    return float((1 - config.bn_momentum) ** steps)


def findings(result: Result) -> tuple[Finding, ...]:
    """B6: fixed statistics in place of the batch's, and what is wrong with small batches."""
    config = result.config
    running, true = result.difference
    two, floor = running[:, SIZES.index(2)], running[:, -1]
    mean_off, ratio = result.mean_off.mean(), result.variance_ratio.mean()
    why = "last" if leaves_one(config) else "start" if keeps_start(config) > STARTED else ""
    return (
        Finding(
            claim="B6",
            outcome=above_over_seeds(QUARTER - floor / two),
            because=why,
            values={"two": two.mean(), "floor": floor.mean(), "true": true[:, -1].mean()},
        ),
        Finding(
            claim="B6b",
            outcome=decided(result.alone < NONE),
            identity=True,
            values={"difference": result.alone, "accuracy": result.accuracy[:, 0].mean()},
        ),
        Finding(
            claim="B6c",
            outcome=above_over_seeds(SMALL_VARIANCE - result.variance_ratio),
            because=why,
            values={
                "ratio": ratio,
                "expected": 1 - 1 / config.batch_size,
                "start": keeps_start(config),
                "bar": SMALL_VARIANCE,
            },
        ),
        Finding(
            claim="B6d",
            outcome=above_over_seeds(WORSE - (result.test_accuracy[1] - result.test_accuracy[0])),
            values={
                "running": result.test_accuracy[0].mean(),
                "true": result.test_accuracy[1].mean(),
                "two": result.accuracy[:, SIZES.index(2)].mean(),
                "bar": WORSE,
            },
        ),
        Finding(
            claim="E6",
            outcome=decided(bool(mean_off < NONE)),
            misreading=True,
            values={"off": mean_off, "ratio": ratio},
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per batch size, and one image's scores by batch size, batch and class."""
    batches, classes = np.arange(BATCHES), np.arange(len(result.test_scores))
    return {
        "sizes": {
            "batch_size": list(SIZES),
            **band("difference", result.difference[0], axis=0),
            **band("from true statistics", result.difference[1], axis=0),
            **band("accuracy", result.accuracy, axis=0),
        },
        "example": {
            **crossed(batch_size=EXAMPLE_SIZES, batch=batches, digit=classes),
            "score": result.scores.ravel(),
            "score in test mode": np.tile(result.test_scores, len(EXAMPLE_SIZES) * BATCHES),
        },
    }


PRESETS = {
    "lecture": Config(),
    "small": Config(batch_size=2),
    "last": Config(batch_size=479, epochs=20),
    "slow": Config(bn_momentum=0.01),
    "newest": Config(bn_momentum=1.0),
}
SMALL = Config(batch_size=256)
SHOWN = (batchnorm_forward, trained, with_true_statistics, by_batch)
