"""PCA and whitening: fitted on training data, looked at on training data and on new ones.

PCA turns the axes so that the covariance is diagonal; whitening then divides every direction by its
standard deviation. Both hold by construction on the data they were fitted on. What new data do
along the directions in which the training data hardly vary is measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.experiments.preprocessing.image_data import IMAGES, draw_images, first_directions
from core.lab.columns import crossed
from core.lab.datasets import DataError, stratified_split
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, numbers, seed
from core.lab.streams import streams
from core.lab.table import Table
from core.lab.verdict import above, decided
from core.nn.preprocessing import PCA, fit_whitener

Array = np.ndarray

COST = "instant"
MOST_SAMPLES = 1400
EXAMPLES = 3  # of those that are rebuilt
REBUILT = (1, 2, 5, 10, 20, 50)  # directions that they are rebuilt from; at last from all
FIRST, LAST, SPREAD = 13, 7, 6  # directions kept as images: of most and least variance, and between
CELLS = 64  # most rows of a covariance that is kept
STAGES = ("decorrelated", "whitened", "new")

TWICE = 2.0  # P4: factor by which a variance of new data misses 1, where it does most. From 200
MARGIN = 0.2  # digits (40 seeds) 1.3 to 1.7 keeping 95% of the variance, 2.5 to 215 keeping all
HARDLY = 0.01  # of the greatest variance: training data hardly vary along a direction below it
ENOUGH = 25  # new rows of a table: the variance of fewer says little (25 normal numbers: +-28%)
TINY = 1e-12  # of a variance, so that one of 0 has a logarithm
MOST = 0.9  # share of the variance that few directions hold
EXACT = 1e-6  # identities: rounding, enlarged where variances are tiny
EQUAL = 2.0  # E20: ratio of variances that would count as equal

TABLE_KNOBS = ("kept", "seed")


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The images, how many of them the directions come from, and how many directions are kept."""

    data: str = choice("digits", IMAGES)
    samples: int = numbers(200, [62, 100, 200, 400, 800, MOST_SAMPLES])
    kept: float = numbers(1.0, [0.5, 0.8, 0.9, 0.95, 0.99, 1.0])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What PCA and whitening do; features are pixels, or the columns of a table.

    new_rows: number of new images or rows. names: (features,) of a table's columns, () for images;
    shape: of an image, () for a table; mean: (features,). explained: (2, directions) share of the
    variance of training and of new data that so many directions hold. variance: (kept,) of the
    training data along each kept direction; whitened: (2, kept) of training and of new data once
    whitened. before: (cells, cells) covariance of the training data, in blocks if it is wide;
    after: (STAGES, cells, cells) along the kept directions. off_diagonal: greatest covariance of
    two directions, of the greatest variance; identity: greatest distance of the whitened covariance
    from the identity. shown: numbers, from 0, of the directions (shown, features) that are kept as
    images. originals: (examples, features) new data; rebuilt: (sizes, examples, features) from so
    many directions each.
    """

    config: Config
    new_rows: int
    names: Array
    shape: Array
    mean: Array
    explained: Array
    variance: Array
    whitened: Array
    before: Array
    after: Array
    off_diagonal: float
    identity: float
    shown: Array
    directions: Array
    originals: Array
    sizes: Array
    rebuilt: Array

    @property
    def things(self) -> str:
        """Return what a row of the data is."""
        return "images" if self.shape.size else "rows"

    @property
    def worst(self) -> int:
        """Return the number, from 0, of the direction along which new data miss 1 the most."""
        return int(np.abs(np.log(self.whitened[1] + TINY)).argmax())

    @property
    def needed(self) -> int:
        """Return how many directions hold MOST of the training data's variance."""
        return directions_for(self.explained[0], MOST)


def split_table(config: Config, table: Table) -> tuple[Array, Array]:
    """Return training rows and new rows of a table; DataError for one that has too few."""
    (order,) = streams(config.seed, "split")
    train, new = stratified_split(np.zeros(len(table.x)), rng=order)
    if len(new) < 2:
        raise DataError(f"it needs 8 rows, two of them not used in training, got {len(table.x)}")
    return table.x[train], table.x[new]


def directions_for(explained: Array, share: float) -> int:
    """Return how many directions hold a share of the variance; all of them for 1.

    explained: (directions,) what the first ones hold together.
    """
    return len(explained) if share == 1 else int(np.searchsorted(explained, share)) + 1


def covariance(x: Array) -> Array:
    """Return the (features, features) covariance of x (samples, features)."""
    centred = x - x.mean(axis=0)
    return centred.T @ centred / len(x)


def in_blocks(matrix: Array) -> Array:
    """Return a square matrix with at most CELLS rows: means of blocks of a larger one."""
    edges = np.unique(np.linspace(0, len(matrix), CELLS + 1).astype(int))[:-1]
    if len(matrix) <= CELLS:
        return matrix
    sums = np.add.reduceat(np.add.reduceat(matrix, edges, axis=0), edges, axis=1)
    sizes = np.diff(edges, append=len(matrix))
    return sums / np.outer(sizes, sizes)


def spread(kept: int) -> Array:
    """Return numbers, from 0, of SPREAD directions: first, last, and the middles of parts."""
    middles = (np.arange(SPREAD) + 0.5) * kept / SPREAD
    return np.unique([0, *middles[1:-1].astype(int), kept - 1])


