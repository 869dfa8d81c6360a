"""Layers: their histograms in columns, layer 1 on top, and one statistic per layer as lines."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.curves import curves
from core.charts.marks import at_position, clipped, line_ends, on_phone, remark, worded
from core.charts.picture import layers
from core.lab.say import SMALLEST, number, power_of_ten

Array = np.ndarray

ROWS = 10  # of histograms; a deeper network shows ten of its layers
RIDGE = 0.88  # height of the tallest bar of a layer, in rows
FAINT = 0.02  # of a layer's tallest bar: lower ones do not push its number to the right
LINE = 0.07  # of the picture's height: a line of text over the columns
FLOOR, CEILING = 1e-20, 1e12  # of the log axes


def shown_layers(depth: int) -> Array:
    """Return which layers are drawn, from 1: all of them, or ROWS evenly spaced ones."""
    return np.unique(np.linspace(1, depth, min(depth, ROWS)).round().astype(int))


def drawn_counts(counts: Array, zero: Array | None = None) -> Array:
    """Return (..., bins) counts to draw of (..., bins + 1) whose last lie outside the bins.

    zero: (...) share of outputs that are 0, taken out of the first bin (ReLU's are half of all).
    """
    inside = counts[..., :-1].copy()
    if zero is not None:
        inside[..., 0] -= np.rint(zero * counts.sum(axis=-1)).astype(inside.dtype)
    return inside


def ridges(
    counts: Array,
    edges: Array,
    columns: Columns,
    *,
    heads: Mapping[str, str],
    notes: Mapping[str, str],
    stds: Array,
    title: Sequence[str],
    ticks: Mapping[float, str],
) -> Any:
    """Draw a column of histograms per case, each scaled to its own peak, its std beside it.

    counts: (cases, layers, bins); stds: (cases, layers); heads: case -> what became of it, over its
    column; notes: case -> why, below that, not on a phone. title: lines below the axis.
    """
    rows = shown_layers(counts.shape[1])
    counts, stds = counts[:, rows - 1], stds[:, rows - 1]
    shares = counts / counts.max(axis=-1, keepdims=True).clip(1)
    over = _lines(heads) + _lines(notes)
    top = -len(rows) * LINE * over / (1 - LINE * over)
    x = columns.x(title="", ticks=ticks).title(list(title))
    y = alt.Y("y:Q").scale(domain=[len(rows), top], nice=False).axis(None)
    return layers(
        _bars(shares, counts, edges, columns, rows, x, y),
        _stds(shares, stds, edges, columns),
        _numbered(rows, columns.low),
        _over(columns, heads, top, style="head"),
        _over(columns, notes, top * (1 - _lines(heads) / over), wide_only=True, fontStyle="italic"),
    )


def _numbered(rows: Array, x: float) -> Any:
    """Write the layers' numbers left of the first column; an axis leaves out what is dense."""
    said = [f"layer {layer}" if layer == 1 else str(layer) for layer in rows.tolist()]
    data = pd.DataFrame({"x": x, "y": np.arange(len(rows)) + 0.6, "text": said})
    text = alt.Chart(data).mark_text(align="right", baseline="middle", dx=-12, color=colour("soft"))
    return text.encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Text("text:N"))


def _lines(texts: Mapping[str, str]) -> int:
    """Return how many lines the longest of the texts has."""
    return max(text.count("\n") + 1 if text else 0 for text in texts.values())


def _bars(
    shares: Array,
    counts: Array,
    edges: Array,
    columns: Columns,
    rows: Array,
    x: alt.X,
    y: alt.Y,
) -> Any:
    case, row, at = np.nonzero(shares > 0)
    cases = np.array(columns.cases)[case]
    shift = np.array([columns.shift(name) for name in columns.cases])[case]
    data = pd.DataFrame(
        {
            "x": edges[at] + shift,
            "x2": edges[at + 1] + shift,
            "y": row + 1.0,
            "y2": row + 1 - RIDGE * shares[case, row, at],
            "series": cases,
            "layer": rows[row],
            "count": counts[case, row, at],
            "from": edges[at].round(3),
            "to": edges[at + 1].round(3),
        }
    )
    bars = alt.Chart(data).mark_rect(clip=True)
    return bars.encode(
        x,
        y,
        by_meaning(columns.cases),
        alt.X2("x2"),
        alt.Y2("y2"),
        tooltip=[
            alt.Tooltip("layer:Q"),
            alt.Tooltip("from:Q"),
            alt.Tooltip("to:Q"),
            alt.Tooltip("count:Q", format=","),
        ],
    )


def _stds(shares: Array, stds: Array, edges: Array, columns: Columns) -> Any:
    """Write each layer's std to the right of its bars."""
    last = shares.shape[-1] - (shares[..., ::-1] > FAINT).argmax(axis=-1)
    tiny = [((std > 0) & (std < SMALLEST)).any() for std in stds]  # written one way in a column
    data = pd.DataFrame(
        {
            "x": edges[last[case, row]] + columns.shift(name),
            "y": row + 0.6,
            "text": ("std " if row == 0 and len(columns.cases) < 5 else "")
            + _said(stds[case, row], powers=tiny[case]),
            "short": _said(stds[case, row], powers=tiny[case] or len(columns.cases) > 3),
            "series": name,
        }
        for case, name in enumerate(columns.cases)
        for row in range(shares.shape[1])
    )
    return (
        alt.Chart(data)
        .mark_text(
            align="left",
            baseline="middle",
            dx=6,
            fontWeight="bold",
            text=on_phone("datum.short", "datum.text"),
        )
        .encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(columns.cases))
    )


