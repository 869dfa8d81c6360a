"""Normalize: the batch as numbers through the four steps, and the shape of a large column."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.marks import by_width, remark, texts
from core.charts.picture import Picture, frame, layers
from core.experiments.batchnorm.normalize.experiment import (
    CLOSE,
    EDGES,
    EXAMPLES,
    FEATURES,
    MANY,
    MOMENTS,
    ROUNDING,
    STEPS,
    Result,
    tables,
)
from core.lab.say import number, say

HEAD, PAUSE, FOOT = 2.6, 0.25, 1.9  # rows: above the batch, below it, and for the reason
FEATURE_ROW = 0.4  # above the batch: where its features are numbered
BOTTOM = EXAMPLES + PAUSE + len(MOMENTS) + FOOT
MOMENT_ROWS = {moment: EXAMPLES + PAUSE + 0.5 + i for i, moment in enumerate(MOMENTS)}
FULL, STRONGEST = 3.0, 0.5  # a value of this size has the strongest shade
FINE = 0.05  # std of a column whose values need more digits
MADE_BY = {  # the step after which a moment is what it is, per step
    "mean": ("raw", "centred", "centred", "with"),
    "variance": ("raw", "raw", "normalized", "with"),
    "skewness": ("raw", "raw", "raw", "raw"),
}


def steps(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the batch after every step, and mean, variance and skewness of its columns below."""
    chart = layers(_batches(result, STEPS), remark(_reason(result), 0, BOTTOM - FOOT / 2))
    return Picture(chart, "A batch after each step of batch norm, with its columns' statistics")


def setting(result: Result) -> Picture:
    """Draw the batch before the first step, and what the steps will be."""
    return Picture(_batches(result, STEPS[:1]), "A batch of six examples, two features")


def _reason(result: Result) -> str:
    """Say what made the outputs what they are."""
    config, variance = result.config, result.moments[0, MOMENTS.index("variance")]
    if config.spread == 0:
        outcome = "0/0 is NaN" if config.eps == 0 else "0/√eps is 0"
        return f"Column 2 is constant: minus its mean it is\n0, its variance is 0, and {outcome}."
    if config.added:
        return "Marked: what one changed value moves.\nIts whole column shares mean and std."
    if config.eps > CLOSE * variance.min():
        beside = f"{number(variance.min())} is not large beside eps {number(config.eps)}."
        return f"The divisor is √(variance + eps), and\n{beside}"
    if config.gamma <= 0:
        outcome = "the column is mirrored" if config.gamma else "every output is β"
        return f"Times γ = {number(config.gamma)}: {outcome}."
    return "The whole column is moved and stretched:\nits shape (skewness) stays."


def _batches(result: Result, shown: Sequence[str]) -> Any:
    """Name all steps and draw the batch after those that are shown, a cell per value."""
    config = result.config
    heads = {
        "raw": "input\n ",
        "centred": "minus\nits mean",
        "normalized": "divided\nby its std",
        "with": f"times γ = {number(config.gamma)},\nplus β = {number(config.beta)}",
    }
    columns = Columns(STEPS, 0, FEATURES)
    values, moments = (_placed(result, table, columns, shown) for table in ("values", "moments"))
    return layers(
        _cells(values, columns),
        texts(_row_names(), align="right", dx=-8),
        by_width(_moments(moments), align="center", fontWeight="bold"),
        columns.heads(heads, -1.7),
    )


def _cells(values: pd.DataFrame, columns: Columns) -> Any:
    """Draw the values, their features' numbers above them; mark those that have moved."""
    spread = values.groupby(["step", "feature"])["value"].transform("std")
    values = values.assign(
        x2=values["x"] + 1,
        y=values["example"] - 1,
        y2=values["example"],
        series=np.where(values["value"] < 0, "negative", "positive"),
        shade=STRONGEST * (values["value"].abs() / FULL).clip(upper=1).fillna(0),
        short=[_short(*row) for row in zip(values["value"], spread < FINE)],
        text=[_short(*row, digits=2) for row in zip(values["value"], spread < FINE)],
    )
    x = columns.x(title="", ticks={}).axis(None)
    y = alt.Y("y:Q").scale(domain=[BOTTOM, -HEAD], nice=False).axis(None)
    base = alt.Chart(values).encode(x, y, alt.X2("x2"), alt.Y2("y2"))
    shades = base.mark_rect(stroke=colour("context"), strokeWidth=0.5).encode(
        by_meaning(("negative", "positive")),
        fillOpacity=alt.FillOpacity("shade:Q", scale=None, legend=None),
        tooltip=[
            alt.Tooltip("step"),
            alt.Tooltip("example"),
            alt.Tooltip("feature"),
            alt.Tooltip("value"),
            alt.Tooltip("unmoved"),
        ],
    )
    marked = base.transform_filter("datum.moved").mark_rect(
        fill=None, stroke=colour("ink"), strokeWidth=2.5
    )
    said = [
        {"x": v.x + 0.5, "y": v.y + 0.5, "text": v.text, "short": v.short, "series": "ink"}
        for v in values.itertuples()
    ]
    features = [
        {"x": v.x + 0.5, "y": -FEATURE_ROW, "text": str(v.feature), "series": "soft"}
        for v in values[values["example"] == 1].itertuples()
    ]
    return layers(shades, marked, by_width(said, align="center"), texts(features))


