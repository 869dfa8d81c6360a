"""Zero-centred inputs: why all-positive inputs make gradient descent zig-zag.

One linear unit with two weights learns a known goal by gradient descent on the squared error. The
same draws z ~ N(0, 1) are its inputs as they are (zero-centred), shifted (z + mean), or all
positive (|z|, scaled to std 1): all have variance 1, so that the cases differ in their offset.
Every comparison is paired over many walks.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, log_spaced, looks, numbers, real, seed
from core.lab.streams import streams
from core.lab.verdict import above, above_over_seeds, decided

Array = np.ndarray

COST = "instant"
POSITIVE_STD = (1 - 2 / np.pi) ** 0.5  # of |z|: 0.60
POSITIVE_MEAN = (2 / np.pi) ** 0.5 / POSITIVE_STD  # of that, scaled to std 1: 1.32
GOALS = {"opposite": (1.6, -1.2), "same": (1.6, 1.2)}  # one weight up and one down, or both up
WALKS = 128  # with either inputs, at the chosen rate
TEST_WALKS = 256  # at the best of RATES, on draws that did not choose it
STEPS = 500  # at the lowest rate a walk takes about 300
ARRIVED = 0.05  # of the distance at the start
LOST = 1e3  # times the distance at the start
BATCHES = (1, 4, 16, 64)
EXTREMES = (1, 64)  # the batch sizes whose best rates are searched
RATE_WALKS = {1: 192, 64: 32}  # at each of RATES; walks of large batches are much alike
RATES = 0.02 * 2 ** (np.arange(13) / 2)  # up to 1.28
RATE_STEPS = 200  # at the lowest of RATES a walk takes about 150
MEANS = np.arange(0, 2.01, 0.25)
EXAMPLES = 40_000
DIMENSIONS = np.arange(2, 11)
PATTERN_EXAMPLES = 20_000  # 20 for each pattern of 10 weights

LONGER = 1.1  # A4: path, times the zero-centred one's; their mean ratio scatters by 1 to 2%
ONE_SIGN = 0.01, 0.005  # A4b: share above the zero-centred one's, scatter 0.0025; and margin
SOFTENED = 0.98, 0.01  # E9: share of a batch's updates; and margin


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """Which inputs the unit sees, where its goal lies, and how it descends."""

    inputs: str = choice("positive", ["positive", "shifted"])
    mean: float = real(1.0, 0.0, 2.0, 0.25)
    batch_size: int = looks(numbers(1, BATCHES))
    goal: str = choice("opposite", tuple(GOALS))
    learning_rate: float = log_spaced(0.05, 0.01, 0.2)
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What was measured; of two cases, 0 has zero-centred inputs and 1 the chosen ones.

    At the chosen rate, first axis BATCHES: path (4, 2, STEPS + 1, 2) weights of a typical walk,
    which stays where it arrived; steps (4, 2, WALKS) until arrival, inf without; ratio (4, 2,
    WALKS) length over the straight distance to where the walk ended, inf if it did not arrive;
    moves (4, 2, 3) shares of steps that move both weights up, both down, one up and one down.
    At EXTREMES, first axis: by_rate (2, 2, RATES) mean steps (geometric), inf if one does
    not arrive; best (2, 2) rate; at_best (2, 2, TEST_WALKS) steps at that rate on other draws.
    Of single examples: one_sign (2,) share whose gradient has one sign, by_mean (MEANS,) the same
    of shifted inputs; patterns (2, DIMENSIONS) sign patterns that occur; curvature (2, 2, 2) of
    the loss.
    """

    config: Config
    path: Array
    steps: Array
    ratio: Array
    moves: Array
    by_rate: Array
    best: Array
    at_best: Array
    one_sign: Array
    by_mean: Array
    patterns: Array
    curvature: Array


def with_offset(z: Array, config: Config) -> Array:
    """Turn draws from N(0, 1) into the chosen inputs of variance 1."""
    return np.abs(z) / POSITIVE_STD if config.inputs == "positive" else z + config.mean


def cases(z: Array, config: Config) -> Array:
    """Return the zero-centred and the chosen inputs, made of the same draws: (2, *z.shape)."""
    return np.stack([z, with_offset(z, config)])


def gradient(x: Array, weight: Array, goal: Array) -> Array:
    """Return the gradient of the mean of 0.5 (x @ weight - x @ goal)^2 over the batch.

    x: (..., batch, 2); weight, goal and gradient: (..., 2, 1).
    """
    error = x @ (weight - goal)
    return x.mT @ error / x.shape[-2]


