"""Grid or random: nine points of a search, and how often the best of them is good.

Every search has the same number of points in a square of two parameters: the first one matters,
the second hardly. REPEATS searches are laid out in each of five ways. The surface is a formula's or
that of real trainings (surface.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.experiments.hpo.grid_vs_random.surface import LEARNING_RATE, REG, load_surface
from core.lab.columns import crossed
from core.lab.finding import Finding, Outcome
from core.lab.knobs import Checked, choice, integer, looks, numbers, seed
from core.lab.streams import streams
from core.lab.verdict import above_over_seeds, decided, opposite
from core.nn.search import Range, grid_search, random_search

Array = np.ndarray

COST = "instant"
REPEATS = 2000
KEPT = 20  # of them that can be drawn
CELLS = 60  # of the map, on either axis
SQUARE = {"first": Range(0, 1), "second": Range(0, 1)}  # places of points: shares of an axis
MIDDLE = Range(0.35, 0.65)  # where the formula's peak lies, so that all of the band is inside
HALF = 0.5  # of the peak: a score that counts as good
RIGHT = 0.94  # of the digits: an accuracy that counts as good
MATTERS = 0.5  # weight of the second parameter from which both matter
WIDTHS = np.linspace(0.02, 0.6, 30)  # of the band that rates are told for
ACCURACIES = np.linspace(0.9, 0.956, 29)

# The ranges that are searched on the real surface: (learning rate, reg).
WINDOWS = {
    "wide": (Range(1e-5, 10, log=True), Range(1e-5, 1e-2, log=True)),
    "narrow": (Range(3e-3, 0.3, log=True), Range(1e-5, 1e-2, log=True)),
    "both": (Range(1e-3, 1, log=True), Range(1e-3, 10, log=True)),
}


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The surface, and how many values a grid has on either axis."""

    surface: str = choice("formula", ["formula", *WINDOWS])
    band: float = numbers(0.1, [0.05, 0.1, 0.2, 0.3, 0.35, 0.5])
    second: float = numbers(0.05, [0.0, 0.05, 0.1, 0.2, 0.5, 1.0])
    search: int = looks(integer(7, 1, KEPT))
    values: int = numbers(3, [2, 3, 4, 5])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """What each layout of LAYOUTS found.

    surface: (CELLS, CELLS) score by place, rows are the second parameter. points: (layouts, KEPT,
    points, 2) places; scores: (layouts, KEPT, points); best: (layouts, REPEATS) the best score of
    every search; distinct: (layouts,) values that a search tries of the first parameter.
    """

    config: Config
    surface: Array
    points: Array
    scores: Array
    best: Array
    distinct: Array

    @property
    def good(self) -> float:
        """Return the score from which a search has succeeded."""
        return HALF if self.config.surface == "formula" else RIGHT

    def hits(self, layout: str) -> Array:
        """Return (REPEATS,) whether the searches of a layout have succeeded."""
        return np.asarray(self.best[list(LAYOUTS).index(layout)] >= self.good)

    def rate(self, layout: str) -> float:
        """Return the share of a layout's searches that succeeded."""
        return float(self.hits(layout).mean())


def grid(values: int, rng: np.random.Generator) -> Array:
    """Lay out a grid, moved as a whole by up to half its spacing: where the peak is, none knows."""
    points = np.stack([*grid_search(SQUARE, values).values()], axis=-1)
    return points + (rng.random((REPEATS, 1, 2)) - 0.5) / values


def random(values: int, rng: np.random.Generator) -> Array:
    """Lay out as many points as a grid has, each anywhere."""
    drawn = random_search(SQUARE, REPEATS * values**2, rng=rng)
    return np.stack([*drawn.values()], axis=-1).reshape(REPEATS, values**2, 2)


def latin(values: int, rng: np.random.Generator) -> Array:
    """Lay out as many equally spaced values of each parameter as a grid has points, in any order.

    (A Latin square: no row and no column has two points.)
    """
    count = values**2
    middles = np.tile((np.arange(count) + 0.5) / count, (REPEATS, 1))
    points = np.stack([middles, rng.permuted(middles, axis=1)], axis=-1)
    return points + (rng.random((REPEATS, 1, 2)) - 0.5) / count


def jittered(values: int, rng: np.random.Generator) -> Array:
    """Lay out a grid and move each of its points by itself within its own part of the square."""
    points = np.stack([*grid_search(SQUARE, values).values()], axis=-1)
    return points + (rng.random((REPEATS, values**2, 2)) - 0.5) / values


def uneven(values: int, rng: np.random.Generator) -> Array:
    """Lay out a grid whose few values are drawn: not equally spaced."""
    first, second = rng.random((2, REPEATS, values))
    return np.stack([np.repeat(first, values, axis=1), np.tile(second, values)], axis=-1)


