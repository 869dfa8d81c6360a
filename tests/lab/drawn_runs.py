"""Runs whose cause is known because it was made: settings drawn from the range of each cause.

A judge for the doctor. The ranges of the rates are those at which the networks of a family learn a
data set well (at least 97% of the training data), sit high (at least five of six: less than 96%, at
a loss between a fifth and nine tenths of guessing; few families ever do) or are lost (above that).
They were read off sweeps of rates, four or eight a decade, on other seeds and without the doctor.
All rates are over 1 - momentum. Every range is drawn on a log scale.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from core.lab.datasets import moons, spirals, split, standardized_digits
from core.lab.doctor import Cause, Curves, curves_of
from core.nn.dataset import Dataset
from core.nn.network import Network, init_network, stack_networks
from core.nn.preprocessing import fit_standardizer
from core.nn.training import Hyper, train_many

Range = tuple[float, float]
CAUSES = tuple(cause for cause in Cause if cause is not Cause.UNSURE)
EPOCHS = 15
DRAWN_SEED = 78  # of the points and images that are generated


@dataclass(frozen=True)
class Family:
    """Networks that train as one stack: their shape, and what all runs of it share."""

    name: str
    hidden: tuple[int, ...]
    activation: str
    batch_size: int
    momentum: float
    record_every: int | None = None


FAMILIES = (
    Family("relu 50", (50,), "relu", 64, 0.9),
    Family("relu 60 30", (60, 30), "relu", 50, 0.0),
    Family("relu 30 30 30", (30, 30, 30), "relu", 100, 0.9),
    Family("tanh 50", (50,), "tanh", 32, 0.0, record_every=7),
    Family("tanh 40 40", (40, 40), "tanh", 64, 0.9),
    Family("leaky 40 40", (40, 40), "leaky_relu", 32, 0.9, record_every=5),
)


@dataclass(frozen=True)
class Rates:
    """Where a family learns well on a data set, sits high (if it ever does), and is lost."""

    good: Range
    high: Range | None
    lost: float | None


RATES = {
    "digits": (
        Rates((0.05, 1), None, 6),
        Rates((0.03, 0.5), None, 4),
        Rates((0.07, 0.8), None, 5),
        Rates((0.05, 2), (11, 16), 40),
        Rates((0.06, 3), (11, 15), 30),
        Rates((0.02, 0.4), None, 2),
    ),
    "spirals": (
        Rates((0.4, 3), (15, 40), 60),
        Rates((0.12, 0.4), None, 5),
        Rates((0.25, 1), None, 10),
        Rates((0.3, 0.8), None, None),
        Rates((0.2, 0.9), (8, 12), 20),
        Rates((0.08, 1), None, 8),
    ),
    "moons": (
        Rates((0.4, 5), (33, 43), 200),
        Rates((0.1, 0.4), None, 7),
        Rates((0.2, 2), None, 15),
        Rates((0.3, 0.9), None, None),
        Rates((0.12, 1), None, 20),
        Rates((0.06, 2), None, 10),
    ),
    "clouds": (
        Rates((0.06, 3), None, 10),
        Rates((0.035, 1), None, 6),
        Rates((0.1, 1.7), None, 6),
        Rates((0.1, 5), (15, 21), 32),
        Rates((0.11, 5), (11.5, 15.5), 32),
        Rates((0.025, 1.2), None, 4),
    ),
}
SLOW = (1 / 1000, 1 / 20)  # of the lowest good rate
LOST = (2, 100)  # times the rate at which runs are lost
SMALL = {1: (1e-5, 3e-4), 2: (1e-3, 0.01), 3: (3e-3, 0.03)}  # std of the weights, by hidden layers
LARGE = (5, 30)  # times Xavier's weights
BIAS = {"digits": (6, 12), "clouds": (5, 10), "spirals": (2, 5), "moons": (2, 5)}  # below 0
FEW_UNITS = {"digits": (1.6, 4.4), "clouds": (1.6, 3.4), "spirals": (1.6, 3.4), "moons": (0.6, 1.4)}
STRONG = {"digits": (0.2, 2), "clouds": (0.2, 2), "spirals": (0.1, 1), "moons": (0.1, 1)}  # reg
FEW = {"digits": (40, 150), "clouds": (30, 80), "spirals": (15, 40), "moons": (8, 20)}
CALM = 4  # times the lowest good rate: the highest where weights are small or examples few
FEW_BATCHES, FEW_STEPS = 4, 240  # with few examples: of an epoch, of a run


def clouds(n: int, *, rng: np.random.Generator) -> Dataset:
    """Return n points in 20 dimensions: 20 Gaussian clouds, two of each of 10 classes."""
    centers, which = rng.standard_normal((20, 20)), np.arange(n) % 20
    return split("clouds", centers[which] + 0.7 * rng.standard_normal((n, 20)), which % 10, rng=rng)


@cache
def data_set(name: str) -> Dataset:
    """Return a data set, standardized, float32."""
    rng = np.random.default_rng(DRAWN_SEED)
    make: dict[str, Callable[[], Dataset]] = {
        "digits": standardized_digits,
        "spirals": lambda: spirals(1000, rng=rng),
        "moons": lambda: moons(1000, rng=rng),
        "clouds": lambda: clouds(2000, rng=rng),
    }
    data = make[name]()
    data = data.map(fit_standardizer(data.x_train).transform)
    return data.map(lambda x: x.astype(np.float32))


@dataclass(frozen=True)
class Settings:
    """What one run is made with. rate: over 1 - momentum; weights: times the usual, or a std."""

    cause: Cause
    rate: float
    reg: float = 0.0
    times: float = 1.0
    std: float = 0.0
    bias: float = 0.0
    units: int = 0
    examples: int = 0


def drawn(bounds: Range, rng: np.random.Generator) -> float:
    """Draw from a range on a log scale."""
    return float(np.exp(rng.uniform(*np.log(bounds))))


def settings(cause: Cause, name: str, place: int, rng: np.random.Generator) -> Settings | None:
    """Draw the settings of a cause; None where a family does not have it."""
    family, rates = FAMILIES[place], RATES[name][place]
    low, high = rates.good
    good, calm = drawn(rates.good, rng), drawn((low, min(CALM * low, high)), rng)
    units_die = family.activation == "relu" and len(family.hidden) > 1  # where they are few
    match cause:
        case Cause.GOOD:
            return Settings(cause, good)
        case Cause.SLOW:
            return Settings(cause, drawn((SLOW[0] * low, SLOW[1] * low), rng))
        case Cause.HIGH:
            return Settings(cause, drawn(rates.high, rng)) if rates.high else None
        case Cause.DIVERGED:
            return Settings(cause, rates.lost * drawn(LOST, rng)) if rates.lost else None
        case Cause.START:
            return Settings(cause, calm, std=drawn(SMALL[len(family.hidden)], rng))
        case Cause.OVERFITTING:
            return Settings(cause, calm, examples=round(drawn(FEW[name], rng)))
        case Cause.UNDERFITTING if rng.random() < 0.5 or units_die:
            return Settings(cause, calm, reg=drawn(STRONG[name], rng))
        case Cause.UNDERFITTING:
            return Settings(cause, calm, units=round(drawn(FEW_UNITS[name], rng)))
        case Cause.DYING if family.activation == "relu":
            return Settings(cause, good, bias=-drawn(BIAS[name], rng))
        case Cause.SATURATING if family.activation == "tanh":
            return Settings(cause, good, times=drawn(LARGE, rng))
    return None


def between(cause: Cause, name: str, place: int, rng: np.random.Generator) -> Settings | None:
    """Draw settings between those of a cause and those of a good run."""
    family, rates = FAMILIES[place], RATES[name][place]
    calm = drawn((rates.good[0], min(CALM * rates.good[0], rates.good[1])), rng)
    match cause:
        case Cause.SLOW:
            return Settings(cause, drawn((SLOW[1] * rates.good[0], rates.good[0]), rng))
        case Cause.HIGH if rates.lost:
            return Settings(cause, drawn((rates.good[1], rates.lost), rng))
        case Cause.START:
            large = SMALL[len(family.hidden)][1]
            return Settings(cause, calm, std=drawn((large, 10 * large), rng))
        case Cause.OVERFITTING:
            many = FEW[name][1]
            return Settings(cause, calm, examples=round(drawn((many, 4 * many), rng)))
        case Cause.UNDERFITTING:
            return Settings(cause, calm, reg=drawn((0.1 * STRONG[name][0], STRONG[name][0]), rng))
        case Cause.DYING if family.activation == "relu":
            return Settings(cause, calm, bias=-drawn((BIAS[name][0] / 4, BIAS[name][0]), rng))
        case Cause.SATURATING if family.activation == "tanh":
            return Settings(cause, calm, times=drawn((1.5, LARGE[0]), rng))
    return None


def network(own: Settings, family: Family, data: Dataset, rng: np.random.Generator) -> Network:
    """Draw one network."""
    hidden = tuple(own.units or units for units in family.hidden)
    scheme = own.std or ("xavier" if family.activation == "tanh" else "he")
    sizes = (data.x_train.shape[-1], *hidden, data.classes)
    made = init_network(sizes, scheme, family.activation, rng=rng, bias=own.bias, dtype=np.float32)
    for layer in made.layers:
        layer["weight"] *= np.float32(own.times)
    return made


def train_alike(
    runs: Sequence[Settings], name: str, family: Family, rng: np.random.Generator
) -> Iterator[tuple[Settings, Curves]]:
    """Train runs of one shape on as many examples as one stack."""
    few = runs[0].examples
    data, batch_size, epochs = data_set(name), family.batch_size, EPOCHS
    if few:
        batch_size, epochs = -(-few // FEW_BATCHES), FEW_STEPS // FEW_BATCHES
        chosen = np.array([rng.permutation(len(data.x_train))[:few] for _ in runs])
        data = replace(data, x_train=data.x_train[chosen], y_train=data.y_train[chosen])
    records = list(
        train_many(
            stack_networks([network(own, family, data, rng) for own in runs]),
            data,
            Hyper(
                learning_rate=np.array([own.rate for own in runs]) * (1 - family.momentum),
                reg=np.array([own.reg for own in runs]),
                momentum=family.momentum,
            ),
            batch_size=batch_size,
            epochs=epochs,
            rng=rng,
            record_every=family.record_every,
        )
    )
    for run, own in enumerate(runs):
        yield own, curves_of(records, data.classes, run)


def known_runs(
    name: str,
    each: int,
    seed: int,
    draw: Callable[..., Settings | None] = settings,
    families: Sequence[int] = range(len(FAMILIES)),
) -> Iterator[tuple[Family, Settings, Curves]]:
    """Train `each` runs of every cause with every family that has it."""
    rng = np.random.default_rng(seed)
    for place in families:
        family = FAMILIES[place]
        made = [draw(cause, name, place, rng) for cause in CAUSES for _ in range(each)]
        alike: dict[tuple[int, int], list[Settings]] = {}
        for own in made:
            if own is not None:
                alike.setdefault((own.units, own.examples), []).append(own)
        for runs in alike.values():
            for own, curves in train_alike(runs, name, family, rng):
                yield family, own, curves
