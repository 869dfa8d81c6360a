"""Conv: which activations share a mean, and what becomes of an image that is shifted."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.marks import by_width, remark, texts, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.batchnorm.conv.experiment import (
    CONV,
    DRAWN,
    FULLY_CONNECTED,
    SIDE,
    Result,
    tables,
)
from core.lab.say import number

GAP = 1.2  # between maps, px of a digit
STEP = SIDE + GAP
HEAD, FOOT = 5.5, 4.4  # above and below the maps
MARKED = 4, 3  # row and column of the value whose mean is shown
FAINT, STRONGEST = 0.12, 0.85  # opacity of a channel's least and greatest value
FULL = 3.0  # an output of this size has the strongest shade


def groups(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the maps twice: one value's mean in a fully connected layer, all means of this one."""
    means = result.means
    heads = {
        "soft": f"fully connected:\n8·8·{result.config.channels} = {means[FULLY_CONNECTED]} means",
        "ink": f"convolution:\n{_counted(means[CONV])}",
    }
    columns = Columns(tuple(heads), 0, result.config.channels * STEP - GAP)
    cells = _cells(result)
    here = (cells["row"] == MARKED[0]) & (cells["column"] == MARKED[1]) & (cells["channel"] == 0)
    left = cells.assign(series=np.where(here, "class 0", "context"), case="soft")
    left["shade"] = left["shade"].where(~here, 1.0)
    first = pd.DataFrame(
        {"x": 0.0, "x2": SIDE, "y": STEP * i, "y2": STEP * i + SIDE} for i in range(DRAWN)
    )
    framed = pd.concat([left[here], first.assign(case="ink")])
    data = pd.concat([left, cells.assign(case="ink")])
    chart = layers(
        _maps(columns.shifted(data, "x", "x2"), columns, result.config.batch_size),
        _frames(columns.shifted(framed, "x", "x2")),
        columns.heads(heads, -HEAD * 0.62),
        _said(result.config.batch_size, columns),
    )
    return Picture(chart, "The same maps twice, marked by which values share one mean")


def _said(batch: int, columns: Columns) -> Any:
    """Say below the maps what shares one mean, and why."""
    of_filter = f"{batch * SIDE * SIDE:,} values"
    said = [
        {
            "x": columns.shift("soft"),
            "text": f"each place is a feature of its own,\nso {batch} values share one mean",
            "short": f"each place is a\nfeature of its own:\n{batch} values, one mean",
        },
        {
            "x": columns.shift("ink"),
            "text": f"one filter slides over all places,\n"
            f"so {SIDE}·{SIDE}·{batch} = {of_filter} share one mean",
            "short": f"one filter slides over\nall places: {of_filter},\none mean",
        },
    ]
    foot = {"y": DRAWN * STEP + FOOT / 2 - GAP, "series": "soft"}
    return by_width([{**each, **foot} for each in said], style="remark")


def _counted(means: int) -> str:
    return "1 mean" if means == 1 else f"{means} means"


def setting(result: Result) -> Picture:
    """Draw the maps without saying which of their values share a mean."""
    columns = Columns(("context",), 0, result.config.channels * STEP - GAP)
    cells = _cells(result).assign(series="context", case="context")
    chart = _maps(cells, columns, result.config.batch_size)
    return Picture(chart, "Maps of two examples, a column per channel")


def _cells(result: Result) -> pd.DataFrame:
    """Return a square per value, its shade between the channel's least and greatest."""
    data = frame(tables(result)["maps"])
    values = data.groupby("channel")["value"]
    least, greatest = values.transform("min"), values.transform("max")
    share = (data["value"] - least) / (greatest - least)
    x, y = data["channel"] * STEP + data["column"], data["example"] * STEP + data["row"]
    return data.assign(
        x=x.astype(float),
        x2=x + 1.0,
        y=y,
        y2=y + 1,
        shade=FAINT + (STRONGEST - FAINT) * share,
        series="class " + data["channel"].astype(str),
    )


