"""Zero-centred inputs: why all-positive inputs make gradient descent zig-zag.

One linear unit with two weights learns a known target by gradient descent on the squared error.
The same draws z ~ N(0, 1) are used as zero-centred inputs (z), shifted ones (z + mean) and
all-positive ones (|z|), so that the cases differ in their offset alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.columns import crossed
from core.finding import Finding
from core.knobs import Checked, choice, log_spaced, numbers, real, seed
from core.layers import linear_backward, linear_forward

COST = "instant"
TARGET = np.array([1.6, -1.2])  # of the drawn descent: one weight must rise, the other fall
REPEATS = 32  # descents per case, each with its own draws and target: all are measured
STEPS = 300
CONVERGED = 0.05  # of the distance at the start
MEANS = np.arange(0, 2.01, 0.25)
BATCHES = (1, 4, 16, 64)
DIMENSIONS = np.arange(2, 11)
PATTERN_DRAWS = 20_000

AGREEMENT_BAR = 0.03  # how far from the zero-centred share an offset must take it
CENTRED_BAND = 0.03  # around one half


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """Which inputs the unit sees and how it descends."""

    inputs: str = choice("positive", ["positive", "shifted"])
    mean: float = real(1.0, 0.0, 2.0, 0.25)
    batch_size: int = numbers(1, BATCHES)
    learning_rate: float = log_spaced(0.05, 0.01, 0.2)
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What was measured; case 0 has zero-centred inputs, case 1 the chosen ones.

    path: (2, STEPS + 1, 2) weights of the drawn descent; quadrants: (2, 4) share of its updates
    into (+,+), (-,+), (-,-), (+,-); hessian: (2, 2, 2) of the loss; steps: (2,) median steps to
    converge, STEPS if they did not; path_ratio: (2,) median path length over straight distance;
    agreement: (2,) share of updates whose two components have one sign; single: (2,) the same for
    gradients of single examples; by_mean: (len(BATCHES), len(MEANS)) agreement of shifted inputs;
    patterns: (2, len(DIMENSIONS)) share of the 2^d sign patterns that single examples reach.
    """

    config: Config
    path: np.ndarray
    hessian: np.ndarray
    steps: np.ndarray
    path_ratio: np.ndarray
    agreement: np.ndarray
    single: np.ndarray
    quadrants: np.ndarray
    by_mean: np.ndarray
    patterns: np.ndarray


