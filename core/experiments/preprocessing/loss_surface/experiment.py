"""Loss surface: the same descent on inputs that are raw, centred, normalized or whitened.

A linear unit with two weights and a bias learns a linear function of a cloud of two inputs by
full-batch gradient descent on the squared error. Every case starts with weights of 0 and takes its
own best step, 2 / (least + greatest curvature); all have the same examples and the same targets.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.experiments.preprocessing.clouds import cloud, prepared
from core.lab.columns import crossed
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, numbers, real, seed
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, decided

Array = np.ndarray

COST = "instant"
CASES = ("raw", "scaled", "centred", "normalized", "whitened")  # scaled: all by one number
DRAWS = 41  # of cloud and goal; odd, so that a median is a number of steps
EXAMPLES = 100
ARRIVED = 0.01  # of the loss at the start
STEPS = 10_000  # raw inputs at the extreme knobs take 6,000
MOMENTS = 200  # of a descent that are kept to be drawn
EXACT = 1e-9

SLOWER = 3.0  # P2: steps, times those of normalized inputs; a round cloud has 1 to 2
LONGER = 1.25  # P2b: the path over the straight way, times that of normalized inputs


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """Where the cloud of inputs lies, and its shape."""

    offset: float = real(1.0, 0.0, 3.0, 0.5)
    scale: float = numbers(3, (1, 2, 3, 5))
    correlation: float = real(0.5, 0.0, 0.9, 0.1)
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What was measured, cases in the order of CASES.

    steps: (cases, DRAWS) until 99% of the loss is gone, inf if it takes more than STEPS; ratio:
    (cases, DRAWS) length of the path over the straight way to its end; condition: (cases, DRAWS)
    greatest over least curvature; balance: (cases, DRAWS) the loss's curvature along weight 2 over
    that along weight 1. Of one typical draw: x (EXAMPLES, 2) the raw cloud; curvature (cases, 2)
    least and greatest; moments (cases, MOMENTS) numbers of steps, path (cases, MOMENTS, 2) where
    descent is then, seen from the goal along the directions of least and of greatest curvature, and
    loss (cases, MOMENTS) as a share of the first; all three stay as they end.
    """

    config: Config
    steps: Array
    ratio: Array
    condition: Array
    balance: Array
    x: Array
    curvature: Array
    moments: Array
    path: Array
    loss: Array


def with_bias(x: Array) -> Array:
    """Return inputs (samples, 2) with a column of ones, whose weight is the bias."""
    return np.concatenate([x, np.ones_like(x[:, :1])], axis=-1)


def problem(x: Array, mix: Array) -> tuple[Array, Array]:
    """Return inputs of every case (cases, samples, 3) and targets (samples, 1).

    mix: (3, 1), how much of the targets is of each whitened input and of a constant.
    """
    cases = prepared(x)
    cases["scaled"] = x / np.sqrt((x**2).mean())
    inputs = np.stack([with_bias(cases[name]) for name in CASES])
    return inputs, inputs[CASES.index("whitened")] @ mix


def gradient(weight: Array, curvature: Array, pull: Array) -> Array:
    """Return the gradient of the mean of 0.5 (x @ weight - y)^2 over all examples.

    curvature: x.T @ x / examples, (..., 3, 3); pull: x.T @ y / examples, as weight (..., 3, 1).
    """
    return curvature @ weight - pull


def best_step(curvature: Array) -> Array:
    """Return (..., 1, 1) the step that brings the slowest direction nearest to the goal."""
    values = np.linalg.eigvalsh(curvature)
    return 2 / (values[..., 0] + values[..., -1])[..., None, None]


def descend(curvature: Array, pull: Array) -> Iterator[Array]:
    """Step against the gradient, each case at its own best step; yield the weights, from 0 on."""
    rate, weight = best_step(curvature), np.zeros_like(pull)
    while True:
        yield weight
        weight = weight - rate * gradient(weight, curvature, pull)


def loss_left(weight: Array, curvature: Array, goal: Array) -> Array:
    """Return (...) the loss, which is 0 at the goal."""
    away = weight - goal
    return 0.5 * (away.mT @ curvature @ away)[..., 0, 0]


