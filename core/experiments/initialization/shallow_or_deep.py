"""Shallow or deep: small random weights in a net of a few layers and in one of many.

Both nets start from the same kind of draws, once small and once scaled as Xavier says, and see the
same batches.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.columns import crossed
from core.datasets import load_digits
from core.finding import Finding, drain
from core.initializers import init_std, init_weight
from core.knobs import Checked, choice, integer, log_spaced, numbers, seed
from core.layers import activation_backward, activation_forward, linear_backward, linear_forward
from core.network import forward, init_network, stack_networks
from core.optimizers import momentum_step
from core.preprocessing import fit_standardizer
from core.seeds import band
from core.training import Hyper, history, train_many

COST = "training"
NETS = ("shallow", "deep")
SCALES = ("small", "xavier")
SEEDS = 3
UNITS = 50
BATCH = 64
MOMENTUM = 0.9

LEARNED = 0.9  # I2: validation accuracy of the shallow net
CHANCE = 0.2  # I2: twice that of guessing ten classes


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The two depths, the small scale, and how the nets learn."""

    weight_scale: float = log_spaced(0.01, 0.001, 1.0)
    shallow: int = integer(1, 1, 5)
    deep: int = integer(10, 2, 20)
    learning_rate: float = log_spaced(0.02, 0.001, 0.5)
    activation: str = choice("tanh", ["tanh", "relu"])
    epochs: int = numbers(15, [5, 10, 15, 20])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Per net of NETS, scale of SCALES and seed, after every epoch; epoch 0 is before training.

    val_accuracy, data_loss: (nets, scales, SEEDS, epochs + 1); spread: (nets, scales) std of the
    last hidden layer's outputs at the start, mean over the seeds.
    """

    config: Config
    val_accuracy: np.ndarray
    data_loss: np.ndarray
    spread: np.ndarray


def steps(config: Config) -> Generator[float, None, Result]:
    """Train each depth as one stack; yield the share done and return the Result."""
    batch_seed, *seeds = np.random.SeedSequence(config.seed).generate_state(SEEDS + 1).tolist()
    digits = load_digits()
    data = digits.map(fit_standardizer(digits.x_train).transform)
    rows, spread = [], []
    work = config.shallow + config.deep
    for done, depth in ((0, config.shallow), (config.shallow, config.deep)):
        sizes = (digits.x_train.shape[1], *[UNITS] * depth, digits.classes)
        network = stack_networks(
            [
                init_network(sizes, scheme, config.activation, rng=np.random.default_rng(s))
                for scheme in (config.weight_scale, "xavier")
                for s in seeds
            ]
        )
        last = forward(network, data.x_train)[1][-2].out
        spread.append(last.std(axis=(-2, -1)).reshape(len(SCALES), SEEDS).mean(axis=-1))
        records = []
        for record in train_many(
            network,
            data,
            Hyper(learning_rate=config.learning_rate, momentum=MOMENTUM),
            batch_size=BATCH,
            epochs=config.epochs,
            rng=np.random.default_rng(batch_seed),
        ):
            records.append(record)
            yield (done + depth * record.epoch / config.epochs) / work
        rows.append(history(records, "val_accuracy", "data_loss"))
    shape = (len(NETS), len(SCALES), SEEDS, -1)
    return Result(
        config=config,
        spread=np.stack(spread),
        **{name: np.stack([row[name] for row in rows]).reshape(shape) for name in rows[0]},
    )


def run(config: Config) -> Result:
    """Train both nets to the end."""
    return drain(steps(config))


def findings(result: Result) -> tuple[Finding, ...]:
    """I2: small weights do in the shallow net and not in the deep one; I2b: Xavier does in both."""
    final = result.val_accuracy[..., -1].mean(axis=-1)
    (shallow, shallow_xavier), (deep, deep_xavier) = final
    return (
        Finding(
            claim="I2",
            holds=bool(shallow >= LEARNED and deep <= CHANCE),
            values={
                "few": shallow,
                "many": deep,
                "bar": LEARNED,
                "chance": CHANCE,
                "few_std": result.spread[0, 0],
                "many_std": result.spread[1, 0],
            },
        ),
        Finding(
            claim="I2b",
            holds=bool(min(shallow_xavier, deep_xavier) >= LEARNED),
            values={"few": shallow_xavier, "many": deep_xavier, "bar": LEARNED},
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per net, scale and epoch with ranges over seeds, and the std at the start."""
    epochs = np.arange(result.val_accuracy.shape[-1])
    return {
        "epochs": {
            **crossed(net=NETS, weights=SCALES, epoch=epochs),
            **band("accuracy", result.val_accuracy, axis=2),
            **band("loss", result.data_loss, axis=2),
        },
        "start": {
            **crossed(net=NETS, weights=SCALES),
            "std of the last hidden layer": result.spread.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "relu": Config(activation="relu"),
    "three": Config(deep=3),
    "medium": Config(weight_scale=0.1),
    "tiny": Config(weight_scale=0.001, shallow=2),
}
SMALL = Config(deep=2, epochs=5)
SHOWN = (
    *(init_std, init_weight, linear_forward, activation_forward),
    *(activation_backward, linear_backward, momentum_step),
)
