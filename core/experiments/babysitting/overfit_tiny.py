"""Overfit a tiny set: can the model and its backward pass learn twenty digits by heart?

A correct network and one with a broken backward pass start from the same weights and see the same
examples. What is broken is the gradient of the hidden layer.
"""

from collections.abc import Callable, Generator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.columns import crossed
from core.datasets import load_digits
from core.finding import Finding, drain
from core.knobs import Checked, choice, integer, log_spaced, numbers, seed
from core.layers import (
    activation_backward,
    activation_forward,
    cross_entropy_backward,
    cross_entropy_forward,
    linear_backward,
    linear_forward,
)
from core.network import Layer, backward, forward, init_network
from core.optimizers import momentum_step
from core.preprocessing import fit_standardizer
from core.training import Hyper, train

COST = "training"
NETWORKS = ("correct", "broken")
SHOWN_IMAGES = 20

LOSS = 0.01  # T3: the data loss that counts as 0
ACCURACY = 1.0

# The lecture's own run (CIFAR-10, learning rate 1e-3, 20 examples): epoch -> printed cost.
PRINTED_COST = {1: 2.302603, 19: 1.421527, 195: 0.002694, 200: 0.002597}


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The tiny set, the network and what is broken in the second one."""

    bug: str = choice("flipped", ["flipped", "frozen", "shuffled"])
    examples: int = integer(20, 5, 100, step=5)
    learning_rate: float = log_spaced(0.1, 0.001, 1.0)
    reg: float = log_spaced(0.0, 1e-4, 1.0, zero=True)
    epochs: int = numbers(200, [50, 100, 200, 500])
    hidden: int = numbers(50, [10, 20, 50, 100])
    weight_scale: float = log_spaced(0.01, 1e-4, 1.0)
    momentum: float = numbers(0.9, [0.0, 0.5, 0.9])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Both networks (correct, broken) after every epoch; epoch 0 is before training.

    data_loss, train_accuracy, val_accuracy: (2, epochs + 1); images: (shown, 8, 8) of the tiny set,
    labels: (shown,), predicted: (2, shown) at the end.
    """

    config: Config
    data_loss: np.ndarray
    train_accuracy: np.ndarray
    val_accuracy: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray


def break_backward(bug: str, signs: np.random.Generator) -> Callable[..., list[Layer]]:
    """Return a backward pass whose hidden layer is wrong: flipped, frozen or signs shuffled."""
    masks: dict[str, np.ndarray] = {}

    def wrong_backward(dlogits: np.ndarray, traces: list[Any]) -> list[Layer]:
        gradients = backward(dlogits, traces)
        for name, gradient in gradients[0].items():
            if bug == "shuffled" and name not in masks:
                masks[name] = signs.choice([-1.0, 1.0], gradient.shape)
            gradients[0][name] = gradient * {"flipped": -1.0, "frozen": 0.0}.get(
                bug, masks.get(name)
            )
        return gradients

    return wrong_backward


def steps(config: Config) -> Generator[float, None, Result]:
    """Train both networks epoch by epoch; yield the share done and return the Result."""
    choose_rng, weight_rng, sign_rng = np.random.default_rng(config.seed).spawn(3)
    digits = load_digits()
    chosen = choose_rng.permutation(len(digits.x_train))[: config.examples]
    scaler = fit_standardizer(digits.x_train)
    x = scaler.transform(digits.x_train[chosen])
    tiny = replace(digits.map(scaler.transform), x_train=x, y_train=digits.y_train[chosen])
    sizes = (x.shape[1], config.hidden, digits.classes)
    first = init_network(sizes, config.weight_scale, "relu", rng=weight_rng)
    networks = first, deepcopy(first)
    runs = [
        train(
            network,
            tiny,
            Hyper(learning_rate=config.learning_rate, reg=config.reg, momentum=config.momentum),
            batch_size=config.examples,
            epochs=config.epochs,
            rng=np.random.default_rng(config.seed),
            backward=used,
        )
        for network, used in zip(networks, (backward, break_backward(config.bug, sign_rng)))
    ]
    records = []
    for pair in zip(*runs):
        records.append(pair)
        yield len(records) / (config.epochs + 1)
    history = {
        name: np.array([[getattr(record, name) for record in pair] for pair in records]).T
        for name in ("data_loss", "train_accuracy", "val_accuracy")
    }
    shown = slice(0, SHOWN_IMAGES)
    with np.errstate(all="ignore"):  # of a network that diverged
        logits = [forward(network, x[shown])[0] for network in networks]
    return Result(
        config=config,
        images=digits.x_train[chosen[shown]].reshape(-1, *digits.image_shape),
        labels=tiny.y_train[shown],
        predicted=np.argmax(logits, axis=-1),
        **history,
    )


def run(config: Config) -> Result:
    """Train both networks to the end."""
    return drain(steps(config))


def first_epoch(passed: np.ndarray) -> float:
    """Return the first epoch at which a condition holds, NaN if it never does."""
    return float(passed.argmax()) if passed.any() else float("nan")


def findings(result: Result) -> tuple[Finding, ...]:
    """T3: the correct network learns the set by heart. T1: the broken one fails this check."""
    learned = (result.data_loss < LOSS) & (result.train_accuracy >= ACCURACY)
    correct, broken = learned[:, -1]
    numbers = {
        f"{name}_{network}": float(getattr(result, name)[row, -1])
        for row, network in enumerate(NETWORKS)
        for name in ("data_loss", "train_accuracy", "val_accuracy")
    }
    return (
        Finding(
            claim="T3",
            holds=bool(correct),
            values={**numbers, "bar": LOSS, "epoch": first_epoch(learned[0])},
        ),
        Finding(claim="T1", holds=not broken, values={**numbers, "bar": LOSS}),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per network and epoch, and the lecture's printed costs beside this run's."""
    epochs = np.arange(result.data_loss.shape[1])
    reached = [epoch for epoch in PRINTED_COST if epoch < len(epochs)]
    return {
        "epochs": {
            **crossed(network=NETWORKS, epoch=epochs),
            "data_loss": result.data_loss.ravel(),
            "train_accuracy": result.train_accuracy.ravel(),
            "val_accuracy": result.val_accuracy.ravel(),
        },
        "printed": {
            "epoch": reached,
            "slide (CIFAR-10, rate 1e-3)": [f"{PRINTED_COST[epoch]:.6f}" for epoch in reached],
            "this run (digits)": [f"{result.data_loss[0, epoch]:.6f}" for epoch in reached],
        },
    }


PRESETS = {
    "lecture": Config(),
    "frozen": Config(bug="frozen"),
    "missed": Config(bug="shuffled"),
    "slow": Config(learning_rate=0.001),
    "regularized": Config(reg=0.1),
}
SMALL = Config(examples=5, epochs=50, hidden=10)
SHOWN = (
    linear_forward,
    linear_backward,
    activation_forward,
    activation_backward,
    cross_entropy_forward,
    cross_entropy_backward,
    momentum_step,
    break_backward,
)
