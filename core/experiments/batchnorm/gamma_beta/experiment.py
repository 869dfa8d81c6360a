"""Gamma and beta: what the layer's own numbers do to a normalized batch before tanh.

A layer of random weights sees digits. Its preactivations are normalized, each unit over the batch,
then scaled by gamma and shifted by beta: to any width under tanh, or back to what they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.datasets import load_digits
from core.lab.finding import Finding
from core.lab.knobs import Checked, flag, numbers, real, seed
from core.lab.streams import streams
from core.lab.verdict import above, decided
from core.nn.layers import batchnorm_forward, linear_forward
from core.nn.statistics import TANH_SATURATED, saturated_share

COST = "instant"
UNITS = 50
BRIGHTEST = 16  # of a digit's pixels, which are divided by it
WEIGHT_STD = 0.5  # wide enough that some preactivations saturate tanh as they are
EPS = 1e-5
GAMMAS = np.linspace(0, 10, 41)
CUT = float(np.arctanh(TANH_SATURATED))  # tanh is saturated beyond it
BINS = 30  # from 0 to the largest value drawn, about
TRIPLES = 300
POINTS = 200  # of a batch that are drawn

VALUES = ("compared", "output")  # what is counted
COMPARED, OUTPUT = range(len(VALUES))

ROUNDING = 1e-10  # B4, B8: what is the same differs by 1e-14
TURNED, SCATTER = 10.0, 3.0  # degrees, E7: 21 (15 to 29) for stds 1 to 3, 2 to 6 for equal ones


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The layer's scale and shift, or those that undo the normalization, and the batch."""

    gamma: float = numbers(2.0, [-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0])
    beta: float = real(0.0, -3.0, 3.0, 0.5)
    recover: bool = flag(False)
    batch_size: int = numbers(64, [8, 64, 512])
    ratio: float = numbers(3.0, [1.0, 3.0, 10.0])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What goes into the layer and comes out of it, (batch, UNITS) each, summed up.

    edges: of bins that meet at CUT; counts: (VALUES, bins) of the layer's output and of what it is
    compared with, the normalized preactivations or, if they are to be recovered, these as they
    are; saturated: (VALUES,) share of each beyond CUT. by_gamma: (2, GAMMAS)
    saturated share with the chosen beta and with 0. own, other: with gamma and beta that undo the
    normalization of the first batch, the largest difference of output and input on it, and the
    root mean square one on the second batch, in stds; pairs: (2, POINTS, 2) inputs and outputs of
    the two. correlation: largest change between units, from the layer's input to its output;
    in_order: share of units whose examples keep their order. corners: (2, 3, 2) three examples by
    two units before and after, angles: (2,) at the first of them, in degrees; turned: mean change
    of such angles, NaN where there are none; cloud: (2, points, 2) the batch before and after.
    """

    config: Config
    edges: np.ndarray
    counts: np.ndarray
    saturated: np.ndarray
    by_gamma: np.ndarray
    own: float
    other: float
    pairs: np.ndarray
    correlation: float
    in_order: float
    corners: np.ndarray
    angles: np.ndarray
    turned: float
    cloud: np.ndarray


def batchnorm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Return the training output (batch, units) for x; gamma and beta are (1, units)."""
    running = {"mean": np.zeros_like(gamma), "var": np.ones_like(gamma)}
    out, _ = batchnorm_forward(x, gamma, beta, running, training=True, eps=EPS)
    return out