def walk(curvature: Array, pull: Array, goal: Array) -> tuple[Array, Array]:
    """Follow descents until all have arrived; return steps and path over straight way, (...) each.

    curvature: (..., 3, 3); pull, goal: (..., 3, 1). What takes more than STEPS has inf steps.
    """
    steps, length = np.full((2, *pull.shape[:-2]), np.inf)
    end = np.zeros_like(pull)
    walked, before = np.zeros_like(steps), end
    first = loss_left(end, curvature, goal)
    for step, weight in zip(range(STEPS + 1), descend(curvature, pull)):
        walked += np.linalg.norm(weight - before, axis=(-2, -1))
        now = np.isinf(steps) & (loss_left(weight, curvature, goal) <= ARRIVED * first)
        steps[now], length[now] = step, walked[now] / np.linalg.norm(weight[now], axis=(-2, -1))
        if np.isfinite(steps).all():
            break
        before = weight
    return steps, length


def typical(measured: Array) -> int:
    """Return the draw whose numbers (..., draws) are all nearest to the medians, as factors."""
    away = np.log(measured / np.median(measured, axis=-1, keepdims=True))
    return int(np.abs(away).sum(axis=tuple(range(away.ndim - 1))).argmin())


def kept_moments(steps: float) -> Array:
    """Return (MOMENTS,) numbers of steps from 0 to the last, which is repeated if there are fewer.

    Of a long descent every so many steps are kept, an odd number: they still change sides.
    """
    stride = int(steps) // MOMENTS + 1
    return np.minimum(np.arange(MOMENTS) * (stride + 1 - stride % 2), int(steps))


def drawn(curvature: Array, pull: Array, goal: Array, steps: Array) -> dict[str, Array]:
    """Return curvature, moments, path and loss of one draw, as Result has them."""
    moments = np.array([kept_moments(count) for count in steps])
    weights = np.stack([w for _, w in zip(range(int(steps.max()) + 1), descend(curvature, pull))])
    weights = weights[moments.T, np.arange(len(CASES))]  # (MOMENTS, cases, 3, 1)
    loss = loss_left(weights, curvature, goal)
    # A round loss has no steepest direction: without its rounding the axes are taken.
    values, directions = np.linalg.eigh(curvature.round(9))
    path = (directions.mT @ (weights - goal))[:, :, [0, 2], 0]
    return {
        "curvature": values[:, [0, 2]],
        "moments": moments,
        "path": (path * np.where(path[0] < 0, -1, 1)).swapaxes(0, 1),
        "loss": (loss / loss[0]).T,
    }


