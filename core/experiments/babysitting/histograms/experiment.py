"""Histograms: what the outputs of a layer look like over training, in seven kinds of run.

Every kind is trained from SEEDS starts with the same first draws and batches. Healthy and
overfitting runs have rates of their own, one per start, so that what differs between healthy runs
is seen, too.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from core.lab.columns import crossed
from core.lab.datasets import standardized_digits
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, looks, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above, above_over_seeds, opposite
from core.nn.dataset import Dataset
from core.nn.layers import activation_forward, linear_forward
from core.nn.network import Network, forward, init_network, stack_networks
from core.nn.optimizers import momentum_step
from core.nn.statistics import bin_counts, dead_units
from core.nn.training import Hyper, accuracy, loss_and_gradients, train_many

Array = np.ndarray

COST = "training"
SEEDS, DRAWN = 8, 3
LAYERS, WIDTH, BATCH = 3, 50, 100
OUTPUTS = 1438 * WIDTH  # of a layer, on all training digits
EPOCH = 15  # steps
MOMENTS = (0, 5, 15, 30, 60, 100, 150, 220, 300)  # steps after which outputs are looked at
EVERY = 5  # that all of them are multiples of
PERCENTILES = (0, 7, 16, 31, 50, 69, 84, 93, 100)
EDGES = np.linspace(-5, 3, 41)  # of log10 of an output
UNITS, EXAMPLES = 25, 30  # shown of the mask
FEW = 100  # digits to learn from, of an overfitting run
SHRUNK = 20.0  # how much smaller the first layer of a rescaled run is

DEAD, TINY, HUGE = 0.3, 0.1, 10.0  # T10: share of units, std, std: where a sign begins
ENOUGH = 0.8  # of the starts must agree
MOSTLY = 0.5  # of the zeros that a pile of dead units is made of
EARLY, SETTLED = 0.2, 0.05  # movement per epoch: above, below which a layer is in that stage
TIMES = 5.0  # that healthy outputs move more at first than in the end; they move 50 times more
TELLS, MARGIN = 0.9, 0.03  # E11: of the pairs of a healthy and an overfitting run, by a number
PILE = 0.3  # E30: a share of zeros that counts as one
FLAT = 0.4  # E30b: mean over largest output; 0.5 if those above 0 are spread evenly
ALIKE, AROUND = 0.5, 0.1  # E31b: width of the band below the median over that above; normal: 1


class Kind(NamedTuple):
    """How a kind of run is made; the rates are one per start or one for all."""

    scheme: str | float = "he"
    rates: Array | float = 0.1
    biases: tuple[float, ...] = (0.0, 0.0, 0.0)  # of the hidden layers, at the start
    scales: tuple[float, ...] = (1.0, 1.0, 1.0)  # what their starting weights are multiplied by


SPREAD_RATES = np.geomspace(0.02, 0.6, SEEDS)
KINDS = {
    "healthy": Kind(rates=SPREAD_RATES),
    "dying": Kind(biases=(-4.0, -4.0, -4.0)),
    "vanishing": Kind(scheme=0.01),
    "exploding": Kind(scheme=1.0, rates=0.001),
    "overfitting": Kind(rates=SPREAD_RATES),
    "sparse": Kind(biases=(-2.0, 0.0, 0.0)),
    "rescaled": Kind(rates=0.0005, scales=(1 / SHRUNK, SHRUNK, 1.0)),
}
HEALTHY, VANISHING, OVERFITTING, RESCALED = (
    list(KINDS).index(kind) for kind in ("healthy", "vanishing", "overfitting", "rescaled")
)
STAGES = ("start", "early", "middle", "settled")  # the fifth, sick, is a sign's


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """What is looked at, and how long all train."""

    kind: str = looks(choice("dying", list(KINDS)))
    layer: int = looks(numbers(3, [1, 2, 3]))
    epochs: int = numbers(20, [4, 20])
    seed: int = seed()

    @property
    def moments(self) -> tuple[int, ...]:
        """Return the steps after which outputs are looked at."""
        return tuple(step for step in MOMENTS if step <= self.epochs * EPOCH)


@dataclass(frozen=True, eq=False)
class Result:
    """Outputs of every layer on all training digits, of KINDS of run.

    (KINDS, SEEDS, LAYERS, moments): std, zero (share of outputs that are 0), dead (share of units
    that are 0 on every digit) and moved (rms change of the outputs per epoch, since the last
    moment, over their rms; 0 at the first).
    (KINDS, SEEDS, LAYERS): gradient (rms of that of the layer's weights, on all training digits, at
    the start) and mean_to_top (mean of the outputs above 0 over the largest, in the end).
    train, val: (KINDS, SEEDS) accuracy in the end.
    Of the drawn start: counts: (KINDS, LAYERS, moments, bins + 1) of the outputs above 0, by EDGES
    of log10, the last outside; percentiles: (KINDS, LAYERS, moments, PERCENTILES) of all outputs;
    active: (KINDS, LAYERS, UNITS, EXAMPLES) where they are above 0 in the end; silent: (KINDS,
    LAYERS, UNITS) which units are dead then.
    """

    config: Config
    std: Array
    zero: Array
    dead: Array
    moved: Array
    gradient: Array
    mean_to_top: Array
    counts: Array
    percentiles: Array
    active: Array
    silent: Array
    train: Array
    val: Array

    @property
    def kind(self) -> int:
        """Return the place of the kind that is looked at."""
        return list(KINDS).index(self.config.kind)

    def at(self, name: str, kind: int) -> Array:
        """Return a field (SEEDS, moments) of a kind at the layer that is looked at."""
        return np.asarray(getattr(self, name)[kind, :, self.config.layer - 1])


def build(kind: Kind, rngs: list[np.random.Generator]) -> Network:
    """Draw the starts of a kind of run and stack them."""
    sizes = (64, *[WIDTH] * LAYERS, 10)
    network = stack_networks(
        [init_network(sizes, kind.scheme, "relu", rng=rng, dtype=np.float32) for rng in rngs]
    )
    for layer, bias, scale in zip(network.layers, kind.biases, kind.scales):
        layer["bias"] += np.float32(bias)
        layer["weight"] *= np.float32(scale)
    return network


def few_digits(digits: Dataset, rngs: list[np.random.Generator]) -> Dataset:
    """Return a training split of FEW digits for each start: x_train (SEEDS, FEW, 64)."""
    chosen = np.array([rng.permutation(len(digits.x_train))[:FEW] for rng in rngs])
    return replace(digits, x_train=digits.x_train[chosen], y_train=digits.y_train[chosen])


def steps(config: Config) -> Generator[float, None, Result]:
    """Train every kind of run; yield the share done, return the Result."""
    digits = standardized_digits().map(lambda x: x.astype(np.float32))
    (choices,) = streams(config.seed, "data")
    few = few_digits(digits, choices.spawn(SEEDS))
    seen = []
    for done, (name, kind) in enumerate(KINDS.items()):
        moments = []
        for moment in training(config, kind, few if name == "overfitting" else digits, digits):
            moments.append(moment)
            yield (done + len(moments) / len(config.moments)) / len(KINDS)
        seen.append(moments[0] | moments[-1] | over_time(moments))
    return Result(
        config=config, **{name: np.stack([kind[name] for kind in seen]) for name in seen[0]}
    )


def training(
    config: Config, kind: Kind, data: Dataset, digits: Dataset
) -> Iterator[dict[str, Array]]:
    """Train a kind of run on data; yield what it does with all training digits at each moment."""
    weights, batches = streams(config.seed, "weights", "batches")
    network = build(kind, weights.spawn(SEEDS))
    steps_of_epoch = -(-data.y_train.shape[-1] // BATCH)
    records = train_many(
        network,
        data,
        Hyper(learning_rate=kind.rates),
        batch_size=BATCH,
        epochs=config.epochs * EPOCH // steps_of_epoch,
        rng=batches,
        record_every=EVERY,
        measure=(),
    )
    before, last = None, 0
    for record in records:
        if record.step not in config.moments:
            continue
        outs = outputs(network, digits.x_train)
        moment = look(outs) | {"moved": movement(before, outs, (record.step - last) / EPOCH)}
        if record.step == 0:
            gradients = loss_and_gradients(network, digits.x_train, digits.y_train)[1]
            moment["gradient"] = np.stack([sizes(g["weight"]) for g in gradients[:-1]], axis=-1)
        if record.step == config.moments[-1]:
            moment |= in_the_end(network, data, outs)
        yield moment
        before, last = outs, record.step


@np.errstate(all="ignore")
def outputs(network: Network, x: Array) -> Array:
    """Return the outputs (SEEDS, LAYERS, samples, WIDTH) of all hidden layers."""
    return np.stack([trace.out for trace in forward(network, x)[1][:-1]], axis=1)


@np.errstate(all="ignore")
def sizes(values: Array) -> Array:
    """Return (...) the root of the mean square over the last two axes."""
    return np.sqrt(np.square(values).mean(axis=(-2, -1)))


@np.errstate(all="ignore")
def movement(before: Array | None, outs: Array, epochs: float) -> Array:
    """Return (SEEDS, LAYERS) by how much of their rms outputs have changed, per epoch."""
    if before is None:
        return np.zeros(outs.shape[:2])
    size = sizes(outs)
    return sizes(outs - before) / np.where(size, size, np.inf) / epochs


@np.errstate(all="ignore")
def look(outs: Array) -> dict[str, Array]:
    """Return what Result has of outputs (SEEDS, LAYERS, samples, WIDTH) of one moment."""
    flat = outs.reshape(*outs.shape[:2], -1)
    drawn = flat[DRAWN]
    return {
        "std": flat.std(axis=-1),
        "zero": (flat == 0).mean(axis=-1),
        "dead": dead_units(outs).mean(axis=-1),
        "counts": np.stack([bin_counts(np.log10(o[o > 0]), EDGES) for o in drawn]),
        "percentiles": np.percentile(drawn, PERCENTILES, axis=-1).T,
    }


@np.errstate(all="ignore")
def in_the_end(network: Network, data: Dataset, outs: Array) -> dict[str, Array]:
    """Return what Result has of the end of training on data alone; outs: as look() takes them."""
    shown, top = outs[DRAWN, :, :, :UNITS], outs.max(axis=(-2, -1))
    mean = outs.sum(axis=(-2, -1)) / np.maximum((outs > 0).sum(axis=(-2, -1)), 1)
    return {
        "mean_to_top": mean / np.where(top > 0, top, 1),
        "active": shown[:, :EXAMPLES].swapaxes(-1, -2) > 0,
        "silent": dead_units(shown),
        "train": accuracy(forward(network, data.x_train)[0], data.y_train),
        "val": accuracy(forward(network, data.x_val)[0], data.y_val),
    }


def over_time(moments: list[dict[str, Array]]) -> dict[str, Array]:
    """Stack what is kept of every moment: the moments come last, but before a table's columns."""
    scalars = ("std", "zero", "dead", "moved")
    return {name: np.stack([m[name] for m in moments], axis=-1) for name in scalars} | {
        name: np.stack([m[name] for m in moments], axis=-2) for name in ("counts", "percentiles")
    }