def squared_error_gradient(x: np.ndarray, weight: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the gradient of the mean of 0.5 (x @ weight - x @ target)^2, as weight is shaped.

    x: (..., batch, 2); weight and target: (..., 2, 1).
    """
    out, cache = linear_forward(x, weight, np.zeros((1, 1)))
    error = out - x @ target
    return linear_backward(error / x.shape[-2], cache)[1]


def descend(x: np.ndarray, target: np.ndarray, learning_rate: float) -> np.ndarray:
    """Take one step per batch from weights of 0; return the weights before and after each.

    x: (steps, ..., batch, 2); returns (steps + 1, ..., 2, 1). All leading cases descend at once.
    """
    weight = np.zeros((*x.shape[1:-2], 2, 1))
    path = [weight]
    for batch in x:
        weight = weight - learning_rate * squared_error_gradient(batch, weight, target)
        path.append(weight)
    return np.stack(path)


def draw_targets(rng: np.random.Generator) -> np.ndarray:
    """Return (REPEATS, 2, 1) targets in random directions, as far as TARGET, which is the first."""
    angle = rng.uniform(0, 2 * np.pi, REPEATS)
    targets = np.linalg.norm(TARGET) * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    targets[0] = TARGET
    return targets[..., None]


def shaped_inputs(z: np.ndarray, inputs: str, mean: float) -> np.ndarray:
    """Turn the draws z into all-positive inputs, or shift them by mean."""
    return np.abs(z) if inputs == "positive" else z + mean


def sign_agreement(path: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """Return the share of updates whose components have one sign, over steps that still move."""
    update = np.diff(path[..., 0], axis=0)
    agree = update.prod(axis=-1) > 0
    return (agree & moving).sum(axis=(0, -1)) / np.maximum(moving.sum(axis=(0, -1)), 1)


def before_convergence(path: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return (steps, ...) True for every step up to the one that reaches the target."""
    distance = np.linalg.norm(path[..., 0] - target[..., 0], axis=-1)
    reached = distance <= CONVERGED * distance[0]
    return ~np.logical_or.accumulate(reached, axis=0)[:-1]


def sign_patterns(x: np.ndarray) -> float:
    """Return the share of the 2^d sign patterns among single examples' gradients.

    x: (examples, d). One example's gradient is error * x, with an error of either sign.
    """
    error = np.where(np.arange(len(x)) % 2, 1.0, -1.0)[:, None]
    codes = (error * x > 0) @ (1 << np.arange(x.shape[-1]))
    return len(np.unique(codes)) / 2 ** x.shape[-1]


def run(config: Config) -> Result:
    """Descend with zero-centred and with the chosen inputs, and measure the paths."""
    streams = np.random.default_rng(config.seed).spawn(4)
    descent_rng, mean_rng, pattern_rng, target_rng = streams
    target = draw_targets(target_rng)
    z = descent_rng.standard_normal((STEPS, REPEATS, config.batch_size, 2))
    x = np.stack([z, shaped_inputs(z, config.inputs, config.mean)], axis=1)
    path = descend(x, target, config.learning_rate)
    moving = before_convergence(path, target)
    update = np.diff(path[..., 0], axis=0)
    length = (np.linalg.norm(update, axis=-1) * moving).sum(axis=0)
    rising = update[:, :, 0] > 0  # of the drawn descent
    kinds = [(True, True), (False, True), (False, False), (True, False)]
    drawn = moving[:, :, 0]
    quadrants = [((rising == kind).all(axis=-1) & drawn).sum(axis=0) for kind in kinds]
    examples = x.reshape(STEPS, 2, -1, 2)
    return Result(
        config=config,
        path=path[:, :, 0, :, 0].swapaxes(0, 1),
        hessian=np.einsum("scni,scnj->cij", examples, examples) / examples[:, 0, :, 0].size,
        steps=np.median(moving.sum(axis=0), axis=-1),
        path_ratio=np.median(length, axis=-1) / np.linalg.norm(TARGET),
        agreement=sign_agreement(path, moving),
        single=(x.prod(axis=-1) > 0).mean(axis=(0, 2, 3)),
        quadrants=np.stack(quadrants, axis=-1) / drawn.sum(axis=0)[:, None],
        by_mean=agreement_by_mean(target, config.learning_rate, mean_rng),
        patterns=pattern_shares(config, pattern_rng),
    )


def agreement_by_mean(
    target: np.ndarray, learning_rate: float, rng: np.random.Generator
) -> np.ndarray:
    """Return (batches, means) sign agreement of descents on shifted inputs, sharing draws."""
    z = rng.standard_normal((60, REPEATS, BATCHES[-1], 2))
    rows = []
    for batch in BATCHES:
        x = z[:, None, :, :batch] + MEANS[:, None, None, None]
        path = descend(x, target, learning_rate)
        rows.append(sign_agreement(path, before_convergence(path, target)))
    return np.stack(rows)


def pattern_shares(config: Config, rng: np.random.Generator) -> np.ndarray:
    """Return (2, dimensions) shares of reachable sign patterns, zero-centred and chosen inputs."""
    z = rng.standard_normal((PATTERN_DRAWS, DIMENSIONS[-1]))
    cases = z, shaped_inputs(z, config.inputs, config.mean)
    return np.array([[sign_patterns(x[:, :d]) for d in DIMENSIONS] for x in cases])


def findings(result: Result) -> tuple[Finding, ...]:
    """A4: an offset makes a single example's gradient one-signed. E9: it does so for updates."""
    centred, chosen = result.single
    steps, ratio = result.steps[1] / result.steps[0], result.path_ratio[1] / result.path_ratio[0]
    return (
        Finding(
            claim="A4",
            holds=bool(
                chosen - centred >= AGREEMENT_BAR
                and abs(centred - 0.5) <= CENTRED_BAND
                and steps > 1
                and ratio > 1
            ),
            values={
                "agreement": chosen,
                "centred": centred,
                "bar": centred + AGREEMENT_BAR,
                "steps": result.steps[1],
                "steps_ratio": steps,
                "path": result.path_ratio[1],
                "path_centred": result.path_ratio[0],
            },
        ),
        Finding(
            claim="E9",
            holds=bool(result.agreement[1] == 1),
            values={"updates": result.agreement[1], "bar": 1.0},
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return the weights along both paths, agreement by mean and batch, and reachable patterns."""
    steps = np.arange(STEPS + 1)
    cases = ("zero-centred", result.config.inputs)
    return {
        "path": {
            **crossed(inputs=cases, step=steps),
            "w1": result.path[..., 0].ravel(),
            "w2": result.path[..., 1].ravel(),
        },
        "agreement": {
            **crossed(batch_size=BATCHES, mean=MEANS),
            "agreement": result.by_mean.ravel(),
        },
        "patterns": {
            **crossed(inputs=cases, dimension=DIMENSIONS),
            "share": result.patterns.ravel(),
        },
    }


PRESETS = {
    "positive": Config(),
    "centred": Config(inputs="shifted", mean=0.0),
    "offset": Config(inputs="shifted", mean=1.0),
    "batch": Config(batch_size=64),
}
SMALL = Config()
SHOWN = (linear_forward, linear_backward, squared_error_gradient, descend)
