"""Saturation: what is left of the gradient, by number of units and by input scale."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from core.charts.curves import curves
from core.charts.marks import (
    Align,
    at_position,
    by_width,
    clipped,
    line_ends,
    position,
    remark,
    rule,
    shares_in_words,
    worded,
)
from core.charts.picture import Picture, frame, layers
from core.experiments.activations.saturation.experiment import SCALES, Result, tables
from core.lab.say import number
from core.lab.words import name_of

FLOOR, CEILING = 1e-20, 1e6  # of the log axes
ROOM = 0.09  # of the height: for the remark at ReLU's line
TOOLTIP = [
    alt.Tooltip("name:N", title="function"),
    alt.Tooltip("gradient:Q", title="gradient left", format=".3g"),
    alt.Tooltip("low:Q", title="units that pass less than 6% of their best", format=".1%"),
]


def _domain(shared: Sequence[Result], field: str) -> tuple[float, float]:
    """Return an axis from below the least of what is drawn to 1, or to above the greatest."""
    values = np.concatenate([getattr(result, field).ravel() for result in shared])
    low, high = clipped([values.min(), values.max()], FLOOR, CEILING)
    return min(low / 3, 1e-2), max(high * 2, 1.6)


def _data(result: Result, table: str, domain: tuple[float, float]) -> pd.DataFrame:
    data = frame(tables(result)[table])
    return data.assign(
        series=data["function"],
        name=data["function"].map(name_of),
        left=clipped(data["gradient"], *domain),
    )


def _left(domain: tuple[float, float]) -> alt.Y:
    return (
        alt.Y("left:Q")
        .scale(type="log", domain=domain, nice=False)
        .axis(**worded(_ticks(domain)), domain=False, ticks=False)
        .title("share of the gradient that is left (log)")
    )


def _ticks(domain: tuple[float, float]) -> dict[float, str]:
    """Return ticks in the numbers of the line ends: 1, 0.01, ..., "100 times" above."""
    grown = {10.0**power: f"{10**power:,} times" for power in (2, 4, 6)}
    left = {share: number(share) for share in shares_in_words(domain[0])} | {1: "1 (all of it)"}
    return left | {v: text for v, text in grown.items() if v <= domain[1]}


def chain(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the gradient left against the number of units, a named line per function."""
    domain = _domain(shared, "gradient")
    data, depth = _data(result, "chain", domain), max(r.config.depth for r in shared)
    x = (
        alt.X("units:Q")
        .scale(domain=[1, max(depth, 2)], nice=False)
        .axis(values=_whole(depth), format="d", grid=False)
        .title("units in the chain")
    )
    last = data[data["units"] == result.config.depth]
    ends = {
        row.function: (row.units, row.left, f"{row.name} {number(row.gradient)}")
        for row in last.itertuples(index=False)
    }
    chart = layers(
        curves(data, x=x, y=_left(domain), points=True, tooltip=[alt.Tooltip("units:Q"), *TOOLTIP]),
        line_ends(ends, domain=domain, log=True),
        _reason(result, domain),
        _half(result, domain),
    )
    return Picture(chart, "Gradient left by number of units, a line a function")


def _whole(depth: int) -> list[int]:
    """Return at most ten whole numbers from 1 to depth."""
    return sorted({1, *range(0, depth + 1, -(-depth // 10))} - {0})


def _reason(result: Result, domain: tuple[float, float]) -> alt.Chart | None:
    """Say beside the sigmoid's line why it falls, where there is room for it."""
    functions, depth = result.config.functions, result.config.depth
    if "sigmoid" not in functions or depth < 6 or result.config.weight != 1:
        return None
    left = result.gradient[functions.index("sigmoid"), round(0.4 * depth) - 1]
    y = float(clipped(2 * left, *domain))
    text = "each sigmoid passes\nat most a quarter (1/4)"
    return remark(text, 0.52 * depth, y, meaning="sigmoid")


def _half(result: Result, domain: tuple[float, float]) -> alt.Chart | None:
    """Say below the highest lines why ReLU's is level and tanh's is not, where there is room."""
    functions, depth = result.config.functions, result.config.depth
    if "relu" not in functions or depth < 6 or result.config.weight != 1:
        return None
    left = clipped(result.gradient[:, depth // 3 :], *domain)
    low, high = position(left.min(axis=1), domain, log=True), position(left[:, 0], domain, log=True)
    beside = low[high > high[functions.index("relu")] - ROOM].min() - ROOM
    if any(beside - ROOM < place < beside + ROOM / 2 for place in high):
        return None
    y = float(at_position(beside, domain, log=True))
    text = "ReLU: the first unit is off for half\nthe inputs, the others pass the rest"
    said = [remark(text, 0.36 * depth, y, meaning="relu")]
    if "tanh" in functions and low[functions.index("tanh")] > beside:
        row = {"x": 0.74 * depth, "y": y, "series": "tanh", "short": ""}
        row["text"] = "tanh: slope 1\nonly in the middle"
        said.append(by_width([row], fontStyle="italic"))
    return layers(*said)


def scales(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the gradient left after the whole chain against the scale of the inputs."""
    domain = _domain(shared, "gradient_by_scale")
    data = _data(result, "scales", domain)
    x = (
        alt.X("scale:Q")
        .scale(type="log", domain=[SCALES[0], SCALES[-1]], nice=False)
        .axis(values=[0.1, 0.3, 1, 3, 10, 20], format="~g", grid=False)
        .title("size (std) of the inputs (log)")
    )
    last = data[data["scale"] == SCALES[-1]]
    ends = {
        row.function: (row.scale, row.left, f"{row.name} {number(row.gradient)}")
        for row in last.itertuples(index=False)
    }
    scale = result.config.scale
    side: Align = "left" if scale < np.sqrt(SCALES[0] * SCALES[-1]) else "right"
    chart = layers(
        rule(f"chosen: {number(scale)}", x=scale, at=domain[1] / 1.5, align=side),
        curves(data, x=x, y=_left(domain), points=True, tooltip=[alt.Tooltip("scale:Q"), *TOOLTIP]),
        line_ends(ends, domain=domain, log=True),
    )
    return Picture(chart, "Gradient left by size of the inputs, a line a function")


VIEWS = {"chain": chain, "scales": scales}