def signs(result: Result, kind: int) -> dict[str, Array]:
    """Return sign -> (SEEDS, moments) whether the outputs of a kind of run show it."""
    std, dead = result.at("std", kind), result.at("dead", kind)
    return {
        "dying": dead > DEAD,
        "vanishing": (std < TINY) & (dead <= DEAD),
        "exploding": std > HUGE,
    }


def stages(result: Result, kind: int) -> list[str]:
    """Return the stage of the drawn start at every moment, or the sign it shows: it looks sick.

    A layer that has gone on to a later stage does not come back.
    """
    shown = {sign: so[DRAWN] for sign, so in signs(result, kind).items()}
    moved, named, at = result.at("moved", kind)[DRAWN], [], 0
    for moment, move in enumerate(moved):
        if moment:
            at = max(at, 1 + (move < EARLY) + (move < SETTLED))
        sick = [sign for sign in shown if shown[sign][moment]]
        named.append(sick[0] if sick else STAGES[at])
    return named


def findings(result: Result) -> tuple[Finding, ...]:
    """T10: the kind shows. What a pile at 0 is, how outputs move; E11, E30, E31: what is not so."""
    checks = {
        "healthy": (_shows, _moves, _pile, _overfitting, _later, _flat, _bands),
        "dying": (_shows, _pile, _frozen, _later),
        "vanishing": (_shows, _frozen, _small),
        "exploding": (_shows, _grows),
        "overfitting": (_overfitting, _moves),
        "sparse": (_pile, _later),
        "rescaled": (_small,),
    }
    return tuple(check(result) for check in checks[result.config.kind])