def descend(
    batches: Iterable[Array], goal: Array, rate: float | Array, runs: tuple[int, ...]
) -> Iterator[Array]:
    """Step against the gradient of one batch after the other; yield the weights, from 0 on.

    batches: of (..., batch, 2); rate: (..., 1, 1); the weights are (*runs, 2, 1).
    """
    weight = np.zeros((*runs, 2, 1))
    yield weight
    for x in batches:
        weight = weight - rate * gradient(x, weight, goal)
        yield weight


def walk(weights: Iterator[Array], goal: Array) -> tuple[Array, Array]:
    """Follow descents until each has arrived or is lost; return paths and steps.

    paths: (moments, ..., 2), which stay where a walk ended; steps: (...), inf if it did not arrive.
    """
    path = [next(weights)[..., 0]]
    steps = np.full(path[0].shape[:-1], np.inf)
    walking, start = np.isinf(steps), np.linalg.norm(goal)
    for step, weight in enumerate(weights, start=1):
        path.append(np.where(walking[..., None], weight[..., 0], path[-1]))
        away = np.linalg.norm(path[-1] - goal[:, 0], axis=-1)
        steps[walking & (away <= ARRIVED * start)] = step
        walking &= (away > ARRIVED * start) & (away < LOST * start)
        if not walking.any():
            break
    return np.array(path), steps


def descents(
    config: Config, stream: str, size: int, rate: float | Array, walks: int, steps: int
) -> tuple[Array, Array]:
    """Walk many times with either inputs, at most so many steps; return paths and steps as walk().

    rate: one for all, (2, 1, 1, 1) one per case, or (rates, 1, 1, 1, 1); paths: (moments, rates if
    there are several, 2, walks, 2).
    """
    (rng,) = streams(config.seed, stream)
    batches = (cases(rng.standard_normal((walks, size, 2)), config) for _ in range(steps))
    goal = np.array(GOALS[config.goal])[:, None]
    runs = (*np.shape(rate)[:-4], 2, walks)
    with np.errstate(over="ignore", invalid="ignore"):  # of walks that are lost
        return walk(descend(batches, goal, rate, runs), goal)


def path_ratio(path: Array, steps: Array) -> Array:
    """Return lengths over the straight distance to where walks ended, inf for those not arrived.

    path: (moments, ..., 2), steps: (...).
    """
    length = np.linalg.norm(np.diff(path, axis=0), axis=-1).sum(axis=0)
    arrived = np.isfinite(steps)
    return np.where(arrived, length / np.linalg.norm(path[-1], axis=-1), np.inf)


def shares_of_moves(path: Array) -> Array:
    """Return (2, 3) shares of steps up with both weights, down with both, and one each.

    path: (moments, 2, walks, 2).
    """
    step = np.diff(path, axis=0)
    up, down, moved = (step > 0).all(axis=-1), (step < 0).all(axis=-1), step.any(axis=-1)
    kinds = np.stack([up, down, moved & ~up & ~down], axis=-1)
    return kinds.sum(axis=(0, 2)) / moved.sum(axis=(0, 2))[:, None]


def typical(ratio: Array) -> int:
    """Return the walk whose ratios (2, walks) are nearest to the median ones."""
    off = 1 / ratio - 1 / np.median(ratio, axis=-1, keepdims=True)  # of walks not arrived: finite
    return int(np.abs(off).sum(axis=0).argmin())


def at_one_rate(config: Config, size: int) -> dict[str, Array]:
    """Return path, steps, ratio and moves of walks with batches of a size, at the chosen rate."""
    path, steps = descents(config, "walks", size, config.learning_rate, WALKS, STEPS)
    ratio = path_ratio(path, steps)
    drawn = path[:, :, typical(ratio)].swapaxes(0, 1)
    rest = np.repeat(drawn[:, -1:], STEPS + 1 - len(path), axis=1)
    return {
        "path": np.concatenate([drawn, rest], axis=1),
        "steps": steps,
        "ratio": ratio,
        "moves": shares_of_moves(path),
    }