def run(config: Config) -> Result:
    """Descend in every case on many draws of cloud and goal, and keep a typical one to be drawn."""
    data, goals = streams(config.seed, "data", "goals")
    z = data.standard_normal((DRAWS, EXAMPLES, 2))
    x = cloud(z, config.offset, config.scale, config.correlation)
    mixes = goals.standard_normal((DRAWS, 3, 1))
    inputs, y = (np.stack(parts) for parts in zip(*map(problem, x, mixes)))
    inputs, y = inputs.swapaxes(0, 1), y[None]  # (cases, DRAWS, EXAMPLES, 3), (1, DRAWS, ., 1)
    curvature, pull = inputs.mT @ inputs / EXAMPLES, inputs.mT @ y / EXAMPLES
    goal = np.linalg.solve(curvature, pull)
    steps, ratio = walk(curvature, pull, goal)
    shown = typical(np.stack([steps, ratio]))
    one = (part[:, shown] for part in (curvature, pull, goal, steps))
    return Result(
        config=config,
        steps=steps,
        ratio=ratio,
        condition=np.linalg.cond(curvature),
        balance=curvature[..., 1, 1] / curvature[..., 0, 0],
        x=x[shown],
        **drawn(*one),
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """P2: badly placed inputs are slow, zig-zag and count unalike; and what repairs how much."""
    found = [_slow(result), _zigzag(result), _alike(result), _whitened(result), _centred(result)]
    return (*found, _one_number(result))


def _of(values: Array, case: str) -> Array:
    """Return the values of a case: (DRAWS,)."""
    row: Array = values[CASES.index(case)]
    return row


def _medians(values: Array, name: str) -> dict[str, float]:
    """Return the median of every case by name: steps, steps_scaled, ..."""
    middles = np.median(values, axis=-1).tolist()
    return {name if case == "raw" else f"{name}_{case}": m for case, m in zip(CASES, middles)}


def _times(values: Array, case: str, bar: float) -> Outcome:
    """Tell whether a case's values are more than bar times those of normalized inputs, paired."""
    ratios = _of(values, case) / _of(values, "normalized")
    return above_over_seeds(np.log(ratios), float(np.log(bar)))


def _why(config: Config) -> str:
    """Name what is special about the cloud."""
    if config.offset > 0 or config.scale > 1:
        return ""
    return "correlation" if config.correlation > 0 else "round"


def _slow(result: Result) -> Finding:
    """Hold steps on raw inputs against those on normalized ones."""
    times = _of(result.steps, "raw") / _of(result.steps, "normalized")
    return Finding(
        claim="P2",
        outcome=_times(result.steps, "raw", SLOWER),
        because=_why(result.config),
        values={
            **_medians(result.steps, "steps"),
            **_medians(result.condition, "condition"),
            "times": float(np.median(times)),
            "fewest": float(times.min()),
            "most": float(times.max()),
            "draws": DRAWS,
            "bar": SLOWER,
        },
    )


def _zigzag(result: Result) -> Finding:
    """Hold the paths' lengths over the straight way against each other."""
    return Finding(
        claim="P2b",
        outcome=_times(result.ratio, "raw", LONGER),
        because=_why(result.config),
        values={**_medians(result.ratio, "path"), "draws": DRAWS, "bar": LONGER},
    )


def _alike(result: Result) -> Finding:
    """Normalized inputs have equal mean squares, so the loss curves alike along both weights."""
    off = float(np.abs(_of(result.balance, "normalized") - 1).max())
    raw = float(np.median(_of(result.balance, "raw")))
    return Finding(
        claim="P2c",
        outcome=decided(off < EXACT),
        because="" if result.config.scale > 1 else "equal",
        identity=True,
        values={"raw": raw, "off": off},
    )


def _whitened(result: Result) -> Finding:
    """Whitened inputs, and the bias's ones, are uncorrelated with mean square 1: a round loss."""
    off = float(np.abs(_of(result.condition, "whitened") - 1).max())
    most = float(_of(result.steps, "whitened").max())
    return Finding(
        claim="P2d",
        outcome=decided(off < EXACT and most == 1),
        identity=True,
        values={"off": off, "most": most, "draws": DRAWS},
    )


def _centred(result: Result) -> Finding:
    """A theorem: with a bias, subtracting the mean never raises the condition number."""
    change = _of(result.condition, "centred") / _of(result.condition, "raw")
    return Finding(
        claim="P2e",
        outcome=decided(change.max() <= 1 + EXACT),
        identity=True,
        values={
            **_medians(result.condition, "condition"),
            "largest": float(change.max()),
            "draws": DRAWS,
        },
    )


def _one_number(result: Result) -> Finding:
    """Hold steps on inputs that are all divided by one number against those on normalized ones."""
    return Finding(
        claim="P2f",
        outcome=_times(result.steps, "scaled", SLOWER),
        because=_why(result.config),
        values={**_medians(result.steps, "steps"), "bar": SLOWER},
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return every draw of every case, the drawn cloud and the drawn descents."""
    return {
        "draws": {
            **crossed(case=CASES, draw=np.arange(DRAWS)),
            "steps": result.steps.ravel(),
            "condition number": result.condition.ravel(),
            "path over straight way": result.ratio.ravel(),
        },
        "descents": {
            "case": np.repeat(CASES, MOMENTS),
            "step": result.moments.ravel(),
            "loss": result.loss.ravel(),
            "along": result.path[..., 0].ravel(),
            "across": result.path[..., 1].ravel(),
        },
        "cloud": {"input 1": result.x[:, 0], "input 2": result.x[:, 1]},
    }


PRESETS = {
    "all": Config(),
    "offset": Config(offset=3.0, scale=1, correlation=0.0),
    "scale": Config(offset=0.0, scale=5, correlation=0.0),
    "correlation": Config(offset=0.0, scale=1, correlation=0.9),
    "round": Config(offset=0.0, scale=1, correlation=0.0),
}
SMALL = Config()
SHOWN = (prepared, with_bias, gradient, best_step, descend, walk)