def _shows(result: Result) -> Finding:
    """T10: the run shows the sign of its kind in the end; a healthy one shows none."""
    kind, seen = result.config.kind, signs(result, result.kind)
    so = np.any(list(seen.values()), axis=0)[:, -1]
    so = ~so if kind == "healthy" else seen[kind][:, -1]
    outcome = Outcome.UNCLEAR
    if so.mean() >= ENOUGH or so.mean() <= 1 - ENOUGH:
        outcome = Outcome.HOLDS if so.mean() > MOSTLY else Outcome.FAILS
    values = {**_numbers(result), "of": so.sum(), "seeds": SEEDS}
    return Finding(claim="T10", outcome=outcome, because=kind, values=values)


def _numbers(result: Result) -> dict[str, Any]:
    """Return the drawn start's numbers, and a healthy one's, at the start and in the end."""
    return {
        f"{name}{suffix}": result.at(name, kind)[DRAWN, moment]
        for name in ("std", "zero", "dead")
        for suffix, kind, moment in (
            ("", result.kind, -1),
            ("_first", result.kind, 0),
            ("_healthy", HEALTHY, -1),
        )
    }


def _pile(result: Result) -> Finding:
    """Hold the share of zeros that dead units make against a half."""
    zero, dead = (result.at(name, result.kind)[:, -1] for name in ("zero", "dead"))
    return Finding(
        claim="pile",
        outcome=above_over_seeds(dead / np.maximum(zero, 1e-9), MOSTLY),
        misreading=True,
        values=_numbers(result),
    )


