"""Training: the same network from every scheme of initial weights.

All schemes start from the same draws, scaled, and see the same batches; all seeds of all schemes
train as one stack.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.columns import crossed
from core.datasets import load_digits
from core.finding import Finding, drain
from core.initializers import init_std, init_weight
from core.knobs import Checked, choice, integer, log_spaced, numbers, seed, several
from core.layers import activation_backward, activation_forward, linear_backward, linear_forward
from core.network import init_network, stack_networks
from core.optimizers import momentum_step
from core.preprocessing import fit_standardizer
from core.seeds import band, epochs_to
from core.training import Hyper, history, train_many

COST = "training"
SCHEMES = ("small", "large", "xavier", "he")
RIGHT = {"relu": "he", "tanh": "xavier", "sigmoid": "xavier"}  # as the lecture recommends
SEEDS = 3
BATCH = 64
MOMENTUM = 0.9

SLOWER = 2.0  # I9: epochs of the slowest scheme over those of the right one


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The network, the schemes it starts from, and how it learns."""

    activation: str = choice("relu", list(RIGHT))
    schemes: tuple[str, ...] = several(SCHEMES, SCHEMES)
    depth: int = integer(10, 1, 30)
    learning_rate: float = log_spaced(0.01, 1e-4, 0.5)
    epochs: int = numbers(15, [5, 10, 15, 20])
    target: float = numbers(0.8, [0.5, 0.8, 0.9, 0.95])
    width: int = numbers(50, [20, 50, 100])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Per scheme and seed, after every epoch; epoch 0 is before training.

    val_accuracy, data_loss: (schemes, SEEDS, epochs + 1); diverged: (schemes,) seeds whose numbers
    went non-finite.
    """

    config: Config
    val_accuracy: np.ndarray
    data_loss: np.ndarray
    diverged: np.ndarray

    @property
    def to_target(self) -> np.ndarray:
        """Return (schemes,) mean epochs to the target; epochs + 1 for a seed that fails."""
        return epochs_to(self.config.target, self.val_accuracy)


def steps(config: Config) -> Generator[float, None, Result]:
    """Train all schemes and seeds as one stack; yield the share done and return the Result."""
    batch_seed, *seeds = np.random.SeedSequence(config.seed).generate_state(SEEDS + 1).tolist()
    digits = load_digits()
    sizes = (digits.x_train.shape[1], *[config.width] * config.depth, digits.classes)
    network = stack_networks(
        [
            init_network(
                sizes, scheme, config.activation, rng=np.random.default_rng(s), dtype=np.float32
            )
            for scheme in config.schemes
            for s in seeds
        ]
    )
    records = []
    for record in train_many(
        network,
        digits.map(fit_standardizer(digits.x_train).transform),
        Hyper(learning_rate=config.learning_rate, momentum=MOMENTUM),
        batch_size=BATCH,
        epochs=config.epochs,
        rng=np.random.default_rng(batch_seed),
    ):
        records.append(record)
        yield record.epoch / config.epochs
    shape = (len(config.schemes), SEEDS, -1)
    seen = history(records, "val_accuracy", "data_loss")
    broken = np.isin(np.arange(len(config.schemes) * SEEDS), list(records[-1].divergences))
    return Result(
        config=config,
        diverged=broken.reshape(shape[:2]).sum(axis=-1),
        **{name: values.reshape(shape) for name, values in seen.items()},
    )


def run(config: Config) -> Result:
    """Train all schemes to the end."""
    return drain(steps(config))


def findings(result: Result) -> tuple[Finding, ...]:
    """I9: the right scale learns, others stall. I9b: He against Xavier, where both ran."""
    schemes, epochs = result.config.schemes, result.to_target
    final = result.val_accuracy[..., -1].mean(axis=-1)
    wanted = RIGHT[result.config.activation]
    right = schemes.index(wanted) if wanted in schemes else int(epochs.argmin())
    worst = int(np.lexsort((-final, epochs))[-1])
    stalls = epochs[worst] > result.config.epochs
    found = [
        Finding(
            claim="I9",
            holds=bool(
                epochs[right] <= result.config.epochs
                and (stalls or epochs[worst] >= SLOWER * epochs[right])
            ),
            values={
                "right": epochs[right],
                "right_final": final[right],
                "worst": epochs[worst],
                "worst_final": final[worst],
                "diverged": result.diverged.sum(),
                "bar": SLOWER,
            },
        )
    ]
    if {"xavier", "he"} <= set(schemes):
        xavier, he = schemes.index("xavier"), schemes.index("he")
        ahead = (epochs[he], -final[he]) < (epochs[xavier], -final[xavier])
        found.append(
            Finding(
                claim="I9b",
                holds=bool(ahead),
                values={
                    "he": epochs[he],
                    "he_final": final[he],
                    "xavier": epochs[xavier],
                    "xavier_final": final[xavier],
                },
            )
        )
    return tuple(found)


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per scheme and epoch with ranges over the seeds, and one per scheme."""
    schemes, epochs = result.config.schemes, np.arange(result.val_accuracy.shape[-1])
    return {
        "epochs": {
            **crossed(scheme=schemes, epoch=epochs),
            **band("accuracy", result.val_accuracy, axis=1),
            **band("loss", result.data_loss, axis=1),
        },
        "schemes": {
            "scheme": list(schemes),
            "epochs to target": result.to_target,
            "final accuracy": result.val_accuracy[..., -1].mean(axis=-1),
            "diverged": result.diverged,
        },
    }


PRESETS = {
    "lecture": Config(),
    "tanh": Config(activation="tanh"),
    "deep30": Config(
        depth=30, width=100, learning_rate=0.005, schemes=("xavier", "he"), target=0.5
    ),
    "shallow": Config(depth=1),
    "sigmoid": Config(activation="sigmoid", depth=3, learning_rate=0.1),
}
SMALL = Config(depth=2, width=20, epochs=5)
SHOWN = (
    *(init_std, init_weight, linear_forward, activation_forward),
    *(activation_backward, linear_backward, momentum_step),
)