def undoing(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gamma and beta (1, units) with which x (batch, units) comes out as it went in."""
    return np.sqrt(x.var(axis=0, keepdims=True) + EPS), x.mean(axis=0, keepdims=True)


def preactivations(config: Config) -> np.ndarray:
    """Return (2, batch, UNITS) of two batches of digits.

    The weights of the first two units are such that their stds over all digits are 1 and `ratio`.
    """
    data, weights = streams(config.seed, "data", "weights")
    pixels = load_digits().x_train / BRIGHTEST
    weight = WEIGHT_STD * weights.standard_normal((pixels.shape[1], UNITS))
    weight[:, :2] *= [1, config.ratio] / (pixels @ weight[:, :2]).std(axis=0)
    rows = data.permutation(len(pixels))[: 2 * config.batch_size]
    z, _ = linear_forward(pixels[rows].reshape(2, config.batch_size, -1), weight)
    return z


def angles_at(corners: np.ndarray) -> np.ndarray:
    """Return the angles (...) in degrees at the first of three corners (..., 3, units)."""
    sides = corners[..., 1:, :] - corners[..., :1, :]
    lengths = np.linalg.norm(sides, axis=-1).prod(axis=-1)
    return np.degrees(np.arccos(np.clip(sides.prod(axis=-2).sum(axis=-1) / lengths, -1, 1)))


def triangles(before: np.ndarray, after: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (2, TRIPLES, 3, units): three examples drawn at random, before and after."""
    drawn = rng.random((TRIPLES, len(before))).argsort(axis=-1)[:, :3]
    return np.stack([before[drawn], after[drawn]])


def beyond(z: np.ndarray) -> float:
    """Return the share of tanh's inputs (batch, units) that saturate it."""
    return float(saturated_share(np.tanh(z), "tanh"))


def bin_edges(largest: float) -> np.ndarray:
    """Return edges of equal bins from below -largest to above it, CUT being one of them."""
    width = CUT / max(1, round(BINS * CUT / largest))
    return width * np.arange(-np.ceil(largest / width), np.ceil(largest / width) + 1)


def run(config: Config) -> Result:
    """Send two batches through the layer, and the first with every gamma of GAMMAS."""
    z, other = preactivations(config)
    one = np.ones((1, UNITS))
    normalized = batchnorm(z, one, 0 * one)
    gamma, beta = undoing(z)
    own_out, other_out = batchnorm(z, gamma, beta), batchnorm(other, gamma, beta)
    out = own_out if config.recover else batchnorm(z, config.gamma * one, config.beta * one)
    counted = np.stack([z if config.recover else normalized, out])
    edges = bin_edges(np.abs(counted).max())
    picks, triples = streams(config.seed, "picks", "triples")
    pairs = picks.integers(z.size, size=POINTS)
    corners = triangles(z[:, :2], out[:, :2], triples)
    with np.errstate(invalid="ignore"):  # gamma 0: no side has a length, no unit varies
        angles = angles_at(corners)
        correlation = np.abs(np.corrcoef(out.T) - np.corrcoef(z.T)).max()
    changes = np.abs(angles[1] - angles[0])
    typical = np.argsort(changes)[TRIPLES // 2]
    return Result(
        config=config,
        edges=edges,
        counts=np.array([np.histogram(part, edges)[0] for part in counted]),
        saturated=np.array([beyond(part) for part in counted]),
        by_gamma=np.array(
            [[beyond(g * normalized + shift) for g in GAMMAS] for shift in (config.beta, 0.0)]
        ),
        own=float(np.abs(own_out - z).max()),
        other=float(np.sqrt((((other_out - other) / other.std(axis=0)) ** 2).mean())),
        pairs=np.array(
            [
                np.column_stack([before.ravel()[pairs], after.ravel()[pairs]])
                for before, after in ((z, own_out), (other, other_out))
            ]
        ),
        correlation=float(correlation),
        in_order=float((z.argsort(axis=0) == out.argsort(axis=0)).all(axis=0).mean()),
        corners=corners[:, typical],
        angles=angles[:, typical],
        turned=float(changes.mean()),
        cloud=np.stack([z[:POINTS, :2], out[:POINTS, :2]]),
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """B9: saturation. B4: the identity. B8, E7: what stays and what turns."""
    first, second = _saturation(result), _identity(result)
    found = [second, first] if result.config.recover else [first, second]
    return *found, _elsewhere(result), _order(result), *_angles(result)


def _saturation(result: Result) -> Finding:
    """Tell whether more gamma always saturates more at the chosen beta."""
    shares = result.by_gamma[0]
    one, five = np.interp([1, 5], GAMMAS, shares)
    least, config = int(shares.argmin()), result.config
    return Finding(
        claim="B9",
        outcome=decided((np.diff(shares) >= 0).all()),
        because="recover" if config.recover else "one" if abs(config.gamma) == 1 else "",
        values={
            "one": one,
            "five": five,
            "share": result.saturated[OUTPUT],
            "none": shares[0],
            "least": shares[least],
            "least_gamma": GAMMAS[least],
        },
    )


def _identity(result: Result) -> Finding:
    """Hold what the layer puts out with the gamma and beta that undo it against its input."""
    return Finding(
        claim="B4",
        outcome=decided(result.own < ROUNDING),
        identity=True,
        values={"own": result.own},
    )


def _elsewhere(result: Result) -> Finding:
    """Hold the output for another batch, with the same gamma and beta, against its input."""
    return Finding(
        claim="B4b",
        outcome=decided(result.other < ROUNDING),
        values={"other": result.other},
    )


def _order(result: Result) -> Finding:
    """Check order along each unit, and correlations between units."""
    gamma, recover = result.config.gamma, result.config.recover
    kept = result.in_order == 1 and result.correlation < ROUNDING
    because = ""
    if not recover and gamma <= 0:
        because = "flipped" if gamma else "collapsed"
    return Finding(
        claim="B8",
        outcome=decided(kept),
        identity=not because,
        because=because,
        values={"change": np.nan_to_num(result.correlation), "in_order": result.in_order},
    )


def _angles(result: Result) -> tuple[Finding, ...]:
    """E7: hold the change of angles between differences of examples against TURNED."""
    if np.isnan(result.turned):
        return ()
    finding = Finding(
        claim="E7",
        outcome=above(TURNED, result.turned, SCATTER),
        misreading=True,
        because="recover" if result.config.recover else "",
        values={"turned": result.turned},
    )
    return (finding,)


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per bin, per gamma, per drawn value and per drawn example."""
    before_after = ("before", "after")
    return {
        "histogram": {
            **crossed(values=VALUES, low=result.edges[:-1]),
            "count": result.counts.ravel(),
        },
        "gamma": {
            **crossed(beta=("chosen", "zero"), gamma=GAMMAS),
            "saturated": result.by_gamma.ravel(),
        },
        "identity": {
            **crossed(batch=("own", "other"), value=np.arange(POINTS)),
            "input": result.pairs[..., 0].ravel(),
            "output": result.pairs[..., 1].ravel(),
        },
        "cloud": {
            **crossed(when=before_after, example=np.arange(result.cloud.shape[1])),
            "unit 1": result.cloud[..., 0].ravel(),
            "unit 2": result.cloud[..., 1].ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "narrow": Config(gamma=0.5),
    "wide": Config(gamma=5.0),
    "shifted": Config(gamma=3.0, beta=3.0),
    "recover": Config(recover=True),
}
SMALL = Config(batch_size=8)
SHOWN = (batchnorm_forward, undoing, saturated_share, angles_at)