def _moves(result: Result) -> Finding:
    """Outputs move much at first and then ever less: the stages of a run."""
    moved = result.at("moved", result.kind)
    first, last = moved[:, 1], moved[:, -1]
    return Finding(
        claim="moves",
        outcome=above_over_seeds(np.log(first / last), np.log(TIMES)),
        values={"first": first[DRAWN], "last": last[DRAWN], "bar": TIMES},
    )


def _frozen(result: Result) -> Finding:
    """Tell whether the first layer moves as little in the first epoch as a settled one does."""
    times = np.diff(result.config.moments[:3]) / EPOCH
    moved = result.moved[:, :, 0, 1:3] @ times
    return Finding(
        claim="frozen",
        outcome=above_over_seeds(SETTLED - moved[result.kind]),
        values={
            "moved": moved[result.kind].mean(),
            "moved_healthy": moved[HEALTHY].mean(),
            "bar": SETTLED,
            "val": result.val[result.kind].mean(),
        },
    )


def _grows(result: Result) -> Finding:
    """Tell whether exploding outputs grow over training, more than healthy ones do."""
    grown, healthy = (
        std[:, -1] / std[:, 0] for std in (result.at("std", k) for k in (result.kind, HEALTHY))
    )
    std = result.std[result.kind, DRAWN, :, -1]
    return Finding(
        claim="grows",
        outcome=above_over_seeds(np.log(grown / healthy)),
        values={
            "grown": grown.mean(),
            "grown_healthy": healthy.mean(),
            "lowest": std[0],
            "highest": std[-1],
        },
    )


def told_apart(one: Array, other: Array) -> float:
    """Return the share of pairs that a number, the larger or the smaller one, tells apart."""
    first = one[:, None] - other
    share = float((first > 0).mean() + (first == 0).mean() / 2)
    return max(share, 1 - share)


def _overfitting(result: Result) -> Finding:
    """E11, an error: the outputs tell overfitting runs from healthy ones."""
    gaps = (result.train - result.val)[[HEALTHY, OVERFITTING]]
    told = max(
        told_apart(*(result.at(name, kind)[:, -1] for kind in (HEALTHY, OVERFITTING)))
        for name in ("std", "zero", "dead")
    )
    return Finding(
        claim="E11",
        outcome=above(told, TELLS, MARGIN),
        misreading=True,
        values={
            "told": told,
            "gap_tells": told_apart(*gaps),
            "gap": gaps[1].mean(),
            "gap_healthy": gaps[0].mean(),
        },
    )


