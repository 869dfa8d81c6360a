"""Race: the same network trained with every activation, at one shared rate and at each one's best.

All networks see the same batches. For every activation, all rates and seeds are trained at once,
as one stack of runs. Weights start as is usual for the function: Xavier for sigmoid and tanh, He
for the others.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.columns import crossed
from core.datasets import load_digits
from core.finding import Finding, drain
from core.knobs import Checked, integer, numbers, seed, several
from core.layers import activation_backward, activation_forward, linear_forward
from core.network import Network, init_network, stack_networks
from core.optimizers import momentum_step
from core.preprocessing import fit_standardizer
from core.seeds import band, epochs_to
from core.training import Hyper, history, train_many

COST = "training"
FUNCTIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "prelu", "maxout")
SCHEME = {"sigmoid": "xavier", "tanh": "xavier"}  # "he" for all others
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
SEEDS = 3
UNITS = 50
BATCH = 64
MOMENTUM = 0.9

REPORTED = 6.0  # A7: "converges about 6x faster", of one network on images


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """Who races, over what distance, and at which shared rate."""

    functions: tuple[str, ...] = several(
        ("sigmoid", "tanh", "relu", "leaky_relu", "elu"), FUNCTIONS
    )
    learning_rate: float = numbers(0.01, RATES)
    depth: int = integer(3, 1, 5)
    target: float = numbers(0.9, [0.8, 0.9, 0.95])
    epochs: int = numbers(15, [5, 10, 15, 20])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Per function, rate and seed, after every epoch; epoch 0 is before training.

    val_accuracy, data_loss: (functions, RATES, SEEDS, epochs + 1).
    """

    config: Config
    val_accuracy: np.ndarray
    data_loss: np.ndarray

    @property
    def to_target(self) -> np.ndarray:
        """Return (functions, RATES) mean epochs to the target; epochs + 1 for a seed that fails."""
        return epochs_to(self.config.target, self.val_accuracy)

    @property
    def best(self) -> np.ndarray:
        """Return (functions,) index of the rate with the fewest epochs to the target.

        Ties, such as rates that all fail, go to the higher final validation accuracy.
        """
        final = self.val_accuracy[..., -1].mean(axis=-1)
        return (self.to_target - final).argmin(axis=-1)


def build(name: str, config: Config, seeds: list[int]) -> Network:
    """Draw one network per rate and seed, (RATES * SEEDS) in a stack; rates share the draws."""
    sizes = (64, *[UNITS] * config.depth, 10)
    scheme = SCHEME.get(name, "he")
    drawn = [
        init_network(sizes, scheme, name, rng=np.random.default_rng(s), dtype=np.float32)
        for s in seeds
    ]
    return stack_networks(drawn * len(RATES))


def steps(config: Config) -> Generator[float, None, Result]:
    """Train every function's stack; yield the share done and return the Result."""
    batch_seed, *seeds = np.random.SeedSequence(config.seed).generate_state(SEEDS + 1).tolist()
    digits = load_digits()
    data = digits.map(fit_standardizer(digits.x_train).transform)
    accuracy, loss = [], []
    for done, name in enumerate(config.functions):
        records = []
        for record in train_many(
            build(name, config, seeds),
            data,
            Hyper(learning_rate=np.repeat(RATES, SEEDS), momentum=MOMENTUM),
            batch_size=BATCH,
            epochs=config.epochs,
            rng=np.random.default_rng(batch_seed),
        ):
            records.append(record)
            yield (done + len(records) / (config.epochs + 1)) / len(config.functions)
        shape = (len(RATES), SEEDS, config.epochs + 1)
        seen = history(records, "val_accuracy", "data_loss")
        accuracy.append(seen["val_accuracy"].reshape(shape))
        loss.append(seen["data_loss"].reshape(shape))
    return Result(config=config, val_accuracy=np.stack(accuracy), data_loss=np.stack(loss))


def run(config: Config) -> Result:
    """Run the race to the end."""
    return drain(steps(config))


def findings(result: Result) -> tuple[Finding, ...]:
    """A7: ReLU needs fewer epochs. A13: the ranking at each function's best rate."""
    names, config = result.config.functions, result.config
    rows = np.arange(len(names))
    epochs = dict(zip(names, result.to_target[rows, result.best]))
    final = dict(zip(names, result.val_accuracy[rows, result.best, :, -1].mean(axis=-1)))
    shared = dict(zip(names, result.to_target[:, RATES.index(config.learning_rate)]))
    best = {name: RATES[i] for name, i in zip(names, result.best)}
    found = []
    if {"relu", "sigmoid", "tanh"} <= set(names):
        ratio = {name: epochs[name] / epochs["relu"] for name in ("sigmoid", "tanh")}
        found.append(
            Finding(
                claim="A7",
                holds=bool(min(ratio.values()) > 1),
                values={
                    "relu": epochs["relu"],
                    "relu_rate": best["relu"],
                    "reported": REPORTED,
                    **{f"{name}_ratio": value for name, value in ratio.items()},
                },
            )
        )
    order = sorted(names, key=lambda name: (epochs[name], -final[name]))
    found.append(
        Finding(
            claim="A13",
            holds=bool(_as_the_rule_says(order)),
            values={
                "first": epochs[order[0]],
                "last": epochs[order[-1]],
                "spread": max(final.values()) - min(final.values()),
                "shared_first": min(shared.values()),
                "shared_last": max(shared.values()),
            },
        )
    )
    return tuple(found)


def _as_the_rule_says(order: list[str]) -> bool:
    """Tell whether sigmoid comes last and tanh before it but after all others."""
    tail = [name for name in ("tanh", "sigmoid") if name in order]
    return order[len(order) - len(tail) :] == tail


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return accuracy by epoch at the shared and the best rate, and epochs to target by rate."""
    names, epochs = result.config.functions, np.arange(result.val_accuracy.shape[-1])
    shared = np.full(len(names), RATES.index(result.config.learning_rate))
    rows = np.arange(len(names))
    races = {"one shared rate": shared, "each at its best rate": result.best}
    accuracy, loss = (
        np.stack([values[rows, rate] for rate in races.values()])  # (races, functions, seeds, ...)
        for values in (result.val_accuracy, result.data_loss)
    )
    return {
        "epochs": {
            **crossed(rates=list(races), function=names, epoch=epochs),
            **band("accuracy", accuracy, axis=2),
            **band("loss", loss, axis=2),
        },
        "rates": {
            **crossed(function=names, rate=RATES),
            "epochs to target": result.to_target.ravel(),
            "final accuracy": result.val_accuracy[..., -1].mean(axis=-1).ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "all": Config(functions=FUNCTIONS, epochs=10),
    "shallow": Config(depth=1),
    "deep": Config(depth=5),
    "high_rate": Config(learning_rate=0.3),
}
SMALL = Config(functions=("sigmoid", "tanh", "relu"), depth=1, epochs=5)
SHOWN = (linear_forward, activation_forward, activation_backward, momentum_step, build)
