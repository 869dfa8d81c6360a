"""Centre and scale: one cloud of two features, raw and after each stage of preprocessing.

Each stage is computed from the cloud itself: the mean is subtracted, then each feature is divided
by its standard deviation, or else the cloud is whitened. What becomes of features that never vary,
and how large values can get, is measured on the digits, or on all columns of a table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.experiments.preprocessing.clouds import cloud, prepared
from core.lab.columns import crossed
from core.lab.datasets import load_digits
from core.lab.finding import Finding
from core.lab.knobs import Checked, numbers, real, seed
from core.lab.streams import streams
from core.lab.table import Table
from core.lab.verdict import above, decided
from core.nn.preprocessing import fit_standardizer

Array = np.ndarray

COST = "instant"
TABLE_KNOBS: tuple[str, ...] = ()  # a table has its own offset, scale and correlation
STAGES = ("raw", "centred", "normalized", "whitened")
EXAMPLES = 200
MOST_POINTS = 400  # of a table that are drawn
MOST_CLASSES = 3  # with colours of their own
MOST_NAMES = 3  # of constant features in a sentence
EXACT = 1e-9

# P1c: share of rows with a value beyond -1 to 1 from which on this is not "all inside"; and margin.
# 0.54 (sd 0.02) of independent normal draws, 0.41 (0.03) at a correlation of 0.9.
INSIDE = 0.05, 0.02


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """Where the cloud lies, and its shape."""

    offset: float = real(1.5, -3.0, 3.0, 0.5)
    scale: float = numbers(2, (0.5, 1, 2, 3, 5))
    correlation: float = real(0.6, -0.9, 0.9, 0.1)
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What was measured on all rows, the first axis being STAGES.

    table: whether it is a visitor's own; names: (2,) of the features; points: (stages, drawn, 2);
    labels: (drawn,) into classes; classes: their names, () if there are none or too many to be told
    apart; mean, std: (stages, 2); correlation: (stages,), 0 where a feature does not vary;
    constant: (2,) whether it does not. beyond: share of rows with a normalized value beyond -1 to
    1; furthest: the largest normalized size. Of all columns of the table, or of all pixels of new
    digits by the mean and std of the training digits: features, their names; sizes: (features,) the
    largest normalized size; unvaried: (features,) whether it never varies.
    """

    config: Config
    table: bool
    names: tuple[str, ...]
    points: Array
    labels: Array
    classes: tuple[str, ...]
    mean: Array
    std: Array
    correlation: Array
    constant: Array
    beyond: float
    furthest: float
    features: tuple[str, ...]
    sizes: Array
    unvaried: Array


def evenly(rows: int, most: int) -> Array:
    """Return at most so many of the indices of rows, evenly picked."""
    return np.linspace(0, rows - 1, min(rows, most)).round().astype(int)


def stages_of(x: Array) -> Array:
    """Return (stages, rows, 2) of a cloud (rows, 2); whitened, what lies on a line stays on one."""
    stages = prepared(x)
    missing = x.shape[1] - stages["whitened"].shape[1]
    stages["whitened"] = np.pad(stages["whitened"], ((0, 0), (0, missing)))
    return np.stack([stages[name] for name in STAGES])


def correlations(stages: Array, constant: Array) -> Array:
    """Return (stages,) the correlation of the two features, 0 where one does not vary."""
    if constant.any():
        return np.zeros(len(stages))
    away = stages - stages.mean(axis=1, keepdims=True)
    products = (away[..., 0] * away[..., 1]).mean(axis=-1)
    spreads = away.std(axis=1)
    return products / np.where(spreads > 0, spreads, 1).prod(axis=-1)


def all_features(table: Table | None) -> dict[str, Any]:
    """Return names, largest normalized sizes and what never varies, of a table or of the digits."""
    if table is None:
        digits = load_digits()
        fitted, new = digits.x_train, digits.x_val
        names = tuple(f"pixel {pixel}" for pixel in range(fitted.shape[1]))
    else:
        fitted, new, names = table.x, table.x, table.columns
    sizes = np.abs(fit_standardizer(fitted).transform(new)).max(axis=0)
    return {"features": names, "sizes": sizes, "unvaried": np.ptp(fitted, axis=0) == 0}


def classes_of(table: Table | None, rows: int) -> tuple[Array, tuple[str, ...]]:
    """Return labels (rows,) and names of classes that can be told apart, 0 and () without them."""
    if table is None or table.labels is None or len(table.classes) > MOST_CLASSES:
        return np.zeros(rows, int), ()
    return table.labels, table.classes