def rebuilt_from(pca: PCA, x: Array, sizes: Array) -> Array:
    """Return (sizes, samples, features): x rebuilt from so many directions each."""
    parts = [first_directions(pca, size) for size in sizes.tolist()]
    return np.stack([part.inverse_transform(part.transform(x)) for part in parts])


def run(config: Config, table: Table | None = None) -> Result:
    """Fit PCA on training data; rotate, whiten and rebuild them and new data with it.

    With a table its rows are split like images; its columns are the features.
    """
    if table is None:
        images = draw_images(config.data, config.samples, MOST_SAMPLES, seed=config.seed)
        x, new, shape = images.x_train, images.x_val, images.image_shape
    else:
        (x, new), shape = split_table(config, table), ()
    pca = fit_whitener(x)
    if not pca.variance.size:
        raise DataError("it needs a column that varies, got none")
    along = pca.variance, ((new - new.mean(axis=0)) @ pca.components).var(axis=0)
    totals = x.var(axis=0).sum(), new.var(axis=0).sum()
    explained = np.array([one.cumsum() / (total or 1) for one, total in zip(along, totals)])
    whitener = first_directions(pca, kept := directions_for(explained[0], config.kept))
    whitened = [whitener.transform(data) for data in (x, new)]
    after = [covariance(data) for data in (whitened[0] * whitener.scale, *whitened)]
    between = after[0] - np.diag(np.diag(after[0]))
    shown = np.unique(
        [
            *range(min(FIRST, kept)),
            *range(max(0, kept - LAST), kept),
            *spread(kept),
        ]
    )
    examples = new[np.linspace(0, len(new) - 1, EXAMPLES).astype(int)]
    sizes = np.array([*(size for size in REBUILT if size < kept), kept])
    return Result(
        config=config,
        new_rows=len(new),
        names=np.array(table.columns if table else ()),
        shape=np.array(shape, int),
        mean=pca.mean,
        explained=explained,
        variance=whitener.variance,
        whitened=np.array([data.var(axis=0) for data in whitened]),
        before=in_blocks(covariance(x)),
        after=np.stack([in_blocks(matrix) for matrix in after]),
        off_diagonal=float(np.abs(between).max() / pca.variance[0]),
        identity=float(np.abs(after[1] - np.eye(kept)).max()),
        shown=shown,
        directions=whitener.components[:, shown].T,
        originals=examples,
        sizes=sizes,
        rebuilt=rebuilt_from(whitener, examples, sizes),
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """P4: whitening, on new data; what holds by construction; fewer directions. E20."""
    return _whitened(result), _by_construction(result), _fewer(result), _decorrelated(result)


def _whitened(result: Result) -> Finding:
    """Hold against TWICE by what factor new data's variance misses 1 where it does most."""
    new, worst = result.whitened[1], result.worst
    factor = np.exp(np.abs(np.log(new[worst] + TINY)))
    because = "" if result.variance[worst] < HARDLY * result.variance[0] else "elsewhere"
    if new[worst] < 1:
        because = "small"
    if result.new_rows < ENOUGH:
        because = "few"
    return Finding(
        claim="P4",
        outcome=Outcome.UNCLEAR if because == "few" else above(TWICE, factor, MARGIN),
        because=because,
        values={
            "things": result.things,
            "largest": new.max(),
            "smallest": new.min(),
            "worst": new[worst],
            "direction": worst + 1,
            "directions": len(new),
            "before": result.variance[worst],
            "rows": result.new_rows,
        },
    )


def _by_construction(result: Result) -> Finding:
    """Check what PCA and whitening make of the covariance of the data they were fitted on."""
    return Finding(
        claim="P4b",
        outcome=decided(max(result.off_diagonal, result.identity) < EXACT),
        identity=True,
        values={
            "things": result.things,
            "off_diagonal": result.off_diagonal,
            "identity": result.identity,
        },
    )


def _fewer(result: Result) -> Finding:
    """Hold the directions needed for MOST of the variance against half of all directions."""
    everything, needed = result.explained.shape[1], result.needed
    return Finding(
        claim="P4c",
        outcome=decided(needed <= everything / 2),
        values={
            "things": result.things,
            "needed": needed,
            "everything": everything,
            "new": min(result.explained[1, needed - 1], 1),
        },
    )


def _decorrelated(result: Result) -> Finding:
    """E20: compare the variances that are left once nothing is correlated any more."""
    largest, smallest = result.variance[[0, -1]]
    return Finding(
        claim="E20",
        outcome=decided(largest < EQUAL * smallest),
        misreading=True,
        values={"largest": largest, "smallest": smallest, "times": largest / smallest},
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return a row per kept direction, per direction of all, and per feature of the mean."""
    train, new = result.whitened
    held, new_held = result.explained
    return {
        "whitened": {
            "direction": np.arange(1, len(train) + 1),
            "before": result.variance,
            "train": train,
            "new": new,
        },
        "explained": {
            "directions": np.arange(1, len(held) + 1),
            "train": held,
            "new": new_held,
        },
        "directions": {
            **crossed(direction=result.shown + 1, feature=np.arange(len(result.mean))),
            "weight": result.directions.ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "keep95": Config(kept=0.95),
    "few": Config(samples=62),
    "more": Config(samples=MOST_SAMPLES),
    "shapes": Config(data="shapes", samples=800),
}
SMALL = Config(samples=100)
SHOWN = (fit_whitener, PCA.transform, PCA.inverse_transform, first_directions, covariance)
