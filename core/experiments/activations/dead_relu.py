"""Dead ReLUs: which units of a layer are on for all, some or none of the data, while it trains.

A ReLU layer splits the plane of its two inputs by one line per unit. The same draws train at
several learning rates and with two initial biases, as one stack of runs.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.activations import ACTIVATIONS, leaky_relu
from core.columns import crossed
from core.datasets import PLANE_DATA, Dataset
from core.finding import Finding
from core.knobs import Checked, choice, flag, integer, numbers, seed
from core.layers import activation_backward, activation_forward, linear_forward
from core.network import Network, init_network, stack_networks
from core.seeds import band
from core.training import Hyper, descend, loss_and_gradients, train

COST = "instant"
SAMPLES = 300
BATCH = 32
EPOCHS = 40
RATES = (0.1, 0.3, 1.0, 3.0, 10.0)
SEEDS = 3
OVERSIZED = 30.0  # learning rate of the one step too large
SMALL_BIAS = 0.1  # the one that is said to help; compared with 0
STATES = ("off on all data", "on for some", "on for all")

DIED = 0.1  # A9: share of units dead at the start, or dead at the highest rate but not the lowest
HALF_NORMAL = 0.3989  # A8: mean of max(0, z) for z ~ N(0, 1)
NEAR = 0.01  # A8: distance from it, and of the share of zero gradients from 0.5
BLIND = 0.1  # E12: share of the examples that turn on no unit


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The layer, how fast it learns, and when it is looked at."""

    learning_rate: float = numbers(3.0, RATES)
    epoch: int = integer(20, 0, EPOCHS)
    oversized: bool = flag(False)
    bias: float = numbers(0.0, [-3.0, -1.0, 0.0, 0.1, 1.0])
    slope: float = numbers(0.0, [0.0, 0.01, 0.1, 0.3])
    data: str = choice("spirals", tuple(PLANE_DATA))
    offset: float = numbers(0.0, [0.0, 1.0, 2.0])
    units: int = numbers(20, [10, 20, 40])
    momentum: float = numbers(0.0, [0.0, 0.5, 0.9])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """The layer after every epoch; epoch 0 is before the first, after an oversized step.

    share: (2 biases, RATES, SEEDS, epochs + 1, 3) of the units in each of STATES; the biases are
    the chosen one and the other of 0 and SMALL_BIAS; death: (RATES,) median first epoch from which
    units stay off on all data, NaN if none; accuracy: (RATES,) of validation, at the end;
    weight, bias: (epochs + 1, 2 or 1, units) of the first seed at the chosen rate; state:
    (epochs + 1, units) index into STATES; blind: (epochs + 1,) share of examples that turn on no
    unit; x, y: the training data; normal: mean output and share of zero gradients of ReLU on
    N(0, 1), and its slope at 0; left: gradient of a first layer's weights with one dead unit after
    it, and with a half, as a share of the gradient without.
    """

    config: Config
    share: np.ndarray
    death: np.ndarray
    accuracy: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    state: np.ndarray
    blind: np.ndarray
    x: np.ndarray
    y: np.ndarray
    normal: np.ndarray
    left: np.ndarray


def states(on: np.ndarray) -> np.ndarray:
    """Return (..., units) index into STATES, from where units are on (..., samples, units)."""
    return on.any(axis=-2).astype(int) + on.all(axis=-2)


def other_bias(config: Config) -> float:
    """Return the initial bias that the chosen one is compared with."""
    return 0.0 if config.bias else SMALL_BIAS


def build(config: Config, classes: int) -> Network:
    """Draw SEEDS networks and stack them for both biases and all rates, which share the draws."""
    seeds = np.random.SeedSequence(config.seed).generate_state(SEEDS).tolist()
    function = leaky_relu(config.slope) if config.slope else "relu"
    drawn = [
        init_network(
            (2, config.units, classes), "he", function, rng=np.random.default_rng(s), bias=bias
        )
        for bias in (config.bias, other_bias(config))
        for _ in RATES
        for s in seeds
    ]
    return stack_networks(drawn)