def run(config: Config, table: Table | None = None) -> Result:
    """Take the first two columns of a table, or draw a cloud, through all stages."""
    if table is None:
        (data,) = streams(config.seed, "data")
        z = data.standard_normal((EXAMPLES, 2))
        x = cloud(z, config.offset, config.scale, config.correlation)
    else:
        x = table.x[:, :2]
    stages, shown = stages_of(x), evenly(len(x), MOST_POINTS)
    labels, classes = classes_of(table, len(x))
    sizes = np.abs(stages[STAGES.index("normalized")]).max(axis=-1)
    constant, std = np.ptp(x, axis=0) == 0, stages.std(axis=1)
    std[0, constant] = 0  # without the rounding of their mean
    return Result(
        config=config,
        table=table is not None,
        names=("input 1", "input 2") if table is None else table.columns[:2],
        points=stages[:, shown],
        labels=labels[shown],
        classes=classes,
        mean=stages.mean(axis=1),
        std=std,
        correlation=correlations(stages, constant),
        constant=constant,
        beyond=float((sizes > 1).mean()),
        furthest=float(sizes.max()),
        **all_features(table),
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """P1: what centring and scaling do, what they leave, and what they do not promise."""
    shape = () if result.constant.any() else (_shape(result),)
    return (*shape, _moments(result), _inside(result), _constant(result))


def _why(result: Result, constant: Array) -> str:
    """Name whose numbers they are, and whether some feature never varies."""
    return "_".join(["table"] * result.table + ["constant"] * bool(constant.any()))


def _rounding(result: Result) -> float:
    """Return what rounding may leave: more of it where the mean is far away."""
    spread = np.where(result.std[0] > 0, result.std[0], 1)
    return EXACT * max(1.0, float((np.abs(result.mean[0]) / spread).max()))


def _moments(result: Result) -> Finding:
    """Hold the normalized cloud's means and stds against 0 and 1."""
    row, varies = STAGES.index("normalized"), ~result.constant
    mean_off = float(np.abs(result.mean[row]).max())
    std_off = float(np.abs(result.std[row, varies] - 1).max(initial=0))
    return Finding(
        claim="P1",
        outcome=decided(max(mean_off, std_off) <= _rounding(result)),
        because=_why(result, result.constant),
        identity=True,
        values={
            "mean_off": mean_off,
            "std_off": std_off,
            "correlation": float(result.correlation[0]),
            "first": result.names[0],
            "second": result.names[1],
            "constant": _named(result.names, result.constant),
        },
    )


def _shape(result: Result) -> Finding:
    """Centring and scaling leave the correlation as it is; whitening does not."""
    before, _, after, whitened = result.correlation.tolist()
    return Finding(
        claim="P1b",
        outcome=decided(abs(after - before) <= _rounding(result)),
        because=_why(result, result.constant),
        identity=True,
        values={
            "before": before,
            "after": after,
            "off": abs(after - before),
            "whitened": 0.0 if abs(whitened) <= _rounding(result) else whitened,
        },
    )


def _inside(result: Result) -> Finding:
    """Count the rows with a normalized value beyond -1 to 1."""
    bar, margin = INSIDE
    return Finding(
        claim="P1c",
        outcome=above(bar, result.beyond, margin),
        misreading=True,
        values={"beyond": result.beyond, "furthest": result.furthest, "bar": bar},
    )


def _constant(result: Result) -> Finding:
    """A feature that never varies has std 0: it is centred and not divided."""
    kept = result.sizes[result.unvaried]
    return Finding(
        claim="P1d",
        outcome=decided(np.isfinite(result.sizes).all() and not kept.any()),
        because=_why(result, result.unvaried),
        identity=True,
        values={
            "constant": _named(result.features, result.unvaried),
            "count": int(result.unvaried.sum()),
            "largest": float(result.sizes.max()),
            "largest_name": result.features[int(result.sizes.argmax())],
        },
    )


def _named(names: tuple[str, ...], chosen: Array) -> str:
    """Write the chosen names in a row, those beyond the first few as a number."""
    said = [name for name, is_chosen in zip(names, chosen) if is_chosen]
    more = len(said) - MOST_NAMES
    return ", ".join([*said[:MOST_NAMES], *[f"{more} more"] * (more > 0)])


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return the numbers of every stage, the drawn points, and the features' largest sizes."""
    points = result.points
    return {
        "stages": {
            **crossed(stage=STAGES, feature=result.names),
            "mean": result.mean.ravel(),
            "std": result.std.ravel(),
            "correlation": np.repeat(result.correlation, 2),
        },
        "points": {
            "stage": np.repeat(STAGES, points.shape[1]),
            "first": points[..., 0].ravel(),
            "second": points[..., 1].ravel(),
        },
        "features": {
            "feature": np.array(result.features),
            "largest": result.sizes,
            "constant": result.unvaried,
        },
    }


PRESETS = {
    "all": Config(),
    "offset": Config(offset=3.0, scale=1, correlation=0.0),
    "scale": Config(offset=0.0, scale=5, correlation=0.0),
    "correlation": Config(offset=0.0, scale=1, correlation=0.9),
    "ready": Config(offset=0.0, scale=1, correlation=0.0),
}
SMALL = Config()
SHOWN = (cloud, prepared, stages_of, fit_standardizer)
