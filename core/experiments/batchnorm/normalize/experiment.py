"""Normalize: a small batch through the steps of batch norm, and the shape of a large one.

A batch of EXAMPLES x FEATURES numbers is skewed: many small ones, few large ones. Its first value
can be moved by hand; the statistics of its column move with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.finding import Finding
from core.lab.knobs import Checked, log_spaced, numbers, real, seed
from core.lab.streams import streams
from core.lab.verdict import above, decided
from core.nn.layers import batchnorm_forward

COST = "instant"
EXAMPLES, FEATURES = 6, 2
STEPS = ("raw", "centred", "normalized", "with")  # the layer's output is "with" batch norm
NORMALIZED = STEPS.index("normalized")
MOMENTS = ("mean", "variance", "skewness")
MANY = 1000  # examples of the large batch
EDGES = np.linspace(-3, 13, 81)  # of its histograms
LEAST, FIRST_SPREAD = 1.0, 1.5  # of the first feature's distribution: smallest value and std
USUAL_EPS = 1e-5  # that of PyTorch

ROUNDING = 1e-9  # B1: mean and skewness; those of a batch change by 1e-14
CLOSE = 0.01  # B1: variance to 1; what eps takes off is larger once it matters
BELL = 0.5, 0.2  # E21: skewness that passes for a bell curve's, of 1,000 it scatters by 0.08


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """What is added to the first value, the layer's numbers, and the second feature's spread."""

    added: float = real(0.0, -6.0, 6.0, 0.5)
    eps: float = log_spaced(USUAL_EPS, 1e-7, 0.1, per_decade=(1,), zero=True)
    gamma: float = real(2.0, -2.0, 3.0, 0.5)
    beta: float = real(1.0, -2.0, 2.0, 0.5)
    spread: float = numbers(0.5, [0.0, 0.003, 0.05, 0.5, 5.0])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """The batch after each of STEPS, and the large batch before and after.

    values, unmoved: (STEPS, EXAMPLES, FEATURES) with and without what is added to the first value;
    moments: (STEPS, MOMENTS, FEATURES) of values; without_eps, with_eps: NaN among the normalized
    values with eps 0 and with USUAL_EPS; counts: (2, bins) of the large batch in EDGES, as it is
    and normalized; many: (2, MOMENTS) of it; largest: its largest normalized value.
    """

    config: Config
    values: np.ndarray
    unmoved: np.ndarray
    moments: np.ndarray
    without_eps: int
    with_eps: int
    counts: np.ndarray
    many: np.ndarray
    largest: float


def moments(x: np.ndarray) -> np.ndarray:
    """Return (..., MOMENTS, features) of x (..., examples, features); skewness NaN if constant."""
    mean = x.mean(axis=-2, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-2, keepdims=True)
    skewness = (((x - mean) / np.sqrt(variance)) ** 3).mean(axis=-2, keepdims=True)
    return np.concatenate([mean, variance, skewness], axis=-2)


def batchnorm(x: np.ndarray, eps: float, gamma: float = 1.0, beta: float = 0.0) -> np.ndarray:
    """Return the training output of a batch norm layer for x (examples, features)."""
    one = np.ones((1, x.shape[-1]))
    running = {"mean": 0 * one, "var": one}
    out, _ = batchnorm_forward(x, gamma * one, beta * one, running, training=True, eps=eps)
    return out


def steps_of(x: np.ndarray, config: Config) -> np.ndarray:
    """Return (STEPS, examples, features): x, centred, normalized, and scaled and shifted."""
    normalized = batchnorm(x, config.eps)
    out = batchnorm(x, config.eps, config.gamma, config.beta)
    return np.stack([x, x - x.mean(axis=0), normalized, out])


def run(config: Config) -> Result:
    """Send the small batch through all steps, moved and not, and normalize the large one."""
    small, large = streams(config.seed, "small", "large")
    unmoved = small.exponential(size=(EXAMPLES, FEATURES)) * [FIRST_SPREAD, config.spread]
    unmoved += [LEAST, 0]  # the second feature can be 0 on all examples
    x = unmoved.copy()
    x[0, 0] += config.added
    many = LEAST + FIRST_SPREAD * large.exponential(size=(MANY, 1))
    before_after = np.stack([many, batchnorm(many, USUAL_EPS)])
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 is what is to be seen
        values = steps_of(x, config)
        return Result(
            config=config,
            values=values,
            unmoved=steps_of(unmoved, config),
            moments=moments(values),
            without_eps=int(np.isnan(batchnorm(x, 0)).sum()),
            with_eps=int(np.isnan(batchnorm(x, USUAL_EPS)).sum()),
            counts=np.array([np.histogram(part, EDGES)[0] for part in before_after]),
            many=moments(before_after)[..., 0],
            largest=float(before_after[1].max()),
        )


def findings(result: Result) -> tuple[Finding, ...]:
    """B1: mean 0, variance 1, same shape, and what eps is for. E21: the shape of a bell."""
    normalized, one_moves = _normalized(result), []
    if result.config.added:
        one_moves = [_one_moves_all(result)]
    found = [*one_moves, normalized] if normalized.holds else [normalized, *one_moves]
    if result.config.spread == 0:
        found.append(_eps(result))
    return *found, _bell(result)


def moved(result: Result) -> np.ndarray:
    """Return (STEPS, EXAMPLES, FEATURES): which values are not those of the unchanged batch."""
    apart: np.ndarray = np.abs(result.values - result.unmoved) > ROUNDING
    return apart


def _normalized(result: Result) -> Finding:
    """Hold the moments of both normalized columns against 0, 1 and those of the input."""
    mean, variance, skewness = result.moments[NORMALIZED]
    _, variance_before, skewness_before = result.moments[0]
    column = int(np.abs(variance - 1).argmax())
    because = ""
    if np.isnan(variance).any():
        because = "nan"
    elif variance_before.min() == 0:
        because = "constant"
    elif abs(variance[column] - 1) >= CLOSE:
        because = "eps"
    changes = np.abs([*mean, *(skewness - skewness_before)])
    change = changes[np.isfinite(changes)].max()
    return Finding(
        claim="B1",
        outcome=decided(not because and change < ROUNDING),
        identity=not because,
        because=because,
        values={
            "change": change,
            "variance": np.nan_to_num(variance[column]),
            "before": variance_before[column],
            "column": column + 1,
            "examples": EXAMPLES,
        },
    )


def _one_moves_all(result: Result) -> Finding:
    """Count what one moved value moves in its own column and in the other."""
    own, other = moved(result)[NORMALIZED].sum(axis=0)
    return Finding(
        claim="B1b",
        outcome=decided(own == EXAMPLES and other == 0),
        values={"own": own, "other": other, "examples": EXAMPLES},
    )


def _eps(result: Result) -> Finding:
    """Count NaN of a constant column with and without eps."""
    return Finding(
        claim="B1c",
        outcome=decided(result.without_eps == EXAMPLES and result.with_eps == 0),
        identity=True,
        values={"without": result.without_eps, "with_": result.with_eps, "usual": USUAL_EPS},
    )


def _bell(result: Result) -> Finding:
    """E21: hold the skewness of the normalized large batch against a bell curve's, which is 0."""
    before, after = result.many[:, MOMENTS.index("skewness")]
    bell, margin = BELL
    return Finding(
        claim="E21",
        outcome=above(bell, abs(after), margin),
        misreading=True,
        values={"before": before, "after": after, "largest": result.largest, "many": MANY},
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per step and value, per step and moment, and per bin of the large batch."""
    features = np.arange(FEATURES) + 1
    return {
        "values": {
            **crossed(step=STEPS, example=np.arange(EXAMPLES) + 1, feature=features),
            "value": result.values.ravel(),
            "unmoved": result.unmoved.ravel(),
            "moved": moved(result).ravel(),
        },
        "moments": {
            **crossed(step=STEPS, moment=MOMENTS, feature=features),
            "value": result.moments.ravel(),
        },
        "many": {
            **crossed(step=("raw", "normalized"), low=EDGES[:-1]),
            "count": result.counts.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "moved": Config(added=6.0),
    "constant": Config(spread=0.0, eps=0.0),
    "constant_eps": Config(spread=0.0),
    "small": Config(spread=0.003),
}
SMALL = Config()
SHOWN = (batchnorm_forward, moments, steps_of)