def _later(result: Result) -> Finding:
    """E30, an error: zeros appear only later in training."""
    zero = result.at("zero", HEALTHY)
    return Finding(
        claim="E30",
        outcome=above_over_seeds(PILE - zero[:, 0]),
        misreading=True,
        values={"first": zero[:, 0].mean(), "last": zero[:, -1].mean()},
    )


def _flat(result: Result) -> Finding:
    """E30b, its other half: a flat histogram is the ideal."""
    mean_to_top = result.mean_to_top[HEALTHY, :, result.config.layer - 1]
    return Finding(
        claim="E30b",
        outcome=above_over_seeds(mean_to_top, FLAT),
        misreading=True,
        values={"mean_to_top": mean_to_top.mean(), "val": result.val[HEALTHY].mean()},
    )


def _small(result: Result) -> Finding:
    """E31, an error: a layer with small outputs has small gradients. Seen in the first layer."""
    std, gradient = result.std[:, :, 0, 0], result.gradient[:, :, 0]
    times = gradient / gradient[HEALTHY]
    return Finding(
        claim="E31",
        outcome=opposite(above_over_seeds(np.log(times[RESCALED]))),
        misreading=True,
        values={
            "smaller": (std[HEALTHY] / std[RESCALED]).mean(),
            "times": times[RESCALED].mean(),
            "vanished": times[VANISHING].mean(),
            "val": result.val[RESCALED].mean(),
            "val_vanishing": result.val[VANISHING].mean(),
        },
        because="" if result.config.layer == 1 else "elsewhere",
    )


def _bands(result: Result) -> Finding:
    """E31b, its other half: the bands are those of a normal distribution, alike on both sides."""
    at = dict(zip(PERCENTILES, result.percentiles[HEALTHY, result.config.layer - 1, -1]))
    ratio = float((at[50] - at[16]) / (at[84] - at[50]))
    return Finding(
        claim="E31b",
        outcome=above(ratio, ALIKE, AROUND),
        misreading=True,
        values={"below": at[50] - at[16], "over": at[84] - at[50]},
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per kind, start, layer and step, and one per kind and start."""
    starts, layers = np.arange(1, SEEDS + 1), np.arange(1, LAYERS + 1)
    scalars = ("std", "zero", "dead", "moved")
    return {
        "scalars": {
            **crossed(run=list(KINDS), start=starts, layer=layers, step=result.config.moments),
            **{name: getattr(result, name).ravel() for name in scalars},
        },
        "runs": {
            **crossed(run=list(KINDS), start=starts),
            "train_accuracy": result.train.ravel(),
            "val_accuracy": result.val.ravel(),
        },
    }


def documents(result: Result) -> Mapping[str, Any]:
    """Return the histograms of the drawn start of every kind, layer and step."""
    return {
        "histograms": {
            "bin_edges": (10.0**EDGES).tolist(),
            "percents": PERCENTILES,
            "histograms": [
                {
                    "run": kind,
                    "layer": layer + 1,
                    "step": step,
                    "zeros": round(float(result.zero[k, DRAWN, layer, m]) * OUTPUTS),
                    "outside": int(result.counts[k, layer, m, -1]),
                    "counts": result.counts[k, layer, m, :-1].tolist(),
                    "percentiles": result.percentiles[k, layer, m].tolist(),
                }
                for k, kind in enumerate(KINDS)
                for layer in range(LAYERS)
                for m, step in enumerate(result.config.moments)
            ],
        }
    }


PRESETS = {
    "lecture": Config(),
    "healthy": Config(kind="healthy"),
    "vanishing": Config(kind="vanishing"),
    "exploding": Config(kind="exploding"),
    "overfitting": Config(kind="overfitting"),
    "sparse": Config(kind="sparse", layer=1),
    "rescaled": Config(kind="rescaled", layer=1),
}
SMALL = Config(epochs=4)
SHOWN = (build, linear_forward, activation_forward, momentum_step, dead_units, bin_counts, look)
