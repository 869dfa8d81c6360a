"""Dead ReLUs: which units of a layer are on for all, some or none of the data, while it trains.

A ReLU layer splits the plane of its two inputs by one line per unit. The same draws train at
several learning rates, and at one of them with a second initial bias, as one stack of runs.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from core.experiments.activations.units import oversized_step, where_on
from core.lab.columns import band, crossed
from core.lab.datasets import PLANE_DATA, Dataset
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, flag, integer, looks, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, decided
from core.nn.activations import ACTIVATIONS, leaky_relu
from core.nn.layers import activation_backward, activation_forward, linear_forward
from core.nn.network import Network, init_network, stack_networks
from core.nn.training import Hyper, loss_and_gradients, train

COST = "instant"
SAMPLES = 300
BATCH = 32
EPOCHS = 40
RATES = (0.1, 0.3, 1.0, 3.0, 10.0)
NETWORKS = 16  # with draws of their own, the same at every rate
OVERSIZED = 30.0  # learning rate of the one step too large
SMALL_BIAS = 0.1  # the one that is said to help; compared with 0
STATES = ("off on all data", "on for some", "on for all")
OFF, SOME = 0, 1
OFF_BIAS = -1000.0  # keeps a unit off whatever its inputs

DIED = 0.1  # A9: share of units off at the start, or more at the highest rate than at the lowest
MOST = 0.9  # of the units: off at the start, a bad one; off at the end, with hardly any left
BACK = 0.1  # A10: share of the units that were once off and come back
APART = 0.05  # E12: from the share of points that turn no unit on to that of units that are off
HALF_NORMAL = 0.3989  # A8: mean of max(0, z) for z ~ N(0, 1)
NEAR = 0.01  # A8: distance from it, and of the share of zero gradients from 0.5


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The layer, how fast it learns, and when its lines are looked at."""

    learning_rate: float = numbers(3.0, RATES)
    oversized: bool = flag(False)
    slope: float = numbers(0.0, [0.0, 0.01, 0.1, 0.3])
    epoch: int = looks(integer(EPOCHS, 0, EPOCHS))
    bias: float = numbers(0.0, [-3.0, -1.0, 0.0, 0.1, 1.0])
    data: str = choice("spirals", tuple(PLANE_DATA))
    offset: float = numbers(0.0, [0.0, 1.0, 2.0])
    units: int = numbers(20, [10, 20, 40])
    momentum: float = numbers(0.0, [0.0, 0.5, 0.9])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """The layer after every epoch; epoch 0 is before the first, after an oversized step.

    share: (RATES, NETWORKS, epochs + 1, 3) of the units in each of STATES; fate: (RATES, NETWORKS,
    2) units that were off on all data after some epoch, and those of them that are on at the end;
    blind: (RATES, NETWORKS) share of the points that turn no unit on, at the end; diverged: (RATES,
    NETWORKS) runs with a number that is not finite, which count nowhere; other: (NETWORKS,) share
    of the units off at the end with the other bias, (0,) if there is none; learning: (RATES,
    NETWORKS, 2) units on for some points at the end, and those of them that the last epoch moved.
    weight, bias: (1 + epochs + 1, 2 or 1, units) of one network at the chosen rate, first as it was
    drawn; state: (1 + epochs + 1, units) index into STATES; x, y: the training data.
    normal: mean output and share of zero gradients of ReLU on N(0, 1), and its slope at 0; left:
    (3,) gradient of a first layer's weights with one, half and all of the units after it dead, as a
    share of the gradient without.
    """

    config: Config
    share: np.ndarray
    fate: np.ndarray
    blind: np.ndarray
    diverged: np.ndarray
    other: np.ndarray
    learning: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    state: np.ndarray
    x: np.ndarray
    y: np.ndarray
    normal: np.ndarray
    left: np.ndarray

    @property
    def chosen(self) -> int:
        """Return the index of the chosen rate."""
        return RATES.index(self.config.learning_rate)

    @property
    def start(self) -> np.ndarray:
        """Return (NETWORKS,) the share of units off before training, after an oversized step."""
        return self.share[0, :, 0, OFF]

    def off(self, rate: int) -> np.ndarray:
        """Return (finite networks, epochs + 1) the share of units off on all data at a rate."""
        return self.share[rate, ~self.diverged[rate], :, OFF]


