"""Race: the same network trained with every activation, each at the learning rate that suits it.

A few seeds try all rates and choose each function's best one; other seeds race at it. All networks
see the same batches, and their weights are scaled from the same draws, as is usual for the
function: Xavier for sigmoid and tanh, He for the others. A run whose loss exceeds three times its
first one has diverged and is given up.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import band, crossed
from core.lab.datasets import standardized_digits
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, integer, looks, numbers, seed, several
from core.lab.parts import portion
from core.lab.say import arrival
from core.lab.streams import streams
from core.lab.verdict import both, epochs_to, later
from core.lab.words import name_of
from core.nn.layers import activation_backward, activation_forward, linear_forward
from core.nn.network import Network, init_network, stack_networks
from core.nn.optimizers import momentum_step
from core.nn.training import Hyper, collect, train_many

Array = np.ndarray

COST = "training"
FUNCTIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "prelu", "maxout")
BOUNDED = ("tanh", "sigmoid")  # the rule of thumb's last two, in its order
SCHEME = {"sigmoid": "xavier", "tanh": "xavier"}  # "he" for all others
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
TARGETS = (0.8, 0.9, 0.95)
CHOOSING, RACING = 3, 8  # seeds that choose the rates, and others that race
UNITS = 50
BATCH = 64
MOMENTUM = 0.9
RECORD_EVERY = 6  # steps: about four times per epoch


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """Who races, over what distance; and what is looked at."""

    functions: tuple[str, ...] = several(
        ("sigmoid", "tanh", "relu", "leaky_relu", "elu"), FUNCTIONS
    )
    learning_rate: float = looks(numbers(0.01, RATES))
    depth: int = integer(3, 1, 5)
    target: float = looks(numbers(0.9, TARGETS))
    epochs: int = numbers(10, [5, 10])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """Validation accuracy, the last axis being the moments; NaN in a run that diverged.

    choosing: (functions, RATES, CHOOSING, moments); racing: (functions, TARGETS, RACING, moments)
    at the rate that was best for the target. every: epochs from one moment to the next.
    """

    config: Config
    choosing: Array
    racing: Array
    every: float

    @property
    def best(self) -> Array:
        """Return (functions,) index of the rate at which each one races to the target."""
        target = TARGETS.index(self.config.target)
        return np.array([best_rates(tried, self.every)[target] for tried in self.choosing])

    @property
    def race(self) -> Array:
        """Return (functions, RACING, moments) accuracies, each function at its own best rate."""
        return self.racing[:, TARGETS.index(self.config.target)]

    @property
    def shared(self) -> Array:
        """Return (functions, CHOOSING, moments) accuracies, all at the shared rate."""
        return self.choosing[:, RATES.index(self.config.learning_rate)]

    def to_target(self, accuracy: Array) -> Array:
        """Return accuracies (..., moments) as epochs to the target, inf for never."""
        return epochs_to(self.config.target, accuracy, self.every)


def best_rates(tried: Array, every: float) -> Array:
    """Return (TARGETS,) index of the best rate for each target: that of the fastest slowest seed.

    tried: (RATES, CHOOSING, moments). A rate at which seeds differ much is none to rely on, one at
    which a seed never arrives no candidate. Where none is left, the accuracy in the end decides.
    """
    final = np.nan_to_num(tried[..., -1]).mean(axis=-1)
    needed = [epochs_to(target, tried, every).max(axis=-1) for target in TARGETS]
    return np.array([np.lexsort((-final, epochs))[0] for epochs in needed])


def build(name: str, depth: int, rngs: Sequence[np.random.Generator], copies: int) -> Network:
    """Draw a network per generator and stack `copies` of each: (copies * generators) runs."""
    sizes = (64, *[UNITS] * depth, 10)
    scheme = SCHEME.get(name, "he")
    drawn = [init_network(sizes, scheme, name, rng=rng, dtype=np.float32) for rng in rngs]
    return stack_networks(drawn * copies)


def train_at(
    rates: Sequence[float], name: str, config: Config, part: slice, batches: str
) -> Generator[float, None, Array]:
    """Train some seeds at every rate as one stack; return (rates, seeds, moments) accuracies.

    part: which of the seeds; batches: the stream that orders the samples. Runs that diverge are NaN
    throughout.
    """
    weights, order = streams(config.seed, "weights", batches)
    rngs = weights.spawn(CHOOSING + RACING)[part]
    data = standardized_digits()
    records = train_many(
        build(name, config.depth, rngs, len(rates)),
        data,
        Hyper(learning_rate=np.repeat(rates, len(rngs)), momentum=MOMENTUM),
        batch_size=BATCH,
        epochs=config.epochs,
        rng=order,
        record_every=RECORD_EVERY,
        measure=("val",),
        abandon=True,
    )
    seen = yield from collect(records, "val_accuracy", epochs=config.epochs)
    moments = config.epochs * epoch_steps() // RECORD_EVERY + 1
    accuracy = np.full((len(rates) * len(rngs), moments), np.nan)
    accuracy[:, : seen["val_accuracy"].shape[-1]] = seen["val_accuracy"]
    accuracy[seen["exploded"] | seen["non_finite"]] = np.nan
    return accuracy.reshape(len(rates), len(rngs), moments)


def epoch_steps() -> int:
    """Return the steps of an epoch."""
    return -(-len(standardized_digits().y_train) // BATCH)


def steps(config: Config) -> Generator[float, None, Result]:
    """Choose rates and race, function by function; yield the share done and return the Result."""
    every = RECORD_EVERY / epoch_steps()
    choosing, racing = [], []
    for done, name in enumerate(config.functions):
        first = train_at(RATES, name, config, slice(CHOOSING), "choosing batches")
        tried = yield from portion(first, done / len(config.functions), 0.6 / len(config.functions))
        best = best_rates(tried, every)
        used = np.unique(best)
        rates = [RATES[index] for index in used]
        second = train_at(rates, name, config, slice(CHOOSING, None), "racing batches")
        raced = yield from portion(
            second, (done + 0.6) / len(config.functions), 0.4 / len(config.functions)
        )
        choosing.append(tried)
        racing.append(raced[np.searchsorted(used, best)])
    return Result(config=config, choosing=np.stack(choosing), racing=np.stack(racing), every=every)


def findings(result: Result) -> tuple[Finding, ...]:
    """A7: ReLU is faster than tanh, and than sigmoid. A13: the order of the rule of thumb."""
    epochs = dict(zip(result.config.functions, result.to_target(result.race)))
    because, values = _order(epochs, result.config)
    found = [
        Finding(
            claim=claim,
            outcome=later(epochs[other], epochs["relu"], result.config.epochs),
            values={**values, "relu": arrival(epochs["relu"]), "other": arrival(epochs[other])},
            because=because,
        )
        for claim, other in (("A7", "tanh"), ("A7b", "sigmoid"))
        if {"relu", other} <= set(epochs)
    ]
    rule = Finding(
        claim="A13", outcome=_rule(epochs, result.config), values=values, because=because
    )
    return (*found, rule)


def ranked(epochs: Mapping[str, Array], end: float) -> list[str]:
    """Return the functions by mean epochs; a run that never arrives counts as one at the end."""
    return sorted(epochs, key=lambda name: float(np.minimum(epochs[name], end).mean()))


def _order(epochs: Mapping[str, Array], config: Config) -> tuple[str, dict[str, Any]]:
    """Return what is special about the order, and who is first and last as far as seeds decide."""
    order, end = ranked(epochs, config.epochs), config.epochs
    best, worst = epochs[order[0]], epochs[order[-1]]
    first = [n for n in order if later(epochs[n], best, end) is not Outcome.HOLDS]
    last = [
        n for n in order if n not in first and later(worst, epochs[n], end) is not Outcome.HOLDS
    ]
    values: dict[str, Any] = {
        "order": ", ".join(f"{name_of(name)} {arrival(epochs[name])}" for name in order),
        "first": listed(first),
        "last": listed(last),
        "best": arrival(best),
        "worst": arrival(worst),
        "level": len(first),
    }
    if np.isinf(best).any():
        return "nobody", values
    if not last:
        return ("level" if len(order) > 1 else "one"), values
    if last == ["sigmoid"] and "relu" in epochs and np.isfinite([worst, epochs["relu"]]).all():
        return "times", {**values, "times": worst.mean() / epochs["relu"].mean()}
    return "", values


def listed(names: Sequence[str]) -> str:
    """Write a few names: tanh, ELU and ReLU."""
    *others, last = map(name_of, names or [""])
    return f"{', '.join(others)} and {last}" if others else last


def _rule(epochs: Mapping[str, Array], config: Config) -> Outcome:
    """Hold the order against the rule: sigmoid after all others, tanh after all but sigmoid."""
    shown = [name for name in BOUNDED if name in epochs]
    pairs = [
        (slow, fast)
        for place, slow in enumerate(shown)
        for fast in epochs
        if fast not in shown[place:]
    ]
    if not pairs:
        return Outcome.UNCLEAR
    return both(*(later(epochs[slow], epochs[fast], config.epochs) for slow, fast in pairs))


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return accuracy by epoch, and epochs to the target at the best rates and the shared one."""
    names, config = result.config.functions, result.config
    moments = np.arange(result.racing.shape[-1]) * result.every
    return {
        "epochs": {
            **crossed(function=names, epoch=moments),
            **band("accuracy", result.race, axis=1),
        },
        "best rate": {
            "function": list(names),
            "rate": [RATES[index] for index in result.best],
            **_needed(result, result.race),
        },
        "shared rate": {
            "function": list(names),
            "rate": [config.learning_rate] * len(names),
            **_needed(result, result.shared),
        },
    }


def _needed(result: Result, accuracy: Array) -> dict[str, Any]:
    """Return columns of the mean epochs to the target, as a number (at most all) and as said."""
    epochs = result.to_target(accuracy)
    return {
        "epochs": np.minimum(epochs, result.config.epochs).mean(axis=-1),
        "never": np.isinf(epochs).sum(axis=-1),
        "said": [arrival(row) for row in epochs],
    }


PRESETS = {
    "lecture": Config(),
    "all": Config(functions=FUNCTIONS),
    "shallow": Config(depth=1),
    "deep": Config(depth=5),
    "high_rate": Config(learning_rate=0.3),
}
SMALL = Config(functions=("sigmoid", "tanh", "relu"), depth=1, epochs=5)
SHOWN = (linear_forward, activation_forward, activation_backward, momentum_step, build, best_rates)