def _said(value: float, powers: bool = False) -> str:
    """Write a std, with a power of ten where that is shorter and `powers` says so."""
    if not math.isfinite(value):
        return "overflow"
    return power_of_ten(value) if powers and 0 < value < 1e-3 else number(value)


def _over(
    columns: Columns, texts: Mapping[str, str], y: float, *, wide_only: bool = False, **mark: Any
) -> Any:
    """Write texts over the columns, in their colours, from y downwards."""
    if not any(texts.values()):
        return None
    middle = (columns.low + columns.high) / 2
    data = pd.DataFrame(
        {"x": middle + columns.shift(case), "y": y, "text": texts[case], "series": case}
        for case in columns.cases
    )
    short = "''" if wide_only else "datum.text"
    return (
        alt.Chart(data)
        .mark_text(baseline="top", lineBreak="\n", text=on_phone(short, "datum.text"), **mark)
        .encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(columns.cases))
    )


def log_domain(*values: Array) -> tuple[float, float]:
    """Return the ends of a log axis that shows all finite positive values, within limits."""
    every = np.concatenate([v.ravel() for v in values])
    seen = clipped(every[np.isfinite(every) & (every > 0)], FLOOR, CEILING)
    if not seen.size:
        return 0.1, 10.0
    return max(min(seen.min() / 3, 0.1), FLOOR), min(max(seen.max() * 3, 10), CEILING)


def decades(domain: tuple[float, float], most: int = 6) -> dict[float, str]:
    """Return round values of a log axis, and how people write them."""
    low, high = (math.log10(end) for end in domain)
    step = max(1, math.ceil((high - low) / most))
    powers = [k for k in range(math.ceil(low), math.floor(high) + 1) if k % step == 0]
    return {10.0**power: number(10.0**power) for power in powers}


def by_layer(
    values: Mapping[str, Array],
    names: Mapping[str, str],
    *,
    domain: tuple[float, float],
    title: str,
    depth: int,
    back: bool = False,
    over: Sequence[Any] = (),
) -> Any:
    """Draw one positive number per layer on a log axis, a line per case, named at its end.

    values: case -> (layers,); names: case -> what it is called; depth: of the deepest network that
    is drawn on this axis; back: it starts with the last layer, as gradients do. over: further
    marks, in the fields layer and drawn.
    """
    data = pd.DataFrame(
        {"series": case, "layer": layer, "value": value}
        for case, column in values.items()
        for layer, value in enumerate(column.tolist(), 1)
    )
    data["drawn"] = clipped(data["value"], *domain)
    first, last = (max(depth, 2), 1) if back else (1, max(depth, 2))
    x = (
        alt.X("layer:Q")
        .scale(domain=[first, last], nice=False)
        .axis(values=shown_layers(depth).tolist(), format="d", grid=False)
        .title("layer, from the last to the first" if back else "layer")
    )
    y = (
        alt.Y("drawn:Q")
        .scale(type="log", domain=domain, nice=False)
        .axis(**worded(decades(domain)), domain=False, ticks=False)
        .title(title)
    )
    ends = {}
    for case, column in values.items():
        end = column[0 if back else -1]
        place = 1 if back else len(column)
        ends[case] = place, float(clipped(end, *domain)), f"{names[case]} {_said(end)}"
    tooltip = [alt.Tooltip("layer:Q"), alt.Tooltip("value:Q", format=".4g")]
    return layers(
        curves(data, x=x, y=y, points=True, tooltip=tooltip),
        *over,
        line_ends(ends, domain=domain, log=True),
        _left_the_axis(data, domain, (first + last) / 2),
    )


def _left_the_axis(data: pd.DataFrame, domain: tuple[float, float], x: float) -> Any:
    """Say where lines end that lie beyond the axis."""
    low, high = domain
    below, above = (data["value"] < low).any(), (~(data["value"] <= high)).any()
    if not (below or above):
        return None
    side, end, place = ("below", low, 0.09) if below else ("above", high, 0.91)
    text = f"{side} {number(end)}: drawn at the edge"
    return remark(text, x, float(at_position(place, domain, log=True)), align="center")


def soft_band(data: pd.DataFrame, text: str) -> Any:
    """Draw a band of columns layer, low and high on a log axis, with its name above its middle."""
    base = alt.Chart(data)
    area = base.mark_area(opacity=0.25, color=colour("context")).encode(
        alt.X("layer:Q"), alt.Y("low:Q"), alt.Y2("high")
    )
    middle = data.iloc[len(data) // 2]
    return alt.layer(area, remark(text, middle["layer"], middle["high"] * 1.25, align="center"))