class Moment(NamedTuple):
    """The first layers of all runs: weight (runs, 2, units), bias, and where they are on."""

    weight: np.ndarray
    bias: np.ndarray
    state: np.ndarray  # (runs, units) index into STATES
    blind: np.ndarray  # (runs,) share of the points that turn no unit on


def states(on: np.ndarray) -> np.ndarray:
    """Return (..., units) index into STATES, from where units are on (..., samples, units)."""
    return on.any(axis=-2).astype(int) + on.all(axis=-2)


def make_data(config: Config, rng: np.random.Generator) -> Dataset:
    """Draw the cloud of points, moved away from the origin by the offset along both axes."""
    return PLANE_DATA[config.data](SAMPLES, rng=rng).map(lambda x: x + config.offset)


def other_bias(config: Config) -> float | None:
    """Return the initial bias that the chosen one is compared with, if that is about ReLUs."""
    if config.slope or config.bias < 0:
        return None
    return 0.0 if config.bias else SMALL_BIAS


def groups(config: Config) -> list[tuple[float, float]]:
    """Return learning rate and initial bias of every group of NETWORKS runs."""
    other = other_bias(config)
    again = [] if other is None else [(config.learning_rate, other)]
    return [(rate, config.bias) for rate in RATES] + again


def build(config: Config, classes: int, rng: np.random.Generator) -> Network:
    """Draw NETWORKS networks and stack them for every group, which share the draws."""
    function = leaky_relu(config.slope) if config.slope else "relu"
    sizes, draws = (2, config.units, classes), rng.spawn(NETWORKS)
    drawn = [
        init_network(sizes, "he", function, rng=deepcopy(draw), bias=bias, dtype=np.float32)
        for _, bias in groups(config)
        for draw in draws
    ]
    return stack_networks(drawn)


def moment(network: Network, x: np.ndarray) -> Moment:
    """Look at the first layers now."""
    first = network.layers[0]
    on = where_on(network, x)
    blind = 1 - on.any(axis=-1).mean(axis=-1)
    return Moment(first["weight"].copy(), first["bias"].copy(), states(on), blind)


def run(config: Config) -> Result:
    """Train the stack and look at every unit after every epoch."""
    points, weights, batches, inputs, behind = streams(
        config.seed, "data", "weights", "batches", "inputs", "layers behind"
    )
    data = make_data(config, points)
    network = build(config, data.classes, weights)
    moments = [moment(network, data.x_train)]
    if config.oversized:
        oversized_step(network, data, OVERSIZED)
    rates = np.repeat([rate for rate, _ in groups(config)], NETWORKS)
    records = train(
        network,
        data,
        Hyper(learning_rate=rates, momentum=config.momentum),
        batch_size=BATCH,
        epochs=EPOCHS,
        rng=batches,
        measure=(),
    )
    for record in records:
        finite = record.is_finite
        moments.append(moment(network, data.x_train))
    shown = NETWORKS * RATES.index(config.learning_rate)
    shown += int(finite[shown : shown + NETWORKS].argmax())
    return Result(
        config=config,
        **of_all(moments[1:], finite),
        weight=np.stack([m.weight[shown] for m in moments]),
        bias=np.stack([m.bias[shown] for m in moments]),
        state=np.stack([m.state[shown] for m in moments]),
        x=data.x_train,
        y=data.y_train,
        normal=relu_on_normal(inputs),
        left=gradient_beside_dead_units(config.units, data, behind),
    )


def of_all(moments: list[Moment], finite: np.ndarray) -> dict[str, np.ndarray]:
    """Return what Result has of all runs; finite: (runs,)."""
    state = np.stack([m.state for m in moments], axis=1)  # (runs, epochs + 1, units)
    share = np.stack([(state == i).mean(axis=-1) for i in range(len(STATES))], axis=-1)
    once, on = (state == OFF).any(axis=1), state[:, -1] != OFF
    some, before, after = state[:, -1] == SOME, moments[-2].weight, moments[-1].weight
    moved = (before != after).any(axis=-2)
    counts = np.stack([once, once & on, some, some & moved], axis=-1).sum(axis=1)
    of_rates = slice(0, len(RATES) * NETWORKS)

    def by_rate(values: np.ndarray) -> np.ndarray:
        return values[of_rates].reshape(len(RATES), NETWORKS, *values.shape[1:])

    return {
        "share": by_rate(share),
        "fate": by_rate(counts[:, :2]),
        "learning": by_rate(counts[:, 2:]),
        "blind": by_rate(moments[-1].blind),
        "diverged": by_rate(~finite),
        "other": share[of_rates.stop :, -1, OFF],
    }