def step_too_far(network: Network, data: Dataset) -> None:
    """Take one step of plain gradient descent with a rate that is far too large."""
    _, gradients, _ = loss_and_gradients(network, data.x_train, data.y_train)
    still = [{name: np.zeros_like(p) for name, p in layer.items()} for layer in network.layers]
    descend(network, gradients, still, Hyper(learning_rate=OVERSIZED), 0)


def make_data(config: Config) -> Dataset:
    """Draw the cloud of points, moved away from the origin by the offset along both axes."""
    drawn = PLANE_DATA[config.data](SAMPLES, rng=np.random.default_rng(config.seed))
    return drawn.map(lambda x: x + config.offset)


def run(config: Config) -> Result:
    """Train the stack and look at every unit after every epoch."""
    data = make_data(config)
    network = build(config, data.classes)
    if config.oversized:
        step_too_far(network, data)
    rates = np.tile(np.repeat(RATES, SEEDS), 2)
    shown = RATES.index(config.learning_rate) * SEEDS
    share, state, kept, blind = [], [], [], []
    records = train(
        network,
        data,
        Hyper(learning_rate=rates, momentum=config.momentum),
        batch_size=BATCH,
        epochs=EPOCHS,
        rng=np.random.default_rng(config.seed),
        measure=("val",),
    )
    for record in records:
        first = network.layers[0]
        on = linear_forward(data.x_train, first["weight"], first["bias"])[0] > 0
        state.append(states(on))
        share.append(np.stack([(state[-1] == i).mean(axis=-1) for i in range(3)], axis=-1))
        kept.append((first["weight"][shown].copy(), first["bias"][shown].copy()))
        blind.append(1 - on[shown].any(axis=-1).mean())
        accuracy = record.val_accuracy
    weights, biases = zip(*kept)
    groups = (2, len(RATES), SEEDS)
    by_epoch = np.stack(state, axis=1)
    return Result(
        config=config,
        share=np.stack(share, axis=1).reshape(*groups, EPOCHS + 1, len(STATES)),
        death=epochs_of_death(by_epoch.reshape(*groups, EPOCHS + 1, -1)[0]),
        accuracy=accuracy.reshape(groups)[0].mean(axis=-1),
        weight=np.stack(weights),
        bias=np.stack(biases),
        state=by_epoch[shown],
        blind=np.array(blind),
        x=data.x_train,
        y=data.y_train,
        normal=relu_on_normal(config.seed),
        left=gradient_beside_dead_units(config, data),
    )


def epochs_of_death(state: np.ndarray) -> np.ndarray:
    """Return (RATES,) the median epoch from which units stay off; state (RATES, SEEDS, ...)."""
    off = state == 0
    stays = np.flip(np.logical_and.accumulate(np.flip(off, axis=-2), axis=-2), axis=-2)
    first = [stays[i].argmax(axis=-2)[off[i, :, -1]] for i in range(len(off))]
    return np.array([np.median(epochs) if epochs.size else np.nan for epochs in first])


def relu_on_normal(seed: int) -> np.ndarray:
    """Return mean output and share of zero gradients of ReLU on N(0, 1), and its slope at 0."""
    z = np.random.default_rng(seed).standard_normal(100_000)
    out, cache = activation_forward(z, ACTIVATIONS["relu"])
    slopes = activation_backward(np.ones_like(z), cache)
    at_zero = ACTIVATIONS["relu"].derivative(np.zeros(1))[0]
    return np.array([out.mean(), (slopes == 0).mean(), at_zero])