def at_best_rates(config: Config, size: int) -> dict[str, Array]:
    """Return mean steps at every rate, the rate with the fewest, and steps there on other draws."""
    rates = RATES[:, None, None, None, None]
    _, steps = descents(config, "rates", size, rates, RATE_WALKS[size], RATE_STEPS)
    by_rate = np.exp(np.log(steps).mean(axis=-1)).T
    best = RATES[by_rate.argmin(axis=-1)]
    own = best[:, None, None, None]
    _, at_best = descents(config, "best rate", size, own, TEST_WALKS, RATE_STEPS)
    return {"by_rate": by_rate, "best": best, "at_best": at_best}


def single_gradients(x: Array, away: Array) -> Array:
    """Return the gradient (..., examples, d) of each example (..., examples, d) on its own.

    away: (examples, d) or (d,), from the goal to the weights.
    """
    return gradient(x[..., None, :], away[..., None], np.zeros_like(away[..., None]))[..., 0]


def one_signed(gradients: Array) -> Array:
    """Return the share of gradients (..., examples, 2) with one sign on both weights."""
    return (gradients.prod(axis=-1) > 0).mean(axis=-1)


def sign_patterns(gradients: Array) -> int:
    """Count the different sign patterns of gradients (examples, d), of the 2^d that there are."""
    codes = (gradients > 0) @ (1 << np.arange(gradients.shape[-1]))
    return int(np.count_nonzero(np.bincount(codes)))


def examples(config: Config) -> dict[str, Array]:
    """Return signs of single examples' gradients, and the loss's curvature as all of them show it.

    Signs of two weights are looked at where descent starts, patterns of more at random weights.
    """
    rng, pattern_rng = streams(config.seed, "examples", "patterns")
    z = rng.standard_normal((EXAMPLES, 2))
    x, away = cases(z, config), -np.array(GOALS[config.goal])
    many = cases(pattern_rng.standard_normal((PATTERN_EXAMPLES, DIMENSIONS[-1])), config)
    aways = pattern_rng.standard_normal(many[0].shape)
    counts = [
        [sign_patterns(single_gradients(case[:, :d], aways[:, :d])) for d in DIMENSIONS]
        for case in many
    ]
    return {
        "one_sign": one_signed(single_gradients(x, away)),
        "by_mean": one_signed(single_gradients(z + MEANS[:, None, None], away)),
        "patterns": np.array(counts),
        "curvature": x.mT @ x / EXAMPLES,
    }


def run(config: Config) -> Result:
    """Descend with zero-centred and with the chosen inputs, and measure walks and gradients."""
    shared = [at_one_rate(config, size) for size in BATCHES]
    own = [at_best_rates(config, size) for size in EXTREMES]
    measured = {name: np.stack([part[name] for part in shared]) for name in shared[0]}
    measured |= {name: np.stack([part[name] for part in own]) for name in own[0]}
    return Result(config=config, **measured, **examples(config))


def findings(result: Result) -> tuple[Finding, ...]:
    """A4: the zig-zag, its reason, its price and what is not it. E9: that batches zig-zag too.

    Zero-centred inputs against themselves have no price.
    """
    config = result.config
    found = [_zigzag(result), _signs(result)]
    if config.inputs == "positive" or config.mean > 0:
        found += [_price(result), _conditioning(result)]
    if config.inputs == "positive":
        found.append(_every_update(result))
    return tuple(found)


def _longer(values: Array, bar: float) -> Outcome:
    """Tell whether the chosen case's values are more than bar times the zero-centred ones'.

    values: (2, walks); paired, and not clear where a walk of either case did not arrive.
    """
    if not np.isfinite(values).all():
        return Outcome.UNCLEAR
    return above_over_seeds(np.log(values[1] / values[0]), np.log(bar))


def _median(values: Array) -> float | str:
    """Return the median of a case's walks, "never" where most of them did not arrive."""
    middle = float(np.median(values))
    return middle if np.isfinite(middle) else "never"


def _why(result: Result) -> str:
    """Name what is special about the chosen inputs, batches or goal."""
    config = result.config
    ratio = result.ratio[BATCHES.index(config.batch_size)]
    if config.inputs == "shifted" and config.mean == 0:
        return "centred"
    if not np.isfinite(ratio).all():
        return "lost"
    if config.batch_size > 1:
        return "batch"
    if config.goal == "same":
        return "goal"
    return "shifted" if config.inputs == "shifted" else ""


