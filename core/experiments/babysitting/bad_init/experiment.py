"""A bad start: the loss stays where it is, then drops; a good start has no such plateau.

Both starts learn the same digits, each at its own best rate, which is chosen on other draws than
those that are reported. They are the same random numbers, scaled.
"""

from collections.abc import Generator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.datasets import standardized_digits
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, numbers, seed
from core.lab.parts import portion
from core.lab.say import arrival
from core.lab.streams import streams
from core.lab.verdict import epochs_to, later
from core.nn.initializers import init_std
from core.nn.layers import (
    activation_forward,
    cross_entropy_forward,
    linear_backward,
    linear_forward,
)
from core.nn.network import Network, init_network, stack_networks
from core.nn.optimizers import momentum_step
from core.nn.training import Hyper, collect, loss_and_gradients, train_many

Array = np.ndarray

COST = "training"
STARTS = ("bad", "good")
BAD, GOOD = range(2)
RATES = (0.01, 0.03, 0.1, 0.3)
CHOICE_SEEDS, SEEDS = 4, 10  # to choose a rate, and to report
BATCH, MOMENTUM, HIDDEN = 64, 0.9, 50
EVERY = 4  # steps between two moments; an epoch has 23

FLAT = 0.9  # of the first loss: a plateau ends where the loss is lower
DROPPED = 0.5  # of the first loss: the drop has come this far
LARGE = 2 * np.log(10)  # a first loss above this is no guessing
LONGER = 3.0  # T7: times the good start's plateau; 4 from one layer of weights 0.01, 19 from two


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The bad start, and the network."""

    weight_scale: float = numbers(0.01, [0.0001, 0.001, 0.01, 0.03, 1.0])
    depth: int = numbers(2, [1, 2, 3])
    epochs: int = numbers(10, [5, 10, 20])
    activation: str = choice("relu", ["relu", "tanh"])
    seed: int = seed()

    @property
    def right(self) -> str:
        """Return the scheme of the good start, which suits the activation."""
        return "he" if self.activation == "relu" else "xavier"


@dataclass(frozen=True, eq=False)
class Result:
    """Both STARTS at their best rates.

    rates: (2,); loss, accuracy: (2, SEEDS, moments) on the training digits, the first before
    training, one every EVERY steps, `every` epochs apart; tried: (2, len(RATES)) what each rate was
    chosen by; gradient: (2,) root mean square of the first layer's gradient before training.
    """

    config: Config
    rates: Array
    tried: Array
    loss: Array
    accuracy: Array
    every: float
    gradient: Array

    @property
    def plateau(self) -> Array:
        """Return (2, SEEDS) epochs within which the loss leaves its plateau; inf for never.

        What happens before the first moment after the start is not told apart.
        """
        return np.maximum(fallen(self.loss, FLAT, self.every), self.every)


def fallen(loss: Array, share: float, every: float) -> Array:
    """Return (...) epochs until loss (..., moments) is first below a share of its first value."""
    relative = np.nan_to_num(loss / loss[..., :1], nan=np.inf)
    return epochs_to(-share, -np.minimum(relative, 1e6), every)


def build(config: Config, copies: int, rngs: list[np.random.Generator]) -> Network:
    """Draw networks (2 * copies * seeds): each start so many times, from the same draws."""
    sizes = (64, *[HIDDEN] * config.depth, 10)
    return stack_networks(
        [
            init_network(sizes, scheme, config.activation, rng=rng, dtype=np.float32)
            for scheme in (config.weight_scale, config.right)
            for _ in range(copies)
            for rng in deepcopy(rngs)
        ]
    )


def trained(
    config: Config, rates: Array, stream: str, seeds: int, measure: str, every: int | None
) -> Generator[float, None, dict[str, Array]]:
    """Train every start at its rates (2, tried) from so many seeds of a stream of their own."""
    weights, batches = streams(config.seed, f"{stream} weights", f"{stream} batches")
    names = {"val": ("val_accuracy",), "train": ("data_loss", "train_accuracy")}[measure]
    training = train_many(
        build(config, rates.shape[1], weights.spawn(seeds)),
        standardized_digits(),
        Hyper(learning_rate=np.repeat(rates.ravel(), seeds), momentum=MOMENTUM),
        batch_size=BATCH,
        epochs=config.epochs,
        rng=batches,
        measure=(measure,),
        record_every=every,
    )
    seen = yield from collect(training, *names, epochs=config.epochs)
    return {n: v.reshape(*rates.shape, seeds, *v.shape[1:]) for n, v in seen.items()}


def steps(config: Config) -> Generator[float, None, Result]:
    """Choose each start's rate, then train both; yield the share done, return the Result."""
    every = np.tile(RATES, (len(STARTS), 1))
    choosing = trained(config, every, "choice", CHOICE_SEEDS, "val", None)
    chosen = yield from portion(choosing, 0.0, 0.6)
    failed = chosen["non_finite"] | chosen["exploded"]
    tried = np.where(failed, 0, chosen["val_accuracy"].mean(axis=-1)).mean(axis=-1)
    rates = np.array(RATES)[tried.argmax(axis=-1)]
    training = trained(config, rates[:, None], "report", SEEDS, "train", EVERY)
    seen = yield from portion(training, 0.6, 0.4)
    epoch_steps = -(-len(standardized_digits().y_train) // BATCH)
    return Result(
        config=config,
        rates=rates,
        tried=tried,
        loss=seen["data_loss"][:, 0],
        accuracy=seen["train_accuracy"][:, 0],
        every=EVERY / epoch_steps,
        gradient=first_gradient(config),
    )


def first_gradient(config: Config) -> Array:
    """Return (2,) rms of the first layer's gradient at the start, of the reported networks."""
    (weights,) = streams(config.seed, "report weights")
    data = standardized_digits()
    network = build(config, 1, weights.spawn(SEEDS))
    _, gradients, _ = loss_and_gradients(
        network, data.x_train.astype(np.float32), data.y_train, 0.0
    )
    squares = gradients[0]["weight"].reshape(len(STARTS), -1).astype(np.float64) ** 2
    return np.sqrt(squares.mean(axis=-1))


def findings(result: Result) -> tuple[Finding, ...]:
    """T7: a bad start shows as a plateau, then a drop."""
    config, (bad, good) = result.config, result.plateau
    drop = fallen(result.loss[BAD], DROPPED, result.every) - np.where(np.isinf(bad), 0, bad)
    outcome, because = later(bad, good, config.epochs, LONGER), ""
    if np.isinf(result.plateau).any():
        outcome, because = Outcome.UNCLEAR, "good" if np.isinf(good).any() else "never"
    elif outcome is Outcome.HOLDS and not (drop < bad).all():
        outcome, because = Outcome.UNCLEAR, "drop"
    elif outcome is Outcome.FAILS and result.loss[BAD, :, 0].mean() > LARGE:
        because = "large"
    return (
        Finding(
            claim="T7",
            outcome=outcome,
            because=because,
            values={
                "bad": arrival(bad),
                "good": arrival(good),
                "drop": arrival(drop),
                "first": result.loss[BAD, :, 0].mean(),
                "right": config.right,
                "rate": result.rates[BAD],
                "good_rate": result.rates[GOOD],
                "bar": LONGER,
                "seeds": SEEDS,
            },
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per start and moment, one per start and seed, and what the rates gave."""
    moments = np.arange(result.loss.shape[-1]) * result.every
    typical = {"loss": np.median(result.loss, axis=1), "low": result.loss.min(axis=1)}
    return {
        "loss": {
            **crossed(start=STARTS, epoch=moments),
            **{name: values.ravel() for name, values in typical.items()},
            "high": result.loss.max(axis=1).ravel(),
            "accuracy": result.accuracy.mean(axis=1).ravel(),
        },
        "plateaus": {
            **crossed(start=STARTS, seed=np.arange(1, SEEDS + 1)),
            "epochs": [arrival([own]) for own in result.plateau.ravel()],
        },
        "rates": {**crossed(start=STARTS, rate=RATES), "accuracy": result.tried.ravel()},
    }


PRESETS = {
    "lecture": Config(),
    "shallow": Config(depth=1),
    "deep": Config(depth=3),
    "large": Config(weight_scale=1.0),
    "tanh": Config(activation="tanh"),
}
SMALL = Config(depth=1, epochs=5)
SHOWN = (
    *(init_std, linear_forward, activation_forward, cross_entropy_forward),
    *(linear_backward, momentum_step),
)