def _row_names() -> list[dict[str, Any]]:
    """Return the names of all rows, left of the first column."""
    examples = [(i + 0.5, str(i + 1) if i else "example 1") for i in range(EXAMPLES)]
    names = [(-FEATURE_ROW, "feature"), *examples, *((y, name) for name, y in MOMENT_ROWS.items())]
    return [{"x": 0, "y": y, "text": name, "series": "soft"} for y, name in names]


def _moments(moments: pd.DataFrame) -> list[dict[str, Any]]:
    """Return mean, variance and skewness of the columns, below them."""
    return [
        {
            "x": m.x + 0.5,
            "y": MOMENT_ROWS[m.moment],
            "text": _moment(m.value, m.moment, digits=2),
            "short": _moment(m.value, m.moment),
            "series": MADE_BY[m.moment][STEPS.index(m.step)],
        }
        for m in moments.itertuples()
    ]


def _placed(result: Result, table: str, columns: Columns, shown: Sequence[str]) -> pd.DataFrame:
    """Return the rows of a table that belong to the shown steps, with their x."""
    data = frame(tables(result)[table]).assign(x=lambda d: d["feature"] - 1.0)
    return columns.shifted(data[data["step"].isin(shown)], "x", case="step")


def _short(value: float, fine: bool, digits: int = 1) -> str:
    """Write a value with some digits after the point, or, among small ones, with one digit."""
    if np.isnan(value):
        return "NaN"
    return number(float(f"{value:.1g}")) if fine else say(f"{{value:.{digits}f}}", {"value": value})


def _moment(value: float, moment: str = "", digits: int = 0) -> str:
    """Write a moment, with as many digits after the point as the values or in short.

    A constant column has no skewness.
    """
    if np.isnan(value):
        return "none" if moment == "skewness" else "NaN"
    if abs(value) < ROUNDING:
        return "0"
    whole = abs(value - round(value)) < 0.5 * 10.0**-digits
    if not digits or whole or abs(value) < 0.1:
        return number(value)
    return say(f"{{value:.{digits}f}}", {"value": value})


def shape(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the histograms of a large skewed column before and after on one axis."""
    density = result.counts / (MANY * (EDGES[1] - EDGES[0]))
    height = 1.15 * density.max()
    middles = (EDGES[:-1] + EDGES[1:]) / 2
    bases = {"raw": 1.25 * height, "normalized": 0.0}
    areas = pd.concat(
        frame({"x": middles, "y": base + part}, base=base, series=series)
        for (series, base), part in zip(bases.items(), density)
    )
    bell = frame({"x": middles, "y": np.exp(-(middles**2) / 2) / np.sqrt(2 * np.pi)})
    x = (
        alt.X("x:Q")
        .scale(domain=[-3.5, 10], nice=False)
        .axis(values=list(range(-2, 11, 2)), grid=False)
        .title("value")
    )
    y = alt.Y("y:Q").scale(domain=[0, 2.4 * height], nice=False).axis(None)
    base = alt.Chart(areas).encode(x, y, by_meaning(areas["series"]))
    names = {"raw": "Before", "normalized": "After"}
    said = [
        {
            "x": 10,
            "y": bases[series] + 0.5 * height,
            "text": f"{names[series]}: mean {_moment(mean)},\nvariance {_moment(variance)},\n"
            f"skewness {_moment(skewness)}",
            "series": series,
        }
        for series, (mean, variance, skewness) in zip(bases, result.many)
    ]
    chart = layers(
        base.mark_area(opacity=0.35, interpolate="step", line=True, clip=True).encode(
            alt.Y2("base")
        ),
        alt.Chart(bell)
        .mark_line(strokeDash=[6, 4], color=colour("soft"))
        .encode(alt.X("x:Q"), alt.Y("y:Q")),
        remark("dashed: a\nbell curve", -3.4, 0.75 * height),
        texts(said, align="right", style="head"),
    )
    return Picture(chart, "A skewed column before and after: moved and squeezed, the same shape")


VIEWS = {"steps": steps, "shape": shape}
SETTING = setting