def relu_on_normal(rng: np.random.Generator) -> np.ndarray:
    """Return mean output and share of zero gradients of ReLU on N(0, 1), and its slope at 0."""
    z = rng.standard_normal(100_000)
    out, cache = activation_forward(z, ACTIVATIONS["relu"])
    slopes = activation_backward(np.ones_like(z), cache)
    at_zero = ACTIVATIONS["relu"].derivative(np.zeros(1))[0]
    return np.array([out.mean(), (slopes == 0).mean(), at_zero])


def gradient_beside_dead_units(units: int, data: Dataset, rng: np.random.Generator) -> np.ndarray:
    """Return (3,) how much gradient a first layer gets when units of the second one are dead.

    One, half or all of them. Mean over NETWORKS of its norm over that without dead units.
    """
    sizes = (2, units, units, data.classes)
    whole = stack_networks([init_network(sizes, "he", rng=draw) for draw in rng.spawn(NETWORKS)])
    norms = []
    for dead in (0, 1, units // 2, units):
        network = deepcopy(whole)
        network.layers[1]["bias"][..., :dead] = OFF_BIAS
        _, gradients, _ = loss_and_gradients(network, data.x_train, data.y_train)
        norms.append(np.linalg.norm(gradients[0]["weight"], axis=(-2, -1)))
    return np.mean(norms[1:] / norms[0], axis=-1)


def findings(result: Result) -> tuple[Finding, ...]:
    """A9: what kills ReLUs, for good; with a slope for negative inputs A10. A8, E10, E12, E13."""
    if result.config.slope:
        return _revived(result), _relu(result), _paths(result)
    found = _killed(result), _for_good(result), _bias(result), _relu(result)
    return tuple(filter(None, (*found, _some(result), _data(result), _paths(result))))


def _killed(result: Result) -> Finding:
    """Tell whether many are off from the start, or else whether a high rate puts many off."""
    start, low, high = result.start, result.off(0)[:, -1], result.off(-1)[:, -1]
    because = "start" if start.mean() >= MOST else ""
    if result.config.oversized:
        because = "oversized"
    return Finding(
        claim="A9",
        outcome=above_over_seeds(start if because else high - low, DIED),
        because=because,
        values={
            "start": start.mean(),
            "lowest": low.mean(),
            "highest": high.mean(),
            "here": result.off(result.chosen)[:, -1].mean(),
            "low_rate": RATES[0],
            "high_rate": RATES[-1],
            "step": OVERSIZED,
            "bar": DIED,
        },
    )


def _for_good(result: Result) -> Finding | None:
    """Count the units that were off once and are on at the end: none, but for momentum."""
    once, back = result.fate.sum(axis=(0, 1))
    if not once:
        return None
    momentum = result.config.momentum > 0
    return Finding(
        claim="A9c",
        outcome=decided(back == 0),
        identity=not momentum,
        because="momentum" if momentum else "",
        values={"once": once, "back": back},
    )


def _bias(result: Result) -> Finding | None:
    """Compare a positive initial bias with none, at the chosen rate and with the same draws."""
    other, bias = other_bias(result.config), result.config.bias
    if other is None:
        return None
    both = (result.off(result.chosen)[:, -1], result.other)
    with_bias, without = both if bias else both[::-1]
    return Finding(
        claim="A9b",
        outcome=above_over_seeds(without - with_bias),
        because="" if without.any() or with_bias.any() else "none",
        values={
            "positive": max(bias, other),
            "with_bias": with_bias.mean(),
            "without": without.mean(),
            "networks": NETWORKS,
        },
    )


def _relu(result: Result) -> Finding:
    """Check what follows from max(0, z): its mean on N(0, 1), and where its slope is 0."""
    mean, zero, at_zero = result.normal
    close = abs(mean - HALF_NORMAL) < NEAR and abs(zero - 0.5) < NEAR and at_zero == 0
    return Finding(
        claim="A8",
        outcome=decided(close),
        identity=True,
        values={"mean": mean, "zero": zero, "at_zero": at_zero},
    )


def _some(result: Result) -> Finding | None:
    """Count the units that are off for some points only, and those of them that still learn."""
    some, moved = result.learning[result.chosen].sum(axis=0)
    share = some / (NETWORKS * result.config.units)
    if share < DIED:
        return None
    return Finding(
        claim="E10",
        outcome=decided(moved == 0),
        misreading=True,
        values={"some": share, "moved": moved / some},
    )


def _data(result: Result) -> Finding | None:
    """Compare the share of units that are off with that of points that turn no unit on."""
    off, blind = result.off(result.chosen)[:, -1], result.blind[result.chosen]
    if off.mean() < DIED:
        return None
    told_apart = off.mean() < MOST and above_over_seeds(off - blind, APART) is Outcome.HOLDS
    return Finding(
        claim="E12",
        outcome=Outcome.FAILS if told_apart else Outcome.UNCLEAR,
        misreading=True,
        values={"off": off.mean(), "blind": blind.mean()},
    )


def _paths(result: Result) -> Finding:
    """Tell what dead units leave of the gradient of a layer before them."""
    one, half, every = result.left
    return Finding(
        claim="E13",
        outcome=decided(one == half == every == 0),
        misreading=True,
        identity=True,
        values={"one": one, "half": half, "all": every},
    )


def _revived(result: Result) -> Finding:
    """Count the units with a slope for z < 0 that were off once and are on at the end."""
    finite = ~result.diverged[result.chosen]
    once, back = result.fate[result.chosen, finite].T
    if finite.sum() < 2:
        outcome, because = Outcome.UNCLEAR, "diverged"
    elif not once.any():
        outcome, because = Outcome.UNCLEAR, "none"
    else:
        outcome, because = above_over_seeds(back - BACK * once), ""
    return Finding(
        claim="A10",
        outcome=outcome,
        because=because,
        values={
            "once": once.sum(),
            "back": back.sum() / max(once.sum(), 1),
            "diverged": NETWORKS - finite.sum(),
            "finite": finite.sum(),
            "networks": NETWORKS,
            "bar": BACK,
        },
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return shares by rate and epoch, by rate at the end, and the lines of one layer.

    Rates at which every run diverged are left out.
    """
    measured = [i for i in range(len(RATES)) if not result.diverged[i].all()]
    rates = [RATES[i] for i in measured]
    epochs = np.arange(EPOCHS + 1)
    ends = [result.share[i, ~result.diverged[i], -1].mean(axis=0) for i in measured]
    once, back = np.array([result.fate[i, ~result.diverged[i]].sum(axis=0) for i in measured]).T
    moments = len(result.state)
    return {
        "rates": {
            "rate": rates,
            **_bands([result.off(i)[:, -1:] for i in measured]),
            **{state: [end[j] for end in ends] for j, state in enumerate(STATES) if j != OFF},
            "points that turn no unit on": [
                result.blind[i, ~result.diverged[i]].mean() for i in measured
            ],
            "units once off": once,
            "came back": back,
            "diverged runs": result.diverged[measured].sum(axis=1),
        },
        "epochs": {
            **crossed(rate=rates, epoch=epochs),
            **_bands([result.off(i) for i in measured]),
        },
        "lines": {
            **crossed(moment=np.arange(moments) - 1, unit=np.arange(result.config.units)),
            "state": [STATES[i] for i in result.state.ravel()],
            "w1": result.weight[:, 0].ravel(),
            "w2": result.weight[:, 1].ravel(),
            "bias": result.bias[:, 0].ravel(),
        },
    }


def _bands(shares: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Return mean and range of the share off for rates with (networks, epochs) each."""
    rows = [band("off", values, axis=0) for values in shares]
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


PRESETS = {
    "lecture": Config(),
    "low_rate": Config(learning_rate=0.1),
    "oversized": Config(oversized=True, epoch=0),
    "cure": Config(oversized=True, slope=0.3),
    "bad_start": Config(bias=-3.0, learning_rate=0.3),
    "off_center": Config(offset=2.0, learning_rate=0.3),
}
SMALL = Config(units=10)
SHOWN = (linear_forward, activation_forward, activation_backward, where_on, states)