def _zigzag(result: Result) -> Finding:
    """Hold path lengths at the chosen rate against those of zero-centred inputs."""
    size = BATCHES.index(result.config.batch_size)
    ratio, steps = result.ratio[size], result.steps[size]
    return Finding(
        claim="A4",
        outcome=_longer(ratio, LONGER),
        because=_why(result),
        values={
            "agreement": float(result.moves[size, 1, :2].sum()),
            "path": _median(ratio[1]),
            "path_centred": _median(ratio[0]),
            "steps": _median(steps[1]),
            "steps_centred": _median(steps[0]),
            "arrived": float(np.isfinite(steps[1]).mean()),
            "walks": WALKS,
            "bar": LONGER,
        },
    )


def _signs(result: Result) -> Finding:
    """All-positive inputs: error times x has the error's sign. Shifted ones: how often it has."""
    centred, chosen = (float(share) for share in result.one_sign)
    positive, (bar, margin) = result.config.inputs == "positive", ONE_SIGN
    return Finding(
        claim="A4b",
        outcome=decided(chosen == 1) if positive else above(chosen - centred, bar, margin),
        because="" if positive else "shifted",
        identity=positive,
        values={"share": chosen, "centred": centred, "examples": EXAMPLES, "bar": bar},
    )


def _best(result: Result, size: int) -> dict[str, float | str]:
    """Return what the best rates of a batch size are, and how many steps they take."""
    row = EXTREMES.index(size)
    return {
        "best": _median(result.at_best[row, 1]),
        "best_centred": _median(result.at_best[row, 0]),
        "rate": float(result.best[row, 1]),
        "rate_centred": float(result.best[row, 0]),
    }


def _price(result: Result) -> Finding:
    """Single examples: steps of either case at its own best rate."""
    steps = result.steps[BATCHES.index(1)]
    return Finding(
        claim="A4c",
        outcome=_longer(result.at_best[EXTREMES.index(1)], 1),
        because="" if np.isfinite(np.median(steps, axis=-1)).all() else "lost",
        values={
            **_best(result, 1),
            "steps": _median(steps[1]),
            "steps_centred": _median(steps[0]),
        },
    )


def _conditioning(result: Result) -> Finding:
    """Batches of 64: steps at the best rates, and how the loss's two curvatures compare."""
    least, greatest = np.linalg.eigvalsh(result.curvature[1])
    return Finding(
        claim="A4d",
        outcome=_longer(result.at_best[EXTREMES.index(64)], 1),
        values={
            **_best(result, 64),
            "path": _median(result.ratio[BATCHES.index(64), 1]),
            "condition": float(greatest / least),
        },
    )


def _every_update(result: Result) -> Finding:
    """Look at the updates of batches of 64, whose inputs are all positive too."""
    shares = result.moves[:, 1, :2].sum(axis=-1)
    largest, (bar, margin) = float(shares[-1]), SOFTENED
    return Finding(
        claim="E9",
        outcome=above(largest, bar, margin),
        misreading=True,
        values={"one": float(shares[0]), "largest": largest, "bar": bar},
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return the drawn walks, and what was measured by batch size, rate, mean and weights."""
    names = ("zero-centred", result.config.inputs)
    return {
        "path": {
            **crossed(batch_size=BATCHES, inputs=names, step=np.arange(STEPS + 1)),
            "w1": result.path[..., 0].ravel(),
            "w2": result.path[..., 1].ravel(),
        },
        "batches": {
            **crossed(batch_size=BATCHES, inputs=names),
            "ratio": np.median(result.ratio, axis=-1).ravel(),
            "steps": np.median(result.steps, axis=-1).ravel(),
            "arrived": np.isfinite(result.steps).mean(axis=-1).ravel(),
            "same way": result.moves[..., :2].sum(axis=-1).ravel(),
        },
        "rates": {
            **crossed(batch_size=EXTREMES, inputs=names, rate=RATES),
            "steps": result.by_rate.ravel(),
        },
        "signs": {"mean": MEANS, "share": result.by_mean},
        "patterns": {
            **crossed(inputs=names, weights=DIMENSIONS),
            "patterns": result.patterns.ravel(),
        },
    }


PRESETS = {
    "positive": Config(),
    "centred": Config(inputs="shifted", mean=0.0),
    "offset": Config(inputs="shifted", mean=1.0),
    "batch": Config(batch_size=64),
    "goal": Config(goal="same", learning_rate=0.02),
}
SMALL = Config()
SHOWN = (with_offset, gradient, descend, walk, path_ratio, single_gradients)