def _maps(data: pd.DataFrame, columns: Columns, batch: int) -> Any:
    """Draw all maps, a row per example and a column per channel."""
    middle = SIDE / 2
    channels = {i * STEP + middle: str(i + 1) for i in range(data["channel"].max() + 1)}
    examples = {i * STEP + middle: str(i + 1) for i in range(DRAWN)}
    y = (
        alt.Y("y:Q")
        .scale(domain=[DRAWN * STEP + FOOT - GAP, -HEAD], nice=False)
        .axis(**worded(examples), grid=False, domain=False, ticks=False)
        .title(f"example ({DRAWN} of {batch} drawn)")
    )
    squares = alt.Chart(data).mark_rect()
    return squares.encode(
        columns.x(title="map of filter (in a convolution: channel)", ticks=channels),
        y,
        alt.X2("x2"),
        alt.Y2("y2"),
        by_meaning(data["series"]),
        opacity=alt.Opacity("shade:Q", scale=None, legend=None),
        tooltip=[
            alt.Tooltip("example"),
            alt.Tooltip("channel"),
            alt.Tooltip("row"),
            alt.Tooltip("column"),
            alt.Tooltip("value:Q", format=".2f"),
        ],
    )


def _frames(data: pd.DataFrame) -> Any:
    """Draw frames around what shares one mean."""
    frames = alt.Chart(data[["x", "x2", "y", "y2"]]).mark_rect(
        fill=None, stroke=colour("ink"), strokeWidth=2.5
    )
    return frames.encode(alt.X("x:Q"), alt.Y("y:Q"), alt.X2("x2"), alt.Y2("y2"))


def shift(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw an output, that of the shifted image shifted back, and their difference."""
    pixels = result.config.shift
    heads = {"ink": "output", "shifted": "image shifted", "soft": "difference"}
    columns = Columns(tuple(heads), 0, SIDE)
    row = SIDE + 3.0
    down, across = np.indices((SIDE, SIDE)).reshape(2, -1)
    parts = [
        frame({"x": across, "y": kind * row + down, "value": values.ravel()}, case=case)
        for kind, (own, back) in enumerate(result.shifted)
        for case, values in zip(heads, (own, back, back - own))
    ]
    data = columns.shifted(pd.concat(parts), "x")
    data = data.assign(
        x2=data["x"] + 1,
        y2=data["y"] + 1,
        series=np.where(data["value"] < 0, "negative", "positive"),
        shade=(data["value"].abs() / FULL).clip(upper=1),
    )
    y = alt.Y("y:Q").scale(domain=[2 * row + 1.5, -4.5], nice=False).axis(None)
    squares = (
        alt.Chart(data)
        .mark_rect(stroke=colour("grid"), strokeWidth=0.5)
        .encode(
            columns.x(title="", ticks={}).axis(None),
            y,
            by_meaning(("negative", "positive")),
            alt.X2("x2"),
            alt.Y2("y2"),
            fillOpacity=alt.FillOpacity("shade:Q", scale=None, legend=None),
            tooltip=[alt.Tooltip("value:Q", format=".2f")],
        )
    )
    words = [
        {"x": 0, "y": kind * row - 1.0, "text": f"one mean per {of}: {changed}", "series": series}
        for kind, (of, changed, series) in enumerate(
            zip(
                ("channel", "value"),
                (f"changed by {number(change)}" for change in result.changed),
                ("good", "bad"),
            )
        )
    ]
    moved = f"Middle: image moved by {pixels} px,\nits output moved back by {pixels} px."
    chart = layers(
        squares,
        texts(words, align="left", fontWeight="bold"),
        columns.heads(heads, -2.6),
        remark(moved, 0, 2 * row - 0.6),
    )
    return Picture(chart, "Output of an image as it is and shifted, with a mean of either kind")


VIEWS = {"groups": groups, "shift": shift}
SETTING = setting