def gradient_beside_dead_units(config: Config, data: Dataset) -> np.ndarray:
    """Return the gradient left in a first layer when one or half of the units after it are dead.

    As the norm over the norm without dead units; a bias of -1000 keeps a unit off.
    """
    sizes = (2, config.units, config.units, data.classes)
    whole = init_network(sizes, "he", rng=np.random.default_rng(config.seed))
    norms = []
    for dead in (0, 1, config.units // 2):
        network = deepcopy(whole)
        network.layers[1]["bias"][..., :dead] = -1000
        _, gradients, _ = loss_and_gradients(network, data.x_train, data.y_train)
        norms.append(np.linalg.norm(gradients[0]["weight"]))
    return np.array(norms[1:]) / norms[0]


def findings(result: Result) -> tuple[Finding, ...]:
    """A9, A8, and what notes say of dead units: E10, E12, E13."""
    config = result.config
    rate = RATES.index(config.learning_rate)
    off = result.share[..., 0].mean(axis=2)  # (biases, rates, epochs + 1)
    dead = off[0] * (config.slope == 0)  # with a slope below 0, off on all data is not dead
    now = result.share[0, rate, 0, config.epoch]
    mean, zero, at_zero = result.normal
    return (
        Finding(
            claim="A9",
            holds=bool(max(dead[0, 0], dead[-1, -1] - dead[0, -1]) >= DIED),
            values={
                **dict(zip(("off", "some", "always"), now)),
                "start": result.share[0, rate, 0, 0, 0],
                "lowest": off[0, 0, -1],
                "highest": off[0, -1, -1],
                "low_rate": RATES[0],
                "high_rate": RATES[-1],
                "death": result.death[rate],
                "bar": DIED,
            },
        ),
        Finding(
            claim="A9b",
            holds=bool(off[0, rate, -1] != off[1, rate, -1])
            and bool((off[0, rate, -1] < off[1, rate, -1]) == (config.bias > 0)),
            values={
                "chosen": off[0, rate, -1],
                "other": off[1, rate, -1],
                "other_bias": other_bias(config),
            },
        ),
        Finding(
            claim="A8",
            holds=bool(abs(mean - HALF_NORMAL) < NEAR and abs(zero - 0.5) < NEAR and at_zero == 0),
            values={"mean": mean, "zero": zero, "at_zero": at_zero},
        ),
        Finding(claim="E10", holds=bool(now[1] == 0), values={"some": now[1]}),
        Finding(
            claim="E12",
            holds=bool(result.blind[config.epoch] >= BLIND),
            values={"off": now[0], "blind": result.blind[config.epoch]},
        ),
        Finding(
            claim="E13",
            holds=bool((result.left == 0).all()),
            values={"one": result.left[0], "half": result.left[1]},
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return shares of the units per rate and epoch, the lines of the shown layer, and deaths."""
    epochs = np.arange(EPOCHS + 1)
    shares = result.share[0]  # (rates, seeds, epochs + 1, states)
    at = result.config.epoch
    return {
        "epochs": {
            **crossed(rate=RATES, epoch=epochs),
            **band("off", shares[..., 0], axis=1),
        },
        "rates": {
            **crossed(rate=RATES, state=STATES),
            "share": shares[:, :, at].mean(axis=1).ravel(),
            "epoch of death": np.repeat(result.death, len(STATES)),
            "val_accuracy": np.repeat(result.accuracy, len(STATES)),
        },
        "lines": {
            "unit": np.arange(result.config.units),
            "state": [STATES[i] for i in result.state[at]],
            "w1": result.weight[at, 0],
            "w2": result.weight[at, 1],
            "bias": result.bias[at, 0],
        },
    }


PRESETS = {
    "lecture": Config(),
    "low_rate": Config(learning_rate=0.1),
    "oversized": Config(oversized=True, epoch=0),
    "cure": Config(oversized=True, slope=0.3, epoch=EPOCHS),
    "bad_start": Config(bias=-3.0, epoch=0, learning_rate=0.3),
    "off_center": Config(offset=2.0, learning_rate=0.3),
}
SMALL = Config(units=10)
SHOWN = (linear_forward, activation_forward, activation_backward, states, step_too_far)