LAYOUTS: Mapping[str, Callable[[int, np.random.Generator], Array]] = {
    "grid": grid,
    "random": random,
    "latin": latin,
    "jittered": jittered,
    "uneven": uneven,
}


def formula(config: Config, peak: Array, points: Array) -> Array:
    """Return the score (...) at points (..., 2): 1 at the peak, a half at the edge of the band."""
    away = (points - peak) * (1, config.second)
    return 0.5 ** (np.square(away).sum(axis=-1) / (config.band / 2) ** 2)


def trained(config: Config, points: Array) -> Array:
    """Return the accuracy (...) at points (..., 2): that of the nearest real training."""
    table, window = load_surface(), WINDOWS[config.surface]
    column, row = (
        np.floor(whole.position(part.at(points[..., i])) * len(table)).astype(int)
        for i, (whole, part) in enumerate(zip((LEARNING_RATE, REG), window))
    )
    return table[row.clip(0, len(table) - 1), column.clip(0, len(table) - 1)]


def run(config: Config) -> Result:
    """Lay out all searches and look their points up on the surface."""
    peaks, *layouts = streams(config.seed, "surface", *LAYOUTS)
    peak = MIDDLE.at(peaks.random(2))

    def score(points: Array) -> Array:
        if config.surface == "formula":
            return formula(config, peak, points)
        return trained(config, points)

    places = np.array([lay(config.values, rng) for lay, rng in zip(LAYOUTS.values(), layouts)])
    scores = score(places)
    middles = (np.arange(CELLS) + 0.5) / CELLS
    tried = np.sort(places[:, 0, :, 0].round(9))
    return Result(
        config=config,
        surface=score(np.stack(np.meshgrid(middles, middles), axis=-1)),
        points=places[:, :KEPT],
        scores=scores[:, :KEPT],
        best=scores.max(axis=-1),
        distinct=1 + (np.diff(tried) > 0).sum(axis=-1),
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """H6: random search succeeds more often, as it tries more values. E29: is it the spacing?"""
    rates = {layout: result.rate(layout) for layout in LAYOUTS}
    values = {
        **rates,
        "repeats": REPEATS,
        "points": result.config.values**2,
        "good": result.good,
        "grid_best": result.best[0].mean(),
        "random_best": result.best[1].mean(),
    }
    hits = {layout: result.hits(layout).astype(float) for layout in LAYOUTS}
    h6 = above_over_seeds(hits["random"] - hits["grid"])
    few, many = result.distinct[:2]
    found = [
        Finding(claim="H6", outcome=h6, because=_why(result.config), values=values),
        Finding(
            claim="values",
            outcome=decided(few == result.config.values and many == result.config.values**2),
            identity=True,
            values={"few": few, "many": many},
        ),
    ]
    if h6 is Outcome.HOLDS:
        more_values = above_over_seeds(hits["latin"] - hits["grid"])
        e29 = Finding(claim="E29", outcome=opposite(more_values), misreading=True, values=values)
        found.append(e29)
    return tuple(found)


def _why(config: Config) -> str:
    """Name what decides which of the two wins."""
    if config.surface != "formula":
        return config.surface
    return "equal" if config.second >= MATTERS else ""


def levels(config: Config) -> tuple[Array, Array]:
    """Return what one may ask for, widths of the band or accuracies, and the scores they take."""
    if config.surface == "formula":
        return WIDTHS, HALF ** np.square(WIDTHS / config.band)
    return ACCURACIES, ACCURACIES


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return the points that are drawn, a row per layout, and its rate by what is asked for."""
    drawn = result.config.search - 1
    count = result.config.values**2
    asked, least = levels(result.config)
    return {
        "points": {
            **crossed(layout=tuple(LAYOUTS), point=np.arange(1, count + 1)),
            "first": result.points[:, drawn, :, 0].ravel(),
            "second": result.points[:, drawn, :, 1].ravel(),
            "score": result.scores[:, drawn].ravel(),
        },
        "layouts": {
            "layout": list(LAYOUTS),
            "values": result.distinct,
            "rate": [result.rate(layout) for layout in LAYOUTS],
            "mean best": result.best.mean(axis=-1),
        },
        "rates": {
            **crossed(layout=tuple(LAYOUTS), asked=asked),
            "rate": (result.best[..., None] >= least).mean(axis=1).ravel(),
        },
    }


PRESETS = {
    "lecture": Config(),
    "wider": Config(band=0.3),
    "wide": Config(band=0.35),
    "both": Config(band=0.3, second=1.0, search=14),
    "digits": Config(surface="wide", search=2),
    "digits_narrow": Config(surface="narrow"),
    "digits_both": Config(surface="both", search=14),
}
SMALL = Config(values=2)
SHOWN = (grid_search, random_search, grid, random, latin, formula)
