"""Linear region: where raw and preprocessed digits land on tanh, unit by unit.

One layer with Xavier weights reads the same digits four times: as stored, divided by one number,
centred, and normalized; the last three at one and the same size (rms), so that they differ in
nothing else. Means and stds are those of the training digits, what is looked at are the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.datasets import load_digits
from core.lab.finding import Finding
from core.lab.knobs import Checked, log_spaced, looks, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above
from core.nn.activations import ACTIVATIONS
from core.nn.initializers import init_weight
from core.nn.layers import linear_forward
from core.nn.preprocessing import fit_center, fit_standardizer
from core.nn.statistics import bin_counts, rms, saturated_share

Array = np.ndarray

COST = "instant"
CASES = ("raw", "scaled", "centred", "normalized")
LIMITS = (0.5, 1.0)  # of |z|: there the slope of tanh is still 0.79, or 0.42
UNITS, SHOWN_UNITS = 500, 20
EDGES = np.linspace(-1, 1, 21)  # of the bins that a unit's outputs are counted in
SIZES = np.geomspace(0.1, 20, 28)

# Bars and margins, from 40 seeds. sd at the default: 0.2 of the first ratio, 0.01 of the
# difference (0.02 with brighter pixels), 0.03 of the second ratio.
ALL = 0.95  # share of normalized inputs from which on the layer bends nothing
TIMES = 2.0, 0.2  # P6: share of normalized inputs over that of raw ones
SAME = 0.05, 0.01  # P6b: difference of two shares
WIDER = 1.5, 0.06  # P6c: std of a unit's outputs, centred over scaled


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """How large the inputs are made, how bright they were, and what counts as linear."""

    size: float = log_spaced(1.0, 0.1, 10.0)
    offset: int = numbers(0, [-5, 0, 4, 8, 16])
    limit: float = looks(numbers(0.5, LIMITS))
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What the layer does with the validation digits, the first axis being CASES but for by_size.

    rms: of the inputs, on the training digits; share: (cases, LIMITS) of preactivations in the
    linear region; slope: mean of tanh'; saturated: share of outputs; spread: std of a unit's
    outputs, mean over units; counts: (cases, SHOWN_UNITS, bins) of outputs, units in the order of
    their means for scaled inputs; by_size: (CASES[1:], LIMITS, SIZES) shares.
    """

    config: Config
    rms: Array
    share: Array
    slope: Array
    saturated: Array
    spread: Array
    counts: Array
    by_size: Array

    @property
    def linear(self) -> dict[str, float]:
        """Return case -> share in the linear region."""
        return dict(zip(CASES, self.share[:, LIMITS.index(self.config.limit)].tolist()))


def prepare(train: Array, x: Array, size: float) -> tuple[dict[str, Array], dict[str, float]]:
    """Return x (samples, features) in each case, and the rms of the training digits in it.

    All but the raw ones are divided by one number, so that the training digits have rms `size`.
    """
    center, standardizer = fit_center(train), fit_standardizer(train)
    cases = {
        "scaled": (train, x),
        "centred": (center.transform(train), center.transform(x)),
        "normalized": (standardizer.transform(train), standardizer.transform(x)),
    }
    prepared = {name: new * (size / rms(old)) for name, (old, new) in cases.items()}
    return {"raw": x, **prepared}, {"raw": rms(train), **dict.fromkeys(prepared, size)}


def run(config: Config) -> Result:
    """Send all cases through one layer of tanh units."""
    (weights,) = streams(config.seed, "weights")
    digits = load_digits().map(lambda x: x + config.offset)
    prepared, sizes = prepare(digits.x_train, digits.x_val, config.size)
    weight = init_weight("xavier", digits.x_train.shape[1], UNITS, rng=weights)
    z = np.stack([linear_forward(prepared[case], weight)[0] for case in CASES])
    out = ACTIVATIONS["tanh"].value(z)
    ordered = np.argsort(out[CASES.index("scaled"), :, :SHOWN_UNITS].mean(axis=0))
    return Result(
        config=config,
        rms=np.array([sizes[case] for case in CASES]),
        share=np.stack([linear_share(np.abs(z), limit) for limit in LIMITS], axis=-1),
        slope=ACTIVATIONS["tanh"].derivative(z).mean(axis=(-2, -1)),
        saturated=saturated_share(out, "tanh"),
        spread=out.std(axis=-2).mean(axis=-1),
        counts=np.array([[bin_counts(o[:, u], EDGES)[:-1] for u in ordered] for o in out]),
        by_size=by_size(np.abs(z[1:]) / config.size),
    )


def linear_share(size: Array, limit: float) -> Array:
    """Return the share of preactivations of absolute value `size` (..., samples, units) below."""
    return (size < limit).mean(axis=(-2, -1))


def by_size(unit: Array) -> Array:
    """Return (cases, LIMITS, SIZES) shares from |z| (cases, samples, units) at inputs of rms 1.

    The weights are fixed, so inputs twice as large make every preactivation twice as large.
    """
    bars = np.divide.outer(LIMITS, SIZES)
    flat = np.sort(unit.reshape(len(unit), -1), axis=1)
    return np.stack([np.searchsorted(row, bars) / row.size for row in flat])


def findings(result: Result) -> tuple[Finding, ...]:
    """P6: inputs are kept in the linear region. P6b: by scale alone. P6c: what centring does."""
    share, spread = result.linear, dict(zip(CASES, result.spread.tolist()))
    slope = dict(zip(CASES, result.slope.tolist()))
    common = {**share, "rms": result.rms[0]}
    return (
        Finding(
            claim="P6",
            outcome=above(share["normalized"] / share["raw"], *TIMES),
            because="all" if share["normalized"] > ALL else "",
            values={
                **common,
                "slope": slope["normalized"],
                "slope_raw": slope["raw"],
                "bar": TIMES[0],
            },
        ),
        Finding(
            claim="P6b",
            outcome=above(SAME[0], abs(share["scaled"] - share["centred"]), SAME[1]),
            values={**common, "bar": SAME[0]},
        ),
        Finding(
            claim="P6c",
            outcome=above(spread["centred"] / spread["scaled"], *WIDER),
            values={
                "spread": spread["centred"],
                "spread_scaled": spread["scaled"],
                "times": spread["centred"] / spread["scaled"],
                "bar": WIDER[0],
            },
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per case, per case and drawn unit, and per case and size of the inputs."""
    return {
        "cases": {
            "case": list(CASES),
            "rms": result.rms,
            "share": list(result.linear.values()),
            "slope": result.slope,
            "saturated": result.saturated,
            "spread": result.spread,
        },
        "units": {
            **crossed(case=CASES, unit=np.arange(1, SHOWN_UNITS + 1), start=EDGES[:-1].round(1)),
            "count": result.counts.ravel(),
        },
        "sizes": {
            **crossed(case=CASES[1:], size=SIZES),
            "share": result.by_size[:, LIMITS.index(result.config.limit)].ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "bright": Config(offset=16),
    "one_mean": Config(offset=-5),
    "large": Config(size=10.0),
    "small": Config(size=0.1),
}
SMALL = Config()
SHOWN = (prepare, fit_center, fit_standardizer, init_weight, linear_forward, linear_share)
